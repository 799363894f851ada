"""What the last year would have been like on other grids: its incidents replayed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry


def forecast_of(shapes: Sequence[BaseGeometry], incidents: NDArray[np.object_]) -> dict[str, Any]:
    """The load of each grid and how even it is: `per_grid`, `mean`, `largest`, `cv`, and `median_m`, the median
    distance from an incident to the middle of its grid, where its worker is taken to start."""
    counts = np.zeros(len(shapes), dtype=np.intp)
    far = np.empty(0)
    if len(incidents) and len(shapes):
        held = np.array(list(shapes), dtype=object)
        incident, grid = shapely.STRtree(held).query(incidents, predicate="intersects")
        _, once = np.unique(incident, return_index=True)
        incident, grid = incident[once], grid[once]
        counts = np.bincount(grid, minlength=len(shapes))
        far = shapely.distance(incidents[incident], shapely.centroid(held)[grid])
    mean = float(counts.mean()) if len(counts) else 0.0
    return {
        "incidents": int(counts.sum()),
        "per_grid": counts.tolist(),
        "mean": round(mean, 2),
        "largest": int(counts.max(initial=0)),
        "cv": round(float(counts.std() / mean), 4) if mean > 0 else None,
        "median_m": None if not len(far) or math.isnan(float(np.median(far))) else round(float(np.median(far)), 1),
    }
