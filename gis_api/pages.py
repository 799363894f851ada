"""How any page is made: who reads it in which language, may they, the frame, the config, the errors as pages.

A page is a frame (``templates/frame.html``), a folium map (``gis_api/maps``) and one ES module; its data come from
``/api/v1``, so a page knows no more than its reader may ask for. What a page's module needs to know stands in one JSON
object, the ``#config`` element.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gis_api import texts
from gis_api.auth import SHORTEST_PASSWORD
from gis_api.maps.assets import build_own_url, modules_of
from gis_api.settings import Settings
from layers.access import Actor

# The packages that draw maps are loaded with the first page, or soon after the start (`gis_api.app`): they take longer
# than all the rest of a start, and a lookup does not need them.
if TYPE_CHECKING:
    from branca.element import Element

    from gis_api.maps.ground import BaseMap

# Page -> who may open it. The interface checks again what each of them may read: this table only spares a reader a
# page full of refusals.
EVERYBODY = ("planner", "dispatcher", "leader", "worker", "unit", "admin", "auditor")
READERS: Mapping[str, tuple[str, ...]] = {
    "home": EVERYBODY,
    "planner": ("planner", "admin"),
    "heat": ("leader", "planner", "dispatcher", "admin"),
    "figures": ("leader", "dispatcher", "admin", "auditor"),
    "grid": EVERYBODY,
    "plans": ("planner", "admin"),
    "plan": ("planner", "admin"),
    "certificate": ("planner", "admin"),
    "difference": ("planner", "admin"),
    "rebase": ("planner", "admin"),
    "replay": ("planner", "dispatcher", "admin"),
    "imports": ("planner", "admin"),
    "centre": ("dispatcher", "admin"),
    "report": ("dispatcher",),
    "worker": ("worker",),
    "standards": ("dispatcher", "leader", "worker", "unit", "admin", "auditor"),
    "rosters": ("planner", "dispatcher", "leader", "admin", "auditor"),
    "incident": ("dispatcher", "worker", "unit", "admin", "auditor"),
}
DOORS = ("home", "centre", "report", "worker", "planner", "plans", "heat", "figures", "rosters", "standards")
PATHS = {
    "home": "/",
    "centre": "/centre",
    "report": "/report",
    "worker": "/worker",
    "planner": "/planner",
    "plans": "/plans",
    "heat": "/heat",
    "figures": "/figures",
    "rosters": "/rosters",
    "standards": "/standards",
}
# Whose home is another page.
ELSEWHERE = {"dispatcher": "centre"}
LANGUAGE_COOKIE = "lang"


@dataclass(frozen=True)
class Reader:
    """Who looks at which address in which language: what every page is made from."""

    person: Actor | None
    lang: str
    here: str
    base_map: BaseMap | None
    notices: str


def reader_of(request: Request, person: Actor | None) -> Reader:
    """The reader of this request, with the language of pages."""
    from gis_api.maps.ground import BaseMap

    settings: Settings = request.app.state.settings
    return Reader(
        person=person,
        lang=language_of_page(request, person),
        here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        base_map=BaseMap(settings.base_map_url, settings.base_map_datum) if settings.base_map_url else None,
        notices=settings.map_notice,
    )


def language_of_page(request: Request, person: Actor | None) -> str:
    """The language of a page: the cookie's, else the person's, else Chinese."""
    asked = request.cookies.get(LANGUAGE_COOKIE) or (person.language if person else texts.DEFAULT)
    return asked if asked in texts.LANGUAGES else texts.DEFAULT


def error_page(request: Request, status: int, *, person: Actor | None = None, detail: str = "") -> Response:
    """An error as a page, for whoever asked for a page: 401 is the sign-in, the others say what to do next."""
    reader = reader_of(request, person)
    return sign_in(reader, status=401) if status == 401 else _show_error(reader, status, detail=detail)


def keep_local_path(address: str) -> str:
    """An address of this service to go back to; anything that could lead elsewhere becomes the home page."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return address if inside and address.isprintable() else "/"


