"""Households, by building, stairwell and class: personal, in their own schema ([A2]).

Nothing outside this file and the views that count reads these rows; counts per building are kept on the building.
"""

from __future__ import annotations

import enum
from collections.abc import Collection

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Select,
    any_,
    bindparam,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.types import Text

from layers.access import Role
from layers.db import PERSONAL, Base, code_column, id_column
from layers.specs import Code, Field, Imported, LayerSpec


class HouseholdClass(enum.StrEnum):
    """The 6+1 colours, in the order of precedence in which they are shown."""

    lone_elder = "lone_elder"
    living_alone = "living_alone"
    special_needs = "special_needs"
    party_member = "party_member"
    tenant = "tenant"
    resident = "resident"
    organisation = "organisation"


class Household(Base):
    """One household behind one door."""

    __tablename__ = "households"
    __table_args__ = (
        CheckConstraint("members >= 0", name="members_are_counted"),
        Index("ix_households_classes", "classes", postgresql_using="gin"),
        Index(
            "ix_households_sub_grid_override",
            "sub_grid_override",
            postgresql_where=text("sub_grid_override IS NOT NULL"),
        ),
        {"schema": PERSONAL},
    )

    id: Mapped[int] = id_column()
    building_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("buildings.id", ondelete="CASCADE"), index=True)
    unit: Mapped[int] = mapped_column(server_default="1")
    room: Mapped[str] = mapped_column(server_default="")
    classes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    members: Mapped[int] = mapped_column(server_default="1")
    sub_grid_override: Mapped[str | None] = code_column(nullable=True)


SPEC = LayerSpec(
    "households",
    Household,
    hidden_from=frozenset(Role),
    imported=Imported(
        fields=(
            Field("building", ("building", "building_id", "楼栋编号"), Code()),
            Field("unit", ("unit", "单元")),
            Field("room", ("room", "房号")),
            Field("classes", ("classes", "class", "类别")),
            Field("members", ("members", "人数")),
        ),
    ),
)


def list_moved(
    session: Session, *, building_ids: Collection[int], codes: Collection[str]
) -> list[tuple[int, str, int]]:
    """Building, sub-grid and number of the households of these buildings, or in these sub-grids, that were put into a
    sub-grid by themselves: counts only."""
    asked = {"building_ids": list(building_ids), "codes": list(codes)}
    return [(building, code or "", number) for building, code, number in session.connection().execute(_MOVED, asked)]


def _select_moved() -> Select[int, str | None, int]:
    from_buildings = Household.building_id == any_(bindparam("building_ids", type_=ARRAY(BigInteger)))
    into_codes = Household.sub_grid_override == any_(bindparam("codes", type_=ARRAY(Text)))
    return (
        select(Household.building_id, Household.sub_grid_override, func.count())
        .where(Household.sub_grid_override.is_not(None), or_(from_buildings, into_codes))
        .group_by(Household.building_id, Household.sub_grid_override)
    )


# Made once: every edit asks it, and to put it together takes as long as to run it.
_MOVED = _select_moved()
