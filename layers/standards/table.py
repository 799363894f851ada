"""The stored versions of the standard sheet: written once, never changed ([K5])."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.clocks import Limit, LimitKind
from layers.db import Base, code_column, now_column


class Standard(Base):
    """One version of the whole sheet."""

    __tablename__ = "standards"
    __table_args__ = (CheckConstraint("version > 0", name="versions_begin_with_one"),)

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sub_classes: Mapped[int]
    conditions: Mapped[int]
    note: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


class StandardSubClass(Base):
    """One sub-class of a version, in its place."""

    __tablename__ = "standard_sub_classes"

    version: Mapped[int] = mapped_column(ForeignKey("standards.version"), primary_key=True, autoincrement=False)
    code: Mapped[str] = code_column(primary_key=True)
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(server_default="")
    class_name: Mapped[str]
    name: Mapped[str]
    supervising: Mapped[str] = mapped_column(server_default="")
    responsible: Mapped[str] = mapped_column(server_default="")
    basis: Mapped[str] = mapped_column(server_default="")


class StandardCondition(Base):
    """One condition: what makes it a case, its limit ([K1]), what closes it; `position` counts in the whole sheet."""

    __tablename__ = "standard_conditions"
    __table_args__ = (
        ForeignKeyConstraint(["version", "sub_class"], ["standard_sub_classes.version", "standard_sub_classes.code"]),
        CheckConstraint("amount > 0", name="amount_is_positive"),
        CheckConstraint(f"kind IN ({', '.join(repr(str(kind)) for kind in LimitKind)})", name="kind"),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    code: Mapped[str] = code_column(primary_key=True)
    sub_class: Mapped[str] = code_column()
    position: Mapped[int]
    case: Mapped[str]
    amount: Mapped[float]
    kind: Mapped[str]
    closes: Mapped[str] = mapped_column(server_default="")

    @property
    def limit(self) -> Limit:
        """What `layers.clocks` counts."""
        return Limit(self.amount, LimitKind(self.kind))
