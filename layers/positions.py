"""The last known position of each worker, ordered by fix time ([D2])."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, now_column


class Position(Base):
    """One worker's last fix. No spatial index: it would cost the hot table its in-page updates (HOT)."""

    __tablename__ = "positions"
    __table_args__ = (
        CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name="on_earth"),
        {"postgresql_with": {"fillfactor": "50"}},
    )

    worker_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    lon: Mapped[float]
    lat: Mapped[float]
    raw_lon: Mapped[float]
    raw_lat: Mapped[float]
    datum: Mapped[str] = mapped_column(server_default="wgs84")
    accuracy_m: Mapped[float | None]
    fixed_at: Mapped[datetime]
    received_at: Mapped[datetime] = now_column()
