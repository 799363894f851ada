"""Plans from the database onto the table, and back: the only place where planning reads and writes shapes.

Shapes are stored as lon/lat with nine decimals and worked on in metres on the lattice; the way there and back gives
the same bytes, and rows that nobody touched are not written at all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import BigInteger, Float, any_, bindparam, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary

from layers.areas import Area, AreaKind
from layers.db import CODE, WGS84
from layers.grids import Grid
from layers.planning.state.board import (
    COLUMNS,
    AreaRing,
    Board,
    GridRow,
    HouseholdTarget,
    Stamp,
    build,
    objects,
    to_multi,
    to_single,
)
from layers.planning.state.codes import names_of
from layers.plans import Plan, PlanArea
from tiling.plane import Plane

# [S9]: households per grid by kind of community, where the community names no number of its own.
USUAL_HOUSEHOLDS = {AreaKind.town: 30, AreaKind.village: 50}
HOUSEHOLDS_TOLERANCE = 0.2

Stored = tuple[GridRow, bytes]
"""A row and its shape as WKB in degrees, byte for byte as the table holds it."""


def stamp_of(plan: Plan) -> Stamp:
    """The state of a plan that a board belongs to."""
    return Stamp(plan.id, plan.version, plan.updated_at)


def load_board(session: Session, plan: Plan) -> Board:
    """The whole plan as it is stored now; about a tenth of a second for 3,000 grids."""
    session.flush()
    plane = Plane(get_epsg(session, plan.district))
    stored = read_rows(session, plan.id)
    areas = load_areas(session, plan.id, plane)
    return build(
        stamp_of(plan),
        plan.district,
        epsg=plane.epsg,
        rows=(row for row, _ in stored),
        shapes=shapes_of(stored, plane),
        frame=load_frame(session, plan.id, plane),
        areas=areas,
        targets=load_targets(session, [area.code for area in areas]),
        names=names_of(session, plan.district),
    )


def get_epsg(session: Session, district: str) -> int:
    """The city's metric CRS."""
    epsg = session.scalar(select(Area.crs_epsg).where(Area.code == district))
    assert epsg is not None, "the database demands that districts name their CRS"
    return epsg


def read_rows(session: Session, plan_id: int, *, codes: Collection[str] | None = None) -> list[Stored]:
    """The stored rows of a plan, all or those of some codes, sorted by code."""
    asked: dict[str, Any] = {"of": plan_id} if codes is None else {"of": plan_id, "codes": list(codes)}
    rows = session.connection().execute(_ALL_ROWS if codes is None else _ROWS, asked)
    return [(GridRow(*tuple(row)[:-1]), bytes(row[-1])) for row in rows]


# Made once: every edit asks for rows, and to put a statement together takes as long as to run it.
_ROW = (*COLUMNS, func.ST_AsBinary(Grid.geom))
_ALL_ROWS = select(*_ROW).where(Grid.plan_id == bindparam("of")).order_by(Grid.code)
# The plan's number through a query of its own, which the planner does not look into: of a draft that was made a minute
# ago it knows no rows yet, would expect one, and read all 3,000 to find two.
_PLAN = select(bindparam("of", type_=BigInteger)).scalar_subquery()
_ROWS = (
    select(*_ROW)
    .where(Grid.plan_id == _PLAN, Grid.code == any_(bindparam("codes", type_=ARRAY(CODE))))
    .order_by(Grid.code)
)


def shapes_of(stored: Sequence[Stored], plane: Plane) -> dict[str, BaseGeometry | None]:
    """The shapes of stored rows in metres by code; None where a draft holds an empty one."""
    shapes = to_metres(objects(wkb for _, wkb in stored), plane)
    return {row.code: shape for (row, _), shape in zip(stored, shapes, strict=True)}


def to_metres(wkb: Any, plane: Plane) -> Any:
    """WKB in degrees as shapes in metres, Polygons where they have one part, None where they are empty."""
    shapes = to_single(objects(shapely.from_wkb(wkb)))
    shapes[shapely.is_empty(shapes)] = None
    return plane.to_metres(shapes)


def to_degrees(shapes: Iterable[BaseGeometry | None], plane: Plane) -> list[bytes]:
    """Shapes in metres as WKB of MultiPolygons in degrees with nine decimals."""
    degrees = plane.to_degrees(to_multi(objects(shapes)))
    return [bytes(wkb) for wkb in shapely.to_wkb(degrees)]


def load_frame(session: Session, plan_id: int, plane: Plane) -> BaseGeometry | None:
    """The plan's own copy of the frame in metres, or None."""
    wkb = session.scalar(select(func.ST_AsBinary(Plan.frame)).where(Plan.id == plan_id))
    return None if wkb is None else to_metres(objects([wkb]), plane)[0]


def load_areas(session: Session, plan_id: int, plane: Plane) -> list[AreaRing]:
    """The plan's own copies of the area rings, in metres."""
    columns = (PlanArea.code, PlanArea.level, PlanArea.name, PlanArea.parent_code, func.ST_AsBinary(PlanArea.geom))
    rows = session.execute(select(*columns).where(PlanArea.plan_id == plan_id).order_by(PlanArea.code)).all()
    rings = to_metres(objects(row[4] for row in rows), plane) if rows else []
    return [AreaRing(row[0], row[1], row[2], row[3], ring) for row, ring in zip(rows, rings, strict=True)]


