"""What a process holds in memory to decide with."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from layers.candidates import Roster
from layers.locating import Atlas
from layers.shifts import CITY_ZONE


@dataclass(frozen=True, slots=True)
class Memory:
    """The plans and the people, and the city's time zone."""

    atlas: Atlas
    roster: Roster
    zone: ZoneInfo = CITY_ZONE
