"""One delivery as one request: signed, to the address that was judged, and never anywhere else.

    Wangge-Event: incident.reported
    Wangge-Delivery: 1207
    Wangge-Signature: t=1780000000,v1=5d41…

The signature is HMAC-SHA256 with the webhook's secret over `{t}.{body}`. A receiver that finds `t` older than five
minutes has been sent something again by somebody else, and one that knows the delivery's number has had it before.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException

from gis_api.outgoing.addresses import Address, Network, Target, Unreachable, find_addresses, read_target
from layers.outbox import Parcel

TIMEOUT_S = 10.0
AGENT = "Wangge"
_LONGEST_ERROR = 300


class _Judged(HTTPConnection):
    """A connection to an address that was looked up already: the name is not asked for again."""

    def __init__(self, target: Target, addresses: Sequence[Address], timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self._target, self._addresses = target, addresses
        self._timeout_s = timeout_s

    def connect(self) -> None:
        """Connect to the first of the addresses that answers."""
        failed: OSError | None = None
        for address in self._addresses:
            try:
                plain = socket.create_connection((str(address), self._target.port), self._timeout_s)
            except OSError as error:
                failed = error
                continue
            name = self._target.host
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=name) if self._secure else plain
            return
        raise failed or OSError("no address")

    @property
    def _secure(self) -> bool:
        return self._target.secure


def post(
    parcel: Parcel, *, now: datetime, allowed: Sequence[Network], timeout_s: float = TIMEOUT_S
) -> tuple[int | None, str | None]:
    """The status that was answered, and what was wrong; None for either there was none of. Redirects are not followed.

    Whatever a receiver does with the request, it ends: nothing of an answer but its head is read.
    """
    body = body_of(parcel)
    try:
        target = read_target(parcel.url)
        connection = _Judged(target, find_addresses(target, allowed=allowed), timeout_s)
        try:
            connection.request("POST", target.path, body, headers_of(parcel, body, now=now))
            status = connection.getresponse().status
        finally:
            connection.close()
    except Unreachable as wrong:
        return None, wrong.code
    except (OSError, HTTPException) as error:
        return None, (str(error) or type(error).__name__)[:_LONGEST_ERROR]
    return status, None if 200 <= status < 300 else f"HTTP {status}"


def body_of(parcel: Parcel) -> bytes:
    """What is sent: the event, the same bytes however often it is sent."""
    event = {
        "id": parcel.event_id,
        "kind": parcel.kind,
        "at": parcel.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "subject": parcel.subject,
        "area": parcel.area,
        "data": parcel.told,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def headers_of(parcel: Parcel, body: bytes, *, now: datetime) -> dict[str, str]:
    """The headers of the request, the signature among them."""
    t = int(now.timestamp())
    digest = hmac.new(parcel.secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "Wangge-Event": parcel.kind,
        "Wangge-Delivery": str(parcel.delivery_id),
        "Wangge-Signature": f"t={t},v1={digest}",
    }
