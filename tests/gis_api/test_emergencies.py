"""Emergency mode over HTTP: other rules and more people while it lasts, and afterwards everything as before ([D7])."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select, text
from starlette.testclient import TestClient

from layers.access import add_user
from layers.buildings import Building
from layers.db import transaction
from layers.shifts import Shift
from layers.workers import Worker, announce
from tests.gis_api.conftest import AREA, WEAK, ClientAs, client_of_person
from tests.gis_api.duty import report
from tests.small_city import SmallCity
from tests.waiting import until

EMERGENCIES = "/api/v1/emergencies"
Told = dict[str, Any]
TABLES = (
    "SELECT schemaname, tablename FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') AND tablename <> 'spatial_ref_sys'"
)
# What an emergency may write: itself, the history and what wakes others by it.
ITS_OWN = (
    *("emergencies", "emergency_helpers", "emergency_calls", "history", "history_marks", "outbox"),
    *("live_events", "access_keys"),
)


@pytest.fixture
def quarter(small_city: SmallCity) -> str:
    return small_city.codes[0][:12]


def body(**more: Any) -> Told:
    return {"reason": "台风", "until": (datetime.now(UTC) + timedelta(hours=6)).isoformat(), **more}


def put(client: TestClient, area: str, *, status: int = 201, **more: Any) -> Told:
    answer = client.put(f"{EMERGENCIES}/{area}", json=body(**more))
    assert answer.status_code == status, answer.text
    told: Told = answer.json()
    return told


def end(client: TestClient, area: str) -> Told:
    answer = client.delete(f"{EMERGENCIES}/{area}")
    assert answer.status_code == 200, answer.text
    told: Told = answer.json()
    return told


def dry(client: TestClient, place: tuple[float, float], category: str = "sanitation") -> Told:
    sent = {"lon": place[0], "lat": place[1], "category": category}
    told: Told = client.post("/api/v1/incidents?dry_run=true", json=sent).json()
    return told


def stored(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table that an emergency is not about, as text."""
    with engine.connect() as connection:
        tables = connection.execute(text(TABLES)).all()
        return {
            name: sorted(str(row) for row in connection.execute(text(f'SELECT * FROM "{schema}"."{name}"')))
            for schema, name in tables
            if name not in ITS_OWN
        }


def seen(desk: TestClient, city: SmallCity) -> str:
    """What a desk is told of whom it would send where, of the rules and of who is on duty, without the seconds."""
    answers: list[Any] = [desk.get("/api/v1/settings/dispatch").json()]
    for code in city.codes[::5]:
        place = city.inside(code)
        for category in ("sanitation", "fire"):
            answers.append(dry(desk, place, category))
        asked = {"lon": place[0], "lat": place[1], "limit": 50}
        answers.append(desk.get("/api/v1/workers/nearest", params=asked).json())
    answers.append([one["worker"] for one in desk.get("/api/v1/on-duty").json()["workers"]])
    moving = ("updated_at", "position_age_s")
    return json.dumps(_without(answers, moving), sort_keys=True)


