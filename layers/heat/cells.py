"""Counts per cell: one grouped statement over the stored codes, folded up along the plan in force."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, Select, and_, func, select, text
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.categories import Category
from layers.errors import Unacceptable
from layers.grids import Grid
from layers.hazards import Hazard
from layers.incidents import Incident
from layers.plans import Plan, in_force_at
from tiling.binning import bin_points
from tiling.plane import Plane

CELLS = ("sub_grid", "grid", "community", "subdistrict", "250m", "500m")
PERS = ("count", "households", "change")
SQUARES_M = {"250m": 250.0, "500m": 500.0}


@dataclass(frozen=True)
class HeatQuestion:
    """What is asked: a layer, a place, a period, a category, a cell and a measure."""

    layer: str
    area: str
    since: datetime
    until: datetime
    category: str | None = None
    cell: str = "grid"
    per: str = "count"


@dataclass(frozen=True)
class Cell:
    """One cell's answer; `rate` is None where there is nothing to divide by, `shape` is in lon/lat degrees."""

    cell: str
    name: str
    n: int
    rate: float | None
    households: int
    shape: BaseGeometry | None = None


def count_cells(session: Session, asked: HeatQuestion, *, now: datetime) -> list[Cell]:
    """Every cell of the area with its count, zeros included, in the order of their codes.

    `rate` is the count per 1,000 households (`per="households"`) or the relative change to the period of the same
    length before (`per="change"`, None where that one was 0). Raises Unacceptable for an unknown category and for one
    that derives from residents.
    """
    if is_resident_derived(session, asked.category):
        raise Unacceptable("resident_period", errors=[(["month"], "resident_period")])
    if asked.cell in SQUARES_M:
        return _squares(session, asked)
    ladder = _Ladder.read(session, asked, now=now)
    counts = ladder.fold(_counts_by_code(session, asked))
    before: Mapping[str, int] = {}
    if asked.per == "change":
        earlier = replace(asked, since=asked.since - (asked.until - asked.since), until=asked.since)
        before = ladder.fold(_counts_by_code(session, earlier))
    return [ladder.cell(code, counts[code], asked=asked, before=before) for code in sorted(counts)]


def is_resident_derived(session: Session, code: str | None) -> bool:
    """Whether a category derives from residents; False for None. Raises Unacceptable for an unknown one."""
    category = None if code is None else session.get(Category, code)
    if code is not None and category is None:
        raise Unacceptable("unknown_category", errors=[(["category"], "unknown_category")], category=code[:60])
    return category is not None and category.resident_derived


def require_countable(session: Session, code: str) -> None:
    """Raise Unacceptable for an unknown category, and for one derived from residents: those are never exact."""
    if is_resident_derived(session, code):
        raise Unacceptable("category_of_residents", errors=[(["category"], "category_of_residents")], category=code)


def columns_of(layer: str) -> tuple[Any, ColumnElement[datetime], ColumnElement[Any]]:
    """The table of a layer, its moment and its code columns."""
    if layer == "hazards":
        return Hazard, Hazard.found_at.expression, Hazard.current_code.expression
    return Incident, Incident.reported_at.expression, Incident.current_code.expression


def asked_rows(asked: HeatQuestion) -> ColumnElement[bool]:
    """The condition on rows: period, area, and the category, or all categories that do not derive from residents."""
    table, moment, code = columns_of(asked.layer)
    conditions = [moment >= asked.since, moment < asked.until, func.starts_with(code, asked.area)]
    if asked.category is not None:
        conditions.append(table.category == asked.category)
    else:
        conditions.append(table.category.in_(select(Category.code).where(Category.resident_derived.is_(False))))
    return and_(*conditions)


def _counts_by_code(session: Session, asked: HeatQuestion) -> dict[str, int]:
    _, _, code = columns_of(asked.layer)
    statement: Select[Any] = select(code, func.count()).where(asked_rows(asked)).group_by(code)
    return {str(row[0]): int(row[1]) for row in session.execute(statement)}


