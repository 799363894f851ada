"""Idempotency keys and the feed of changes, with transactions that really run beside each other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from layers import categories, incidents
from layers.access import Actor, Role, service_actor
from layers.db import transaction
from layers.errors import Unacceptable
from layers.incidents import IdempotencyKey, IncidentsAsked

ADMIN = service_actor("test")
EARLY = datetime(2020, 1, 1, tzinfo=UTC)
BODY, OTHER_BODY = b"1" * 32, b"2" * 32


def claim(session: Session, *, body: bytes = BODY, client: str = "c") -> object:
    return incidents.claim_key(session, "k", client=client, body_sha256=body)


def stored(session: Session, *, code: str = "130273001001001") -> int:
    now = datetime.now(UTC)
    about = {"state": "reported", "category": "other", "occurred_at": now, "reported_at": now, "current_code": code}
    where = {"lon": 118.2, "lat": 39.65, "raw_lon": 118.2, "raw_lat": 39.65}
    return incidents.add_incident(session, reporter=None, **where, **about).id


def changes(engine: Engine) -> list[int]:
    with transaction(engine) as session:
        return [card.id for card in incidents.list_incidents(session, IncidentsAsked(changed_since=EARLY), by=ADMIN)]


def test_a_key_is_claimed_once_and_then_gives_its_answer(session: Session) -> None:
    assert claim(session) is None
    incidents.keep_answer(session, "k", client="c", status=201, answer={"id": "7"})
    assert claim(session) == {"id": "7"}
    assert claim(session, client="another") is None
    with pytest.raises(Unacceptable, match="another_body"):
        claim(session, body=OTHER_BODY)


def test_after_thirty_days_a_key_is_new_again(session: Session) -> None:
    for age, answer in (("29 days 23 hours", {"id": "7"}), ("30 days 1 second", None)):
        session.execute(text("DELETE FROM idempotency_keys"))
        claim(session)
        incidents.keep_answer(session, "k", client="c", status=201, answer={"id": "7"})
        session.execute(text("UPDATE idempotency_keys SET at = now() - CAST(:age AS interval)"), {"age": age})
        assert claim(session) == answer


def test_old_keys_are_forgotten(session: Session) -> None:
    claim(session)
    claim(session, client="old")
    session.execute(text("UPDATE idempotency_keys SET at = now() - interval '31 days' WHERE client = 'old'"))
    assert incidents.forget_old_keys(session) == 1
    assert session.get(IdempotencyKey, ("c", "k")) is not None


def test_a_key_whose_transaction_fails_goes_to_the_one_who_waits(engine: Engine) -> None:
    first = Session(engine)
    assert claim(first) is None
    with ThreadPoolExecutor(1) as pool, Session(engine) as second:
        waiting = pool.submit(claim, second)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        first.rollback()
        assert waiting.result(timeout=10) is None


def test_the_feed_waits_for_a_transaction_that_began_before_what_it_would_tell(engine: Engine) -> None:
    with transaction(engine) as session:
        categories.ensure_defaults(session)
    slow = Session(engine)
    older = stored(slow)
    with transaction(engine) as session:
        newer = stored(session)
    assert changes(engine) == []  # telling the newer one now would let the older one slip in behind the cursor
    slow.commit()
    slow.close()
    assert changes(engine) == [older, newer]


def test_each_sees_the_own_area_and_an_empty_one_sees_all(session: Session) -> None:
    categories.ensure_defaults(session)
    ids = [stored(session, code=code) for code in ("130273001001001", "130273002001001", "110101001001001")]

    def seen(area: str) -> list[int]:
        by = Actor("d", Role.dispatcher, area=area)
        return sorted(card.id for card in incidents.list_incidents(session, IncidentsAsked(), by=by))

    assert seen("130273001") == ids[:1]
    assert seen("130273") == ids[:2]
    assert seen("") == ids
    assert seen("1302730010010011") == []


def test_a_department_sees_the_cases_given_to_it_and_no_other(session: Session) -> None:
    categories.ensure_defaults(session)
    ids = [stored(session, code=code) for code in ("130273001001001", "130273002001001", "110101001001001")]
    session.execute(text("UPDATE incidents SET unit_code = 'water' WHERE id <> :other"), {"other": ids[1]})
    session.expire_all()

    def seen(unit: str | None) -> list[int]:
        by = Actor("u", Role.unit, area="130273", unit=unit)
        return sorted(card.id for card in incidents.list_incidents(session, IncidentsAsked(), by=by))

    assert seen("water") == ids[:1]
    assert seen("fire_rescue") == []
    assert seen(None) == ids[:2]
