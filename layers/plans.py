"""Plans: a complete set of grids of one district, from draft to archive ([P1]).

`version` counts a draft's edits, `plan_version` the district's publications. A plan keeps its own copy of the frame and
of the area rings ([S2]). The database itself refuses two plans of one district in force at one moment.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Select,
    UniqueConstraint,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, Session, defer, mapped_column
from sqlalchemy.types import LargeBinary, Text

from layers.access import Actor
from layers.db import Base, code_column, geometry_column, id_column, now_column
from layers.errors import Forbidden, NotFound, Outdated


class PlanState(enum.StrEnum):
    """The life of a plan."""

    draft = "draft"
    submitted = "submitted"
    published = "published"
    archived = "archived"


class Plan(Base):
    """One plan of one district."""

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("state IN ('draft','submitted','published','archived')", name="state"),
        CheckConstraint("frame_from IN ('given','grids')", name="frame_from"),
        CheckConstraint(
            "(state <> 'published' OR plan_version IS NOT NULL) "
            "AND (plan_version IS NULL OR state IN ('published','archived'))",
            name="publications_are_numbered",
        ),
        CheckConstraint(
            "in_force IS NULL OR (lower_inc(in_force) AND NOT upper_inc(in_force) AND NOT isempty(in_force))",
            name="in_force_is_half_open",
        ),
        UniqueConstraint("district", "plan_version"),
        ExcludeConstraint(("district", "="), ("in_force", "&&"), name="one_plan_in_force", using="gist"),
        Index("ix_plans_district_state", "district", "state"),
    )

    id: Mapped[int] = id_column()
    district: Mapped[str] = mapped_column(ForeignKey("areas.code"))
    title: Mapped[str] = mapped_column(server_default="")
    state: Mapped[str]
    version: Mapped[int] = mapped_column(server_default="1")
    plan_version: Mapped[int | None]
    based_on: Mapped[int | None] = mapped_column(ForeignKey("plans.id"))
    frame: Mapped[Any | None] = geometry_column("MULTIPOLYGON", nullable=True)
    # A frame that was made of a file's own grids follows them when a repair matches their borders.
    frame_from: Mapped[str] = mapped_column(server_default="given")
    report: Mapped[dict[str, Any] | None]
    certificate: Mapped[dict[str, Any] | None]
    acknowledged: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    editors: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    returned_reason: Mapped[str | None]
    # What a rebase left out and somebody means to draw again: {code: {"name", "geometry"}}.
    to_redo: Mapped[dict[str, Any] | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime] = now_column()
    updated_at: Mapped[datetime] = now_column()
    submitted_by: Mapped[str | None]
    submitted_at: Mapped[datetime | None]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]
    in_force: Mapped[Range[datetime] | None] = mapped_column(TSTZRANGE)


class PlanArea(Base):
    """A plan's own copy of one area's ring ([S2]): edits put nodes into it, the official boundary stays as it is."""

    __tablename__ = "plan_areas"
    __table_args__ = (CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name="geom_is_valid"),)

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = code_column(primary_key=True)
    level: Mapped[str]
    name: Mapped[str]
    parent_code: Mapped[str | None] = code_column(nullable=True)
    geom: Mapped[Any | None] = geometry_column("MULTIPOLYGON", nullable=True, spatial_index=False)


class PlanEdit(Base):
    """One step of a draft's linear history ([P3]): what it was, whose, and the rows before and after it."""

    __tablename__ = "plan_edits"
    __table_args__ = (UniqueConstraint("plan_id", "seq"),)

    id: Mapped[int] = id_column()
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"))
    seq: Mapped[int]
    version: Mapped[int]
    op: Mapped[dict[str, Any]]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    undone: Mapped[bool] = mapped_column(server_default="false")
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


class Lineage(Base):
    """Where a code came from ([S8]): a code once given stays with its lineage for ever."""

    __tablename__ = "code_lineage"

    district: Mapped[str] = code_column(primary_key=True)
    code: Mapped[str] = code_column(primary_key=True)
    origin: Mapped[str] = mapped_column(server_default="first")
    ancestors: Mapped[list[str]] = mapped_column(ARRAY(Text(collation="C")), server_default=text("'{}'"))
    plan_id: Mapped[int | None]
    at: Mapped[datetime] = now_column()


