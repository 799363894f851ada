"""Areas: districts, subdistricts and communities, with their official boundaries and the city's CRS.

Written by imports and by admins only. A district names the metric CRS of its city ([S1]); a community may lack a
boundary of its own (then its grids define it).
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, now_column


class AreaLevel(enum.StrEnum):
    """The levels above a grid, from the top down."""

    district = "district"
    subdistrict = "subdistrict"
    community = "community"


class AreaKind(enum.StrEnum):
    """What a community is like; it sets the default number of households per grid ([S9])."""

    town = "town"
    village = "village"
    mixed = "mixed"


class Area(Base):
    """One district, subdistrict or community."""

    __tablename__ = "areas"
    __table_args__ = (
        CheckConstraint("level IN ('district','subdistrict','community')", name="level"),
        CheckConstraint("(level = 'district') = (parent_code IS NULL)", name="only_districts_have_no_parent"),
        CheckConstraint("level <> 'district' OR crs_epsg IS NOT NULL", name="districts_name_their_crs"),
        CheckConstraint("geom IS NULL OR ST_IsValid(geom)", name="geom_is_valid"),
    )

    code: Mapped[str] = code_column(primary_key=True)
    name: Mapped[str]
    level: Mapped[str]
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("areas.code"), index=True)
    kind: Mapped[str | None]
    crs_epsg: Mapped[int | None]
    households_target: Mapped[int | None]
    duty_phone: Mapped[str | None]
    centre_name: Mapped[str | None]
    geom: Mapped[Any | None] = geometry_column("MULTIPOLYGON", nullable=True)
    updated_at: Mapped[datetime] = now_column()
