"""Duty: half-open shifts, midnights, overlaps, the minute of handover."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from layers.access import Actor, Role, service_actor
from layers.shifts import (
    NewShift,
    add_shifts,
    is_on_duty,
    list_duties,
    list_on_duty,
    merge_spans,
    span_of_day,
    span_of_hours,
)
from tests.staffed_city import NOON, add_worker, staffed_city

START = datetime(2026, 3, 1, tzinfo=UTC)
ADMIN = service_actor("test")
HOUR = timedelta(hours=1)


def span(first: int, last: int) -> tuple[datetime, datetime]:
    return START + first * HOUR, START + last * HOUR


def test_a_day_of_the_city_begins_at_four_in_the_afternoon_of_utc() -> None:
    first, last = span_of_day(date(2026, 3, 2))
    assert first == datetime(2026, 3, 1, 16, tzinfo=UTC)
    assert last - first == timedelta(days=1)


def test_a_night_shift_ends_on_the_next_day() -> None:
    first, last = span_of_hours(date(2026, 3, 1), time(22), time(6))
    assert (last - first, last.astimezone(UTC)) == (8 * HOUR, datetime(2026, 3, 1, 22, tzinfo=UTC))


def test_shifts_that_overlap_or_touch_are_one() -> None:
    assert merge_spans([span(8, 16), span(15, 20), span(20, 21), span(22, 23)]) == [span(8, 21), span(22, 23)]


def test_the_end_is_off_duty_and_the_start_on_duty() -> None:
    assert is_on_duty([span(8, 16)], START + 8 * HOUR)
    assert not is_on_duty([span(8, 16)], START + 16 * HOUR)


spans = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda pair: span(pair[0], sum(pair))), max_size=8
)


@given(spans, st.integers(-1, 51))
def test_merging_changes_no_moment_of_duty(shifts: list[tuple[datetime, datetime]], hour: int) -> None:
    whole = merge_spans(shifts)
    assert is_on_duty(whole, START + hour * HOUR) == is_on_duty(shifts, START + hour * HOUR)
    assert all(first[1] < second[0] for first, second in pairwise(whole))


def test_the_stored_stretch_around_a_moment_is_told_whole(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W", shift=(NOON - 8 * HOUR, NOON))
    add_shifts(
        session,
        [NewShift("W", NOON, NOON + 8 * HOUR), NewShift("W", NOON + 9 * HOUR, NOON + 10 * HOUR)],
        now=NOON,
        by=ADMIN,
    )
    [duty] = list_on_duty(session, NOON + HOUR, by=ADMIN)
    assert (duty.worker, duty.since, duty.until) == ("W", NOON - 8 * HOUR, NOON + 8 * HOUR)
    assert list_on_duty(session, NOON + 8 * HOUR, by=ADMIN) == []
    assert len(list_duties(session, NOON, NOON + 24 * HOUR, by=ADMIN)) == 2


def test_only_the_own_area_is_told(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "here", area="130273001")
    add_worker(session, "there", area="130273002")

    leader = Actor("l", Role.leader, area="130273001")
    assert [duty.worker for duty in list_on_duty(session, NOON, by=leader)] == ["here"]
