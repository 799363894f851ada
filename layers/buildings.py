"""Building footprints and the compounds around them.

A building belongs to a grid by explicit override, else by its `inner_point` ([S7]); the point is stored, so the index,
SQL and imports all ask about the same one. Residents are not here: see households.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.access import Role
from layers.db import Base, code_column, geometry_column, id_column
from layers.specs import (
    ID,
    NAME,
    POLYGONS,
    Code,
    Drawn,
    Field,
    Imported,
    JoinedTable,
    LayerSpec,
    Published,
    Real,
    Searched,
    Text,
    Tile,
    Whole,
)

# No building is higher than a kilometre or holds as many households as a town.
MOST_HEIGHT_M = 1000.0
MOST_FLOORS = 200
MOST_HOUSEHOLDS = 20_000


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


# A building is known by its compound and its own name, and found by its address too.
_WHOLE_NAME = func.coalesce(Compound.name, "") + Building.name
_WORDS = func.lower(_WHOLE_NAME + " " + Building.address)
SPEC = LayerSpec(
    "buildings",
    Building,
    imported=Imported(
        fields=(
            Field("external_id", ID, Code(), stored=False),
            Field("name", NAME, Text("")),
            Field("address", ("address", "地址"), Text("", instead=("housenumber", "street"))),
            Field("street", ("street", "addr_street", "addr:street"), stored=False),
            Field("housenumber", ("housenumber", "addr_housenumber", "addr:housenumber", "门牌"), stored=False),
            Field("kind", ("kind", "building", "用途"), Text("building")),
            Field("floors", ("floors", "levels", "building:levels", "层数"), Whole(most=MOST_FLOORS)),
            Field("height_m", ("height_m", "height", "height_class_m", "高度"), Real(0.0, MOST_HEIGHT_M)),
            Field("stairwells", ("stairwells", "units", "单元数"), Whole(most=MOST_HOUSEHOLDS, default=0)),
            Field("households", ("households", "户数"), Whole(most=MOST_HOUSEHOLDS, default=0)),
            Field("grid_override", ("grid_override",), Code()),
        ),
        shapes=POLYGONS,
        of_planners=True,
        judged=True,
    ),
    published=Published(
        "Building footprints; with their households for planners.",
        ("id", "name", "kind", "floors", "height_m", "stairwells"),
        point="inner_point",
        reserved=("households",),
        of_roles=frozenset({Role.planner, Role.admin}),
    ),
    tile=Tile(("name", "kind", "floors"), 14),
    # Drawn late: at zoom 12 a tile holds a whole town of them.
    drawn=Drawn("area", "building", order=40, from_zoom=14, edge="road-casing", choice="shown"),
    searched=Searched(
        "building",
        Building,
        name=_WHOLE_NAME,
        words=_WORDS,
        starts=(func.lower(Building.name), _WORDS),
        point=Building.inner_point,
        beside=JoinedTable(Compound, Compound.id == Building.compound_id),
        detail=Building.address,
        grid_override=Building.grid_override,
    ),
)
COMPOUNDS = LayerSpec(
    "compounds",
    Compound,
    imported=Imported(
        fields=(
            Field("external_id", ID, Code(), stored=False),
            Field("name", NAME, Text("")),
            Field("kind", ("kind", "类型"), Text("town")),
        ),
        shapes=POLYGONS,
        of_planners=True,
        judged=True,
    ),
    searched=Searched(
        "compound",
        Compound,
        name=Compound.name,
        words=func.lower(Compound.name),
        starts=(func.lower(Compound.name),),
        point=func.ST_PointOnSurface(Compound.geom),
        named=Compound.name != "",
        lies_by="ground",
    ),
)
