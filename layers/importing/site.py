"""Files as a site to divide, without a database: a boundary, buildings, and what else is at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers import files
from layers.errors import Unacceptable
from layers.importing.columns import Columns, choose_columns
from layers.importing.values import Unreadable, read_real, read_whole
from layers.specs import LINES, POINTS, POLYGONS
from tiling.divide import Site, estimate_households, road_kind
from tiling.plane import Plane, city_epsg

STOREY_M = 3.0
MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class SiteFiles:
    """Which files make up a site; `crs` and `datum` are for those that state none."""

    boundary: Path
    buildings: Path
    roads: Path | None = None
    water: Path | None = None
    today: Path | None = None
    locked: Path | None = None
    seeds: Path | None = None
    crs: str | None = None
    datum: str | None = None


def read_site(given: SiteFiles) -> tuple[Site, Plane]:
    """The site in metres and its plane.

    Households come from the buildings' own column; a building without a number gets an estimate from its footprint and
    floors (or height), marked as one. Tunnels and bridges among the roads are no borders. Raises Unacceptable.
    """
    boundary = _columns("areas", given.boundary, given)
    areas = _read_by_code(boundary, given.boundary)
    west, south, east, north = shapely.total_bounds(np.array(list(areas.values()), dtype=object)).tolist()
    plane = Plane(city_epsg((west + east) / 2, (south + north) / 2))
    buildings = _columns("buildings", given.buildings, given)
    rows, footprints = _shapes(buildings, POLYGONS)
    shapes = np.asarray(plane.to_metres(footprints), dtype=object)
    weights, estimated, stairwells = _count_households(buildings, rows, shapes)
    lines, kinds = _roads(given, plane)
    site = Site(
        areas=_to_metres(areas, plane),
        buildings=shapes,
        weights=weights,
        estimated=estimated,
        stairwells=stairwells,
        lines=lines,
        kinds=kinds,
        water=_read_in_plane("water", given.water, given, plane, POLYGONS),
        seeds=_read_in_plane("areas", given.seeds, given, plane, POINTS),
        today=_grids(given.today, given, plane),
        locked=_grids(given.locked, given, plane),
    )
    return site, plane


def _columns(layer: str, file: Path, given: SiteFiles) -> Columns:
    try:
        table = files.read(files.Source(path=file, datum=given.datum, preferred=layer))
    except Unacceptable as refused:
        if refused.code != "crs_missing" or given.crs is None:
            raise
        table = files.read(files.Source(path=file, crs=given.crs, preferred=layer))
    if table.geometries is None:
        raise Unacceptable("file_has_no_positions", columns=", ".join(table.names))
    return choose_columns(layer, table, {})


def _shapes(columns: Columns, wanted: tuple[str, ...]) -> tuple[list[int], NDArray[np.object_]]:
    """The rows (from 1) with a usable geometry of the wanted kind, and those geometries in degrees."""
    shapes = columns.table.geometries
    assert shapes is not None
    good = [
        row
        for row, shape in enumerate(shapes, start=1)
        if shape is not None and row not in columns.table.faults and shape.geom_type in wanted and not shape.is_empty
    ]
    out = np.empty(len(good), dtype=object)
    out[:] = [shapes[row - 1] for row in good]
    return good, out


def _read_by_code(columns: Columns, file: Path) -> dict[str, BaseGeometry]:
    """The polygons of a boundary or of grids by their codes, or by their row numbers where they have none."""
    for fault in columns.table.faults.values():
        raise Unacceptable("frame_is_invalid", where=fault.where, row=fault.row, reason=fault.reason or fault.code)
    rows, shapes = _shapes(columns, POLYGONS)
    if not rows:
        raise Unacceptable("frame_is_invalid", row=1, reason=f"no polygon in {file.name}")
    codes = [columns.text("code", row) or str(row) for row in rows]
    if len(set(codes)) < len(codes):
        codes = [f"{code}-{row}" for code, row in zip(codes, rows, strict=True)]
    return dict(zip(codes, shapes, strict=True))


def _to_metres(shapes: Mapping[str, BaseGeometry], plane: Plane) -> dict[str, BaseGeometry]:
    return {code: plane.to_metres(shape) for code, shape in shapes.items()}


def _grids(file: Path | None, given: SiteFiles, plane: Plane) -> dict[str, BaseGeometry]:
    return {} if file is None else _to_metres(_read_by_code(_columns("grids", file, given), file), plane)


def _read_in_plane(
    layer: str, file: Path | None, given: SiteFiles, plane: Plane, wanted: tuple[str, ...]
) -> NDArray[np.object_]:
    if file is None:
        return np.empty(0, dtype=object)
    _, shapes = _shapes(_columns(layer, file, given), wanted)
    return np.asarray(plane.to_metres(shapes), dtype=object)


def _roads(given: SiteFiles, plane: Plane) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    if given.roads is None:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.intp)
    columns = _columns("roads", given.roads, given)
    rows, lines = _shapes(columns, LINES)
    level = np.array([not _is_off_ground(columns, row) for row in rows], dtype=bool)
    classes = [columns.text("road_class", row) or "" for row in rows]
    kinds = np.array([int(road_kind(name)) for name in classes], dtype=np.intp)
    return np.asarray(plane.to_metres(lines[level]), dtype=object), kinds[level]


def _is_off_ground(columns: Columns, row: int) -> bool:
    held = columns.table.columns
    return any((held[name][row - 1] or "F") not in ("F", "no", "0") for name in ("tunnel", "bridge") if name in held)


def _count_households(
    columns: Columns, rows: list[int], shapes: NDArray[np.object_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.intp]]:
    """Households, whether they are guessed, and stairwells of each building."""
    known = np.array([_number(columns, "households", row) for row in rows], dtype=float)
    floors = np.array([_floors(columns, row) for row in rows], dtype=float)
    stairwells = np.nan_to_num([_number(columns, "stairwells", row) for row in rows]).astype(np.intp)
    guessed = np.isnan(known)
    weights = np.where(guessed, estimate_households(shapes, floors), known)
    return weights, guessed, stairwells


def _number(columns: Columns, field: str, row: int) -> float:
    try:
        value = read_whole(columns.text(field, row), most=MOST)
    except Unreadable:
        return float("nan")
    return float("nan") if value is None else float(value)


def _floors(columns: Columns, row: int) -> float:
    floors = _number(columns, "floors", row)
    if not np.isnan(floors):
        return floors
    try:
        height_m = read_real(columns.text("height_m", row), least=0.0, most=1000.0)
    except Unreadable:
        return float("nan")
    return float("nan") if height_m is None else max(round(height_m / STOREY_M), 1.0)
