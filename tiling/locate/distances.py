"""How far tiles and borders are from a point, in metres of the city's plane."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiling.locate.crossing import FIRST_LIST
from tiling.locate.index import DistrictIndex
from tiling.locate.tiles import Floats, Ints
from tiling.plane import Plane

# A degree of latitude is 110.57 km at the equator, the shortest there is; 1 % more covers the plane's own stretch.
_DEGREES_PER_M = 1.01 / 110_570.0


@dataclass(frozen=True, eq=False)
class Around:
    """Tiles near a point with the distance in metres to their borders, and to the nearest border of a grid."""

    tiles: Ints
    border_m: Floats
    grid_border_m: float


def around(index: DistrictIndex, lon: float, lat: float, *, radius_m: float, also: tuple[int, ...] = ()) -> Around:
    """The tiles that may lie within the radius, and those of `also`, with their borders' distances.

    Distances are those of the stored vertices in the plane of the city, joined by straight lines there. Cost: 30 µs
    and 1 µs for every vertex of those tiles.
    """
    tiles = np.union1d(_tiles_in_window(index, lon, lat, radius_m), np.array(also, dtype=np.int64))
    if not len(tiles):
        return Around(tiles, np.zeros(0), math.inf)
    segment, owner = _edges_of(index, tiles)
    if not len(segment):
        return Around(tiles, np.full(len(tiles), math.inf), math.inf)
    distance = _to_segments_m(index, segment, lon, lat)
    border = np.full(len(tiles), math.inf)
    np.minimum.at(border, owner, distance)
    outer = ~_between_sub_grids(index, segment, tiles[owner])
    return Around(tiles, border, float(distance[outer].min(initial=math.inf)))


def _tiles_in_window(index: DistrictIndex, lon: float, lat: float, radius_m: float) -> Ints:
    it = index.lookup
    d_lat = radius_m * _DEGREES_PER_M
    d_lon = d_lat / max(math.cos(math.radians(min(abs(lat) + d_lat, 89.9))), 1e-3)
    west, east = ((lon + side * d_lon - it.west) * it.per_lon for side in (-1, 1))
    south, north = ((lat + side * d_lat - it.south) * it.per_lat for side in (-1, 1))
    columns = slice(max(math.floor(west), 0), max(math.floor(east) + 1, 0))
    rows = slice(max(math.floor(south), 0), max(math.floor(north) + 1, 0))
    cells = np.unique(it.cells.reshape(it.rows, it.columns)[rows, columns]).astype(np.int64)
    lists = [it.lists[k + 1 : k + 1 + it.lists[k]] for k in FIRST_LIST - cells[cells <= FIRST_LIST]]
    item = np.concatenate(lists).astype(np.int64) if lists else np.zeros(0, dtype=np.int64)
    listed = np.where(item >= 0, it.slabs[np.maximum(item, 0)], -1 - item) if len(item) else item
    found = np.unique(np.concatenate([cells[cells >= 0], listed]))
    return found[found < it.tiles]


def _edges_of(index: DistrictIndex, tiles: Ints) -> tuple[Ints, Ints]:
    """The segments of the tiles, and for each the place of its tile in `tiles`."""
    begin, counts = index.tile_start[tiles].astype(np.int64), np.diff(index.tile_start)[tiles].astype(np.int64)
    owner = np.repeat(np.arange(len(tiles)), counts)
    edge = np.arange(len(owner)) + (begin - (np.cumsum(counts) - counts))[owner]
    return index.tile_segments[edge].astype(np.int64), owner


def _to_segments_m(index: DistrictIndex, segment: Ints, lon: float, lat: float) -> Floats:
    ends = index.lookup.segments.reshape(-1, 4)[segment]
    x, y = Plane(index.epsg).xy_of(np.append(ends[:, [0, 2]], lon), np.append(ends[:, [1, 3]], lat))
    ax, bx = (x[:-1] - x[-1]).reshape(-1, 2).T
    ay, by = (y[:-1] - y[-1]).reshape(-1, 2).T
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    along = np.clip(-(ax * dx + ay * dy) / np.where(length2 > 0, length2, 1.0), 0.0, 1.0)
    return np.asarray(np.hypot(ax + along * dx, ay + along * dy))


def _between_sub_grids(index: DistrictIndex, segment: Ints, tile: Ints) -> NDArray[np.bool_]:
    """Which edges are shared by two tiles of the same grid."""
    _, grid = np.unique(index.tile_grids[tile].astype(str), return_inverse=True)
    _, which, counts = np.unique(np.column_stack([grid, segment]), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[which.ravel()] > 1)
