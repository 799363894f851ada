"""Shifts [start, end): who is on duty when ([D1])."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, id_column


class Shift(Base):
    """One stretch of duty; the minute of handover belongs to the next shift. Overlaps merge when they are read."""

    __tablename__ = "shifts"
    __table_args__ = (
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span_is_half_open"),
        CheckConstraint("upper(span) - lower(span) <= interval '48 hours'", name="no_longer_than_two_days"),
        Index("ix_shifts_span", "span", postgresql_using="gist"),
        Index("ix_shifts_worker_id", "worker_id"),
    )

    id: Mapped[int] = id_column()
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
