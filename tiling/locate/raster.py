"""A raster over one district: each cell knows the one tile that covers it, or the few tiles whose edges cross it.

    +----+----+----+----+       7 = the cell lies wholly in tile 7
    | 7  | 7  | */ | 8  |       * = a list: here the slabs (7, this row) and (8, this row)
    +----+----+-/--+----+
    | 7  | *  |/8  | 8  |       A slab is the edges of one tile that pass through one row of cells. For a point in that
    +----+--\\-+----+----+       row they are all the edges that a horizontal ray can meet, so the crossing test over a
    | gap  | *  | 8 | 8  |       slab is exact although it reads a few edges only.
    +----+----+----+----+

Everything here is computed by whole arrays. Rounding cannot put an edge into the wrong cell: the cell of a coordinate
is a function that never decreases, and edges are widened by a thousandth of a cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiling.locate.crossing import FIRST_LIST, GAP_CELL, OUTSIDE_CELL
from tiling.locate.tiles import Floats, Ints, Outlines

# 550 cells a tile: 16 MB for 3,000 grids of 75 vertices, and one point in nine needs edges. Few tiles with long
# outlines (a borough of 12 districts has 7,000 vertices) need cells by edges, not by tiles.
CELLS_PER_TILE, _CELLS_PER_EDGE = 550, 5
# Above this many tiles memory counts for more: 260 MB instead of 520 for 100,000 grids, 2.6 GB instead of 5.2 for a
# million in districts of 10,000, at some two thirds of the speed.
_MANY_TILES, _CELLS_PER_TILE_OF_MANY, _CELLS_PER_EDGE_OF_MANY = 5_000, 90, 1
_MOST_CELLS = 400_000_000
_LEAST_CELL_DEG = 1e-7
_PAD = 1e-3


@dataclass(frozen=True)
class Mesh:
    """The lattice of cells: west and south edge in degrees, cells per degree, and how many columns and rows."""

    west: float
    south: float
    per_lon: float
    per_lat: float
    columns: int
    rows: int

    def column_of(self, lon: Floats) -> Ints:
        """The column of each longitude, held within the mesh."""
        return np.clip(np.floor((lon - self.west) * self.per_lon), 0, self.columns - 1).astype(np.int64)

    def row_of(self, lat: Floats) -> Ints:
        """The row of each latitude, held within the mesh."""
        return np.clip(np.floor((lat - self.south) * self.per_lat), 0, self.rows - 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Raster:
    """The finished arrays; see the picture above.

    cells  per cell: a tile, OUTSIDE_CELL, GAP_CELL, or FIRST_LIST - k for the list at lists[k]
    lists  at k the number of items, then the items by tile: a slab s, or -1 - t for a tile t that covers the whole
           cell. Last comes the slab of the frame where its edges pass; -1 - (number of tiles): wholly out of the frame
    slabs  at s the tile (the number of tiles stands for the frame), the number of edges, and for each edge the place
           of its first coordinate in the flat array of segments
    """

    mesh: Mesh
    cells: NDArray[np.int32]
    lists: NDArray[np.int32]
    slabs: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Slabs:
    """Edges by tile and row, with the stretches of columns that they touch (`cross`) and that the tile fills."""

    tile: Ints
    start: Ints
    segments: Ints
    cross: Ints  # rows of (slab, row, tile, first column, last column)
    filled: Ints

    @property
    def places(self) -> Ints:
        """Where each slab begins in the finished array: two numbers of head before the edges of each."""
        return self.start[:-1] + 2 * np.arange(len(self.tile))


def rasterise(outlines: Outlines, *, has_frame: bool, cells_per_tile: int | None = None) -> Raster:
    """The raster over the outlines; about 0.3 µs per (edge, row of cells) and 10 ns per cell."""
    mesh = _mesh_over(outlines, cells_per_tile)
    slabs = _slabs(outlines, mesh)
    cells, spots = _fill_cells(slabs, mesh, outlines.tiles, has_frame)
    return Raster(mesh, cells, _lists(cells, spots), _write_slabs(slabs))


def _write_slabs(slabs: _Slabs) -> NDArray[np.int32]:
    """The slabs in one array: tile, number of edges, places of the edges' coordinates."""
    out = np.empty(len(slabs.segments) + 2 * len(slabs.tile), dtype=np.int32)
    counts = np.diff(slabs.start)
    out[slabs.places] = slabs.tile
    out[slabs.places + 1] = counts
    slab, step = _expand(counts)
    out[slabs.places[slab] + 2 + step] = 4 * slabs.segments
    return out


