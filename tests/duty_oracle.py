"""Who is on duty, asked of one minute at a time: the plain words of [D1] said in Python over lists, apart from the SQL.

A person is at work in a minute if they have an extra then; else not if they are on leave; else if they have a shift of
their own then, single or of the week, or if somebody for whom they stand in then has one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Weekly:
    """On these ISO weekdays from `start` on for so many minutes, from the first day to the last one."""

    weekdays: frozenset[int]
    start: time
    minutes: int
    first_day: date
    last_day: date | None

    def holds(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether the shift of today or of one of the days before still lasts."""
        today = at.astimezone(zone).date()
        return any(self._began_on(today - timedelta(days=back), at, zone) for back in range(3))

    def _began_on(self, day: date, at: datetime, zone: ZoneInfo) -> bool:
        if day.isoweekday() not in self.weekdays or day < self.first_day or (self.last_day and day > self.last_day):
            return False
        began = datetime.combine(day, self.start, zone)
        return began <= at < began + timedelta(minutes=self.minutes)


@dataclass
class Person:
    """Everything that is written of one person; `for_others` are the spans in which they stand in, and for whom."""

    shifts: list[Span] = field(default_factory=list)
    weekly: list[Weekly] = field(default_factory=list)
    leaves: list[Span] = field(default_factory=list)
    extras: list[Span] = field(default_factory=list)
    for_others: list[tuple[Span, str]] = field(default_factory=list)

    def due(self, at: datetime, zone: ZoneInfo) -> bool:
        """Whether they would work if nobody had asked for leave."""
        return _within(self.shifts, at) or any(one.holds(at, zone) for one in self.weekly)


def is_at_work(people: dict[str, Person], name: str, at: datetime, zone: ZoneInfo) -> bool:
    person = people[name]
    if _within(person.extras, at):
        return True
    if _within(person.leaves, at):
        return False
    if person.due(at, zone):
        return True
    return any(_within([span], at) and people[other].due(at, zone) for span, other in person.for_others)


def _within(spans: list[Span], at: datetime) -> bool:
    return any(start <= at < end for start, end in spans)
