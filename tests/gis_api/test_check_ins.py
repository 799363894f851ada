"""The word of who is on a risky task over HTTP: awaited, given, kept by a phone, and told of when it does not come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import Range
from starlette.testclient import TestClient

from layers.access import add_user
from layers.assignments import Assignment
from layers.db import transaction
from layers.dispatching import tell_silent
from layers.outgoing import OutgoingEvent
from layers.workers import Worker
from tests.gis_api.conftest import WEAK, ClientAs, client_of_person
from tests.gis_api.duty import report
from tests.small_city import SmallCity

CASES = "/api/v1/incidents"
CHECKS = "/api/v1/check-ins"
MINUTES = 15
Told = dict[str, Any]
AsWorker = Callable[[str], TestClient]


@pytest.fixture
def risky(client_as: ClientAs) -> Callable[..., None]:
    """Has the city ask whoever is on a fire to say that they are well: `risky({"urgency": "low", …})` adds rules."""

    def put(*more: Told) -> None:
        rules = [{"category": "fire", "check_in_minutes": MINUTES}, *more]
        answer = client_as("admin").put("/api/v1/settings/dispatch", json={"rules": rules})
        assert answer.status_code == 200, answer.text

    return put


@pytest.fixture
def as_worker(engine: Engine, app: FastAPI, anybody: TestClient) -> AsWorker:
    """A client of the worker with this number, whose account has no ground of its own."""

    def made(number: str) -> TestClient:
        with transaction(engine) as session:
            worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
            about = {"worker_id": worker_id, "password_hash": WEAK.hash("x")}
            add_user(session, f"person {number}", role="worker", area="130273999", **about)
        client = client_of_person(app, anybody, engine, person=f"person {number}")
        client.headers["origin"] = str(client.base_url)
        return client

    return made


def take(client: TestClient, case: str, step: str, *, status: int = 200, **more: Any) -> Told:
    answer = client.post(f"{CASES}/{case}/steps", json={"step": step, **more})
    assert answer.status_code == status, answer.text
    told: Told = answer.json()
    return told


def fire(desk: TestClient, small_city: SmallCity, **more: Any) -> tuple[str, str]:
    """The id of a fire and the staff number of who is sent to it."""
    answer = report(desk, small_city.inside(small_city.codes[0]), **{"category": "fire", **more})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    return told["id"], told["assignment"]["worker"]


def in_minutes(minutes: float) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + timedelta(minutes=minutes)


def left_s(told: Told) -> float:
    return (datetime.fromisoformat(told["check_in"]["deadline"]) - datetime.now(UTC)).total_seconds()


def steps_of(told: Told) -> set[str]:
    return {one["step"] for one in told["may"]}


def test_the_timer_begins_with_accept_and_arrive_and_anew_with_each_word(
    desk: TestClient, risky: Callable[..., None], as_worker: AsWorker, small_city: SmallCity
) -> None:
    risky()
    case, number = fire(desk, small_city)
    mine = as_worker(number)
    told = mine.get(f"{CASES}/{case}").json()
    assert told["check_in"] == {"minutes": MINUTES, "deadline": None, "overdue": False, "missed_at": None}
    assert "check_in" not in steps_of(told), "nobody is on it yet"
    assert take(mine, case, "check_in", status=409)["type"].endswith("step_may_not_follow")
    for step in ("accept", "check_in", "arrive", "check_in"):
        told = take(mine, case, step)
        assert MINUTES * 60 - 30 < left_s(told) <= MINUTES * 60
        assert "check_in" in steps_of(told) and "check_in" in steps_of(desk.get(f"{CASES}/{case}").json())
    assert told["state"] == "arrived"
    assert [line["step"] for line in told["timeline"]][-4:] == ["accept", "check_in", "arrive", "check_in"]
    [listed] = desk.get(CHECKS).json()["check_ins"]
    assert (listed["incident"], listed["worker"]["worker"], listed["overdue"]) == (case, number, False)
    assert desk.get(CHECKS, params={"overdue": True}).json() == {"check_ins": []}
    done = take(mine, case, "handle")
    assert done["check_in"] is None and "check_in" not in steps_of(done)
    assert desk.get(CHECKS).json() == {"check_ins": []}


def test_who_is_not_heard_is_told_of_once_to_desk_leader_and_who_leads_the_grid(
    desk: TestClient,
    risky: Callable[..., None],
    as_worker: AsWorker,
    client_as: ClientAs,
    small_city: SmallCity,
    engine: Engine,
    app: FastAPI,
) -> None:
    risky()
    leads, stranger = (small_city.worker_of[small_city.codes[at]] for at in (3, 5))
    _let_lead(engine, leads, small_city.codes[0])
    case, number = fire(desk, small_city)
    mine = as_worker(number)
    take(mine, case, "accept")
    assert tell_silent(engine, clock=in_minutes(MINUTES - 1)) == 0
    assert tell_silent(engine, clock=in_minutes(MINUTES + 1)) == 1
    assert tell_silent(engine, clock=in_minutes(MINUTES + 2)) == 0, "told of once"
    app.state.clock = in_minutes(MINUTES + 2)
    told = desk.get(f"{CASES}/{case}").json()
    line = told["timeline"][-1]
    assert (line["step"], line["by"], line["note"], line["to"]) == ("check_in_missed", "automatic", number, leads)
    assert told["check_in"]["overdue"] and told["check_in"]["missed_at"]
    [seen] = desk.get(CHECKS, params={"overdue": True}).json()["check_ins"]
    assert (seen["worker"]["worker"], seen["leader"]["worker"], seen["category"]) == (number, leads, "fire")
    assert seen["worker"]["phone"] and seen["missed_at"]
    [seen] = client_as("leader").get(CHECKS).json()["check_ins"]
    assert seen["worker"]["phone"] and seen["category"] is None, "a leader is told whom to call, and no case"
    [seen] = as_worker(leads).get(CHECKS).json()["check_ins"]
    assert seen["worker"]["phone"], "who leads the grid calls"
    [seen] = mine.get(CHECKS).json()["check_ins"]
    assert seen["worker"]["phone"] is None
    assert as_worker(stranger).get(CHECKS).json() == {"check_ins": []}
    assert client_as("dispatcher", area="110101").get(CHECKS).json() == {"check_ins": []}
    with transaction(engine) as session:
        events = session.scalars(select(OutgoingEvent).where(OutgoingEvent.kind == "incident.check_in_missed")).all()
        assert [(one.subject, one.area, one.told["worker"]) for one in events] == [(case, small_city.codes[0], number)]
    deeds = client_as("auditor").get("/api/v1/history", params={"action": "incident.check_in_missed"}).json()
    assert len(deeds["entries"]) == 1
    told = take(desk, case, "check_in", note="电话里说没事")
    assert (told["check_in"]["overdue"], told["check_in"]["missed_at"]) == (False, None)
    assert desk.get(CHECKS, params={"overdue": True}).json() == {"check_ins": []}
    assert tell_silent(engine, clock=in_minutes(2 * MINUTES + 4)) == 1, "and silent once more"


def test_a_word_that_a_phone_kept_counts_from_when_it_was_given(
    desk: TestClient,
    risky: Callable[..., None],
    as_worker: AsWorker,
    small_city: SmallCity,
    engine: Engine,
    app: FastAPI,
) -> None:
    risky()
    case, number = fire(desk, small_city)
    mine = as_worker(number)
    take(mine, case, "accept")
    accepted = datetime.now(UTC)
    app.state.clock = lambda: accepted + timedelta(minutes=20)
    assert tell_silent(engine, clock=in_minutes(20)) == 1
    kept = (accepted + timedelta(minutes=10)).isoformat()
    told = take(mine, case, "check_in", taken_at=kept)
    left = datetime.fromisoformat(told["check_in"]["deadline"]) - (accepted + timedelta(minutes=25))
    assert abs(left.total_seconds()) < 30, "fifteen minutes after it was given, not after it came"
    assert told["timeline"][-1]["taken_at"] and told["check_in"]["missed_at"] is None
    older = (accepted + timedelta(minutes=5)).isoformat()
    again = take(mine, case, "check_in", taken_at=older)
    assert again["check_in"]["deadline"] == told["check_in"]["deadline"], "an older word takes no younger one's place"
    app.state.clock = lambda: accepted + timedelta(minutes=60)
    assert tell_silent(engine, clock=in_minutes(60)) == 1
    late = take(mine, case, "check_in", taken_at=(accepted + timedelta(minutes=30)).isoformat())
    assert late["check_in"]["overdue"] and late["check_in"]["missed_at"], "half an hour ago is no sign of now"
    future = take(mine, case, "check_in", taken_at=(accepted + timedelta(minutes=90)).isoformat(), status=422)
    assert future["errors"][0]["loc"] == ["taken_at"]


def test_nobody_waits_where_it_is_not_asked_for_and_only_for_who_is_on_it(
    desk: TestClient, risky: Callable[..., None], as_worker: AsWorker, small_city: SmallCity
) -> None:
    risky({"category": "fire", "urgency": "low", "check_in_minutes": 0})
    calm, number = fire(desk, small_city, urgency="low")
    told = take(as_worker(number), calm, "accept")
    assert told["check_in"] is None, "the narrower rule switches it off"
    assert take(desk, calm, "check_in", status=409)["type"].endswith("no_check_in")
    case, _ = fire(desk, small_city)
    take(desk, case, "accept")
    assert take(as_worker(small_city.worker_of[small_city.codes[5]]), case, "check_in", status=404)
    told = take(desk, case, "reassign", to=small_city.worker_of[small_city.codes[5]], confirm=True)
    assert told["check_in"]["deadline"] is None, "whoever is sent next has not accepted yet"
    told = take(desk, case, "pass_on", status=403)
    given = take(desk, case, "reassign", unit="water")
    given = take(desk, case, "accept")
    assert given["state"] == "accepted" and given["check_in"]["deadline"] is None, "a department answers to its desk"
    assert desk.get(CHECKS).json() == {"check_ins": []}


@pytest.mark.parametrize("minutes", [-1, 1441, 1.5, "x"])
def test_minutes_that_are_none_are_refused(client_as: ClientAs, minutes: Any) -> None:
    rules = [{"category": "fire", "check_in_minutes": minutes}]
    answer = client_as("admin").put("/api/v1/settings/dispatch", json={"rules": rules})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["rules", 0, "check_in_minutes"]


def _let_lead(engine: Engine, number: str, grid: str) -> None:
    with transaction(engine) as session:
        worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
        span = Range(datetime.now(UTC) - timedelta(days=1), None, bounds="[)")
        session.add(Assignment(worker_id=worker_id, grid_code=grid, role="grid_leader", span=span))
