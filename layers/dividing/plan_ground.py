"""The ground of a plan as a site: communities (or grids), the buildings on them, roads, water, and what stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from layers.buildings import Building
from layers.db import WGS84
from layers.dividing.asking import DivisionAsked
from layers.errors import NotFound, Unacceptable
from layers.grids import GridLevel
from layers.ground.roads import Road
from layers.ground.water import Water
from layers.households import Household, HouseholdClass
from layers.incidents.table import Incident
from layers.planning.report.counting import Houses, load_houses
from layers.planning.state.board import Board
from tiling.divide import Site, combine_weights, estimate_households, road_kind
from tiling.partition.shapes import dissolve

NEAR_M = 60.0
"""An incident belongs to the nearest building within so many metres: a street's width and a yard."""
YEAR = timedelta(days=365)
Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class PlanGround:
    """The site, which grids or sub-grids are divided anew (with their shapes), the buildings' households, and the
    places of the last year's incidents in metres."""

    site: Site
    replaced: Mapping[str, BaseGeometry]
    households: Floats
    incidents: Shapes


def load_ground(session: Session, board: Board, asked: DivisionAsked) -> PlanGround:
    """The ground of what is asked for. Raises NotFound for an area without grids, Unacceptable where all are kept."""
    units = units_in(board, asked)
    kept = {code for code in units if code in asked.keep or board.rows[code].locked or _is_dedicated(board, code)}
    missing = sorted(set(asked.keep) - units.keys())
    if missing:
        raise Unacceptable("no_such_grid", errors=[(["keep"], "no_such_grid")], grid=missing[0])
    areas = _areas(board, units)
    box = shapely.box(*board.plane.to_degrees(shapely.union_all(list(areas.values()))).bounds)
    houses = load_houses(session, box, codes=())
    shapes = np.asarray(board.plane.to_metres(houses.shapes), dtype=object)
    households, guessed = _households(session, houses, shapes)
    incidents = _incidents(session, board, box)
    lines, kinds = _roads(session, board, box)
    site = Site(
        areas=areas,
        buildings=shapes,
        weights=_weights(session, asked, houses, shapes, households, incidents),
        estimated=guessed,
        stairwells=houses.stairwells.astype(np.intp),
        lines=lines,
        kinds=kinds,
        water=_shapes(session, board, select(func.ST_AsBinary(Water.geom)).where(_lies_in_box(Water.geom, box))),
        locked={code: units[code] for code in sorted(kept)},
        today={} if asked.least_change is None else {c: s for c, s in units.items() if c not in kept},
        seeds=_offices(board, asked),
    )
    return PlanGround(site, {c: s for c, s in units.items() if c not in kept}, households, incidents)


def _offices(board: Board, asked: DivisionAsked) -> Shapes:
    places: Shapes = np.empty(len(asked.offices), dtype=object)
    places[:] = [shapely.Point(place) for place in asked.offices]
    return np.asarray(board.plane.to_metres(places), dtype=object)


def units_in(board: Board, asked: DivisionAsked) -> dict[str, BaseGeometry]:
    """The grids (or sub-grids) below the area that are tiles or made of tiles, with their shapes."""
    partition = board.partition
    if asked.area not in partition:
        raise NotFound("no_such_area", area=asked.area)
    found: dict[str, BaseGeometry] = {}
    for tile in partition.list_finest(asked.area):
        grid = board.grid_of(tile)
        code = tile if asked.level == GridLevel.sub_grid else grid
        if asked.level == GridLevel.sub_grid and code == grid and asked.area != grid:
            continue  # a grid without sub-grids is divided when it is asked for by itself
        shape = board.shape(code)
        if shape is not None and not shape.is_empty:
            found[code] = shape
    if not found:
        raise NotFound("no_such_area", area=asked.area)
    return found


def _is_dedicated(board: Board, code: str) -> bool:
    return board.rows[code].kind == "dedicated" and board.rows[code].level == GridLevel.grid


def mother_of(board: Board, code: str, level: str) -> str:
    """What a grid lies in: its community for a grid, its grid for a sub-grid (itself where it has none yet)."""
    row = board.rows[code]
    if level == GridLevel.sub_grid:
        return row.parent_code or code if row.level == GridLevel.sub_grid else code
    return row.parent_code or board.district


