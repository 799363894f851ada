"""Deadlines of limits ([K1]); what a pause and an extension do to them ([K2])."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from layers.clocks.lights import LATE_SHARE, YELLOW_SHARE
from layers.clocks.local_time import DAY_S, EPOCH, Seconds
from layers.clocks.work_axis import WorkAxis
from layers.clocks.work_calendar import WorkCalendar
from layers.errors import Unacceptable

HOUR_S = 3_600
# A limit of more than ten years is a slip of the keyboard.
LONGEST_DAYS = 3_660
# Moments of cases lie in 1970-2100; three limits of ten years, by work days, end within the margin.
FIRST_YEAR, LAST_YEAR, MARGIN_YEARS = 1970, 2100, 50


class LimitKind(enum.StrEnum):
    """What a limit counts."""

    urgent_hours = "urgent_hours"
    work_hours = "work_hours"
    work_days = "work_days"
    natural_days = "natural_days"


BY_WORK = (LimitKind.work_hours, LimitKind.work_days)
IN_HOURS = (LimitKind.urgent_hours, LimitKind.work_hours)


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount of a kind: hours may be parts (to the second), days are whole."""

    amount: float
    kind: LimitKind

    def __post_init__(self) -> None:
        in_hours = self.kind in IN_HOURS
        longest = LONGEST_DAYS * 24 if in_hours else LONGEST_DAYS
        if not 0 < self.amount <= longest or self.counted == 0 or not (in_hours or float(self.amount).is_integer()):
            raise Unacceptable("limit_unreadable", errors=[(["amount"], "limit_unreadable")], amount=self.amount)

    @property
    def counted(self) -> int:
        """The amount in seconds for hours, in days for days."""
        return round(self.amount * HOUR_S) if self.kind in IN_HOURS else int(self.amount)


@dataclass(frozen=True, slots=True)
class Pause:
    """The clock stands still from one moment until another; it goes on by itself."""

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise Unacceptable("pause_ends_before_it_begins", errors=[(["until"], "pause_ends_before_it_begins")])


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a limit is over; when its light turns yellow, and when it is late by three times ([K3]).

    `calendar` holds the version of each year that was counted with, None for a year without a calendar.
    """

    at: datetime
    yellow_at: datetime
    late_thrice_at: datetime
    calendar: dict[int, int | None]


class Clock:
    """Deadlines by one calendar; what was worked out of it is kept (0.2 s once, then microseconds)."""

    def __init__(self, calendar: WorkCalendar) -> None:
        self.calendar = calendar

    def deadline(self, start: datetime, limit: Limit, *, pauses: Sequence[Pause] = (), extensions: int = 0) -> Deadline:
        """When the limit that began at `start` is over, moved on by each extension (the limit once more) and pause.

        A pause moves a deadline by the time that its kind counts: a limit in work time does not lose the night in
        which it stood still. Raises Unacceptable for a moment outside 1970-2100.
        """
        begun = _seconds(start)
        end = begun
        for _ in range(extensions + 1):
            end = self._count(end, np.array([limit.counted]), limit.kind)
        first = self._measure(begun, limit.kind)
        whole = self._measure(end, limit.kind) - first
        reached = [
            end,
            *(self._moment_of(first + np.ceil(whole * share).astype(np.int64), limit.kind) for share in SHARES),
        ]
        at, yellow_at, late_at = (self._pass_pauses(moment, _cut(pauses, start), limit.kind) for moment in reached)
        return Deadline(at, yellow_at, late_at, self._versions(start, at, limit.kind))

    def deadlines(self, starts_s: npt.ArrayLike, amounts: npt.ArrayLike, kind: LimitKind) -> Seconds:
        """The deadlines of many limits of one kind: UTC seconds from UTC seconds; amounts in hours or whole days."""
        factor = HOUR_S if kind in IN_HOURS else 1
        counted = np.rint(np.asarray(amounts, dtype=np.float64) * factor).astype(np.int64)
        if np.any(counted <= 0) or np.any(counted > LONGEST_DAYS * (DAY_S if kind in IN_HOURS else 1)):
            raise Unacceptable("limit_unreadable", errors=[(["amount"], "limit_unreadable")], amount=counted.min())
        return self._count(_require_bounds(np.asarray(starts_s, dtype=np.int64)), counted, kind)

    @cached_property
    def _axis(self) -> WorkAxis:
        return WorkAxis(self.calendar, first=FIRST_YEAR - 1, last=LAST_YEAR + MARGIN_YEARS)

    def _count(self, starts: Seconds, counted: Seconds, kind: LimitKind) -> Seconds:
        # Hours of day and night need no axis, which takes 0.2 s to make.
        if kind is LimitKind.urgent_hours:
            return starts + counted
        axis = self._axis
        match kind:
            case LimitKind.natural_days:
                return axis.wall.to_utc(axis.wall.to_local(starts) + counted * DAY_S)
            case LimitKind.work_hours:
                return axis.moment_after(axis.count_worked_s(starts) + counted)
            case LimitKind.work_days:
                return axis.find_same_time_after(axis.opening_from(starts), counted)

    def _measure(self, moments: Seconds, kind: LimitKind) -> Seconds:
        """Seconds of the time that a limit of this kind counts, up to each moment."""
        return self._axis.count_worked_s(moments) if kind in BY_WORK else moments

    def _moment_of(self, measured: Seconds, kind: LimitKind) -> Seconds:
        return self._axis.moment_after(measured) if kind in BY_WORK else measured

    def _measure_between(self, since: Seconds, until: Seconds, kind: LimitKind) -> Seconds:
        return self._measure(until, kind) - self._measure(since, kind)

    def _pass_pauses(self, moment: Seconds, pauses: Sequence[Pause], kind: LimitKind) -> datetime:
        for pause in pauses:
            since, until = _seconds(pause.since), _seconds(pause.until)
            if since >= moment:
                break
            left = self._measure_between(since, moment, kind)
            # With no work time left between them the limit is over as soon as the clock goes on.
            moment = self._moment_of(self._measure(until, kind) + left, kind) if left > 0 else np.maximum(moment, until)
        return EPOCH + timedelta(seconds=int(moment[0]))

    def _versions(self, start: datetime, end: datetime, kind: LimitKind) -> dict[int, int | None]:
        if kind not in BY_WORK:
            return {}
        zone = self.calendar.zone
        years = range(start.astimezone(zone).year, end.astimezone(zone).year + 1)
        return {year: self.calendar.version_of(year) for year in years}


SHARES = (YELLOW_SHARE, LATE_SHARE)


def _cut(pauses: Sequence[Pause], start: datetime) -> list[Pause]:
    """The pauses in order, without what lies before the start; none may begin within another."""
    inside = [Pause(max(one.since, start), one.until) for one in pauses if one.until > start]
    inside.sort(key=lambda one: one.since)
    if any(later.since < earlier.until for earlier, later in pairwise(inside)):
        raise Unacceptable("pauses_overlap")
    return inside


def _seconds(moment: datetime) -> Seconds:
    return _require_bounds(np.array([(moment - EPOCH) // timedelta(seconds=1)], dtype=np.int64))


def _require_bounds(moments: Seconds) -> Seconds:
    first, last = (int((datetime(year, 1, 1, tzinfo=EPOCH.tzinfo) - EPOCH).total_seconds()) for year in _BOUNDS)
    if np.any((moments < first) | (moments >= last)):
        raise Unacceptable("moment_out_of_bounds", first=FIRST_YEAR, last=LAST_YEAR)
    return moments


_BOUNDS = (FIRST_YEAR, LAST_YEAR + 1)
