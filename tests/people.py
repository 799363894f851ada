"""Workers made up for tests of dispatching: `crowd(worker("W1", distance_m=120), worker("W2", on_duty=False))`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layers.standings import LEVELS, NO_DISTANCE_MM, Standings


@dataclass(frozen=True)
class Somebody:
    number: str
    level: str = "grid"
    distance_m: float | None = 100.0
    role: str = "grid_worker"
    on_duty: bool = True
    open_tasks: int = 0
    critical_tasks: int = 0
    last_assigned: int = 0
    age_s: int = 10
    at_home: bool = False
    on_foot: bool = False


def worker(number: str, **known: object) -> Somebody:
    return Somebody(number, **known)  # type: ignore[arg-type]


def crowd(*workers: Somebody) -> Standings:
    """The standings of these workers, ordered by number as a roster orders them."""
    people = sorted(workers, key=lambda somebody: somebody.number.encode())
    return Standings(
        ids=np.arange(1, len(people) + 1),
        numbers=tuple(one.number for one in people),
        names=tuple(f"name of {one.number}" for one in people),
        roles=np.asarray([one.role for one in people], dtype=np.str_),
        grids=tuple("130273001001001" for _ in people),
        level=np.asarray([LEVELS.index(one.level) for one in people], dtype=np.int64),
        distance_mm=np.asarray(
            [NO_DISTANCE_MM if one.distance_m is None else round(one.distance_m * 1000) for one in people],
            dtype=np.int64,
        ),
        age_s=np.asarray([one.age_s for one in people], dtype=np.int64),
        at_home=np.asarray([one.at_home for one in people], dtype=bool),
        on_duty=np.asarray([one.on_duty for one in people], dtype=bool),
        open_tasks=np.asarray([one.open_tasks for one in people], dtype=np.int64),
        critical_tasks=np.asarray([one.critical_tasks for one in people], dtype=np.int64),
        last_assigned=np.asarray([one.last_assigned for one in people], dtype=np.int64),
        on_foot=np.asarray([one.on_foot for one in people], dtype=bool),
    )
