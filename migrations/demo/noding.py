"""From float lines to a tiling on the lattice: node everything once, take the faces, give each to its leaf.

Borders are shared vertex for vertex because every face comes out of one noded set of lines; nothing is snapped later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from migrations.demo.cutting import CannotCut, Floats
from tiling.plane import LATTICE_M, densify, put_on_lattice

# A cut ends on the line that it meets, but nodes of that line then move to the lattice, by up to 0.7 mm. Run on this
# far it crosses it surely; what dangles beyond falls away when faces are taken.
_OVERRUN_M = 0.003
LONGEST_EDGE_M = 180.0
_SPLINTER_M2 = 0.5

Faces = NDArray[np.object_]
Ints = NDArray[np.int64]


def tile(frame: Polygon, lines: Sequence[LineString], *, leaves: Sequence[Polygon], origin: Floats) -> list[Polygon]:
    """The leaves as polygons on the lattice, in metres of the city's CRS: a coverage of the frame by construction.

    Lines and leaves are floats around `origin`. Raises CannotCut where a
    leaf does not come out in one piece.
    """
    drawn = np.array([_overrun(line) for line in (*lines, LineString(frame.exterior))], dtype=object)
    moved = shapely.transform(drawn, lambda xy: xy + origin)
    noded = shapely.union_all(densify(moved, LONGEST_EDGE_M), grid_size=LATTICE_M)
    faces = np.array(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))), dtype=object)
    owners = _owners(faces, shapely.transform(np.array(leaves, dtype=object), lambda xy: xy + origin))
    _settle_splinters(faces, owners)
    return [_leaf(faces[owners == at], at) for at in range(len(leaves))]


def _overrun(line: LineString) -> LineString:
    xy = shapely.get_coordinates(line).copy()
    if line.is_ring:
        return line
    for end, inner in ((0, 1), (-1, -2)):
        way = xy[end] - xy[inner]
        xy[end] = xy[end] + way / max(float(np.hypot(*way)), 1e-9) * _OVERRUN_M
    return LineString(xy)


def _owners(faces: Faces, leaves: Faces) -> Ints:
    """For each face the number of the leaf that holds its inner point, the nearest where rounding put it between."""
    return np.asarray(shapely.STRtree(leaves).nearest(shapely.point_on_surface(faces)), dtype=np.int64)


def _settle_splinters(faces: Faces, owners: Ints) -> None:
    """Give each splinter that rounding cut off from its leaf to the neighbour with the longest common border."""
    area = shapely.area(faces)
    order = np.lexsort((-area, owners))
    first = np.r_[True, np.diff(owners[order]) != 0]
    for at in order[~first]:
        if area[at] > _SPLINTER_M2:
            raise CannotCut("rounding parted a leaf of the demo town")
        others = [i for i in np.flatnonzero(shapely.intersects(faces, faces[at])) if i != at]
        shared = shapely.length(shapely.intersection(faces[others], faces[at]))
        owners[at] = owners[others[int(np.argmax(shared))]]


def _leaf(faces: Faces, number: int) -> Polygon:
    whole = shapely.coverage_union_all(faces)
    if whole.geom_type != "Polygon":
        raise CannotCut(f"leaf {number} of the demo town is not in one piece")
    return cast(Polygon, shapely.normalize(put_on_lattice(whole)))


def joined(polygons: Sequence[Polygon]) -> Polygon:
    """The union of polygons of one coverage, all nodes of its outline kept."""
    whole: BaseGeometry = shapely.coverage_union_all(list(polygons))
    if whole.geom_type != "Polygon":
        raise CannotCut("a part of the demo town is not in one piece")
    return cast(Polygon, shapely.normalize(whole))
