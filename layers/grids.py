"""Grids and sub-grids of a plan: MultiPolygons in lon/lat on the city's 1 mm lattice ([S1]).

Both levels live in one table: a sub-grid's parent is its grid, a grid's parent its community. The finest level is the
truth; the ring of a grid with sub-grids is stored as their dissolve. Rows belong to a plan and are written by
planning, dividing and importing only.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column


class GridLevel(enum.StrEnum):
    """A grid, or a part of one."""

    grid = "grid"
    sub_grid = "sub_grid"


class GridKind(enum.StrEnum):
    """基础网格 · 专属网格."""

    base = "base"
    dedicated = "dedicated"


class Grid(Base):
    """One grid or sub-grid of one plan."""

    __tablename__ = "grids"
    __table_args__ = (
        CheckConstraint("level IN ('grid','sub_grid')", name="level"),
        CheckConstraint("kind IN ('base','dedicated')", name="kind"),
        CheckConstraint("kind = 'dedicated' OR exclusive", name="base_grids_are_exclusive"),
        # A real import may bring invalid rings into a draft; such a row says so and keeps the plan from publishing.
        CheckConstraint("imperfect OR (ST_IsValid(geom) AND NOT ST_IsEmpty(geom))", name="geom_is_valid"),
        Index("ix_grids_code", "code"),
        Index("ix_grids_plan_parent", "plan_id", "parent_code"),
    )

    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id", ondelete="CASCADE"), primary_key=True)
    code: Mapped[str] = code_column(primary_key=True)
    level: Mapped[str]
    parent_code: Mapped[str | None] = code_column(nullable=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="base")
    exclusive: Mapped[bool] = mapped_column(server_default="true")
    group_name: Mapped[str | None]
    parts_allowed: Mapped[bool] = mapped_column(server_default="false")
    locked: Mapped[bool] = mapped_column(server_default="false")
    imperfect: Mapped[bool] = mapped_column(server_default="false")
    households: Mapped[int] = mapped_column(server_default="0")
    buildings: Mapped[int] = mapped_column(server_default="0")
    area_m2: Mapped[float] = mapped_column(server_default="0")
    geom: Mapped[Any] = geometry_column("MULTIPOLYGON")