def _areas(board: Board, units: Mapping[str, BaseGeometry]) -> dict[str, BaseGeometry]:
    """The shapes of all that the units lie in: their own ring where the plan has one, else all their grids together."""
    sub = any(board.rows[code].level == GridLevel.sub_grid for code in units)
    level = GridLevel.sub_grid if sub else GridLevel.grid
    mothers = sorted({mother_of(board, code, level) for code in units})
    rings = board.partition.areas
    return {mother: rings[mother] if mother in rings else _dissolve_ground(board, mother) for mother in mothers}


def _dissolve_ground(board: Board, mother: str) -> BaseGeometry:
    partition = board.partition
    return dissolve(partition.polygons[partition.rows(partition.list_finest(mother))])


def _households(session: Session, houses: Houses, shapes: Shapes) -> tuple[Floats, NDArray[np.bool_]]:
    """Households a building, guessed for all of them where nobody counted any."""
    counted = houses.households.astype(float)
    if counted.sum() > 0 or not len(houses):
        return counted, np.zeros(len(houses), dtype=bool)
    rows = session.execute(select(Building.id, Building.floors).where(Building.id.in_(houses.ids.tolist())))
    floors = dict(rows.tuples().all())
    known = np.array([floors.get(int(id_)) or np.nan for id_ in houses.ids], dtype=float)
    return estimate_households(shapes, known), np.ones(len(houses), dtype=bool)


def _weights(
    session: Session, asked: DivisionAsked, houses: Houses, shapes: Shapes, households: Floats, incidents: Shapes
) -> Floats:
    factors = {name: factor for name, factor in asked.weights.items() if factor > 0}
    if set(factors) <= {"households"}:
        return households
    columns = {"households": households}
    if "incidents" in factors:
        columns["incidents"] = _count_per_building(shapes, incidents)
    if "lone_elders" in factors:
        columns["lone_elders"] = _count_lone_elders(session, houses)
    # Households come first, whatever their factor: a grid's weight is told in households.
    return combine_weights(columns, {"households": 0.0, **factors})


def _count_per_building(shapes: Shapes, places: Shapes) -> Floats:
    if not len(places) or not len(shapes):
        return np.zeros(len(shapes))
    tree = shapely.STRtree(shapes)
    _, building = tree.query_nearest(places, max_distance=NEAR_M, all_matches=False)
    return np.bincount(building, minlength=len(shapes)).astype(float)


def _count_lone_elders(session: Session, houses: Houses) -> Floats:
    lone = func.array_position(Household.classes, str(HouseholdClass.lone_elder)).is_not(None)
    per_building = (
        select(Household.building_id, func.count())
        .where(Household.building_id.in_(houses.ids.tolist()), lone)
        .group_by(Household.building_id)
    )
    counts = dict(session.execute(per_building).tuples().all())
    return np.array([counts.get(int(id_), 0) for id_ in houses.ids], dtype=float)


def _incidents(session: Session, board: Board, box: BaseGeometry) -> Shapes:
    """The places of the last year's incidents, counted from the latest one."""
    last = select(func.max(Incident.reported_at)).scalar_subquery()
    asked = select(func.ST_AsBinary(Incident.geom)).where(
        _lies_in_box(Incident.geom, box), Incident.reported_at > last - YEAR
    )
    return _shapes(session, board, asked.order_by(Incident.id))


def _roads(session: Session, board: Board, box: BaseGeometry) -> tuple[Shapes, NDArray[np.intp]]:
    asked = select(Road.road_class, func.ST_AsBinary(Road.geom)).where(_lies_in_box(Road.geom, box)).order_by(Road.id)
    rows = session.execute(asked).all()
    lines = _from_wkb([row[1] for row in rows], board)
    return lines, np.array([int(road_kind(row[0])) for row in rows], dtype=np.intp)


def _shapes(session: Session, board: Board, asked: Select[tuple[bytes]]) -> Shapes:
    return _from_wkb(list(session.scalars(asked)), board)


def _from_wkb(held: list[bytes], board: Board) -> Shapes:
    out = np.empty(len(held), dtype=object)
    out[:] = [shapely.from_wkb(bytes(wkb)) for wkb in held]
    return np.asarray(board.plane.to_metres(out), dtype=object)


def _lies_in_box(column: Any, box: BaseGeometry) -> ColumnElement[bool]:
    within: ColumnElement[bool] = column.op("&&")(func.ST_MakeEnvelope(*box.bounds, WGS84))
    return within
