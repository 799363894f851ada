"""Building footprints and the compounds around them.

A building belongs to a grid by explicit override, else by its `inner_point` ([S7]); the point is stored, so the index,
SQL and imports all ask about the same one. Residents are not here: see households.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, id_column


class Compound(Base):
    """小区 or village: the ground of one housing estate."""

    __tablename__ = "compounds"
    __table_args__ = (
        CheckConstraint("ST_IsValid(geom)", name="geom_is_valid"),
        Index("uq_compounds_source_external_id", "source", "external_id", unique=True),
    )

    id: Mapped[int] = id_column()
    district: Mapped[str | None] = code_column(nullable=True, index=True)
    name: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="town")
    geom: Mapped[Any] = geometry_column("MULTIPOLYGON")
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]


class Building(Base):
    """One footprint."""

    __tablename__ = "buildings"
    __table_args__ = (
        CheckConstraint("ST_IsValid(geom)", name="geom_is_valid"),
        Index("uq_buildings_source_external_id", "source", "external_id", unique=True),
        Index("ix_buildings_grid_override", "grid_override", postgresql_where=text("grid_override IS NOT NULL")),
    )

    id: Mapped[int] = id_column()
    district: Mapped[str | None] = code_column(nullable=True, index=True)
    compound_id: Mapped[int | None] = mapped_column(ForeignKey("compounds.id"), index=True)
    name: Mapped[str] = mapped_column(server_default="")
    address: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="building")
    floors: Mapped[int | None]
    height_m: Mapped[float | None]
    stairwells: Mapped[int] = mapped_column(server_default="0")
    households: Mapped[int] = mapped_column(server_default="0")
    grid_override: Mapped[str | None] = code_column(nullable=True)
    geom: Mapped[Any] = geometry_column("MULTIPOLYGON")
    inner_point: Mapped[Any] = geometry_column("POINT")
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]
