"""Vertices that lie on or beside a neighbour's border without being its vertex."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from tiling.defects.edges import Edges
from tiling.defects.ground import Ground
from tiling.defects.report import Defect
from tiling.plane import Floats
from tiling.tolerance import Tolerance


def find_unmatched_vertices(ground: Ground, free: Edges, tolerance: Tolerance) -> Iterator[Defect]:
    """A defect for each pair of polygons with the vertices of either that the other one lacks.

    Only ends of loose edges are looked at: where every edge is met, no vertex is unmatched, however near it lies to
    another border (the tip of a needle). Nor is the node unmatched where an invalid polygon crosses itself: nobody
    drew it.
    """
    free = free.select(free.row >= 0)
    if not len(free):
        return
    points, owners = _find_drawn_ends(ground, free)
    which, edge = STRtree(free.lines()).query(shapely.points(points), predicate="dwithin", distance=tolerance.snap_m)
    others = owners[which] != free.row[edge]
    which, edge = which[others], edge[others]
    lacks = ~_has_vertex(ground, free.row[edge], points[which])
    yield from _group_by_pair(ground, points, owners[which[lacks]], free.row[edge[lacks]], which[lacks])


def _find_drawn_ends(ground: Ground, free: Edges) -> tuple[Floats, NDArray[np.intp]]:
    points, owners = _ends(free)
    faulty = np.isin(owners, ground.select_faulty(np.unique(owners)))
    drawn = ~faulty
    drawn[faulty] = _has_vertex(ground, owners[faulty], points[faulty])
    return points[drawn], owners[drawn]


def _ends(free: Edges) -> tuple[Floats, NDArray[np.intp]]:
    points = np.concatenate([free.low, free.high])
    owners = np.concatenate([free.row, free.row])
    table = np.column_stack([owners.astype(float), points])
    _, first = np.unique(table, axis=0, return_index=True)
    return points[first], owners[first]


def _has_vertex(ground: Ground, rows: NDArray[np.intp], points: Floats) -> NDArray[np.bool_]:
    out = np.zeros(len(rows), dtype=bool)
    for row in np.unique(rows).tolist():
        mine = np.flatnonzero(rows == row)
        vertices = {tuple(xy) for xy in shapely.get_coordinates(ground.drawn[row]).tolist()}
        out[mine] = [tuple(point) in vertices for point in points[mine].tolist()]
    return out


def _group_by_pair(
    ground: Ground, points: Floats, one: NDArray[np.intp], other: NDArray[np.intp], which: NDArray[np.intp]
) -> Iterator[Defect]:
    groups: dict[tuple[int, int], set[int]] = {}
    for a, b, point in zip(one.tolist(), other.tolist(), which.tolist(), strict=True):
        groups.setdefault((min(a, b), max(a, b)), set()).add(point)
    for (a, b), members in groups.items():
        places = sorted({tuple(points[point]) for point in members})
        yield Defect(
            kind="unmatched_vertex",
            codes=(ground.codes[a], ground.codes[b]),
            where=shapely.MultiPoint(places) if len(places) > 1 else shapely.Point(places[0]),
            count=len(places),
        )
