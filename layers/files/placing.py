"""From a file's coordinates to WGS84 lon/lat: the CRS is asked or read, never guessed ([C3], [C5]). In the child."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.errors import Unacceptable
from layers.files import referencing
from layers.files.cells import numbers_of
from layers.files.opening import Opened
from layers.files.referencing import WGS84, name_of
from tiling import datums

LON_NAMES = ("lon", "lng", "longitude", "x", "经度")
LAT_NAMES = ("lat", "latitude", "y", "纬度")
SHAPE_NAMES = ("wkt", "geometry_wkt", "geom_wkt", "the_geom", "geom", "geometry", "shape")
_DEGREE_DECIMALS = 9
# Worse than this and a grid of 60 m may be the wrong one.
_COARSE_M = 5.0
# A file of one city that seems to be wider than this goes across the antimeridian.
_WIDEST_CITY_DEG = 40.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the person said about the file's coordinates; None where nothing was said."""

    crs: str | None = None
    datum: str | None = None
    lon: str | None = None
    lat: str | None = None
    geometry: str | None = None


@dataclass(frozen=True)
class Placed:
    """Geometries in WGS84 lon/lat, what was taken as the file's CRS or datum, and remarks as (code, values)."""

    geometries: NDArray[np.object_]
    taken_as: str
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()


def place(opened: Opened, asked: Asked) -> Placed | None:
    """The geometries of a table in WGS84, in two dimensions, rounded to 9 decimals (0.1 mm); None when it has none.

    A declared CRS gives way to the one that was asked for, with a remark; one that cannot be tied to WGS 84 is no
    statement. Lon/lat columns without any statement are WGS84 only where the datum makes no difference, outside China.
    Raises Unacceptable `crs_missing`, `crs_untied`, `crs_unknown`, `crs_and_datum`, `datum_needs_degrees`,
    `crs_does_not_fit`, `file_is_swapped`, `crosses_antimeridian`.
    """
    if asked.crs and asked.datum:
        raise Unacceptable("crs_and_datum")
    shapes, from_file = _shapes(opened, asked)
    if shapes is None:
        return None
    declared = opened.crs if from_file else None
    notes = _contradiction(declared, asked)
    shapes = shapely.force_2d(shapes)
    if asked.datum:
        _require_degrees(declared)
        return Placed(_round_positions(_to_wgs84(shapes, asked.datum)), asked.datum, notes)
    if asked.crs is None and declared is None:
        if from_file and opened.unread:
            raise Unacceptable("crs_untied", declared=opened.unread)
        return Placed(
            _round_positions(_take_undisputed(shapes, from_file)), "wgs84", (*notes, ("datum_makes_no_difference", {}))
        )
    crs = referencing.get_asked_system(asked.crs) if asked.crs else referencing.system_of(declared)
    if crs is None:
        raise Unacceptable("crs_untied", declared=str(declared)[:200])
    degrees, told = _project_shapes(shapes, crs)
    _refuse_crossing(degrees)
    return Placed(_round_positions(degrees), name_of(crs), (*notes, *told))


def _shapes(opened: Opened, asked: Asked) -> tuple[NDArray[np.object_] | None, bool]:
    """The raw shapes, and whether they are the file's own geometry column (whose CRS the file may state)."""
    if asked.geometry:
        return _from_text(_column(opened, asked.geometry)), False
    if opened.shapes is not None:
        return opened.shapes, True
    lon = asked.lon or _find_column(opened, LON_NAMES)
    lat = asked.lat or _find_column(opened, LAT_NAMES)
    if lon is None or lat is None:
        text = _find_column(opened, SHAPE_NAMES)
        return (None if text is None else _from_text(_column(opened, text))), False
    return _points(_column(opened, lon), _column(opened, lat)), False


def read_raw_shapes(opened: Opened, asked: Asked) -> NDArray[np.object_] | None:
    """The shapes as they are in the file; None where it has neither geometries nor columns of positions."""
    return _shapes(opened, asked)[0]


def _column(opened: Opened, name: str) -> Any:
    if name not in opened.columns:
        raise Unacceptable("file_has_no_such_column", column=name, columns=", ".join(opened.columns))
    return opened.columns[name]


def _find_column(opened: Opened, names: tuple[str, ...]) -> str | None:
    by_name = {column.lower(): column for column in reversed([*opened.columns])}
    return next((by_name[name] for name in names if name in by_name), None)


def _points(lon: Any, lat: Any) -> NDArray[np.object_]:
    x, y = numbers_of(lon), numbers_of(lat)
    points = np.full(len(x), None, dtype=object)
    known = np.isfinite(x) & np.isfinite(y)
    points[known] = shapely.points(x[known], y[known])
    return points


def _from_text(texts: Any) -> NDArray[np.object_]:
    values = np.array(texts.to_pylist(), dtype=object)
    return np.asarray(shapely.from_wkt(values, on_invalid="ignore"), dtype=object)


