"""Households, by building, stairwell and class: personal, in their own schema ([A2]).

Nothing outside this file and the views that count reads these rows; counts per building are kept on the building.
"""

from __future__ import annotations

import enum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from layers.db import PERSONAL, Base, code_column, id_column


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
        {"schema": PERSONAL},
    )

    id: Mapped[int] = id_column()
    building_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("buildings.id", ondelete="CASCADE"), index=True)
    unit: Mapped[int] = mapped_column(server_default="1")
    room: Mapped[str] = mapped_column(server_default="")
    classes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    members: Mapped[int] = mapped_column(server_default="1")
    sub_grid_override: Mapped[str | None] = code_column(nullable=True)
