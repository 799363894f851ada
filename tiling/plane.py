"""Degrees and metres of one city, and the 1 mm lattice on which all vertices live.

The only user of pyproj. Vertices are stored as lon/lat with 9 decimals (0.1 mm), which gives the lattice
back bit for bit; straight edges differ between degrees and metres by 0.7 mm on 200 m and 71 mm on 2 km,
hence `densify`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Geometries = TypeVar("Geometries", BaseGeometry, NDArray[np.object_])

LATTICE_M = 0.001
_STEPS_PER_M = 1000.0
_DEGREE_DECIMALS = 9
_CHINA = (73.4, 3.4, 135.2, 53.7)
_FIRST_GK_MERIDIAN, _FIRST_GK_EPSG = 75, 4534


def to_lattice(xy_m: ArrayLike) -> Floats:
    """The coordinates in metres, each moved to the nearest multiple of 1 mm.

    This is the one function that does so: `round(x / 0.001) * 0.001` differs from it in the last bit for 12 %
    of coordinates, and GEOS rounds the way this does. Negative zero becomes zero so that equal places are equal bytes.
    """
    return np.asarray(np.rint(np.asarray(xy_m, dtype=np.float64) * _STEPS_PER_M) / _STEPS_PER_M + 0.0)


def lattice_keys(xy_m: ArrayLike) -> NDArray[np.int64]:
    """The coordinates in whole millimetres, for exact comparison and hashing."""
    return np.asarray(np.rint(np.asarray(xy_m, dtype=np.float64) * _STEPS_PER_M).astype(np.int64))


def put_on_lattice(geometry: Geometries) -> Geometries:
    """The geometry (or array of them) in two dimensions with every vertex moved to the lattice; None stays None."""
    return _transform(geometry, to_lattice)


def city_epsg(lon: float, lat: float) -> int:
    """The EPSG number of the metric CRS for a city: CGCS2000 3-degree Gauss-Krueger in China, else UTM on WGS84.

    One CRS per city: across the edge of two zones a shared vertex would lie up to 0.71 mm off the other's lattice.
    China is taken as a rectangle; a neighbouring country inside it gets its Gauss-Krueger zone, which serves as well.
    Source: EPSG 4534 (central meridian 75 E) to 4554 (135 E); 326xx and 327xx.
    """
    west, south, east, north = _CHINA
    if west <= lon <= east and south <= lat <= north:
        meridian = min(max(round(lon / 3) * 3, _FIRST_GK_MERIDIAN), 135)
        return _FIRST_GK_EPSG + (meridian - _FIRST_GK_MERIDIAN) // 3
    zone = min(int((lon + 180) // 6) + 1, 60)
    return (32600 if lat >= 0 else 32700) + zone


@dataclass(frozen=True)
class Plane:
    """The plane of one city, from lon/lat degrees to metres x east, y north, and back.

    Equal planes share their transformers, one per thread, since PROJ objects must not be shared between threads.
    """

    epsg: int

    def to_metres(self, geometries: Geometries) -> Geometries:
        """The geometries in metres on the lattice; shape and None as given."""
        return _transform(geometries, lambda ll: to_lattice(self._project(ll)))

    def to_degrees(self, geometries: Geometries) -> Geometries:
        """The geometries in lon/lat degrees rounded to 9 decimals; `to_metres` gives the lattice back exactly."""
        return _transform(geometries, lambda xy: np.round(self._unproject(xy), _DEGREE_DECIMALS))

    def to_xy(self, lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
        """x and y in metres, not rounded to the lattice; scalars give zero-dimensional arrays."""
        x, y = _transformers(self.epsg)[0].transform(np.asarray(lon, float), np.asarray(lat, float))
        return np.asarray(x), np.asarray(y)

    def point_xy(self, lon: float, lat: float) -> tuple[float, float]:
        """x and y of one point in metres, as `to_xy` gives them; 1 µs instead of 4."""
        x, y = _transformers(self.epsg)[0].transform(lon, lat)
        return x, y

    def to_lonlat(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """lon and lat in degrees, not rounded; scalars give zero-dimensional arrays."""
        lon, lat = _transformers(self.epsg)[1].transform(np.asarray(x, float), np.asarray(y, float))
        return np.asarray(lon), np.asarray(lat)

    def _project(self, lonlat: Floats) -> Floats:
        return np.column_stack(self.to_xy(lonlat[:, 0], lonlat[:, 1]))

    def _unproject(self, xy: Floats) -> Floats:
        return np.column_stack(self.to_lonlat(xy[:, 0], xy[:, 1]))


def densify(geometries: Geometries, max_m: float = 200.0) -> Geometries:
    """The geometries with every edge over `max_m` metres divided evenly, new nodes on the lattice.

    An edge is divided the same from either end, so neighbours that matched still match. 200 m keeps the bow of an
    edge that is straight in degrees under 0.7 mm.
    """
    return map_rings(geometries, lambda xy: _divide_edges(xy, max_m))


def map_rings(geometries: Geometries, change: Callable[[Floats], Floats]) -> Geometries:
    """The geometries with `change` applied to the coordinates of every ring or line, which may alter their number.

    Points and None stay as they are; the order of rings and their first vertex are kept. Where `change` hands back
    the very coordinates that it was given, the geometry itself comes back.
    """
    if isinstance(geometries, np.ndarray):
        out = np.empty(geometries.shape, dtype=object)
        for place, geometry in np.ndenumerate(geometries):
            out[place] = _map_coordinates(geometry, change)
        return cast(Geometries, out)
    return cast(Geometries, _map_coordinates(geometries, change))


def _map_coordinates(geometry: Any, change: Callable[[Floats], Floats]) -> Any:
    if geometry is None or geometry.is_empty:
        return geometry
    kind = geometry.geom_type
    if kind == "Polygon":
        before = [shapely.get_coordinates(ring) for ring in (geometry.exterior, *geometry.interiors)]
        rings = [change(xy) for xy in before]
        return geometry if _are_all_same(rings, before) else shapely.Polygon(rings[0], rings[1:])
    if kind in ("LineString", "LinearRing"):
        return type(geometry)(change(shapely.get_coordinates(geometry)))
    if hasattr(geometry, "geoms"):
        held = list(geometry.geoms)
        parts = [_map_coordinates(part, change) for part in held]
        return geometry if _are_all_same(parts, held) else type(geometry)(parts)
    return geometry


def _are_all_same(now: Sequence[Any], before: Sequence[Any]) -> bool:
    return all(one is other for one, other in zip(now, before, strict=True))


def _divide_edges(xy: Floats, max_m: float) -> Floats:
    lengths = np.hypot(*np.diff(xy, axis=0).T)
    long = np.flatnonzero(lengths > max_m)
    if not len(long):
        return xy
    nodes = [_nodes_between(xy[i], xy[i + 1], int(np.ceil(lengths[i] / max_m))) for i in long]
    at = np.repeat(long + 1, [len(n) for n in nodes])
    return np.insert(xy, at, np.concatenate(nodes), axis=0)


def _nodes_between(start: Floats, end: Floats, pieces: int) -> Floats:
    backwards = tuple(end) < tuple(start)
    first, last = (end, start) if backwards else (start, end)
    share = np.arange(1, pieces)[:, None] / pieces
    nodes = to_lattice(first + (last - first) * share)
    return nodes[::-1] if backwards else nodes


def _transform(geometries: Geometries, function: Callable[[Floats], Floats]) -> Geometries:
    anything: Any = geometries  # the stubs know no None inside an array
    return cast(Geometries, shapely.transform(anything, function))


_local = threading.local()


def _transformers(epsg: int) -> tuple[Transformer, Transformer]:
    cache: dict[int, tuple[Transformer, Transformer]] = _local.__dict__.setdefault("by_epsg", {})
    if epsg not in cache:
        # EPSG:4490 and 4534-4554 are north-first by definition; always_xy makes everything lon, lat and x, y.
        there = Transformer.from_crs(4326, epsg, always_xy=True)
        cache[epsg] = (there, Transformer.from_crs(epsg, 4326, always_xy=True))
    return cache[epsg]
