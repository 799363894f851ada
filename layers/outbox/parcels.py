"""What is due to go out now, held by whoever carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session

from layers.db import table_of
from layers.outbox.table import Delivery, Webhook
from layers.outgoing import OutgoingEvent


@dataclass(frozen=True, slots=True)
class Parcel:
    """One delivery with everything that is needed to carry it out when no transaction is open."""

    delivery_id: int
    webhook_id: int
    url: str
    secret: str
    event_id: int
    kind: str
    at: datetime
    subject: str
    area: str
    told: dict[str, Any]


def claim_parcels(session: Session, *, now: datetime, hold: timedelta, most: int) -> Sequence[Parcel]:
    """The due deliveries of one address, the oldest first, which no other process takes while they are held.

    An address that rests after a failure has none, and neither has one whose deliveries somebody carries out already:
    so one that is away keeps a single attempt busy, and none of the others waits for it.
    """
    due = exists().where(Delivery.webhook_id == Webhook.id, Delivery.state == "waiting", Delivery.due_at <= now)
    free = (
        select(Webhook.id)
        .where(Webhook.active, due)
        .where(or_(Webhook.rests_until.is_(None), Webhook.rests_until <= now))
        .where(or_(Webhook.held_until.is_(None), Webhook.held_until <= now))
        .order_by(Webhook.held_until.asc().nulls_first())
        .limit(1)
    )
    webhook_id = session.scalar(free.with_for_update(skip_locked=True))
    if webhook_id is None:
        return []
    _hold(session, webhook_id, now + hold)
    rows = (
        select(Delivery.id, Webhook.id, Webhook.url, Webhook.secret, OutgoingEvent)
        .join(Webhook, Webhook.id == Delivery.webhook_id)
        .join(OutgoingEvent, OutgoingEvent.id == Delivery.event_id)
        .where(Delivery.webhook_id == webhook_id, Delivery.state == "waiting", Delivery.due_at <= now)
        .order_by(Delivery.due_at, Delivery.id)
        .limit(most)
    )
    return [
        Parcel(*row[:4], event.id, event.kind, event.at, event.subject, event.area, event.told)
        for row in session.execute(rows)
        for event in [row[4]]
    ]


def let_go(session: Session, webhook_id: int, *, now: datetime) -> None:
    """Let others carry out what is left for this address."""
    _hold(session, webhook_id, now)


def _hold(session: Session, webhook_id: int, until: datetime) -> None:
    webhooks = table_of(Webhook)
    session.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(held_until=until))
