"""Weighted points into square cells of one city's plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def bin_points(
    x_m: ArrayLike, y_m: ArrayLike, *, weights: ArrayLike | None = None, cell_m: float
) -> tuple[Ints, Ints, Floats]:
    """The occupied square cells as (column, row, weight), three arrays of one length, ordered by column, then row.

    Cell (0, 0) has its lower left corner in the plane's origin; a point on an edge belongs to the cell east and north
    of it. Without weights every point counts 1. Points that are not finite belong to no cell. Raises ValueError unless
    `cell_m` is positive.
    """
    if not cell_m > 0:
        raise ValueError(f"cell_m must be positive, not {cell_m}")
    x, y = np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)
    w = np.ones(x.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    finite = np.isfinite(x) & np.isfinite(y)
    cells = np.floor(np.column_stack([x[finite], y[finite]]) / cell_m).astype(np.int64)
    if len(cells) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
    occupied, which = np.unique(cells, axis=0, return_inverse=True)
    total = np.bincount(which.ravel(), weights=w[finite], minlength=len(occupied)).astype(np.float64)
    return occupied[:, 0], occupied[:, 1], total
