"""A worker leaves over HTTP: listed, handed over in one act, refused where something would be left without anybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select, update
from starlette.testclient import TestClient

from layers.access import User
from layers.assignments import Assignment
from layers.db import transaction
from layers.incidents import Incident, Reporter
from layers.shifts import Shift, ShiftException, ShiftTemplate
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.small_city import SmallCity


@pytest.fixture
def admin(staffed: None, client_as: ClientAs) -> TestClient:
    return client_as("admin")


@pytest.fixture
def leaver(small_city: SmallCity) -> str:
    return small_city.worker_of[small_city.codes[3]]


@pytest.fixture
def successor(small_city: SmallCity) -> str:
    return small_city.worker_of[small_city.codes[4]]


def give_task(client: TestClient, engine: Engine, small_city: SmallCity, **told: Any) -> str:
    answer = report(client, small_city.inside(small_city.codes[3]), **told)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def path_of(number: str) -> str:
    return f"/api/v1/workers/{number}/leaving"


def tie_account(engine: Engine, name: str, number: str) -> None:
    with transaction(engine) as session:
        worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
        session.execute(update(User).where(User.name == name).values(worker_id=worker_id))


def charges_of(engine: Engine, number: str, at: datetime) -> set[str]:
    with transaction(engine) as session:
        found = select(Assignment.grid_code).join(Worker).where(Worker.number == number, Assignment.span.contains(at))
        return set(session.scalars(found))


def test_all_that_a_leaver_holds_goes_to_the_successor_in_one_act(
    admin: TestClient, engine: Engine, small_city: SmallCity, leaver: str, successor: str, signed_in: ClientAs
) -> None:
    person = signed_in("worker")
    tie_account(engine, "worker", leaver)
    case = give_task(admin, engine, small_city)
    assert admin.get(f"/api/v1/incidents/{case}").json()["assignment"]["worker"] == leaver
    held = admin.get(path_of(leaver)).json()
    assert [task["incident"] for task in held["tasks"]] == [case]
    assert ([one["grid"] for one in held["grids"]], held["accounts"]) == ([small_city.codes[3]], ["worker"])
    assert held["roster"]["shifts"] == 1
    before = datetime.now(UTC)
    tried = admin.post(path_of(leaver), json={"successor": successor}, params={"dry_run": True})
    assert (tried.status_code, tried.json()["dry_run"], tried.json()["unserved"]) == (200, True, [])
    assert admin.get(path_of(leaver)).json() == held
    done = admin.post(path_of(leaver), json={"successor": successor, "reason": "调离"})
    assert done.status_code == 200, done.text
    assert done.json()["tasks"] == [{"incident": case, "to": successor, "waiting_reason": None}]
    after = datetime.now(UTC)
    assert charges_of(engine, leaver, after) == set()
    assert charges_of(engine, successor, after) == {small_city.codes[3], small_city.codes[4]}
    told = admin.get(f"/api/v1/incidents/{case}").json()
    assert (told["state"], told["assignment"]["worker"]) == ("dispatched", successor)
    assert (told["timeline"][-1]["step"], told["timeline"][-1]["note"]) == ("reassign", "调离")
    on_duty = {one["worker"] for one in admin.get("/api/v1/on-duty").json()["workers"]}
    assert leaver not in on_duty
    assert successor in on_duty
    was = admin.get("/api/v1/on-duty", params={"at": (before - timedelta(hours=1)).isoformat()}).json()
    assert leaver in {one["worker"] for one in was["workers"]}, "what was before stays as it was"
    assert person.get("/api/v1/session").status_code == 401
    assert admin.get("/api/v1/users/worker").json()["active"] is False
    assert admin.get(f"/api/v1/workers/{leaver}").json()["active"] is False
    again = admin.post(path_of(leaver), json={"successor": successor})
    assert (again.status_code, again.json()["type"]) == (409, "urn:wangge:problem:worker_has_left")


def test_what_would_be_left_without_anybody_is_refused_until_it_is_confirmed(
    admin: TestClient, engine: Engine, small_city: SmallCity, leaver: str
) -> None:
    case = give_task(admin, engine, small_city)
    refused = admin.post(path_of(leaver), json={})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:wangge:problem:left_without_anybody")
    assert refused.json()["grids"] == [small_city.codes[3]]
    assert admin.get(f"/api/v1/workers/{leaver}").json()["active"] is True
    assert charges_of(engine, leaver, datetime.now(UTC)) == {small_city.codes[3]}
    assert admin.get(f"/api/v1/incidents/{case}").json()["assignment"]["worker"] == leaver
    done = admin.post(path_of(leaver), json={"confirm": True}).json()
    assert done["unserved"] == [small_city.codes[3]]
    assert done["tasks"][0]["to"] not in (None, leaver), "a task goes to the next candidate all the same"


def test_a_task_that_the_successor_has_no_hand_for_goes_to_the_next_candidate(
    admin: TestClient, engine: Engine, small_city: SmallCity, leaver: str, successor: str
) -> None:
    cases = [give_task(admin, engine, small_city, external_id=str(n), description=str(n)) for n in range(2)]
    for n in range(2):
        full = report(admin, small_city.inside(small_city.codes[4]), description=f"own {n}")
        assert full.json()["assignment"]["worker"] == successor
    done = admin.post(path_of(leaver), json={"successor": successor}).json()
    went = [task["to"] for task in done["tasks"]]
    assert [task["incident"] for task in done["tasks"]] == cases
    assert went[0] == successor
    assert went[1] not in (None, leaver, successor)


def test_a_roster_ends_at_that_moment_and_who_was_stood_in_for_has_the_successor(
    admin: TestClient, engine: Engine, leaver: str, successor: str, small_city: SmallCity, app: FastAPI
) -> None:
    third = small_city.worker_of[small_city.codes[5]]
    now = datetime.fromisoformat("2027-03-01T10:00:00+08:00")
    app.state.clock = lambda: now
    weekly = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "from": "08:00", "to": "16:00", "first_day": "2027-03-01"}
    mine = [{"worker": number, **weekly} for number in (leaver, third)]
    assert admin.post("/api/v1/shifts/templates", json={"templates": mine}).status_code == 201
    away = {"worker": third, "kind": "leave", "substitute": leaver}
    span = {"start": "2027-03-02T00:00:00+08:00", "end": "2027-03-03T00:00:00+08:00"}
    assert admin.post("/api/v1/shifts/exceptions", json={"exceptions": [{**away, **span}]}).status_code == 201

    def at(words: str) -> set[str]:
        told = admin.get("/api/v1/on-duty", params={"at": f"{words}:00+08:00"}).json()["workers"]
        return {one["worker"] for one in told}

    assert at("2027-03-01T10:00") == {leaver, third}
    assert at("2027-03-02T12:00") == {leaver}
    told = admin.post(path_of(leaver), json={"successor": successor}).json()
    assert told["held"]["roster"] == {"shifts": 0, "templates": 1, "exceptions": 0, "stands_in": 1}
    assert at("2027-03-01T09:59") == {leaver, third}
    assert at("2027-03-01T10:00") == {third}
    assert at("2027-03-02T12:00") == {successor}
    assert at("2027-03-04T12:00") == {third}
    assert admin.patch(f"/api/v1/workers/{leaver}", json={"active": True}).json()["active"] is True
    extra = {"worker": leaver, "kind": "extra"} | {
        "start": "2027-03-01T18:00:00+08:00",
        "end": "2027-03-01T19:00:00+08:00",
    }
    assert admin.post("/api/v1/shifts/exceptions", json={"exceptions": [extra]}).status_code == 201
    assert at("2027-03-01T18:30") == {leaver}, "who is back has what is entered anew"
    assert at("2027-03-01T12:00") == {third}
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(ShiftTemplate)) == 2


def test_the_plain_switch_is_for_those_who_hold_nothing(
    admin: TestClient, engine: Engine, leaver: str, client_as: ClientAs
) -> None:
    switch = admin.patch(f"/api/v1/workers/{leaver}", json={"active": False})
    assert (switch.status_code, switch.json()["type"]) == (409, "urn:wangge:problem:worker_holds_something")
    assert switch.json()["grids"] == 1
    new = {"number": "N1", "name": "新人", "area": "130273001001"}
    assert admin.post("/api/v1/workers", json=new).status_code == 201
    tie_account(engine, "worker", "N1")
    assert client_as("planner").patch("/api/v1/workers/N1", json={"active": False}).json()["active"] is False
    assert admin.get("/api/v1/users/worker").json()["active"] is False
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(Shift).join(Worker).where(Worker.number == "N1")) == 0
        assert session.scalar(select(func.count()).select_from(ShiftException)) == 0


def test_what_a_leaver_reported_and_handled_is_the_desks_to_verify_and_goes_on(
    admin: TestClient, engine: Engine, small_city: SmallCity, leaver: str, successor: str
) -> None:
    case = give_task(admin, engine, small_city)
    with transaction(engine) as session:
        worker_id = session.scalar(select(Worker.id).where(Worker.number == leaver))
        session.merge(Reporter(incident_id=int(case), kind="worker", worker_id=worker_id))
        session.execute(update(Incident).where(Incident.id == int(case)).values(state="handled"))
    assert admin.post(path_of(leaver), json={"successor": successor}).status_code == 200
    told = admin.get(f"/api/v1/incidents/{case}").json()
    assert "verify" in [one["step"] for one in told["may"]]
    sent = admin.post(f"/api/v1/incidents/{case}/steps", json={"step": "send_back", "note": "没修好"})
    assert sent.status_code == 200, sent.text
    assert sent.json()["assignment"]["worker"] not in (None, leaver)


def test_a_wrong_successor_and_a_foreign_worker_are_refused(
    admin: TestClient, leaver: str, client_as: ClientAs, successor: str
) -> None:
    for sent, status in (({"successor": leaver}, 422), ({"successor": "nobody"}, 422), ({"successor": 7}, 422)):
        assert admin.post(path_of(leaver), json=sent).status_code == status
    foreign = client_as("admin", area="110101")
    assert foreign.get(path_of(leaver)).status_code == 404
    assert foreign.post(path_of(leaver), json={"successor": successor}).status_code == 404
    assert admin.get(path_of("nobody")).status_code == 404
