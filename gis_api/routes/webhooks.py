"""Other systems that are told what happens: addresses, what was delivered to them, and what was not ([D12])."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gis_api.dependencies import Admin, Read, Settings_, Tx
from gis_api.outgoing import require_reachable
from gis_api.paging import cursor_error, key_of, link_after_key
from gis_api.strict_routes import StrictRoute
from layers import outbox
from layers.ids import find_id
from layers.outbox import Delivery, Webhook
from layers.outbox.subscribing import Subscribed
from layers.outgoing import KINDS, OutgoingEvent

router = APIRouter(tags=["webhooks"], route_class=StrictRoute)
Id = Annotated[int, Path(ge=1, lt=2**63)]
Kind = Annotated[str, Field(max_length=60, json_schema_extra={"enum": sorted(set(KINDS.values()))})]
Kinds = Annotated[list[Kind], Field(min_length=1, max_length=50)]
State = Literal["waiting", "delivered", "given_up"]


class WebhookIn(BaseModel):
    """Where to tell it, what, and of which area (yours where nothing is said)."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    kinds: Kinds
    area: Annotated[str | None, Field(max_length=60, pattern=r"^[0-9A-Za-z-]*$")] = None


class WebhookChange(BaseModel):
    """What changes; `new_secret` makes a new one, which is told once."""

    model_config = ConfigDict(extra="forbid")

    kinds: Kinds | None = None
    active: bool | None = None
    new_secret: bool = False


class WebhookOut(BaseModel):
    """An address; `failures` since the last delivery that arrived, after which it rests until `rests_until`."""

    id: int
    url: str
    kinds: list[str]
    area: str
    active: bool
    by: str
    at: datetime
    failures: int
    rests_until: datetime | None


class WebhookListed(WebhookOut):
    """How it fares: deliveries that wait, when the oldest of their events happened, and the last error."""

    waiting: int
    oldest_at: datetime | None
    error: str | None


class WebhooksOut(BaseModel):
    webhooks: list[WebhookListed]


class WebhookMade(WebhookOut):
    """With the secret of its signatures, which is told this once."""

    secret: str | None = None


class EventOut(BaseModel):
    id: int
    kind: str
    at: datetime
    subject: str
    area: str
    data: dict[str, Any]


class DeliveryOut(BaseModel):
    """One event for one address; `due_at` is when it is tried next while it waits."""

    id: int
    state: State
    attempts: int
    due_at: datetime
    tried_at: datetime | None
    status: int | None
    error: str | None
    event: EventOut


class DeliveriesOut(BaseModel):
    deliveries: list[DeliveryOut]
    next: str | None


class Pinged(BaseModel):
    delivery: int


@router.get("/api/v1/webhooks", summary="Who is told what happens")
def list_webhooks(tx: Read, by: Admin) -> WebhooksOut:
    """The addresses of your area, with what waits for them and why."""
    return WebhooksOut(webhooks=[_describe_listed(one) for one in outbox.list_webhooks(tx, by=by)])


@router.post("/api/v1/webhooks", status_code=201, summary="Have an address told what happens")
def add_webhook(tx: Tx, by: Admin, settings: Settings_, sent: WebhookIn) -> WebhookMade:
    """The stored address with its secret. Addresses inside the operator's own networks are refused unless allowed.

    Each event comes as `POST` with `{"id", "kind", "at", "subject", "area", "data"}`, signed in `Wangge-Signature`
    (`t=…,v1=…`: HMAC-SHA256 over `{t}.{body}`), until it is answered with 2xx; it may come twice, with the same
    `Wangge-Delivery`.
    """
    require_reachable(sent.url, allowed=settings.webhook_networks)
    made = outbox.add_webhook(tx, sent.url, kinds=sent.kinds, area=sent.area or by.area, by=by)
    return WebhookMade(**_describe_webhook(made), secret=made.secret)


@router.patch("/api/v1/webhooks/{webhook_id}", summary="Change what an address is told")
def change_webhook(tx: Tx, by: Admin, webhook_id: Id, sent: WebhookChange) -> WebhookMade:
    """The address as it is now. While it is not active it is told nothing; what waits goes out afterwards."""
    changed = outbox.change_webhook(
        tx, webhook_id, kinds=sent.kinds, active=sent.active, new_secret=sent.new_secret, by=by
    )
    return WebhookMade(**_describe_webhook(changed), secret=changed.secret if sent.new_secret else None)


@router.delete("/api/v1/webhooks/{webhook_id}", status_code=204, summary="Tell an address nothing more")
def remove_webhook(tx: Tx, by: Admin, webhook_id: Id) -> None:
    """Remove it with all of its deliveries."""
    outbox.remove_webhook(tx, webhook_id, by=by)


@router.post("/api/v1/webhooks/{webhook_id}/ping", status_code=202, summary="Try an address")
def ping_webhook(tx: Tx, by: Admin, webhook_id: Id) -> Pinged:
    """A delivery of the kind `ping`; its end is found among the deliveries."""
    return Pinged(delivery=outbox.ping(tx, webhook_id, by=by).id)


@router.get("/api/v1/webhooks/{webhook_id}/deliveries", summary="What an address was told, and was not")
def list_deliveries(
    request: Request,
    tx: Read,
    by: Admin,
    webhook_id: Id,
    state: Annotated[State | None, Query()] = None,
    after: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DeliveriesOut:
    """The newest first."""
    page = outbox.list_deliveries(tx, webhook_id, state=state, after=_parse_after(after), limit=limit, by=by)
    following = None if page.after is None else link_after_key(request, "after", str(page.after))
    return DeliveriesOut(deliveries=_describe_deliveries(page.rows), next=following)


@router.post("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend", summary="Send a delivery again")
def resend(tx: Tx, by: Admin, webhook_id: Id, delivery_id: Id) -> DeliveryOut:
    """It is due now, also when it had arrived or was given up; other deliveries go on behind it."""
    return _describe_deliveries([outbox.resend(tx, webhook_id, delivery_id, by=by)])[0]


@router.post("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/give-up", summary="Give a delivery up")
def give_up(tx: Tx, by: Admin, webhook_id: Id, delivery_id: Id) -> DeliveryOut:
    """It is tried no more. Only a person decides that: by itself it is tried once an hour for ever."""
    return _describe_deliveries([outbox.give_up(tx, webhook_id, delivery_id, by=by)])[0]


def _parse_after(sent: str | None) -> int | None:
    key = key_of(sent)
    after = None if key is None else find_id(key)
    if key is not None and after is None:
        raise cursor_error()
    return after


def _describe_webhook(webhook: Webhook) -> dict[str, Any]:
    return {name: getattr(webhook, name) for name in WebhookOut.model_fields}


def _describe_listed(one: Subscribed) -> WebhookListed:
    return WebhookListed(
        **_describe_webhook(one.webhook), waiting=one.waiting, oldest_at=one.oldest_at, error=one.error
    )


def _describe_deliveries(rows: Sequence[tuple[Delivery, OutgoingEvent]]) -> list[DeliveryOut]:
    own = [name for name in DeliveryOut.model_fields if name != "event"]
    return [
        DeliveryOut(**{name: getattr(delivery, name) for name in own}, event=_event(event)) for delivery, event in rows
    ]


def _event(event: OutgoingEvent) -> EventOut:
    return EventOut(id=event.id, kind=event.kind, at=event.at, subject=event.subject, area=event.area, data=event.told)
