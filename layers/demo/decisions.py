"""Why this worker: the demo's open incidents go through the same ranking as any report, and keep its decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import update
from sqlalchemy.orm import Session

from layers.candidates import Roster
from layers.demo.people import DemoWorker
from layers.demo.progressed import Progress, moment
from layers.dispatch_rules import Candidate, Policy, Ranking, Wish
from layers.dispatching.story import IN_RESERVE, Memory, keep_decision, nearest, place_of
from layers.locating import Location, load_atlas
from layers.workers import Worker

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DemoSent:
    """One open incident with where it is, who was ranked, and who was sent."""

    incident: int
    location: Location
    ranking: Ranking
    chosen: Candidate


def send_workers(session: Session, progress: Progress, *, lonlat: Floats, now: datetime) -> list[DemoSent]:
    """Who goes to each open incident that was dispatched: the best of the ranking who has nothing else to do."""
    memory = Memory(load_atlas(session, at=now), Roster.load(session, now))
    busy: set[int] = set()
    sent = []
    for n in np.flatnonzero(progress.open() & (progress.worker >= 0)).tolist():
        lon, lat = lonlat[n].tolist()
        location = memory.atlas.locate(lon, lat, at=now)
        wish = Wish(limit=IN_RESERVE)
        ranking = nearest(memory, place_of(location), lon=lon, lat=lat, at=now, wish=wish)
        free = [one for one in ranking.candidates if one.worker_id not in busy]
        if free:
            busy.add(free[0].worker_id)
            left = tuple(free[:5])
            sent.append(DemoSent(n, location, replace(ranking, candidates=left), free[0]))
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
            ranking=each.ranking,
            location=each.location,
            policy=Policy.own_grid_first,
            chosen=each.chosen,
            now=at,
        )
    return len(sent)
