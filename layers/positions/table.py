"""The last known position of each worker, with who sent it, and the points of their tracks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import PERSONAL, Base, now_column


class Position(Base):
    """One worker's last fix. No spatial index: it would cost the hot table its in-page updates (HOT)."""

    __tablename__ = "positions"
    __table_args__ = (
        CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name="on_earth"),
        CheckConstraint("fixed_at <= received_at + interval '1 day'", name="fixed_before_it_was_received"),
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
    # Who sent it, and whether that was the worker's own account or a gateway: anybody else's word proves no place.
    sent_by: Mapped[str | None]
    first_hand: Mapped[bool] = mapped_column(server_default="true")
    # The transaction that wrote it last: by it a reader knows exactly what has come since another moment. `xmin` would
    # be that of a savepoint, where there is one, of which a snapshot knows nothing.
    written_in: Mapped[int] = mapped_column(BigInteger, server_default=text("((pg_current_xact_id())::text)::bigint"))
    # The last reading of a phone that began to speak another datum than it states; none of those is a position.
    astray: Mapped[dict[str, Any] | None]


class TrackPoint(Base):
    """Where a worker was: at most one point in ten seconds, fewer once thinned. Personal: only the worker reads it."""

    __tablename__ = "track_points"
    __table_args__ = (
        # Days are forgotten whole, and rows come in the order of time: a few kilobytes find them.
        Index("ix_track_points_fixed_at", "fixed_at", postgresql_using="brin"),
        Index("ix_track_points_unthinned", "worker_id", postgresql_where=text("NOT thinned")),
        {"schema": PERSONAL},
    )

    worker_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    slot: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    fixed_at: Mapped[datetime]
    lon: Mapped[float]
    lat: Mapped[float]
    thinned: Mapped[bool] = mapped_column(server_default="false")
    # Of a thinned point: whether nothing came for a while before it. Of others the moments tell.
    begins: Mapped[bool] = mapped_column(server_default="false")
