"""The quiet ground of the map: water and parks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, id_column
from layers.specs import ID, NAME, POLYGONS, Code, Drawn, Field, Imported, LayerSpec, Text, Tile


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


SPECS = (
    LayerSpec(
        "water",
        Water,
        imported=Imported(
            fields=(
                Field("external_id", ID, Code(), stored=False),
                Field("name", NAME, Text("")),
                Field("kind", ("kind", "fclass", "natural", "类型"), Text("water")),
            ),
            shapes=POLYGONS,
            of_planners=True,
            judged=True,
        ),
        tile=Tile(("name", "kind"), 6),
        drawn=Drawn("water", "water", order=20, from_zoom=10),
    ),
    LayerSpec(
        "parks",
        Park,
        tile=Tile(("name", "kind"), 9),
        drawn=Drawn("area", "park", order=10, from_zoom=11),
    ),
)
