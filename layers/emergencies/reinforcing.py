"""Whom an emergency may take from elsewhere: nobody whose own ground would fall below its minimum cover ([D7])."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from geoalchemy2.functions import ST_X, ST_Y
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.areas import Area
from layers.assignments import Assignment
from layers.duty_gaps import Lent, belongs, list_minimums
from layers.emergencies.table import select_lent_spans
from layers.grids import Grid
from layers.plans import Plan, is_in_force_at
from layers.positions import Position
from layers.shifts import MOMENT, duty_spans
from layers.workers import Worker
from tiling.plane import Plane, city_epsg


@dataclass(frozen=True, slots=True)
class Cover:
    """An area that somebody belongs to: how many are on duty there without who is lent, and how many it takes."""

    area: str
    on_duty: int
    minimum: int


@dataclass(frozen=True, slots=True)
class Helper:
    """Somebody who is lent: from where, how far away in metres (None: unknown), and what is left behind there."""

    worker_id: int
    worker: str
    name: str
    role: str
    home_area: str
    distance_m: float | None
    leaves: tuple[Cover, ...]


@dataclass(frozen=True, slots=True)
class KeptBack:
    """Somebody who was nearer and is not taken: their area would fall below its minimum."""

    worker: str
    name: str
    short: Cover


@dataclass(frozen=True, slots=True)
class _Person:
    id: int
    number: str
    name: str
    role: str
    area: str
    grids: frozenset[str]
    away_m: float | None

    def belongs(self, code: str) -> bool:
        return belongs(self.area, self.grids, code)


class Reserve:
    """Everybody on duty at a moment, as seen from an area: `lend` takes one of them away from their own ground."""

    def __init__(self, session: Session, area: str, *, now: datetime, lent: frozenset[int], by: Actor) -> None:
        self.people = {one.number: one for one in _list_on_duty(session, area, now)}
        self._minimums = {code: people for code, (_, people) in list_minimums(session, "", by).items() if people > 0}
        self._gone = set(lent)
        self._area, self._by = area, by
        self._counts: dict[str, int] = defaultdict(int)
        self._codes: dict[int, list[str]] = {}
        for one in self.people.values():
            self._codes[one.id] = [code for code in self._minimums if one.belongs(code)]
            if one.id not in lent:
                for code in self._codes[one.id]:
                    self._counts[code] += 1

    def order(self) -> list[str]:
        """The numbers of those from elsewhere whom the caller may send, nearest first."""
        others = [
            one
            for one in self.people.values()
            if not one.belongs(self._area) and one.id not in self._gone and one.area.startswith(self._by.area)
        ]
        others.sort(key=lambda one: (one.away_m is None, one.away_m or 0.0, one.number))
        return [one.number for one in others]

    def find_short(self, number: str) -> Cover | None:
        """The first area that would fall below its minimum without this worker."""
        codes = self._codes[self.people[number].id]
        left = (Cover(code, self._counts[code] - 1, self._minimums[code]) for code in codes)
        return next((one for one in left if one.on_duty < one.minimum), None)

    def lend(self, number: str) -> None:
        """From now on they are missing where they belong."""
        one = self.people[number]
        self._gone.add(one.id)
        for code in self._codes[one.id]:
            self._counts[code] -= 1

    def tell(self, number: str) -> Helper:
        """What is told of somebody who is lent."""
        one = self.people[number]
        leaves = tuple(Cover(code, self._counts[code], self._minimums[code]) for code in self._codes[one.id])
        away = None if one.away_m is None else round(one.away_m)
        return Helper(one.id, one.number, one.name, one.role, one.area, away, leaves)


def _list_on_duty(session: Session, area: str, now: datetime) -> Sequence[_Person]:
    duty = duty_spans(now, now + MOMENT)
    found = (
        select(
            *(Worker.id, Worker.number, Worker.name, Worker.role, Worker.area),
            func.coalesce(Position.lon, ST_X(Worker.home)),
            func.coalesce(Position.lat, ST_Y(Worker.home)),
        )
        .outerjoin(Position, Position.worker_id == Worker.id)
        .where(Worker.active, Worker.id.in_(select(duty.c.worker_id)))
        .order_by(Worker.number)
    )
    served, centre = _list_served(session, now), find_centre(session, area, now)
    rows = session.execute(found).all()
    away_m = _metres(centre, [(row[5], row[6]) for row in rows])
    return [
        _Person(*row[:5], served.get(row[0], frozenset()), metres) for row, metres in zip(rows, away_m, strict=True)
    ]


def _list_served(session: Session, now: datetime) -> Mapping[int, frozenset[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    charges = select(Assignment.worker_id, Assignment.grid_code).where(Assignment.span.contains(now))
    for worker_id, code in session.execute(charges):
        found[worker_id].add(code)
    return {worker_id: frozenset(codes) for worker_id, codes in found.items()}


def find_centre(session: Session, area: str, now: datetime) -> tuple[float, float] | None:
    """A point inside an area or a grid in degrees WGS84; None for a code that nothing in force has."""
    for geom, condition in (
        (Area.geom, Area.code == area),
        (Grid.geom, (Grid.code == area) & Grid.plan_id.in_(select(Plan.id).where(is_in_force_at(now)))),
    ):
        inside = func.ST_PointOnSurface(geom)
        row = session.execute(select(ST_X(inside), ST_Y(inside)).where(condition, geom.is_not(None))).first()
        if row is not None:
            return float(row[0]), float(row[1])
    return None


def _metres(
    centre: tuple[float, float] | None, places: Sequence[tuple[float | None, float | None]]
) -> list[float | None]:
    """Metres from a place to each of these in the plane of its zone; None where either is not known."""
    away: list[float | None] = [None] * len(places)
    known = [at for at, (lon, lat) in enumerate(places) if lon is not None and lat is not None]
    if centre is None or not known:
        return away
    plane = Plane(city_epsg(*centre))
    x, y = plane.to_xy(*zip(*(places[at] for at in known), strict=True))
    x0, y0 = plane.point_xy(*centre)
    for at, metres in zip(known, np.hypot(x - x0, y - y0).tolist(), strict=True):
        away[at] = metres
    return away


def list_lent_spans(session: Session, since: datetime, until: datetime) -> list[Lent]:
    """Who is lent where at some moment of [since, until)."""
    found = select_lent_spans(Range(since, until, bounds="[)")).subquery()
    worker, area, begin, end = found.c
    rows = session.execute(select(Worker.number, area, begin, end).join(Worker, Worker.id == worker)).all()
    return [Lent(*row) for row in rows]


def list_lent(session: Session, *, now: datetime, but: str) -> frozenset[int]:
    """The ids of those who are lent to other areas at this moment."""
    rows = session.execute(select_lent_spans(Range(now, now + MOMENT, bounds="[)")))
    return frozenset(row[0] for row in rows if row[1] != but)
