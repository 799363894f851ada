"""Addresses that are told of events: entered, changed, listed and removed by an administrator of their area."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.db import table_of
from layers.errors import Conflict, NotFound, Unacceptable
from layers.history import note
from layers.outbox.table import Delivery, Webhook
from layers.outgoing import KINDS, PING, OutgoingEvent

MOST_WEBHOOKS = 200


@dataclass(frozen=True, slots=True)
class Subscribed:
    """An address and how it fares: deliveries that wait, since when the oldest does, and the last error."""

    webhook: Webhook
    waiting: int
    oldest_at: datetime | None
    error: str | None


def add_webhook(session: Session, url: str, *, kinds: Collection[str], area: str, by: Actor) -> Webhook:
    """The stored address with its secret. Raises Forbidden for a foreign area, Unacceptable for an unknown kind,
    Conflict where there are too many."""
    require_area(by, area)
    _require_kinds(kinds)
    if (session.scalar(select(func.count()).select_from(Webhook)) or 0) >= MOST_WEBHOOKS:
        raise Conflict("too_many_webhooks", most=MOST_WEBHOOKS)
    made = Webhook(url=url, secret=secrets.token_urlsafe(32), kinds=sorted(set(kinds)), area=area, by=by.name)
    session.add(made)
    session.flush()
    note(session, "webhook.add", subject=f"webhook:{made.id}", area=area, by=by, kinds=made.kinds)
    return made


def change_webhook(
    session: Session,
    webhook_id: int,
    *,
    kinds: Collection[str] | None,
    active: bool | None,
    new_secret: bool,
    by: Actor,
) -> Webhook:
    """The address as it is now. What waits goes on waiting while it is not active, and goes out when it is again."""
    webhook = find_webhook(session, webhook_id, by=by, locked=True)
    if kinds is not None:
        _require_kinds(kinds)
        webhook.kinds = sorted(set(kinds))
    if active is not None:
        webhook.active = active
    if active:
        webhook.failures, webhook.rests_until = 0, None
    if new_secret:
        webhook.secret = secrets.token_urlsafe(32)
    changed = {"kinds": kinds and webhook.kinds, "active": active, "new_secret": new_secret or None}
    told = {name: value for name, value in changed.items() if value is not None}
    note(session, "webhook.change", subject=f"webhook:{webhook.id}", area=webhook.area, by=by, **told)
    session.flush()
    return webhook


def remove_webhook(session: Session, webhook_id: int, *, by: Actor) -> None:
    """Remove the address and all of its deliveries."""
    webhook = find_webhook(session, webhook_id, by=by, locked=True)
    note(session, "webhook.remove", subject=f"webhook:{webhook.id}", area=webhook.area, by=by)
    session.delete(webhook)


def list_webhooks(session: Session, *, by: Actor) -> Sequence[Subscribed]:
    """All addresses in somebody's area, the newest last."""
    waiting = Delivery.state == "waiting"
    counted = select(Webhook, func.count(Delivery.id), func.min(OutgoingEvent.at)).group_by(Webhook.id)
    joined = counted.outerjoin(Delivery, (Delivery.webhook_id == Webhook.id) & waiting).outerjoin(OutgoingEvent)
    rows = session.execute(joined.where(Webhook.area.startswith(by.area, autoescape=True)).order_by(Webhook.id)).all()
    last = select(Delivery.webhook_id, Delivery.error).where(waiting, Delivery.error.is_not(None))
    newest = last.ext(distinct_on(Delivery.webhook_id)).order_by(Delivery.webhook_id, Delivery.tried_at.desc())
    errors = {row.webhook_id: row.error for row in session.execute(newest)}
    return [Subscribed(webhook, number, oldest, errors.get(webhook.id)) for webhook, number, oldest in rows]


def ping(session: Session, webhook_id: int, *, by: Actor) -> Delivery:
    """A delivery that tells nothing but that it arrives; it goes out like any other."""
    webhook = find_webhook(session, webhook_id, by=by)
    event = {"kind": PING, "subject": str(webhook.id), "area": webhook.area, "told": {}, "spread": True}
    event_id = session.scalar(insert(table_of(OutgoingEvent)).values(event).returning(table_of(OutgoingEvent).c.id))
    delivery = Delivery(webhook_id=webhook.id, event_id=event_id)
    session.add(delivery)
    session.flush()
    return delivery


def find_webhook(session: Session, webhook_id: int, *, by: Actor, locked: bool = False) -> Webhook:
    """The address; raises NotFound where there is none in this person's area."""
    found = session.get(Webhook, webhook_id, with_for_update=locked, populate_existing=locked)
    if found is None or not found.area.startswith(by.area):
        raise NotFound("not_found")
    return found


def _require_kinds(kinds: Collection[str]) -> None:
    unknown = sorted(set(kinds) - set(KINDS.values()))
    if unknown or not kinds:
        known = sorted(set(KINDS.values()))
        raise Unacceptable("unknown_event_kind", errors=[(["kinds"], "unknown_event_kind")], known=", ".join(known))
