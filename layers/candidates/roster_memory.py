"""A picture of a district's workers for the stretch of time in which nothing about them changes by itself.

Who is on duty, whose fix is still believed and which charges hold depends on the moment only through a few turning
points; between two of them the same picture serves every question. It is made when first asked for, in some 5 ms for
2,400 workers, and finds the few workers around a place without looking at all the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, sqrt

import numpy as np

from layers.candidates.roster import Charges, DistrictRoster, Floats
from layers.moments import AGEING_S
from layers.standings import NO_DISTANCE_MM, Flags, Ints

SECOND = 1_000_000
# The first moment at which a fix is older than what is believed, counted from the fix; ages are whole seconds.
_TOO_OLD = (AGEING_S + 1) * SECOND
_FOREVER = 2**62
NOBODY = np.zeros(0, dtype=np.int64)
# Squares are about as large as one worker's ground, outliers left out.
_WORKERS_PER_SQUARE, _LEAST_SIDE_M = 1.0, 20.0
_MIDDLE = (5.0, 95.0)


# Where somebody is, in metres, then open tasks, when last assigned, and the row in the roster.
Spot = tuple[float, float, int, int, int]
# Distance in millimetres, open tasks, last assigned, row: the order within a level.
Key = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """The workers by square of ground; those of whom no position is known are in none."""

    side_m: float
    spots: Mapping[tuple[int, int], list[Spot]]

    def list_around(self, x: float, y: float, *, rings: int) -> tuple[list[Key], int]:
        """Those in the square of a place and in so many rings around it, in order, and how far that is all, in mm."""
        side_m, squares = self.side_m, self.spots
        column, line = int(x // side_m), int(y // side_m)
        found: list[Spot] = []
        for one in range(column - rings, column + rings + 1):
            for other in range(line - rings, line + rings + 1):
                if (one, other) in squares:
                    found += squares[one, other]
        in_x, in_y = x - column * side_m, y - line * side_m
        sure_m = min(in_x, in_y, side_m - in_x, side_m - in_y) + rings * side_m
        # As in `Picture.millimetres`, without a call for each.
        keys = [
            (round(sqrt((at_x - x) * (at_x - x) + (at_y - y) * (at_y - y)) * 1000), tasks, last, row)
            for at_x, at_y, tasks, last, row in found
        ]
        keys.sort()
        return keys, int(sure_m * 1000) - 1


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What holds in [since, until), microseconds since 1970; columns as in the roster, and the same as lists.

    `x`, `y` are metres of the fix, or of the home point where `at_home` says that the fix is too old or missing; NaN
    where neither is known. `rows_by_code` gives for sub-grid, grid, community and subdistrict the rows of those whose
    charges lie in it, by the code's number.
    """

    since: int
    until: int
    x: Floats
    y: Floats
    at_home: Flags
    on_duty: Flags
    rows_by_code: tuple[Mapping[int, Ints], ...]
    squares: Squares
    xs: list[float]
    ys: list[float]
    duties: list[bool]
    homes: list[bool]
    fixed_at: list[int]
    roles: list[str]
    open_tasks: list[int]
    critical_tasks: list[int]
    last_assigned: list[int]

    def rows_of(self, level: int, number: int) -> Ints:
        """The rows of those who serve a code; none for a number below 0."""
        return self.rows_by_code[level].get(number, NOBODY)

    def millimetres(self, row: int, x: float, y: float) -> int:
        """How far a worker is from a place, in whole millimetres; NO_DISTANCE_MM where nothing is known."""
        off_x, off_y = self.xs[row] - x, self.ys[row] - y
        metres = sqrt(off_x * off_x + off_y * off_y)
        return NO_DISTANCE_MM if isnan(metres) else round(metres * 1000)


def picture_of(district: DistrictRoster, at: int) -> Picture:
    """The picture of a district at a moment; the one made before, where it still holds."""
    kept: Picture | None = district.kept.get("picture")
    if kept is None or not kept.since <= at < kept.until:
        kept = district.kept["picture"] = _draw_picture(district, at)
    return kept


def _draw_picture(district: DistrictRoster, at: int) -> Picture:
    since, until = _stretch(district, at)
    known = district.fixed_at > 0
    at_home = ~known | (at - district.fixed_at >= _TOO_OLD)
    x, y = (np.where(at_home, district.home_xy[axis], district.fix_xy[axis]) for axis in (0, 1))
    on_duty = _mark_on_duty(district, at)
    return Picture(
        since=since,
        until=until,
        x=x,
        y=y,
        at_home=at_home,
        on_duty=on_duty,
        rows_by_code=tuple(_rows_by_code(district.charges, level, at) for level in range(4)),
        squares=_squares(district, x, y),
        xs=x.tolist(),
        ys=y.tolist(),
        duties=on_duty.tolist(),
        homes=at_home.tolist(),
        fixed_at=district.fixed_at.tolist(),
        roles=district.roles.tolist(),
        open_tasks=district.open_tasks.tolist(),
        critical_tasks=district.critical_tasks.tolist(),
        last_assigned=district.last_assigned.tolist(),
    )


def _stretch(district: DistrictRoster, at: int) -> tuple[int, int]:
    """The last turning point up to a moment, and the next one after it."""
    charges = district.charges
    turns = np.concatenate(
        [
            *(district.shift_since, district.shift_until, charges.since, charges.until),
            district.fixed_at + _TOO_OLD,
        ]
    )
    past, coming = turns[turns <= at], turns[turns > at]
    return int(past.max(initial=-_FOREVER)), int(coming.min(initial=_FOREVER))


def _mark_on_duty(district: DistrictRoster, at: int) -> Flags:
    """[start, end): the minute of handover belongs to the next shift ([D1])."""
    duty = np.zeros(len(district.numbers), dtype=np.bool_)
    duty[district.shift_worker[(district.shift_since <= at) & (at < district.shift_until)]] = True
    return duty


def _rows_by_code(charges: Charges, level: int, at: int) -> dict[int, Ints]:
    holds = (charges.since <= at) & (at < charges.until) & (charges.chain[level] >= 0)
    numbers, rows = charges.chain[level][holds], charges.worker[holds]
    order = np.lexsort((rows, numbers))
    numbers, rows = numbers[order], rows[order]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    groups = np.split(rows, starts[1:]) if len(starts) else []
    return {number: np.unique(group) for number, group in zip(numbers[starts].tolist(), groups, strict=True)}


def _squares(district: DistrictRoster, x: Floats, y: Floats) -> Squares:
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not len(known):
        return Squares(_LEAST_SIDE_M, {})
    spread_x, spread_y = (np.diff(np.percentile(side[known], _MIDDLE))[0] for side in (x, y))
    side_m = max(_LEAST_SIDE_M, float(np.sqrt(_WORKERS_PER_SQUARE * spread_x * spread_y / len(known))))
    columns, lines = (np.floor_divide(side[known], side_m).astype(np.int64).tolist() for side in (x, y))
    table = (x, y, district.open_tasks, district.last_assigned)
    spots: dict[tuple[int, int], list[Spot]] = {}
    for square, spot in zip(
        zip(columns, lines, strict=True),
        zip(*(column[known].tolist() for column in table), known.tolist(), strict=True),
        strict=True,
    ):
        spots.setdefault(square, []).append(spot)
    return Squares(side_m, spots)
