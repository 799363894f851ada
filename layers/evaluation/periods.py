"""Periods as a city counts them: a day, a week (Monday first), a month, a year, and those that they are held against.

read_period("2026-10", zone)      "2026-10-03", "2026-W40", "2026"
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from layers.errors import Unacceptable
from layers.moments import FIRST_YEAR, LAST_YEAR

Kind = Literal["day", "week", "month", "year"]
Against = Literal["previous", "year"]
_PERIOD = re.compile(r"(\d{4})(?:-(?:W(\d{2})|(\d{2})(?:-(\d{2}))?))?", re.ASCII)
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Period:
    """The days [first, end) of one kind, by the clock of the city."""

    kind: Kind
    first: date
    end: date
    zone: ZoneInfo

    @property
    def since(self) -> datetime:
        """The moment at which it begins."""
        return _midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        """The moment at which it is over."""
        return _midnight(self.end, self.zone)

    @property
    def name(self) -> str:
        """As it is asked for."""
        if self.kind == "week":
            year, week, _ = self.first.isocalendar()
            return f"{year:04d}-W{week:02d}"
        return self.first.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.kind]]

    def step_back(self, what: Against) -> Period:
        """The period right before, or the same one a year ago (of a week: 52 weeks; of 29 February: the 28th)."""
        if self.kind in ("day", "week"):
            days = 1 if self.kind == "day" else 7
            if what == "previous":
                return _make(self.kind, self.first - timedelta(days=days), self.zone)
            return _make(self.kind, _go_back_a_year(self.first, self.kind), self.zone)
        months = MONTHS if what == "year" or self.kind == "year" else 1
        at = self.first.year * MONTHS + self.first.month - 1 - months
        return _make(self.kind, date(at // MONTHS, at % MONTHS + 1, 1), self.zone)

    def split(self) -> list[Period]:
        """The parts of which a trend is drawn: a year by months, the rest by days."""
        kind: Kind = "month" if self.kind == "year" else "day"
        found, at = [], self.first
        while at < self.end:
            found.append(_make(kind, at, self.zone))
            at = found[-1].end
        return found


def read_period(asked: str, zone: ZoneInfo) -> Period:
    """The period of a name; raises Unacceptable `not_a_period`."""
    found = _PERIOD.fullmatch(asked)
    if found is None:
        raise _period_error()
    year, week, month, day = (None if part is None else int(part) for part in found.groups())
    assert year is not None
    try:
        if week is not None:
            period = _make("week", date.fromisocalendar(year, week, 1), zone)
        else:
            kind: Kind = "year" if month is None else "month" if day is None else "day"
            period = _make(kind, date(year, month or 1, day or 1), zone)
    except (ValueError, OverflowError):  # the day after the last day of the calendar
        raise _period_error() from None
    if not FIRST_YEAR + 1 < period.first.year < LAST_YEAR:
        raise _period_error()
    return period


def month_of(now: datetime, zone: ZoneInfo) -> Period:
    """The month of a moment."""
    return _make("month", now.astimezone(zone).date().replace(day=1), zone)


def _period_error() -> Unacceptable:
    return Unacceptable("not_a_period", errors=[(["period"], "not_a_period")])


def _make(kind: Kind, first: date, zone: ZoneInfo) -> Period:
    if kind in ("day", "week"):
        return Period(kind, first, first + timedelta(days=1 if kind == "day" else 7), zone)
    if kind == "month":
        return Period(kind, first, date(first.year + first.month // MONTHS, first.month % MONTHS + 1, 1), zone)
    return Period(kind, first, date(first.year + 1, 1, 1), zone)


def _go_back_a_year(day: date, kind: Kind) -> date:
    if kind == "week":
        return day - timedelta(weeks=52)
    last = 28 if (day.month, day.day) == (2, 29) else day.day
    return date(day.year - 1, day.month, last)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
