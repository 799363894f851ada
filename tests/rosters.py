"""Rosters made by hand, without a database: one district of two communities with four grids of two sub-grids each.

roster_of([Member(charges=(SUB_GRIDS[0],), x=10.0, y=20.0)])
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np

from layers.candidates import Chart, DistrictRoster, Roster, moment
from layers.candidates.roster import Charges, chain_numbers
from layers.standings import Place
from tiling.plane import Plane

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DISTRICT, SUBDISTRICT, EPSG = "130273", "130273001", 4548
COMMUNITIES = tuple(f"{SUBDISTRICT}{n:03d}" for n in (1, 2))
GRIDS = tuple(f"{community}{n:03d}" for community in COMMUNITIES for n in (1, 2, 3, 4))
SUB_GRIDS = tuple(f"{grid}{n:02d}" for grid in GRIDS for n in (1, 2))
ALWAYS = (-(2**62), 2**62)
# Where the members' metres are counted from, and the same in degrees.
ORIGIN = (118.18, 39.65)


@dataclass(frozen=True)
class Member:
    """Somebody of the roster; metres east and north of the origin, ages and shift ends in seconds from noon."""

    charges: tuple[str, ...] = ()
    area: str = DISTRICT
    role: str = "grid_worker"
    x: float | None = 0.0
    y: float = 0.0
    home: tuple[float, float] | None = None
    age_s: int = 0
    shift: tuple[int, int] | None = (-3_600, 3_600)
    charge_until_s: int | None = None
    open_tasks: int = 0
    critical_tasks: int = 0
    last_assigned: int = 0


def place_of(code: str) -> Place:
    """The place of a code and all codes above it."""
    lengths = {"district": 6, "subdistrict": 9, "community": 12, "grid": 15, "sub_grid": 17}
    return Place(**{level: code[:length] for level, length in lengths.items() if len(code) >= length})


def roster_of(members: list[Member]) -> Roster:
    """A roster of noon; staff numbers are given in the order of the list."""
    codes = (DISTRICT, SUBDISTRICT, *COMMUNITIES, *GRIDS, *SUB_GRIDS)
    places = {code: place_of(code) for code in codes}
    # Grids lie in a row: each borders on the next one of its community.
    sisters = {
        grid: frozenset(
            other for other in GRIDS if other[:12] == grid[:12] and abs(int(other[12:]) - int(grid[12:])) == 1
        )
        for grid in GRIDS
    }
    chart = Chart((), places, sisters, {DISTRICT: EPSG}, ())
    numbers = {code: at for at, code in enumerate(sorted(places))}
    return Roster(NOON, chart, {DISTRICT: _district(members, places, numbers)}, numbers)


def _district(members: list[Member], places: dict[str, Place], numbers: dict[str, int]) -> DistrictRoster:
    noon, plane = moment(NOON), Plane(EPSG)
    shifts = [(row, *one.shift) for row, one in enumerate(members) if one.shift is not None]
    return DistrictRoster(
        district=DISTRICT,
        plane=plane,
        ids=np.arange(100, 100 + len(members)),
        numbers=tuple(f"W{row:03d}" for row in range(len(members))),
        names=tuple(f"name {row}" for row in range(len(members))),
        roles=np.array([one.role for one in members], dtype=np.str_),
        grids=tuple((one.charges or (one.area,))[0] for one in members),
        areas=tuple(one.area for one in members),
        home_xy=_metres(plane, [one.home for one in members]),
        fix_xy=_metres(plane, [None if one.x is None else (one.x, one.y) for one in members]),
        fixed_at=_ints(0 if one.x is None else noon - one.age_s * 1_000_000 for one in members),
        open_tasks=_ints(one.open_tasks for one in members),
        critical_tasks=_ints(one.critical_tasks for one in members),
        last_assigned=_ints(one.last_assigned for one in members),
        charges=_charges(members, places, numbers),
        shift_worker=_ints(row for row, _, _ in shifts),
        shift_since=_ints(noon + since * 1_000_000 for _, since, _ in shifts),
        shift_until=_ints(noon + until * 1_000_000 for _, _, until in shifts),
    )


def _charges(members: list[Member], places: dict[str, Place], numbers: dict[str, int]) -> Charges:
    rows: list[tuple[int, str, int]] = []
    for row, one in enumerate(members):
        rows.append((row, one.area, ALWAYS[1]))
        until = ALWAYS[1] if one.charge_until_s is None else moment(NOON) + one.charge_until_s * 1_000_000
        rows += [(row, code, until) for code in one.charges]
    worker = _ints(row for row, _, _ in rows)
    chains = np.array([chain_numbers(places[code], numbers) for _, code, _ in rows], dtype=np.int64)
    return Charges(
        worker=worker,
        starts=np.flatnonzero(np.diff(worker, prepend=-1)),
        chain=np.ascontiguousarray(chains.reshape(-1, 5).T),
        since=np.full(len(rows), ALWAYS[0]),
        until=_ints(until for _, _, until in rows),
    )


def _metres(plane: Plane, spots: list[tuple[float, float] | None]) -> Any:
    x, y = plane.point_xy(*ORIGIN)
    return np.array([(np.nan, np.nan) if one is None else (x + one[0], y + one[1]) for one in spots]).reshape(-1, 2).T


def _ints(values: Any) -> Any:
    return np.array(list(values), dtype=np.int64)


def is_same(one: DistrictRoster, other: DistrictRoster) -> bool:
    """Whether every column of two districts is equal, to the bit."""
    for field in fields(DistrictRoster):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name == "charges":
            pairs = [(getattr(mine, part.name), getattr(theirs, part.name)) for part in fields(mine)]
            if not all(np.array_equal(*pair) for pair in pairs):
                return False
        elif isinstance(mine, np.ndarray):
            if not np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f"):
                return False
        elif field.name != "kept" and mine != theirs:
            return False
    return True
