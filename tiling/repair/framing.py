"""Frames that are made of the grids themselves: their outline, with every enclosed hole as ground to be covered."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.partition import dissolve, polygonal

Shapes = NDArray[np.object_]


def frame_around(pieces: Shapes, outside: BaseGeometry | None = None) -> BaseGeometry:
    """The outline of pieces of ground in metres, every vertex kept; its holes are filled, for a hole is a gap.

    Only holes that lie in `outside` stay holes: somebody said that they are none of the district's ground.
    """
    union = dissolve(pieces)
    if union.is_empty:
        return union
    parts = shapely.get_parts(union)
    filled = np.array([_filled(part, parts, outside) for part in parts.tolist()], dtype=object)
    inner, outer = STRtree(filled).query(filled, predicate="within")
    swallowed = np.unique(inner[inner != outer])
    return polygonal(shapely.multipolygons(np.delete(filled, swallowed).tolist()))


def left_out(frame: BaseGeometry | None) -> BaseGeometry:
    """What lies within the outline of a frame and is no part of it."""
    if frame is None:
        return shapely.Polygon()
    shells: list[shapely.Polygon] = shapely.get_parts(frame).tolist()
    rings = [ring for part in shells for ring in part.interiors]
    return shapely.difference(shapely.union_all(shapely.polygons(rings)), frame) if rings else shapely.Polygon()


def _filled(part: shapely.Polygon, parts: Shapes, outside: BaseGeometry | None) -> BaseGeometry:
    if outside is None or outside.is_empty:
        return shapely.Polygon(part.exterior)
    return shapely.Polygon(part.exterior, [ring for ring in part.interiors if _is_outside(ring, parts, outside)])


def _is_outside(ring: shapely.LinearRing, parts: Shapes, outside: BaseGeometry) -> bool:
    hole = shapely.Polygon(ring)
    islands = parts[shapely.covered_by(parts, hole)]
    bare = shapely.difference(hole, shapely.union_all(islands)) if len(islands) else hole
    return bool(shapely.intersects(outside, shapely.point_on_surface(bare)))