def _cells_wanted(outlines: Outlines, cells_per_tile: int | None) -> int:
    many = outlines.tiles > _MANY_TILES
    per_tile = _CELLS_PER_TILE_OF_MANY if many else CELLS_PER_TILE
    per_edge = _CELLS_PER_EDGE_OF_MANY if many else _CELLS_PER_EDGE
    by_itself = max(per_tile * (outlines.tiles + 1), per_edge * len(outlines.edge_tile), 1024)
    wanted = by_itself if cells_per_tile is None else cells_per_tile * (outlines.tiles + 1)
    return min(wanted, _MOST_CELLS)


def _mesh_over(outlines: Outlines, cells_per_tile: int | None) -> Mesh:
    if not len(outlines.segments):
        return Mesh(0.0, 0.0, 1.0, 1.0, 1, 1)
    west, south = np.minimum(outlines.segments[:, :2], outlines.segments[:, 2:]).min(axis=0).tolist()
    east, north = np.maximum(outlines.segments[:, :2], outlines.segments[:, 2:]).max(axis=0).tolist()
    squeeze = max(math.cos(math.radians((south + north) / 2)), 0.01)
    width, height = max(east - west, _LEAST_CELL_DEG), max(north - south, _LEAST_CELL_DEG)
    cell_lat = math.sqrt(width * squeeze * height / _cells_wanted(outlines, cells_per_tile))
    cell_lat = max(cell_lat, _LEAST_CELL_DEG, height / 30_000, width * squeeze / 30_000)
    cell_lon = cell_lat / squeeze
    # One cell of margin on each side: an edge of the district never lies on the rim of the mesh.
    columns, rows = math.ceil(width / cell_lon) + 2, math.ceil(height / cell_lat) + 2
    return Mesh(west - cell_lon, south - cell_lat, 1.0 / cell_lon, 1.0 / cell_lat, columns, rows)


def _slabs(outlines: Outlines, mesh: Mesh) -> _Slabs:
    edge, row = _edges_by_row(outlines, mesh)
    first, last, crosses = _columns_touched(outlines, mesh, edge, row)
    tile = outlines.edge_tile[edge]
    order = np.argsort((tile * mesh.rows + row) * mesh.columns + first, kind="stable")
    edge, row, first, last, tile = (a[order] for a in (edge, row, first, last, tile))
    crosses = crosses[order]
    key = tile * mesh.rows + row
    start = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, dtype=np.int64)
    slab = np.repeat(np.arange(len(start)), np.diff(np.append(start, len(key))))
    cross, filled = _stretches(slab, first, last, crosses, columns=mesh.columns)
    where = np.column_stack([row[start], tile[start]])
    cross = np.column_stack([cross[:, 0], where[cross[:, 0]], cross[:, 1:]])
    filled = np.column_stack([filled[:, 0], where[filled[:, 0]], filled[:, 1:]])
    return _Slabs(tile[start], np.append(start, len(key)), outlines.edge_segment[edge], cross, filled)


def _edges_by_row(outlines: Outlines, mesh: Mesh) -> tuple[Ints, Ints]:
    """Each edge once for every row that it touches."""
    a, b = outlines.segments[outlines.edge_segment][:, [1, 3]].T
    pad = _PAD / mesh.per_lat
    low, high = mesh.row_of(np.minimum(a, b) - pad), mesh.row_of(np.maximum(a, b) + pad)
    edge, step = _expand(high - low + 1)
    return edge, low[edge] + step


def _columns_touched(outlines: Outlines, mesh: Mesh, edge: Ints, row: Ints) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """First and last column that each edge touches in each of its rows, and whether it crosses the row's middle."""
    ax, ay, bx, by = outlines.segments[outlines.edge_segment[edge]].T
    south = mesh.south + (row - _PAD) / mesh.per_lat
    north = mesh.south + (row + 1 + _PAD) / mesh.per_lat
    rise = np.where(by == ay, 1.0, by - ay)
    enter = np.clip((south - ay) / rise, 0.0, 1.0)
    leave = np.clip((north - ay) / rise, 0.0, 1.0)
    level = by == ay
    xa = np.where(level, ax, ax + enter * (bx - ax))
    xb = np.where(level, bx, ax + leave * (bx - ax))
    pad = _PAD / mesh.per_lon
    middle = mesh.south + (row + 0.5) / mesh.per_lat
    crosses = (ay > middle) != (by > middle)
    return mesh.column_of(np.minimum(xa, xb) - pad), mesh.column_of(np.maximum(xa, xb) + pad), crosses


