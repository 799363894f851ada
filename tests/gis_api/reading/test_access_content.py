"""What an answer holds, not only its status: every GET route × every role × own and other area ([A1]).

One community of the small city is full of things with a mark: a case that nobody has, reported by a resident, a hazard,
a device, a job, people, keys, lines of history. Whoever has another community, or another district,
asks for everything in every way, and no answer may hold any of the marks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from geoalchemy2.shape import from_shape
from shapely import Point
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.fast_locate import Service
from gis_api.settings import Settings
from layers import categories, history, incidents, jobs
from layers.access import Actor, Role, add_key, add_user
from layers.db import make_engine, transaction
from layers.devices import Device
from layers.hazards import Hazard
from layers.incidents import STEPS, Incident
from migrations.cluster import Cluster
from tests.databases import passing_database
from tests.gis_api.conftest import AREA, Prepared, client_of_key
from tests.gis_api.duty import put_on_duty
from tests.gis_api.reading.test_access_matrix import EXPECTED, ROUTES
from tests.small_city import SmallCity

MARK = "暗记"
Ask = Callable[[str, str], TestClient]
ELSEWHERE = "130999"
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Marked:
    """What lies in the marked community, and by which words it would be known in an answer."""

    app: Service
    engine: Engine
    started: TestClient
    city: SmallCity
    community: str
    own: str
    ids: Mapping[str, str]
    place: tuple[float, float]
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def marked(cluster: Cluster, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Marked]:
    """A service of this file's own, with a marked community."""
    with passing_database(cluster, prepared.url) as url:
        engine = make_engine(url)
        put_on_duty(engine)
        city = prepared.city
        code = max(city.codes)
        community, own = code[:12], min(city.codes)[:12]
        lon, lat = city.inside(code)
        with transaction(engine) as session:
            ids = _fill(session, code, (lon, lat), city)
        words = (community, MARK, *(number for place, number in city.worker_of.items() if place.startswith(community)))
        app = create_app(Settings(database_url=url, var=tmp_path_factory.mktemp("var")))
        with TestClient(app, raise_server_exceptions=False) as started:
            yield Marked(app, engine, started, city, community, own, ids, (lon, lat), words)
        engine.dispose()


def _fill(session: Any, code: str, place: tuple[float, float], city: SmallCity) -> dict[str, str]:
    point = from_shape(Point(place), srid=4326)
    where = {"grid_code": code[:15], "current_code": code}
    incident = incidents.add_incident(
        session,
        lon=place[0],
        lat=place[1],
        reporter={"kind": "resident", "name": MARK, "phone": "13912345678"},
        state="waiting",
        waiting_reason="nobody_on_duty",
        category="sanitation",
        description=MARK,
        occurred_at=NOW - timedelta(hours=1),
        reported_at=NOW - timedelta(hours=1),
        raw_lon=place[0],
        raw_lat=place[1],
        district=city.district,
        **where,
    )
    category = session.scalar(select(categories.Category.code).where(~categories.Category.resident_derived))
    raw = {"raw_lon": place[0], "raw_lat": place[1]}
    session.add(Hazard(category=category, found_at=NOW - timedelta(days=1), geom=point, **raw, **where))
    session.add(Device(serial=MARK, kind="sos_button", grid_code=code[:15], geom=point))
    owner = Actor(name=MARK, role=Role.planner, area=code[:12])
    job = jobs.add_job(session, "import", task={"file": MARK}, area=code[:12], by=owner)
    add_user(session, MARK, role=Role.worker, area=code[:12], password_hash="x")
    add_key(session, f"{MARK}k", role=Role.worker, area=code[:12])
    history.note(session, "incident.step", subject=MARK, area=code, by=owner)
    session.flush()
    return {
        "incident_id": str(incident.id),
        "job_id": job.id,
        "plan_id": str(city.plan_id),
        "number": city.worker_of[code],
        "code": code,
        "name": MARK,
    }


# A stream has no end: test_plan_live sees to those. What is said of a plan as a whole ([P1]: its report, who edited it)
# is for whoever draws a part of it; of grids, people and ground they are told their own.
OF_THE_WHOLE_PLAN = ("/api/v1/plans/{plan_id}/coverage",)
READ = [
    path
    for method, _, path in (name.partition(" ") for name in EXPECTED)
    if method == "GET" and not path.endswith("/live") and path not in OF_THE_WHOLE_PLAN
]