@dataclass(frozen=True)
class _Ladder:
    """How the finest codes fold up to the asked cells, and what is known of each cell."""

    cell_of: Mapping[str, str]
    names: Mapping[str, str]
    shapes: Mapping[str, BaseGeometry]
    households: Mapping[str, int]
    parents: Mapping[str, str]

    @classmethod
    def read(cls, session: Session, asked: HeatQuestion, *, now: datetime) -> _Ladder:
        rows = session.execute(_grids_in_force(asked.area, now)).all()
        areas = session.execute(_areas_under(asked.area)).all()
        parents = {row.code: row.parent_code for row in (*rows, *areas)}
        level_of = {row.code: row.level for row in (*rows, *areas)}
        inner = {row.parent_code for row in rows if row.level == "sub_grid"}
        finest = [row for row in rows if row.code not in inner]
        cell_of = {row.code: _ancestor(row.code, asked.cell, level_of, parents) for row in (*rows, *areas)}
        if asked.cell == "sub_grid":
            cell_of = {row.code: row.code for row in finest}
        households: Counter[str] = Counter()
        for row in finest:
            households[cell_of.get(row.code) or ""] += row.households
        wanted = {code for code in cell_of.values() if code}
        shapes = _shapes([row for row in (*rows, *areas) if row.code in wanted], finest, cell_of)
        return cls(
            cell_of={code: cell for code, cell in cell_of.items() if cell},
            names={row.code: row.name for row in (*rows, *areas) if row.code in wanted},
            shapes=shapes,
            households=households,
            parents={code: parents.get(code) or "" for code in wanted},
        )

    def fold(self, counts: Mapping[str, int]) -> dict[str, int]:
        folded = dict.fromkeys(self.names, 0)
        for code, count in counts.items():
            cell = self.cell_of.get(code)
            if cell is not None:
                folded[cell] += count
        return folded

    def cell(self, code: str, n: int, *, asked: HeatQuestion, before: Mapping[str, int]) -> Cell:
        households = self.households.get(code, 0)
        rate: float | None = None
        if asked.per == "households" and households:
            rate = 1000.0 * n / households
        if asked.per == "change" and before.get(code):
            rate = n / before[code] - 1.0
        return Cell(code, self.names[code], n, rate, households, self.shapes.get(code))


def _ancestor(code: str, level: str, level_of: Mapping[str, str], parents: Mapping[str, str | None]) -> str | None:
    """The cell of the asked level that a code lies in, None above that level."""
    here: str | None = code
    while here is not None and level_of.get(here) != level:
        here = parents.get(here)
    return here


def _grids_in_force(area: str, now: datetime) -> Select[Any]:
    exclusive = Grid.exclusive.is_(True)
    return (
        select(
            Grid.code, Grid.name, Grid.level, Grid.parent_code, Grid.households, Grid.geom.ST_AsBinary().label("wkb")
        )
        .join(Plan, Plan.id == Grid.plan_id)
        .where(in_force_at(now), exclusive, func.starts_with(Grid.code, area))
    )


def _areas_under(area: str) -> Select[Any]:
    shape = Area.geom.ST_AsBinary().label("wkb")
    return select(Area.code, Area.name, Area.level, Area.parent_code, shape).where(func.starts_with(Area.code, area))


def _shapes(wanted: list[Any], finest: list[Any], cell_of: Mapping[str, str | None]) -> dict[str, BaseGeometry]:
    """Each cell's shape: its own ring, or the dissolve of its grids where the area has none."""
    shapes = {row.code: shapely.from_wkb(bytes(row.wkb)) for row in wanted if row.wkb is not None}
    parts: dict[str, list[Any]] = defaultdict(list)
    for row in finest:
        cell = cell_of.get(row.code)
        if cell is not None and cell not in shapes:
            parts[cell].append(shapely.from_wkb(bytes(row.wkb)))
    return shapes | {code: shapely.union_all(some) for code, some in parts.items()}


def _squares(session: Session, asked: HeatQuestion) -> list[Cell]:
    table, _, _ = columns_of(asked.layer)
    size_m = SQUARES_M[asked.cell]
    rows = session.execute(select(table.geom.ST_X(), table.geom.ST_Y()).where(asked_rows(asked))).all()
    epsg = session.scalar(
        select(Area.crs_epsg).where(Area.level == "district", func.starts_with(Area.code, asked.area[:6])).limit(1)
    )
    if not rows or epsg is None:
        return []
    plane = Plane(epsg)
    lonlat = np.array([(row[0], row[1]) for row in rows], dtype=float)
    x_m, y_m = plane.xy_of(lonlat[:, 0], lonlat[:, 1])
    found = bin_points(x_m, y_m, weights=np.ones(len(rows)), cell_m=size_m)
    shapes = plane.to_degrees(found.squares())
    return [
        Cell(f"{int(c)}_{int(r)}", "", int(n), None, 0, shape)
        for c, r, n, shape in zip(found.column, found.row, found.points, shapes, strict=True)
    ]


def count_by_day(session: Session, asked: HeatQuestion, zone: ZoneInfo) -> dict[str, int]:
    """Counts per city day (ISO date), days without any left out."""
    _, moment, _ = columns_of(asked.layer)
    day = func.date(func.timezone(zone.key, moment))
    statement = select(day, func.count()).where(asked_rows(asked)).group_by(day).order_by(text("1"))
    return {row[0].isoformat(): int(row[1]) for row in session.execute(statement)}


def count_by_category(session: Session, asked: HeatQuestion) -> dict[str, int]:
    """Counts per category that does not derive from residents, the largest first; of one where one is asked for."""
    table, _, _ = columns_of(asked.layer)
    statement = (
        select(table.category, func.count())
        .where(asked_rows(asked))
        .group_by(table.category)
        .order_by(func.count().desc(), table.category)
    )
    return {row[0]: int(row[1]) for row in session.execute(statement)}