def _stretches(slab: Ints, first: Ints, last: Ints, crosses: NDArray[np.bool_], *, columns: int) -> tuple[Ints, Ints]:
    """Rows (slab, first, last column): the columns that edges of the slab touch, and those that its tile fills.

    The touched columns of a slab, merged, leave free stretches between them. No edge passes through a free stretch,
    so it is filled or free as a whole: filled when an odd number of edges to its left cross the middle of the row.
    """
    if not len(slab):
        return np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3), dtype=np.int64)
    base = slab * (2 * columns)
    reach = np.maximum.accumulate(base + last) - base
    same = slab[1:] == slab[:-1]
    breaks = ~same | (first[1:] > reach[:-1] + 1)
    starts, ends = np.append(0, np.flatnonzero(breaks) + 1), np.append(np.flatnonzero(breaks), len(slab) - 1)
    cross = np.column_stack([slab[starts], first[starts], reach[ends]])
    left = np.cumsum(crosses)  # every closed slab crosses its middle an even number of times, so parity needs no reset
    between = np.flatnonzero(same & breaks & (left[:-1] % 2 == 1))
    filled = np.column_stack([slab[between], reach[between] + 1, first[between + 1] - 1])
    return cross, filled


def _fill_cells(slabs: _Slabs, mesh: Mesh, tiles: int, has_frame: bool) -> tuple[NDArray[np.int32], Ints]:
    """The cells without their lists, and for cells that need one the rows (cell, tile, item) of the lists to come."""
    size = mesh.rows * mesh.columns
    of_frame = slabs.filled[:, 2] == tiles
    count, total = _paint(slabs.filled[~of_frame], mesh)
    framed, _ = _paint(slabs.filled[of_frame], mesh)
    cells = np.full(size, OUTSIDE_CELL, dtype=np.int32)
    cells[framed > 0] = GAP_CELL
    np.copyto(cells, total, where=count == 1, casting="unsafe")
    slab, cell = _cells_of(slabs.cross, mesh)
    listed = count > 1
    listed[cell] = True
    spots = [
        np.column_stack([cell, slabs.tile[slab], slabs.places[slab]]),
        _find_covering(slabs.filled[~of_frame], mesh, listed),
    ]
    if has_frame:
        beyond = listed & (framed == 0)
        beyond[cell[slabs.tile[slab] == tiles]] = False
        out = np.flatnonzero(beyond)
        spots.append(np.column_stack([out, np.full(len(out), tiles), np.full(len(out), -1 - tiles)]))
    return cells, np.concatenate(spots)


def _paint(stretches: Ints, mesh: Mesh) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Per cell: how many stretches hold it, and the sum of their tiles."""
    at = stretches[:, 1] * mesh.columns
    ends = np.concatenate([at + stretches[:, 3], at + stretches[:, 4] + 1])
    one = np.repeat([1, -1], len(stretches))
    tile = (
        np.tile(stretches[:, 2], 2) * one
    )  # the sum matters where one stretch holds a cell, so it cannot overflow there
    out = []
    for weight in (one, tile):
        steps = np.zeros(mesh.rows * mesh.columns + 1, dtype=np.int32)
        np.add.at(steps, ends, weight.astype(np.int32))
        out.append(np.cumsum(steps, dtype=np.int32)[:-1])
    return out[0], out[1]


def _find_covering(stretches: Ints, mesh: Mesh, listed: NDArray[np.bool_]) -> Ints:
    """Rows (cell, tile, item) for tiles that fill a cell which needs a list: overlaps, hence rare."""
    before = np.append(0, np.cumsum(listed))
    at = stretches[:, 1] * mesh.columns
    some = before[at + stretches[:, 4] + 1] > before[at + stretches[:, 3]]
    which, cell = _cells_of(stretches[some], mesh)
    del which
    tile = np.repeat(stretches[some][:, 2], stretches[some][:, 4] - stretches[some][:, 3] + 1)
    keep = listed[cell]
    return np.column_stack([cell[keep], tile[keep], -1 - tile[keep]])


def _cells_of(stretches: Ints, mesh: Mesh) -> tuple[Ints, Ints]:
    """Slab and cell for every cell of the stretches."""
    which, step = _expand(stretches[:, 4] - stretches[:, 3] + 1)
    return stretches[which, 0], stretches[which, 1] * mesh.columns + stretches[which, 3] + step


def _lists(cells: NDArray[np.int32], spots: Ints) -> NDArray[np.int32]:
    """The lists in one array, each by tile after its length; writes their places into `cells`."""
    order = np.lexsort((spots[:, 1], spots[:, 0]))
    cell, item = spots[order, 0], spots[order, 2]
    start = np.flatnonzero(np.append(True, cell[1:] != cell[:-1])) if len(cell) else np.zeros(0, dtype=np.int64)
    counts = np.diff(np.append(start, len(cell)))
    places = start + np.arange(len(start))
    cells[cell[start]] = FIRST_LIST - places
    out = np.empty(len(cell) + len(start), dtype=np.int32)
    out[places] = counts
    number, step = _expand(counts)
    out[places[number] + 1 + step] = item
    return out


def _expand(counts: Ints) -> tuple[Ints, Ints]:
    """For counts [2, 3]: the owners [0, 0, 1, 1, 1] and the steps [0, 1, 0, 1, 2]."""
    owner = np.repeat(np.arange(len(counts)), counts)
    begin = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - begin[owner]
