"""Plans: a complete set of grids of one district, from draft to archive ([P1]).

`version` counts a draft's edits, `plan_version` the district's publications. A plan keeps its own copy of the frame and
of the area rings ([S2]). The database itself refuses two plans of one district in force at one moment.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import LargeBinary, Text

from layers.db import Base, code_column, geometry_column, id_column, now_column


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
        CheckConstraint(
            "(state IN ('published','archived')) = (plan_version IS NOT NULL)", name="publications_are_numbered"
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
    report: Mapped[dict[str, Any] | None]
    certificate: Mapped[dict[str, Any] | None]
    acknowledged: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    editors: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    returned_reason: Mapped[str | None]
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

    index_version: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    district: Mapped[str] = code_column()
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    plan_version: Mapped[int]
    effective_at: Mapped[datetime]
    snapshot: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[datetime] = now_column()
