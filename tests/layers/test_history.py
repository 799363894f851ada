"""The history: append-only, chained, and a change is found."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from layers import history
from layers.access import Actor, service_actor
from layers.db import transaction

BY = service_actor("test")


def note(engine: Engine, *subjects: str) -> None:
    with transaction(engine) as session:
        for subject in subjects:
            history.note(session, "do", subject=subject, by=BY, size=3, name="高新区")


def test_lines_are_sealed_in_their_order(engine: Engine) -> None:
    note(engine, "a", "b")
    with transaction(engine) as session:
        assert history.seal(session) == 2
    note(engine, "c")
    with transaction(engine) as session:
        assert history.seal(session) == 1
        rows = session.execute(text("SELECT subject FROM history ORDER BY sealed")).scalars().all()
        assert rows == ["a", "b", "c"]
        assert history.check_chain(session) is None


def test_sealing_twice_seals_nothing_new(engine: Engine) -> None:
    note(engine, "a")
    with transaction(engine) as session:
        history.seal(session)
        assert history.seal(session) == 0


def test_a_line_changed_behind_the_triggers_back_breaks_the_chain(engine: Engine) -> None:
    note(engine, "a", "b", "c")
    with transaction(engine) as session:
        history.seal(session)
        session.execute(text("ALTER TABLE history DISABLE TRIGGER append_only"))
        session.execute(text("UPDATE history SET actor = 'nobody' WHERE subject = 'b'"))
    with transaction(engine) as session:
        found = history.check_chain(session)
        assert found is not None and found.at == 2


def test_a_line_taken_away_breaks_the_chain(engine: Engine) -> None:
    note(engine, "a", "b", "c")
    with transaction(engine) as session:
        history.seal(session)
        session.execute(text("ALTER TABLE history DISABLE TRIGGER append_only"))
        session.execute(text("DELETE FROM history WHERE subject = 'b'"))
    with transaction(engine) as session:
        found = history.check_chain(session)
        assert found is not None and found.at == 2


def unguarded(engine: Engine, *statements: str) -> None:
    """What somebody does to the table who owns it."""
    with transaction(engine) as session:
        session.execute(text("ALTER TABLE history DISABLE TRIGGER USER"))
        for statement in statements:
            session.execute(text(statement))
        session.execute(text("ALTER TABLE history ENABLE TRIGGER USER"))


def sealed(engine: Engine, *subjects: str) -> None:
    note(engine, *subjects)
    with transaction(engine) as session:
        history.seal(session)


@pytest.mark.parametrize(
    ("statement", "at", "why"),
    [
        ("UPDATE history SET area = '999999' WHERE subject = 'b'", 2, "changed"),
        ("UPDATE history SET kind = 'person' WHERE subject = 'c'", 3, "changed"),
        ("UPDATE history SET kind = NULL, area = '' WHERE subject = 'a'", 1, "changed"),
        ("UPDATE history SET at = at + interval '1 microsecond' WHERE subject = 'a'", 1, "changed"),
        ("DELETE FROM history WHERE subject = 'b'", 2, "missing"),
        ("DELETE FROM history WHERE subject = 'c'", 3, "cut"),
        ("DELETE FROM history WHERE subject IN ('b', 'c')", 2, "cut"),
        ("DELETE FROM history", 1, "cut"),
        ("TRUNCATE history", 1, "cut"),
        ("DELETE FROM history_head", 4, "headless"),
        ("UPDATE history SET sealed = NULL, digest = NULL WHERE subject = 'c'", 3, "cut"),
        ("DELETE FROM history WHERE subject = 'late'", None, "missing"),
        ("UPDATE history SET actor = 'nobody' WHERE subject = 'late'", None, "changed"),
        ("DELETE FROM history_marks", None, "unmarked"),
    ],
)
def test_whatever_is_done_by_hand_is_found_and_stays_found(
    engine: Engine, statement: str, at: int | None, why: str
) -> None:
    sealed(engine, "a", "b", "c")
    note(engine, "late")
    with transaction(engine) as session:
        assert history.check_chain(session) is None
    unguarded(engine, statement)
    for _ in range(2):
        with transaction(engine) as session:
            found = history.check_chain(session)
            assert found is not None and found.why == why
            # A line without a seal has no number in the chain yet, but an id.
            assert found.at == at if at is not None else found.line is not None
        sealed(engine, "afterwards")  # whoever goes on writing must not cover it


def test_a_person_and_a_key_are_told_apart_in_each_line(engine: Engine) -> None:
    with transaction(engine) as session:
        for kind in ("person", "key"):
            history.note(session, "do", subject=kind, by=Actor(name="x", role="admin", kind=kind))
    with transaction(engine) as session:
        assert session.execute(text("SELECT subject = kind FROM history")).scalars().all() == [True, True]
