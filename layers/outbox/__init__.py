"""What other systems are told of: events, addresses that asked for them, and each delivery until it arrives ([D12]).

    webhook = add_webhook(session, "https://example.org/told", kinds=["incident.reported"], area="130273", by=admin)

An event is written in the transaction of what it tells of (`layers.outgoing`), so that neither is without the other.
`spread` makes one delivery for each address that asked, once; `claim_parcels` and `settle_delivery` carry them out from
any number of processes. One that fails is tried again, later each time, until it arrives or a person gives it up.
Whoever listens to a stream is told the same events in the order of their numbers (`news.py`).
"""

from layers.outbox.deliveries import (
    Delivered,
    Waiting,
    count_waiting,
    give_up,
    list_deliveries,
    resend,
    settle_delivery,
    spread,
)
from layers.outbox.forgetting import forget_old_events
from layers.outbox.news import Bookmark, CityNews, Moved, is_known, lies_in, parse_mark, read_mark, read_news
from layers.outbox.parcels import Parcel, claim_parcels, let_go
from layers.outbox.subscribing import add_webhook, change_webhook, list_webhooks, ping, remove_webhook
from layers.outbox.table import Delivery, Webhook

__all__ = [
    "Bookmark",
    "CityNews",
    "Delivered",
    "Delivery",
    "Moved",
    "Parcel",
    "Waiting",
    "Webhook",
    "add_webhook",
    "change_webhook",
    "claim_parcels",
    "count_waiting",
    "forget_old_events",
    "give_up",
    "is_known",
    "let_go",
    "lies_in",
    "list_deliveries",
    "list_webhooks",
    "parse_mark",
    "ping",
    "read_mark",
    "read_news",
    "remove_webhook",
    "resend",
    "settle_delivery",
    "spread",
]
