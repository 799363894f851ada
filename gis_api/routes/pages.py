"""The pages: sign-in and the home of each role, planner, heat, one grid, the documentation.

How a page is made is `gis_api.pages`; those of plans and imports have modules of their own.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from gis_api import texts
from gis_api.dependencies import MaybePerson, public
from gis_api.maps.assets import vendor_url
from gis_api.pages import (
    LANGUAGE_COOKIE,
    Reader,
    keep_local_path,
    map_config,
    map_page,
    may_open,
    page,
    reader_of,
    refuse_reader,
    sign_in,
)
from layers.access import Actor
from layers.assignments import codes_served
from layers.db import transaction
from layers.evaluation import LEADING
from layers.moments import read_clock
from layers.planning.state.loading import HOUSEHOLDS_TOLERANCE
from layers.workers import Worker
from tiling.defects.report import BY_REPAIR_ALONE, MENDED_AS_NOISE, REPAIRABLE, WARNINGS

# Whoever is not signed in gets the sign-in, whoever may not look gets a page that says so: hence no door here.
router = APIRouter(include_in_schema=False, dependencies=[public])

# Role -> the cards of its home, in order; js/home/<card>.js fills the element of that name.
CARDS: Mapping[str, tuple[str, ...]] = {
    "planner": ("plans", "locate"),
    "dispatcher": ("report", "place", "locate", "incidents"),
    "leader": ("figures",),
    "worker": ("tasks", "report", "mine", "locate"),
    "unit": ("tasks",),
    "admin": ("plans", "locate", "accounts", "workers", "categories", "webhooks", "history", "calendar", "run_cards"),
    "auditor": ("history", "incidents"),
}
WIDE = (
    "figures",
    "incidents",
    "tasks",
    "accounts",
    "workers",
    "categories",
    "webhooks",
    "history",
    "calendar",
    "run_cards",
)
HOME_SECTIONS = (
    "home",
    "plans",
    "steps",
    "roles",
    "roles_in_grid",
    "dispatch",
    "report",
    "incidents",
    "tasks",
    "case",
    "clock",
    "locate",
    "map",
    "search",
    "photos",
    "why",
    "split",
    "recall",
    "leaving",
    "check_in",
    "calls",
    "run_cards",
)
# What any page says that shows an incident in full.
CASE_SECTIONS = (
    *("steps", "roles_in_grid", "dispatch", "report", "incidents", "case", "clock", "locate", "tasks", "why", "photos"),
    *("split", "recall", "check_in", "calls"),
)
# What js/planner/obstacles.js tells as impossible, by the error's code.
TOLD_AHEAD = ("frame_vertex", "invalid_shape", "line_does_not_cross", "not_neighbours", "not_nested", "would_break")
# What the service decides and the page shows: how far households may be from their target, which problems are warnings
# and which of them are mended how.
RULES: Mapping[str, Any] = {
    "households_tolerance": HOUSEHOLDS_TOLERANCE,
    "warnings": sorted(WARNINGS),
    "repairable": sorted(REPAIRABLE),
    "by_repair_alone": sorted(BY_REPAIR_ALONE),
    "mended_as_noise": sorted(MENDED_AS_NOISE),
}
A_YEAR_S = 365 * 86_400


@router.get("/")
def home(request: Request, person: MaybePerson) -> Response:
    """The home of the reader's role, or the sign-in."""
    reader = reader_of(request, person)
    if reader.person is None:
        return sign_in(reader)
    if reader.person.role == "dispatcher":
        # Where a desk works is the centre; what it registers by hand has a page of its own.
        return RedirectResponse("/centre", status_code=303)
    return _cards(request, reader, reader.person)


@router.get("/report")
def report(request: Request, person: MaybePerson) -> Response:
    """Where a desk registers what is told by phone, looks up a place and goes through the list of cases."""
    reader = reader_of(request, person)
    if reader.person is None or not may_open(reader, "report"):
        return refuse_reader(reader)
    return _cards(request, reader, reader.person)


def _cards(request: Request, reader: Reader, person: Actor) -> Response:
    from gis_api.maps.ground import ground

    cards = CARDS[person.role]
    sections = dict.fromkeys((*HOME_SECTIONS, *cards))
    mapped = "place" in cards
    config = {**_duties(request, person), **(map_config(reader) if mapped else {})}
    layers = ground(reader.base_map) if mapped else ()
    values = {"cards": cards, "wide": WIDE}
    return page(reader, "home", config=config, sections=tuple(sections), values=values, layers=layers)


