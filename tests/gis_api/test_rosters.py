"""Rosters over HTTP: a week planned and looked at before it is saved, leave with somebody who stands in, gaps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete, func, select
from starlette.testclient import TestClient

from layers import categories
from layers.db import transaction
from layers.shifts import Shift, ShiftException, ShiftTemplate
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.small_city import SmallCity

MONDAY_SEVEN = datetime.fromisoformat("2026-11-30T07:00:00+08:00")
TEMPLATES, EXCEPTIONS, GAPS = "/api/v1/shifts/templates", "/api/v1/shifts/exceptions", "/api/v1/on-duty/gaps"
EARLY = {"weekdays": [1, 2, 3, 4, 5], "from": "08:00", "to": "16:00", "first_day": "2026-11-30"}


@pytest.fixture
def planner(app: FastAPI, engine: Engine, client_as: ClientAs) -> TestClient:
    """A planner of a city in which nobody has any duty yet."""
    with transaction(engine) as session:
        categories.ensure_defaults(session)
        session.execute(delete(Shift))
    app.state.clock = lambda: MONDAY_SEVEN
    return client_as("planner")


@pytest.fixture
def two(engine: Engine) -> tuple[str, str]:
    with transaction(engine) as session:
        one, other = session.scalars(select(Worker.number).order_by(Worker.number).limit(2)).all()
    return one, other


def at(client: TestClient, words: str) -> list[str]:
    """Who is on duty by the clock of the city."""
    told = client.get("/api/v1/on-duty", params={"at": f"{words}:00+08:00"}).json()
    return [one["worker"] for one in told["workers"]]


def stored(engine: Engine) -> tuple[int, int]:
    with transaction(engine) as session:
        tables = (ShiftTemplate, ShiftException)
        one, other = (session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
        return one, other


def test_a_week_is_looked_at_before_it_is_saved_and_holds_in_past_and_future(
    planner: TestClient, two: tuple[str, str], engine: Engine, app: FastAPI
) -> None:
    sent = {"templates": [{"worker": two[0], **EARLY}]}
    tried = planner.post(TEMPLATES, json=sent, params={"dry_run": True})
    assert (tried.status_code, tried.json()["stored"], stored(engine)) == (200, 0, (0, 0))
    assert tried.json()["cover"]["gaps"]
    assert planner.post(TEMPLATES, json=sent).json()["stored"] == 1
    assert at(planner, "2026-11-30T08:00") == [two[0]]
    assert [at(planner, f"2026-12-0{day}T15:59") for day in (4, 5)] == [[two[0]], []]
    assert at(planner, "2026-12-01T16:00") == []
    assert at(planner, "2027-11-30T12:00") == [two[0]]
    assert at(planner, "2026-11-27T12:00") == []
    told = planner.get(TEMPLATES).json()["templates"]
    assert [(one["worker"], one["weekdays"], one["from"], one["minutes"]) for one in told] == [
        (two[0], [1, 2, 3, 4, 5], "08:00", 480)
    ]
    listed = planner.get("/api/v1/shifts", params={"day": "2026-12-02"}).json()["shifts"]
    assert [one["since"] for one in listed] == ["2026-12-02T00:00:00Z"]


def test_somebody_stands_in_for_a_leave_and_extra_duty_is_on_top(
    planner: TestClient, two: tuple[str, str], client_as: ClientAs
) -> None:
    planner.post(TEMPLATES, json={"templates": [{"worker": two[0], **EARLY}]})
    leave = {
        **{"worker": two[0], "kind": "leave", "substitute": two[1], "reason": "病假"},
        **{"start": "2026-12-01T12:00:00+08:00", "end": "2026-12-02T12:00:00+08:00"},
    }
    extra = {
        **{"worker": two[0], "kind": "extra"},
        **{"start": "2026-12-01T13:00:00+08:00", "end": "2026-12-01T14:00:00+08:00"},
    }
    assert planner.post(EXCEPTIONS, json={"exceptions": [leave, extra]}).status_code == 201
    assert at(planner, "2026-12-01T11:59") == [two[0]]
    assert at(planner, "2026-12-01T12:00") == [two[1]]
    assert at(planner, "2026-12-01T13:30") == [*two]
    assert at(planner, "2026-12-01T16:00") == []
    assert at(planner, "2026-12-02T12:00") == [two[0]]
    told = client_as("leader").get(EXCEPTIONS).json()["exceptions"]
    assert [(one["kind"], one["substitute"], one["reason"]) for one in told] == [
        ("leave", two[1], "病假"),
        ("extra", None, ""),
    ]


def test_a_leave_without_anybody_brings_a_gap_that_is_told_before_it_is_saved(
    planner: TestClient, two: tuple[str, str], engine: Engine, small_city: SmallCity
) -> None:
    community = small_city.codes[0][:12]
    planner.post(TEMPLATES, json={"templates": [{"worker": two[0], **EARLY}]})
    day = {"since": "2026-12-01T08:00:00+08:00", "until": "2026-12-01T16:00:00+08:00", "area": community}
    assert planner.get(GAPS, params=day).json()["gaps"] == []
    leave: dict[str, Any] = {
        **{"worker": two[0], "kind": "leave"},
        **{"start": "2026-12-01T10:00:00+08:00", "end": "2026-12-01T11:00:00+08:00"},
    }
    tried = planner.post(EXCEPTIONS, json={"exceptions": [leave]}, params={"dry_run": True}).json()
    new = [(one["area"], one["since"], one["until"], one["on_duty"], one["minimum"]) for one in tried["new_gaps"]]
    assert (community, "2026-12-01T02:00:00Z", "2026-12-01T03:00:00Z", 0, 1) in new
    assert planner.get(GAPS, params=day).json()["gaps"] == []
    assert planner.put(f"/api/v1/on-duty/cover/{community}", json={"people": 2}).status_code == 200
    told = planner.get(GAPS, params=day).json()
    assert [(one["on_duty"], one["minimum"]) for one in told["gaps"]] == [(1, 2)]
    assert planner.put(f"/api/v1/on-duty/cover/{community}", json={"people": 0}).status_code == 200
    assert planner.get(GAPS, params=day).json()["gaps"] == []
    mine = next(one for one in told["loads"] if one["worker"] == two[0])
    assert mine["hours"] == 8


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"weekdays": [1, 1]}, "weekdays_wrong"),
        ({"weekdays": []}, "not_acceptable"),
        ({"weekdays": [8]}, "not_acceptable"),
        ({"first_day": "2026-11-29"}, "template_in_the_past"),
        ({"last_day": "2026-11-29"}, "ends_before_it_starts"),
        ({"from": "25:00"}, "not_a_time_of_day"),
    ],
)
def test_a_week_that_makes_no_sense_is_refused_and_nothing_is_stored(
    planner: TestClient, two: tuple[str, str], engine: Engine, changes: dict[str, Any], code: str
) -> None:
    good, wrong = {"worker": two[1], **EARLY}, {"worker": two[0], **EARLY, **changes}
    refused = planner.post(TEMPLATES, json={"templates": [good, wrong]})
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (422, code)
    assert stored(engine) == (0, 0)


def test_overlapping_rows_of_one_worker_are_refused_also_against_what_is_stored(
    planner: TestClient, two: tuple[str, str], engine: Engine
) -> None:
    late = {**EARLY, "from": "15:00", "to": "23:00"}
    sunday_night = {**EARLY, "weekdays": [7], "from": "22:00", "to": "08:30"}
    for other in (late, sunday_night):
        both = [{"worker": two[0], **EARLY}, {"worker": two[0], **other}]
        refused = planner.post(TEMPLATES, json={"templates": both}).json()
        assert (refused["type"].rpartition(":")[2], refused["errors"][0]["loc"]) == (
            *("roster_rows_overlap", ["templates", 1]),
        )
    assert stored(engine) == (0, 0)
    first = {"templates": [{"worker": two[0], **EARLY}]}
    assert planner.post(TEMPLATES, json=first).status_code == 201
    assert planner.post(TEMPLATES, json=first).status_code == 422
    assert planner.post(TEMPLATES, json={**first, "replace": True}).status_code == 201
    assert stored(engine) == (1, 0)
    touching = {**EARLY, "from": "16:00", "to": "23:00"}
    assert planner.post(TEMPLATES, json={"templates": [{"worker": two[0], **touching}]}).status_code == 201


def test_what_may_not_be(planner: TestClient, client_as: ClientAs, two: tuple[str, str], engine: Engine) -> None:
    leave = {
        "worker": two[0],
        "kind": "leave",
        "start": "2026-12-01T10:00:00+08:00",
        "end": "2026-12-01T11:00:00+08:00",
    }
    for changes in (
        {"end": leave["start"]},
        {"start": "2026-11-20T10:00:00+08:00"},
        {"end": "2028-12-01T11:00:00+08:00"},
        {"substitute": two[0]},
        {"kind": "extra", "substitute": two[1]},
        {"worker": "nobody"},
        {"kind": "holiday"},
    ):
        answer = planner.post(EXCEPTIONS, json={"exceptions": [leave, leave | changes]})
        assert answer.status_code in (404, 422), changes
    assert stored(engine) == (0, 0)
    foreign = client_as("planner", area="110101")
    assert foreign.post(EXCEPTIONS, json={"exceptions": [leave]}).status_code in (403, 404, 422)
    assert foreign.put("/api/v1/on-duty/cover/130273", json={"people": 1}).status_code == 403
    assert (
        planner.get(GAPS, params={"since": "2026-12-01T00:00:00Z", "until": "2027-12-01T00:00:00Z"}).status_code == 422
    )


def test_duty_that_cuts_a_gap_in_two_brings_no_new_gap_and_a_worse_one_is_told(
    planner: TestClient, two: tuple[str, str], small_city: SmallCity
) -> None:
    """A night where nobody was: both ends of the gap that is left were told as new ones."""
    community = small_city.codes[0][:12]
    tried = planner.post(TEMPLATES, json={"templates": [{"worker": two[0], **EARLY}]}, params={"dry_run": True}).json()
    assert tried["cover"]["gaps"]
    assert tried["new_gaps"] == []
    planner.put(f"/api/v1/on-duty/cover/{community}", json={"people": 3})
    planner.post(TEMPLATES, json={"templates": [{"worker": number, **EARLY} for number in two]})
    leave = {"worker": two[0], "kind": "leave", "start": "2026-12-01T00:00:00Z", "end": "2026-12-01T02:00:00Z"}
    told = planner.post(EXCEPTIONS, json={"exceptions": [leave]}, params={"dry_run": True}).json()["new_gaps"]
    mine = [(one["since"], one["until"], one["on_duty"]) for one in told if one["area"] == community]
    assert mine == [("2026-12-01T00:00:00Z", "2026-12-01T02:00:00Z", 1)]
