"""Rosters from spreadsheets over HTTP: read by the clock of the district, the whole file or nothing of it."""

from __future__ import annotations

import io
from datetime import datetime, time
from typing import Any

import openpyxl
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, delete, func, select
from starlette.testclient import TestClient

from layers.db import transaction
from layers.importing.rosters import day_of, time_of, weekdays_of
from layers.importing.values import Unreadable
from layers.shifts import Shift, ShiftException, ShiftTemplate
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs

DOOR = "/api/v1/shifts/import"
NOW = datetime.fromisoformat("2026-11-28T07:00:00+08:00")


@pytest.fixture
def planner(app: FastAPI, engine: Engine, client_as: ClientAs) -> TestClient:
    with transaction(engine) as session:
        session.execute(delete(Shift))
    app.state.clock = lambda: NOW
    return client_as("planner")


@pytest.fixture
def two(engine: Engine) -> tuple[str, str]:
    with transaction(engine) as session:
        one, other = session.scalars(select(Worker.number).order_by(Worker.number).limit(2)).all()
    return one, other


def send(client: TestClient, kind: str, content: str | bytes, *, name: str = "roster.csv", **asked: Any) -> Any:
    body = content.encode() if isinstance(content, str) else content
    return client.post(DOOR, params={"kind": kind, **asked}, files={"file": (name, body)})


def book(*rows: tuple[Any, ...]) -> bytes:
    made, file = openpyxl.Workbook(), io.BytesIO()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    made.save(file)
    return file.getvalue()


def at(client: TestClient, words: str) -> list[str]:
    told = client.get("/api/v1/on-duty", params={"at": f"{words}:00+08:00"}).json()
    return [one["worker"] for one in told["workers"]]


def stored(engine: Engine) -> tuple[int, int]:
    with transaction(engine) as session:
        one, other = (session.scalar(select(func.count()).select_from(t)) or 0 for t in (ShiftTemplate, ShiftException))
        return one, other


def test_a_time_of_a_spreadsheet_is_read_by_the_clock_of_the_district(
    planner: TestClient, two: tuple[str, str], engine: Engine
) -> None:
    """`2026/11/29 22:00` as text in a CSV, and as a date in a workbook."""
    csv = f"工号,类型,开始,结束,原因\n{two[0]},加班,2026/11/29 22:00,2026/11/30 6:00,夜班\n"
    tried = send(planner, "exceptions", csv, dry_run=True)
    assert (tried.status_code, tried.json()["ok"], stored(engine)) == (200, True, (0, 0))
    done = send(planner, "exceptions", csv)
    assert done.status_code == 201, done.text
    assert [at(planner, moment) for moment in ("2026-11-29T21:59", "2026-11-29T22:00", "2026-11-30T05:59")] == [
        [],
        [two[0]],
        [two[0]],
    ]
    night = (two[1], "extra", datetime(2026, 11, 29, 22), datetime(2026, 11, 30, 6))
    sheet = book(("worker", "kind", "start", "end"), night)
    assert send(planner, "exceptions", sheet, name="roster.xlsx").status_code == 201
    assert at(planner, "2026-11-29T22:00") == [*two]
    assert at(planner, "2026-11-30T06:00") == []


def test_the_shifts_of_a_week_come_from_a_workbook_and_replace_those_before(
    planner: TestClient, two: tuple[str, str]
) -> None:
    head = ("工号", "星期", "上岗", "下岗", "起始日期", "截止日期")
    sheet = book(
        head,
        (two[0], "周一至周五", time(8), time(16), datetime(2026, 11, 30), None),
        (two[1], "六日", "22:00", "6:00", "2026/11/28", "2026/12/31"),
    )
    told = send(planner, "templates", sheet, name="roster.xlsx").json()
    assert (told["rows"], told["ok"], told["outcome"]["stored"]) == (2, True, 2)
    assert at(planner, "2026-11-30T08:00") == [two[0]]
    assert at(planner, "2026-11-29T01:00") == [two[1]]
    other = f"worker,weekdays,from,to,first_day\n{two[0]},每天,10:00,12:00,2026-12-02\n"
    assert send(planner, "templates", other).status_code == 422
    assert send(planner, "templates", other, replace=True).status_code == 201
    assert [at(planner, f"2026-12-0{day}T08:00") for day in (1, 2)] == [[two[0]], []]
    assert at(planner, "2026-12-05T11:00") == [two[0]]


