"""From the database to an atlas, reading only what has changed."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.locating.atlas import Atlas, Rules, Term, term_of
from layers.locating.charges import ChargeIndex, load_charges
from layers.locating.edition import Edition, load_areas, load_edition
from layers.moments import read_clock
from layers.plans import Plan, Publication

log = logging.getLogger("wangge.locating")
# xmin is the transaction that wrote a row. Their sum and the number of rows change with every insert, update and
# delete, also when a transaction that began earlier commits later (which the largest xmin would not show).
_AREAS = text("SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM areas")
# Of workers only what an atlas tells of them counts: each report writes to the row of whoever is sent (`xmin` changes),
# and would have every process load all people again and store the snapshot anew each second.
_PEOPLE = text("""
    SELECT (SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM assignments),
           (SELECT concat(count(*), '.', sum(hashtextextended(concat_ws('/', id, active, number, name), 0)::numeric))
            FROM workers)
""")


def versions(session: Session) -> tuple[Any, ...]:
    """What an atlas was made from, to be compared: it changes whenever `load_atlas` would give another one.

    A millisecond for a district; publications alone are cheaper to ask for (`max(index_version)`).
    """
    last = session.scalar(select(func.max(Publication.index_version)))
    return (last, session.scalar(_AREAS), *session.execute(_PEOPLE).one())


def load_atlas(
    session: Session,
    *,
    previous: Atlas | None = None,
    at: datetime | None = None,
    rules: Rules | None = None,
    district: str | None = None,
) -> Atlas:
    """The atlas of all plans in force at a moment (now) or later, or of one district's, and of who serves what.

    Editions of `previous` are kept where their plan is still needed, so a publication costs one district. Snapshots
    stored by the publisher are used; where there is none the index is built, 0.15 s for 3,000 grids.
    """
    moment = at or read_clock()
    terms = tuple(term_of(*row) for row in session.execute(_terms()))
    if district is not None:
        terms = tuple(term for term in terms if term.district == district)
        if not terms:
            raise NotFound("nothing_published", district=district)
    mark = str(session.scalar(_AREAS))
    known = _keep_editions(session, previous, mark)
    terms, editions, unreadable = _editions(session, terms, known, after=moment)
    return Atlas(
        index_version=session.scalar(select(func.max(Publication.index_version))) or 0,
        terms=terms,
        editions=editions,
        unreadable=unreadable,
        charges=_charges(session, previous),
        rules=rules or (previous.rules if previous is not None else Rules()),
        areas_mark=mark,
    )


def _editions(
    session: Session, terms: tuple[Term, ...], known: Mapping[int, Edition], *, after: datetime
) -> tuple[tuple[Term, ...], dict[int, Edition], tuple[int, ...]]:
    """The terms with the editions of those that end after a moment, and the ids of plans that cannot be read.

    One unreadable plan must not stop the others: it is left out, and the plan before it goes on in its place.
    """
    editions: dict[int, Edition] = {}
    unreadable: list[int] = []
    while missing := [term for term in terms if term.until > after and term.plan_id not in editions]:
        for term in missing:
            edition = known.get(term.plan_id) or _find_edition(session, term)
            if edition is None:
                unreadable.append(term.plan_id)
            else:
                editions[term.plan_id] = edition
        terms = leave_out(terms, unreadable)
    return terms, editions, tuple(unreadable)


def _find_edition(session: Session, term: Term) -> Edition | None:
    """The edition of a plan; None, and a line in the log, for one that cannot be read."""
    try:
        # In a savepoint: after an error of the database the transaction goes on.
        with session.begin_nested():
            return load_edition(session, term.plan_id)
    except (OperationalError, InterfaceError):
        raise  # the database is away, which says nothing of the plan
    except Exception:
        log.exception("plan %s of %s cannot be read and is left out", term.plan_id, term.district)
        return None


def leave_out(terms: Sequence[Term], unreadable: Collection[int]) -> tuple[Term, ...]:
    """The terms as if these plans had not been published: the one before each goes on in its place."""
    kept: list[Term] = []
    for term in terms:
        before = kept[-1] if kept and kept[-1].district == term.district else None
        if term.plan_id not in unreadable:
            kept.append(term)
        elif before is not None and before.until == term.since:
            kept[-1] = replace(before, until=term.until)
    return tuple(kept)


def _terms() -> Select[Any]:
    lower, upper = func.lower(Plan.in_force), func.upper(Plan.in_force)
    columns = select(Plan.id, Plan.district, Plan.plan_version, lower, upper)
    return columns.where(Plan.in_force.is_not(None), Plan.plan_version.is_not(None)).order_by(Plan.district, lower)


def _keep_editions(session: Session, previous: Atlas | None, mark: str) -> dict[int, Edition]:
    """The editions that may be used again; where areas were written, with their names and rings read anew."""
    if previous is None:
        return {}
    if previous.areas_mark == mark:
        return dict(previous.editions)
    return {
        plan_id: edition.with_areas(areas=load_areas(session, plan_id, edition.district))
        for plan_id, edition in previous.editions.items()
    }


def _charges(session: Session, previous: Atlas | None) -> ChargeIndex:
    """The charges; the previous object itself where they are equal, so that what hangs on it can be kept."""
    loaded = load_charges(session)
    return previous.charges if previous is not None and previous.charges == loaded else loaded
