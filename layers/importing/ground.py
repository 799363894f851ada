"""Buildings, compounds, roads and water: shapes with a few words, written in bulk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.buildings import Building, Compound
from layers.db import Base
from layers.importing import bulk
from layers.importing.reading import LINES, POLYGONS, Identities, Sheet, as_multi, parsed, refuse_faulty
from layers.importing.report import ImportReport
from layers.importing.values import real, whole
from layers.roads import Road
from layers.water import Water

KEYS = ("source", "external_id")
# No building is higher than a kilometre or holds as many households as a town.
MOST_HEIGHT_M = 1000.0
MOST_FLOORS = 200
MOST_HOUSEHOLDS = 20_000


@dataclass(frozen=True)
class Kind:
    """How one layer of ground is stored: its table, its columns besides id and shape, and how a row fills them."""

    model: type[Base]
    shapes: tuple[str, ...]
    fields: tuple[str, ...]
    values: Callable[[Sheet, int], tuple[Any, ...]]


def store_ground(session: Session, sheet: Sheet) -> ImportReport:
    """The report of buildings, compounds, roads or water, added or written over those of the same source and id.

    The district of a row is the one asked for, else the smallest code of those whose boundary covers the row's inner
    point. Invalid shapes are refused, never mended. About 6 s for 50,000 buildings.
    """
    kind = KINDS[sheet.gathering.layer]
    refuse_faulty(sheet, kinds=kind.shapes)
    columns = ["source", "external_id", "district", *kind.fields, "geom"]
    with_point = kind.model is Building
    if with_point:
        columns.append("inner_point")
    identities = Identities(sheet, *kind.fields)

    def copied(row: int) -> tuple[Any, ...]:
        shape = sheet.shape(row)
        assert shape is not None, "rows without a shape were refused"
        point = (bulk.hexed(inner_point(shape)),) if with_point else ()
        start = (row, sheet.source, identities.of(row), sheet.options.district)
        return (*start, *kind.values(sheet, row), bulk.hexed(as_multi(shape)), *point)

    with bulk.staged(session, kind.model, columns) as table:
        bulk.fill(session, table, (values for _, values in parsed(sheet, copied)))
        for row, reason in bulk.take_invalid(session, table):
            sheet.gathering.refuse(row, "invalid_geometry", detail=reason, where=sheet.shape(row))
        if sheet.options.district is None:
            _find_districts(session, table)
        sheet.progress("storing", 1.0)
        written = bulk.upsert(session, kind.model, table, keys=KEYS, kept=_unsaid(sheet, kind))
    return sheet.gathering.report(read=len(sheet), stored=written.stored, changed=written.changed)


def _unsaid(sheet: Sheet, kind: Kind) -> set[str]:
    """The fields of which the file says nothing: what is known of them from elsewhere stays."""
    said = set(sheet.columns.names)
    if said & {"street", "housenumber"}:
        said.add("address")
    return set(kind.fields) - said


def inner_point(shape: Any) -> shapely.Point:
    """The point by which a building belongs to a grid ([S7]), rounded as all positions are stored."""
    point = shapely.point_on_surface(shape)
    return shapely.Point(np.round([point.x, point.y], 9))


def _find_districts(session: Session, table: Table) -> None:
    inner = func.ST_PointOnSurface(table.c.geom)
    holding = (
        select(func.min(Area.code))
        .where(Area.level == "district", Area.geom.is_not(None), func.ST_Covers(Area.geom, inner))
        .scalar_subquery()
    )
    session.execute(update(table).values(district=holding))


def _building(sheet: Sheet, row: int) -> tuple[Any, ...]:
    street = " ".join(filter(None, (sheet.text("housenumber", row), sheet.text("street", row))))
    return (
        sheet.text("name", row) or "",
        sheet.text("address", row) or street,
        sheet.text("kind", row) or "building",
        whole(sheet.text("floors", row), most=MOST_FLOORS),
        real(sheet.text("height_m", row), least=0.0, most=MOST_HEIGHT_M),
        whole(sheet.text("stairwells", row), most=MOST_HOUSEHOLDS) or 0,
        whole(sheet.text("households", row), most=MOST_HOUSEHOLDS) or 0,
        sheet.text("grid_override", row),
    )


def _compound(sheet: Sheet, row: int) -> tuple[Any, ...]:
    return (sheet.text("name", row) or "", sheet.text("kind", row) or "town")


def _road(sheet: Sheet, row: int) -> tuple[Any, ...]:
    return (sheet.text("name", row) or "", sheet.text("road_class", row) or "unclassified")


def _water(sheet: Sheet, row: int) -> tuple[Any, ...]:
    return (sheet.text("name", row) or "", sheet.text("kind", row) or "water")


_BUILDING_FIELDS = ("name", "address", "kind", "floors", "height_m", "stairwells", "households", "grid_override")
KINDS = {
    "buildings": Kind(Building, POLYGONS, _BUILDING_FIELDS, _building),
    "compounds": Kind(Compound, POLYGONS, ("name", "kind"), _compound),
    "roads": Kind(Road, LINES, ("name", "road_class"), _road),
    "water": Kind(Water, POLYGONS, ("name", "kind"), _water),
}
