"""Why this worker: the demo's open incidents go through the same ranking as any report, and keep its decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import update
from sqlalchemy.orm import Session

from layers.candidates import Roster
from layers.dispatch_rules import LIMITS, Candidate, Wish
from layers.dispatching.decisions import Considered, Question, keep_decision
from layers.dispatching.hands import IN_RESERVE, place_of
from layers.dispatching.memory import Memory
from layers.dispatching.story import look_around
from layers.locating import Location, load_atlas
from layers.workers import Worker
from migrations.demo.people import DemoWorker
from migrations.demo.progressed import Progress, moment

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DemoSent:
    """One open incident with where it is, who was looked at, and who was sent."""

    incident: int
    location: Location
    choice: Considered
    chosen: Candidate
    memory: Memory


def send_workers(session: Session, progress: Progress, *, lonlat: Floats, now: datetime) -> list[DemoSent]:
    """Who goes to each open incident that was dispatched: the best of the ranking who has nothing else to do."""
    memory = Memory(load_atlas(session, at=now), Roster.load(session, now))
    busy: set[int] = set()
    sent = []
    for n in np.flatnonzero(progress.open() & (progress.worker >= 0)).tolist():
        lon, lat = lonlat[n].tolist()
        location = memory.atlas.locate(lon, lat, at=now)
        wish = Wish(limit=IN_RESERVE, most_rejected=None)
        choice = look_around(memory, Question(place_of(location), lon, lat, now, wish, LIMITS))
        full = frozenset(one.number for one in choice.ranking.candidates if one.worker_id in busy)
        free = [one for one in choice.ranking.candidates if one.number not in full]
        if free:
            busy.add(free[0].worker_id)
            sent.append(DemoSent(n, location, replace(choice, full=full), free[0], memory))
    return sent


def handled_by(progress: Progress, sent: list[DemoSent], *, workers: list[DemoWorker]) -> Progress:
    """The same progress with the open incidents in the hands of those who were sent."""
    place = {worker.number: at for at, worker in enumerate(workers)}
    handler = progress.worker.copy()
    for each in sent:
        handler[each.incident] = place[each.chosen.number]
    return replace(progress, worker=handler)


def write_decisions(session: Session, sent: list[DemoSent], *, progress: Progress, first_incident: int) -> int:
    """The number of decisions kept."""
    for each in sent:
        at = moment(int(progress.at[each.incident][progress.steps[each.incident].index("dispatch")]))
        session.execute(update(Worker).where(Worker.id == each.chosen.worker_id).values(last_assigned_at=at))
        keep_decision(
            session,
            first_incident + each.incident,
            each.memory,
            each.choice,
            location=each.location,
            chosen=each.chosen.worker_id,
            now=at,
        )
    return len(sent)
