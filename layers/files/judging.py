"""Which rows of a file can be used: a code per fault and its place. Runs in the child process only."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

# Points, lines, polygons and their collections of one kind. Mixed collections and curves have no place in a layer, and
# a deeply nested collection is how to crash whoever reads it (so none of them leaves the child).
_SIMPLE_TYPES = (0, 1, 3, 4, 5, 6)
# GEOS takes minutes to judge such a ring, and no map of a city has one.
MOST_VERTICES = 1_000_000
_CROSSING = "crosses_antimeridian"
_PLACE = re.compile(r"\[\s*(-?[\d.eE+-]+)\s+(-?[\d.eE+-]+)")


def faults_of(shapes: NDArray[np.object_]) -> dict[int, dict[str, Any]]:
    """The fault of each row that has one, by row index: its code, the reason in GEOS's words, and lon/lat or None.

    Codes: `no_geometry`, `unsupported_geometry`, `too_many_vertices`, `not_finite`, `crosses_antimeridian`,
    `outside_the_earth`, `invalid_geometry`. A row with the last one still has its geometry, the others lose it.
    """
    faults: dict[int, dict[str, Any]] = {}
    missing = np.asarray(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    _mark(faults, missing, "no_geometry")
    _mark(faults, ~missing & ~np.isin(shapely.get_type_id(shapes), _SIMPLE_TYPES), "unsupported_geometry")
    _mark(faults, ~missing & (shapely.get_num_coordinates(shapes) > MOST_VERTICES), "too_many_vertices")
    bounds = shapely.bounds(shapes)
    finite = np.array([_is_finite(shape) for shape in shapes], dtype=bool) if len(shapes) else np.zeros(0, bool)
    _mark(faults, ~missing & ~finite, "not_finite")
    with np.errstate(invalid="ignore"):
        over = (bounds[:, 2] > 180) & (bounds[:, 0] < 180) | (bounds[:, 0] < -180) & (bounds[:, 2] > -180)
        wide = (bounds[:, 2] - bounds[:, 0] > 180) & _jumps(shapes)
        _mark(faults, ~missing & finite & (over | wide) & (np.abs(bounds[:, [1, 3]]) <= 90).all(axis=1), _CROSSING)
        away = (np.abs(bounds[:, [0, 2]]) > 180).any(axis=1) | (np.abs(bounds[:, [1, 3]]) > 90).any(axis=1)
    _mark(faults, ~missing & finite & away, "outside_the_earth")
    _mark_invalid(faults, shapes)
    return faults


def _mark(faults: dict[int, dict[str, Any]], rows: NDArray[np.bool_], code: str) -> None:
    for row in np.flatnonzero(rows):
        faults.setdefault(int(row), {"code": code, "reason": "", "lon": None, "lat": None})


def _jumps(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which lines and polygons lie on both sides of the antimeridian, far from the middle of the map."""
    jumping = np.zeros(len(shapes), dtype=bool)
    for row in np.flatnonzero(np.isin(shapely.get_type_id(shapes), (1, 3, 5, 6))):
        lon = shapely.get_coordinates(shapes[row])[:, 0]
        jumping[row] = bool(len(lon)) and bool(lon.min() < 0 < lon.max()) and bool((np.abs(lon) > 90).all())
    return jumping


def _is_finite(shape: Any) -> bool:
    return shape is None or bool(np.isfinite(shapely.get_coordinates(shape)).all())


def _mark_invalid(faults: dict[int, dict[str, Any]], shapes: NDArray[np.object_]) -> None:
    usable = np.array([row not in faults for row in range(len(shapes))], dtype=bool)
    checked = shapes.copy()
    checked[~usable] = None
    for row in np.flatnonzero(usable & ~np.asarray(shapely.is_valid(checked))):
        reason = str(shapely.is_valid_reason(shapes[row]))
        place = _PLACE.search(reason)
        lon, lat = (float(place[1]), float(place[2])) if place else (None, None)
        words = reason.split("[")[0].strip()
        faults[int(row)] = {"code": "invalid_geometry", "reason": words, "lon": lon, "lat": lat}


def drop_unusable(shapes: NDArray[np.object_], faults: dict[int, dict[str, Any]]) -> NDArray[np.object_]:
    """The shapes with None where a fault leaves nothing to use; invalid polygons stay: drafts may hold them."""
    kept = shapes.copy()
    for row, fault in faults.items():
        if fault["code"] != "invalid_geometry":
            kept[row] = None
    return kept
