"""What follows from a place, a time or a choice follows it everywhere ([D9]): over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from geoalchemy2 import WKTElement
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import Range
from starlette.testclient import TestClient

from layers.assignments import Assignment
from layers.db import transaction
from layers.grids import Grid
from layers.incidents import Incident
from layers.shifts import Shift
from layers.workers import Worker, announce
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import put_on_duty, report
from tests.small_city import IN_FORCE_SINCE, SmallCity, stored
from tiling.datums import from_wgs84


@pytest.fixture
def desk(staffed: None, client_as: ClientAs) -> TestClient:
    return client_as("dispatcher", datum=None)


def step(client: TestClient, case: str, name: str, **more: Any) -> Any:
    answer = client.post(f"/api/v1/incidents/{case}/steps", json={"step": name, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_all_that_follows_from_a_place_follows_it_when_it_is_corrected(
    desk: TestClient, engine: Engine, small_city: SmallCity
) -> None:
    lost = report(desk, small_city.outside, datum="wgs84", accuracy_m=900.0).json()
    assert (lost["state"], lost["waiting_reason"]) == ("waiting", "outside")
    code = small_city.codes[3]
    spot = small_city.inside(code)
    raw_lon, raw_lat = from_wgs84(*spot, "gcj02")
    told = step(desk, lost["id"], "correct_place", lon=raw_lon, lat=raw_lat, datum="gcj02")
    assert (told["state"], told["waiting_reason"], told["relation"]) == ("dispatched", None, "inside")
    assert told["assignment"]["worker"] == small_city.worker_of[code]
    assert told["current_code"] == code and told["location"]["grid"]["code"] == code[:15]
    assert told["location"]["responsible"][0]["worker"] == small_city.worker_of[code]
    with transaction(engine) as session:
        kept = session.scalars(select(Incident)).one()
        assert (kept.raw_lon, kept.raw_lat, kept.datum) == (raw_lon, raw_lat, "gcj02")
        assert kept.accuracy_m is None and kept.worker_id is not None
    assert told["assignment"]["of_the_place"] is True
    there = small_city.inside(small_city.codes[-1])
    moved = step(desk, lost["id"], "correct_place", lon=there[0], lat=there[1], datum="wgs84")
    assert moved["state"] == "dispatched" and moved["assignment"]["worker"] == small_city.worker_of[code]
    assert moved["assignment"]["of_the_place"] is False  # who has it keeps it, and everybody can see
    gone = step(desk, report(desk, spot, datum="wgs84").json()["id"], "hand_up", note="not ours")
    assert gone["waiting_reason"] == "handed_up"
    away = step(desk, gone["id"], "correct_place", lon=there[0], lat=there[1], datum="wgs84")
    assert away["waiting_reason"] == "handed_up" and away["current_code"] == small_city.codes[-1]


def test_a_corrected_place_outside_everything_says_so(desk: TestClient, small_city: SmallCity) -> None:
    lon, lat = small_city.outside
    first = report(desk, (lon, lat), datum="wgs84").json()
    again = step(desk, first["id"], "correct_place", lon=lon - 0.001, lat=lat, datum="wgs84")
    assert (again["state"], again["waiting_reason"]) == ("waiting", "outside")


def test_a_case_handed_up_and_given_to_a_worker_again_starts_at_the_grid(
    desk: TestClient, small_city: SmallCity
) -> None:
    code = small_city.codes[3]
    case = report(desk, small_city.inside(code), datum="wgs84").json()["id"]
    assert step(desk, case, "hand_up", note="not ours")["level"] == "district"  # no street of this city has a desk
    given = step(desk, case, "dispatch", to=small_city.worker_of[code])
    assert given["level"] == "grid"
    assert step(desk, case, "hand_up", note="not ours")["level"] == "district"


def test_before_the_first_plan_the_answer_says_that_there_was_none(desk: TestClient, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    before = (IN_FORCE_SINCE - timedelta(days=1)).isoformat()
    asked = {"lon": lon, "lat": lat, "datum": "wgs84", "at": before, "lang": "en"}
    told = desk.get("/api/v1/locate", params=asked).json()
    assert told["relation"] == "outside"
    assert told["no_plan"] == {"district": "130273", "first_plan_at": IN_FORCE_SINCE.isoformat()}
    nearest = desk.get("/api/v1/workers/nearest", params=asked).json()
    assert nearest["no_plan"]["district"] == "130273" and "No plan was in force" in nearest["no_plan"]["text"]
    nowhere = dict(zip(("lon", "lat"), small_city.outside, strict=True))
    assert "no_plan" not in desk.get("/api/v1/locate", params={**asked, **nowhere}).json()
    assert "no_plan" not in desk.get("/api/v1/locate", params={**asked, "at": datetime.now(UTC).isoformat()}).json()


@pytest.fixture
def teams(engine: Engine, small_city: SmallCity) -> None:
    """An overlay upon the first tile, its team far away, another team at the spot; stored before the service runs."""
    put_on_duty(engine)
    add_overlay(engine, small_city, over=small_city.codes[0])
    add_team(engine, "T-near", home=small_city.inside(small_city.codes[0]))
    add_team(engine, "T-own", home=small_city.inside(small_city.codes[-1]), grid="130273901")


def test_the_team_of_an_overlay_at_the_place_is_first_where_a_team_is_asked_for(
    teams: None, client_as: ClientAs, small_city: SmallCity
) -> None:
    code, far = small_city.codes[0], small_city.inside(small_city.codes[-1])
    spot, client = small_city.inside(code), client_as("dispatcher")
    asked = {"lon": spot[0], "lat": spot[1]}
    told = client.get("/api/v1/workers/nearest", params={**asked, "role": "patrol_team"}).json()
    assert [one["worker"] for one in told["candidates"]] == ["T-own", "T-near"]
    assert (told["candidates"][0]["level"], told["candidates"][0]["reason"]) == ("grid", "own_grid")
    by_distance = client.get("/api/v1/workers/nearest", params={**asked, "role": "patrol_team", "policy": "nearest"})
    assert by_distance.json()["candidates"][0]["worker"] == "T-near"
    plain = client.get("/api/v1/workers/nearest", params=asked).json()
    assert plain["candidates"][0]["worker"] == small_city.worker_of[code]
    elsewhere = {"lon": far[0], "lat": far[1], "role": "patrol_team"}
    assert client.get("/api/v1/workers/nearest", params=elsewhere).json()["candidates"][0]["worker"] == "T-own"


def add_overlay(engine: Engine, city: SmallCity, *, over: str) -> None:
    """An overlay grid upon one tile, of no community."""
    shape = city.shapes.polygons[city.codes.index(over)]
    about = {"kind": "dedicated", "level": "grid", "exclusive": False}
    with transaction(engine) as session:
        session.add(Grid(plan_id=city.plan_id, code="130273901", name="overlay", geom=stored(shape), **about))


def add_team(engine: Engine, number: str, *, home: tuple[float, float], grid: str | None = None) -> None:
    """A patrol team on duty, waiting at home, of an overlay where one is given."""
    now = datetime.now(UTC)
    around = Range(now - timedelta(hours=6), now + timedelta(hours=6), bounds="[)")
    with transaction(engine) as session:
        point = WKTElement(f"POINT({home[0]} {home[1]})", srid=4326)
        team = Worker(number=number, name=number, role="patrol_team", area="130273", home=point)
        session.add(team)
        session.flush()
        session.add(Shift(worker_id=team.id, span=around))
        if grid is not None:
            forever = Range(IN_FORCE_SINCE, None, bounds="[)")
            session.add(Assignment(worker_id=team.id, grid_code=grid, role="patrol_team", span=forever))
        announce(session)


def test_lists_are_asked_by_external_id_and_refuse_what_can_never_match(
    desk: TestClient, small_city: SmallCity
) -> None:
    spot = small_city.inside(small_city.codes[0])
    for name in ("A-1", "A-2"):
        report(desk, spot, datum="wgs84", external_id=name)
    found = desk.get("/api/v1/incidents", params={"external_id": "A-2"}).json()["incidents"]
    assert [one["external_id"] for one in found] == ["A-2"]
    assert desk.get("/api/v1/incidents", params={"external_id": "A-3"}).json()["incidents"] == []
    for path in ("/api/v1/incidents", "/api/v1/heat", "/api/v1/figures"):
        answer = desk.get(path, params={"category": "nonsense"})
        assert answer.status_code == 422 and answer.json()["errors"][0]["loc"] == ["category"], path
    assert desk.get("/api/v1/incidents", params={"state": "nonsense"}).status_code == 422


def test_one_category_governs_all_figures_and_the_same_thirty_days_count_everywhere(
    desk: TestClient, small_city: SmallCity
) -> None:
    spot = small_city.inside(small_city.codes[0])
    for category in ("sanitation", "sanitation", "parking"):
        assert report(desk, spot, datum="wgs84", category=category).status_code == 201
    whole = desk.get("/api/v1/figures").json()
    one = desk.get("/api/v1/figures", params={"category": "sanitation"}).json()
    assert (whole["total"]["incidents"], one["total"]["incidents"]) == (3, 2)
    assert list(one["daily"]["incidents"].values()) == [2] and one["by_category"]["incidents"] == {"sanitation": 2}
    assert sum(area["incidents"] for area in one["areas"]) == 2
    heat = desk.get("/api/v1/heat", params={"layer": "incidents", "format": "json"}).json()
    assert (heat["since"], heat["until"]) == (whole["since"], whole["until"])
    # Whole days of the city, today's last minute among them.
    assert whole["until"].endswith("T00:00:00+08:00") and datetime.fromisoformat(whole["until"]) > datetime.now(UTC)
    personal = desk.get("/api/v1/figures", params={"category": "elder_care"})
    assert personal.status_code == 422 and personal.json()["type"].endswith("category_of_residents")