def load_targets(session: Session, codes: Collection[str]) -> dict[str, HouseholdTarget]:
    """How many households a grid of each of these areas should hold, where anybody has said so."""
    statement = select(Area.code, Area.households_target, Area.kind).where(Area.code.in_(list(codes)))
    wanted = {
        code: target or (USUAL_HOUSEHOLDS.get(AreaKind(kind)) if kind else None)
        for code, target, kind in session.execute(statement)
    }
    return {code: _build_target(number) for code, number in wanted.items() if number}


def _build_target(number: int) -> HouseholdTarget:
    return HouseholdTarget(
        number, round(number * (1 - HOUSEHOLDS_TOLERANCE)), round(number * (1 + HOUSEHOLDS_TOLERANCE))
    )


def write_rows(session: Session, plan_id: int, rows: Mapping[str, Stored | None]) -> None:
    """Store these rows over those of the same codes; None takes the row away."""
    gone = [code for code, stored in rows.items() if stored is None]
    if gone:
        session.execute(delete(Grid).where(Grid.plan_id == plan_id, Grid.code.in_(gone)))
    values = [_values(plan_id, *stored) for stored in rows.values() if stored is not None]
    if values:
        session.connection().execute(_UPSERT, values)


def store_counts(session: Session, plan_id: int, rows: Iterable[GridRow]) -> None:
    """Store the numbers and areas of these rows; their shapes are not written."""
    values = [
        {"plan": plan_id, "of": row.code, "homes": row.households, "blocks": row.buildings, "size": row.area_m2}
        for row in rows
    ]
    if not values:
        return
    statement = update(Grid).where(Grid.plan_id == bindparam("plan"), Grid.code == bindparam("of"))
    fresh: dict[str, Any] = {"households": "homes", "buildings": "blocks", "area_m2": "size"}
    statement = statement.values({column: bindparam(name) for column, name in fresh.items()})
    session.connection().execute(statement, values)


def _values(plan_id: int, row: GridRow, wkb: bytes) -> dict[str, Any]:
    return {"plan_id": plan_id, "wkb": wkb, **{column.key: getattr(row, column.key) for column in COLUMNS}}


def _build_upsert() -> Any:
    shape = func.ST_GeomFromWKB(bindparam("wkb", type_=LargeBinary), WGS84)
    columns: dict[str, Any] = {column.key: bindparam(column.key) for column in COLUMNS}
    statement = insert(Grid).values(plan_id=bindparam("plan_id"), geom=shape, **columns)
    fresh = {column.key: statement.excluded[column.key] for column in COLUMNS if column.key != "code"}
    return statement.on_conflict_do_update(
        index_elements=["plan_id", "code"], set_={**fresh, "geom": statement.excluded.geom}
    )


_UPSERT = _build_upsert()


def read_area_names(session: Session, plan_id: int) -> dict[str, str]:
    """What the areas of a plan are called, by code."""
    rows = session.execute(select(PlanArea.code, PlanArea.name).where(PlanArea.plan_id == plan_id))
    return {code: name for code, name in rows}  # noqa: C416 - rows are not pairs to the type checker


def read_rings(session: Session, plan_id: int, *, codes: Collection[str] | None = None) -> dict[str, bytes]:
    """The WKB of the area rings of a plan, all or those of some codes."""
    if codes is not None and not codes:
        return {}
    statement = select(PlanArea.code, func.ST_AsBinary(PlanArea.geom)).where(
        PlanArea.plan_id == plan_id, PlanArea.geom.is_not(None)
    )
    if codes is not None:
        statement = statement.where(PlanArea.code.in_(list(codes)))
    return {code: bytes(wkb) for code, wkb in session.execute(statement)}


def write_rings(session: Session, plan_id: int, rings: Mapping[str, bytes]) -> None:
    """Store area rings that an edit put a node into."""
    for code, wkb in rings.items():
        shape = func.ST_GeomFromWKB(wkb, WGS84)
        session.execute(update(PlanArea).where(PlanArea.plan_id == plan_id, PlanArea.code == code).values(geom=shape))


def read_frame(session: Session, plan_id: int) -> bytes | None:
    """The WKB of a plan's frame."""
    wkb = session.scalar(select(func.ST_AsBinary(Plan.frame)).where(Plan.id == plan_id))
    return None if wkb is None else bytes(wkb)


def write_frame(session: Session, plan_id: int, wkb: bytes) -> None:
    """Store the frame of a plan that an edit put a node into."""
    session.execute(update(Plan).where(Plan.id == plan_id).values(frame=func.ST_GeomFromWKB(wkb, WGS84)))


def box_of(session: Session, plan_id: int) -> tuple[float, float, float, float] | None:
    """West, south, east, north in degrees of everything in a plan, None where there is nothing."""
    extent = select(func.ST_Extent(Grid.geom).label("box")).where(Grid.plan_id == plan_id).subquery()
    sides = [cast(getattr(func, name)(extent.c.box), Float) for name in ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax")]
    west, south, east, north = session.execute(select(*sides)).one()
    return None if west is None else (west, south, east, north)
