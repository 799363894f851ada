"""The way on foot from a case to whoever goes, for a map: found when it is asked for, over the roads stored by then.

What was decided is not touched: its distance stays as it was measured, and the way tells its own beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from layers.candidates import Roster
from layers.dispatching.decisions import places_of
from layers.incidents import Decision
from layers.walking import WalkedWay
from tiling.plane import Plane


@dataclass(frozen=True, slots=True)
class DecidedWay:
    """The way to a worker; `line` is in degrees WGS84 from the case on, `decided_m` what the decision measured."""

    worker: str
    way: WalkedWay
    line: list[tuple[float, float]]
    decided_m: float | None
    measure: str | None


def find_way(decision: Decision, roster: Roster, worker: str | None = None) -> DecidedWay | None:
    """The way to the chosen one, or to another one who stood in line; None where nobody, or no place, is known."""
    basis = decision.basis or {}
    number = worker or basis.get("chosen")
    stood, place = places_of(decision).get(number or ""), basis.get("place") or {}
    epsg = roster.chart.epsg.get(place.get("district") or "")
    if number is None or stood is None or epsg is None:
        return None
    plane = Plane(epsg)
    here, there = plane.point_xy(place["lon"], place["lat"]), plane.point_xy(*stood)
    way = roster.ways.trace(place["district"], here, there)
    lon, lat = plane.to_lonlat(way.line[:, 0], way.line[:, 1])
    line = [(round(x, 6), round(y, 6)) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    told: dict[str, Any] = next(
        (one for one in (*decision.candidates, *decision.rejected) if one.get("worker") == number), {}
    )
    return DecidedWay(number, way, line, told.get("distance_m"), told.get("measure"))