class Publication(Base):
    """The version table that every process polls ([L7]): `index_version` grows with each publication anywhere."""

    __tablename__ = "publications"
    # [C6] by sense: a publication of the year 10000 kept every process on the state before it.
    __table_args__ = (CheckConstraint("effective_at <= at + interval '732 days'", name="effective_within_two_years"),)

    index_version: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    district: Mapped[str] = code_column()
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    plan_version: Mapped[int]
    effective_at: Mapped[datetime]
    snapshot: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime] = now_column()


def get_plan(session: Session, plan_id: int, *, by: Actor) -> Plan:
    """The plan, without its frame; raises NotFound where there is none or it lies outside the actor's area."""
    plan = session.scalar(_select_light().where(Plan.id == plan_id))
    if plan is None or not reaches(by, plan.district):
        raise NotFound("no_such_plan", plan=plan_id)
    return plan


def find_locked(session: Session, plan_id: int) -> Plan | None:
    """The plan, its row locked until the transaction ends: the one lock under which a plan changes."""
    return session.scalar(_LOCKED, {"of": plan_id})


def lock_plan(session: Session, plan_id: int, *, version: int, by: Actor) -> Plan:
    """The plan, its row locked until the transaction ends, as it is at exactly this version.

    Raises NotFound, Forbidden where its district is foreign to the actor, and Outdated at any other version: of two
    writers who saw the same version the second one finds it gone ([P3]).
    """
    plan = find_locked(session, plan_id)
    if plan is None:
        raise NotFound("no_such_plan", plan=plan_id)
    if not reaches(by, plan.district):
        raise Forbidden("foreign_area", asked=plan.district, area=by.area)
    if plan.version != version:
        raise Outdated("outdated_version", seen=version, latest=plan.version)
    return plan


def list_plans(
    session: Session,
    *,
    by: Actor,
    district: str | None = None,
    state: str | None = None,
    limit: int = 100,
    before: int | None = None,
) -> list[Plan]:
    """The plans of the actor's area, newest first; `before` is the id with which the page before ended."""
    statement = _select_light().order_by(Plan.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Plan.id < before)
    if district is not None:
        statement = statement.where(Plan.district == district)
    if state is not None:
        statement = statement.where(Plan.state == state)
    # An area is a prefix, and a planner of one street works on the plan of the whole district.
    within = Plan.district.startswith(by.area, autoescape=True)
    above = text("starts_with(:area, plans.district)").bindparams(area=by.area)
    return list(session.scalars(statement.where(within | above)))


def find_latest(session: Session, district: str) -> Plan | None:
    """The last published plan of a district, be it in force or scheduled; None before the first."""
    statement = _select_light().where(Plan.district == district, Plan.plan_version.is_not(None))
    return session.scalar(statement.order_by(Plan.plan_version.desc()).limit(1))


def is_in_force_at(at: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a plan is in force at a moment, [begin, end): the one condition that says so."""
    return Plan.in_force.contains(at)


def is_in_force_now() -> ColumnElement[bool]:
    """The same by the clock of the statement: what this transaction has published is in force already."""
    return is_in_force_at(func.statement_timestamp())


def reaches(by: Actor, district: str) -> bool:
    """Whether an actor's area lies in this district or holds it."""
    return district.startswith(by.area) or by.area.startswith(district)


def _select_light() -> Select[Plan]:
    """Plans without what is large: frames and reports are loaded when they are asked for."""
    return select(Plan).options(defer(Plan.frame), defer(Plan.report), defer(Plan.certificate), defer(Plan.to_redo))


# The same for statements that are made once and asked at any moment, bound as `at`.
IN_FORCE_AS_ASKED = is_in_force_at(bindparam("at", type_=DateTime(timezone=True)))
# Made once: every edit begins with it, and to put it together takes as long as to run it.
_LOCKED = _select_light().where(Plan.id == bindparam("of")).with_for_update().execution_options(populate_existing=True)
