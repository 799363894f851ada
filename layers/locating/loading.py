"""From the database to an atlas, reading only what has changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from layers.locating.atlas import Atlas, Rules, term_of
from layers.locating.charges import Charges, load_charges
from layers.locating.edition import Edition, load_areas, load_edition
from layers.plans import Plan, Publication

# xmin is the transaction that wrote a row. Their sum and the number of rows change with every insert, update and
# delete, also when a transaction that began earlier commits later (which the largest xmin would not show).
_AREAS = text("SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM areas")
_PEOPLE = text("""
    SELECT (SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM assignments),
           (SELECT concat(count(*), '.', sum(xmin::text::bigint)) FROM workers)
""")


def versions(session: Session) -> tuple[Any, ...]:
    """What an atlas was made from, to be compared: it changes whenever `load_atlas` would give another one.

    A millisecond for a district; publications alone are cheaper to ask for (`max(index_version)`).
    """
    last = session.scalar(select(func.max(Publication.index_version)))
    return (last, session.scalar(_AREAS), *session.execute(_PEOPLE).one())


def load_atlas(
    session: Session, *, previous: Atlas | None = None, at: datetime | None = None, rules: Rules | None = None
) -> Atlas:
    """The atlas of all plans in force at a moment (now) or later, and of who serves what.

    Editions of `previous` are kept where their plan is still needed, so a publication costs one district. Snapshots
    stored by the publisher are used; where there is none the index is built, 0.15 s for 3,000 grids.
    """
    moment = at or datetime.now(UTC)
    terms = tuple(term_of(*row) for row in session.execute(_terms()))
    mark = str(session.scalar(_AREAS))
    known = _kept(session, previous, mark)
    needed = [term for term in terms if term.until > moment]
    return Atlas(
        index_version=session.scalar(select(func.max(Publication.index_version))) or 0,
        terms=terms,
        editions={term.plan_id: known.get(term.plan_id) or load_edition(session, term.plan_id) for term in needed},
        charges=_charges(session, previous),
        rules=rules or (previous.rules if previous is not None else Rules()),
        areas_mark=mark,
    )


def _terms() -> Select[Any]:
    lower, upper = func.lower(Plan.in_force), func.upper(Plan.in_force)
    columns = select(Plan.id, Plan.district, Plan.plan_version, lower, upper)
    return columns.where(Plan.in_force.is_not(None), Plan.plan_version.is_not(None)).order_by(Plan.district, lower)


def _kept(session: Session, previous: Atlas | None, mark: str) -> dict[int, Edition]:
    """The editions that may be used again; where areas were written, with their names and rings read anew."""
    if previous is None:
        return {}
    if previous.areas_mark == mark:
        return dict(previous.editions)
    return {
        plan_id: edition.named(areas=load_areas(session, plan_id, edition.district))
        for plan_id, edition in previous.editions.items()
    }


def _charges(session: Session, previous: Atlas | None) -> Charges:
    """The charges; the previous object itself where they are equal, so that what hangs on it can be kept."""
    loaded = load_charges(session)
    return previous.charges if previous is not None and previous.charges == loaded else loaded
