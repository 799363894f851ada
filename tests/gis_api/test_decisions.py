"""The decision behind an assignment: everybody considered is in it, and it is made again byte for byte ([D3])."""

from __future__ import annotations

import random
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete, select, update
from starlette.testclient import TestClient

from layers.db import transaction
from layers.dispatching.decisions import KEPT_CANDIDATES
from layers.incidents import Decision
from layers.shifts import Shift
from layers.workers import Worker, announce
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import put_on_duty, report
from tests.small_city import SmallCity


def decision(client: TestClient, case: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/incidents/{case}/decision", params=params)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def replayed(client: TestClient, case: str, **params: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/incidents/{case}/decision/replay", params=params)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def step(client: TestClient, case: str, name: str, **more: Any) -> dict[str, Any]:
    answer = client.post(f"/api/v1/incidents/{case}/steps", json={"step": name, "note": "because", **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_decision_names_everybody_and_where_they_stood(desk: TestClient, small_city: SmallCity) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()
    told = decision(desk, case["id"])
    assert told["chosen"] == case["assignment"]["worker"] == told["candidates"][0]["worker"]
    assert (told["policy"], told["replayable"], told["limits"]["open_tasks"]) == ("own_grid_first", True, 3)
    place = told["candidates"][0]["position"]
    assert abs(place["lon"] - case["location"]["position"]["lon"]) < 0.01


def test_who_is_no_desk_does_not_see_where_they_stood(
    desk: TestClient, small_city: SmallCity, client_as: ClientAs
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()["id"]
    assert {one["position"] for one in decision(client_as("auditor"), case)["candidates"]} == {None}


def test_every_way_to_a_decision_is_made_again_byte_for_byte(desk: TestClient, small_city: SmallCity) -> None:
    """Reported, declined, reassigned by name, given to a department, waiting in a gap: each of them."""
    case = report(desk, small_city.inside(small_city.codes[3]), urgency="critical").json()
    worker = case["assignment"]["candidates"][2]["worker"]
    step(desk, case["id"], "decline")
    step(desk, case["id"], "reassign", to=worker)
    step(desk, case["id"], "reassign", unit="water")
    ids = decision(desk, case["id"])["ids"]
    made = [replayed(desk, case["id"], decision=one) for one in ids]
    assert [one["same"] for one in made] == [True] * 4
    assert [one["stored"]["policy"] for one in made] == ["nearest", "nearest", "by_hand", "by_hand"]
    assert all(one["stored"] == one["again"] and one["sha256"] == one["again_sha256"] for one in made)
    outside = report(desk, small_city.outside).json()["id"]
    assert (decision(desk, outside)["chosen"], replayed(desk, outside)["same"]) == (None, True)


def test_hands_that_turned_out_to_be_full_are_told_and_made_again(
    app: FastAPI, engine: Engine, desk: TestClient, small_city: SmallCity
) -> None:
    """Reports so fast that memory does not know of the tasks yet: whom the lock turns down is told as turned down."""
    place = small_city.inside(small_city.codes[0])
    cases = [report(desk, place).json() for _ in range(8)]
    assert len({one["assignment"]["worker"] for one in cases}) >= 2
    first = cases[0]["assignment"]["worker"]
    turned = [one for one in decision(desk, cases[-1]["id"])["rejected"] if one["worker"] == first]
    assert [one["reason"] for one in turned] == ["at_capacity"]
    assert all(replayed(desk, one["id"])["same"] for one in cases)


def test_a_decision_goes_as_far_as_whoever_goes_and_names_five_at_least(
    desk: TestClient, small_city: SmallCity
) -> None:
    """Twenty are kept ready for a rush; with all who stand before the twentieth a night's decision would be a book."""
    place = small_city.inside(small_city.codes[0])
    told = [decision(desk, report(desk, place).json()["id"]) for _ in range(20)]
    assert all(one["chosen"] == one["candidates"][0]["worker"] for one in told)
    assert len(told[0]["candidates"]) == KEPT_CANDIDATES
    assert all(1 <= len(one["candidates"]) <= KEPT_CANDIDATES for one in told)
    full = [[row for row in one["rejected"] if row["reason"] == "at_capacity"] for one in told]
    assert len(full[-1]) >= 6, "twenty tasks are three each for six, and two"
    for one, turned in zip(told, full, strict=True):
        assert len(one["candidates"]) + len(turned) >= KEPT_CANDIDATES


@pytest.fixture
def nobody_on_duty(engine: Engine) -> None:
    put_on_duty(engine)
    with transaction(engine) as session:
        session.execute(delete(Shift))
        announce(session)


def test_with_nobody_on_duty_everybody_of_the_district_is_in_it(
    nobody_on_duty: None, engine: Engine, client_as: ClientAs, small_city: SmallCity
) -> None:
    desk = client_as("dispatcher")
    case = report(desk, small_city.inside(small_city.codes[0])).json()["id"]
    told = decision(desk, case)
    with transaction(engine) as session:
        numbers = set(session.scalars(select(Worker.number).where(Worker.active)))
    assert {one["worker"] for one in told["rejected"]} == numbers
    assert {one["reason"] for one in told["rejected"]} <= {"off_duty", "role"}
    assert replayed(desk, case)["same"]


def test_random_cases_are_all_made_again(desk: TestClient, small_city: SmallCity) -> None:
    dice = random.Random(7)
    for _ in range(25):
        urgency = dice.choice(["low", "normal", "high", "critical"])
        case = report(desk, small_city.inside(dice.choice(small_city.codes)), urgency=urgency).json()
        if case["state"] == "dispatched" and dice.random() < 0.5:
            step(desk, case["id"], "decline")
        for one in decision(desk, case["id"])["ids"]:
            assert replayed(desk, case["id"], decision=one)["same"]


def test_a_decision_that_was_tampered_with_is_not_the_same(
    engine: Engine, desk: TestClient, small_city: SmallCity
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()["id"]
    other = decision(desk, case)["candidates"][1]["worker"]
    with transaction(engine) as session:
        number = select(Worker.id).where(Worker.number == other).scalar_subquery()
        session.execute(update(Decision).where(Decision.incident_id == int(case)).values(chosen=number))
    told = replayed(desk, case)
    assert (told["same"], told["stored"]["chosen"]) == (False, other)


def test_an_old_decision_without_basis_says_so(engine: Engine, desk: TestClient, small_city: SmallCity) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()["id"]
    with transaction(engine) as session:
        session.execute(update(Decision).where(Decision.incident_id == int(case)).values(basis=None))
    assert decision(desk, case)["replayable"] is False
    answer = desk.post(f"/api/v1/incidents/{case}/decision/replay")
    assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]) == (409, "decision_without_basis")


def test_a_foreign_case_and_an_unknown_decision_are_not_there(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case = report(desk, small_city.inside(small_city.codes[0])).json()["id"]
    stranger = client_as("dispatcher", area="110101")
    assert stranger.get(f"/api/v1/incidents/{case}/decision").status_code == 404
    assert stranger.post(f"/api/v1/incidents/{case}/decision/replay").status_code == 404
    assert desk.get(f"/api/v1/incidents/{case}/decision", params={"decision": "0"}).status_code == 404
