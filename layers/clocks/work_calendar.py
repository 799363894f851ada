"""The city's work calendar: work intervals by weekday, days off and made-up work days by year ([K1])."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from layers.errors import Unacceptable

DAY_MINUTES = 24 * 60
# A work interval of a day, in minutes of the wall clock: [opening, closing).
Interval = tuple[int, int]
DayHours = tuple[Interval, ...]
# Monday first, as `date.weekday` counts.
WeekHours = tuple[DayHours, DayHours, DayHours, DayHours, DayHours, DayHours, DayHours]

_OFFICE_DAY: DayHours = ((8 * 60 + 30, 12 * 60), (13 * 60 + 30, 17 * 60 + 30))
# What a city office keeps where nobody has entered anything else; no official text says so, a calendar may.
OFFICE_HOURS: WeekHours = (_OFFICE_DAY,) * 5 + ((),) * 2


@dataclass(frozen=True, slots=True)
class WorkYear:
    """One year as the city keeps it; `version` numbers its revisions. Made-up work days carry their own hours."""

    hours: WeekHours
    days_off: frozenset[date] = frozenset()
    made_up: Mapping[date, DayHours] = field(default_factory=dict)
    version: int = 1

    def __post_init__(self) -> None:
        if len(self.hours) != 7:
            raise Unacceptable("week_has_seven_days", errors=[(["hours"], "week_has_seven_days")])
        for weekday, hours in enumerate(self.hours):
            _require_order(hours, ["hours", weekday])
        for day, hours in self.made_up.items():
            _require_order(hours, ["made_up", day.isoformat()])
            if not hours or day in self.days_off:
                raise Unacceptable("made_up_day_is_off", errors=[(["made_up", str(day)], "made_up_day_is_off")])
        if not any(self.hours):
            raise Unacceptable("no_work_hours", errors=[(["hours"], "no_work_hours")])

    def hours_of(self, day: date) -> DayHours:
        """The work intervals of a day of this year, none on a day off."""
        if day in self.made_up:
            return self.made_up[day]
        return () if day in self.days_off else self.hours[day.weekday()]


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """All years that the city has entered, and its time zone. Other years count by the weekdays of the year before."""

    zone: ZoneInfo
    years: Mapping[int, WorkYear] = field(default_factory=dict)

    def hours_of(self, day: date) -> DayHours:
        """The work intervals of any day, in minutes of the wall clock."""
        year = self.years.get(day.year)
        return year.hours_of(day) if year is not None else self.week_of(day.year)[day.weekday()]

    def version_of(self, year: int) -> int | None:
        """The version of the year's calendar, None where it counts by weekdays."""
        return self.years[year].version if year in self.years else None

    def week_of(self, year: int) -> WeekHours:
        """The hours by weekday of a year without a calendar: those of the latest entered year before it, else of the
        earliest one, else office hours."""
        earlier = [known for known in self.years if known < year]
        if earlier:
            return self.years[max(earlier)].hours
        return self.years[min(self.years)].hours if self.years else OFFICE_HOURS


def _require_order(hours: DayHours, loc: list[str | int]) -> None:
    last = 0
    for opening, closing in hours:
        if not last <= opening < closing <= DAY_MINUTES:
            raise Unacceptable("work_hours_in_disorder", errors=[(loc, "work_hours_in_disorder")])
        last = closing
