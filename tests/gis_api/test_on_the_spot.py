"""Being on the spot, being sent by name, and whose ground a report is on: what was met in use, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete, select, update
from starlette.testclient import TestClient

from layers.access import add_user
from layers.db import transaction
from layers.incidents import Incident
from layers.positions import Position
from layers.shifts import Shift
from layers.workers import Worker, announce
from tests.gis_api.conftest import AREA, WEAK, ClientAs, client_of_person
from tests.gis_api.duty import report
from tests.small_city import SmallCity
from tests.waiting import until

Step = Callable[..., Any]
# A degree of latitude in metres, near enough for distances of a hundred metres.
DEGREE_M = 111_195.0


@pytest.fixture
def as_worker(engine: Engine, app: FastAPI, anybody: TestClient) -> Callable[..., TestClient]:
    """A client of the worker with this number, at home in an area."""

    def made(number: str, area: str) -> TestClient:
        with transaction(engine) as session:
            worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
            about = {"worker_id": worker_id, "password_hash": WEAK.hash("x")}
            add_user(session, f"person {number}", role="worker", area=area, **about)
        client = client_of_person(app, anybody, engine, person=f"person {number}")
        client.headers["origin"] = str(client.base_url)
        return client

    return made


def step(client: TestClient, case: str, name: str, **more: Any) -> Any:
    return client.post(f"/api/v1/incidents/{case}/steps", json={"step": name, **more})


def refusal(answer: Any) -> str:
    assert answer.status_code == 422, answer.text
    return str(answer.json()["type"]).rpartition(":")[2]


def put(engine: Engine, case: str, state: str) -> None:
    with transaction(engine) as session:
        session.execute(update(Incident).where(Incident.id == int(case)).values(state=state))


def test_nobody_arrives_or_verifies_from_afar_and_accuracy_counts_to_a_limit(
    desk: TestClient, as_worker: Callable[..., TestClient], small_city: SmallCity, engine: Engine
) -> None:
    code = small_city.codes[0]
    lon, lat = small_city.inside(code)
    case = report(desk, (lon, lat)).json()["id"]
    mine = as_worker(small_city.worker_of[code], code)
    assert step(mine, case, "accept").status_code == 200

    def proof(away_m: float, **more: Any) -> dict[str, Any]:
        return {"lon": lon, "lat": lat + away_m / DEGREE_M, "datum": "wgs84", **more}

    ahead = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    long_ago = (datetime.now(UTC) - timedelta(hours=20)).isoformat()
    for name in ("arrive", "verify"):
        put(engine, case, "accepted" if name == "arrive" else "handled")
        assert refusal(step(mine, case, name, proof=proof(10_800))) == "not_on_the_spot"
        assert refusal(step(mine, case, name, **proof(10_800))) == "not_on_the_spot"
        assert refusal(step(mine, case, name, proof=proof(150))) == "not_on_the_spot"
        assert refusal(step(mine, case, name, proof=proof(250, accuracy_m=5_000))) == "not_on_the_spot"
        assert refusal(step(mine, case, name, proof=proof(0, fixed_at=ahead))) == "proof_in_the_future"
        assert refusal(step(mine, case, name, proof=proof(0, fixed_at=long_ago))) == "proof_too_old"
    assert refusal(step(mine, case, "verify")) == "position_missing"
    done = step(mine, case, "verify", proof=proof(150, accuracy_m=60)).json()
    assert done["state"] == "verified"
    told = done["timeline"][-1]["proof"]
    assert (told["how"], told["accuracy_m"], told["distance_m"]) == ("device", 60, pytest.approx(150, abs=1))


def test_a_step_kept_by_a_phone_without_signal_is_proven_by_its_own_moment(
    desk: TestClient, as_worker: Callable[..., TestClient], small_city: SmallCity, app: FastAPI
) -> None:
    code = small_city.codes[0]
    lon, lat = small_city.inside(code)
    start = datetime.now(UTC)
    case = report(desk, (lon, lat)).json()["id"]
    mine = as_worker(small_city.worker_of[code], code)
    for name in ("accept", "arrive", "handle"):
        assert step(mine, case, name).status_code == 200
    app.state.clock = lambda: start + timedelta(minutes=40)
    place = {"lon": lon, "lat": lat, "datum": "wgs84"}
    early, later = (start + timedelta(minutes=minutes) for minutes in (-10, 10))
    before = step(mine, case, "verify", proof={**place, "fixed_at": early.isoformat()})
    assert refusal(before) == "proof_too_old"  # nothing had been handled then
    assert step(mine, case, "verify", proof={**place, "fixed_at": later.isoformat()}).json()["state"] == "verified"


def test_all_steps_of_a_task_are_kept_by_a_phone_and_come_later_in_their_own_time(
    desk: TestClient, as_worker: Callable[..., TestClient], small_city: SmallCity, app: FastAPI
) -> None:
    code = small_city.codes[0]
    lon, lat = small_city.inside(code)
    start = datetime.now(UTC)
    case = report(desk, (lon, lat)).json()["id"]
    mine = as_worker(small_city.worker_of[code], code)
    app.state.clock = lambda: start + timedelta(minutes=40)

    def taken(minutes: float) -> dict[str, Any]:
        return {"taken_at": (start + timedelta(minutes=minutes)).isoformat()}

    def fixed(minutes: float) -> dict[str, Any]:
        moment = (start + timedelta(minutes=minutes)).isoformat()
        return {**taken(minutes), "proof": {"lon": lon, "lat": lat, "datum": "wgs84", "fixed_at": moment}}

    assert refusal(step(mine, case, "accept", **taken(45))) == "in_the_future"
    assert refusal(step(mine, case, "accept", **taken(-5))) == "step_before_the_last"
    assert refusal(step(mine, case, "accept", **taken(-25 * 60))) == "step_kept_too_long"
    for name, more in (("accept", taken(2)), ("arrive", fixed(8)), ("handle", taken(15))):
        assert step(mine, case, name, **more).status_code == 200
    assert refusal(step(mine, case, "verify", **taken(16), proof=fixed(5)["proof"])) == "proof_too_old"
    lines = step(mine, case, "verify", **fixed(16)).json()["timeline"]
    told = {line["step"]: line["taken_at"] for line in lines}
    assert told["report"] is None
    assert [round((datetime.fromisoformat(told[name]) - start) / timedelta(minutes=1)) for name in list(told)[-4:]] == [
        *(2, 8, 15, 16),
    ]
    assert all(datetime.fromisoformat(line["at"]) >= start for line in lines)


def test_the_place_of_the_incident_is_no_proof_of_a_desk(
    desk: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    case = report(desk, (lon, lat)).json()["id"]
    with transaction(engine) as session:
        holder = session.get_one(Incident, int(case)).worker_id
    moved = {"lon": lon + 0.01, "raw_lon": lon + 0.01}
    with transaction(engine) as session:
        session.execute(update(Position).where(Position.worker_id == holder).values(**moved))
    step(desk, case, "accept")
    arrived = step(desk, case, "arrive", lon=lon, lat=lat).json()
    assert arrived["timeline"][-1]["proof"] is None and arrived["timeline"][-1]["position"] is None
    step(desk, case, "handle")
    for sent in ({"lon": lon, "lat": lat}, {"proof": {"lon": lon, "lat": lat}}, {}):
        assert refusal(step(desk, case, "verify", **sent)) == "worker_not_on_the_spot"
    with transaction(engine) as session:
        at_the_place = {"lon": lon, "lat": lat, "fixed_at": datetime.now(UTC) - timedelta(seconds=20)}
        session.execute(update(Position).where(Position.worker_id == holder).values(**at_the_place))
    done = step(desk, case, "verify").json()
    assert (done["state"], done["timeline"][-1]["proof"]["how"]) == ("verified", "last_fix")


def test_what_a_department_has_done_is_verified_by_whoever_is_there(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity, engine: Engine
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    case = report(desk, (lon, lat), category="street_vending").json()["id"]
    unit = client_as("unit")
    assert step(desk, case, "reassign", unit="urban_management").status_code == 200
    step(unit, case, "accept")
    # A worker stands there, and sees nothing of the department that the desk says has come.
    arrived = step(desk, case, "arrive").json()
    assert (arrived["state"], arrived["timeline"][-1]["proof"]) == ("arrived", None)
    assert step(unit, case, "handle").status_code == 200
    somebody = small_city.worker_of[small_city.codes[-1]]
    with transaction(engine) as session:
        session.execute(update(Position).values(lon=lon + 0.01, fixed_at=datetime.now(UTC)))
    assert refusal(step(desk, case, "verify")) == "nobody_on_the_spot"
    with transaction(engine) as session:
        worker_id = session.scalar(select(Worker.id).where(Worker.number == somebody))
        there = update(Position).where(Position.worker_id == worker_id)
        session.execute(there.values(lon=lon, lat=lat + 50 / DEGREE_M, first_hand=False))
    assert refusal(step(desk, case, "verify")) == "nobody_on_the_spot", "somebody else's word proves nothing"
    with transaction(engine) as session:
        session.execute(there.values(first_hand=True))
    done = step(desk, case, "verify").json()
    proof = done["timeline"][-1]["proof"]
    assert (done["state"], proof["whose"], proof["distance_m"]) == ("verified", somebody, pytest.approx(50, abs=1))


def test_what_somebody_else_sends_of_a_worker_is_no_proof_of_a_desk(
    desk: TestClient,
    as_worker: Callable[..., TestClient],
    client_as: ClientAs,
    small_city: SmallCity,
    engine: Engine,
    app: FastAPI,
) -> None:
    code = small_city.codes[0]
    lon, lat = small_city.inside(code)
    number = small_city.worker_of[code]
    told_first = report(desk, (lon, lat)).json()
    case = told_first["id"]
    assert told_first["assignment"]["worker"] == number
    with transaction(engine) as session:
        worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
        long_ago = {"fixed_at": datetime.now(UTC) - timedelta(hours=1)}
        session.execute(update(Position).where(Position.worker_id == worker_id).values(**long_ago))
    admin = client_as("admin")
    made = admin.post("/api/v1/keys", json={"name": "phones", "role": "dispatcher", "area": AREA, "gateway": True})
    assert made.status_code == 201, made.text
    listed = {one["name"]: one["gateway"] for one in admin.get("/api/v1/keys").json()["keys"]}
    assert listed["phones"] is True and sum(listed.values()) == 1

    def says(client: TestClient, **more: Any) -> None:
        at = datetime.now(UTC).isoformat()
        fix = {"worker": number, "lon": lon, "lat": lat, "datum": "wgs84", "fixed_at": at}
        told = client.post("/api/v1/positions", json={"fixes": [fix]}, **more)
        assert told.json() == {"stored": 1, "late": 0, "refused": []}, told.text

    def verifies() -> Any:
        put(engine, case, "handled")
        return step(desk, case, "verify")

    for forger in (desk, admin, client_as("dispatcher")):
        says(forger)
        assert refusal(verifies()) == "worker_not_on_the_spot"
        put(engine, case, "accepted")
        assert step(desk, case, "arrive").json()["timeline"][-1]["proof"] is None
    with transaction(engine) as session:
        stored = session.get_one(Position, worker_id)
        assert (stored.first_hand, stored.sent_by is not None) == (False, True)
    says(as_worker(number, code[:12]))
    assert verifies().json()["timeline"][-1]["proof"]["how"] == "last_fix"
    says(desk)
    assert refusal(verifies()) == "worker_not_on_the_spot"
    app.state.replicas.refresh()
    says(desk, headers={"authorization": f"Bearer {made.json()['key']}"})
    assert verifies().json()["timeline"][-1]["proof"]["how"] == "last_fix"


def test_somebody_off_duty_is_sent_only_when_it_is_confirmed_and_the_decision_says_so(
    desk: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()["id"]
    number = small_city.worker_of[small_city.codes[-1]]
    with transaction(engine) as session:
        worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
        session.execute(delete(Shift).where(Shift.worker_id == worker_id))
        announce(session)
    refused = step(desk, case, "reassign", to=number)
    assert (refused.status_code, refused.json()["confirm"]) == (409, True)
    assert refused.json()["type"].endswith("worker_off_duty")
    told = step(desk, case, "reassign", to=number, confirm=True).json()
    assert (told["state"], told["assignment"]["worker"]) == ("dispatched", number)
    first, *others = told["decision"]["candidates"]
    assert (told["decision"]["policy"], first["worker"]) == ("by_hand", number)
    assert (first["reason"], first["on_duty"]) == ("by_hand", False)
    assert number not in [one["worker"] for one in others]


def test_a_department_takes_refuses_or_passes_on_what_is_its_own(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0]), category="street_vending").json()["id"]
    unit = client_as("unit")
    given = step(desk, case, "reassign", unit="urban_management").json()
    assert (given["state"], given["assignment"], given["unit_code"]) == ("dispatched", None, "urban_management")
    assert given["decision"]["candidates"][0]["unit"] == "urban_management"
    assert {"accept", "decline", "pass_on"} <= {
        one["step"] for one in unit.get(f"/api/v1/incidents/{case}").json()["may"]
    }
    assert refusal(step(unit, case, "decline")) == "note_missing"
    back = step(unit, case, "decline", note="not a street of ours").json()
    assert (back["state"], back["waiting_reason"]) == ("waiting", "declined_by_unit")
    assert step(desk, case, "dispatch", unit="police").json()["unit_code"] == "police"
    assert refusal(step(unit, case, "pass_on", note="market stalls")) == "unit_missing"
    assert refusal(step(unit, case, "pass_on", note="market stalls", unit="dragons")) == "unknown_unit"
    passed = step(unit, case, "pass_on", note="market stalls", unit="urban_management").json()
    assert (passed["state"], passed["unit_code"]) == ("dispatched", "urban_management")
    assert step(unit, case, "accept").json()["state"] == "accepted"


def test_a_worker_reports_across_the_road_and_it_goes_to_those_whose_ground_it_is(
    desk: TestClient, as_worker: Callable[..., TestClient], small_city: SmallCity
) -> None:
    home, there = small_city.codes[0], small_city.codes[-1]
    assert home[:12] != there[:12], "two communities"
    mine = as_worker(small_city.worker_of[home], home[:12])
    told = report(mine, small_city.inside(there), datum="wgs84")
    assert told.status_code == 201, told.text
    assert told.json()["assignment"]["worker"] == small_city.worker_of[there]
    seen = mine.get(f"/api/v1/incidents/{told.json()['id']}").json()
    assert seen["reporter"]["kind"] == "worker"
    listed = mine.get("/api/v1/incidents", params={"mine": "true", "living": "true"}).json()["incidents"]
    assert [one["id"] for one in listed] == [told.json()["id"]]


def test_where_minutes_count_the_nearest_goes_and_the_city_may_say_otherwise(
    staffed: None, engine: Engine, client_as: ClientAs, small_city: SmallCity
) -> None:
    # Of a grid with sub-grids the workers of both wait at one place, as near as each other.
    own, far = next(code for code in small_city.codes if len(code) == 15), small_city.codes[-1]
    owner_of, spot = small_city.worker_of, small_city.inside(own)
    with transaction(engine) as session:
        stranger = session.scalar(select(Worker.id).where(Worker.number == owner_of[far]))
        here = {"lon": spot[0], "lat": spot[1], "raw_lon": spot[0], "raw_lat": spot[1]}
        session.execute(update(Position).where(Position.worker_id == stranger).values(**here))
        owner = session.scalar(select(Worker.id).where(Worker.number == owner_of[own]))
        away = {"lon": spot[0] + 0.004, "raw_lon": spot[0] + 0.004}
        session.execute(update(Position).where(Position.worker_id == owner).values(**away))
        announce(session)
    client, admin = client_as("dispatcher"), client_as("admin")

    def sent(category: str) -> tuple[str, str]:
        lon, lat = spot
        body = {"lon": lon, "lat": lat, "category": category}
        told = client.post("/api/v1/incidents?dry_run=true", json=body).json()["assignment"]
        return told["worker"], told["reason"]

    # The service reads anew where everybody is once a second at most.
    until(lambda: sent("fire") == (owner_of[far], "by_distance"), most_s=20.0)
    assert sent("sanitation")[0] == owner_of[own]
    rules = [{"category": "fire", "policy": "own_grid_first"}, {"category": "sanitation", "policy": "nearest"}]
    first = admin.get("/api/v1/settings/dispatch")
    assert (first.json()["version"], first.json()["rules"][0]["urgency"]) == (0, "critical")
    stored = admin.put("/api/v1/settings/dispatch", json={"rules": rules}, headers={"If-Match": '"0"'})
    assert (stored.status_code, stored.json()["version"]) == (200, 1)
    assert sent("fire")[0] == owner_of[own]
    assert sent("sanitation") == (owner_of[far], "by_distance")
    again = admin.put("/api/v1/settings/dispatch", json={"rules": []}, headers={"If-Match": '"0"'})
    assert again.status_code == 412
    twice = admin.put("/api/v1/settings/dispatch", json={"rules": rules[:1] * 2})
    assert refusal(twice) == "rule_told_twice"
    assert (
        refusal(admin.put("/api/v1/settings/dispatch", json={"rules": [{"category": "dragons"}]})) == "unknown_category"
    )
    assert client_as("dispatcher").put("/api/v1/settings/dispatch", json={"rules": []}).status_code == 403


def test_the_queue_by_deadline_counts_pages_and_leaves_out_what_has_ended(
    desk: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    ids = [report(desk, small_city.inside(code)).json()["id"] for code in small_city.codes[:5]]
    now = datetime.now(UTC)
    with transaction(engine) as session:
        for at, case in enumerate(ids[:4]):
            due_at = now + timedelta(hours=2.5 - at)
            session.execute(update(Incident).where(Incident.id == int(case)).values(due_at=due_at))
    step(desk, ids[4], "cancel", note="nothing there")
    asked = {"living": "true", "order": "deadline", "count": "true", "limit": 3}
    page = desk.get("/api/v1/incidents", params=asked).json()
    assert page["counts"] == {"living": 4, "overdue": 1, "waiting": 0}
    rest = desk.get(page["next"]).json()
    assert [one["id"] for one in page["incidents"] + rest["incidents"]] == ids[3::-1]
    assert rest["next"] is None
    overdue = desk.get("/api/v1/incidents", params={"living": "true", "overdue": "true"}).json()["incidents"]
    assert [one["id"] for one in overdue] == ids[3:4]
