"""One delivery as one request: signed, to the address that was judged, and never anywhere else.

    Wangge-Event: incident.reported
    Wangge-Delivery: 1207
    Wangge-Signature: t=1780000000,v1=5d41…

The signature is HMAC-SHA256 with the webhook's secret over `{t}.{body}`. A receiver that finds `t` older than five
minutes has been sent something again by somebody else, and one that knows the delivery's number has had it before.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
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
        self.default_port = 443 if target.secure else 80  # which the Host header leaves out
        self._target, self._addresses = target, addresses
        self._until_s = time.monotonic() + timeout_s
        self._plain: socket.socket | None = None
        self.is_cut = False

    def connect(self) -> None:
        """Connect to the first of the addresses that answers in time."""
        failed: OSError | None = None
        for address in self._addresses:
            left_s = self._until_s - time.monotonic()
            if left_s <= 0:
                break
            try:
                self.sock = self._plain = socket.create_connection((str(address), self._target.port), left_s)
            except OSError as error:
                failed = error
                continue
            if self._target.secure:
                context = ssl.create_default_context()
                # Hands are shaken afterwards, so that `cut` ends a handshake that takes too long as well.
                made = context.wrap_socket(self.sock, server_hostname=self._target.host, do_handshake_on_connect=False)
                self.sock = self._plain = made
                made.do_handshake()
            return
        raise failed or TimeoutError("timed out")

    def cut(self) -> None:
        """End whatever is under way: a time-out of a socket begins anew with each byte."""
        self.is_cut = True
        if self._plain is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._plain, socket.SHUT_RDWR)


def post(
    parcel: Parcel, *, now: datetime, allowed: Sequence[Network], timeout_s: float = TIMEOUT_S
) -> tuple[int | None, str | None]:
    """The status that was answered, and what was wrong; None for either there was none of. Redirects are not followed.

    Whatever a receiver does with the request, it ends within the time-out: nothing of an answer but its head is read.
    """
    body = body_of(parcel)
    try:
        target = read_target(parcel.url)
        connection = _Judged(target, find_addresses(target, allowed=allowed), timeout_s)
        ending = threading.Timer(timeout_s, connection.cut)
        ending.start()
        try:
            connection.request("POST", target.path, body, headers_of(parcel, body, now=now))
            status = connection.getresponse().status
        except (OSError, HTTPException):
            if not connection.is_cut:
                raise
        finally:
            ending.cancel()
            connection.close()
        if connection.is_cut:
            return None, "timed out"  # what came of a head is not taken for one
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
