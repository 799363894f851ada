"""Forgetting what was told long ago."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from layers.outbox.table import Delivery
from layers.outgoing import OutgoingEvent

KEPT = timedelta(days=30)


def forget_old_events(session: Session) -> int:
    """The number of events removed that are thirty days old; one that still has to be delivered stays."""
    waiting = select(Delivery.event_id).where(Delivery.state == "waiting")
    old = OutgoingEvent.at < func.now() - KEPT
    gone = delete(OutgoingEvent).where(old, OutgoingEvent.spread, OutgoingEvent.id.not_in(waiting))
    return len(session.execute(gone.returning(OutgoingEvent.id)).all())
