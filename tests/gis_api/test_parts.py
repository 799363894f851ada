"""A case in several hands: split into parts with owners and clocks of their own; asked after the end ([D9])."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select
from starlette.testclient import TestClient

from layers.access import add_user
from layers.db import transaction
from layers.incidents import DISCONTENT, RECALL_ANSWERS, Incident
from tests.gis_api.conftest import AREA, WEAK, ClientAs, client_of_person
from tests.gis_api.duty import report
from tests.small_city import SmallCity

WATER, HOUSING = {"unit": "water", "note": "止水"}, {"unit": "housing", "note": "补路面"}
CASES = "/api/v1/incidents"


def take(client: TestClient, case: str, step: str, **more: Any) -> Any:
    return client.post(f"{CASES}/{case}/steps", json={"step": step, **more})


def read(client: TestClient, case: str) -> dict[str, Any]:
    answer = client.get(f"{CASES}/{case}")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def case(desk: TestClient, small_city: SmallCity) -> str:
    return str(report(desk, small_city.inside(small_city.codes[0]), category="water_leak").json()["id"])


@pytest.fixture
def parts(desk: TestClient, case: str, small_city: SmallCity) -> list[str]:
    """The parts of the case: the water department leads, a worker mends the road."""
    worker = small_city.worker_of[small_city.codes[3]]
    answer = take(desk, case, "split", parts=[{"to": worker, "note": "补路面"}, {**WATER, "lead": True}])
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["parts"]]


def end(desk: TestClient, part: str, step: str = "force_close") -> dict[str, Any]:
    answer = take(desk, part, step, note="好了")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_each_part_has_its_owner_and_its_clock_and_one_leads(
    desk: TestClient, case: str, parts: list[str], small_city: SmallCity
) -> None:
    whole = read(desk, case)
    assert (whole["state"], whole["stage"], whole["assignment"]) == ("split", "handle", None)
    assert whole["unit_code"] == "water", "whose part leads answers for the whole"
    assert whole["clock"]["step"] == "handle", "no living case is without a deadline"
    lead, joint = whole["parts"]
    assert [one["id"] for one in (lead, joint)] == parts
    assert (lead["lead"], lead["unit_code"], lead["assignment"], lead["description"]) == (True, "water", None, "止水")
    assert (joint["lead"], joint["assignment"]["worker"]) == (False, small_city.worker_of[small_city.codes[3]])
    for part in (lead, joint):
        assert (part["state"], part["part_of"], part["clock"]["step"]) == ("dispatched", case, "accept")
        assert part["current_code"] == whole["current_code"] and part["position"] == whole["position"]
        assert read(desk, part["id"])["parts"] == []
    timeline = [line["step"] for line in read(desk, joint["id"])["timeline"]]
    assert timeline == ["split", "dispatch"]
    take(desk, joint["id"], "accept")
    assert read(desk, lead["id"])["state"] == "dispatched", "their clocks and states are their own"


def test_the_whole_closes_with_the_last_part_and_everybody_hears_the_answer(
    desk: TestClient, case: str, parts: list[str], small_city: SmallCity
) -> None:
    second = report(desk, small_city.inside(small_city.codes[0]), category="water_leak").json()["id"]
    assert take(desk, second, "duplicate", to=case).status_code == 200
    end(desk, parts[0])
    assert read(desk, case)["state"] == "split"
    end(desk, parts[1])
    whole = read(desk, case)
    last = whole["timeline"][-1]
    assert (whole["state"], last["step"], last["by"]) == ("closed", "gather", "automatic")
    assert whole["closed_at"] is not None and whole["clock"] is None
    assert whole["joined"][0]["fed_back_at"] is not None
    assert read(desk, second)["timeline"][-1]["step"] == "feed_back"


def test_the_whole_can_be_neither_ended_nor_moved_past_its_parts(desk: TestClient, case: str, parts: list[str]) -> None:
    may = {one["step"] for one in read(desk, case)["may"]}
    assert may.isdisjoint({"cancel", "void", "close", "force_close", "duplicate", "dispatch", "correct_place", "split"})
    for step in ("cancel", "force_close", "gather", "resume", "split"):
        refused = take(desk, case, step, note="x", parts=[WATER, HOUSING])
        assert refused.status_code in (403, 409), (step, refused.text)
    assert "split" not in {one["step"] for one in read(desk, parts[0])["may"]}, "a part is not split again"
    assert take(desk, parts[0], "split", parts=[WATER, HOUSING]).status_code in (403, 409)
    assert take(desk, parts[0], "duplicate", to=case).status_code == 409, "a part is no other case than its whole"


def test_parts_that_all_came_to_nothing_leave_the_whole_to_the_desk(
    desk: TestClient, case: str, parts: list[str]
) -> None:
    for part in parts:
        end(desk, part, "cancel")
    whole = read(desk, case)
    assert (whole["state"], whole["waiting_reason"]) == ("waiting", "parts_without_result")
    assert whole["waiting_text"] == "各方均未办成"
    assert {"dispatch", "split", "cancel"} <= {one["step"] for one in whole["may"]}


def test_a_part_that_is_reopened_takes_the_whole_with_it(desk: TestClient, case: str, parts: list[str]) -> None:
    end(desk, parts[0])
    end(desk, parts[1], "cancel")
    assert read(desk, case)["state"] == "closed"
    assert take(desk, parts[0], "reopen").status_code == 200
    assert read(desk, case)["state"] == "split"
    end(desk, parts[0])
    assert read(desk, case)["state"] == "closed"


def test_parts_that_close_at_the_same_moment_close_the_whole_once(
    client_as: ClientAs, desk: TestClient, case: str, parts: list[str]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(partial(end, desk), parts))
    timeline = [line["step"] for line in read(desk, case)["timeline"]]
    assert read(desk, case)["state"] == "closed" and timeline.count("gather") == 1


@pytest.mark.parametrize(
    ("wrong", "code", "loc"),
    [
        ([WATER], "wrong_number_of_parts", ["parts"]),
        ([], "wrong_number_of_parts", ["parts"]),
        ([WATER] * 10, "wrong_number_of_parts", ["parts"]),
        ([WATER, {"note": "谁来？"}], "part_of_nobody", ["parts", 1]),
        ([{**WATER, "lead": True}, {**HOUSING, "lead": True}], "one_part_leads", ["parts"]),
        ([WATER, {"unit": "nobody"}], "unknown_unit", ["unit"]),
        ([WATER, {"to": "W9999"}], "unknown_worker", None),
    ],
)
def test_a_wrong_split_is_refused_and_nothing_is_half_stored(
    desk: TestClient, engine: Engine, case: str, wrong: list[dict[str, Any]], code: str, loc: list[Any] | None
) -> None:
    before = read(desk, case)
    refused = take(desk, case, "split", parts=wrong)
    assert refused.status_code == 422, refused.text
    assert refused.json()["type"].endswith(code), refused.json()
    assert loc is None or refused.json()["errors"][0]["loc"] == loc
    assert read(desk, case) == before
    with transaction(engine) as session:
        assert session.scalar(select(func.count()).select_from(Incident)) == 1


def test_each_department_sees_its_part_and_the_leading_one_the_whole(
    app: FastAPI, anybody: TestClient, engine: Engine, desk: TestClient, case: str
) -> None:
    whole = take(desk, case, "split", parts=[WATER, HOUSING]).json()
    water_part, housing_part = [one["id"] for one in whole["parts"]]
    with transaction(engine) as session:
        for unit in ("water", "housing"):
            add_user(session, unit, role="unit", area=AREA, password_hash=WEAK.hash("x"), unit=unit)
    water, housing = (client_of_person(app, anybody, engine, person=unit) for unit in ("water", "housing"))
    sees = {one["id"] for one in water.get(CASES).json()["incidents"]}
    assert sees == {case, water_part}
    assert {one["id"] for one in housing.get(CASES).json()["incidents"]} == {housing_part}
    origin = {"origin": str(water.base_url)}
    accepted = water.post(f"{CASES}/{water_part}/steps", json={"step": "accept"}, headers=origin)
    assert accepted.status_code == 200 and accepted.json()["state"] == "accepted"
    assert water.post(f"{CASES}/{housing_part}/steps", json={"step": "accept"}, headers=origin).status_code == 404


def test_a_case_and_its_parts_are_one_case_where_cases_are_counted(
    desk: TestClient, client_as: ClientAs, case: str, parts: list[str]
) -> None:
    figures = client_as("leader").get("/api/v1/figures", params={"area": AREA}).json()
    assert figures["total"]["incidents"] == 1
    assert desk.get(f"{CASES}/{case}/duplicates").json()["incidents"] == []
    assert desk.get(f"{CASES}/{parts[0]}/duplicates").json()["incidents"] == []


@pytest.mark.parametrize("answer", RECALL_ANSWERS)
def test_who_is_not_content_has_the_case_again_for_that_reason(desk: TestClient, case: str, answer: str) -> None:
    assert take(desk, case, "recall", answer=answer).status_code == 409, "nobody is asked before the end"
    end(desk, case)
    offered = next(one for one in read(desk, case)["may"] if one["step"] == "recall")
    assert (offered["target"], offered["otherwise"]) == ("answer", "triaged")
    assert offered["answers"] == list(RECALL_ANSWERS)
    told = take(desk, case, "recall", answer=answer, note="原话").json()
    assert told["state"] == ("triaged" if answer in DISCONTENT else "closed")
    assert told["recall"]["answer"] == answer and told["recall"]["note"] == "原话"
    assert (told["clock"] is not None) == (answer in DISCONTENT), "what is open again has a deadline"
    assert (told["timeline"][-1]["step"], told["timeline"][-1]["to"]) == ("recall", answer)


@pytest.mark.parametrize("answer", [None, "", "satisfied", "不满意"])
def test_an_answer_that_is_none_of_the_standard_ones_is_refused(
    desk: TestClient, case: str, answer: str | None
) -> None:
    end(desk, case)
    refused = take(desk, case, "recall", answer=answer)
    assert refused.status_code == 422 and refused.json()["errors"][0]["loc"] == ["answer"]
    assert read(desk, case)["state"] == "closed"


def test_a_whole_that_was_gathered_is_asked_for_and_its_parts_are_not(
    desk: TestClient, case: str, parts: list[str]
) -> None:
    for part in parts:
        end(desk, part)
    assert "recall" not in {one["step"] for one in read(desk, parts[0])["may"]}
    told = take(desk, case, "recall", answer="not_done").json()
    assert told["state"] == "triaged"
    assert take(desk, case, "split", parts=[WATER, HOUSING]).status_code == 200
    assert len(read(desk, case)["parts"]) == 4
