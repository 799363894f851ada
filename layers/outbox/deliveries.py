"""Each event for each address that asked for it, once; listed, sent again, given up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Text, Update, and_, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.db import table_of
from layers.errors import Conflict, NotFound
from layers.history import note
from layers.outbox.subscribing import find_webhook
from layers.outbox.table import Delivery, Webhook
from layers.outgoing import OutgoingEvent

# After the first failure, the second, …; from then on as the last.
WAITS = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900, 3_600))
PAGE = 100
# One process numbers events at a time: an advisory lock with a number of our own.
NUMBERS_LOCK = 0x57414E4747450004 % 2**63


@dataclass(frozen=True, slots=True)
class Delivered:
    """Deliveries with their events, the newest first, and the id after which the next page goes on."""

    rows: Sequence[tuple[Delivery, OutgoingEvent]]
    after: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Deliveries that have not arrived yet, and the moment of the event that has waited longest."""

    deliveries: int
    oldest_at: datetime | None


def spread(session: Session, *, most: int = 1_000) -> int:
    """The number of events that now got their number, in the order of their commits, and their deliveries.

    One process at a time: the lock is let go after the commit is seen by all, so no number is ever given below one
    that somebody may have read. Those who find nothing to do take no lock.
    """
    waiting = select(OutgoingEvent.id).where(~OutgoingEvent.spread).order_by(OutgoingEvent.id)
    if session.scalar(waiting.limit(1)) is None:
        return 0
    session.execute(select(func.pg_advisory_xact_lock(NUMBERS_LOCK)))
    taken = session.scalars(waiting.limit(most)).all()
    if not taken:
        return 0
    asked = and_(
        Webhook.active,
        Webhook.kinds.op("@>")(cast(func.to_jsonb(OutgoingEvent.kind), JSONB)),
        OutgoingEvent.area.op("^@")(cast(Webhook.area, Text)),
    )
    found = select(Webhook.id, OutgoingEvent.id).join(Webhook, asked).where(OutgoingEvent.id.in_(taken))
    made = insert(table_of(Delivery)).from_select(["webhook_id", "event_id"], found.order_by(OutgoingEvent.id))
    session.execute(made)
    session.execute(_number_events(taken))
    return len(taken)


def _number_events(taken: Sequence[int]) -> Update:
    """The next numbers for these events, in the order of their ids."""
    events = table_of(OutgoingEvent)
    last = select(func.coalesce(func.max(events.c.number), 0)).scalar_subquery()
    place = func.row_number().over(order_by=events.c.id)
    numbers = select(events.c.id, (last + place).label("number")).where(events.c.id.in_(taken)).subquery()
    numbered = update(events).where(events.c.id == numbers.c.id)
    return numbered.values(spread=True, number=numbers.c.number)


def count_waiting(session: Session) -> Waiting:
    """How many deliveries wait, and since when the oldest of their events does."""
    counted = select(func.count(), func.min(OutgoingEvent.at)).select_from(Delivery).join(OutgoingEvent)
    deliveries, oldest_at = session.execute(counted.where(Delivery.state == "waiting")).one()
    return Waiting(deliveries, oldest_at)


def settle_delivery(
    session: Session, delivery_id: int, *, status: int | None, error: str | None, now: datetime
) -> None:
    """Keep how an attempt ended. One that failed waits longer each time, and so does its address for all the others,
    which are not to queue behind somebody who is away."""
    # The address first, as everywhere: two that take the same rows in another order wait for each other in a circle.
    of = select(Delivery.webhook_id).where(Delivery.id == delivery_id).scalar_subquery()
    webhook = session.scalars(select(Webhook).where(Webhook.id == of).with_for_update()).one_or_none()
    delivery = session.get(Delivery, delivery_id, with_for_update=True)
    if webhook is None or delivery is None or delivery.state != "waiting":
        return  # removed, or given up meanwhile
    delivery.attempts, delivery.tried_at, delivery.status, delivery.error = delivery.attempts + 1, now, status, error
    if error is None:
        delivery.state, webhook.failures, webhook.rests_until = "delivered", 0, None
        return
    webhook.failures += 1
    delivery.due_at = now + WAITS[min(delivery.attempts, len(WAITS)) - 1]
    webhook.rests_until = now + WAITS[min(webhook.failures, len(WAITS)) - 1]


def list_deliveries(
    session: Session, webhook_id: int, *, state: str | None, after: int | None, limit: int = PAGE, by: Actor
) -> Delivered:
    """The deliveries of an address; raises NotFound where there is no such address in this person's area."""
    find_webhook(session, webhook_id, by=by)
    rows = select(Delivery, OutgoingEvent).join(OutgoingEvent).where(Delivery.webhook_id == webhook_id)
    rows = rows.where(Delivery.state == state) if state is not None else rows
    rows = rows.where(Delivery.id < after) if after is not None else rows
    found = session.execute(rows.order_by(Delivery.id.desc()).limit(limit + 1)).all()
    shown = [(delivery, event) for delivery, event in found[:limit]]
    return Delivered(shown, shown[-1][0].id if len(found) > limit else None)


def resend(session: Session, webhook_id: int, delivery_id: int, *, by: Actor) -> tuple[Delivery, OutgoingEvent]:
    """The delivery, due now, also one that had arrived or was given up; its address is tried at once."""
    webhook = find_webhook(session, webhook_id, by=by, locked=True)
    delivery, event = _find(session, webhook_id, delivery_id)
    delivery.state, delivery.due_at, webhook.rests_until = "waiting", func.now(), None
    note(session, "webhook.resend", subject=f"webhook:{webhook.id}", area=webhook.area, by=by, delivery=delivery.id)
    session.flush()
    session.refresh(delivery)
    return delivery, event


def give_up(session: Session, webhook_id: int, delivery_id: int, *, by: Actor) -> tuple[Delivery, OutgoingEvent]:
    """The delivery, which is tried no more; raises Conflict for one that has arrived."""
    webhook = find_webhook(session, webhook_id, by=by)
    delivery, event = _find(session, webhook_id, delivery_id)
    if delivery.state == "delivered":
        raise Conflict("already_delivered")
    delivery.state = "given_up"
    note(session, "webhook.give_up", subject=f"webhook:{webhook.id}", area=webhook.area, by=by, delivery=delivery.id)
    session.flush()
    return delivery, event


def _find(session: Session, webhook_id: int, delivery_id: int) -> tuple[Delivery, OutgoingEvent]:
    delivery = session.get(Delivery, delivery_id, with_for_update=True, populate_existing=True)
    if delivery is None or delivery.webhook_id != webhook_id:
        raise NotFound("not_found")
    event = session.get(OutgoingEvent, delivery.event_id)
    assert event is not None
    return delivery, event
