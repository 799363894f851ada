"""The history: append-only, chained, and a change is found."""

from __future__ import annotations

from sqlalchemy import Engine, text

from layers import history
from layers.access import service_actor
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
        assert history.find_break(session) is None


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
        assert history.find_break(session) == 2


def test_a_line_taken_away_breaks_the_chain(engine: Engine) -> None:
    note(engine, "a", "b", "c")
    with transaction(engine) as session:
        history.seal(session)
        session.execute(text("ALTER TABLE history DISABLE TRIGGER append_only"))
        session.execute(text("DELETE FROM history WHERE subject = 'b'"))
    with transaction(engine) as session:
        assert history.find_break(session) == 2
