"""From a file's coordinates to WGS84 lon/lat: the CRS is asked or read, never guessed ([C3]). In the child only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import pandas
import pyproj
import shapely
from numpy.typing import NDArray

from layers.errors import Unacceptable
from tiling import datums

WGS84 = "EPSG:4326"
LON_NAMES = ("lon", "lng", "longitude", "x", "经度")
LAT_NAMES = ("lat", "latitude", "y", "纬度")
_DEGREE_DECIMALS = 9


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


def place(frame: Any, declared: Any, asked: Asked) -> Placed | None:
    """The geometries of a frame in WGS84, in two dimensions, rounded to 9 decimals (0.1 mm); None when it has none.

    A declared CRS gives way to the one that was asked for, with a remark. Lon/lat columns without any statement are
    WGS84 only where the datum makes no difference, outside China. Raises Unacceptable `crs_missing`, `crs_unknown`,
    `crs_and_datum`, `datum_needs_degrees`, `crs_does_not_fit`, `file_is_swapped`.
    """
    if asked.crs and asked.datum:
        raise Unacceptable("crs_and_datum")
    shapes, from_file = _shapes(frame, asked)
    if shapes is None:
        return None
    declared = declared if from_file else None
    notes = _contradiction(declared, asked)
    shapes = shapely.force_2d(shapes)
    if asked.datum:
        _require_degrees(declared, from_file)
        return Placed(_rounded(_in_wgs84(shapes, asked.datum)), asked.datum, notes)
    crs = _crs(asked.crs) if asked.crs else declared
    if crs is None:
        return Placed(_rounded(_undisputed(shapes, from_file)), "wgs84", (*notes, ("datum_makes_no_difference", {})))
    return Placed(_rounded(_projected(shapes, crs)), name_of(crs), notes)


def _shapes(frame: Any, asked: Asked) -> tuple[NDArray[np.object_] | None, bool]:
    """The raw shapes, and whether they are the file's own geometry column (whose CRS the file may state)."""
    if asked.geometry:
        return _from_text(_column(frame, asked.geometry)), False
    if "geometry" in frame.columns and isinstance(frame, geopandas.GeoDataFrame):
        return np.asarray(frame.geometry.values, dtype=object), True
    lon = asked.lon or _found(frame, LON_NAMES)
    lat = asked.lat or _found(frame, LAT_NAMES)
    if lon is None or lat is None:
        return None, False
    return _points(_column(frame, lon), _column(frame, lat)), False


def raw_shapes(frame: Any, asked: Asked) -> NDArray[np.object_] | None:
    """The shapes as they are in the file; None where it has neither geometries nor columns of positions."""
    return _shapes(frame, asked)[0]


def _column(frame: Any, name: str) -> Any:
    if name not in frame.columns:
        raise Unacceptable("file_has_no_such_column", column=name, columns=", ".join(map(str, frame.columns)))
    return frame[name]


def _found(frame: Any, names: tuple[str, ...]) -> str | None:
    by_name = {str(column).lower(): str(column) for column in frame.columns}
    return next((by_name[name] for name in names if name in by_name), None)


def _points(lon: Any, lat: Any) -> NDArray[np.object_]:
    x = pandas.to_numeric(lon, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    y = pandas.to_numeric(lat, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    points = np.full(len(x), None, dtype=object)
    known = np.isfinite(x) & np.isfinite(y)
    points[known] = shapely.points(x[known], y[known])
    return points


def _from_text(texts: Any) -> NDArray[np.object_]:
    values = np.array([text if isinstance(text, str) else None for text in texts], dtype=object)
    return np.asarray(shapely.from_wkt(values, on_invalid="ignore"), dtype=object)


def _crs(text: str) -> Any:
    try:
        return pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError as error:
        raise Unacceptable("crs_unknown", crs=text) from error


def name_of(crs: Any) -> str:
    """What a CRS is called: its number in a registry such as EPSG:4548, else its own name."""
    authority = pyproj.CRS.from_user_input(crs).to_authority()
    return ":".join(authority) if authority else str(crs.name)


def _contradiction(declared: Any, asked: Asked) -> tuple[tuple[str, dict[str, Any]], ...]:
    if declared is None or not asked.crs or pyproj.CRS.from_user_input(declared) == _crs(asked.crs):
        return ()
    return (("crs_overruled", {"declared": name_of(declared), "used": asked.crs}),)


def _require_degrees(declared: Any, from_file: bool) -> None:
    if from_file and declared is not None and not pyproj.CRS.from_user_input(declared).is_geographic:
        raise Unacceptable("datum_needs_degrees", declared=name_of(declared))


def _in_wgs84(shapes: NDArray[np.object_], datum: str) -> NDArray[np.object_]:
    if datum not in datums.DATUMS:
        raise Unacceptable("datum_unknown", datum=datum, known=", ".join(datums.DATUMS))
    _require_range(shapes)
    return _mapped(shapes, lambda lonlat: np.column_stack(datums.to_wgs84(lonlat[:, 0], lonlat[:, 1], datum)))


def _undisputed(shapes: NDArray[np.object_], from_file: bool) -> NDArray[np.object_]:
    """Longitudes and latitudes whose datum nobody stated: taken as they are where GCJ-02 changes nothing."""
    lonlat = shapely.get_coordinates(shapes)
    degrees = bool(len(lonlat)) and bool((np.abs(lonlat) <= (180.0, 90.0)).all())
    if from_file or not degrees:
        raise Unacceptable("crs_missing")
    moved = np.column_stack(datums.to_wgs84(lonlat[:, 0], lonlat[:, 1], "gcj02"))
    if not np.array_equal(moved, lonlat):
        raise Unacceptable("crs_missing")
    return shapes


def _projected(shapes: NDArray[np.object_], crs: Any) -> NDArray[np.object_]:
    source = pyproj.CRS.from_user_input(crs)
    if source.is_geographic:
        _require_range(shapes)
    if source == pyproj.CRS.from_user_input(WGS84):
        return shapes
    # The registries say north first for many systems; always_xy makes every file lon, lat and x, y.
    there = pyproj.Transformer.from_crs(source, WGS84, always_xy=True)
    return _mapped(shapes, lambda xy: np.column_stack(there.transform(xy[:, 0], xy[:, 1])))


def _require_range(shapes: NDArray[np.object_]) -> None:
    """Refuse a whole file whose coordinates cannot be degrees; single stray rows are refused later, one by one."""
    bounds = shapely.bounds(shapes)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    outside = (np.abs(known[:, [0, 2]]) > 180).any(axis=1) | (np.abs(known[:, [1, 3]]) > 90).any(axis=1)
    if len(known) and outside.mean() > 0.5:
        row = known[np.flatnonzero(outside)[0]]
        if abs(row[0]) <= 90 and 90 < abs(row[1]) <= 180:
            raise Unacceptable("file_is_swapped", x=float(row[0]), y=float(row[1]))
        raise Unacceptable("crs_does_not_fit", x=float(row[0]), y=float(row[1]))


def _mapped(shapes: NDArray[np.object_], function: Any) -> NDArray[np.object_]:
    return np.asarray(shapely.transform(shapes, function), dtype=object)


def _rounded(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return _mapped(shapes, lambda lonlat: np.round(lonlat, _DEGREE_DECIMALS))
