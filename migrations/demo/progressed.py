"""How far each incident got by now: the steps that were taken, when, by whom, and the state that they leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from layers.incidents import ENDS
from layers.shifts import CITY_ZONE
from migrations.demo.happenings import Happenings
from migrations.demo.people import GUARD_FROM_H, GUARD_TO_H, DemoPeople, DemoWorker, guard, members_by_community
from migrations.demo.whereabouts import Tiles

# Step, the state after it, and the usual and longest minutes that it takes.
STEPS = (
    ("report", "reported", 0, 0),
    ("triage", "triaged", 1, 4),
    ("dispatch", "dispatched", 1, 3),
    ("accept", "accepted", 2, 8),
    ("arrive", "arrived", 11, 45),
    ("handle", "handled", 45, 600),
    ("verify", "verified", 60, 900),
    ("feed_back", "fed_back", 150, 1_500),
    ("close", "closed", 240, 2_400),
)
DUPLICATES, CALLED_OFF, STUCK = 0.03, 0.02, 5
MOST_OPEN = 3
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Progress:
    """Per incident: the moments of its steps so far, the step words, the final state, and the worker's place (-1)."""

    at: tuple[Ints, ...]
    steps: tuple[tuple[str, ...], ...]
    states: tuple[tuple[str, ...], ...]
    worker: Ints

    def open(self) -> NDArray[np.bool_]:
        """Which incidents are still open."""
        return np.array([states[-1] not in ENDS for states in self.states])


def make_progress(
    happened: Happenings,
    tiles: Tiles,
    *,
    workers: list[DemoWorker],
    roster: DemoPeople,
    now: datetime,
    rng: np.random.Generator,
) -> Progress:
    """The progress of all incidents at `now`; most are closed, those of the last hours are on their way."""
    moments = happened.at[:, None] + np.cumsum(_durations(len(happened), rng), axis=1)
    ended = rng.choice(3, len(happened), p=(1.0 - DUPLICATES - CALLED_OFF, DUPLICATES, CALLED_OFF))
    # A few of the last days lie with a department and wait for it: overdue, as in any city.
    days_ago = (now.timestamp() - happened.at) / 86_400
    stuck = rng.choice(np.flatnonzero((days_ago > 2.0) & (days_ago < 5.0)), STUCK, replace=False)
    moments[stuck, 5:] += 30 * 86_400
    told = [_told(moments[i], int(ended[i]), now) for i in range(len(happened))]
    at, steps, states = (tuple(column) for column in zip(*told, strict=True))
    progress = Progress(at, steps, states, np.full(len(happened), -1))
    chosen = _handlers(happened, tiles, workers, roster, now, progress)
    return Progress(at, steps, states, chosen)


def _durations(count: int, rng: np.random.Generator) -> Ints:
    """Seconds for each step of each incident."""
    usual = np.array([60.0 * step[2] for step in STEPS])
    longest = np.array([60.0 * step[3] for step in STEPS])
    drawn: NDArray[np.float64] = usual * np.exp(rng.normal(0.0, 0.7, (count, len(STEPS))))
    drawn = np.clip(drawn, np.minimum(usual, 20.0), longest)
    return np.asarray(np.rint(drawn), dtype=np.int64)


def _told(moments: Ints, ended: int, now: datetime) -> tuple[Ints, tuple[str, ...], tuple[str, ...]]:
    """Moments, steps and states of one incident up to now."""
    steps, states = [step[0] for step in STEPS], [step[1] for step in STEPS]
    if ended == 1:
        steps, states = ["report", "duplicate"], ["reported", "duplicate"]
    elif ended == 2:
        steps, states = [*steps[:4], "cancel"], [*states[:4], "cancelled"]
    reached = max(1, int(np.searchsorted(moments[: len(steps)], now.timestamp(), side="right")))
    return moments[:reached], tuple(steps[:reached]), tuple(states[:reached])


def _handlers(
    happened: Happenings, tiles: Tiles, workers: list[DemoWorker], roster: DemoPeople, now: datetime, progress: Progress
) -> Ints:
    """The worker of each incident that was dispatched: of the tile by day, the guard by night; -1 for none."""
    serves = {worker.charge: at for at, worker in enumerate(workers) if worker.charge}
    members = members_by_community(workers)
    handler = np.full(len(happened), -1, dtype=np.int64)
    is_open = progress.open()
    load: dict[int, int] = {}
    on_duty = set(roster.on_duty(now).tolist())
    for i in range(len(happened)):
        if "dispatched" not in progress.states[i]:
            continue
        code = tiles.codes[int(happened.tile[i])]
        handler[i] = _by_the_clock(code, int(happened.at[i]), serves, members)
        if is_open[i]:
            handler[i] = _free_now(code, int(handler[i]), serves, members, on_duty, load)
    return handler


def _by_the_clock(code: str, second: int, serves: dict[str, int], members: dict[str, list[int]]) -> int:
    local = datetime.fromtimestamp(second, CITY_ZONE)
    if GUARD_FROM_H <= local.hour < GUARD_TO_H:
        return serves[code]
    day = local.date() if local.hour >= GUARD_TO_H else local.date() - timedelta(days=1)
    return guard(members[code[:12]], day, night=True)


def _free_now(
    code: str,
    first: int,
    serves: dict[str, int],
    members: dict[str, list[int]],
    on_duty: set[int],
    load: dict[int, int],
) -> int:
    """Somebody on duty now with a free hand: of the tile, of its grid, of the community."""
    wanted = [first, serves[code], serves[code[:15]], *members[code[:12]]]
    free = [at for at in wanted if at in on_duty and load.get(at, 0) < 1]
    free = free or [at for at in wanted if load.get(at, 0) < MOST_OPEN]
    load[free[0]] = load.get(free[0], 0) + 1
    return free[0]


def moment(second: int) -> datetime:
    """The moment of a second since 1970, in UTC."""
    return datetime.fromtimestamp(second, UTC)
