"""What nobody accepts in time goes to the next candidate, once, and at last to the street's desk ([D5])."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete, select, update
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.settings import Settings
from layers.areas import Area
from layers.db import transaction
from layers.dispatching import Memory, follow_overdue
from layers.dispatching.timeouts import MOST_AT_ONCE
from layers.incidents import Incident, IncidentStep
from layers.shifts import Shift
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.gis_api.contract import TruthfulClient
from tests.gis_api.duty import put_on_duty, report
from tests.small_city import SmallCity
from tests.waiting import until

# A case of sanitation is to be accepted within half an hour.
LATE = timedelta(minutes=31)
FEW = 3


@pytest.fixture
def few(engine: Engine) -> None:
    """Three people on duty in the whole city, whose streets have centres."""
    put_on_duty(engine)
    with transaction(engine) as session:
        session.execute(update(Area).where(Area.level == "subdistrict").values(duty_phone="0315-1", centre_name="街道"))
        kept = select(Worker.id).where(Worker.role == "grid_worker").order_by(Worker.number).limit(FEW)
        session.execute(delete(Shift).where(Shift.worker_id.not_in(kept)))


@pytest.fixture
def desk_of_few(few: None, client_as: ClientAs) -> TestClient:
    return client_as("dispatcher")


def look(app: FastAPI, later: timedelta) -> int:
    app.state.clock = lambda: datetime.now(UTC) + later
    return int(app.state.timeouts.look())


def read(desk: TestClient, case: str) -> dict[str, Any]:
    told: dict[str, Any] = desk.get(f"/api/v1/incidents/{case}").json()
    return told


def test_what_is_not_accepted_in_time_goes_to_the_next_candidate(
    app: FastAPI, desk: TestClient, small_city: SmallCity
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()
    first, second = (one["worker"] for one in case["assignment"]["candidates"][:2])
    assert look(app, timedelta(minutes=29)) == 0
    assert look(app, LATE) == 1
    told = read(desk, case["id"])
    line = told["timeline"][-1]
    assert (told["state"], told["assignment"]["worker"]) == ("dispatched", second)
    assert (line["step"], line["state"], line["by"], line["note"], line["to"]) == (
        *("timeout", "dispatched", "automatic", first, second),
    )
    assert told["decision"]["candidates"][0]["worker"] == second
    assert {"worker": first, "reason": "declined"}.items() <= next(
        one for one in told["decision"]["rejected"] if one["worker"] == first
    ).items()
    # The clock of the next one has begun anew.
    assert look(app, LATE) == 0
    assert told["clock"]["step"] == "accept"


def test_what_was_accepted_stays(app: FastAPI, desk: TestClient, small_city: SmallCity) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()
    assert desk.post(f"/api/v1/incidents/{case['id']}/steps", json={"step": "accept"}).status_code == 200
    assert look(app, 10 * LATE) == 0


def test_nobody_is_asked_twice_and_then_it_goes_up_to_the_street(
    app: FastAPI, desk_of_few: TestClient, small_city: SmallCity
) -> None:
    code = small_city.codes[0]
    case = report(desk_of_few, small_city.inside(code)).json()["id"]
    for turn in range(1, FEW + 1):
        assert look(app, turn * LATE) == 1
    told = read(desk_of_few, case)
    asked = [line["to"] for line in told["timeline"] if line["state"] == "dispatched"]
    assert len(asked) == len(set(asked)) == FEW
    assert (told["state"], told["waiting_reason"], told["level"], told["assignment"]) == (
        *("waiting", "all_declined", "subdistrict", None),
    )
    last = told["timeline"][-1]
    assert (last["step"], last["to"], last["note"]) == ("timeout", code[:9], asked[-1])
    # Somebody has it now, with a time of their own.
    assert told["clock"]["step"] == "dispatch"
    assert look(app, 100 * LATE) == 0


def test_who_declines_last_sends_it_up_too(desk_of_few: TestClient, small_city: SmallCity) -> None:
    code = small_city.codes[0]
    case = report(desk_of_few, small_city.inside(code)).json()["id"]
    for _ in range(FEW):
        told = desk_of_few.post(f"/api/v1/incidents/{case}/steps", json={"step": "decline"}).json()
    assert (told["state"], told["level"], told["timeline"][-1]["to"]) == ("waiting", "subdistrict", code[:9])
    street = desk_of_few.get("/api/v1/incidents", params={"state": "waiting", "area": code[:9]}).json()
    assert [one["id"] for one in street["incidents"]] == [case]


@pytest.mark.parametrize("step", ["photo", "joined", "set_condition"])
def test_a_number_of_something_else_on_the_timeline_keeps_nobody_out(
    app: FastAPI, engine: Engine, desk: TestClient, small_city: SmallCity, step: str
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()
    _, second = (one["worker"] for one in case["assignment"]["candidates"][:2])
    line = {"step": step, "state": "dispatched", "at": datetime.now(UTC), "by": "dispatcher", "note": "", "to": second}
    with transaction(engine) as session:
        session.add(IncidentStep(incident_id=int(case["id"]), **line))
    assert look(app, LATE) == 1
    assert read(desk, case["id"])["assignment"]["worker"] == second


def test_a_case_whose_timeline_does_not_name_its_holder_leaves_them_too(
    app: FastAPI, engine: Engine, desk: TestClient, small_city: SmallCity
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()
    with transaction(engine) as session:
        session.execute(delete(IncidentStep).where(IncidentStep.incident_id == int(case["id"])))
    assert look(app, LATE) == 1
    assert read(desk, case["id"])["assignment"]["worker"] != case["assignment"]["worker"]


def test_of_several_processes_one_passes_a_case_on(
    app: FastAPI, engine: Engine, desk: TestClient, small_city: SmallCity
) -> None:
    cases = [int(report(desk, small_city.inside(code)).json()["id"]) for code in small_city.codes[:MOST_AT_ONCE]]
    state = app.state.replicas.state
    later = datetime.now(UTC) + LATE
    begin, counts = threading.Barrier(4), []

    def process() -> None:
        begin.wait()
        counts.append(follow_overdue(engine, Memory(state.atlas, state.roster), clock=lambda: later))

    threads = [threading.Thread(target=process) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction(engine) as session:
        lines = select(IncidentStep.incident_id).where(IncidentStep.step == "timeout")
        assert sorted(session.scalars(lines)) == sorted(cases)
    assert (len(counts), sum(counts)) == (4, len(cases))


def test_a_look_is_bounded_and_the_next_one_goes_on(
    app: FastAPI, engine: Engine, desk: TestClient, small_city: SmallCity
) -> None:
    cases = [int(report(desk, small_city.inside(code)).json()["id"]) for code in small_city.codes[: MOST_AT_ONCE + 2]]
    state = app.state.replicas.state
    later = datetime.now(UTC) + LATE
    looks = [follow_overdue(engine, Memory(state.atlas, state.roster), clock=lambda: later) for _ in range(3)]
    assert looks == [MOST_AT_ONCE, len(cases) - MOST_AT_ONCE, 0]


def test_a_service_that_is_started_later_passes_on_what_fell_due_meanwhile(
    engine: Engine, settings: Settings, desk: TestClient, small_city: SmallCity
) -> None:
    case = int(report(desk, small_city.inside(small_city.codes[0])).json()["id"])
    with transaction(engine) as session:
        overdue = update(Incident).where(Incident.id == case).values(due_at=datetime.now(UTC) - LATE)
        session.execute(overdue)

    def followed() -> bool:
        with transaction(engine) as session:
            lines = select(IncidentStep.id).where(IncidentStep.incident_id == case, IncidentStep.step == "timeout")
            return len(session.scalars(lines).all()) == 1

    assert not followed()
    with TruthfulClient(create_app(settings.model_copy(update={"timeouts_every_s": 0.05}))):
        until(followed)


def test_nobody_takes_this_step_by_hand(desk: TestClient, small_city: SmallCity) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()["id"]
    answer = desk.post(f"/api/v1/incidents/{case}/steps", json={"step": "timeout"})
    assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]) == (403, "step_not_yours")
    assert "timeout" not in {one["step"] for one in read(desk, case)["may"]}
