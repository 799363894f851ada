"""The addresses that asked to be told of events, and the deliveries of one to the other."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.db import Base, code_column, id_column, now_column


class Webhook(Base):
    """An address that is told of events of some kinds in an area; `failures` counts those since the last success."""

    __tablename__ = "webhooks"

    id: Mapped[int] = id_column()
    url: Mapped[str]
    # The key of the signature. It has to be readable: it is used with every delivery.
    secret: Mapped[str]
    kinds: Mapped[list[Any]]
    area: Mapped[str] = code_column(server_default="")
    active: Mapped[bool] = mapped_column(server_default="true")
    by: Mapped[str]
    at: Mapped[datetime] = now_column()
    failures: Mapped[int] = mapped_column(server_default="0")
    rests_until: Mapped[datetime | None]
    # Whoever carries its deliveries out holds it until then; a process that dies loses it by itself.
    held_until: Mapped[datetime | None]


class Delivery(Base):
    """One event for one address."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        CheckConstraint("state IN ('waiting','delivered','given_up')", name="state"),
        Index("ix_deliveries_due", "webhook_id", "due_at", postgresql_where=text("state = 'waiting'")),
    )

    id: Mapped[int] = id_column()
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("outgoing_events.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(server_default="waiting")
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime] = now_column()
    tried_at: Mapped[datetime | None]
    status: Mapped[int | None]
    error: Mapped[str | None]
