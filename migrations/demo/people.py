"""The demo's workers and their shifts: invented people, one for each grid and sub-grid, and some spare.

At any minute each community has somebody on duty (two guards of twelve hours, handed on at 08:00 and 20:00), and by
night nearly all grids have nobody. Times are those of Asia/Shanghai; night guards cross midnight.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from layers.shifts import span_of_day
from migrations.demo.model import Town, TownGrid
from migrations.demo.naming import people_names
from migrations.demo.places import DISTRICT_CODE

WORKERS, SPARE = 2_386, 31
DAYS_BACK, DAYS_AHEAD = 60, 30
GUARD_FROM_H, GUARD_TO_H = 8, 20
# Hours of the usual shifts and how many of the workers have them.
HOURS = ((8, 17), (7, 15), (12, 20), (9, 18))
HOURS_SHARE = (0.55, 0.15, 0.2, 0.1)
ON_WEEKDAYS, ON_WEEKENDS = 0.84, 0.34

Ints = NDArray[np.int64]

# A range that no network has given out: nobody is called by mistake, and the demo's people are told by it.
PHONES = "1090000"


@dataclass(frozen=True)
class DemoWorker:
    """One invented worker; `charge` is the grid, sub-grid or overlay that he or she serves, None for the spare ones."""

    number: str
    name: str
    role: str
    area: str
    phone: str
    charge: str | None
    home: int


@dataclass(frozen=True)
class DemoPeople:
    """All shifts [start, end) in seconds since 1970, with the place of the worker in the list of workers."""

    worker: Ints
    start: Ints
    end: Ints

    def on_duty(self, at: datetime) -> NDArray[np.int64]:
        """The places of the workers on duty at a moment, each once."""
        second = at.timestamp()
        return np.unique(self.worker[(self.start <= second) & (second < self.end)])


def make_workers(town: Town, rng: np.random.Generator) -> list[DemoWorker]:
    """The workers in the order of the codes that they serve; the spare ones last, twelve of them on patrol."""
    divided = {grid.parent for grid in town.grids if grid.level == "sub_grid"}
    overlays = [grid for grid in town.grids if grid.use == "patrol"]
    charges: list[tuple[str | None, str, str]] = [
        (grid.code, _role(grid, divided), grid.code[:12]) for grid in town.grids if grid.exclusive
    ]
    charges += [(grid.code, "patrol_team", DISTRICT_CODE) for grid in overlays]
    communities = [area.code for area in town.areas if area.level == "community"]
    chosen = rng.permutation(len(communities))[: WORKERS - len(charges)]
    charges += [(None, "grid_worker", communities[int(at)]) for at in sorted(chosen)]
    names = people_names(rng)
    homes = [at for at, building in enumerate(town.buildings) if building.households]
    return [
        DemoWorker(f"{n:04d}", next(names), role, area, _phone(n), charge, homes[int(rng.integers(len(homes)))])
        for n, (charge, role, area) in enumerate(charges, start=1)
    ]


def _role(grid: TownGrid, divided: set[str]) -> str:
    return "grid_leader" if grid.code in divided else "grid_worker"


def _phone(number: int) -> str:
    """A number that nobody can have: mobile numbers in China start with 13 to 19."""
    return f"{PHONES}{number:04d}"


def guard(members: list[int], day: date, *, night: bool) -> int:
    """Who of a community's workers keeps guard on a day (08-20) or in the night after it (20-08)."""
    turn = day.toordinal() + (len(members) // 2 if night else 0)
    return members[turn % len(members)]


def members_by_community(workers: list[DemoWorker]) -> dict[str, list[int]]:
    """The places of the workers of each community who serve a grid or sub-grid there."""
    members: dict[str, list[int]] = {}
    for at, worker in enumerate(workers):
        if worker.charge is not None and worker.role != "patrol_team":
            members.setdefault(worker.area, []).append(at)
    return members


def make_roster(workers: list[DemoWorker], now: datetime, *, rng: np.random.Generator) -> DemoPeople:
    """Shifts from 60 days back to 30 days ahead of now, about 160,000."""
    today = datetime.fromtimestamp(now.timestamp(), span_of_day(now.date())[0].tzinfo).date()
    days = [today + timedelta(days=n) for n in range(-DAYS_BACK - 2, DAYS_AHEAD + 2)]
    midnights = np.array([int(span_of_day(day)[0].timestamp()) for day in days])
    guards = _guards(workers, days, midnights)
    usual = _usual(len(workers), days, midnights, guards, rng)
    worker, start, end = (np.concatenate(pair) for pair in zip(guards, usual, strict=True))
    order = np.lexsort((worker, start))
    return DemoPeople(worker[order], start[order], end[order])


def _guards(workers: list[DemoWorker], days: list[date], midnights: Ints) -> tuple[Ints, Ints, Ints]:
    """Two guards of twelve hours a day in each community."""
    rows = []
    for members in members_by_community(workers).values():
        for day, midnight in zip(days, midnights, strict=True):
            rows.append(
                (guard(members, day, night=False), midnight + GUARD_FROM_H * 3600, midnight + GUARD_TO_H * 3600)
            )
            rows.append(
                (guard(members, day, night=True), midnight + GUARD_TO_H * 3600, midnight + (24 + GUARD_FROM_H) * 3600)
            )
    worker, start, end = np.array(rows, dtype=np.int64).T
    return worker, start, end


def _usual(
    count: int, days: list[date], midnights: Ints, guards: tuple[Ints, Ints, Ints], rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """The usual shifts: five or six days a week, none on a day of guard or after a night of it."""
    chance = np.array([ON_WEEKDAYS if day.weekday() < 5 else ON_WEEKENDS for day in days])
    works = rng.random((count, len(days))) < chance
    day_of_guard = np.searchsorted(midnights, guards[1], side="right") - 1
    works[guards[0], day_of_guard] = False
    night = guards[2] - midnights[day_of_guard] > 24 * 3600
    works[guards[0][night], np.minimum(day_of_guard[night] + 1, len(days) - 1)] = False
    hours = np.array(HOURS)[rng.choice(len(HOURS), count, p=HOURS_SHARE)] * 3600
    worker, day = np.nonzero(works)
    return worker, midnights[day] + hours[worker, 0], midnights[day] + hours[worker, 1]
