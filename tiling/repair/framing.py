"""Frames that are made of the grids themselves: their outline, with every enclosed hole as ground to be covered."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.partition import dissolve, keep_polygons
from tiling.plane import LATTICE_M
from tiling.tolerance import Tolerance

Shapes = NDArray[np.object_]
# Ground lies in a hole that it fills to half or of which half lies there; what only touches shares a strip.
LIES_IN = 0.5


def frame_around(pieces: Shapes, outside: BaseGeometry | None = None) -> BaseGeometry:
    """The outline of pieces of ground in metres, every vertex kept; its holes are filled, for a hole is a gap.

    Only what lies in `outside` is left out of them: somebody said that it is none of the district's ground. What would
    be left of a hole beside that and is nowhere wider than `sliver_m` is left out with it: borders of neighbours do not
    meet exactly. A part of `outside` is taken with its own holes, so that an enclave's gap is the enclave's.
    """
    union = dissolve(pieces)
    if union.is_empty:
        return union
    parts = shapely.get_parts(union)
    others = _parts_of(outside)
    filled = np.array([_fill(part, parts, others) for part in parts.tolist()], dtype=object)
    inner, outer = STRtree(filled).query(filled, predicate="within")
    swallowed = np.unique(inner[inner != outer])
    return keep_polygons(shapely.multipolygons(np.delete(filled, swallowed).tolist()))


def find_left_out(frame: BaseGeometry | None) -> BaseGeometry:
    """What lies within the outline of a frame and is no part of it."""
    if frame is None:
        return shapely.Polygon()
    shells: list[shapely.Polygon] = shapely.get_parts(frame).tolist()
    rings = [ring for part in shells for ring in part.interiors]
    return shapely.difference(shapely.union_all(shapely.polygons(rings)), frame) if rings else shapely.Polygon()


def is_thin(ground: BaseGeometry) -> bool:
    """Whether ground in metres is nowhere wider than a sliver ([S4])."""
    return bool(shapely.is_empty(shapely.buffer(ground, -Tolerance().sliver_m / 2)))


def _parts_of(outside: BaseGeometry | None) -> Shapes:
    """Each part as the ground that its outline encloses."""
    if outside is None:
        return np.empty(0, dtype=object)
    parts = shapely.get_parts(shapely.get_parts(outside))
    return np.asarray(parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)])


def _fill(part: shapely.Polygon, parts: Shapes, others: Shapes) -> BaseGeometry:
    if not len(others):
        return shapely.Polygon(part.exterior)
    kept, taken = [], []
    for ring in part.interiors:
        ground = _find_taken(shapely.Polygon(ring), parts, others)
        if ground is None:
            kept.append(ring)
        elif not ground.is_empty:
            taken.append(ground)
    shell = shapely.Polygon(part.exterior, kept)
    return shapely.difference(shell, shapely.union_all(taken), grid_size=LATTICE_M) if taken else shell


def _find_taken(hole: shapely.Polygon, parts: Shapes, others: Shapes) -> BaseGeometry | None:
    """What others hold of a hole; None where they hold all of it but for slivers and what the islands in it are."""
    shared = shapely.area(shapely.intersection(others, hole))
    there = others[(shared > 0) & (shared >= LIES_IN * np.minimum(shapely.area(others), hole.area))]
    if not len(there):
        return shapely.Polygon()
    taken = shapely.union_all(shapely.polygons(shapely.get_exterior_ring(there)))
    islands = parts[shapely.covered_by(parts, hole)]
    rest = shapely.difference(hole, shapely.union_all([taken, *islands]))
    return None if is_thin(rest) else shapely.intersection(taken, hole)
