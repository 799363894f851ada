"""Road centre lines, with the trade's class and, where known, a name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Integer, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, geometry_column, id_column
from layers.specs import ID, LINES, NAME, Code, Drawn, Field, Imported, LayerSpec, Text, Tile


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


# Below zoom 14 the others are left out: they would be all that one sees.
_SEEN_FROM_AFAR = ("motorway", "trunk", "primary", "secondary", "tertiary")
SPECS = (
    LayerSpec(
        "roads",
        Road,
        imported=Imported(
            fields=(
                Field("external_id", ID, Code(), stored=False),
                Field("name", NAME, Text("")),
                Field(
                    "road_class",
                    ("road_class", "fclass", "highway", "kind_detail", "class", "kind", "道路等级"),
                    Text("unclassified"),
                ),
            ),
            shapes=LINES,
            of_planners=True,
            judged=True,
        ),
        tile=Tile(
            ("name", "road_class"),
            10,
            half_width_m=11.0,
            detail=(bindparam("z", type_=Integer) >= 14) | Road.road_class.in_(_SEEN_FROM_AFAR),
        ),
        drawn=Drawn("road", "road", order=30, from_zoom=11, edge="road-casing", choice="shown"),
    ),
)
