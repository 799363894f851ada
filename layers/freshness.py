"""How what is kept in memory learns that it is old: the channels that wake it, and the marks that it compares.

A notice has no replay, so it only wakes; whoever keeps something compares the marks it was made from with the present
ones (those of the maps stand in `layers.map_version`, as they follow from plans and the registry of layers).
"""

from __future__ import annotations

from typing import Any

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

# Sent with the commit of what they tell of.
PUBLICATIONS = "wangge_publication"
ROSTERS = "wangge_roster"
PLANS = "wangge_plan"
EVENTS = "wangge_event"

# Asked several times a second: what must be seen at once. Keys and people are few.
_URGENT = text("""
    SELECT (SELECT max(index_version) FROM publications),
           (SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM keys),
           (SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM sign_ins),
           (SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM users)
""")
# Tables that may be large are not read to see whether they changed: the server counts its writes anyway.
_ROSTER = text("""
    SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables
    WHERE relname IN ('workers', 'assignments', 'shifts', 'positions', 'incidents')
""")


def read_urgent_marks(session: Session) -> tuple[Any, ...]:
    """What changes with every publication, with the keys (two of four), with the sessions and the people."""
    return tuple(session.execute(_URGENT).one())


def read_urgent_marks_alone(connection: psycopg.Connection[Any]) -> tuple[Any, ...] | None:
    """The same on a bare connection, which costs half as much."""
    return connection.execute(_URGENT.text).fetchone()


def read_roster_marks(session: Session) -> tuple[Any, ...]:
    """What changes, a moment later, with everything that a roster is made of."""
    return tuple(session.execute(_ROSTER).one())
