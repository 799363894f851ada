"""What may be told of counts that derive from residents ([A3])."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from layers.errors import Unacceptable

# A cell with fewer people than this could point at one of them.
SMALLEST_COUNT = 11
# Days are the city's days unless configured ([D1]).
CITY_TIME = ZoneInfo("Asia/Shanghai")


def check_period(since: datetime, until: datetime) -> None:
    """Raise Unacceptable unless the period is whole calendar weeks (from Monday) or whole calendar months."""
    start, end = since.astimezone(CITY_TIME), until.astimezone(CITY_TIME)
    midnights = all(moment == moment.replace(hour=0, minute=0, second=0, microsecond=0) for moment in (start, end))
    weeks = start.weekday() == 0 and (end - start) % timedelta(weeks=1) == timedelta(0)
    months = start.day == 1 and end.day == 1
    if not midnights or end <= start or not (weeks or months):
        raise Unacceptable("resident_period", since=since.isoformat(), until=until.isoformat())


def suppress(counts: Mapping[str, int], *, parents: Mapping[str, str]) -> set[str]:
    """The cells that must not be shown.

    Every cell under 11, zeros too; and where within one parent that leaves a single hidden cell, or hidden cells that
    together hold fewer than 11, the smallest shown ones as well: otherwise the parent's total gives them away.
    """
    siblings: dict[str, list[str]] = defaultdict(list)
    for cell in counts:
        siblings[parents.get(cell, "")].append(cell)
    hidden: set[str] = set()
    for cells in siblings.values():
        hidden |= _hidden_among(sorted(cells, key=lambda cell: (counts[cell], cell)), counts)
    return hidden


def _hidden_among(ordered: list[str], counts: Mapping[str, int]) -> set[str]:
    hidden = [cell for cell in ordered if counts[cell] < SMALLEST_COUNT]
    shown = [cell for cell in ordered if counts[cell] >= SMALLEST_COUNT]
    while hidden and shown and (len(hidden) < 2 or sum(counts[cell] for cell in hidden) < SMALLEST_COUNT):
        hidden.append(shown.pop(0))
    return set(hidden)
