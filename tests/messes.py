"""Messy copies of true tilings, for repairs to mend."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tiling.partition import Partition
from tiling.plane import to_lattice


def messed(truth: Partition, seed: int, reach_m: float) -> list[BaseGeometry]:
    """The grids of a true tiling with each vertex of some of them moved at random, still valid."""
    rng = np.random.default_rng(seed)
    shapes: list[BaseGeometry] = list(truth.polygons)
    for row in rng.choice(len(shapes), size=len(shapes) // 3, replace=False).tolist():
        ring = shapely.get_coordinates(shapes[row])[:-1]
        moved = to_lattice(ring + rng.uniform(-reach_m, reach_m, ring.shape))
        shape = shapely.Polygon(moved)
        if shape.is_valid:
            shapes[row] = shape
    return shapes
