"""Which tile holds a point: the exact test for one point, in plain Python that numba can compile as it stands.

Everything that the compiled kernel calls stands in this file, because numba notices changes of one file only.

The test counts the edges that a ray to the east crosses. Whether an edge lies east of the point is the sign of a
determinant. Its rounding error is bounded (J. R. Shewchuk, Adaptive precision floating-point arithmetic, 1997: the
constant of orient2d's first stage); beyond the bound the sign is certain. Within it the products are split exactly
(T. J. Dekker, 1971), which decides whenever the four differences are exact, as they are for places of one city.
What is left, near the meridian of Greenwich for instance, is UNSURE and decided by `decide_exactly`.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias

OFF: Final = 0
IN: Final = 1
ON: Final = 2
UNSURE: Final = 3

# Relations as numbers, in the order of `answers.RELATIONS`; 4 never leaves the package.
OUTSIDE: Final = 0
INSIDE: Final = 1
BORDER: Final = 2
GAP: Final = 3
UNDECIDED: Final = 4

# What a quick test says of one point instead of a tile's number.
NONE: Final = -1
SEVERAL: Final = -2
UNDECIDED_YET: Final = -3
# (place of a list, lon, lat) → the tile, where exactly one holds the point, or one of these three.
Tester: TypeAlias = Callable[[int, float, float], int]

ERROR_BOUND: Final = 3.3306690738754716e-16
TOO_SMALL: Final = 1e-200
_SPLITTER: Final = 134217729.0

# What a cell of the raster says where it does not name a tile; the list at place k is FIRST_LIST - k.
OUTSIDE_CELL: Final = -1
GAP_CELL: Final = -2
FIRST_LIST: Final = -3


class Lookup(NamedTuple):
    """The arrays of one district as `raster.py` describes them; memoryviews for one point, arrays for many.

    Functions here take several positional arguments, which numba needs and the rest of the house avoids.
    """

    west: float
    south: float
    per_lon: float
    per_lat: float
    columns: int
    rows: int
    tiles: int
    has_frame: bool
    segments: Any
    cells: Any
    lists: Any
    slabs: Any


def product_error(a: float, b: float, product: float) -> float:
    """What rounding took from a * b, exactly."""
    c = _SPLITTER * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLITTER * b
    b_high = c - (c - b)
    b_low = b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def difference_is_exact(a: float, b: float, difference: float) -> bool:
    """Whether rounding took nothing from a - b."""
    b_seen = a - difference
    a_seen = difference + b_seen
    return (a - a_seen) + (b_seen - b) == 0.0


def side(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> int:
    """Where (x, y) lies seen along a → b: 1 left, -1 right, 0 on the line, 2 not decided here."""
    dax, day, dbx, dby = ax - x, ay - y, bx - x, by - y
    left, right = dax * dby, day * dbx
    det = left - right
    size = abs(left) + abs(right)
    if abs(det) > ERROR_BOUND * size and size > TOO_SMALL:
        return 1 if det > 0.0 else -1
    if not (size > TOO_SMALL):
        return 2
    if not (
        difference_is_exact(ax, x, dax)
        and difference_is_exact(ay, y, day)
        and difference_is_exact(bx, x, dbx)
        and difference_is_exact(by, y, dby)
    ):
        return 2
    if left == right:
        left, right = product_error(dax, dby, left), product_error(day, dbx, right)
    if left == right:
        return 0
    return 1 if left > right else -1


def meets(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> int:
    """IN when the ray to the east crosses the edge, ON when the point lies on it, else OFF; or UNSURE.

    The edge must reach the height of the point: min(ay, by) <= y <= max(ay, by).
    """
    if (ax == x and ay == y) or (bx == x and by == y):
        return ON
    if ay == by:
        return ON if (ax < x) != (bx < x) else OFF
    if (ay > y) == (by > y) or (ax < x and bx < x):
        return OFF
    if ax > x and bx > x:
        return IN
    if ax == x and bx == x:
        return ON
    turn = side(ax, ay, bx, by, x, y)
    if turn == 0:
        return ON
    if turn == 2:
        return UNSURE
    return IN if (turn > 0) == (by > ay) else OFF


def locate_in_slab(data: Lookup, slab: int, x: float, y: float) -> int:
    """OFF, IN, ON or UNSURE for a point in the slab's row against the slab's tile."""
    ends, slabs = data.segments, data.slabs
    inside = False
    for k in range(slab + 2, slab + 2 + slabs[slab + 1]):
        i = slabs[k]
        ay = ends[i + 1]
        by = ends[i + 3]
        if (ay > y and by > y) or (ay < y and by < y):
            continue
        met = meets(ends[i], ay, ends[i + 2], by, x, y)
        if met == IN:
            inside = not inside
        elif met != OFF:
            return met
    return IN if inside else OFF


def locate_in_list(data: Lookup, place: int, x: float, y: float) -> tuple[int, int]:
    """Relation and smallest tile (or -1) of a point in a cell whose list begins at `place`."""
    held = 0
    tile = -1
    for k in range(place + 1, place + 1 + data.lists[place]):
        item = data.lists[k]
        owner = data.slabs[item] if item >= 0 else -1 - item
        if owner == data.tiles:
            break
        state = locate_in_slab(data, item, x, y) if item >= 0 else IN
        if state == UNSURE:
            return UNDECIDED, -1
        if state != OFF:
            held += 1
            if tile < 0:
                tile = owner
    if held:
        return (INSIDE if held == 1 else BORDER), tile
    return locate_in_frame(data, place, x, y), -1


def locate_in_frame(data: Lookup, place: int, x: float, y: float) -> int:
    """GAP or OUTSIDE (or UNDECIDED) for a point of that list that no tile holds; the frame's item is the last."""
    if not data.has_frame:
        return OUTSIDE
    item = data.lists[place + data.lists[place]]
    owner = data.slabs[item] if item >= 0 else -1 - item
    if owner != data.tiles:
        return GAP
    state = locate_in_slab(data, item, x, y) if item >= 0 else OFF
    if state == UNSURE:
        return UNDECIDED
    return OUTSIDE if state == OFF else GAP


