"""What other systems are told of: events, addresses that asked for them, and each delivery until it arrives ([D12]).

    webhook = add_webhook(session, "https://example.org/told", kinds=["incident.reported"], area="130273", by=admin)

An event is written in the transaction of what it tells of (`layers.outgoing`), so that neither is without the other.
`spread` makes one delivery for each address that asked, once; `claim_parcels` and `settle_delivery` carry them out from
any number of processes. One that fails is tried again, later each time, until it arrives or a person gives it up.
"""

from layers.outbox.deliveries import (
    Delivered,
    give_up,
    list_deliveries,
    resend,
    settle_delivery,
    spread,
)
from layers.outbox.forgetting import forget_old_events
from layers.outbox.parcels import Parcel, claim_parcels, let_go
from layers.outbox.subscribing import add_webhook, change_webhook, list_webhooks, ping, remove_webhook
from layers.outbox.table import Delivery, Webhook

__all__ = [
    "Delivered",
    "Delivery",
    "Parcel",
    "Webhook",
    "add_webhook",
    "change_webhook",
    "claim_parcels",
    "forget_old_events",
    "give_up",
    "let_go",
    "list_deliveries",
    "list_webhooks",
    "ping",
    "remove_webhook",
    "resend",
    "settle_delivery",
    "spread",
]
