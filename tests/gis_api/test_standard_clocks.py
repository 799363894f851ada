"""A case with a condition of the standard sheet is timed by the sheet, its own version, anew with each condition."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from layers import categories
from layers.db import transaction
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.gis_api.test_standards import send
from tests.layers.standards.test_workbooks import HEAD, LEAK, ROAD, workbook
from tests.small_city import SmallCity

# A Friday; offices are open 08:30-12:00 and 13:30-17:30, Monday to Friday.
FRIDAY_FIVE = datetime.fromisoformat("2026-11-27T17:00:00+08:00")
PAINT = ("街面", "0201", "占道", "摆摊", "2工作小时", "劝离", "城市管理局", "城市管理局", "")
SHEET = workbook(HEAD, LEAK, ROAD, PAINT)


@pytest.fixture
def desk(app: FastAPI, engine: Engine, client_as: ClientAs) -> TestClient:
    """A desk with a sheet, at a time when nobody is on duty."""
    with transaction(engine) as session:
        categories.ensure_defaults(session)
    app.state.clock = lambda: FRIDAY_FIVE
    assert send(client_as("admin"), SHEET).status_code == 201
    return client_as("dispatcher")


def later(app: FastAPI, **delta: float) -> None:
    now = app.state.clock() + timedelta(**delta)
    app.state.clock = lambda: now


def read(client: TestClient, case: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/api/v1/incidents/{case}").json()
    return told


def deadline(client: TestClient, case: str) -> str:
    told = datetime.fromisoformat(read(client, case)["clock"]["deadline"])
    return told.astimezone(FRIDAY_FIVE.tzinfo).strftime("%a %d %H:%M")


def new_case(desk: TestClient, city: SmallCity, **told: Any) -> str:
    answer = report(desk, city.inside(city.codes[0]), **told)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def step(client: TestClient, case: str, name: str, **more: Any) -> Any:
    return client.post(f"/api/v1/incidents/{case}/steps", json={"step": name, **more})


def test_a_burst_pipe_is_timed_stage_by_stage_and_the_timeline_shows_each(
    app: FastAPI, desk: TestClient, small_city: SmallCity
) -> None:
    case = new_case(desk, small_city, condition="0101-1")
    told = read(desk, case)
    assert (told["clock"]["kind"], told["clock"]["amount"], told["unit_code"]) == ("urgent_hours", 1, "water")
    assert (told["condition"]["case"], told["condition"]["closes"]) == ("爆裂", "已围护")
    assert deadline(desk, case) == "Fri 27 18:00"
    later(app, minutes=50)
    changed = step(desk, case, "set_condition", condition="0101-2", note="已围护")
    assert changed.status_code == 200
    assert (changed.json()["clock"]["kind"], deadline(desk, case)) == ("work_days", "Thu 03 08:30")
    lines = [(one["step"], one["to"], one["note"]) for one in changed.json()["timeline"] if "condition" in one["step"]]
    assert lines == [
        ("set_condition", "0101-1", "供水管道 · 爆裂"),
        ("set_condition", "0101-2", "供水管道 · 路面未恢复 · 已围护"),
    ]
    assert read(desk, case)["may"][0]["step"]
    offered = {one["step"]: one["target"] for one in changed.json()["may"]}
    assert offered["set_condition"] == "condition"


def test_triage_may_give_the_condition_and_the_department_follows_the_sub_class(
    desk: TestClient, small_city: SmallCity
) -> None:
    case = new_case(desk, small_city, category="water_leak")
    before = read(desk, case)
    assert (before["condition"], before["unit_code"], before["clock"]["step"]) == (None, "water", "dispatch")
    told = step(desk, case, "triage", condition="0201-1").json()
    assert (told["clock"]["kind"], told["clock"]["amount"]) == ("work_hours", 2)
    assert (told["state"], told["unit_code"], deadline(desk, case)) == ("triaged", "urban_management", "Mon 30 10:00")


def test_the_clock_of_the_sheet_runs_on_through_every_hand_and_anew_after_a_return(
    app: FastAPI, desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case = new_case(desk, small_city, condition="0101-2")
    due = deadline(desk, case)
    for name, more in (("triage", {}), ("dispatch", {"unit": "water"}), ("accept", {})):
        later(app, minutes=5)
        assert step(desk, case, name, **more).status_code == 200
        assert deadline(desk, case) == due
    assert step(desk, case, "arrive").status_code == 200
    later(app, days=1)
    assert step(desk, case, "handle").json()["clock"]["step"] == "verify"
    later(app, days=1)
    back = step(desk, case, "send_back", note="未修好").json()
    assert (back["clock"]["step"], back["clock"]["kind"]) == ("handle", "work_days")
    assert deadline(desk, case) != due
    assert step(desk, case, "force_close", note="x").json()["clock"] is None


def test_a_living_case_keeps_its_own_version_of_the_sheet(
    app: FastAPI, desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    old = new_case(desk, small_city, condition="0101-1")
    assert send(client_as("admin"), workbook(HEAD, (*LEAK[:4], "6小时", *LEAK[5:]))).json()["version"] == 2
    new = new_case(desk, small_city, condition="0101-1")
    assert [read(desk, case)["clock"]["amount"] for case in (old, new)] == [1, 6]
    assert step(desk, old, "set_condition", condition="0101-2").json()["condition"]["standard"] == 1
    refused = step(desk, new, "set_condition", condition="0101-2")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, "unknown_condition")
    assert step(desk, old, "set_condition", condition="0101-1").json()["clock"]["amount"] == 1


def test_what_may_not_be(desk: TestClient, client_as: ClientAs, small_city: SmallCity) -> None:
    assert report(desk, small_city.inside(small_city.codes[0]), condition="9999-1").status_code == 422
    case = new_case(desk, small_city)
    assert step(desk, case, "set_condition").status_code == 422
    assert step(desk, case, "set_condition", condition="nothing").status_code == 422
    assert read(desk, case)["condition"] is None
    assert step(desk, case, "cancel", note="x").status_code == 200
    assert step(desk, case, "set_condition", condition="0101-1").status_code == 409
    assert step(client_as("unit"), case, "set_condition", condition="0101-1").status_code in (403, 404, 409)


def test_who_was_sent_still_has_to_accept_in_the_time_of_the_category(
    app: FastAPI, staffed: None, desk: TestClient, client_as: ClientAs, small_city: SmallCity, engine: Engine
) -> None:
    """A limit of days for the handling must not let an unanswered assignment lie for days."""
    from datetime import UTC

    app.state.clock = lambda: datetime.now(UTC)
    app.state.replicas.refresh()
    case = report(desk, small_city.inside(small_city.codes[0]), condition="0101-2").json()
    assert case["state"] == "dispatched"
    second = case["assignment"]["candidates"][1]["worker"]
    due = read(desk, case["id"])["due_at"]
    app.state.clock = lambda: datetime.now(UTC) + timedelta(minutes=29)
    assert app.state.timeouts.look() == 0
    app.state.clock = lambda: datetime.now(UTC) + timedelta(minutes=31)
    assert app.state.timeouts.look() == 1
    told = read(desk, case["id"])
    assert (told["assignment"]["worker"], told["due_at"]) == (second, due)