def test_rows_that_stand_in_the_way_are_named_with_their_numbers_and_nothing_is_stored(
    planner: TestClient, two: tuple[str, str], engine: Engine
) -> None:
    rows = [
        f"{two[0]},1,08:00,16:00,2026-11-30",
        f"{two[1]},1,08:00,16:00,2026-11-30",
        f"{two[0]},一,15:00,18:00,2026-11-30",
        f"{two[0]},9,08:00,16:00,2026-11-30",
        f"{two[0]},2,25:00,16:00,2026-11-30",
        "nobody,2,08:00,16:00,2026-11-30",
        f"{two[0]},3,08:00,16:00,2026-02-30",
        f"{two[0]},4,08:00,16:00,2026-11-01",
    ]
    csv = "\n".join(["worker,weekdays,from,to,first_day", *rows])
    tried = send(planner, "templates", csv, dry_run=True).json()
    assert (tried["ok"], tried["outcome"], tried["rows"]) == (False, None, 8)
    assert [(one["row"], one["reason"], one["other"]) for one in tried["refused"]] == [
        (3, "roster_rows_overlap", 1),
        (4, "weekdays_unreadable", None),
        (5, "not_a_time", None),
        (6, "unknown_worker", None),
        (7, "not_a_time", None),
        (8, "template_in_the_past", None),
    ]
    assert "第 1 行" in tried["refused"][0]["text"]
    refused = send(planner, "templates", csv)
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:wangge:problem:roster_refused")
    assert len(refused.json()["errors"]) == 6
    assert stored(engine) == (0, 0)
    english = planner.post(DOOR, params={"kind": "templates", "dry_run": True, "lang": "en"}, files={"file": csv})
    assert "row 1" in english.json()["refused"][0]["text"]


def test_leaves_that_overlap_are_refused_in_a_file_and_in_a_request(
    planner: TestClient, two: tuple[str, str], engine: Engine
) -> None:
    head = "worker,kind,start,end,substitute\n"
    first = f"{two[0]},leave,2026/12/01 08:00,2026/12/03 08:00,{two[1]}\n"
    second = f"{two[0]},请假,2026/12/02 08:00,2026/12/04 08:00,\n"
    tried = send(planner, "exceptions", head + first + second)
    assert tried.status_code == 422
    assert stored(engine) == (0, 0)
    assert send(planner, "exceptions", head + first).status_code == 201
    told = send(planner, "exceptions", head + second, dry_run=True).json()
    assert [(one["row"], one["reason"], one["other"]) for one in told["refused"]] == [(1, "roster_rows_overlap", 0)]
    sent = {"worker": two[0], "kind": "leave", "start": "2026-12-02T00:00:00Z", "end": "2026-12-05T00:00:00Z"}
    answer = planner.post("/api/v1/shifts/exceptions", json={"exceptions": [sent]})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:wangge:problem:roster_rows_overlap")
    assert stored(engine) == (0, 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("worker,from\nW1,08:00\n", "roster_column_missing"),
        ("worker,kind,start,end\n", "roster_empty"),
    ],
)
def test_a_file_that_is_no_roster_is_refused(planner: TestClient, content: str, code: str) -> None:
    answer = send(planner, "exceptions", content)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:wangge:problem:{code}"), answer.text


def test_nothing_and_another_kind_are_refused(planner: TestClient) -> None:
    assert planner.post(DOOR, params={"kind": "templates"}).status_code == 422
    assert send(planner, "kings", "worker\nW1\n").status_code == 422
    assert send(planner, "templates", b"\x89PNG\r\n\x1a\n\x00\x00", name="a.xlsx").status_code == 422


