"""Which coordinate reference systems can be tied to WGS 84, and how well; runs in the child process only ([C5]).

PROJ finds some operation between any two systems: where it knows no shift between their datums it takes zero and calls
that "ballpark". Beijing 1954, Xian 1980 and Bessel land 50 to 400 m off that way. So a system counts only where PROJ
names an operation with an accuracy, valid at the place; CGCS2000 is WGS 84 within centimetres and counts as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.transformer import TransformerGroup

from layers.errors import Unacceptable

WGS84 = "EPSG:4326"
_CGCS2000 = re.compile(
    r"(d_)?(china|cgcs|china_geodetic_coordinate_system|china geodetic coordinate system)[ _]?2000", re.I
)
# Zones are used some way beyond their edge; the next zone's coordinates lie whole zones away.
_BESIDE_AREA_DEG = 3.0
_WIDEST_ZONE_DEG = 6.0


@dataclass(frozen=True)
class Tie:
    """How a system is turned into WGS 84 lon/lat, and the accuracy that PROJ names for it, in metres."""

    transformer: pyproj.Transformer
    accuracy_m: float


def system_of(told: Any) -> Any | None:
    """The system that a file or a person names, in two dimensions; None for one that nobody knows."""
    try:
        crs = pyproj.CRS.from_user_input(told)
        return _drop_heights(crs)
    except (pyproj.exceptions.CRSError, ValueError, TypeError, AttributeError):
        return None


def get_asked_system(told: str) -> Any:
    """The system that a person asked for; raises Unacceptable `crs_unknown`."""
    crs = system_of(told)
    if crs is None:
        raise Unacceptable("crs_unknown", crs=told)
    return crs


def _drop_heights(crs: Any) -> Any:
    """Without heights; a shift of nothing at all (`TOWGS84[0,0,0]`) states nothing."""
    if crs.is_compound:
        return _drop_heights(crs.sub_crs_list[0])
    if crs.is_bound and not any(crs.coordinate_operation.towgs84 or ()) and crs.source_crs is not None:
        return _drop_heights(crs.source_crs)
    return crs.to_2d()


def name_of(crs: Any) -> str:
    """What a system is called: its number in a registry such as EPSG:4548, else its own name."""
    known = system_of(crs)
    if known is None:
        return str(crs)[:80]
    authority = known.to_authority()
    return ":".join(authority) if authority else str(known.name)


def find_tie(crs: Any, positions: NDArray[np.float64]) -> Tie | None:
    """The way from this system to WGS 84 that holds at these raw positions (x, y); None where none is known."""
    if crs.geodetic_crs is None or (not crs.is_geographic and not crs.is_projected and not crs.is_bound):
        return None
    try:
        found = TransformerGroup(crs, WGS84, always_xy=True).transformers
    except pyproj.exceptions.ProjError:
        return None
    if found and _is_cgcs2000(crs):
        return Tie(found[0], 0.0)
    if crs.is_bound:
        # Whoever wrote a shift into the statement said what it is worth.
        return Tie(found[0], 0.0) if found else None
    known = [one for one in found if one.accuracy >= 0 and _holds_at(one, positions)]
    return Tie(known[0], known[0].accuracy) if known else None


def _is_cgcs2000(crs: Any) -> bool:
    datum = crs.geodetic_crs.datum
    return datum is not None and _CGCS2000.fullmatch(datum.name.strip()) is not None


def _holds_at(transformer: Any, positions: NDArray[np.float64]) -> bool:
    """Whether the operation is meant for where these positions lie."""
    area = transformer.area_of_use
    middle = np.median(positions, axis=0) if len(positions) else None
    if area is None or middle is None:
        return True
    lon, lat = transformer.transform(*middle)
    if not (np.isfinite(lon) and np.isfinite(lat)):
        return True  # it does not fit the system at all, which is told by `fits`
    return bool(area.south <= lat <= area.north and _lies_in_longitudes(lon, area.west, area.east, beside=0.0))


def fits(crs: Any, degrees: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which positions, already in WGS 84, lie where their system is made for, or near it; False for infinite ones."""
    area = crs.area_of_use
    bounds = (area.west, area.south, area.east, area.north) if area is not None else _zone(crs)
    finite = np.isfinite(degrees).all(axis=1)
    if bounds is None:
        return finite & (np.abs(degrees[:, 1]) <= 90)
    west, south, east, north = bounds
    beside = _BESIDE_AREA_DEG
    within = np.zeros(len(degrees), dtype=bool)
    lon, lat = degrees[finite, 0], degrees[finite, 1]
    within[finite] = (
        (lat >= south - beside) & (lat <= north + beside) & _lies_in_longitudes(lon, west, east, beside=beside)
    )
    return within


def _lies_in_longitudes(lon: Any, west: float, east: float, *, beside: float) -> Any:
    """Whether longitudes lie between two, the way round that goes east; an area may cross the antimeridian."""
    width = (east - west) % 360 or 360.0
    return (np.asarray(lon) - (west - beside)) % 360 <= min(width + 2 * beside, 360.0)


def _zone(crs: Any) -> tuple[float, float, float, float] | None:
    """Where a transverse Mercator projection of nobody's list is good for: some degrees beside its meridian."""
    operation = crs.coordinate_operation
    if operation is None or "Transverse Mercator" not in str(operation.method_name):
        return None
    middle = next((one.value for one in operation.params if one.name == "Longitude of natural origin"), None)
    return None if middle is None else (middle - _WIDEST_ZONE_DEG, -90.0, middle + _WIDEST_ZONE_DEG, 90.0)
