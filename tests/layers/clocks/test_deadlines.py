"""Limits, pauses, extensions and lights against a walker that goes minute by minute ([K1]-[K3])."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from layers.clocks import (
    OFFICE_HOURS,
    Clock,
    Light,
    Limit,
    LimitKind,
    Pause,
    WorkCalendar,
    WorkYear,
    find_light,
)
from layers.errors import Unacceptable
from tests.deadline_oracle import Walker, random_calendar, random_moment

CHINA = ZoneInfo("Asia/Shanghai")
NATIONAL_DAY = frozenset(date(2026, 10, day) for day in range(1, 8))
SATURDAY_MADE_UP = {date(2026, 10, 10): OFFICE_HOURS[0]}
CALENDAR = WorkCalendar(CHINA, {2026: WorkYear(OFFICE_HOURS, NATIONAL_DAY, SATURDAY_MADE_UP, version=3)})
CLOCK = Clock(CALENDAR)


def local(words: str) -> datetime:
    return datetime.fromisoformat(words).replace(tzinfo=CHINA)


def told(start: str, amount: float, kind: LimitKind) -> str:
    at = CLOCK.deadline(local(start), Limit(amount, kind)).at
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("start", "amount", "kind", "end"),
    [
        ("2026-11-28 23:30", 2, "urgent_hours", "2026-11-29 01:30"),
        ("2026-11-27 16:00", 4, "work_hours", "2026-11-30 11:00"),
        ("2026-11-30 08:30", 3.5, "work_hours", "2026-11-30 12:00"),  # an interval's end, not the next opening
        ("2026-11-30 12:10", 0.5, "work_hours", "2026-11-30 14:00"),
        ("2026-09-30 17:00", 1, "work_hours", "2026-10-08 09:00"),  # a week off lies between
        ("2026-11-30 10:15", 1, "work_days", "2026-12-01 10:15"),
        ("2026-11-30 12:40", 1, "work_days", "2026-12-01 13:30"),  # in the break: from the next opening
        ("2026-11-27 18:00", 1, "work_days", "2026-12-01 08:30"),  # Friday evening counts from Monday's opening
        ("2026-09-30 10:00", 3, "work_days", "2026-10-10 10:00"),  # the Saturday that is made up counts
        ("2028-02-28 09:00", 1, "natural_days", "2028-02-29 09:00"),
        ("2026-12-31 23:59", 1, "natural_days", "2027-01-01 23:59"),
    ],
)
def test_a_limit_is_over_at(start: str, amount: float, kind: str, end: str) -> None:
    assert told(start, amount, LimitKind(kind)) == end


def test_a_time_in_that_days_break_ends_with_the_interval_before() -> None:
    short_friday = (*OFFICE_HOURS[:4], ((8 * 60 + 30, 11 * 60),), *OFFICE_HOURS[5:])
    clock = Clock(WorkCalendar(CHINA, {2026: WorkYear(short_friday)}))
    thursday = clock.deadline(local("2026-11-26 11:40"), Limit(1, LimitKind.work_days))
    assert thursday.at == local("2026-11-27 11:00")


def test_a_year_without_a_calendar_says_so_and_counts_by_the_week_before() -> None:
    deadline = CLOCK.deadline(local("2026-12-31 17:00"), Limit(1, LimitKind.work_hours))
    assert deadline.at == local("2027-01-01 09:00")
    assert deadline.calendar == {2026: 3, 2027: None}
    assert None not in CLOCK.deadline(local("2026-06-01 09:00"), Limit(1, LimitKind.work_hours)).calendar.values()


def test_a_pause_stops_the_clock_and_it_goes_on_by_itself() -> None:
    week = Pause(local("2026-11-30 09:30"), local("2026-12-07 18:00"))
    paused = CLOCK.deadline(local("2026-11-30 08:30"), Limit(2, LimitKind.work_hours), pauses=[week])
    assert paused.at == local("2026-12-08 09:30")


def test_what_was_paused_before_the_start_moves_nothing() -> None:
    early = Pause(local("2026-11-01 09:30"), local("2026-11-02 18:00"))
    limit = Limit(2, LimitKind.natural_days)
    assert CLOCK.deadline(local("2026-11-30 08:30"), limit, pauses=[early]).at == local("2026-12-02 08:30")


def test_an_extension_is_the_limit_once_more_from_the_deadline() -> None:
    start, limit = local("2026-11-27 10:00"), Limit(2, LimitKind.work_days)
    assert CLOCK.deadline(start, limit, extensions=1).at == local("2026-12-03 10:00")
    assert CLOCK.deadline(start, limit, extensions=2).at == local("2026-12-07 10:00")


def test_lights_turn_at_eighty_and_a_hundred_percent() -> None:
    clock = CLOCK.deadline(local("2026-11-30 08:30"), Limit(5, LimitKind.work_hours))
    assert clock.yellow_at == local("2026-11-30 14:00") and clock.at == local("2026-11-30 15:00")
    assert clock.late_thrice_at == local("2026-12-01 17:30")  # 15 work hours

    def light(at: str) -> Light:
        return find_light(local(at), yellow_at=clock.yellow_at, due_at=clock.at)

    assert [light("2026-11-30 14:00"), light("2026-11-30 14:01")] == [Light.green, Light.yellow]
    assert [light("2026-11-30 15:00"), light("2026-11-30 15:01")] == [Light.yellow, Light.red]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Limit(0, LimitKind.work_days),
        lambda: Limit(1.5, LimitKind.natural_days),
        lambda: Limit(float("nan"), LimitKind.work_hours),
        lambda: Limit(10**9, LimitKind.urgent_hours),
        lambda: Pause(local("2026-11-30 10:00"), local("2026-11-30 10:00")),
        lambda: WorkYear(((),) * 7),
        lambda: WorkYear((((600, 540),), *OFFICE_HOURS[1:])),
        lambda: CLOCK.deadline(datetime(1969, 1, 1, tzinfo=UTC), Limit(1, LimitKind.work_days)),
        lambda: CLOCK.deadline(datetime(2101, 1, 1, tzinfo=UTC), Limit(1, LimitKind.work_days)),
        lambda: CLOCK.deadline(
            local("2026-11-30 08:30"),
            Limit(1, LimitKind.work_days),
            pauses=[Pause(local("2026-11-30 09:00"), local("2026-11-30 12:00"))] * 2,
        ),
    ],
)
def test_what_makes_no_sense_is_refused(make: object) -> None:
    with pytest.raises(Unacceptable):
        make()  # type: ignore[operator]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
def test_random_limits_end_where_a_minute_by_minute_walk_ends(zone: str) -> None:
    rng = random.Random(zone)
    calendar = random_calendar(rng, zone, range(2024, 2026))
    walker, clock = Walker(calendar, 2024, 2025), Clock(calendar)
    first, last = datetime(2024, 1, 3, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)
    different = []
    for _ in range(1_500):
        start, kind = random_moment(rng, first, last), rng.choice(list(LimitKind))
        in_hours = kind in (LimitKind.urgent_hours, LimitKind.work_hours)
        amount = rng.randint(1, 60 * 60) if in_hours else rng.randint(1, 20)
        since = random_moment(rng, start, start + timedelta(days=20))
        pause = (since, random_moment(rng, since, since + timedelta(days=40)) + timedelta(minutes=1))
        pause_given = pause if rng.random() < 0.5 else None
        limit = Limit(amount / 60 if in_hours else amount, kind)
        ours = clock.deadline(start, limit, pauses=[Pause(*pause)] if pause_given else []).at
        if ours != walker.deadline(start, amount, str(kind), pause_given):
            different.append((start, amount, kind, pause_given))
    assert different == []
