"""The work calendar over HTTP: a year entered, revised, refused; and what counts where nothing was entered."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, select

from layers.calendars import load_calendar
from layers.clocks import OFFICE_HOURS
from layers.db import transaction
from layers.history import HistoryEntry
from layers.shifts import CITY_ZONE
from tests.gis_api.conftest import ClientAs

URL = "/api/v1/calendar/2027"
WINTER = [["09:00", "12:00"], ["13:00", "17:00"]]
NEW_YEAR = {"days_off": ["2027-01-01"], "work_days": [{"date": "2027-01-02"}], "note": "国办发〔2026〕"}


def test_a_year_that_nobody_entered_counts_by_office_hours_and_says_so(client_as: ClientAs) -> None:
    answer = client_as("leader").get(URL)
    told = answer.json()
    assert (told["entered"], told["version"], answer.headers["ETag"]) == (False, 0, '"0"')
    assert told["hours"][0] == [["08:30", "12:00"], ["13:30", "17:30"]]
    assert told["hours"][5:] == [[], []]


def test_a_year_is_entered_read_and_revised(client_as: ClientAs, engine: Engine) -> None:
    admin = client_as("admin")
    stored = admin.put(URL, json=NEW_YEAR, headers={"If-Match": '"0"'})
    assert (stored.status_code, stored.json()["version"], stored.headers["ETag"]) == (200, 1, '"1"')
    assert stored.json()["work_days"] == [{"date": "2027-01-02", "hours": [["08:30", "12:00"], ["13:30", "17:30"]]}]
    assert client_as("worker").get(URL).json() == stored.json()
    revised = admin.put(URL, json={**NEW_YEAR, "hours": [WINTER] * 5 + [[], [["20:00", "00:00"]]]})
    assert (revised.status_code, revised.json()["version"]) == (200, 2)
    assert revised.json()["hours"][6] == [["20:00", "00:00"]]
    with transaction(engine) as session:
        calendar = load_calendar(session, CITY_ZONE)
        lines = session.scalars(select(HistoryEntry.action).where(HistoryEntry.action == "calendar.put")).all()
    assert calendar.version_of(2027) == 2
    assert calendar.years[2027].hours[0] == ((540, 720), (780, 1020))
    assert len(lines) == 2


def test_of_two_who_saw_the_same_version_one_is_told(client_as: ClientAs) -> None:
    admin = client_as("admin")
    assert admin.put(URL, json=NEW_YEAR, headers={"If-Match": '"0"'}).status_code == 200
    late = admin.put(URL, json={}, headers={"If-Match": '"0"'})
    assert late.status_code == 412
    assert client_as("admin").get(URL).json()["version"] == 1


def test_the_next_year_keeps_the_week_of_the_year_before(client_as: ClientAs) -> None:
    client_as("admin").put(URL, json={"hours": [WINTER] * 5 + [[], []]})
    told = client_as("admin").get("/api/v1/calendar/2028").json()
    assert (told["entered"], told["hours"][0]) == (False, WINTER)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"days_off": ["2026-12-31"]}, "day_of_another_year"),
        ({"work_days": [{"date": "2028-01-01"}]}, "day_of_another_year"),
        ({"days_off": ["2027-01-02"], "work_days": [{"date": "2027-01-02"}]}, "made_up_day_is_off"),
        ({"work_days": [{"date": "2027-01-02"}] * 2}, "day_told_twice"),
        ({"hours": [[["12:00", "09:00"]]] + [[]] * 6}, "work_hours_in_disorder"),
        ({"hours": [[["09:00", "12:00"], ["11:00", "13:00"]]] + [[]] * 6}, "work_hours_in_disorder"),
        ({"hours": [[]] * 7}, "no_work_hours"),
        ({"hours": [WINTER] * 6}, "not_acceptable"),
        ({"days_off": ["2027-02-29"]}, "not_a_day"),
        ({"days_off": [20270101]}, "not_a_day"),
        ({"hours": [[["9", "12:00"]]] + [[]] * 6}, "not_a_time_of_day"),
        ({"holidays": []}, "not_acceptable"),
    ],
)
def test_what_makes_no_calendar_is_refused_and_nothing_is_stored(client_as: ClientAs, sent: Any, code: str) -> None:
    refused = client_as("admin").put(URL, json=sent)
    assert refused.status_code == 422
    assert refused.json()["type"].endswith(code)
    assert client_as("admin").get(URL).json()["entered"] is False


def test_only_an_admin_enters_it(client_as: ClientAs) -> None:
    assert client_as("dispatcher").put(URL, json=NEW_YEAR).status_code == 403
    assert client_as("dispatcher").get("/api/v1/calendar/1969").status_code == 422
    assert client_as("dispatcher").get("/api/v1/calendar/99999999999999999999").status_code == 422


def test_office_hours_stand_where_nothing_else_was_said(engine: Engine) -> None:
    with transaction(engine) as session:
        assert load_calendar(session, CITY_ZONE).week_of(2027) == OFFICE_HOURS
