"""Deadlines found by walking minute by minute over the wall clock: slow, plain, and by another route than the code.

Every minute of some years is looked at once with the standard library's `zoneinfo`: which local day and time it is,
and whether the city works in it. A limit in hours is over when so many minutes that count have gone by; a limit in
days is found by walking from day to day. Whole minutes only.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from layers.clocks import WorkCalendar, WorkYear

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass
class Walker:
    """All minutes of the years `first` to `last` of a calendar."""

    calendar: WorkCalendar
    first: int
    last: int

    def __post_init__(self) -> None:
        self.zone = self.calendar.zone
        self.origin = datetime(self.first, 1, 1, tzinfo=UTC)
        count = (datetime(self.last + 1, 1, 1, tzinfo=UTC) - self.origin) // MINUTE
        works = np.zeros(count, dtype=bool)
        moment, local_of = self.origin, self.zone
        hours: dict[date, tuple[tuple[int, int], ...]] = {}
        for index in range(count):
            local = moment.astimezone(local_of)
            day = local.date()
            if day not in hours:
                hours[day] = self.calendar.hours_of(day)
            minute = local.hour * 60 + local.minute
            works[index] = any(opening <= minute < closing for opening, closing in hours[day])
            moment += MINUTE
        self.works = works

        self.all_minutes = np.ones(len(works), dtype=bool)

    def deadline(
        self, start: datetime, amount: int, kind: str, pause: tuple[datetime, datetime] | None = None
    ) -> datetime:
        """The deadline; `amount` is in minutes for hours and in days for days."""
        return self.extended(start, amount, kind, pause, 0)

    def extended(
        self, start: datetime, amount: int, kind: str, pause: tuple[datetime, datetime] | None, extensions: int
    ) -> datetime:
        """The deadline of a limit that was granted again so many times, and that stood still once."""
        counts = self.works if kind in ("work_hours", "work_days") else self.all_minutes
        begun = self.index(start)
        end = begun
        for _ in range(extensions + 1):
            end = self.end(counts, end, amount, kind)
        if pause is not None and self.index(pause[0]) < end:
            since, until = max(self.index(pause[0]), begun), self.index(pause[1])
            left = int(counts[since:end].sum())
            end = self.after(counts, until, left) if left else max(end, until)
        return self.origin + end * MINUTE

    def end(self, counts: np.ndarray, begun: int, amount: int, kind: str) -> int:
        start = self.origin + begun * MINUTE
        if kind in ("urgent_hours", "work_hours"):
            return self.after(counts, begun, amount)
        if kind == "natural_days":
            return self.index(self.same_time(start.astimezone(self.zone), amount))
        return self.index(self.work_day(start, amount))

    def index(self, moment: datetime) -> int:
        return (moment - self.origin) // MINUTE

    def after(self, counts: np.ndarray, begun: int, minutes: int) -> int:
        """The minute after the n-th one that counts from `begun` on."""
        span = max(4 * minutes, 1_000)
        while True:
            found = np.flatnonzero(counts[begun : begun + span])
            if len(found) >= minutes:
                return begun + int(found[minutes - 1]) + 1
            span *= 4

    def same_time(self, local: datetime, days: int) -> datetime:
        return datetime.combine(local.date() + days * DAY, local.time(), self.zone).astimezone(UTC)

    def work_day(self, start: datetime, days: int) -> datetime:
        begun = self.index(start)
        while not self.works[begun]:
            begun += 1
        local = (self.origin + begun * MINUTE).astimezone(self.zone)
        day = local.date()
        while days:
            day += DAY
            days -= bool(self.calendar.hours_of(day))
        wished, hours = local.hour * 60 + local.minute, self.calendar.hours_of(day)
        held = hours[0][0]
        for opening, closing in hours:
            if wished >= opening:
                held = min(wished, closing)
        return (datetime.combine(day, time(), self.zone) + timedelta(minutes=held)).astimezone(UTC)


def random_calendar(rng: random.Random, zone: str, years: range) -> WorkCalendar:
    """Work intervals, days off and made-up work days as a city might keep them; every fifth year is not entered."""
    return WorkCalendar(ZoneInfo(zone), {year: random_year(rng, year) for year in years if year % 5})


def random_year(rng: random.Random, year: int) -> WorkYear:
    days = [date(year, 1, 1) + number * DAY for number in range(365)]
    off = frozenset(day for day in rng.sample(days, 20))
    made_up = {day: random_hours(rng) for day in rng.sample(days, 8) if day not in off}
    week = [random_hours(rng) if weekday < 5 or rng.random() < 0.2 else () for weekday in range(7)]
    return WorkYear(tuple(week), days_off=off, made_up=made_up, version=rng.randint(1, 9))  # type: ignore[arg-type]


def random_hours(rng: random.Random) -> tuple[tuple[int, int], ...]:
    """One to three intervals of a day that begins after the hours in which clocks are changed."""
    edges = sorted(rng.sample(range(6 * 60, 24 * 60 + 1, 15), 2 * rng.choice((1, 2, 2, 3))))
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def random_moment(rng: random.Random, first: datetime, last: datetime) -> datetime:
    return first + rng.randrange((last - first) // MINUTE) * MINUTE
