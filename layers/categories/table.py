"""Categories of incidents and hazards, with the unit in charge and a clock per step and level ([D5])."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column


class Category(Base):
    """One kind of incident or hazard. `resident_derived` ones are shown only as [A3] allows."""

    __tablename__ = "categories"
    __table_args__ = (
        CheckConstraint("kind IN ('incident','hazard','both')", name="kind"),
        CheckConstraint("triage IN ('automatic','manual')", name="triage"),
    )

    code: Mapped[str] = code_column(primary_key=True)
    name: Mapped[str]
    name_en: Mapped[str] = mapped_column(server_default="")
    kind: Mapped[str] = mapped_column(server_default="both")
    unit_code: Mapped[str | None] = mapped_column(ForeignKey("units.code"))
    urgency: Mapped[str] = mapped_column(server_default="normal")
    triage: Mapped[str] = mapped_column(server_default="automatic")
    resident_derived: Mapped[bool] = mapped_column(server_default="false")
    position: Mapped[int] = mapped_column(server_default="0")


class CategoryClock(Base):
    """How many minutes one step may take at one level."""

    __tablename__ = "category_clocks"
    __table_args__ = (CheckConstraint("minutes > 0", name="minutes_are_positive"),)

    category: Mapped[str] = mapped_column(ForeignKey("categories.code", ondelete="CASCADE"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    minutes: Mapped[int]
