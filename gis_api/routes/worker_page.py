"""The phone page of a worker, which also opens without a line: its service worker and its manifest are served here."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from gis_api import texts
from gis_api.dependencies import MaybePerson, public
from gis_api.incident_json import may_of
from gis_api.maps.assets import OWN_FOLDER, build_own_url, modules_of
from gis_api.pages import may_open, page, reader_of, refuse_reader
from layers.access import Actor
from layers.assignments import codes_served
from layers.db import transaction
from layers.incidents import WORKFLOW, Part
from layers.moments import read_clock
from layers.shifts import DutiesAsked, list_duties
from layers.workers import Worker

# Whoever is not signed in gets the sign-in, whoever may not look gets a page that says so: hence no door here.
router = APIRouter(include_in_schema=False, dependencies=[public])
SECTIONS = (
    *("phone", "steps", "tasks", "case", "clock", "report", "photos", "incidents", "dispatch", "locate", "split"),
    *("recall", "roles_in_grid", "check_in"),
)
# What a worker may be to a case: the page offers by these what follows a step that it has kept.
PARTS = (Part.holder, Part.reporter, Part.finder, Part.checker, Part.collector, Part.watched, Part.called)
DUTY_AHEAD = timedelta(days=7)
ENTRIES = ("js/phone/main.js", "js/cut.js", "js/parts/account.js")
FILES = ("css/colours.css", "css/frame.css", "css/home.css", "css/phone.css", "pictures/grid.svg")
ICONS = (
    ("pictures/grid.svg", "any", "image/svg+xml"),
    *((f"pictures/grid-{n}.png", n, "image/png") for n in (192, 512)),
)
# The colours of the bar and of the ground before the page is drawn; css/colours.css has the same.
THEME, GROUND = "#ffffff", "#faf9f6"


@router.get("/worker")
def worker(request: Request, person: MaybePerson) -> Response:
    """Tasks and reports for one hand, with a line or without one."""
    reader = reader_of(request, person)
    if person is None or not may_open(reader, "worker"):
        return refuse_reader(reader)
    return page(reader, "worker", config=_build_config(request, person), sections=SECTIONS)


def _build_config(request: Request, person: Actor) -> dict[str, Any]:
    """What the page must know before it may ask: whose it is, their grids and duty, and what may follow which step."""
    rows = [
        {"step": rule.step, "who": rule.who, "after": rule.after, "may": may_of(rule)}
        for rule in WORKFLOW
        if not set(PARTS).isdisjoint(rule.who)
    ]
    nobody: dict[str, Any] = {"worker": None, "grids": [], "duties": []}
    return {
        "workflow": rows,
        **(nobody if person.worker_id is None else _describe_owner(request, person, person.worker_id)),
    }


def _describe_owner(request: Request, person: Actor, worker_id: int) -> dict[str, Any]:
    now = read_clock()
    with transaction(request.app.state.engine) as session:
        number = session.get_one(Worker, worker_id).number
        grids = codes_served(session, [worker_id], at=now)[worker_id]
        asked, anywhere = DutiesAsked(worker=number), replace(person, area="")
        duties = list_duties(session, now, now + DUTY_AHEAD, asked=asked, by=anywhere)
        spans = [{"since": duty.since.isoformat(), "until": duty.until.isoformat()} for duty in duties]
    return {"worker": number, "grids": grids, "duties": spans}


@router.get("/worker.js")
def service_worker() -> Response:
    """The script that keeps the page and its files on the phone; asked for anew at each visit."""
    addresses = [*map(build_own_url, (*ENTRIES, *FILES)), *(url for entry in ENTRIES for url in modules_of(entry))]
    version = build_own_url("").split("/")[2]
    shell = json.dumps({"version": version, "assets": sorted(set(addresses))})
    source = Path(OWN_FOLDER / "js/phone/service.js").read_text(encoding="utf-8")
    headers = {"Cache-Control": "no-cache"}
    return Response(f"self.shell = {shell};\n{source}", media_type="text/javascript", headers=headers)


@router.get("/worker.webmanifest")
def manifest(lang: str = texts.DEFAULT) -> Response:
    """What a phone needs to know to put the page among its programs; browsers ask for it without a sign-in."""
    chosen = lang if lang in texts.LANGUAGES else texts.DEFAULT
    icons = [
        {"src": build_own_url(path), "sizes": str(n) if n == "any" else f"{n}x{n}", "type": kind}
        for path, n, kind in ICONS
    ]
    told = {
        **{"name": texts.text("phone.title", chosen), "short_name": texts.text("product.name", chosen)},
        **{"id": "/worker", "start_url": "/worker", "scope": "/worker", "display": "standalone", "lang": chosen},
        **{"theme_color": THEME, "background_color": GROUND, "icons": icons},
    }
    headers = {"Cache-Control": "no-cache"}
    return JSONResponse(told, media_type="application/manifest+json", headers=headers)
