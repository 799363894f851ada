"""Two planners who edit one draft at the very same moment, pair after pair, and what must be true of it at the end."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import shapely
from sqlalchemy import Engine, select

from layers.chronicle import PlanEvent
from layers.db import transaction
from layers.history import HistoryEntry
from layers.planning.report.draft_report import review_all
from layers.planning.state.loading import load_board
from layers.plans import Plan, PlanEdit

Place = tuple[float, float]
# A tenth of a metre or so: never out of a grid.
STEP_DEGREES = 1e-6


@dataclass
class Racers:
    """Two people with a client each, the draft, and the vertices that they push about."""

    clients: Sequence[httpx2.Client]
    path: str
    places: list[Place]
    codes: list[str]
    seed: int = 1
    version: int = 1
    pairs: Counter[tuple[int, ...]] = field(default_factory=Counter)
    accepted: list[tuple[int, str]] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    answered_s: dict[int, float] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def run(self, number: int) -> None:
        """So many pairs, each of two edits that saw the same version."""
        for _ in range(number):
            chosen = [self._choice() for _ in self.clients]
            answers = self._raced([body for body, _ in chosen])
            self.pairs[tuple(sorted(answer.status_code for answer in answers))] += 1
            for (_, vertex), answer in zip(chosen, answers, strict=True):
                self._take(vertex, answer)

    def _choice(self) -> tuple[dict[str, Any], int | None]:
        """An edit that is always possible: a vertex pushed a little, or a name."""
        if self._rng.random() < 0.2:
            return {"op": "set", "code": self._rng.choice(self.codes), "name": f"n{self._rng.random()}"}, None
        vertex = self._rng.randrange(len(self.places))
        lon, lat = self.places[vertex]
        to = [round(lon + self._rng.choice((-1, 1)) * STEP_DEGREES, 9), lat]
        return {"op": "move_vertex", "from": [lon, lat], "to": to}, vertex

    def _raced(self, bodies: Sequence[dict[str, Any]]) -> list[Any]:
        answers: list[Any] = [None] * len(bodies)
        gate = threading.Barrier(len(bodies))

        def send(who: int) -> None:
            gate.wait()
            began_s = time.perf_counter()
            headers = {"If-Match": f'"{self.version}"'}
            answers[who] = self.clients[who].post(f"{self.path}/edits", json=bodies[who], headers=headers)
            self.waits_s.append(time.perf_counter() - began_s)
            if answers[who].status_code == 200:
                self.answered_s[self.version + 1] = time.perf_counter()

        threads = [threading.Thread(target=send, args=(who,)) for who in range(len(bodies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def _take(self, vertex: int | None, answer: Any) -> None:
        if answer.status_code != 200:
            if answer.status_code != 412:
                self.others.append(answer.text)
            return
        told = answer.json()
        self.version = told["version"]
        self.accepted.append((told["version"], told["by"]))
        if vertex is not None:
            self.places[vertex] = self._moved(told["changed"], self.places[vertex])

    def _moved(self, changed: Sequence[Any], place: Place) -> Place:
        """Where the vertex is now: on the lattice, a little beside where it was pushed to."""
        near = (
            tuple(position)
            for feature in changed
            for position in shapely.get_coordinates(shapely.geometry.shape(feature["geometry"])).tolist()
        )
        found: Place = min(near, key=lambda xy: abs(abs(xy[0] - place[0]) - STEP_DEGREES) + abs(xy[1] - place[1]))
        return found


def free_places(city: Any, number: int) -> list[Place]:
    """Vertices that exactly two tiles share, apart from the frame and the communities' borders."""
    seen: Counter[Place] = Counter()
    for polygon in city.polygons:
        seen.update({tuple(xy) for xy in shapely.get_coordinates(polygon).tolist()})
    rings = city.polygons_of("community").values()
    fixed = {tuple(xy) for ring in rings for xy in shapely.get_coordinates(city.plane.to_degrees(ring)).tolist()}
    inner = sorted(place for place, count in seen.items() if count == 2 and place not in fixed)
    return random.Random(1).sample(inner, min(number, len(inner)))


def faults_of(racers: Racers, engine: Engine, plan_id: int) -> list[str]:
    """What is wrong after a race: pairs that ended otherwise, edits that are not in the history, an invalid plan."""
    faults = [f"pair {pair}: {count}" for pair, count in racers.pairs.items() if pair != (200, 412)]
    faults += [f"refused: {words[:200]}" for words in racers.others[:3]]
    with transaction(engine) as session:
        columns = (PlanEdit.version, PlanEdit.by)
        stored = [tuple(row) for row in session.execute(select(*columns).where(PlanEdit.plan_id == plan_id))]
        events = select(PlanEvent.version, PlanEvent.by).where(PlanEvent.plan_id == plan_id)
        told = [tuple(row) for row in session.execute(events)]
        noted = select(HistoryEntry.actor).where(
            HistoryEntry.action == "plan.edit", HistoryEntry.subject == f"plan:{plan_id}"
        )
        names = Counter(session.scalars(noted))
        plan = session.get_one(Plan, plan_id)
        checked = review_all(session, load_board(session, plan)).report.ok
    for name, rows in (("plan_edits", stored), ("plan_events", told)):
        if sorted(rows) != sorted(racers.accepted):
            faults.append(f"{name} holds {len(rows)} edits of {len(racers.accepted)} accepted")
    if names != Counter(by for _, by in racers.accepted):
        faults.append(f"the history holds {dict(names)}")
    if not checked:
        faults.append("the full check of the plan finds errors")
    return faults
