"""Who serves which grid, from when to when ([P6])."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, id_column


class Assignment(Base):
    """One worker's charge of one grid or sub-grid. The same charge twice at one moment is refused by the database."""

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span_is_half_open"),
        ExcludeConstraint(
            ("worker_id", "="), ("grid_code", "="), ("role", "="), ("span", "&&"), name="charge_once", using="gist"
        ),
        Index("ix_assignments_grid_code", "grid_code"),
    )

    id: Mapped[int] = id_column()
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    grid_code: Mapped[str] = code_column()
    role: Mapped[str]
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
