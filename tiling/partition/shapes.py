"""Shapes of tiles taken together: united, as parts, compared, in arrays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.plane import LATTICE_M

Geometries = NDArray[np.object_]


def dissolve(polygons: Geometries) -> BaseGeometry:
    """The union in metres of polygons that should form a coverage, keeping every vertex of the outline.

    Where they do not match, the union is computed on the lattice instead; invalid and missing ones are left out,
    since `coverage_union_all` answers wrongly without a word on such input.
    """
    usable = polygons[shapely.is_valid(polygons) & ~shapely.is_empty(polygons)]
    if len(usable) == 1:
        return usable[0]  # type: ignore[no-any-return]
    if shapely.coverage_is_valid(usable):
        return keep_polygons(shapely.coverage_union_all(usable))
    return keep_polygons(shapely.union_all(usable, grid_size=LATTICE_M))


def keep_polygons(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of a geometry as one Polygon or MultiPolygon; an empty Polygon where there are none."""
    parts = shapely.get_parts(geometry)
    while any(part.geom_type.startswith(("Multi", "GeometryCollection")) for part in parts):
        parts = shapely.get_parts(parts)
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    if len(parts) == 0:
        return shapely.Polygon()
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts))


def have_same_bytes(one: BaseGeometry | None, other: BaseGeometry | None) -> bool:
    """Whether two geometries have the same rings with the same vertices in the same order."""
    if one is other or one is None or other is None:
        return one is other
    return bool(shapely.equals_identical(one, other))


def object_array(items: Iterable[BaseGeometry | None]) -> Geometries:
    """The shapes as a one-dimensional array; numpy would unpack multi-part ones by itself."""
    listed = list(items)
    out = np.empty(len(listed), dtype=object)
    out[:] = listed
    return out


def freeze_array(items: Iterable[BaseGeometry | None]) -> Geometries:
    """The same, read-only."""
    out = object_array(items)
    out.flags.writeable = False
    return out
