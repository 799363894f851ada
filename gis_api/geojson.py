"""Geometry and positions in and out: GeoJSON (RFC 7946), datums, and what is refused ([C1], [C2]).

`datums.to_wgs84` is called here and in layers/files.py only. Depth and size of a geometry are limited before shapely
sees it: deeply nested collections end the process inside GEOS.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.access import DATUMS, Actor
from layers.errors import Unacceptable
from tiling.datums import from_wgs84, to_wgs84

Box = tuple[float, float, float, float]
Floats = NDArray[np.float64]
POLYGONS = ("Polygon", "MultiPolygon")
# How deep positions lie in "coordinates", by type. GeometryCollection is not spoken here.
DEPTHS: Mapping[str, int] = {
    "Point": 0,
    "LineString": 1,
    "MultiPoint": 1,
    "Polygon": 2,
    "MultiLineString": 2,
    "MultiPolygon": 3,
}
MOST_VERTICES = 200_000
# CGCS2000 and WGS84 agree within centimetres, and PROJ counts the step between them as zero.
SAME_AS_WGS84 = ("wgs84", "cgcs2000")
DECIMALS = 9


@dataclass(frozen=True, slots=True)
class ReportedPosition:
    """A position as it was sent, and as it is used: `lon, lat` are WGS84 degrees."""

    raw_lon: float
    raw_lat: float
    datum: str
    accuracy_m: float | None
    lon: float
    lat: float


def datum_of(actor: Actor, stated: str | None) -> str:
    """The datum of a request: as stated, else that of the key, for people WGS84 ([C1]).

    Raises Unacceptable for an unknown datum, for one that contradicts the key's, and when a key without a datum of its
    own states none: read in the wrong datum every answer would be some 600 m off.
    """
    if stated is not None and stated not in DATUMS:
        raise Unacceptable("unknown_datum", errors=[(["datum"], "unknown_datum")], datum=stated[:40])
    if actor.datum is not None and stated not in (None, actor.datum):
        raise Unacceptable(
            "datum_contradicts_key", errors=[(["datum"], "datum_contradicts_key")], datum=stated, of_key=actor.datum
        )
    chosen = stated or actor.datum or ("wgs84" if actor.kind == "person" else None)
    if chosen is None:
        raise Unacceptable("datum_missing", errors=[(["datum"], "datum_missing")])
    return chosen


def position(
    lon: float,
    lat: float,
    *,
    datum: str | None,
    actor: Actor,
    bounds: Sequence[Box],
    accuracy_m: float | None = None,
) -> ReportedPosition:
    """The position in WGS84 beside what was sent; raises Unacceptable as `check_position` and `datum_of` do."""
    known = datum_of(actor, datum)
    true_lon, true_lat = convert_to_wgs84(lon, lat, known)
    refuse_position(lon, lat, true_lon, true_lat, bounds=bounds)
    return ReportedPosition(lon, lat, known, accuracy_m, true_lon, true_lat)


def convert_to_wgs84(lon: float, lat: float, datum: str) -> tuple[float, float]:
    """The position in WGS84: as it is where nothing has to be converted, else to 9 decimals (0.1 mm) as stored
    coordinates are. Not-a-number and infinity come back as they are."""
    if datum in SAME_AS_WGS84:
        return lon, lat
    lon, lat = to_wgs84(float(lon), float(lat), datum)
    return round(lon, DECIMALS), round(lat, DECIMALS)


def convert_many_to_wgs84(lon: Floats, lat: Floats, datum: str) -> tuple[Floats, Floats]:
    """Many positions in WGS84, each as `convert_to_wgs84` gives it."""
    if datum in SAME_AS_WGS84:
        return lon, lat
    lon, lat = to_wgs84(lon, lat, datum)
    return np.round(lon, DECIMALS), np.round(lat, DECIMALS)


def box_in_wgs84(box: Box, datum: str) -> Box:
    """The smallest box in WGS84 around a box of another datum, whose sides are no straight lines there (to some cm)."""
    if datum in SAME_AS_WGS84:
        return box
    west, south, east, north = box
    xs, ys = np.linspace(west, east, 9), np.linspace(south, north, 9)
    around_x = np.concatenate([xs, xs, np.full(9, west), np.full(9, east)])
    around_y = np.concatenate([np.full(9, south), np.full(9, north), ys, ys])
    lon, lat = convert_many_to_wgs84(around_x, around_y, datum)
    return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())


def refuse_position(raw_lon: float, raw_lat: float, lon: float, lat: float, *, bounds: Sequence[Box]) -> None:
    """Raise Unacceptable with a hint where a position cannot be meant ([C2]); nothing is ever corrected silently."""
    for name, value in (("lon", raw_lon), ("lat", raw_lat)):
        if not math.isfinite(value):
            raise Unacceptable("not_finite", errors=[([name], "not_finite")])
    if raw_lon == 0.0 and raw_lat == 0.0:
        raise Unacceptable("null_island", errors=[(["lon"], "null_island"), (["lat"], "null_island")])
    if lies_within(lon, lat, bounds):
        return
    code = "swapped" if lies_within(raw_lat, raw_lon, bounds) else "out_of_bounds"
    raise Unacceptable(code, errors=[(["lon"], code), (["lat"], code)], lon=raw_lon, lat=raw_lat)


def refusals(
    raw_lon: Floats, raw_lat: Floats, lon: Floats, lat: Floats, *, bounds: Sequence[Box]
) -> list[tuple[int, str, str]]:
    """What is wrong with many positions, as `refuse_position` would say: place in the arrays, axis and code."""
    found: list[tuple[int, str, str]] = []
    finite_lon, finite_lat = np.isfinite(raw_lon), np.isfinite(raw_lat)
    found += [(int(at), "lon", "not_finite") for at in np.flatnonzero(~finite_lon)]
    found += [(int(at), "lat", "not_finite") for at in np.flatnonzero(finite_lon & ~finite_lat)]
    finite = finite_lon & finite_lat
    nowhere = finite & (raw_lon == 0.0) & (raw_lat == 0.0)
    off = finite & ~nowhere & ~_mark_within(lon, lat, bounds)
    swapped = off & _mark_within(raw_lat, raw_lon, bounds)
    found += [(int(at), "lon", "null_island") for at in np.flatnonzero(nowhere)]
    found += [(int(at), "lon", "swapped") for at in np.flatnonzero(swapped)]
    found += [(int(at), "lon", "out_of_bounds") for at in np.flatnonzero(off & ~swapped)]
    return sorted(found)


def _mark_within(lon: Floats, lat: Floats, bounds: Sequence[Box]) -> NDArray[np.bool_]:
    held = np.zeros(len(lon), dtype=bool)
    for west, south, east, north in bounds or ((-180.0, -90.0, 180.0, 90.0),):
        held |= (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return held


def lies_within(lon: float, lat: float, bounds: Sequence[Box]) -> bool:
    """Whether a position lies in one of the boxes; without any box, anywhere on earth."""
    if not bounds:
        return -180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0
    return any(west <= lon <= east and south <= lat <= north for west, south, east, north in bounds)


def parse_geometry(
    sent: Any,
    *,
    datum: str = "wgs84",
    kinds: Collection[str] = POLYGONS,
    most_vertices: int = MOST_VERTICES,
) -> BaseGeometry:
    """The sent GeoJSON geometry as a valid shape in WGS84 degrees; heights are dropped.

    Raises Unacceptable naming the ring and the point: a type that is not asked for, coordinates that are nested
    wrongly, are no finite numbers or lie off the earth, open or short rings, more vertices than the limit, a shape
    that crosses itself. Nothing is repaired. A Feature is refused, send its geometry.
    """
    kind, coordinates = _read_type(sent, kinds)
    count = _count(coordinates, DEPTHS[kind], most_vertices)
    if count > most_vertices:
        raise Unacceptable("too_many_vertices", errors=[(["coordinates"], "too_many_vertices")], most=most_vertices)
    shape = _build(kind, coordinates, datum)
    if shape.is_empty:
        raise Unacceptable("empty_geometry", errors=[(["coordinates"], "empty_geometry")])
    _refuse_invalid(shape)
    return shape


def parse_patches(sent: Any, *, datum: str = "wgs84", most_vertices: int = MOST_VERTICES) -> BaseGeometry:
    """The sent Polygon or MultiPolygon, of which the parts may touch and overlap: patches painted side by side.

    Each part is valid by itself; the whole is in general not, join it before it is used. Raises as `parse_geometry`.
    """
    if not (isinstance(sent, Mapping) and sent.get("type") == "MultiPolygon"):
        return parse_geometry(sent, datum=datum, most_vertices=most_vertices)
    kind, coordinates = _read_type(sent, POLYGONS)
    if _count(coordinates, DEPTHS[kind], most_vertices) > most_vertices:
        raise Unacceptable("too_many_vertices", errors=[(["coordinates"], "too_many_vertices")], most=most_vertices)
    shape = _build(kind, coordinates, datum)
    if shape.is_empty:
        raise Unacceptable("empty_geometry", errors=[(["coordinates"], "empty_geometry")])
    for part in shapely.get_parts(shape).tolist():
        _refuse_invalid(part)
    return shape


def _read_type(sent: Any, kinds: Collection[str]) -> tuple[str, Any]:
    kind = sent.get("type") if isinstance(sent, Mapping) else None
    if not isinstance(kind, str) or kind not in kinds or kind not in DEPTHS:
        told = kind[:40] if isinstance(kind, str) else None
        raise Unacceptable(
            "wrong_geometry_type", errors=[(["type"], "wrong_geometry_type")], sent=told, wanted=", ".join(kinds)
        )
    return kind, sent.get("coordinates")


def _count(coordinates: Any, depth: int, most: int) -> int:
    """The number of positions, found level by level so that no depth of nesting can hurt; stops early at the limit."""
    level = [coordinates]
    for _ in range(depth):
        if not all(isinstance(one, list) for one in level) or len(level) > most:
            raise Unacceptable("wrong_nesting", errors=[(["coordinates"], "wrong_nesting")])
        level = list(chain.from_iterable(level))
    return len(level)


def _build(kind: str, coordinates: Any, datum: str) -> BaseGeometry:
    if not coordinates:  # no part at all: numpy would not know how deep nothing is
        return shapely.Polygon()
    if kind == "Point":
        return cast("BaseGeometry", shapely.points(_line([coordinates], datum, [])[0]))
    if kind == "MultiPoint":
        return cast("BaseGeometry", shapely.multipoints(_line(coordinates, datum, [])))
    if kind == "LineString":
        return _read_linestring(coordinates, datum, [])
    if kind == "MultiLineString":
        return cast(
            "BaseGeometry",
            shapely.multilinestrings([_read_linestring(one, datum, [at]) for at, one in enumerate(coordinates)]),
        )
    if kind == "Polygon":
        return _polygon(coordinates, datum, [])
    return cast(
        "BaseGeometry", shapely.multipolygons([_polygon(one, datum, [at]) for at, one in enumerate(coordinates)])
    )


def _read_linestring(positions: Any, datum: str, at: list[str | int]) -> BaseGeometry:
    line = _line(positions, datum, at)
    if len(line) < 2:
        raise Unacceptable("short_line", errors=[(["coordinates", *at], "short_line")])
    return cast("BaseGeometry", shapely.linestrings(line))


def _polygon(rings: Any, datum: str, at: list[str | int]) -> BaseGeometry:
    if not rings:
        return shapely.Polygon()
    made = [_ring(ring, datum, [*at, number]) for number, ring in enumerate(rings)]
    return shapely.Polygon(made[0], made[1:])


def _ring(positions: Any, datum: str, at: list[str | int]) -> shapely.LinearRing:
    line = _line(positions, datum, at)
    if len(line) < 4 or not (line[0] == line[-1]).all():
        code = "short_ring" if len(line) < 4 else "open_ring"
        raise Unacceptable(code, errors=[(["coordinates", *at], code)])
    return cast("shapely.LinearRing", shapely.linearrings(line))


def _line(positions: Any, datum: str, at: list[str | int]) -> Floats:
    """Positions as an n × 2 array in WGS84 degrees."""
    for number, one in enumerate(positions):
        if not _is_position(one):
            raise Unacceptable("wrong_position", errors=[(["coordinates", *at, number], "wrong_position")])
    sent = np.array([one[:2] for one in positions], dtype=np.float64).reshape(-1, 2)
    off = ~np.isfinite(sent).all(axis=1) | (np.abs(sent[:, 0]) > 180.0) | (np.abs(sent[:, 1]) > 90.0)
    if off.any():
        raise Unacceptable("off_the_earth", errors=[(["coordinates", *at, int(off.argmax())], "off_the_earth")])
    if datum in SAME_AS_WGS84:
        return sent
    return np.column_stack(to_wgs84(sent[:, 0], sent[:, 1], datum))


def _is_position(sent: Any) -> bool:
    return (
        isinstance(sent, list)
        and 2 <= len(sent) <= 3
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in sent)
        and all(abs(number) < 1e12 for number in sent if isinstance(number, int))
    )


def _refuse_invalid(shape: BaseGeometry) -> None:
    if shapely.is_valid(shape):
        return
    reason = str(shapely.is_valid_reason(shape))
    raise Unacceptable(
        "invalid_geometry",
        where=_read_named_point(reason),
        errors=[(["coordinates"], "invalid_geometry")],
        reason=reason.split("[")[0].strip(),
    )


def _read_named_point(reason: str) -> BaseGeometry | None:
    """The point that GEOS names between brackets, as in "Self-intersection[118.1 39.6]"."""
    try:
        x, y = (float(number) for number in reason.split("[")[1].rstrip("]").split()[:2])
    except (IndexError, ValueError):
        return None
    return shapely.Point(x, y) if math.isfinite(x) and math.isfinite(y) else None


def to_geojson(shape: BaseGeometry, *, digits: int = 9, datum: str = "wgs84") -> dict[str, Any]:
    """The geometry as a GeoJSON mapping with so many decimals; nine give the lattice back exactly ([S1])."""
    if datum not in SAME_AS_WGS84:
        shape = shapely.transform(shape, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], datum)))
    rounded = shapely.transform(shape, lambda xy: np.round(xy, digits))
    return cast("dict[str, Any]", json.loads(shapely.to_geojson(rounded)))


def feature(shape: BaseGeometry | None, *, code: str | None = None, **properties: Any) -> dict[str, Any]:
    """A GeoJSON Feature; its `id` and its property `code` are the code, where there is one."""
    geometry = None if shape is None else to_geojson(shape)
    named = {} if code is None else {"code": code}
    made: dict[str, Any] = {"type": "Feature", "geometry": geometry, "properties": named | properties}
    return made if code is None else {"id": code, **made}


def feature_collection(features: Iterable[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """A GeoJSON FeatureCollection; `more` are members beside it, as `next` of a page."""
    return {"type": "FeatureCollection", "features": list(features), **more}
