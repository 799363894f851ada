"""The stored emergencies, who is lent to them, and the calls at buildings ([D7])."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, func, select
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, id_column, now_column

OUTCOMES = ("answered", "nobody", "needs_help")


class Emergency(Base):
    """An area in emergency mode from the lower to the upper end of `span`; the database refuses two at once.

    `rule` is what counts instead of the rules of `layers.dispatch_settings`, by their names.
    """

    __tablename__ = "emergencies"
    __table_args__ = (
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span_is_half_open"),
        CheckConstraint("NOT upper_inf(span)", name="it_ends"),
        ExcludeConstraint(("area", "="), ("span", "&&"), name="one_at_a_time", using="gist"),
    )

    id: Mapped[int] = id_column()
    area: Mapped[str] = code_column()
    reason: Mapped[str]
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    rule: Mapped[dict[str, Any]]
    by: Mapped[str]
    ended_by: Mapped[str | None]


class EmergencyHelper(Base):
    """A worker who is lent to an area while its emergency lasts."""

    __tablename__ = "emergency_helpers"

    emergency_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("emergencies.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    worker_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


class EmergencyCall(Base):
    """What came of calling at a building."""

    __tablename__ = "emergency_calls"
    __table_args__ = (
        CheckConstraint(f"outcome IN ({', '.join(repr(outcome) for outcome in OUTCOMES)})", name="outcome"),
    )

    emergency_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("emergencies.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    building_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("buildings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    outcome: Mapped[str]
    note: Mapped[str] = mapped_column(server_default="")
    by: Mapped[str]
    at: Mapped[datetime] = now_column()


def select_lent_spans(window: Range[datetime]) -> Any:
    """Worker, area, since and until of everybody who is lent at some moment of the window."""
    return (
        select(EmergencyHelper.worker_id, Emergency.area, func.lower(Emergency.span), func.upper(Emergency.span))
        .join(Emergency, Emergency.id == EmergencyHelper.emergency_id)
        .where(Emergency.span.overlaps(window))
        .order_by(Emergency.area, EmergencyHelper.worker_id)
    )
