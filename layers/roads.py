"""Road centre lines, with the trade's class and, where known, a name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, id_column


class Road(Base):
    """One stretch of road."""

    __tablename__ = "roads"
    __table_args__ = (Index("uq_roads_source_external_id", "source", "external_id", unique=True),)

    id: Mapped[int] = id_column()
    district: Mapped[str | None] = code_column(nullable=True, index=True)
    name: Mapped[str] = mapped_column(server_default="")
    road_class: Mapped[str] = mapped_column(server_default="residential")
    geom: Mapped[Any] = geometry_column("MULTILINESTRING")
    source: Mapped[str] = mapped_column(server_default="")
    external_id: Mapped[str | None]