def questions(marked: Marked, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The addresses and parameters with which the marked community is asked for."""
    lon, lat = marked.place
    address = re.sub(r"\{(\w+)(?::path)?\}", lambda found: marked.ids.get(found[1], found[0]), path)
    box = f"{lon - 1},{lat - 1},{lon + 1},{lat + 1}"
    if path.startswith("/tiles"):
        for name in ("grids", "sub_grids", "areas", "hazards"):
            for z, x, y in ((14, *_tile(14, lon, lat)), (16, *_tile(16, lon, lat))):
                yield address.replace("{name}", name).format(z=z, x=x, y=y), {}
        return
    common: tuple[dict[str, Any], ...] = (
        {},
        {"area": ""},
        {"area": marked.community},
        {"bbox": box},
        {"lon": lon, "lat": lat},
        {"lon": lon, "lat": lat, "accuracy_m": 500},
        {"q": MARK},
        {"q": marked.ids["code"]},
        {"worker": marked.ids["number"]},
        {"grid": marked.ids["code"]},
        {"subject": MARK},
        {"changed_since": "2020-01-01T00:00:00Z"},
        {"since": "0" if "events" in path else (NOW - timedelta(days=5)).isoformat()},
        {"against": marked.ids["plan_id"]},
    )
    known = set(_parameters(ROUTES[f"GET {path}"].dependant))
    for asked in common:
        if set(asked) <= known:
            yield address, asked


def _parameters(dependant: Any) -> Iterator[str]:
    """The query parameters that a route knows."""
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _parameters(inner)


def _tile(z: int, lon: float, lat: float) -> tuple[int, int]:
    return int((lon + 180) / 360 * 2**z), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("where", ["own", "elsewhere"])
def test_no_answer_holds_anything_of_another_area(marked: Marked, role: Role, where: str) -> None:
    area = marked.own if where == "own" else ELSEWHERE
    client = client_of_key(marked.app, marked.started, marked.engine, role=role, area=area, datum="wgs84")
    told = []
    for path in READ:
        if EXPECTED[f"GET {path}"] != "public" and role not in EXPECTED[f"GET {path}"].split():
            continue  # 403, which test_access_matrix sees to
        for address, asked in questions(marked, path):
            answer = client.get(address, params=asked)
            sent = f"{address} {asked.values()}"
            found = [word for word in marked.words if word in answer.text and word not in sent]
            assert answer.status_code < 500, (address, asked)
            if found:
                told.append((path, asked, answer.status_code, found, answer.text[:300]))
    assert not told, told


@pytest.fixture
def ask(marked: Marked) -> Ask:
    """Makes a client with a key of a role and an area."""

    def made(role: str, area: str) -> TestClient:
        return client_of_key(marked.app, marked.started, marked.engine, role=role, area=area, datum="wgs84")

    return made


@pytest.mark.parametrize("role", ["dispatcher", "worker", "unit", "admin"])
def test_nobody_moves_a_case_of_another_area(marked: Marked, ask: Ask, role: str) -> None:
    before = _state(marked)
    for area in (marked.own, ELSEWHERE):
        client = ask(role, area)
        for step in STEPS:
            body = {"step": step, "lon": marked.place[0], "lat": marked.place[1], "to": marked.ids["number"]}
            told = client.post(f"/api/v1/incidents/{marked.ids['incident_id']}/steps", json=body)
            assert (told.status_code, MARK in told.text) == (404, False), step
    assert _state(marked) == before


@pytest.mark.parametrize("state", ["waiting", "dispatched", "accepted", "arrived", "handled"])
def test_a_worker_without_a_staff_number_has_no_task_and_moves_none(marked: Marked, ask: Ask, state: str) -> None:
    reason = "nobody_on_duty" if state == "waiting" else None
    with transaction(marked.engine) as session:
        incident = session.get_one(Incident, int(marked.ids["incident_id"]))
        incident.state, incident.waiting_reason = state, reason
    everywhere, here = ask("worker", ""), ask("worker", marked.community)
    assert everywhere.get("/api/v1/incidents").json()["incidents"] == []
    for step in STEPS:
        body = {"step": step, "lon": marked.place[0], "lat": marked.place[1]}
        address = f"/api/v1/incidents/{marked.ids['incident_id']}/steps"
        assert everywhere.post(address, json=body).status_code == 404
        assert here.post(address, json=body).status_code in (403, 409), step
    assert _state(marked) == state


@pytest.mark.parametrize("where", ["", "own", "here", "elsewhere"])
def test_a_worker_without_a_staff_number_reports_nobodys_position(marked: Marked, ask: Ask, where: str) -> None:
    area = {"": "", "own": marked.own, "here": marked.community, "elsewhere": ELSEWHERE}[where]
    lon, lat = marked.place
    fix = {"worker": marked.ids["number"], "lon": lon, "lat": lat, "fixed_at": datetime.now(UTC).isoformat()}
    told = ask("worker", area).post("/api/v1/positions", json={"fixes": [fix]}).json()
    assert (told["stored"], told["late"], len(told["refused"])) == (0, 0, 1)


def test_a_dispatcher_of_one_community_replays_its_incidents_only(marked: Marked, ask: Ask) -> None:
    with transaction(marked.engine) as session:
        # Accepted by a grid far from where it lies, so that it goes elsewhere under any plan.
        session.get_one(Incident, int(marked.ids["incident_id"])).grid_code = f"{marked.community}099"
    counted = {}
    for area in (AREA, marked.community, marked.own):
        address = f"/api/v1/plans/{marked.city.plan_id}/replay"
        told = ask("dispatcher", area).post(address, json={"since": (NOW - timedelta(days=1)).isoformat()}).json()
        counted[area] = (told["incidents"], told["where"] is not None)
    assert counted == {AREA: (1, True), marked.community: (1, True), marked.own: (0, False)}


def _state(marked: Marked) -> str:
    with transaction(marked.engine) as session:
        return session.get_one(Incident, int(marked.ids["incident_id"])).state
