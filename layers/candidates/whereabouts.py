"""Where everybody of an area is at a moment, from memory: what a live map shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from layers.candidates.roster import Roster, moment
from layers.candidates.roster_memory import SECOND, picture_of
from layers.standings import freshness_of

# A metre: nobody's map shows more.
_PLACE_DECIMALS = 5


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """One worker with a place (degrees WGS84), which is the home point where the fix is stale or missing."""

    number: str
    name: str
    role: str
    grid: str
    lon: float
    lat: float
    freshness: str
    at_home: bool
    open_tasks: int


def list_whereabouts(roster: Roster, *, area: str, at: datetime) -> list[Whereabouts]:
    """Everybody on duty who serves this area, by staff number; some 6 ms for 2,400 workers."""
    told: dict[str, Whereabouts] = {}
    now = moment(at)
    for district in roster.districts.values():
        picture = picture_of(district, now)
        rows = np.flatnonzero(picture.on_duty & np.isfinite(picture.x))
        rows = np.asarray([row for row in rows.tolist() if district.grids[row].startswith(area)], dtype=np.int64)
        lon, lat = district.plane.to_lonlat(picture.x[rows], picture.y[rows])
        for row, x, y in zip(rows.tolist(), lon.round(_PLACE_DECIMALS), lat.round(_PLACE_DECIMALS), strict=True):
            fixed_at = picture.fixed_at[row]
            age_s = max(now - fixed_at, 0) // SECOND if fixed_at > 0 else -1
            number = district.numbers[row]
            about = (number, district.names[row], picture.roles[row], district.grids[row], float(x), float(y))
            told[number] = Whereabouts(*about, freshness_of(age_s), picture.homes[row], picture.open_tasks[row])
    return [told[number] for number in sorted(told)]


def grids_by_number(roster: Roster) -> dict[str, str]:
    """Where each worker serves, by staff number: the code by which a list of an area has them."""
    return {
        number: grid
        for district in roster.districts.values()
        for number, grid in zip(district.numbers, district.grids, strict=True)
    }
