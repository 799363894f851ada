"""Connections that wait in the pool: no question to a server that is well, another connection for one that is gone."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from layers.db import make_engine, transaction

BACKEND, LAST_ASKED = text("SELECT pg_backend_pid()"), text("SELECT query FROM pg_stat_activity WHERE pid = :pid")


@pytest.fixture
def other(engine: Engine) -> Engine:
    """Another way to the same database, to look at the first one from."""
    return make_engine(engine.url.render_as_string(hide_password=False))


def _backend(engine: Engine) -> int:
    with transaction(engine) as session:
        return int(session.scalars(BACKEND).one())


def test_a_connection_from_the_pool_is_not_asked_how_it_is(engine: Engine, other: Engine) -> None:
    pid = _backend(engine)
    with engine.connect(), transaction(other) as session:
        assert session.scalars(LAST_ASKED, {"pid": pid}).one() == "COMMIT"


def test_a_connection_whose_server_ended_is_replaced_unseen(engine: Engine, other: Engine) -> None:
    pid = _backend(engine)
    with transaction(other) as session:
        session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    assert _backend(engine) != pid


def test_a_connection_to_which_something_was_said_is_kept(engine: Engine, other: Engine) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("LISTEN news")
        connection.commit()
        pid = connection.scalars(BACKEND).one()
    with transaction(other) as session:
        session.execute(text("NOTIFY news"))
    assert _backend(engine) == pid
