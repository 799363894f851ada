"""The many-points kernel in numpy alone, for machines without numba; same answers as `crossing.locate_many`.

Points whose cell names a tile are done by one gather. The others are expanded to (point, item) and then to
(point, item, edge), which costs memory, hence the chunks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiling.locate.crossing import (
    BORDER,
    ERROR_BOUND,
    FIRST_LIST,
    GAP,
    GAP_CELL,
    IN,
    INSIDE,
    OFF,
    ON,
    OUTSIDE,
    OUTSIDE_CELL,
    TOO_SMALL,
    UNDECIDED,
    UNSURE,
    Lookup,
    side,
)

# 64 thousand points and what they expand to stay within the second-level cache or close to it.
CHUNK = 65_536

Array = NDArray[Any]


def locate_many(data: Lookup, lon: Array, lat: Array, relation: Array, tile: Array) -> None:
    """Writes relation and tile of every point into the two arrays."""
    for begin in range(0, len(lon), CHUNK):
        part = slice(begin, begin + CHUNK)
        relation[part], tile[part] = _chunk(data, lon[part], lat[part])


def _chunk(data: Lookup, lon: Array, lat: Array) -> tuple[Array, Array]:
    column, row = (lon - data.west) * data.per_lon, (lat - data.south) * data.per_lat
    on_mesh = (column >= 0.0) & (column < data.columns) & (row >= 0.0) & (row < data.rows)
    if on_mesh.all():
        cell = data.cells[row.astype(np.int64) * data.columns + column.astype(np.int64)]
    else:
        cell = np.full(len(lon), OUTSIDE_CELL, dtype=np.int32)
        cell[on_mesh] = data.cells[row[on_mesh].astype(np.int64) * data.columns + column[on_mesh].astype(np.int64)]
    relation = np.where(cell >= 0, np.uint8(INSIDE), np.uint8(OUTSIDE))
    relation[cell == GAP_CELL] = GAP
    tile = np.maximum(cell, -1)
    listed = np.flatnonzero(cell <= FIRST_LIST)
    if len(listed):
        relation[listed], tile[listed] = _locate_in_lists(data, FIRST_LIST - cell[listed], lon[listed], lat[listed])
    return relation, tile


def _locate_in_lists(data: Lookup, place: Array, x: Array, y: Array) -> tuple[Array, Array]:
    point, at = _runs(place + 1, data.lists[place])
    item = data.lists[at]
    owner = np.where(item >= 0, data.slabs[np.maximum(item, 0)], -1 - item)
    state = np.full(len(item), IN, dtype=np.uint8)
    tested = np.flatnonzero(item >= 0)
    state[tested] = _locate_in_slabs(data, item[tested], x[point[tested]], y[point[tested]])
    of_frame = owner == data.tiles
    holds = ((state == IN) | (state == ON)) & ~of_frame
    held = np.bincount(point[holds], minlength=len(x))
    tile = np.full(len(x), data.tiles, dtype=np.int32)
    np.minimum.at(tile, point[holds], owner[holds])
    tile[held == 0] = -1
    relation = np.where(held > 1, BORDER, np.where(held == 1, INSIDE, GAP if data.has_frame else OUTSIDE))
    beyond = point[of_frame & ((item < 0) | (state == OFF))]
    relation[beyond[held[beyond] == 0]] = OUTSIDE
    relation[point[state == UNSURE]] = UNDECIDED
    tile[relation == UNDECIDED] = -1
    return relation.astype(np.uint8), tile


def _locate_in_slabs(data: Lookup, slab: Array, x: Array, y: Array) -> Array:
    """OFF, IN, ON or UNSURE of each point against its slab."""
    pair, at = _runs(slab + 2, data.slabs[slab + 1])
    i = data.slabs[at]
    ay, by, py = data.segments[i + 1], data.segments[i + 3], y[pair]
    reach = np.flatnonzero((np.minimum(ay, by) <= py) & (py <= np.maximum(ay, by)))
    pair, i = pair[reach], i[reach]
    met = _meets(data.segments[i], ay[reach], data.segments[i + 2], by[reach], x[pair], py[reach])
    crossed = np.bincount(pair[met == IN], minlength=len(slab)) % 2
    state = crossed.astype(np.uint8)
    state[pair[met == UNSURE]] = UNSURE
    state[pair[met == ON]] = ON
    return state


def _meets(ax: Array, ay: Array, bx: Array, by: Array, x: Array, y: Array) -> Array:
    """`crossing.meets` for arrays."""
    met = np.zeros(len(x), dtype=np.uint8)
    rising = (ay > y) != (by > y)
    east, west = (ax > x) & (bx > x), (ax < x) & (bx < x)
    met[rising & east] = IN
    near = np.flatnonzero(~east & ~west)
    if len(near):
        met[near] = _meets_near(*(a[near] for a in (ax, ay, bx, by, x, y)))
    return met


def _meets_near(ax: Array, ay: Array, bx: Array, by: Array, x: Array, y: Array) -> Array:
    """`crossing.meets` for points within the bounds of the edge."""
    left, right = (ax - x) * (by - y), (ay - y) * (bx - x)
    det, size = left - right, np.abs(left) + np.abs(right)
    crossing = (ay > y) != (by > y)
    met = np.where(crossing & ((det > 0.0) == (by > ay)), np.uint8(IN), np.uint8(OFF))
    met[ay == by] = ON
    met[crossing & (ax == x) & (bx == x)] = ON
    met[((ax == x) & (ay == y)) | ((bx == x) & (by == y))] = ON
    doubtful = crossing & (met != ON) & ~((np.abs(det) > ERROR_BOUND * size) & (size > TOO_SMALL))
    for k in np.flatnonzero(doubtful):
        turn = side(*(float(a[k]) for a in (ax, ay, bx, by, x, y)))
        rises = bool(by[k] > ay[k])
        met[k] = {0: ON, 2: UNSURE}.get(turn, IN if (turn > 0) == rises else OFF)
    return met


def _runs(first: Array, counts: Array) -> tuple[Array, Array]:
    """For runs of 2 from 5 and of 1 from 9: the owners [0, 0, 1] and the places [5, 6, 9]."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) + (first - (np.cumsum(counts) - counts))[owner]
