"""Clocks (时限): when a limit that began at a moment is over, by the city's work calendar ([K1]-[K3]).

    calendar = WorkCalendar(ZoneInfo("Asia/Shanghai"), years={2026: WorkYear(OFFICE_HOURS, days_off=..., version=3)})
    clock = Clock(calendar)
    clock.deadline(started_at, Limit(4, LimitKind.work_hours)).at

A limit is an amount and a kind:

    urgent_hours    day and night                  start + amount
    work_hours      inside the city's work hours   the moment at which that much work time has passed
    work_days       the same time of day on the n-th following work day; a start outside work hours counts from the
                    next opening; a time in a break of that day ends with the interval before it, a time before that
                    day's first opening with that opening, a time after its last closing with that closing
    natural_days    the same local time n days later

A work interval holds its opening and not its closing. A year without a calendar counts by weekdays, and says so. Pure:
no database, no clock of its own; arrays of moments take the same way as one moment.
"""

from layers.clocks.deadlines import BY_WORK, HOUR_S, IN_HOURS, Clock, Deadline, Limit, LimitKind, Pause
from layers.clocks.lights import LATE_SHARE, YELLOW_SHARE, Light, find_light
from layers.clocks.work_calendar import OFFICE_HOURS, Interval, WeekHours, WorkCalendar, WorkYear

__all__ = [
    "BY_WORK",
    "HOUR_S",
    "IN_HOURS",
    "LATE_SHARE",
    "OFFICE_HOURS",
    "YELLOW_SHARE",
    "Clock",
    "Deadline",
    "Interval",
    "Light",
    "Limit",
    "LimitKind",
    "Pause",
    "WeekHours",
    "WorkCalendar",
    "WorkYear",
    "find_light",
]
