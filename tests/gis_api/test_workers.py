"""Workers, shifts, positions, assignments and categories over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from starlette.testclient import TestClient

from layers.db import transaction
from layers.positions import Position
from layers.shifts import Shift
from tests.gis_api.conftest import ClientAs
from tests.small_city import SmallCity


def near(client: TestClient, spot: tuple[float, float], **asked: Any) -> Any:
    return client.get("/api/v1/workers/nearest", params={"lon": spot[0], "lat": spot[1], **asked})


def test_the_nearest_are_told_with_their_reasons(desk: TestClient, small_city: SmallCity) -> None:
    code = small_city.codes[3]
    told = near(desk, small_city.inside(code), limit=3).json()
    assert [one["worker"] for one in told["candidates"]][:1] == [small_city.worker_of[code]]
    assert len(told["candidates"]) == 3
    first = told["candidates"][0]
    assert first["distance_m"] < 0.01
    assert (first["freshness"], first["on_duty"], first["open_tasks"]) == ("fresh", True, 0)
    assert 25 <= first["position_age_s"] <= 300
    assert told["level"] == first["level"]
    assert told["duty_phone"] == "0315-1"


def test_the_policy_nearest_orders_by_metres(desk: TestClient, small_city: SmallCity) -> None:
    told = near(desk, small_city.inside(small_city.codes[3]), limit=20, policy="nearest").json()
    distances = [one["distance_m"] for one in told["candidates"]]
    assert distances == sorted(distances)
    assert {one["reason"] for one in told["candidates"]} == {"by_distance"}


def test_off_duty_is_told_of_a_moment_outside_the_shift(desk: TestClient, small_city: SmallCity) -> None:
    for hours in (10, 72):  # from memory, and from the database
        at = (datetime.now(UTC) + timedelta(hours=hours)).isoformat()
        told = near(desk, small_city.inside(small_city.codes[0]), at=at).json()
        assert (told["candidates"], told["level"]) == ([], None)
        assert {one["reason"] for one in told["rejected"]} == {"off_duty"}


def test_outside_every_frame_nobody_is_near_but_a_desk_is_told(desk: TestClient, small_city: SmallCity) -> None:
    told = near(desk, small_city.outside).json()
    assert (told["candidates"], told["rejected"], told["duty_phone"]) == ([], [], "0315-1")


@pytest.mark.parametrize(
    "asked", [{"lon": "nan"}, {"lon": "x"}, {"lat": 200}, {"policy": "best"}, {"limit": 0}, {"role": "king"}]
)
def test_a_wrong_question_about_the_nearest_is_refused(
    desk: TestClient, small_city: SmallCity, asked: dict[str, Any]
) -> None:
    answer = near(desk, small_city.inside(small_city.codes[0]), **asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_foreign_place_is_not_there(staffed: None, client_as: ClientAs, small_city: SmallCity) -> None:
    assert near(client_as("dispatcher", area="110101"), small_city.inside(small_city.codes[0])).status_code == 404


def test_a_worker_is_added_read_changed_and_listed(client_as: ClientAs) -> None:
    planner, desk = client_as("planner"), client_as("dispatcher")
    new = {"number": "甲-1", "name": "赵六", "area": "130273001001", "phone": "13811112222"}
    home = {"home": {"lon": 118.181, "lat": 39.651}}
    made = planner.post("/api/v1/workers", json={**new, **home})
    assert (made.status_code, made.json()["id"], made.json()["phone"]) == (201, "甲-1", None)
    assert made.json()["phone_masked"] == "138******22"
    read = desk.get("/api/v1/workers/甲-1").json()
    assert (read["phone"], read["home"]) == ("13811112222", {"lon": 118.181, "lat": 39.651})
    assert planner.post("/api/v1/workers", json=new).status_code == 409
    changed = planner.patch("/api/v1/workers/甲-1", json={"role": "grid_leader", "phone": None})
    assert (changed.json()["role"], changed.json()["phone_masked"]) == ("grid_leader", None)
    listed = desk.get("/api/v1/workers", params={"role": "grid_leader"}).json()["workers"]
    assert [one["number"] for one in listed] == ["甲-1"]


def test_workers_are_listed_page_by_page(client_as: ClientAs, small_city: SmallCity) -> None:
    desk = client_as("dispatcher")
    seen, link = [], "/api/v1/workers?limit=5"
    while link:
        page = desk.get(link).json()
        seen += [one["number"] for one in page["workers"]]
        link = page["next"]
    assert seen == sorted(small_city.worker_of.values())


def test_another_areas_workers_are_neither_seen_nor_touched(client_as: ClientAs, small_city: SmallCity) -> None:
    foreign = client_as("planner", area="110101")
    number = next(iter(small_city.worker_of.values()))
    assert foreign.get("/api/v1/workers").json()["workers"] == []
    assert foreign.get(f"/api/v1/workers/{number}").status_code == 404
    assert foreign.patch(f"/api/v1/workers/{number}", json={"name": "x"}).status_code == 404
    new = {"number": "n", "name": "n", "area": "130273001001"}
    assert foreign.post("/api/v1/workers", json=new).status_code == 403
    own = client_as("planner")
    assert own.patch(f"/api/v1/workers/{number}", json={"area": "110101"}).status_code == 403


@pytest.mark.parametrize("wrong", [{"number": "a b"}, {"name": ""}, {"role": "king"}, {"area": "'; --"}, {"x": 1}])
def test_a_wrong_worker_is_refused(client_as: ClientAs, wrong: dict[str, Any]) -> None:
    new = {"number": "n", "name": "n", "area": "130273001001"}
    answer = client_as("planner").post("/api/v1/workers", json={**new, **wrong})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_shifts_are_stored_by_moment_and_by_the_clock_of_the_city(client_as: ClientAs, small_city: SmallCity) -> None:
    desk = client_as("dispatcher")
    one, two = sorted(small_city.worker_of.values())[:2]
    told = [
        {"worker": one, "start": "2026-03-01T08:00:00+08:00", "end": "2026-03-01T16:00:00+08:00"},
        {"worker": one, "start": "2026-03-01T15:00:00+08:00", "end": "2026-03-01T20:00:00+08:00"},
        {"worker": two, "day": "2026-03-01", "from": "20:00", "to": "06:00"},
    ]
    assert desk.post("/api/v1/shifts", json={"shifts": told}).json() == {"stored": 3}
    listed = desk.get("/api/v1/shifts", params={"day": "2026-03-01"}).json()["shifts"]
    assert [(duty["worker"], duty["since"], duty["until"]) for duty in listed] == [
        (one, "2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z"),
        (two, "2026-03-01T12:00:00Z", "2026-03-01T22:00:00Z"),
    ]
    page = desk.get("/api/v1/shifts", params={"day": "2026-03-01", "limit": 1}).json()
    assert [duty["worker"] for duty in page["shifts"]] == [one]
    page = desk.get(page["next"]).json()
    assert [duty["worker"] for duty in page["shifts"]] == [two]
    assert desk.get(page["next"]).json() == {"shifts": [], "next": None}
    handover = {"at": "2026-03-01T20:00:00+08:00"}
    assert [duty["worker"] for duty in desk.get("/api/v1/on-duty", params=handover).json()["workers"]] == [two]
    before = {"at": "2026-03-01T19:59:59.999999+08:00"}
    assert [duty["worker"] for duty in desk.get("/api/v1/on-duty", params=before).json()["workers"]] == [one]
    assert desk.get("/api/v1/on-duty", params={**before, "area": "130273999"}).json()["count"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": "2026-03-01T08:00:00+08:00", "end": "2026-03-01T08:00:00+08:00"},
        {"start": "2026-03-01T08:00:00+08:00", "end": "2026-03-03T08:00:01+08:00"},
        {"start": "2026-03-01T08:00:00", "end": "2026-03-01T16:00:00"},
        {"start": "2026-03-01T08:00:00+08:00"},
        {"day": "2026-03-01", "from": "08:00"},
        {"worker": "nobody", "start": "2026-03-01T08:00:00+08:00", "end": "2026-03-01T16:00:00+08:00"},
    ],
)
def test_a_wrong_shift_is_refused_and_none_of_the_list_is_stored(
    client_as: ClientAs, small_city: SmallCity, engine: Engine, wrong: dict[str, Any]
) -> None:
    number = next(iter(small_city.worker_of.values()))
    good = {"worker": number, "start": "2026-03-01T08:00:00+08:00", "end": "2026-03-01T16:00:00+08:00"}
    told = {"shifts": [good, {"worker": number, **wrong}]}
    answer = client_as("dispatcher").post("/api/v1/shifts", json=told)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(Shift)) == 0


def fix(worker: str, at: tuple[float, float], *, ago_s: float = 0.0, **more: Any) -> dict[str, Any]:
    fixed_at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat()
    return {"worker": worker, "lon": at[0], "lat": at[1], "fixed_at": fixed_at, **more}


def test_each_fix_is_stored_late_or_refused(client_as: ClientAs, small_city: SmallCity, engine: Engine) -> None:
    desk = client_as("dispatcher")
    one, two = sorted(small_city.worker_of.values())[:2]
    here, there = small_city.inside(small_city.codes[0]), small_city.inside(small_city.codes[-1])
    told = [
        fix(one, here, ago_s=20),
        fix(one, there, ago_s=10),
        fix(one, here, ago_s=30),
        fix(two, here, ago_s=-50),
        fix(two, here, ago_s=-70),
        fix("nobody", here),
        fix(two, (here[1], here[0])),
        fix(two, (0, 0)),
    ]
    answer = desk.post("/api/v1/positions", json={"fixes": told})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "stored": 2,
        "late": 2,
        "refused": [
            {"index": 4, "reason": "in_the_future"},
            {"index": 5, "reason": "unknown_worker"},
            {"index": 6, "reason": "swapped"},
            {"index": 7, "reason": "null_island"},
        ],
        "flagged": [{"index": 0, "reason": "late"}, {"index": 2, "reason": "late"}],
    }
    with transaction(engine) as session:
        stored = session.scalars(select(Position).order_by(Position.worker_id)).all()
        assert [(round(fixed.lon, 9), round(fixed.lat, 9)) for fixed in stored] == [
            (round(there[0], 9), round(there[1], 9)),
            (round(here[0], 9), round(here[1], 9)),
        ]
    late = desk.post("/api/v1/positions", json={"fixes": [fix(one, here, ago_s=15)]}).json()
    assert (late["stored"], late["late"]) == (0, 1)


def test_a_wrong_batch_stores_nothing(client_as: ClientAs, small_city: SmallCity, engine: Engine) -> None:
    desk = client_as("dispatcher")
    number = next(iter(small_city.worker_of.values()))
    good = fix(number, small_city.inside(small_city.codes[0]))
    for wrong in ({"datum": "gcj02"}, {"datum": "mars"}, {"fixed_at": "2026-03-01T08:00:00"}, {"lon": "x"}, {"y": 1}):
        answer = desk.post("/api/v1/positions", json={"fixes": [good, {**good, **wrong}]})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"][:2] == ["fixes", 1]
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(Position)) == 0


def test_fixes_of_another_area_are_refused_one_by_one(client_as: ClientAs, small_city: SmallCity) -> None:
    code = small_city.codes[0]
    body = {"fixes": [fix(small_city.worker_of[code], small_city.inside(code))]}
    foreign = client_as("dispatcher", area="110101").post("/api/v1/positions", json=body).json()
    assert (foreign["stored"], foreign["refused"]) == (0, [{"index": 0, "reason": "foreign_area"}])


def test_a_fix_in_gcj02_is_stored_in_wgs84_beside_what_was_sent(
    client_as: ClientAs, small_city: SmallCity, engine: Engine
) -> None:
    from tiling.datums import from_wgs84

    here = small_city.inside(small_city.codes[0])
    raw = tuple(float(value) for value in from_wgs84(*here, "gcj02"))
    number = next(iter(small_city.worker_of.values()))
    client_as("dispatcher", datum="gcj02").post("/api/v1/positions", json={"fixes": [fix(number, (raw[0], raw[1]))]})
    with transaction(engine) as session:
        stored = session.scalars(select(Position)).one()
        assert (stored.raw_lon, stored.raw_lat, stored.datum) == (raw[0], raw[1], "gcj02")
        assert (stored.lon, stored.lat) == (pytest.approx(here[0], abs=1e-8), pytest.approx(here[1], abs=1e-8))


def test_a_charge_begins_ends_and_is_not_doubled(client_as: ClientAs, small_city: SmallCity) -> None:
    planner = client_as("planner")
    code, other = small_city.codes[0], small_city.codes[-1]
    number = small_city.worker_of[code]
    new = {"worker": number, "grid": other, "since": "2026-03-01T00:00:00+08:00"}
    made = planner.post("/api/v1/assignments", json=new)
    assert (made.status_code, made.json()["until"]) == (201, None)
    assert planner.post("/api/v1/assignments", json=new).status_code == 409
    asked = {"worker": number, "at": "2026-03-02T00:00:00Z"}
    charges = planner.get("/api/v1/assignments", params=asked).json()["assignments"]
    assert {charge["grid"] for charge in charges} == {code, other}
    path = f"/api/v1/assignments/{made.json()['id']}"
    assert planner.patch(path, json={"until": "2026-03-01T12:00:00+08:00"}).status_code == 200
    charges = planner.get("/api/v1/assignments", params=asked).json()["assignments"]
    assert {charge["grid"] for charge in charges} == {code}
    assert planner.post("/api/v1/assignments", json={**new, "grid": "130273999999999"}).status_code == 422
    foreign = client_as("planner", area="110101")
    assert foreign.post("/api/v1/assignments", json=new).status_code == 403
    assert foreign.patch(path, json={}).status_code == 404
    assert foreign.get("/api/v1/assignments").json()["assignments"] == []


def test_categories_have_units_and_clocks_in_both_languages(desk: TestClient) -> None:
    told = desk.get("/api/v1/categories").json()["categories"]
    wanted = "fire medical lost_person dispute public_order facility water_leak sanitation street_vending parking"
    wanted += " safety_hazard resident_service elder_care other"
    assert [one["code"] for one in told] == wanted.split()
    assert (told[0]["name"], told[0]["unit_name"], told[0]["urgency"]) == ("火情", "消防救援大队", "critical")
    assert all(one["clocks"]["grid"]["accept"] > 0 for one in told)
    english = desk.get("/api/v1/categories", headers={"Accept-Language": "en"}).json()["categories"]
    assert (english[0]["name"], english[0]["unit_name"]) == ("Fire", "Fire and rescue")


WRITES = {
    "planner": (201, 403, 201),
    "dispatcher": (201, 200, 403),
    "leader": (403, 403, 403),
    "worker": (403, 200, 403),
    "unit": (403, 403, 403),
    "admin": (201, 200, 201),
    "auditor": (403, 403, 403),
}
READS = {
    "planner": 200,
    "dispatcher": 200,
    "leader": 200,
    "worker": 403,
    "unit": 403,
    "admin": 200,
    "auditor": 200,
}


@pytest.mark.parametrize("role", list(WRITES))
def test_each_role_writes_and_reads_what_it_needs(client_as: ClientAs, small_city: SmallCity, role: str) -> None:
    client = client_as(role)
    number = next(iter(small_city.worker_of.values()))
    shift = {"worker": number, "start": "2026-03-01T08:00:00+08:00", "end": "2026-03-01T16:00:00+08:00"}
    charge = {"worker": number, "grid": small_city.codes[-1], "since": "2026-03-01T00:00:00Z", "role": "grid_leader"}
    written = (
        client.post("/api/v1/shifts", json=shift).status_code,
        client.post("/api/v1/positions", json={"fixes": []}).status_code,
        client.post("/api/v1/assignments", json=charge).status_code,
    )
    assert written == WRITES[role]
    for path in ("workers", "shifts", "on-duty", "assignments"):
        assert client.get(f"/api/v1/{path}").status_code == READS[role], path
    assert client.get("/api/v1/categories").status_code == 200


def test_who_comes_on_duty_can_be_sent_within_seconds(client_as: ClientAs, small_city: SmallCity) -> None:
    desk, code = client_as("dispatcher"), small_city.codes[0]
    number, spot = small_city.worker_of[code], small_city.inside(code)
    assert near(desk, spot).json()["candidates"] == []
    now = datetime.now(UTC)
    shift = {"worker": number, "start": now.isoformat(), "end": (now + timedelta(hours=8)).isoformat()}
    assert desk.post("/api/v1/shifts", json=shift).status_code == 201
    assert desk.post("/api/v1/positions", json={"fixes": [fix(number, spot)]}).json()["stored"] == 1
    until = time.monotonic() + 10
    while time.monotonic() < until:
        told = near(desk, spot).json()
        if told["candidates"] and told["candidates"][0]["freshness"] == "fresh":
            break
        time.sleep(0.1)
    assert [(one["worker"], one["freshness"]) for one in told["candidates"]] == [(number, "fresh")]