def locate_many(data: Lookup, lon: Any, lat: Any, relation: Any, tile: Any) -> None:
    """Writes relation and tile of every point into the two arrays; the loops that numba compiles.

    Two passes: the first only reads cells, so that the processor fetches many at a time; the second, with its
    branches, meets the one point in eight that needs edges.
    """
    cells = data.cells
    for p in range(len(lon)):
        column = (lon[p] - data.west) * data.per_lon
        row = (lat[p] - data.south) * data.per_lat
        cell = OUTSIDE_CELL
        if 0.0 <= column < data.columns and 0.0 <= row < data.rows:
            cell = cells[int(row) * data.columns + int(column)]
        tile[p] = cell
    for p in range(len(lon)):
        cell = tile[p]
        if cell >= 0:
            relation[p] = INSIDE
        elif cell <= FIRST_LIST:
            relation[p], tile[p] = locate_in_list(data, FIRST_LIST - cell, lon[p], lat[p])
        else:
            relation[p] = GAP if cell == GAP_CELL else OUTSIDE
            tile[p] = -1


def tester_of(data: Lookup) -> Tester:
    """A function (place of a list, lon, lat) → tile, NONE, SEVERAL or UNDECIDED_YET; 3 µs a call."""

    def test(place: int, lon: float, lat: float) -> int:
        relation, tile = locate_in_list(data, place, lon, lat)
        if relation == INSIDE:
            return tile
        if relation == BORDER:
            return SEVERAL
        return UNDECIDED_YET if relation == UNDECIDED else NONE

    return test


def decide_exactly(data: Lookup, slab: int, x: float, y: float) -> int:
    """OFF, IN or ON as `locate_in_slab`, by rational numbers: always decides, some 20 µs an edge."""
    inside = False
    px, py = Fraction(x), Fraction(y)
    for k in range(slab + 2, slab + 2 + data.slabs[slab + 1]):
        i = data.slabs[k]
        ax, ay, bx, by = (Fraction(float(v)) for v in data.segments[i : i + 4])
        turn = (ax - px) * (by - py) - (ay - py) * (bx - px)
        if turn == 0 and min(ax, bx) <= px <= max(ax, bx) and min(ay, by) <= py <= max(ay, by):
            return ON
        if (ay > py) != (by > py) and (turn > 0) == (by > ay):
            inside = not inside
    return IN if inside else OFF
