"""The chart: which code lies in which, which grids are sisters, and which duty desk answers where.

It changes only with a publication or an import of areas, so rosters pass it on from one to the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.grids import Grid, GridLevel
from layers.plans import Plan, is_in_force_at
from layers.standings import Place
from tiling.plane import Plane

# A code on its way up passes at most sub-grid, grid, community, subdistrict, district.
_MOST_STEPS = 8
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Desk:
    """A duty desk: the centre of an area that has a phone; `shape_m` is the area in metres, None without a boundary."""

    area: str
    level: str
    name: str
    phone: str
    epsg: int
    shape_m: BaseGeometry | None


@dataclass(frozen=True, slots=True)
class Chart:
    """The codes in force: `places` by code, `sisters` by grid code, the CRS by district, and all desks."""

    mark: tuple[Any, ...]
    places: Mapping[str, Place]
    sisters: Mapping[str, frozenset[str]]
    epsg: Mapping[str, int]
    desks: tuple[Desk, ...]

    @staticmethod
    def load(session: Session, at: datetime, *, previous: Chart | None = None) -> Chart:
        """The chart at a moment; the previous one itself where no plan and no area has changed since."""
        mark = _mark(session, at)
        if previous is not None and previous.mark == mark:
            return previous
        areas = session.execute(select(Area.code, Area.level, Area.parent_code, Area.crs_epsg)).all()
        grids = session.execute(_grids_in_force(at)).all()
        return Chart(
            mark=mark,
            places=_places(areas, grids),
            sisters=_sisters(grids),
            epsg={area.code: area.crs_epsg for area in areas if area.level == "district"},
            desks=tuple(_desks(session)),
        )

    def find_desk(self, place: Place, *, lon: float, lat: float) -> Desk | None:
        """The desk of the smallest area that holds the place, else the nearest desk in metres; None where none is."""
        by_area = {desk.area: desk for desk in self.desks}
        for code in (place.community, place.subdistrict, place.district):
            if code in by_area:
                return by_area[code]
        reachable = [desk for desk in self.desks if desk.shape_m is not None]
        places = {epsg: shapely.Point(Plane(epsg).point_xy(lon, lat)) for epsg in {desk.epsg for desk in reachable}}
        away_mm = {desk.area: round(shapely.distance(desk.shape_m, places[desk.epsg]) * 1000) for desk in reachable}
        return min(reachable, key=lambda desk: (away_mm[desk.area], -_depth(desk), desk.area), default=None)

    def desk_above(self, area: str | None) -> Desk | None:
        """The next desk on the way up from an area, that of the street or of the district; None at the top."""
        place = self.places.get(area or "", Place())
        above = [code for code in (place.subdistrict, place.district) if code and code != area]
        by_area = {desk.area: desk for desk in self.desks}
        return next((by_area[code] for code in above if code in by_area), None)


def _mark(session: Session, at: datetime) -> tuple[Any, ...]:
    """What changes when a plan comes into force or an area is written."""
    plans = session.scalars(select(Plan.id).where(is_in_force_at(at)).order_by(Plan.id)).all()
    areas = session.execute(select(func.count(), func.max(Area.updated_at)).select_from(Area)).one()
    return (*plans, *areas)


def _grids_in_force(at: datetime) -> Any:
    return (
        select(Plan.district, Grid.code, Grid.level, Grid.parent_code, Grid.exclusive, func.ST_AsBinary(Grid.geom))
        .join(Plan, Plan.id == Grid.plan_id)
        .where(is_in_force_at(at))
        .order_by(Grid.code)
    )


def _places(areas: Iterable[Any], grids: Iterable[Any]) -> dict[str, Place]:
    levels: dict[str, tuple[str, str | None]] = {area.code: (area.level, area.parent_code) for area in areas}
    # A grid without a community hangs below its district.
    levels |= {grid.code: (grid.level, grid.parent_code or grid.district) for grid in grids}
    return {code: _place(code, levels) for code in levels}


def _place(code: str, levels: Mapping[str, tuple[str, str | None]]) -> Place:
    found: dict[str, Any] = {}
    step: str | None = code
    for _ in range(_MOST_STEPS):
        if step is None or step not in levels:
            break
        level, parent = levels[step]
        found[level] = step
        step = parent
    return Place(**found)


def _sisters(grids: Iterable[Any]) -> dict[str, frozenset[str]]:
    """Grids of one parent that share an edge; borders match vertex for vertex, so equal edges are equal bytes."""
    tiles = [grid for grid in grids if grid.level == GridLevel.grid and grid.exclusive and grid.parent_code is not None]
    sisters: dict[str, set[str]] = defaultdict(set)
    for one, other in _edge_sharers(shapely.from_wkb([bytes(grid[5]) for grid in tiles])):
        if tiles[one].parent_code == tiles[other].parent_code:
            sisters[tiles[one].code].add(tiles[other].code)
            sisters[tiles[other].code].add(tiles[one].code)
    return {code: frozenset(others) for code, others in sisters.items()}


def _edge_sharers(polygons: Any) -> list[tuple[int, int]]:
    """Pairs of rows, the smaller first, of polygons that have an edge in common."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    same_ring = ring_of[1:] == ring_of[:-1]
    edges = np.hstack([xy[:-1], xy[1:]])[same_ring]
    backwards = (edges[:, 0] > edges[:, 2]) | ((edges[:, 0] == edges[:, 2]) & (edges[:, 1] > edges[:, 3]))
    edges[backwards] = edges[backwards][:, [2, 3, 0, 1]]
    order = np.argsort(_hash_edges(edges))
    ordered, owners = edges[order], owner[part_of][ring_of[:-1][same_ring]][order]
    equal = (ordered[1:] == ordered[:-1]).all(axis=1)
    these, those = owners[:-1][equal], owners[1:][equal]
    # Pairs as single numbers: sorting rows of two took half the time of all this, without letting anybody else run.
    pairs = np.minimum(these, those) * len(polygons) + np.maximum(these, those)
    found = np.unique(pairs[these != those])
    return [divmod(pair, len(polygons)) for pair in found.tolist()]


def _hash_edges(edges: NDArray[np.float64]) -> NDArray[np.uint64]:
    """One number for the bytes of each edge: a tenth of the time of sorting by four columns."""
    bits = np.ascontiguousarray(edges + 0.0).view(np.uint64)
    return np.asarray((bits * _ODD).sum(axis=1, dtype=np.uint64), dtype=np.uint64)


def _desks(session: Session) -> Iterable[Desk]:
    columns = select(Area.code, Area.level, Area.centre_name, Area.name, Area.duty_phone, func.ST_AsBinary(Area.geom))
    rows = session.execute(columns.where(Area.duty_phone.is_not(None)).order_by(Area.code)).all()
    chains = {area.code: area for area in session.execute(select(Area.code, Area.parent_code, Area.crs_epsg))}
    for row in rows:
        epsg = _get_epsg(row.code, chains)
        shape = None if row[5] is None else Plane(epsg).to_metres(shapely.from_wkb(bytes(row[5])))
        yield Desk(row.code, row.level, row.centre_name or row.name, row.duty_phone, epsg, shape)


def _get_epsg(code: str, chains: Mapping[str, Any]) -> int:
    area = chains[code]
    while area.crs_epsg is None:
        area = chains[area.parent_code]
    return int(area.crs_epsg)


def _depth(desk: Desk) -> int:
    return ("district", "subdistrict", "community").index(desk.level)
