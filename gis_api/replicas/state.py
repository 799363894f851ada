"""All that one process knows at one moment, and how it is read from the database."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from layers.access import Actor, list_key_actors, list_signed_in
from layers.candidates import Roster
from layers.db import wait_longer
from layers.freshness import read_roster_marks, read_urgent_marks, read_urgent_marks_alone
from layers.locating import Atlas, Rules, load_atlas, versions

log = logging.getLogger("wangge.replicas")
_KEYS, _PEOPLE = slice(0, 2), slice(2, 4)
# A roster knows the shifts of a day to either side of its moment.
ROSTER_LIFE = timedelta(minutes=10)
# Building an index of a million grids takes minutes; a lookup's time-out does not fit here.
PATIENCE_S = 600


@dataclass(frozen=True)
class Marks:
    """What a state was made from: parts of a state whose marks are equal need not be read again."""

    urgent: tuple[Any, ...] = ()
    atlas: tuple[Any, ...] = ()
    roster: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Pulse:
    """When PostgreSQL last said that the state is the present one, and the moment of `time.monotonic` from which
    answers are stale unless it says so again."""

    at: datetime | None
    stale_from_s: float


@dataclass(frozen=True, slots=True)
class Age:
    """When PostgreSQL last said that the state is the present one (RFC 3339), and whether that is too long ago."""

    updated_at: str | None
    stale: bool


@dataclass(frozen=True)
class State:
    """Keys and open sessions by their SHA-256, the atlas and the roster; immutable, put in place by one assignment.

    `roster_kept_at` is when a roster that was read from a file was true; None for one of the database that we follow.
    """

    keys: Mapping[bytes, Actor] = field(default_factory=dict)
    people: Mapping[bytes, tuple[Actor, datetime]] = field(default_factory=dict)
    atlas: Atlas | None = None
    roster: Roster | None = None
    marks: Marks = field(default_factory=Marks)
    roster_unreadable: bool = False
    roster_kept_at: datetime | None = None

    def without_roster_mark(self) -> State:
        """The same state, whose roster is read anew at the next reading."""
        return replace(self, marks=replace(self.marks, roster=()))


def is_urgent(connection: psycopg.Connection[Any], state: State) -> bool:
    """Whether a publication, a key or a session came or went since this state was read."""
    return read_urgent_marks_alone(connection) != state.marks.urgent


def read_state(
    session: Session, previous: State, *, rules: Rules, now: datetime, early: Callable[[State], None] = lambda _: None
) -> State:
    """The state that is committed now; whatever did not change is the previous object itself.

    A new atlas is given to `early` before the roster is read, which takes as long again: lookups need not wait for it.
    """
    wait_longer(session, PATIENCE_S)
    marks = Marks(read_urgent_marks(session), versions(session), read_roster_marks(session))
    keys_changed = marks.urgent[_KEYS] != previous.marks.urgent[_KEYS]
    people_changed = marks.urgent[_PEOPLE] != previous.marks.urgent[_PEOPLE]
    atlas_changed = previous.atlas is None or marks.atlas != previous.marks.atlas
    keys = list_key_actors(session) if keys_changed else previous.keys
    people = list_signed_in(session) if people_changed else previous.people
    if keys_changed or people_changed:
        early(replace(previous, keys=keys, people=people))  # whatever becomes of the rest
    atlas = load_atlas(session, previous=previous.atlas, rules=rules) if atlas_changed else previous.atlas
    if not (atlas_changed or marks != previous.marks or _is_worn(previous, now)):
        return previous
    if atlas_changed and previous.roster is not None:
        # Under the old marks: should the roster fail to be read, the next look begins again.
        early(replace(previous, keys=keys, people=people, atlas=atlas))
    roster = _find_roster(session, previous, marks, now)
    # The present one could not be read: the one before it goes on, until something is written again.
    return State(keys, people, atlas, roster or previous.roster, marks, roster is None)


def _find_roster(session: Session, previous: State, marks: Marks, now: datetime) -> Roster | None:
    """The present roster; None, and a line in the log, where it cannot be read: keys and plans do not wait for it."""
    try:
        with session.begin_nested():
            return _roster(session, previous, marks, now)
    except (OperationalError, InterfaceError):
        raise  # the database is away
    except Exception:
        log.exception("the roster cannot be read; the one before it goes on")
        return None


def _roster(session: Session, previous: State, marks: Marks, now: datetime) -> Roster:
    same = (marks.roster, marks.atlas) == (previous.marks.roster, previous.marks.atlas)
    if previous.roster is not None and same and not _is_worn(previous, now):
        return previous.roster
    return Roster.load(session, now, previous=previous.roster)


def _is_worn(state: State, now: datetime) -> bool:
    """Whether the roster's window of shifts has to be moved on, though nothing was written."""
    return state.roster is not None and now - state.roster.at > ROSTER_LIFE
