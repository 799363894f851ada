"""Dividing a piece of ground along the middle between those beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.partition import keep_polygons
from tiling.plane import put_on_lattice

_MOST_POINTS = 400
_STEP_SHARE = 0.25
_SMOOTH_SHARE = 0.05
"""The middle line is a zigzag of the sample points: smoothed by a twentieth of the width it looks drawn."""


def halves(piece: BaseGeometry, beside: Mapping[int, BaseGeometry], width_m: float) -> dict[int, BaseGeometry]:
    """The part of the piece nearest to each neighbour, by row; the whole piece where there is only one.

    From a Voronoi diagram of points along the common borders, a quarter of the piece's width apart.
    """
    shared = {row: _border(piece, shape) for row, shape in beside.items()}
    shared = {row: line for row, line in shared.items() if line.length > 0}
    if len(shared) < 2:
        return dict.fromkeys(shared, piece)
    step_m = max(_STEP_SHARE * width_m, sum(line.length for line in shared.values()) / _MOST_POINTS, 0.01)
    points, owner = _samples(shared, step_m)
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points), extend_to=piece))
    rows = _owners(cells, points, owner)
    return {
        row: keep_polygons(shapely.intersection(piece, shapely.union_all(cells[rows == row]))) for row in sorted(shared)
    }


def middle_lines(parts: Mapping[int, BaseGeometry], width_m: float) -> list[BaseGeometry]:
    """The lines between the parts, smoothed and on the lattice."""
    lines: list[BaseGeometry] = []
    rows = sorted(parts)
    for k, one in enumerate(rows):
        for other in rows[k + 1 :]:
            shared = shapely.intersection(shapely.boundary(parts[one]), shapely.boundary(parts[other]))
            solid = [part for part in shapely.get_parts(shared) if part.length > 0]
            if solid:
                merged = shapely.line_merge(shapely.union_all(solid))
                lines += list(shapely.get_parts(put_on_lattice(shapely.simplify(merged, _SMOOTH_SHARE * width_m))))
    return [line for line in lines if line.length > 0]


def _border(piece: BaseGeometry, shape: BaseGeometry) -> BaseGeometry:
    shared = shapely.intersection(shapely.boundary(piece), shapely.boundary(shape))
    return shapely.MultiLineString([part for part in shapely.get_parts(shared) if part.length > 0])


def _samples(shared: Mapping[int, BaseGeometry], step_m: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    points, owner = [], []
    for row, line in sorted(shared.items()):
        xy = shapely.get_coordinates(shapely.segmentize(line, step_m))
        points.append(xy)
        owner.append(np.full(len(xy), row, dtype=np.intp))
    xy, rows = np.concatenate(points), np.concatenate(owner)
    _, first, count = np.unique(xy, axis=0, return_index=True, return_counts=True)
    # A point that two neighbours share lies on the middle line itself.
    return xy[first[count == 1]], rows[first[count == 1]]


def _owners(cells: NDArray[np.object_], points: NDArray[np.float64], owner: NDArray[np.intp]) -> NDArray[np.intp]:
    rows = np.full(len(cells), -1, dtype=np.intp)
    which, hits = STRtree(cells).query(shapely.points(points), predicate="intersects")
    rows[hits] = owner[which]
    return rows
