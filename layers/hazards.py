"""Hazards (隐患): lasting conditions, found, rectified, counted. The grid is stored at ingest, so heat never joins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, and_, cast
from sqlalchemy.orm import Mapped, mapped_column

from layers.access import Role
from layers.categories import Category
from layers.db import Base, code_column, geometry_column, id_column, now_column
from layers.specs import (
    CATEGORY,
    CLOSED,
    ID,
    OPENED,
    POINTS,
    WORDS,
    Code,
    Field,
    Imported,
    JoinedTable,
    LayerSpec,
    Moment,
    Published,
    Tile,
    Whole,
    Word,
)


class Hazard(Base):
    """One hazard at one place; `grid_code` is that of its ingest, `current_code` (finest level) follows ([P5]).

    One of a manhole cover, a lamp, a hydrant hangs on that component.
    """

    __tablename__ = "hazards"
    __table_args__ = (
        CheckConstraint("state IN ('found','rectifying','rectified')", name="state"),
        CheckConstraint("rectified_at IS NULL OR rectified_at >= found_at", name="rectified_after_found"),
        Index("uq_hazards_source_external_id", "source", "external_id", unique=True),
        Index("ix_hazards_current_code_found_at", "current_code", "found_at"),
    )

    id: Mapped[int] = id_column()
    category: Mapped[str] = mapped_column(ForeignKey("categories.code"))
    state: Mapped[str] = mapped_column(server_default="found")
    severity: Mapped[int] = mapped_column(server_default="1")
    description: Mapped[str] = mapped_column(server_default="")
    found_at: Mapped[datetime] = mapped_column(index=True)
    rectified_at: Mapped[datetime | None]
    district: Mapped[str | None] = code_column(nullable=True)
    grid_code: Mapped[str | None] = code_column(nullable=True)
    sub_grid_code: Mapped[str | None] = code_column(nullable=True)
    current_code: Mapped[str | None] = code_column(nullable=True)
    plan_version: Mapped[int | None]
    component_code: Mapped[str | None] = mapped_column(ForeignKey("components.code"), index=True)
    geom: Mapped[Any] = geometry_column("POINT")
    raw_lon: Mapped[float]
    raw_lat: Mapped[float]
    datum: Mapped[str] = mapped_column(server_default="wgs84")
    accuracy_m: Mapped[float | None]
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]
    stored_at: Mapped[datetime] = now_column()


STATES = {
    "closed": "rectified", "rectified": "rectified", "已整改": "rectified",
    "in progress": "rectifying", "assigned": "rectifying", "started": "rectifying", "rectifying": "rectifying",
    "整改中": "rectifying",
    "open": "found", "found": "found", "pending": "found", "待整改": "found",
}  # fmt: skip

_NOT_OF_RESIDENTS = JoinedTable(Category, and_(Category.code == Hazard.category, ~Category.resident_derived))
SPEC = LayerSpec(
    "hazards",
    Hazard,
    # Points of single hazards are not for leaders, who look at counts ([A3]).
    hidden_from=frozenset({Role.leader}),
    imported=Imported(
        fields=(
            Field("external_id", ID, Code()),
            Field("category", CATEGORY),
            Field("description", WORDS),
            Field("found_at", ("found_at", "发现时间", *OPENED), Moment(), required=True),
            Field("rectified_at", ("rectified_at", "整改时间", *CLOSED), Moment()),
            Field("severity", ("severity", "等级"), Whole(least=1, most=5, default=1)),
            Field("state", ("state", "status", "状态"), Word(STATES)),
            Field("component_code", ("component_code", "部件编码", "部件代码", "部件标识码"), Code()),
        ),
        shapes=POINTS,
        of_planners=True,
    ),
    published=Published(
        "Hazards that do not derive from residents, as points; not for leaders.",
        (
            "id",
            "category",
            "state",
            "severity",
            "found_at",
            "rectified_at",
            "grid_code",
            "current_code",
            "component_code",
        ),
        scoped_by="current_code",
        joined=_NOT_OF_RESIDENTS,
    ),
    tile=Tile(
        ("id", "category", "state", "severity"),
        12,
        scoped_by="current_code",
        spelled={"id": cast(Hazard.id, String)},
        joined=_NOT_OF_RESIDENTS,
        order=(Hazard.severity.desc(), Hazard.id),
        moving=True,
    ),
)
