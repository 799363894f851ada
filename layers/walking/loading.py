"""The network of each district from the stored roads, with water and railways as barriers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.ground.roads import Road
from layers.ground.water import Water
from layers.history import HistoryEntry
from layers.walking.network import Floats, Network, Stands
from layers.walking.tracing import WalkedWay, trace_way
from tiling.plane import Plane

log = logging.getLogger("wangge.walking")
NOT_ON_FOOT = ("motorway", "motorway_link")
RAILS = ("rail", "railway", "light_rail", "铁路")
# Large tables are not read to see whether they changed: whatever writes them leaves a line.
CHANGING = ("demo", "import.roads", "import.water")


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """The networks of all districts, and where those stand who were asked for last."""

    mark: tuple[Any, ...] = ()
    networks: Mapping[str, Network] = field(default_factory=dict)
    _kept: dict[str, tuple[Floats, Floats, Stands]] = field(default_factory=dict)

    def distances(self, district: str, place: tuple[float, float], x: Floats, y: Floats) -> Floats:
        """Metres on foot from a place to each of these; NaN where nothing is known, infinity where there is no way."""
        network = self.networks.get(district)
        if network is None:
            return np.full(len(x), np.nan)
        return network.distances(place, x, y, self._stands(district, network, x, y))

    def trace(self, district: str | None, place: tuple[float, float], other: tuple[float, float]) -> WalkedWay:
        """The way on foot from a place to another one, in metres of the city's CRS; a straight line for want of one."""
        return trace_way(self.networks.get(district or ""), place, other)

    def _stands(self, district: str, network: Network, x: Floats, y: Floats) -> Stands:
        """Only those who have moved since are looked for: of thousands a few have."""
        kept = self._kept.get(district)
        if kept is None or len(kept[0]) != len(x):
            stands = network.snap(x, y)
        else:
            moved = np.flatnonzero((kept[0] != x) | (kept[1] != y))
            stands = kept[2] if not len(moved) else kept[2].with_others(moved, network.snap(x[moved], y[moved]))
        self._kept[district] = (x, y, stands)
        return stands


NO_WAYS = Ways()


def load_ways(session: Session, *, epsg: Mapping[str, int], previous: Ways | None = None) -> Ways:
    """The ways in every district of `epsg` (its metric CRS) that has roads; some 0.1 s for a thousand roads.

    The previous ones themselves where no road, no water and no district has changed since.
    """
    written = session.scalar(select(func.count()).where(HistoryEntry.action.in_(CHANGING)))
    mark = (written, tuple(sorted(epsg.items())))
    return previous if previous is not None and previous.mark == mark else Ways(mark, _networks(session, epsg))


def _networks(session: Session, epsg: Mapping[str, int]) -> dict[str, Network]:
    """A road without a district counts for all of them. One district that cannot be read does not stop the others."""
    roads = session.execute(select(Road.district, Road.road_class, func.ST_AsBinary(Road.geom))).all()
    water = session.execute(select(Water.district, func.ST_AsBinary(Water.geom))).all()
    found: dict[str, Network] = {}
    for district, code in epsg.items():
        ours = [row for row in roads if row[0] in (district, None)]
        lines = [row[2] for row in ours if row[1] not in (*NOT_ON_FOOT, *RAILS)]
        across = [row[2] for row in ours if row[1] in RAILS] + [row[1] for row in water if row[0] in (district, None)]
        try:
            network = Network.of(_to_metres(code, lines), barriers=_to_metres(code, across)) if lines else None
        except Exception:
            log.exception("the roads of %s cannot be joined; ways are straight lines there", district)
            continue
        if network is not None:
            found[district] = network
    return found


def _to_metres(epsg: int, shapes: list[Any]) -> Any:
    read = shapely.from_wkb(np.asarray([bytes(one) for one in shapes], dtype=object))
    return Plane(epsg).to_metres(read)