@router.get("/planner")
def planner(request: Request, person: MaybePerson, plan: str = "") -> Response:
    """The boundary editor on one plan; without a plan, the list to choose from."""
    sections = ("plans", "plan", "difference", "planner", "defects", "repair", "search", "brush", "together", "divide")
    address = f"/api/v1/plans/{quote(plan, safe='')}"
    ahead = (f"{address}/topology", address) if plan else ()
    from gis_api.maps.ground import choices

    reader = reader_of(request, person)
    # What the page tells as impossible while one draws, it tells in the words of the refusal that would follow.
    refusals = {code: texts.text(f"errors.{code}", reader.lang) for code in TOLD_AHEAD}
    config = {"plan": plan, "refusals": refusals, "rules": RULES}
    values = {"ahead": ahead, "choices": choices()}
    return map_page(reader, "planner", config=config, sections=sections, values=values)


@router.get("/heat")
def heat(request: Request, person: MaybePerson) -> Response:
    """The heat of hazards and incidents by cell, with time."""
    from gis_api.maps.heat import cells

    return map_page(reader_of(request, person), "heat", layers=cells(), sections=("heat", "search"))


@router.get("/figures")
def figures(request: Request, person: MaybePerson) -> Response:
    """How areas, units, posts and workers do, and the cases behind each number."""
    reader = reader_of(request, person)
    if reader.person is None or not may_open(reader, "figures"):
        return refuse_reader(reader)
    config = {"by_worker": reader.person.role in LEADING, "cases": may_open(reader, "incident")}
    return page(reader, "figures", config=config, sections=("evaluation", "steps", "roles_in_grid", "dispatch"))


@router.get("/grid/{code}")
def grid(request: Request, person: MaybePerson, code: str) -> Response:
    """What is in one grid, as far as the reader may know."""
    return map_page(
        reader_of(request, person), "grid", config={"code": code}, sections=("grid", "steps", "roles_in_grid")
    )


@router.get("/centre")
def centre(request: Request, person: MaybePerson) -> Response:
    """The desk of a centre: the queue with its clocks, who is where, and why this worker."""
    return map_page(reader_of(request, person), "centre", sections=(*CASE_SECTIONS, "centre", "emergency", "search"))


@router.get("/rosters")
def rosters(request: Request, person: MaybePerson) -> Response:
    """The week of an area: who is on duty, what is short, and changes that are tried before they are saved."""
    reader = reader_of(request, person)
    if not may_open(reader, "rosters"):
        return refuse_reader(reader)
    config = {"zone": request.app.state.settings.zone.key}
    return page(reader, "rosters", config=config, sections=("rosters",))


@router.get("/standards")
def standards(request: Request, person: MaybePerson) -> Response:
    """The city's standard sheet: read by everybody, taken in by an admin."""
    reader = reader_of(request, person)
    if not may_open(reader, "standards"):
        return refuse_reader(reader)
    return page(reader, "standards", sections=("standards",))


@router.get("/incidents/{incident_id}")
def incident(request: Request, person: MaybePerson, incident_id: str) -> Response:
    """One incident: its way so far, the decision on a map, photos, and the steps that the reader may take."""
    config = {"incident": incident_id, **(_duties(request, person) if person is not None else {})}
    return map_page(reader_of(request, person), "incident", config=config, sections=CASE_SECTIONS)


@router.get("/language")
def language(to: str, next: str = "/") -> Response:  # noqa: A002  # the word of the address
    """Remember a language for a year and go back; an unknown one changes nothing."""
    answer = RedirectResponse(keep_local_path(next), status_code=303)
    if to in texts.LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, to, max_age=A_YEAR_S, samesite="lax", httponly=True)
    return answer


@router.get("/api/v1/docs")
def documentation(request: Request, person: MaybePerson) -> Response:
    """The documentation of the interface, drawn by local assets."""
    reader = reader_of(request, person)
    values = {"script": vendor_url("swagger-ui-dist-5.35.0/swagger-ui-bundle.js")}
    style = vendor_url("swagger-ui-dist-5.35.0/swagger-ui.css")
    return page(reader, "documentation", config={"openapi": "/api/v1/openapi.json"}, values={**values, "style": style})


def _duties(request: Request, person: Actor) -> dict[str, Any]:
    """The number under which incidents name this worker, and the grids served today; empty for whoever is none."""
    if person.worker_id is None:
        return {"worker": None, "grids": []}
    with transaction(request.app.state.engine) as session:
        worker = session.get_one(Worker, person.worker_id)
        served = codes_served(session, [person.worker_id], at=read_clock())
        return {"worker": worker.number, "grids": served[person.worker_id]}
