"""Grids and sub-grids of a plan: MultiPolygons in lon/lat on the city's 1 mm lattice ([S1]).

Both levels live in one table: a sub-grid's parent is its grid, a grid's parent its community. The finest level is the
truth; the ring of a grid with sub-grids is stored as their dissolve. Rows belong to a plan and are written by
planning, dividing and importing only.
"""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, and_
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column
from layers.plans import IN_FORCE_AS_ASKED, Plan
from layers.specs import Code, Field, Imported, JoinedTable, LayerSpec, Published, Tile


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


_IN_FORCE = JoinedTable(Plan, and_(Plan.id == Grid.plan_id, IN_FORCE_AS_ASKED))
SPEC = LayerSpec(
    "grids",
    Grid,
    imported=Imported(
        fields=(
            Field(
                "code",
                (
                    "code", "grid_code", "township_code", "boro_cd", "precinct", "elect_dist", "boroct2010", "VTDST20",
                    "网格编码", "网格编号", "网格代码", "网格号", "网格编", "编码", "id", "external_id", "handle",
                    "name",
                ),
                Code(),
            ),
            Field("name", ("name", "grid_name", "township", "网格名称", "网格名", "名称")),
            Field(
                "parent_code",
                (
                    "parent_code", "parent", "community_code", "社区编码", "社区代码", "社区编", "community", "社区",
                    "所属社区", "社区名称",
                ),
                Code(),
            ),
            Field("level", ("level",)),
            Field("kind", ("kind", "grid_kind", "网格类型")),
            Field("exclusive", ("exclusive",)),
            Field("group_name", ("group_name", "group")),
            Field("district", ("district", "district_code", "county_code", "区县代码"), Code()),
            Field("district_name", ("district_name", "county", "区县")),
        ),
        of_planners=True,
        judged=True,
    ),
    published=Published(
        "The grids and sub-grids in force.",
        ("code", "name", "level", "parent_code", "kind", "exclusive", "households", "buildings", "area_m2"),
        scoped_by="code",
        key="code",
        joined=_IN_FORCE,
    ),
    tile=Tile(
        ("code", "name", "kind", "exclusive"),
        8,
        scoped_by="code",
        joined=_IN_FORCE,
        detail=Grid.level == GridLevel.grid,
    ),
)  # fmt: skip
SUB_GRIDS = LayerSpec(
    "sub_grids",
    Grid,
    tile=Tile(
        ("code", "name", "parent"),
        13,
        scoped_by="code",
        spelled={"parent": Grid.parent_code},
        joined=_IN_FORCE,
        detail=Grid.level == GridLevel.sub_grid,
    ),
)
