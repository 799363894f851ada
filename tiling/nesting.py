"""Do children tile their parent: for parents that come with a shape of their own ([S3]).

In a Partition an upper level without a ring is the dissolve of its finest grids and nests by definition; areas with
a ring are checked by `coverage.check` as well. Here any two layers can be compared, for instance sub-grids and grids
that come from two files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.defects.nests import find_nesting_defects
from tiling.defects.report import Defect, put_in_order
from tiling.tolerance import Tolerance


def check_nesting(
    polygons: Mapping[str, BaseGeometry | None],
    parents: Mapping[str, str],
    *,
    tolerance: Tolerance | None = None,
) -> list[Defect]:
    """The defects of kind `nesting` over any number of levels, in a fixed order; all shapes in metres.

    `polygons` holds the shapes of all levels by code and `parents` the code above. For every code with a shape and
    children with shapes: the ground no child covers (`not covered`) and the ground of children outside it
    (`outside`). A child whose parent has no shape is not judged; an invalid one covers what its structure means,
    and what lies about one that cannot be read is left out. Never raises for any shape.
    """
    tolerance = tolerance or Tolerance()
    families: dict[str, list[str]] = {}
    for child, parent in parents.items():
        if child in polygons and _is_usable(polygons.get(parent)):
            families.setdefault(parent, []).append(child)
    found: list[Defect] = []
    for parent, children in families.items():
        ring = polygons[parent]
        assert ring is not None
        found += find_nesting_defects(parent, ring, sorted(children), _shapes(polygons, children), tolerance=tolerance)
    return list(put_in_order(found))


def _is_usable(shape: BaseGeometry | None) -> bool:
    return shape is not None and shape.geom_type in ("Polygon", "MultiPolygon") and shape.is_valid


def _shapes(polygons: Mapping[str, BaseGeometry | None], codes: Collection[str]) -> NDArray[np.object_]:
    out = np.empty(len(codes), dtype=object)
    out[:] = [polygons[code] for code in sorted(codes)]
    return out
