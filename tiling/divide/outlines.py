"""Final borders: chains of edges between two grids, straightened where no building minds, then one polygonize."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from tiling.divide.faces import FaceSet
from tiling.divide.site import Geometries, Kind

Ints = NDArray[np.intp]
WALL_M = 0.005
"""A border may run this deep along the inside of a wall: half of what counts as noise."""


def grid_shapes(faces: FaceSet, label: Ints, count: int, *, walls: Geometries, smooth_m: float) -> Geometries:
    """One polygon for each label 0 … count−1 of faces, a coverage; borders of areas keep every vertex.

    Where the straightened borders would not give one sound polygon a label, they are left as they were.
    """
    lines, movable = _chains(faces, label)
    straight = _straighten(lines, movable, walls, smooth_m)
    shapes = _polygons(straight, faces, label, count)
    if shapes is None:
        shapes = _polygons(lines, faces, label, count)
    if shapes is None:
        # Corner contacts can tear a polygon in the polygonizer's eyes only; the faces themselves cannot be wrong.
        shapes = np.array([shapely.coverage_union_all(faces.shapes[label == row]) for row in range(count)], object)
    return shapes


def _chains(faces: FaceSet, label: Ints) -> tuple[Geometries, NDArray[np.bool_]]:
    """The borders between labels from node to node, and whether each may be straightened."""
    edges = faces.edges
    right = np.where(edges.right < 0, -1, label[np.maximum(edges.right, 0)])
    border = label[edges.left] != right
    given = edges.kinds == Kind.frame
    segments = shapely.linestrings(edges.ends[border])
    lines = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(segments)))
    middle = shapely.line_interpolate_point(shapely.linestrings(_take_first_segments(lines)), 0.5, normalized=True)
    frame = STRtree(shapely.linestrings(edges.ends[border & given]))
    on_frame = np.zeros(len(lines), dtype=bool)
    on_frame[frame.query(middle, predicate="dwithin", distance=1e-6)[0]] = True
    return lines, ~on_frame


def _take_first_segments(lines: Geometries) -> NDArray[np.float64]:
    xy, index = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
    return np.stack([xy[first], xy[first + 1]], axis=1)


def _straighten(lines: Geometries, movable: NDArray[np.bool_], walls: Geometries, smooth_m: float) -> Geometries:
    """The lines with as few vertices as `smooth_m` allows, each only as far as it cuts no wall and meets no other."""
    inside = STRtree(shapely.buffer(walls, -WALL_M)) if len(walls) else None
    out = lines.copy()
    open_rows = np.flatnonzero(movable & ~shapely.is_closed(lines))
    for reach_m in (smooth_m * 2, smooth_m, smooth_m / 2, smooth_m / 4):
        if reach_m <= 0 or not len(open_rows):
            break
        tried = shapely.simplify(lines[open_rows], reach_m, preserve_topology=False)
        bad = np.zeros(len(tried), dtype=bool)
        if inside is not None:
            bad[inside.query(tried, predicate="intersects")[0]] = True
        out[open_rows[~bad]] = tried[~bad]
        open_rows = open_rows[bad]
    return _keep_apart(out, lines)


def _keep_apart(lines: Geometries, before: Geometries) -> Geometries:
    """The lines with those put back that would cross or touch another one anywhere but at a common end."""
    while True:
        moved = np.flatnonzero(np.array([a is not b for a, b in zip(lines, before, strict=True)], dtype=bool))
        if not len(moved):
            return lines
        tree = STRtree(lines)
        one, other = tree.query(lines[moved], predicate="intersects")
        one = moved[one]
        pair = one != other
        one, other = one[pair], other[pair]
        clean = shapely.relate_pattern(lines[one], lines[other], "FF*F*****")
        bad = np.unique(np.concatenate([one[~clean], other[~clean], moved[~shapely.is_simple(lines[moved])]]))
        back = np.intersect1d(bad, moved)
        if not len(back):
            return lines
        lines = lines.copy()
        lines[back] = before[back]


def _polygons(lines: Geometries, faces: FaceSet, label: Ints, count: int) -> Geometries | None:
    """The polygons of the lines by label, or None where a label has not exactly one."""
    found = shapely.get_parts(shapely.polygonize(lines))
    inner = shapely.point_on_surface(faces.shapes)
    polygon, face = STRtree(inner).query(found, predicate="contains")
    area = shapely.area(faces.shapes)
    votes = np.unique(polygon * count + label[face], return_inverse=True)
    weight = np.bincount(votes[1].ravel(), weights=area[face], minlength=len(votes[0]))
    order = np.lexsort((weight, votes[0] // count))
    of_polygon = dict(zip((votes[0][order] // count).tolist(), (votes[0][order] % count).tolist(), strict=True))
    shapes = np.full(count, None, dtype=object)
    for row, grid in of_polygon.items():
        if shapes[grid] is not None:
            return None
        shapes[grid] = found[row]
    if any(shape is None for shape in shapes) or not shapely.is_valid(shapes).all():
        return None
    return shapes
