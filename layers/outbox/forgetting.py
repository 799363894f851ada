"""Forgetting what was told long ago."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from layers.outbox.table import Delivery
from layers.outgoing import OutgoingEvent

KEPT = timedelta(days=30)


def forget_old_events(session: Session) -> int:
    """The number of events removed that are thirty days old. One that still has to be delivered stays, and so does the
    last one: from its number the next ones are counted."""
    waiting = select(Delivery.event_id).where(Delivery.state == "waiting")
    old = OutgoingEvent.at < func.now() - KEPT
    last = select(func.coalesce(func.max(OutgoingEvent.number), 0)).scalar_subquery()
    done = OutgoingEvent.spread & OutgoingEvent.id.not_in(waiting) & (func.coalesce(OutgoingEvent.number, 0) < last)
    gone = delete(OutgoingEvent).where(old, done)
    return len(session.execute(gone.returning(OutgoingEvent.id)).all())
