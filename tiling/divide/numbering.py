"""Numbers of new grids: west to east in rows from north to south ([S8])."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from tiling.divide.site import Geometries


def reading_order(shapes: Geometries) -> NDArray[np.intp]:
    """The rows of shapes as one reads a page: rows from north to south, in each from west to east.

    A row is half as high as a usual shape: neighbours on a slightly slanted street stand in one row, and of two shapes
    above each other the northern one comes first.
    """
    if not len(shapes):
        return np.empty(0, dtype=np.intp)
    xy = shapely.get_coordinates(shapely.centroid(shapes))
    bounds = shapely.bounds(shapes)
    height = float(np.median(bounds[:, 3] - bounds[:, 1])) / 2
    row = np.floor((xy[:, 1].max() - xy[:, 1]) / max(height, 1.0))
    return np.lexsort((-xy[:, 1], xy[:, 0], row)).astype(np.intp)


def number_shapes(shapes: Geometries, *, prefix: str, digits: int = 3) -> list[str]:
    """A code for each shape: the prefix and its number in reading order, wider where `digits` do not suffice."""
    width = max(digits, len(str(len(shapes))))
    codes = [""] * len(shapes)
    for number, row in enumerate(reading_order(shapes).tolist(), start=1):
        codes[row] = f"{prefix}{number:0{width}d}"
    return codes
