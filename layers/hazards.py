"""Hazards (隐患): lasting conditions, found, rectified, counted. The grid is stored at ingest, so heat never joins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, id_column, now_column


class Hazard(Base):
    """One hazard at one place; `grid_code` is that of its ingest, `current_code` (finest level) follows ([P5])."""

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
    geom: Mapped[Any] = geometry_column("POINT")
    raw_lon: Mapped[float]
    raw_lat: Mapped[float]
    datum: Mapped[str] = mapped_column(server_default="wgs84")
    accuracy_m: Mapped[float | None]
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]
    stored_at: Mapped[datetime] = now_column()