def sign_in(reader: Reader, *, status: int = 200) -> Response:
    """The sign-in; after it the reader goes on to the page that was asked for."""
    config = {"next": keep_local_path(reader.here)}
    return page(reader, "sign_in", status=status, config=config, sections=("sign_in",), values={"status": status})


def may_open(reader: Reader, name: str) -> bool:
    """Whether this page is for the reader."""
    return reader.person is not None and reader.person.role in READERS[name]


def refuse_reader(reader: Reader) -> Response:
    """What somebody gets for whom a page is not: the sign-in, or a page that says so."""
    return sign_in(reader, status=401) if reader.person is None else _show_error(reader, 403)


def map_page(
    reader: Reader,
    name: str,
    *,
    layers: Sequence[Element] = (),
    config: Mapping[str, Any] | None = None,
    sections: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
) -> Response:
    """A page with a map on the stored ground; 401 and 403 are answered with their pages."""
    from gis_api.maps.ground import ground

    if not may_open(reader, name):
        return refuse_reader(reader)
    drawn = (*ground(reader.base_map), *layers)
    told = {**map_config(reader), **(config or {})}
    return page(
        reader, name, config=told, sections=("map", *sections), values={"ahead": (), **(values or {})}, layers=drawn
    )


def page(
    reader: Reader,
    name: str,
    *,
    status: int = 200,
    config: Mapping[str, Any] | None = None,
    sections: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    layers: Sequence[Element] = (),
) -> Response:
    """One page in the reader's language, with the nonce of this answer on everything that runs in it."""
    from gis_api.maps.base import map_parts, policy

    nonce = secrets.token_urlsafe(18)
    person, lang = reader.person, reader.lang
    html = (
        _templates()
        .get_template(f"{name}.html")
        .render(
            **(values or {}),
            page=name,
            nonce=nonce,
            reader=reader,
            person=person,
            lang=lang,
            here=reader.here,
            other_lang=next(other for other in texts.LANGUAGES if other != lang),
            doors=_doors(person),
            map=map_parts(layers, nonce) if layers else None,
            t=partial(_text, lang),
            config=_build_config(reader, sections=("frame", *sections), values=config or {}),
        )
    )
    origin = _origin(reader.base_map.url) if reader.base_map else ""
    headers = {
        "Content-Security-Policy": policy(nonce, tile_origin=origin),
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(html, status_code=status, headers=headers)


def _show_error(reader: Reader, status: int, *, detail: str = "") -> Response:
    known = status if texts.has(f"wrong.detail_{status}") else 500
    said = detail or texts.text(f"wrong.detail_{known}", reader.lang)
    return page(reader, "wrong", status=status, values={"status": known, "detail": said})


def _build_config(reader: Reader, *, sections: Sequence[str], values: Mapping[str, Any]) -> dict[str, Any]:
    person = reader.person
    known = {"name": person.name, "role": person.role, "area": person.area} if person else None
    words = {f"{name}.{key}": text for name in sections for key, text in texts.section(name, reader.lang).items()}
    return {"lang": reader.lang, "texts": words, "person": known, "shortest_password": SHORTEST_PASSWORD, **values}


def _doors(person: Actor | None) -> list[dict[str, str]]:
    if person is None:
        return []
    names = [
        name for name in DOORS if person.role in READERS[name] and (name != "home" or person.role not in ELSEWHERE)
    ]
    return [{"page": name, "path": PATHS[name]} for name in names]


def map_config(reader: Reader) -> dict[str, Any]:
    """What a page's module must know of its map: its name, the ground's colours, the datum of the base map."""
    from gis_api.maps.ground import styles, variables

    drawn = {"ground": variables(reader.base_map), "ground_styles": styles()}
    return {"map": "map_main", **drawn, "datum": _datum(reader.base_map)}


def _text(lang: str, key: str, **values: object) -> str:
    return texts.text(key, lang, **values)


def _datum(base_map: BaseMap | None) -> str:
    return base_map.datum if base_map else "wgs84"


def _origin(url: str) -> str:
    parts = urlsplit(url.replace("{s}", "*"))
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


@cache
def _templates() -> Environment:
    folder = Path(__file__).parent / "templates"
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    made.globals["own"] = build_own_url
    made.globals["modules_of"] = modules_of
    return made
