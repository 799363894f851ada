"""Cells: each unit with the ground nearer to it than to any other of its block, as lines between the units.

The lines are those of a Voronoi diagram of points along the outlines. Where two buildings touch, such a line strays
into one of them; the outlines of those are added, and whoever makes faces of all lines gives a building its own.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from tiling.divide.blocks import Blocks
from tiling.divide.site import Floats, Geometries
from tiling.divide.units import Units
from tiling.plane import put_on_lattice

STEP_M = 5.0
"""Between points along an outline: finer steps move the middle line between two houses by less than half a metre."""
INSET_M = 0.3
"""Points stand a little inside the wall, so that two houses that touch have a line between them at all."""
STRAIGHT_M = 0.8
"""How far a line between houses is straightened at once; the rest waits for the final borders."""


def blocks_of(units: Units, blocks: Blocks) -> NDArray[np.intp]:
    """The block of each unit, by its inner point; −1 for one that stands in none."""
    home = np.full(len(units.shapes), -1, dtype=np.intp)
    if len(units.shapes) and len(blocks.shapes):
        inner = shapely.point_on_surface(units.shapes)
        unit, block = STRtree(blocks.shapes).query(inner, predicate="intersects")
        home[unit] = block
    return home


def split_blocks(units: Units, home: NDArray[np.intp], count: int, *, whole_below: float) -> NDArray[np.bool_]:
    """Which of `count` blocks are opened: those with several units that weigh more than `whole_below` together."""
    stands = home >= 0
    weight = np.bincount(home[stands], weights=units.weights[stands], minlength=count)
    number = np.bincount(home[stands], minlength=count)
    return np.asarray((number > 1) & (weight > whole_below))


def cell_lines(units: Units, home: NDArray[np.intp], blocks: Blocks, opened: NDArray[np.bool_]) -> Geometries:
    """The lines between the units of every opened block, and the outlines of units that such a line runs into."""
    rows = np.flatnonzero((home >= 0) & opened[np.maximum(home, 0)])
    if not len(rows):
        return np.empty(0, dtype=object)
    lines, block = _middle_lines(*_outline_points(units.shapes[rows], rows), home, blocks)
    clipped = shapely.get_parts(shapely.intersection(lines, blocks.shapes[block]))
    clipped = clipped[(shapely.get_type_id(clipped) == 1) & (shapely.length(clipped) > 0.0)]
    struck = np.unique(STRtree(units.shapes).query(clipped, predicate="crosses")[1])
    outlines = shapely.get_parts(shapely.boundary(units.shapes[struck]))
    return np.asarray(put_on_lattice(np.concatenate([clipped, outlines])), dtype=object)


def _outline_points(shapes: Geometries, rows: NDArray[np.intp]) -> tuple[Floats, NDArray[np.intp]]:
    inset = shapely.buffer(shapes, -INSET_M, join_style="mitre")
    inset = np.where(shapely.is_empty(inset), shapes, inset)
    xy, index = shapely.get_coordinates(shapely.segmentize(inset, STEP_M), return_index=True)
    return xy, rows[index]


def _middle_lines(
    xy: Floats, unit: NDArray[np.intp], home: NDArray[np.intp], blocks: Blocks
) -> tuple[Geometries, NDArray[np.intp]]:
    """Straightened lines between two units of a block, and the block of each line."""
    order = np.argsort(home[unit], kind="stable")
    xy, unit = xy[order], unit[order]
    block = home[unit]
    starts = np.flatnonzero(np.r_[True, block[1:] != block[:-1]])
    lines: list[Geometries] = []
    of_block: list[int] = []
    for first, last in zip(starts.tolist(), [*starts[1:].tolist(), len(xy)], strict=True):
        home_block = int(block[first])
        found = _lines_of_block(xy[first:last], unit[first:last], blocks.shapes[home_block])
        lines.append(found)
        of_block += [home_block] * len(found)
    return np.concatenate(lines), np.array(of_block, dtype=np.intp)


def _lines_of_block(xy: Floats, unit: NDArray[np.intp], shape: shapely.Geometry) -> Geometries:
    _, once = np.unique(np.round(xy, 3), axis=0, return_index=True)
    once.sort()
    xy, unit = xy[once], unit[once]
    west, south, east, north = shapely.bounds(shape)
    # GEOS loses digits far from the origin.
    origin = np.array([west, south])
    window = shapely.box(0, 0, east - west, north - south)
    diagram = shapely.voronoi_polygons(shapely.multipoints(xy - origin), extend_to=window)
    cells = shapely.get_parts(diagram)
    tree = STRtree(cells)
    point, cell = tree.query(shapely.points(xy - origin), predicate="intersects")
    owner = np.full(len(cells), -1, dtype=np.intp)
    owner[cell] = unit[point]
    return _edges_between(cells, owner, origin)


def _edges_between(cells: Geometries, owner: NDArray[np.intp], origin: Floats) -> Geometries:
    """The edges between cells of different owners, joined and straightened pair by pair."""
    xy, index = shapely.get_coordinates(cells, return_index=True)
    same = index[1:] == index[:-1]
    start, end, cell = xy[:-1][same], xy[1:][same], index[:-1][same]
    flip = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    start[flip], end[flip] = end[flip].copy(), start[flip].copy()
    order = np.lexsort((end[:, 1], end[:, 0], start[:, 1], start[:, 0]))
    start, end, cell = start[order], end[order], cell[order]
    twin = np.flatnonzero((start[1:] == start[:-1]).all(axis=1) & (end[1:] == end[:-1]).all(axis=1))
    one, other = owner[cell[twin]], owner[cell[twin + 1]]
    apart = one != other
    twin, low, high = twin[apart], np.minimum(one, other)[apart], np.maximum(one, other)[apart]
    if not len(twin):
        return np.empty(0, dtype=object)
    _, pair = np.unique(np.stack([low, high]), axis=1, return_inverse=True)
    pair = pair.ravel()
    order = np.argsort(pair, kind="stable")
    ends = np.stack([start[twin], end[twin]], axis=1)[order] + origin
    edges = np.asarray(shapely.linestrings(ends), dtype=object)
    joined = shapely.line_merge(shapely.multilinestrings(edges, indices=pair[order]))
    lines: Geometries = shapely.simplify(shapely.get_parts(joined), STRAIGHT_M)
    return lines
