"""New drafts: from the published plan, from any other plan, from nothing, or from a file's polygons ([P1])."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, func, insert, literal, select, update
from sqlalchemy import column as bare
from sqlalchemy.orm import Session

from layers import history
from layers.access import Actor, require_area
from layers.areas import Area, AreaLevel
from layers.db import WGS84, copy_rows
from layers.errors import Conflict, NotFound, Unacceptable
from layers.grids import Grid, GridKind, GridLevel
from layers.planning.life.carrying import Below, Carried, carry_over
from layers.planning.life.framing import FrameOfGrids, frames_around, put_on_plane
from layers.planning.report.draft_report import Review, review_all
from layers.planning.state import codes
from layers.planning.state.board import COLUMNS, AreaRing, Board, GridRow, build, objects, to_multi, to_single
from layers.planning.state.loading import load_targets, stamp_of, to_degrees
from layers.plans import Plan, PlanArea, PlanState, find_latest, get_plan
from layers.successors import Successor
from tiling.plane import Plane

BasedOn = Literal["published"] | int | None
# In degrees; "union" is that of the polygons of this district alone; None is the district's stored boundary.
Frame = BaseGeometry | FrameOfGrids | Literal["union"] | None


@dataclass(frozen=True, kw_only=True)
class ImportedGrid:
    """One grid of a file: its polygon in WGS84 degrees may be None, empty or invalid, and is stored as it is."""

    code: str
    name: str
    polygon: BaseGeometry | None
    parent: str | None = None
    level: GridLevel = GridLevel.grid
    kind: GridKind = GridKind.base
    exclusive: bool = True
    group: str | None = None
    parts_allowed: bool = False


def create(session: Session, district: str, *, based_on: BasedOn, by: Actor, title: str = "") -> Plan:
    """A new draft with the grids of the plan it is based on; with None, the frame and area rings only.

    Whatever its content came from, a draft stands on the latest published plan of its district, so that an archived
    plan can be restored. A copy of a plan that was never in force stands where that one stands, and goes on with its
    editors, who may not publish their own work in a copy either, and with the successors that were decided for it;
    those of a plan that was in force have taken effect. Raises NotFound and Forbidden.
    """
    get_district(session, district, by=by)
    latest = find_latest(session, district)
    source = _source(session, district, based_on, latest, by)
    base = source.based_on if source is not None and source.plan_version is None else getattr(latest, "id", None)
    plan = _add_plan(session, district, title=title, based_on=base, by=by)
    if source is not None:
        _copy(session, source, plan)
        if source.plan_version is None:
            _carry_on(session, source, plan)
    else:
        plane, rings = _read_official(session, district)
        _write_frame(session, plan, _read_official_frame(session, district, plane), plane=plane)
        _write_areas(session, plan, rings, plane)
    history.note(session, "plan.create", subject=f"plan:{plan.id}", area=district, by=by, based_on=based_on)
    return plan


@dataclass(frozen=True)
class ImportedPlan:
    """A draft made of a file with its report, and what became of sub-grids and overlays in force that the file does not
    hold."""

    plan: Plan
    carried: Carried
    report: Mapping[str, Any]


def import_draft(
    session: Session,
    district: str,
    *,
    rows: Iterable[ImportedGrid],
    frame: Frame,
    by: Actor,
    title: str = "",
) -> Plan:
    """A new draft of a file's polygons and of nothing else; see `import_over`."""
    return import_over(session, district, rows=rows, frame=frame, below="none", by=by, title=title).plan


def import_over(
    session: Session,
    district: str,
    *,
    rows: Iterable[ImportedGrid],
    frame: Frame,
    below: Below,
    by: Actor,
    title: str = "",
) -> ImportedPlan:
    """A new draft from a file's polygons, with its report; nothing is repaired, imperfect shapes are stored as such.

    `frame` in degrees, one of `frames_around` where a file holds several districts, "union" for the outline of these
    polygons, None for the district's stored boundary. What an outline encloses without a polygon is a gap, unless it is
    a neighbour's or a person says that it is outside (by a repair). Edges over 200 m get points, the same from either
    end. With `below="keep"` sub-grids and overlays in force come along where the file has none. Raises Conflict for a
    code given twice and Unacceptable where there is no frame, or no ground for one. About 1 s for 1,000 grids.
    """
    get_district(session, district, by=by)
    imported = list(rows)
    _refuse_twins(imported)
    latest = find_latest(session, district)
    plan = _add_plan(session, district, title=title, based_on=getattr(latest, "id", None), by=by)
    if by.kind != "service":
        plan.editors = [by.name]
        session.flush()
    plan.frame_from = "grids" if isinstance(frame, str | FrameOfGrids) else "given"
    board, carried = _board_of(session, plan, imported, frame), Carried()
    if below == "keep":
        board, carried = carry_over(session, plan, board)
    review = review_all(session, board)
    _store_import(session, plan, review)
    codes.record_plan(session, district, plan_id=plan.id, origin="import")
    history.note(session, "plan.import", subject=f"plan:{plan.id}", area=district, by=by, grids=len(imported))
    return ImportedPlan(plan, carried, review.report.as_json(review.board))


