"""Whether a phone began to speak another datum than it states ([C2]): its place jumps by the vector between two datums.

    judged = judge(last, astray, fixes)          the fixes of one worker, in the order of their moments
    judged.flipped, judged.astray

A phone whose program suddenly sends GCJ-02 as WGS 84 is seen 100-700 m away within seconds. Where it stood a moment
before tells where it would be seen then, for each datum that it may have begun to speak; a jump to such a place at a
speed that nobody on foot or on an electric bicycle has is a flip. From then on each fix is judged by which is nearer:
where the phone is seen, or where it is when it speaks that datum. It is believed again as soon as it is seen where it
should be, or has been silent for so long that nothing can be told.

Limit: a phone that speaks the wrong datum from its very first fix gives nothing to compare with.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from math import cos, hypot, radians
from typing import NamedTuple

from layers.moments import AGEING_S
from tiling.datums import from_wgs84, to_wgs84

# An electric bicycle may go 25 km/h.
FASTEST_M_S = 8.0
# How far from the expected place a jump may end: what phones are off between houses, and some steps meanwhile.
SLACK_M = 20.0
MOST_ACCURACY_M = 30.0
WALKED_M_S, MOST_WALKED_M = 2.0, 40.0
# A vector that is shorter cannot be told from a bad fix.
LEAST_JUMP_M = 80.0
# CGCS2000 is WGS 84 here.
SPOKEN = ("wgs84", "gcj02", "bd09")
METRES_A_DEGREE = 111_320.0


class Seen(NamedTuple):
    """One fix as it is judged: `lon, lat` are WGS84 by the stated datum, the raw ones are what was sent."""

    place: int
    lon: float
    lat: float
    raw_lon: float
    raw_lat: float
    datum: str
    accuracy_m: float | None
    at: datetime


class Astray(NamedTuple):
    """Where a phone is seen, where it is when it speaks `spoken`, and since when that is so (its last fix)."""

    seen_lon: float
    seen_lat: float
    lon: float
    lat: float
    spoken: str
    at: datetime


@dataclass(slots=True)
class Judged:
    """The places in the batch of the flipped fixes, and how the phone goes on: None when it is believed."""

    flipped: list[int] = field(default_factory=list)
    astray: Astray | None = None


def judge(last: Seen | None, astray: Astray | None, fixes: Iterable[Seen]) -> Judged:
    """Which of one worker's fixes, in the order of their moments, speak another datum than they state."""
    judged = Judged(astray=astray)
    for fix in fixes:
        if last is not None and fix.at <= last.at:
            continue  # comes too late to matter
        judged.astray = _keep_astray(judged.astray, fix) if judged.astray else _find_astray(last, fix)
        if judged.astray is None:
            last = fix
        else:
            judged.flipped.append(fix.place)
    return judged


def _find_astray(last: Seen | None, fix: Seen) -> Astray | None:
    if last is None:
        return None
    jump_m, after_s = distance_m((last.lon, last.lat), (fix.lon, fix.lat)), (fix.at - last.at).total_seconds()
    if jump_m < LEAST_JUMP_M or jump_m <= FASTEST_M_S * after_s:
        return None
    slack_m = SLACK_M + min(WALKED_M_S * after_s, MOST_WALKED_M) + _measure_off_m(last) + _measure_off_m(fix)
    for spoken in SPOKEN:
        if spoken == fix.datum:
            continue
        expected = to_wgs84(*from_wgs84(last.lon, last.lat, spoken), fix.datum)
        far_m = distance_m((last.lon, last.lat), expected)
        if far_m >= LEAST_JUMP_M and distance_m(expected, (fix.lon, fix.lat)) <= min(slack_m, far_m / 2):
            return _read_as(fix, spoken)
    return None


def _keep_astray(astray: Astray, fix: Seen) -> Astray | None:
    if abs((fix.at - astray.at).total_seconds()) > AGEING_S:
        return None
    there = distance_m((astray.seen_lon, astray.seen_lat), (fix.lon, fix.lat))
    here = distance_m((astray.lon, astray.lat), (fix.lon, fix.lat))
    return None if here <= there else _read_as(fix, astray.spoken)


def _read_as(fix: Seen, spoken: str) -> Astray:
    return Astray(fix.lon, fix.lat, *to_wgs84(fix.raw_lon, fix.raw_lat, spoken), spoken, fix.at)


def _measure_off_m(fix: Seen) -> float:
    return min(fix.accuracy_m or 0.0, MOST_ACCURACY_M)


def distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two near places in degrees, a thousandth off."""
    east = (other[0] - one[0]) * cos(radians((one[1] + other[1]) / 2))
    return hypot(east, other[1] - one[1]) * METRES_A_DEGREE
