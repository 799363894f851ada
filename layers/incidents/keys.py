"""Idempotency keys: the same key and body gives the stored answer, however many ask at once ([D6])."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.errors import Unacceptable
from layers.incidents.table import IdempotencyKey

KEPT = timedelta(days=30)


def claim_key(session: Session, key: str, *, client: str, body_sha256: bytes) -> dict[str, Any] | None:
    """None when the key is this transaction's to use, else the answer that was given to it.

    Of several at once one gets the key; the others wait for the end of its transaction and then hear its answer, or
    get the key if it failed. A key older than 30 days counts as new. Raises Unacceptable when the body is another one.
    """
    fresh = insert(IdempotencyKey).values(client=client, key=key, body_sha256=body_sha256)
    taken = fresh.on_conflict_do_update(
        index_elements=[IdempotencyKey.client, IdempotencyKey.key],
        set_={"body_sha256": body_sha256, "at": func.now(), "answer": None, "status": None},
        where=IdempotencyKey.at < func.now() - KEPT,
    ).returning(IdempotencyKey.key)
    if session.scalar(taken) is not None:
        return None
    columns = (IdempotencyKey.body_sha256, IdempotencyKey.answer)
    stored = session.execute(select(*columns).where(_is(client, key))).one()
    if stored.body_sha256 != body_sha256:
        raise Unacceptable("key_used_with_another_body", errors=[(["Idempotency-Key"], "key_used_with_another_body")])
    answer: dict[str, Any] = stored.answer
    return answer


def keep_answer(session: Session, key: str, *, client: str, status: int, answer: dict[str, Any]) -> None:
    """Keep the answer beside the key, in the transaction that claimed it."""
    session.execute(update(IdempotencyKey).where(_is(client, key)).values(status=status, answer=answer))


def forget_old_keys(session: Session) -> int:
    """The number of keys that were older than 30 days and are gone now; for the job process."""
    gone = delete(IdempotencyKey).where(IdempotencyKey.at < func.now() - KEPT).returning(1)
    return len(session.execute(gone).all())


def _is(client: str, key: str) -> Any:
    return (IdempotencyKey.client == client) & (IdempotencyKey.key == key)
