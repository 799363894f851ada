"""The quiet ground of the map: water and parks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, id_column


class Water(Base):
    """A river, lake or canal as a surface."""

    __tablename__ = "water"
    __table_args__ = (
        CheckConstraint("ST_IsValid(geom)", name="geom_is_valid"),
        Index("uq_water_source_external_id", "source", "external_id", unique=True),
    )

    id: Mapped[int] = id_column()
    district: Mapped[str | None] = code_column(nullable=True, index=True)
    name: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="river")
    geom: Mapped[Any] = geometry_column("MULTIPOLYGON")
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]


class Park(Base):
    """A park or other public green."""

    __tablename__ = "parks"
    __table_args__ = (CheckConstraint("ST_IsValid(geom)", name="geom_is_valid"),)

    id: Mapped[int] = id_column()
    district: Mapped[str | None] = code_column(nullable=True, index=True)
    name: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="park")
    geom: Mapped[Any] = geometry_column("MULTIPOLYGON")
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]
