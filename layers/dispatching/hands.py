"""Who could go, and whose hand is free: what reports, steps and calls by run cards have in common ([D3], [D6])."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from layers.candidates import find_standings
from layers.dispatch_rules import LIMITS, Limits, Ranking, Wish, rank
from layers.dispatching.at_hand import find_at_hand
from layers.dispatching.memory import Memory
from layers.incidents import Incident, fills_hands, helping_tasks
from layers.locating import Location
from layers.standings import Place
from layers.workers import Worker

# How many are kept ready in case the first ones have just got their hands full.
IN_RESERVE = 20
# The dispatching itself, in timelines: nobody pressed a button.
AUTOMATIC = "automatic"


def rank_nearest(
    memory: Memory, place: Place, *, lon: float, lat: float, at: datetime, wish: Wish, limits: Limits = LIMITS
) -> Ranking:
    """Who could go to a place, best first, with reasons; empty outside all districts. No database.

    Overlay grids at the place count as own ground where a role is asked for by name: then their teams are meant.
    """
    if wish.role is None:
        place = replace(place, overlays=())
    found = find_at_hand(memory.roster, place, lon=lon, lat=lat, at=at, wish=wish, limits=limits)
    if found is not None:
        return found
    standings = find_standings(memory.roster, place, lon=lon, lat=lat, at=at, measure=wish.measure)
    return Ranking() if standings is None else rank(standings, wish, limits=limits)


def place_of(location: Location) -> Place:
    """The codes around a location; in a gap the areas only, for the nearest grid does not hold the point."""
    held = location.relation in ("inside", "border")
    return Place(
        **{step.level: step.code for step in location.path},
        grid=location.grid.code if held and location.grid is not None else None,
        sub_grid=location.sub_grid.code if held and location.sub_grid is not None else None,
        overlays=tuple(one.code for one in location.dedicated if not one.exclusive),
    )


def take_hand(session: Session, worker_id: int, *, urgency: str, limits: Limits, now: datetime) -> Any | None:
    """The worker's number and phone when a hand is free, the row written and so held until the commit; else None.

    The row of a worker whose hands are full is let go at once (by a savepoint): nobody ever holds two rows, so two
    dispatchers never wait for each other in a circle. Counting is a statement of its own, after the lock: only then
    does it see what the one before has committed.
    """
    savepoint = session.begin_nested()
    writing = update(Worker).where(Worker.id == worker_id, Worker.active).values(last_assigned_at=now)
    held = session.execute(writing.returning(Worker.number, Worker.phone)).one_or_none()
    if held is None or _hands_full(session, worker_id, urgency, limits):
        savepoint.rollback()
        return None
    savepoint.commit()
    return held


def _hands_full(session: Session, worker_id: int, urgency: str, limits: Limits) -> bool:
    critical = func.count().filter(Incident.urgency == "critical")
    # Counted apart: with an OR over both the index of neither is of use.
    called = helping_tasks(worker_id).subquery()
    helped = select(func.count()).select_from(called)
    also = (helped.scalar_subquery(), helped.where(called.c.urgency == "critical").scalar_subquery())
    tasks, urgent, calls, urgent_calls = session.execute(
        select(func.count(), critical, *also).where(fills_hands(worker_id))
    ).one()
    full = tasks + calls >= limits.open_tasks
    return bool(full or (urgency == "critical" and urgent + urgent_calls >= limits.critical_tasks))
