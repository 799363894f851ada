"""Categories of incidents and hazards, with the unit in charge and a clock per step and level ([D5])."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from layers.clocks import IN_HOURS, Limit, LimitKind
from layers.db import Base, code_column


class Category(Base):
    """One kind of incident or hazard. `resident_derived` ones are shown only as [A3] allows.

    One that is retired keeps its cases, and takes no new reports, for the reason that is told.
    """

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
    retired: Mapped[str | None]


class CategoryClock(Base):
    """How long one step may take at one level: an amount of a kind ([K1])."""

    __tablename__ = "category_clocks"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint(f"kind IN ({', '.join(repr(str(kind)) for kind in LimitKind)})", name="kind"),
    )

    category: Mapped[str] = mapped_column(ForeignKey("categories.code", ondelete="CASCADE"), primary_key=True)
    level: Mapped[str] = mapped_column(primary_key=True)
    step: Mapped[str] = mapped_column(primary_key=True)
    amount: Mapped[float]
    kind: Mapped[str] = mapped_column(server_default="urgent_hours")

    @property
    def limit(self) -> Limit:
        """What `layers.clocks` counts."""
        return Limit(self.amount, LimitKind(self.kind))

    @property
    def minutes(self) -> int | None:
        """A limit in hours as minutes (of work time where it is one), None for one in days."""
        return max(1, round(self.amount * 60)) if self.limit.kind in IN_HOURS else None
