"""UTC seconds <-> seconds of the city's wall clock, for whole arrays at once.

The standard library converts one moment at a time (2 µs each); deadlines of many cases are asked together. Both ways
give what `zoneinfo` gives: a local time that happens twice is the first of the two, one that never happens is moved on
by the jump.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.int64]
DAY_S = 86_400
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LocalTime:
    """The wall clock of one zone between two UTC moments (seconds since 1970), read once from the zone's rules."""

    def __init__(self, zone: ZoneInfo, *, first_s: int, last_s: int) -> None:
        changes = _find_changes(zone, first_s, last_s)
        self._changes: Seconds = np.array([at for at, _, _ in changes], dtype=np.int64)
        first = _offset_s(zone, first_s)
        self._offsets: Seconds = np.array([first, *(after for _, _, after in changes)], dtype=np.int64)
        # The first local second that belongs to the new offset: behind the hour that is missing or happens twice.
        turns = [at + max(before, after) for at, before, after in changes]
        self._turns: Seconds = np.array(turns, dtype=np.int64)

    def to_local(self, utc_s: Any) -> Seconds:
        """Seconds of the wall clock, counted as if the zone were UTC."""
        utc = np.asarray(utc_s, dtype=np.int64)
        local: Seconds = utc + self._offsets[np.searchsorted(self._changes, utc, side="right")]
        return local

    def to_utc(self, local_s: Any) -> Seconds:
        """UTC seconds of a wall clock time."""
        local = np.asarray(local_s, dtype=np.int64)
        utc: Seconds = local - self._offsets[np.searchsorted(self._turns, local, side="right")]
        return utc


def _offset_s(zone: ZoneInfo, utc_s: int) -> int:
    offset = (EPOCH + timedelta(seconds=utc_s)).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())


def _find_changes(zone: ZoneInfo, first_s: int, last_s: int) -> list[tuple[int, int, int]]:
    """(UTC second, offset before, offset after) of every change; a zone changes at most once a day."""
    found = []
    before = _offset_s(zone, first_s)
    for day in range(first_s, last_s, DAY_S):
        after = _offset_s(zone, day + DAY_S)
        if after != before:
            found.append((_find_moment(zone, day, day + DAY_S, after), before, after))
        before = after
    return found


def _find_moment(zone: ZoneInfo, low: int, high: int, after: int) -> int:
    """The first second in (low, high] that has the new offset."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset_s(zone, middle) == after else (middle, high)
    return high
