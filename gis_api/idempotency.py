"""How a client's Idempotency-Key is read, whatever it is sent with."""

from __future__ import annotations

from layers.errors import Unacceptable

LONGEST_KEY = 200


def read_idempotency_key(sent: str) -> str:
    """The key without spaces around it; raises Unacceptable for an empty, a long or an unprintable one."""
    key = sent.strip()
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise Unacceptable("wrong_idempotency_key", errors=[(["Idempotency-Key"], "wrong_idempotency_key")])
    return key