def get_district(session: Session, district: str, *, by: Actor) -> Area:
    """The district; raises NotFound where there is none, Forbidden where it is foreign to the actor."""
    area = session.get(Area, district)
    if area is None or area.level != AreaLevel.district:
        raise NotFound("no_such_district", district=district)
    require_area(by, district)
    return area


def _source(session: Session, district: str, based_on: BasedOn, latest: Plan | None, by: Actor) -> Plan | None:
    if based_on is None:
        return None
    if based_on == "published":
        if latest is None:
            raise NotFound("nothing_published", district=district)
        return latest
    source = get_plan(session, based_on, by=by)
    if source.district != district:
        raise NotFound("no_such_plan", plan=based_on)
    return source


def _add_plan(session: Session, district: str, *, title: str, based_on: int | None, by: Actor) -> Plan:
    plan = Plan(district=district, title=title, state=PlanState.draft, based_on=based_on, created_by=by.name, version=1)
    session.add(plan)
    session.flush()
    return plan


def _copy(session: Session, source: Plan, plan: Plan) -> None:
    """All rows of a plan under another plan's number, inside the database."""
    grid_columns = [column for column in Grid.__table__.columns if column.name != "plan_id"]
    area_columns = [column for column in PlanArea.__table__.columns if column.name != "plan_id"]
    tables: list[tuple[Any, list[Any]]] = [(Grid, grid_columns), (PlanArea, area_columns)]
    for table, columns in tables:
        # Shapes are copied as they are: through the type's own column expression they would travel as EWKB and back.
        told: list[ColumnElement[Any]] = [literal(plan.id), *(bare(column.name) for column in columns)]
        rows = select(*told).select_from(table)
        statement = insert(table).from_select(
            ["plan_id", *(column.name for column in columns)], rows.where(table.plan_id == source.id)
        )
        session.execute(statement)
    frame = select(bare("frame")).select_from(Plan).where(Plan.id == source.id).scalar_subquery()
    report = select(Plan.report).where(Plan.id == source.id).scalar_subquery()
    values = {"frame": frame, "report": report, "frame_from": source.frame_from}
    session.execute(update(Plan).where(Plan.id == plan.id).values(values))
    session.refresh(plan)


def _carry_on(session: Session, source: Plan, plan: Plan) -> None:
    """Who drew a plan, and whom a person decided to put in charge: both hold for a copy of it."""
    plan.editors = list(source.editors)
    columns = ["grid_code", "worker_id", "role", "origin"]
    decided = select(literal(plan.id), *(getattr(Successor, name) for name in columns)).where(
        Successor.plan_id == source.id, Successor.origin == "decided"
    )
    session.execute(insert(Successor).from_select(["plan_id", *columns], decided))
    session.flush()


def _refuse_twins(imported: Sequence[ImportedGrid]) -> None:
    seen: set[str] = set()
    for row in imported:
        if row.code in seen:
            raise Conflict("code_twice", grid=row.code)
        seen.add(row.code)


def _board_of(session: Session, plan: Plan, imported: Sequence[ImportedGrid], frame: Frame) -> Board:
    plane, rings = _read_official(session, plan.district)
    shapes = to_single(put_on_plane(objects(row.polygon for row in imported), plane))
    targets = load_targets(session, [ring.code for ring in rings])
    return build(
        stamp_of(plan),
        plan.district,
        epsg=plane.epsg,
        rows=(_row(one, shape) for one, shape in zip(imported, shapes, strict=True)),
        shapes={one.code: shape for one, shape in zip(imported, shapes, strict=True)},
        frame=_frame_of(session, plan.district, plane, imported, frame),
        areas=rings,
        targets=targets,
    )


