"""What was released, row by row: never changed, never deleted (the database refuses both)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, id_column, now_column
from layers.smallest_count import SMALLEST

LAYERS = ("hazards", "incidents")


class Release(Base):
    """One month of one layer in one district. `audit` says what the auditor found: cells, hidden ones, the narrowest
    interval; `borders` is a digest of the community borders under which it was counted."""

    __tablename__ = "releases"
    __table_args__ = (
        UniqueConstraint("layer", "district", "month"),
        CheckConstraint("layer IN ('hazards','incidents')", name="layer"),
        CheckConstraint("extract(day FROM month) = 1", name="month_begins_with_its_first_day"),
    )

    id: Mapped[int] = id_column()
    layer: Mapped[str]
    district: Mapped[str] = code_column()
    month: Mapped[date]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    borders: Mapped[str]
    audit: Mapped[dict[str, Any]]
    released_at: Mapped[datetime] = now_column()


class ReleaseRow(Base):
    """One cell of a release; `n` is null where too few may be shown. The category "" is the total."""

    __tablename__ = "release_rows"
    __table_args__ = (CheckConstraint(f"n IS NULL OR n >= {SMALLEST}", name="nothing_small_is_shown"),)

    release_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("releases.id"), primary_key=True)
    area: Mapped[str] = code_column(primary_key=True)
    category: Mapped[str] = code_column(primary_key=True)
    level: Mapped[str]
    n: Mapped[int | None]