def _contradiction(declared: Any, asked: Asked) -> tuple[tuple[str, dict[str, Any]], ...]:
    if declared is None or not asked.crs or referencing.system_of(declared) == referencing.system_of(asked.crs):
        return ()
    return (("crs_overruled", {"declared": name_of(declared), "used": asked.crs}),)


def _require_degrees(declared: Any) -> None:
    known = None if declared is None else referencing.system_of(declared)
    if known is not None and (known.is_projected or (known.is_bound and known.source_crs.is_projected)):
        raise Unacceptable("datum_needs_degrees", declared=name_of(declared))


def _to_wgs84(shapes: NDArray[np.object_], datum: str) -> NDArray[np.object_]:
    if datum not in datums.DATUMS:
        raise Unacceptable("datum_unknown", datum=datum, known=", ".join(datums.DATUMS))
    _require_range(shapes, datum)
    return _map_positions(shapes, lambda lonlat: np.column_stack(datums.to_wgs84(lonlat[:, 0], lonlat[:, 1], datum)))


def _take_undisputed(shapes: NDArray[np.object_], from_file: bool) -> NDArray[np.object_]:
    """Longitudes and latitudes whose datum nobody stated: taken as they are where GCJ-02 changes nothing."""
    lonlat = shapely.get_coordinates(shapes)
    degrees = bool(len(lonlat)) and bool((np.abs(lonlat) <= (180.0, 90.0)).all())
    if from_file or not degrees:
        raise Unacceptable("crs_missing")
    moved = np.column_stack(datums.to_wgs84(lonlat[:, 0], lonlat[:, 1], "gcj02"))
    if not np.array_equal(moved, lonlat):
        raise Unacceptable("crs_missing")
    return shapes


def _project_shapes(
    shapes: NDArray[np.object_], crs: Any
) -> tuple[NDArray[np.object_], tuple[tuple[str, dict[str, Any]], ...]]:
    """The shapes by way of their system, and the remark on one that is tied loosely."""
    if crs.is_geographic:
        _require_range(shapes, name_of(crs))
    if crs == referencing.system_of(WGS84):
        return shapes, ()
    raw = shapely.get_coordinates(shapes)
    tie = referencing.find_tie(crs, raw[np.isfinite(raw).all(axis=1)])
    if tie is None:
        raise Unacceptable("crs_untied", declared=name_of(crs))
    # The registries say north first for many systems; the tie makes every file lon, lat and x, y.
    degrees = _map_positions(shapes, lambda xy: np.column_stack(tie.transformer.transform(xy[:, 0], xy[:, 1])))
    _require_fit(raw, shapely.get_coordinates(degrees), crs)
    coarse = (("crs_accuracy", {"crs": name_of(crs), "metres": round(tie.accuracy_m)}),)
    return degrees, coarse if tie.accuracy_m > _COARSE_M else ()


def _require_fit(raw: NDArray[np.float64], degrees: NDArray[np.float64], crs: Any) -> None:
    """Refuse a whole file that lies where its system is not made for; single stray rows are refused one by one."""
    fitting = referencing.fits(crs, degrees)
    if not len(fitting) or fitting.mean() > 0.5:
        return
    first = int(np.flatnonzero(~fitting)[0])
    raise Unacceptable("crs_does_not_fit", crs=name_of(crs), x=float(raw[first, 0]), y=float(raw[first, 1]))


def _require_range(shapes: NDArray[np.object_], crs: str) -> None:
    """Refuse a whole file whose coordinates cannot be degrees; single stray rows are refused later, one by one."""
    bounds = shapely.bounds(shapes)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    # Up to 360: who counts on past the antimeridian is told so, row by row.
    outside = (np.abs(known[:, [0, 2]]) > 360).any(axis=1) | (np.abs(known[:, [1, 3]]) > 90).any(axis=1)
    if len(known) and outside.mean() > 0.5:
        row = known[np.flatnonzero(outside)[0]]
        if abs(row[0]) <= 90 and 90 < abs(row[1]) <= 180:
            raise Unacceptable("file_is_swapped", x=float(row[0]), y=float(row[1]))
        raise Unacceptable("crs_does_not_fit", crs=crs, x=float(row[0]), y=float(row[1]))


def _refuse_crossing(degrees: NDArray[np.object_]) -> None:
    """Refuse polygons on both sides of the antimeridian: no plane of a city holds them, and none is cut silently."""
    bounds = shapely.bounds(degrees[np.isin(shapely.get_type_id(degrees), (3, 6))])
    known = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(known):
        return
    west, east = known[:, 0], known[:, 2]
    if east.max() - west.min() <= 180 or (np.abs(known[:, [0, 2]]) < 90).any():
        return
    around = np.concatenate([west % 360, east % 360])
    if around.max() - around.min() <= _WIDEST_CITY_DEG:
        raise Unacceptable("crosses_antimeridian", west=float(around.min()), east=float(around.max() - 360))


def _map_positions(shapes: NDArray[np.object_], function: Any) -> NDArray[np.object_]:
    return np.asarray(shapely.transform(shapes, function), dtype=object)


def _round_positions(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return _map_positions(shapes, lambda lonlat: np.round(lonlat, _DEGREE_DECIMALS))
