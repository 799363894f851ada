"""Idempotency keys: the same key and body gives the stored answer, however many ask at once ([D6])."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.db import table_of
from layers.errors import Unacceptable
from layers.incidents.table import IdempotencyKey

KEPT = timedelta(days=30)
# Every report passes here: rows go past the models, which would cost three times as much.
_KEYS = table_of(IdempotencyKey)


def claim_key(session: Session, key: str, *, client: str, body_sha256: bytes) -> dict[str, Any] | None:
    """None when the key is this transaction's to use, else the answer that was given to it.

    Of several at once one gets the key; the others wait for the end of its transaction and then hear its answer, or
    get the key if it failed. A key older than 30 days counts as new. Raises Unacceptable when the body is another one.
    """
    fresh = insert(_KEYS).values(client=client, key=key, body_sha256=body_sha256)
    taken = fresh.on_conflict_do_update(
        index_elements=[_KEYS.c.client, _KEYS.c.key],
        set_={"body_sha256": body_sha256, "at": func.now(), "answer": None, "status": None},
        where=_KEYS.c.at < func.now() - KEPT,
    ).returning(_KEYS.c.key)
    if session.scalar(taken) is not None:
        return None
    stored = session.execute(select(_KEYS.c.body_sha256, _KEYS.c.answer).where(_is(client, key))).one()
    if stored.body_sha256 != body_sha256:
        raise Unacceptable("key_used_with_another_body", errors=[(["Idempotency-Key"], "key_used_with_another_body")])
    answer: dict[str, Any] = stored.answer
    return answer


def keep_answer(session: Session, key: str, *, client: str, status: int, answer: dict[str, Any]) -> None:
    """Keep the answer beside the key, in the transaction that claimed it."""
    session.execute(update(_KEYS).where(_is(client, key)).values(status=status, answer=answer))


def forget_old_keys(session: Session) -> int:
    """The number of keys that were older than 30 days and are gone now; for the job process."""
    gone = delete(_KEYS).where(_KEYS.c.at < func.now() - KEPT).returning(1)
    return len(session.execute(gone).all())


def _is(client: str, key: str) -> Any:
    return (_KEYS.c.client == client) & (_KEYS.c.key == key)