def test_another_areas_workers_are_not_planned_for(
    planner: TestClient, two: tuple[str, str], client_as: ClientAs
) -> None:
    csv = f"worker,kind,start,end\n{two[0]},leave,2026/12/01 08:00,2026/12/03 08:00\n"
    told = send(client_as("planner", area="110101"), "exceptions", csv, dry_run=True).json()
    assert [one["reason"] for one in told["refused"]] == ["foreign_worker"]


def test_a_leave_is_taken_back_and_a_template_ended_with_what_was_before_kept(
    planner: TestClient, two: tuple[str, str], app: FastAPI, client_as: ClientAs
) -> None:
    daily = {"worker": two[0], "weekdays": [*range(1, 8)], "from": "08:00", "to": "16:00", "first_day": "2026-11-28"}
    planner.post("/api/v1/shifts/templates", json={"templates": [daily]})
    span = {"start": "2026-11-29T00:00:00+08:00", "end": "2026-12-02T00:00:00+08:00"}
    planner.post("/api/v1/shifts/exceptions", json={"exceptions": [{"worker": two[0], "kind": "leave", **span}]})
    until = {"until": "2026-12-10T00:00:00Z"}
    leave = planner.get("/api/v1/shifts/exceptions", params=until).json()["exceptions"][0]["id"]
    template = planner.get("/api/v1/shifts/templates").json()["templates"][0]["id"]
    app.state.clock = lambda: datetime.fromisoformat("2026-11-30T12:00:00+08:00")
    tried = planner.delete(f"/api/v1/shifts/exceptions/{leave}", params={"dry_run": True})
    assert (tried.status_code, tried.json()["stored"]) == (200, 0)
    assert at(planner, "2026-11-30T13:00") == []
    foreign = client_as("planner", area="110101")
    for path in (f"/api/v1/shifts/exceptions/{leave}", f"/api/v1/shifts/templates/{template}"):
        assert foreign.delete(path).status_code == 404
    assert planner.delete(f"/api/v1/shifts/exceptions/{leave}").json()["stored"] == 1
    assert (at(planner, "2026-11-30T11:00"), at(planner, "2026-11-30T13:00")) == ([], [two[0]])
    assert planner.delete(f"/api/v1/shifts/exceptions/{leave}").status_code == 404
    ended = planner.delete(f"/api/v1/shifts/templates/{template}")
    assert ended.json()["new_gaps"]
    assert (at(planner, "2026-11-28T09:00"), at(planner, "2026-11-30T13:00")) == ([two[0]], [])
    assert planner.delete(f"/api/v1/shifts/templates/{template}").status_code == 404


@pytest.mark.parametrize(
    ("words", "days"),
    [
        ("1,2,3", (1, 2, 3)),
        ("周一至周五", (1, 2, 3, 4, 5)),
        ("一三五", (1, 3, 5)),
        ("周六、周日", (6, 7)),
        ("Mon-Fri", (1, 2, 3, 4, 5)),
        ("mon tue, sunday", (1, 2, 7)),
        ("六到一", (1, 6, 7)),
        ("每天", (1, 2, 3, 4, 5, 6, 7)),
        ("星期天", (7,)),
        ("5", (5,)),
        ("135", (1, 3, 5)),
    ],
)
def test_days_of_the_week_are_read_as_people_write_them(words: str, days: tuple[int, ...]) -> None:
    assert weekdays_of(words) == days


@pytest.mark.parametrize("words", ["", "8", "0", "someday", "1-9", "周八", "-"])
def test_what_is_no_day_of_the_week_is_refused(words: str) -> None:
    with pytest.raises(Unreadable):
        weekdays_of(words)


def test_times_and_days_are_read_as_a_spreadsheet_shows_them() -> None:
    assert [time_of(words) for words in ("8:05", "22:00:00", "24:00")] == [time(8, 5), time(22), time(0)]
    assert {day_of(words).isoformat() for words in ("2026/11/9", "2026-11-09 00:00:00", "2026年11月9日")} == {
        "2026-11-09"
    }
    for words in ("24:01", "8", "8:60", "noon"):
        with pytest.raises(Unreadable):
            time_of(words)
    for words in ("2026-02-30", "20261129", "11/29/2026"):
        with pytest.raises(Unreadable):
            day_of(words)
