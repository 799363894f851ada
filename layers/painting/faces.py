"""One grid cut into blocks by roads and water: pure geometry, in metres on the lattice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.plane import LATTICE_M

Shapes = NDArray[np.object_]

REACH_M = 8.0
"""A road that ends this close before a border or another road is meant to reach it: half of a street's width."""
THIN_M = 8.0
"""What is nowhere wider than a street is no block but the strip between a road's line and a border beside it."""
NEAR_M = 1.5
"""A road that meets a border this close to a vertex meets it there: no edge shorter than a step."""
_SAME_M2 = 0.01


def blocks_of(grid: BaseGeometry, lines: Sequence[BaseGeometry]) -> Shapes:
    """The blocks of a grid, polygons that tile it exactly: its ground cut along lines (roads, banks of rivers).

    Strips thinner than a street belong to the block beside them in the same grid. Dead ends cut nothing. A grid that
    no line crosses, or whose cut cannot be put on the lattice, is one block (each part of it, where it has several).
    A millisecond or two where a few roads cross.
    """
    whole = shapely.get_parts(grid)
    # What stays within half a street of the border cuts off strips only.
    core = shapely.buffer(grid, -THIN_M / 2)
    inside = _extend_lines(grid, [line for line in lines if shapely.intersects(line, core)])
    if not len(inside):
        return whole
    faces = _cut(grid, inside)
    faces = join_small(faces, _thin(faces))
    faces = _move_to_vertices(faces, grid)
    return faces if _tiles(faces, grid) else whole


def _extend_lines(grid: BaseGeometry, lines: Sequence[BaseGeometry]) -> Shapes:
    """The lines, their ends drawn out, as far as they lie in the grid."""
    if not len(lines):
        return np.empty(0, dtype=object)
    single = shapely.get_parts(shapely.line_merge(shapely.union_all(list(lines))))
    clipped = shapely.intersection(np.array([_draw_out(line) for line in single], dtype=object), grid)
    parts = shapely.get_parts(clipped)
    return np.asarray(parts[shapely.get_dimensions(parts) == 1], dtype=object)


def _draw_out(line: BaseGeometry) -> BaseGeometry:
    xy = shapely.get_coordinates(line)
    if len(xy) < 2 or (xy[0] == xy[-1]).all():
        return line
    return shapely.LineString([_extend_end(xy[1], xy[0]), *xy[1:-1], _extend_end(xy[-2], xy[-1])])


def _extend_end(inner: Any, end: Any) -> Any:
    length = float(np.hypot(*(end - inner)))
    return end if length == 0 else end + (end - inner) * (REACH_M / length)


def _cut(grid: BaseGeometry, lines: Shapes) -> Shapes:
    noded = shapely.union_all([shapely.boundary(grid), *lines], grid_size=LATTICE_M)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return np.asarray(faces[shapely.intersects(grid, shapely.point_on_surface(faces))], dtype=object)


def _thin(faces: Shapes) -> NDArray[np.bool_]:
    return np.asarray(shapely.is_empty(shapely.buffer(faces, -THIN_M / 2)), dtype=bool)


def join_small(faces: Shapes, small: NDArray[np.bool_]) -> Shapes:
    """The faces once every small one belongs to the face with which it shares the longest border."""
    rest = {at: face for at, face in enumerate(faces.tolist()) if face is not None}
    for at in sorted(np.flatnonzero(small).tolist(), key=lambda at: rest[at].area):
        if len(rest) == 1:
            break
        taker = _find_neighbour(rest, at)
        if taker is not None:
            rest[taker] = shapely.coverage_union_all([rest[taker], rest.pop(at)])
    return np.array(list(rest.values()), dtype=object)


def _find_neighbour(rest: dict[int, Any], at: int) -> int | None:
    others = [other for other in rest if other != at]
    near = STRtree([rest[other] for other in others]).query(rest[at], predicate="intersects").tolist()
    edge = shapely.boundary(rest[at])
    shared = [(edge.intersection(shapely.boundary(rest[others[k]])).length, -others[k]) for k in near]
    return -max(shared)[1] if shared and max(shared)[0] > 0 else None


def _move_to_vertices(faces: Shapes, grid: BaseGeometry) -> Shapes:
    """The faces with crossings on the border moved to a vertex of the border where one is near."""
    corners = shapely.get_coordinates(grid)
    places = np.unique(shapely.get_coordinates(faces), axis=0)
    known = {tuple(xy) for xy in corners.tolist()}
    fresh = np.array([xy for xy in places.tolist() if tuple(xy) not in known]).reshape(-1, 2)
    fresh = fresh[shapely.distance(shapely.boundary(grid), shapely.points(fresh)) <= 2 * LATTICE_M]
    if not len(fresh):
        return faces
    tree = STRtree(np.asarray(shapely.points(corners), dtype=object))
    which, corner = tree.query_nearest(shapely.points(fresh), max_distance=NEAR_M, all_matches=False)
    moved = {tuple(fresh[k]): corners[c] for k, c in zip(which.tolist(), corner.tolist(), strict=True)}
    placed = shapely.transform(faces, lambda xy: np.array([moved.get(tuple(p), p) for p in xy.tolist()]))
    tidy = np.array([_drop_repeats(face) for face in placed.tolist()], dtype=object)
    return tidy if _tiles(tidy, grid) else faces


def _drop_repeats(face: BaseGeometry) -> BaseGeometry:
    return shapely.remove_repeated_points(face, 0.0)


def _tiles(faces: Shapes, whole: BaseGeometry) -> bool:
    """Whether valid faces fill a shape: their areas add up and none lies outside."""
    if not len(faces) or not shapely.is_valid(faces).all():
        return False
    total = float(shapely.area(faces).sum())
    return abs(total - whole.area) <= max(_SAME_M2, whole.length * LATTICE_M)
