"""The version of everything that maps show: what tiles and painted blocks that are kept in memory were made from.

One small statement, cheap enough to be asked for with every answer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BindParameter, ScalarSelect, func, select
from sqlalchemy.orm import Session

from layers.history import HistoryEntry
from layers.plans import Plan
from layers.registry import IMPORTED

# The history lines after which maps show something else.
CHANGING = ("demo", "plan.publish", *(f"import.{layer}" for layer in IMPORTED))


def map_version(session: Session, *, at: datetime) -> str:
    """The version of everything that maps show at a moment; another one after every import, publication and demo, and
    once a plan comes into force by its date.
    """
    return "-".join(map(str, session.execute(select(*count_changes(at))).one()))


def count_changes(at: datetime | BindParameter[datetime]) -> tuple[ScalarSelect[int], ...]:
    """What the version is made of, as columns of a statement that asks for more than it.

    Lines are counted, not the newest one taken: of two transactions the one with the smaller number may come last.
    """
    written = select(func.count()).where(HistoryEntry.action.in_(CHANGING)).scalar_subquery()
    begun = select(func.count()).where(func.lower(Plan.in_force) <= at).scalar_subquery()
    ended = select(func.count()).where(func.upper(Plan.in_force) <= at).scalar_subquery()
    return written, begun, ended
