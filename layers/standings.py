"""What is known of a district's workers as seen from one place: the facts that dispatch rules judge ([D3]).

Columns instead of objects: a district has thousands of workers and every one of them is judged for every incident.
Rows are ordered by staff number (bytes), so the row number is the last word in every tie.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from layers.moments import AGEING_S, FRESH_S

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# The cascade, from one's own ground outwards: the index is the level of a standing.
LEVELS = ("sub_grid", "grid", "sister_grid", "community", "subdistrict", "district")
# Two distances closer than this are the same distance ([L4]).
TIE_M = 0.001
NO_DISTANCE_MM = 2**39
# Of whom it is known that there is no way on foot.
NO_WAY_MM = NO_DISTANCE_MM - 1


class Measure(enum.StrEnum):
    """How far somebody is: in a straight line, or on foot along the stored roads where they tell ([D3])."""

    straight = "straight"
    walking = "walking"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened, as the codes around it; None where there is no such level.

    `overlays` are the overlay grids whose teams count as being on their own ground there.
    """

    district: str | None = None
    subdistrict: str | None = None
    community: str | None = None
    grid: str | None = None
    sub_grid: str | None = None
    overlays: tuple[str, ...] = ()

    @property
    def finest(self) -> str | None:
        """The smallest code that holds the place, an area where no grid does."""
        return self.sub_grid or self.grid or self.community or self.subdistrict or self.district


@dataclass(frozen=True, slots=True)
class Standings:
    """One row per worker of the district, seen from one place at one moment.

    `distance_mm` is whole millimetres in the city's CRS, NO_DISTANCE_MM where nothing is known, NO_WAY_MM where there
    is no way; `on_foot` says that it is that of a way along roads; `age_s` is -1 without a fix; `at_home` says that the
    home point stands in for a stale or missing fix; `last_assigned` is microseconds since 1970, 0 for never.
    """

    ids: Ints
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    roles: NDArray[np.str_]
    grids: tuple[str, ...]
    level: Ints
    distance_mm: Ints
    age_s: Ints
    at_home: Flags
    on_duty: Flags
    open_tasks: Ints
    critical_tasks: Ints
    last_assigned: Ints
    on_foot: Flags

    def __len__(self) -> int:
        return len(self.numbers)

    def freshness(self, row: int) -> str:
        """fresh, ageing or stale, by the age of the worker's last fix; a worker without a fix is stale."""
        return freshness_of(int(self.age_s[row]))


def freshness_of(age_s: int) -> str:
    """fresh, ageing or stale, by the age of a fix in seconds; -1 stands for no fix."""
    if age_s < 0 or age_s > AGEING_S:
        return "stale"
    return "fresh" if age_s <= FRESH_S else "ageing"