def _row(one: ImportedGrid, shape: BaseGeometry | None) -> GridRow:
    return GridRow(
        code=one.code,
        level=one.level,
        parent_code=one.parent,
        name=one.name,
        kind=one.kind,
        exclusive=one.exclusive,
        group_name=one.group,
        parts_allowed=one.parts_allowed,
        area_m2=0.0 if shape is None else round(float(shape.area), 3),
    )


def _frame_of(
    session: Session, district: str, plane: Plane, imported: Sequence[ImportedGrid], frame: Frame
) -> BaseGeometry:
    if frame == "union":
        frame = frames_around(session, {district: [one.polygon for one in imported]}).get(district)
        if frame is None:
            raise Unacceptable("no_ground", district=district)
    if isinstance(frame, FrameOfGrids):
        frame = frame.shape
    if frame is not None:
        return to_single(put_on_plane(objects([frame]), plane))[0]  # type: ignore[no-any-return]
    official = _read_official_frame(session, district, plane)
    if official is None:
        raise Unacceptable("no_frame", district=district)
    return official


def _read_official(session: Session, district: str) -> tuple[Plane, list[AreaRing]]:
    """The plane of a district and its official area rings in metres."""
    area = session.get_one(Area, district)
    assert area.crs_epsg is not None, "the database demands that districts name their CRS"
    plane = Plane(area.crs_epsg)
    columns = (Area.code, Area.level, Area.name, Area.parent_code, func.ST_AsBinary(Area.geom))
    # By the chain of parents: foreign codes of areas need not carry the district's prefix.
    below = select(Area.code).where(Area.parent_code == district).cte("below", recursive=True)
    below = below.union_all(select(Area.code).where(Area.parent_code == below.c.code))
    inner = select(*columns).where(Area.code.in_(select(below.c.code))).order_by(Area.code)
    rows = session.execute(inner).all()
    shapes: Any = (
        to_single(put_on_plane(objects(shapely.from_wkb(objects(row[4] for row in rows))), plane)) if rows else []
    )
    return plane, [AreaRing(row[0], row[1], row[2], row[3], ring) for row, ring in zip(rows, shapes, strict=True)]


def _read_official_frame(session: Session, district: str, plane: Plane) -> BaseGeometry | None:
    wkb = session.scalar(select(func.ST_AsBinary(Area.geom)).where(Area.code == district))
    if wkb is None:
        return None
    return to_single(put_on_plane(objects([shapely.from_wkb(wkb)]), plane))[0]  # type: ignore[no-any-return]


def _store_import(session: Session, plan: Plan, review: Review) -> None:
    board = review.board
    degrees = board.plane.to_degrees(to_multi(objects(board.shape(code) for code in board.rows)))
    sound = (shapely.is_valid(degrees) & ~shapely.is_empty(degrees)).tolist()
    rows = [replace(row, imperfect=not good) for row, good in zip(board.rows.values(), sound, strict=True)]
    _write_frame(session, plan, board.partition.frame, plane=board.plane)
    _write_areas(session, plan, list(board.areas.values()), board.plane)
    copy_rows(session, "grids", columns=_COPIED, rows=_copy_rows(plan.id, rows, degrees))
    plan.report = {"version": plan.version, "ok": review.report.ok, "summary": review.report.summary(board)}
    session.flush()


_COPIED = ["plan_id", *(column.key for column in COLUMNS), "geom"]


def _copy_rows(plan_id: int, rows: Sequence[GridRow], degrees: Any) -> Iterator[tuple[Any, ...]]:
    ewkb = shapely.to_wkb(shapely.set_srid(degrees, WGS84), hex=True, include_srid=True)
    for row, shape in zip(rows, ewkb.tolist(), strict=True):
        yield (plan_id, *(getattr(row, column.key) for column in COLUMNS), shape)


def _write_frame(session: Session, plan: Plan, frame: BaseGeometry | None, *, plane: Plane) -> None:
    if frame is not None:
        wkb = to_degrees([frame], plane)[0]
        session.execute(update(Plan).where(Plan.id == plan.id).values(frame=func.ST_GeomFromWKB(wkb, WGS84)))


def _write_areas(session: Session, plan: Plan, rings: Sequence[AreaRing], plane: Plane) -> None:
    for ring in rings:
        shape = None if ring.ring is None else func.ST_GeomFromWKB(to_degrees([ring.ring], plane)[0], WGS84)
        values = {"code": ring.code, "level": ring.level, "name": ring.name, "parent_code": ring.parent_code}
        session.execute(insert(PlanArea).values(plan_id=plan.id, geom=shape, **values))
