"""How what is kept in memory learns that it is old: the channels that wake, and the versions that decide.

A notice has no replay, so it only wakes; whoever keeps something compares the version it was made from with the present
one. A version here is one small statement, cheap enough to be asked for with every answer.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.history import HistoryEntry
from layers.plans import Plan

# Sent with the commit of what they tell of.
PUBLICATIONS = "wangge_publication"
ROSTERS = "wangge_roster"
PLANS = "wangge_plan"

# The history lines after which maps show something else, one for each layer that is imported.
IMPORTED = (
    "areas",
    "grids",
    "buildings",
    "households",
    "compounds",
    "roads",
    "water",
    "hazards",
    "incidents",
    "devices",
    "workers",
    "shifts",
)
CHANGING = ("demo", "plan.publish", *(f"import.{layer}" for layer in IMPORTED))


def map_version(session: Session, *, at: datetime) -> str:
    """The version of everything that maps show at a moment; another one after every import, publication and demo, and
    once a plan comes into force by its date.

    Lines are counted, not the newest one taken: of two transactions the one with the smaller number may come last.
    """
    written = select(func.count()).where(HistoryEntry.action.in_(CHANGING)).scalar_subquery()
    begun = select(func.count()).where(func.lower(Plan.in_force) <= at).scalar_subquery()
    ended = select(func.count()).where(func.upper(Plan.in_force) <= at).scalar_subquery()
    return "-".join(map(str, session.execute(select(written, begun, ended)).one()))