def _without(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    return [_without(one, names) for one in value] if isinstance(value, list) else value


def test_a_whole_area_goes_into_emergency_mode_and_back_and_everything_is_as_before(
    desk: TestClient, small_city: SmallCity, quarter: str, engine: Engine
) -> None:
    place = small_city.inside(small_city.codes[0])
    before, rows = seen(desk, small_city), stored(engine)
    assert dry(desk, place)["assignment"]["reason"] != "by_distance"
    on = put(desk, quarter, rule={"policy": "nearest", "open_tasks": 9}, reinforce=2)
    assert on["in_force"] and len(on["helpers"]) == 2 and on["missing"] == 0
    assert all(not one["area"].startswith(quarter) for one in on["helpers"]), "from elsewhere"
    assert dry(desk, place)["assignment"]["reason"] == "by_distance"
    outside = next(code for code in small_city.codes if not code.startswith(quarter))
    assert dry(desk, small_city.inside(outside))["assignment"]["reason"] != "by_distance", "and nowhere else"
    levels = lambda: {  # noqa: E731
        one["worker"]: one["level"]
        for one in desk.get("/api/v1/workers/nearest", params={"lon": place[0], "lat": place[1], "limit": 100}).json()[
            "candidates"
        ]
    }
    lent = {one["worker"] for one in on["helpers"]}
    until(lambda: all(levels().get(number) == "community" for number in lent), most_s=20.0)
    assert seen(desk, small_city) != before
    assert stored(engine) == rows, "nothing that was set is changed while it lasts"
    off = end(desk, quarter)
    assert not off["in_force"] and off["ended_by"]
    until(lambda: seen(desk, small_city) == before, most_s=20.0)
    assert stored(engine) == rows
    assert desk.get(EMERGENCIES).json()["emergencies"] == []
    assert desk.get(EMERGENCIES, params={"ended": "true"}).json()["emergencies"][0]["area"] == quarter


def test_it_ends_by_itself(desk: TestClient, small_city: SmallCity, quarter: str, app: FastAPI) -> None:
    place, start = small_city.inside(small_city.codes[0]), datetime.now(UTC)
    before = dry(desk, place)["assignment"]["reason"]
    put(desk, quarter, until=(start + timedelta(minutes=30)).isoformat())
    assert dry(desk, place)["assignment"]["reason"] == "by_distance"
    app.state.clock = lambda: start + timedelta(minutes=31)
    assert dry(desk, place)["assignment"]["reason"] == before
    assert desk.get(EMERGENCIES).json()["emergencies"] == []


def test_the_same_again_changes_nothing_and_something_else_changes_it(
    desk: TestClient, quarter: str, client_as: ClientAs
) -> None:
    sent = body(reinforce=2)
    first = desk.put(f"{EMERGENCIES}/{quarter}", json=sent)
    again = desk.put(f"{EMERGENCIES}/{quarter}", json=sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["since"] == again.json()["since"]
    assert {one["worker"] for one in first.json()["helpers"]} == {one["worker"] for one in again.json()["helpers"]}
    deeds = [one["action"] for one in client_as("admin").get("/api/v1/history").json()["entries"]]
    assert deeds.count("emergency.on") == 1 and "emergency.changed" not in deeds
    more = put(desk, quarter, status=200, reinforce=3)
    assert {one["worker"] for one in first.json()["helpers"]} < {one["worker"] for one in more["helpers"]}
    assert put(desk, quarter, status=200, reason="洪水")["helpers"] == [], "nobody is wanted any more"
    assert end(desk, quarter)["until"] == end(desk, quarter)["until"], "over once, over"


def test_nobody_is_taken_whose_ground_would_fall_below_its_minimum(
    desk: TestClient, small_city: SmallCity, quarter: str, client_as: ClientAs
) -> None:
    near = put(desk, quarter, reinforce=1)["helpers"][0]
    assert near["leaves"] and all(left["on_duty"] >= left["minimum"] for left in near["leaves"])
    end(desk, quarter)
    community = next(left["area"] for left in near["leaves"])
    now_there = next(left["on_duty"] for left in near["leaves"]) + 1
    minimum = {"people": now_there}
    assert client_as("admin").put(f"/api/v1/on-duty/cover/{community}", json=minimum).status_code == 200
    told = put(desk, quarter, reinforce=1)
    assert near["worker"] not in {one["worker"] for one in told["helpers"]}
    kept = {one["worker"]: one["short"] for one in told["kept_back"]}
    assert kept[near["worker"]] == {"area": community, "on_duty": now_there - 1, "minimum": now_there}
    end(desk, quarter)
    refused = desk.put(f"{EMERGENCIES}/{quarter}", json=body(helpers=[near["worker"]]))
    assert refused.status_code == 409 and refused.json()["type"].endswith("cover_too_small"), refused.text
    assert desk.get(EMERGENCIES).json()["emergencies"] == [], "and nothing of it is stored"


def test_where_too_few_can_come_it_says_how_many_are_missing(
    desk: TestClient, quarter: str, client_as: ClientAs
) -> None:
    told = put(desk, quarter, reinforce=200)
    assert told["missing"] == 200 - len(told["helpers"]) > 0
    assert told["kept_back"], "and who was kept back, and why"
    gaps = client_as("leader").get("/api/v1/on-duty/gaps").json()
    assert isinstance(gaps["gaps"], list)


def test_whoever_is_lent_is_missing_where_they_belong_for_as_long(
    desk: TestClient, quarter: str, client_as: ClientAs
) -> None:
    near = put(desk, quarter, reinforce=1)["helpers"][0]
    end(desk, quarter)
    left, admin = near["leaves"][0], client_as("admin")
    cover = f"/api/v1/on-duty/cover/{left['area']}"
    now = datetime.now(UTC)
    asked = {"since": (now + timedelta(minutes=1)).isoformat(), "until": (now + timedelta(hours=4)).isoformat()}
    gaps = lambda: desk.get("/api/v1/on-duty/gaps", params=asked | {"area": left["area"]}).json()["gaps"]  # noqa: E731
    assert admin.put(cover, json={"people": 0}).status_code == 200
    put(desk, quarter, until=(now + timedelta(hours=2)).isoformat(), helpers=[near["worker"]])
    assert gaps() == []
    minimum = {"people": left["on_duty"] + 1}
    assert admin.put(cover, json=minimum).status_code == 200
    [gap] = gaps()
    assert (gap["on_duty"], gap["minimum"]) == (left["on_duty"], minimum["people"])
    ends = datetime.fromisoformat(gap["until"])
    assert abs((ends - (now + timedelta(hours=2))).total_seconds()) < 1, "until they are back"


def test_two_areas_do_not_take_the_same_people(desk: TestClient, small_city: SmallCity, quarter: str) -> None:
    other = next(code for code in small_city.codes if not code.startswith(quarter))[:12]
    one = {each["worker"] for each in put(desk, quarter, reinforce=4)["helpers"]}
    two = {each["worker"] for each in put(desk, other, reinforce=4)["helpers"]}
    assert one.isdisjoint(two)


def test_patrol_teams_are_sent_where_the_emergency_says_so(
    desk: TestClient, small_city: SmallCity, quarter: str, engine: Engine
) -> None:
    place = small_city.inside(small_city.codes[0])
    nearest = dry(desk, place)["assignment"]["candidates"][0]["worker"]
    with transaction(engine) as session:
        session.query(Worker).filter(Worker.number == nearest).update({"role": "patrol_team"})
        announce(session)
    called = lambda: {one["worker"] for one in dry(desk, place)["assignment"]["candidates"]}  # noqa: E731
    until(lambda: nearest not in called(), most_s=20.0)
    put(desk, quarter)
    told = report(desk, place).json()
    assert nearest in {one["worker"] for one in told["assignment"]["candidates"]}
    assert desk.post(f"/api/v1/incidents/{told['id']}/decision/replay").json()["same"]
    end(desk, quarter)
    assert nearest not in called()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"until": "2020-01-01T00:00:00+00:00"}, "emergency_must_end"),
        ({"until": (datetime.now(UTC) + timedelta(days=60)).isoformat()}, "emergency_must_end"),
        ({"helpers": ["nobody"]}, "helper_off_duty"),
        ({"reason": "  "}, "validation"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(desk: TestClient, quarter: str, changed: Told, code: str) -> None:
    refused = desk.put(f"{EMERGENCIES}/{quarter}", json=body(**changed))
    assert refused.status_code == 422, refused.text
    assert code in refused.json()["type"] or code == "validation"


def test_foreign_and_unknown_areas_are_refused(desk: TestClient, client_as: ClientAs, quarter: str) -> None:
    assert client_as("dispatcher", area="110101").put(f"{EMERGENCIES}/{quarter}", json=body()).status_code == 403
    assert desk.put(f"{EMERGENCIES}/{AREA}999", json=body()).status_code == 422
    assert desk.delete(f"{EMERGENCIES}/{quarter}").status_code == 404


def test_the_buildings_of_a_grid_are_called_in_order_and_the_progress_is_told(
    desk: TestClient, small_city: SmallCity, quarter: str, engine: Engine, client_as: ClientAs
) -> None:
    grid = next(code for code in small_city.codes if code.startswith(quarter))[:15]
    shape = small_city.shapes.polygons[small_city.codes.index(next(c for c in small_city.codes if c.startswith(grid)))]
    lon, lat = small_city.inside(next(code for code in small_city.codes if code.startswith(grid)))
    assert shape is not None
    with transaction(engine) as session:
        for at, households in enumerate((3, 40, 12)):
            x = lon + at * 1e-5
            ring = f"({x} {lat},{x + 5e-6} {lat},{x + 5e-6} {lat + 5e-6},{x} {lat + 5e-6},{x} {lat})"
            session.add(
                Building(
                    district=AREA,
                    name=f"{households}户楼",
                    households=households,
                    geom=f"SRID=4326;MULTIPOLYGON(({ring}))",
                    inner_point=f"SRID=4326;POINT({x + 2e-6} {lat + 2e-6})",
                )
            )
    calls = f"{EMERGENCIES}/{quarter}/calls"
    assert desk.get(calls, params={"grid": grid}).status_code == 409, "no emergency, no call-out"
    put(desk, quarter)
    answer = desk.get(calls, params={"grid": grid})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    ours = [one for one in told["buildings"] if one["name"].endswith("户楼")]
    assert [one["households"] for one in ours] == [40, 12, 3]
    assert [one["place"] for one in told["buildings"]] == list(range(1, told["of"] + 1))
    assert (told["called"], told["households_reached"]) == (0, 0)
    worker = client_as("worker")
    for one, outcome in zip(ours, ("answered", "nobody", "needs_help"), strict=True):
        answer = worker.put(f"{calls}/{one['id']}", json={"outcome": outcome, "note": ""})
        assert answer.status_code == 204, answer.text
    told = desk.get(calls, params={"grid": grid}).json()
    assert (told["called"], told["households_reached"]) == (3, 43)
    again = worker.put(f"{calls}/{ours[1]['id']}", json={"outcome": "answered"})
    assert again.status_code == 204
    assert desk.get(calls, params={"grid": grid}).json()["households_reached"] == 55
    assert worker.put(f"{calls}/999999", json={"outcome": "answered"}).status_code == 404
    end(desk, quarter)
    assert worker.put(f"{calls}/{ours[0]['id']}", json={"outcome": "nobody"}).status_code == 409


def test_only_who_calls_there_is_told_how_many_live_in_a_building(
    app: FastAPI,
    anybody: TestClient,
    desk: TestClient,
    small_city: SmallCity,
    quarter: str,
    engine: Engine,
    client_as: ClientAs,
) -> None:
    grid = small_city.codes[0][:15]
    lent = put(desk, quarter, reinforce=1)["helpers"][0]["worker"]
    with transaction(engine) as session:
        ids = {row.number: row.id for row in session.execute(select(Worker.number, Worker.id))}
        other = next(number for number in ids if number != lent)
        for number in (lent, other):
            about = {"worker_id": ids[number], "password_hash": WEAK.hash("x")}
            add_user(session, f"person {number}", role="worker", area=f"{AREA}999", **about)
    for person, status in ((lent, 200), (other, 404)):
        client = client_of_person(app, anybody, engine, person=f"person {person}")
        answer = client.get(f"{EMERGENCIES}/{quarter}/calls", params={"grid": grid})
        assert answer.status_code == status, answer.text
    for role, status in (("leader", 403), ("auditor", 403), ("worker", 200)):
        answer = client_as(role).get(f"{EMERGENCIES}/{quarter}/calls", params={"grid": grid})
        assert answer.status_code == status, answer.text
    foreign = client_as("dispatcher", area="110101").get(f"{EMERGENCIES}/{quarter}/calls", params={"grid": grid})
    assert foreign.status_code == 404


def test_who_is_off_duty_is_not_lent(desk: TestClient, small_city: SmallCity, quarter: str, engine: Engine) -> None:
    number = put(desk, quarter, reinforce=1)["helpers"][0]["worker"]
    with transaction(engine) as session:
        worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
        session.query(Shift).filter(Shift.worker_id == worker_id).delete()
        announce(session)
    told = put(desk, quarter, status=200, reinforce=1)
    assert [one["worker"] for one in told["helpers"]] != [number] and len(told["helpers"]) == 1
