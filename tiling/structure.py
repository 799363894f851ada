"""What an invalid polygon means: the ground that its rings enclose.

Only what cannot run for ever is read. The work grows with the places where the outline crosses itself, which are
counted first: the worst polygon that is read takes a tenth of a second, a star of 500 points would take seconds and
one of 5,000 many minutes.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.partition import keep_polygons

MOST_CROSSINGS = 10_000
"""Meetings of an outline with itself up to which it is read; a polygon drawn by a person has a handful."""

_MOST_VERTICES = 100_000
# Sides that are looked up at once, and pairs of which it is then tested whether they meet: in a star of 20,000 points
# each side is near every other one, and a few thousand tests tell it.
_AT_ONCE, _PAIRS_AT_ONCE = 64, 20_000
_POLYGONS = ("Polygon", "MultiPolygon")


def structure_of(shape: BaseGeometry) -> BaseGeometry | None:
    """The ground of an invalid polygon in the unit it came in: rings in others are holes, parts are united.

    None where nothing is left of it, for coordinates that are no numbers, for other shapes than polygons, and where
    the outline meets itself more than `MOST_CROSSINGS` times. New nodes lie where the outline crosses itself, off any
    lattice. Source: GEOS' MakeValid, method "structure"; the other method tries every crossing of every line.
    """
    if shape.geom_type not in _POLYGONS or not _is_readable(shape):
        return None
    found = keep_polygons(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    return None if found.is_empty else found


def _is_readable(shape: BaseGeometry) -> bool:
    xy, ring_of = shapely.get_coordinates(_rings(shape), return_index=True)
    if not len(xy) or len(xy) > _MOST_VERTICES or not np.isfinite(xy).all():
        return False
    same = ring_of[1:] == ring_of[:-1]
    sides = np.stack([xy[:-1][same], xy[1:][same]], axis=1)
    return not _crosses_often(np.asarray(shapely.linestrings(sides), dtype=object))


def _rings(shape: BaseGeometry) -> list[BaseGeometry]:
    return list(shapely.get_rings(shapely.get_parts(shape)))


def _crosses_often(sides: NDArray[np.object_]) -> bool:
    tree, meetings = STRtree(sides), 0
    for start in range(0, len(sides), _AT_ONCE):
        which, near = tree.query(sides[start : start + _AT_ONCE])
        which += start
        # Each side meets the one before and the one after it, which is no crossing.
        later = near > which + 1
        which, near = which[later], near[later]
        for first in range(0, len(which), _PAIRS_AT_ONCE):
            some = slice(first, first + _PAIRS_AT_ONCE)
            meetings += int(shapely.intersects(sides[which[some]], sides[near[some]]).sum())
            if meetings > MOST_CROSSINGS:
                return True
    return False
