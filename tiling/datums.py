"""GCJ-02 and BD-09 to and from WGS 84: the datums in which Chinese phones, maps and offices state a position.

WGS 84 read as GCJ-02 is 530-670 m off, so a grid of 60 m would be wrong every time. The forward formulas are the ones
in public use since 2010 (polynomial plus sines on the Krasovsky ellipsoid for GCJ-02, a turn and a stretch for BD-09).
There is no closed inverse; ours is the fixed point of the forward formula. CGCS2000 differs from WGS 84 by centimetres
that no device resolves, and is taken as the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, cast, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Datum: TypeAlias = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
DATUMS: Final[tuple[Datum, ...]] = ("wgs84", "cgcs2000", "gcj02", "bd09")

Floats: TypeAlias = NDArray[np.float64]
_Pair: TypeAlias = tuple[Any, Any]
_Formula: TypeAlias = Callable[[Any, Any, Any], _Pair]

# Krasovsky 1940: semi-major axis in metres and squared eccentricity, as the formula in use has them.
_AXIS_M: Final = 6378245.0
_ECCENTRICITY2: Final = 0.00669342162296594323
_BD_TURN: Final = math.pi * 3000.0 / 180.0
# The box outside of which GCJ-02 leaves positions alone: west, south, east, north. It is a box, not the border.
_CHINA: Final = (72.004, 0.8293, 137.8347, 55.8271)
# One step shrinks the error of the inverse at least 300 times for GCJ-02 and 50 times for BD-09: from 700 m these many
# steps end far below a micrometre.
_GCJ_STEPS: Final = 5
_BD_STEPS: Final = 8


@overload
def to_wgs84(lon: float, lat: float, datum: str) -> tuple[float, float]: ...
@overload
def to_wgs84(lon: Floats, lat: Floats, datum: str) -> tuple[Floats, Floats]: ...
def to_wgs84(lon: Any, lat: Any, datum: str) -> _Pair:
    """WGS 84 longitude and latitude in degrees of positions given in `datum`; scalars give floats, arrays give arrays.

    The fixed point is within 0.001 mm of the exact inverse. West, south, east or north of the box around China GCJ-02
    is WGS 84 and BD-09 keeps its own constant shift, as in the maps that use them. In the strip of some 600 m along
    that box where no or two originals exist the position counts as outside. Not-a-number and infinity come back as
    they are.
    Raises ValueError for an unknown datum. About 1 µs a point in arrays, 6 µs (GCJ-02) for one point.
    """
    return _convert(lon, lat, _TO_WGS84, datum)


@overload
def from_wgs84(lon: float, lat: float, datum: str) -> tuple[float, float]: ...
@overload
def from_wgs84(lon: Floats, lat: Floats, datum: str) -> tuple[Floats, Floats]: ...
def from_wgs84(lon: Any, lat: Any, datum: str) -> _Pair:
    """Longitude and latitude in degrees, in `datum`, of WGS 84 positions; scalars give floats, arrays give arrays.

    Outside the box around China GCJ-02 is the identity and BD-09 its constant shift; on the box's edge a position is
    inside. Not-a-number and infinity come back unchanged. Raises ValueError for an unknown datum.
    """
    return _convert(lon, lat, _FROM_WGS84, datum)


def _convert(lon: Any, lat: Any, formulas: dict[str, _Formula | None], datum: str) -> _Pair:
    if datum not in formulas:
        raise ValueError(f"unknown datum {datum!r}: use one of {', '.join(DATUMS)}")
    formula = formulas[datum]
    if isinstance(lon, float | int) and isinstance(lat, float | int):
        return _convert_one(float(lon), float(lat), formula)
    return _convert_array(lon, lat, formula)


def _convert_one(lon: float, lat: float, formula: _Formula | None) -> tuple[float, float]:
    if formula is None or not (math.isfinite(lon) and math.isfinite(lat)):
        return lon, lat
    return cast("tuple[float, float]", formula(lon, lat, math))


def _convert_array(lon: ArrayLike, lat: ArrayLike, formula: _Formula | None) -> tuple[Floats, Floats]:
    x, y = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    x, y = (np.array(side) for side in np.broadcast_arrays(x, y))
    if formula is None:
        return x, y
    known = np.isfinite(x) & np.isfinite(y)
    x[known], y[known] = formula(x[known], y[known], np)
    return x, y


# `m` is `math` for one point (numpy costs 1 µs per operation on scalars) and `numpy` for arrays.


def _wgs_to_gcj(lon: Any, lat: Any, m: Any) -> _Pair:
    d_lon, d_lat = _gcj_shift(lon, lat, m)
    return _choose_in_china(lon, lat, (lon + d_lon, lat + d_lat), (lon, lat), m)


def _gcj_to_wgs(lon: Any, lat: Any, m: Any) -> _Pair:
    x, y = lon, lat
    for _ in range(_GCJ_STEPS):
        d_lon, d_lat = _gcj_shift(x, y, m)
        x, y = lon - d_lon, lat - d_lat
    return _choose_in_china(x, y, (x, y), (lon, lat), m)


def _gcj_to_bd(lon: Any, lat: Any, m: Any) -> _Pair:
    radius = m.sqrt(lon * lon + lat * lat) + 0.00002 * m.sin(lat * _BD_TURN)
    angle = _atan2(lat, lon, m) + 0.000003 * m.cos(lon * _BD_TURN)
    return radius * m.cos(angle) + 0.0065, radius * m.sin(angle) + 0.006


def _bd_to_gcj(lon: Any, lat: Any, m: Any) -> _Pair:
    x, y = lon - 0.0065, lat - 0.006
    for _ in range(_BD_STEPS):
        bd_lon, bd_lat = _gcj_to_bd(x, y, m)
        x, y = x + (lon - bd_lon), y + (lat - bd_lat)
    return x, y


def _wgs_to_bd(lon: Any, lat: Any, m: Any) -> _Pair:
    return _gcj_to_bd(*_wgs_to_gcj(lon, lat, m), m)


def _bd_to_wgs(lon: Any, lat: Any, m: Any) -> _Pair:
    return _gcj_to_wgs(*_bd_to_gcj(lon, lat, m), m)


def _atan2(y: Any, x: Any, m: Any) -> Any:
    return math.atan2(y, x) if m is math else np.arctan2(y, x)


def _choose_in_china(lon: Any, lat: Any, within: _Pair, beyond: _Pair, m: Any) -> _Pair:
    west, south, east, north = _CHINA
    if m is math:
        return within if west <= lon <= east and south <= lat <= north else beyond
    held = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return np.where(held, within[0], beyond[0]), np.where(held, within[1], beyond[1])


def _gcj_shift(lon: Any, lat: Any, m: Any) -> _Pair:
    """Degrees that GCJ-02 adds to a WGS 84 position, east and north."""
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * m.sin(6.0 * x * m.pi) + 20.0 * m.sin(2.0 * x * m.pi)) * 2.0 / 3.0
    root = m.sqrt(m.fabs(x))
    phi = lat * (math.pi / 180.0)
    w2 = 1.0 - _ECCENTRICITY2 * m.sin(phi) ** 2
    w = m.sqrt(w2)
    metres_per_lat = _AXIS_M * (1.0 - _ECCENTRICITY2) / (w2 * w) * m.pi / 180.0
    metres_per_lon = _AXIS_M / w * m.cos(phi) * m.pi / 180.0
    return _east_m(x, y, root, ripple, m) / metres_per_lon, _north_m(x, y, root, ripple, m) / metres_per_lat


def _east_m(x: Any, y: Any, root: Any, ripple: Any, m: Any) -> Any:
    waves = (20.0 * m.sin(x * m.pi) + 40.0 * m.sin(x / 3.0 * m.pi)) * 2.0 / 3.0
    long_waves = (150.0 * m.sin(x / 12.0 * m.pi) + 300.0 * m.sin(x / 30.0 * m.pi)) * 2.0 / 3.0
    return 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple + waves + long_waves


def _north_m(x: Any, y: Any, root: Any, ripple: Any, m: Any) -> Any:
    waves = (20.0 * m.sin(y * m.pi) + 40.0 * m.sin(y / 3.0 * m.pi)) * 2.0 / 3.0
    long_waves = (160.0 * m.sin(y / 12.0 * m.pi) + 320.0 * m.sin(y / 30.0 * m.pi)) * 2.0 / 3.0
    return -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple + waves + long_waves


_TO_WGS84: Final[dict[str, _Formula | None]] = {
    "wgs84": None,
    "cgcs2000": None,
    "gcj02": _gcj_to_wgs,
    "bd09": _bd_to_wgs,
}
_FROM_WGS84: Final[dict[str, _Formula | None]] = {
    "wgs84": None,
    "cgcs2000": None,
    "gcj02": _wgs_to_gcj,
    "bd09": _wgs_to_bd,
}
