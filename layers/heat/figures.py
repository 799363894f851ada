"""Figures of an area and of each child area, for leaders: counts only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.orm import Session

from layers.heat.cells import Cell, HeatQuestion, count_cells, require_countable
from layers.heat.counted import DONE, OPEN, CountedCases, microseconds_of
from layers.heat.ground import CityGround
from layers.heat.memory import HeatMemory


@dataclass(frozen=True)
class AreaFigures:
    """One area's counts in the period; `households` and `grids` are today's."""

    code: str
    name: str
    level: str
    grids: int
    households: int
    hazards: int
    hazards_rectified: int
    hazards_before: int
    incidents: int
    incidents_closed: int
    incidents_open: int


@dataclass(frozen=True)
class Figures:
    """The asked area's total, its child areas, and the shape of the period."""

    total: AreaFigures
    children: tuple[AreaFigures, ...]
    daily: Mapping[str, Mapping[str, int]]
    by_category: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Panel:
    """What stands beside the map of one period: the area's total, its categories, and communities now and before."""

    total: AreaFigures
    by_category: Mapping[str, int]
    communities: tuple[tuple[Cell, int], ...]


def read_figures(
    session: Session,
    area: str,
    *,
    memory: HeatMemory,
    since: datetime,
    until: datetime,
    now: datetime,
    zone: ZoneInfo,
    category: str | None = None,
) -> Figures:
    """Figures of an area (a code prefix) and of the areas right below it, of all categories or of one.

    The number of statements does not depend on the number of areas. Raises Unacceptable for an unknown category, and
    for one derived from residents, which is never counted exactly.
    """
    if category is not None:
        require_countable(session, category)
    counter = _Counter.read(session, HeatQuestion("", area, since, until, category), memory=memory, now=now)
    return Figures(
        total=counter.count(area),
        children=tuple(counter.count(row.code) for row in _list_children(counter.ground, area)),
        daily={layer: count_by_day(cases, counter.asked, zone) for layer, cases in counter.cases.items()},
        by_category={layer: count_by_category(cases, counter.asked) for layer, cases in counter.cases.items()},
    )


def read_panel(session: Session, asked: HeatQuestion, *, memory: HeatMemory, now: datetime) -> Panel:
    """What stands beside the cells of a question, for the same period; raises Unacceptable as `read_figures`."""
    if asked.category is not None:
        require_countable(session, asked.category)
    counter = _Counter.read(session, asked, memory=memory, now=now)
    wish = HeatQuestion(asked.layer, asked.area, asked.since, asked.until, asked.category, "community")
    cells = count_cells(session, wish, memory=memory, now=now, shapes=False)
    before = count_cells(session, wish.step_back(), memory=memory, now=now, shapes=False)
    return Panel(
        total=counter.count(asked.area),
        by_category=count_by_category(counter.cases[asked.layer], asked),
        communities=tuple((cell, was.n) for cell, was in zip(cells, before, strict=True)),
    )


@dataclass(frozen=True, eq=False)
class _Counter:
    """Counts by code of one period, made once; an area sums those of its codes."""

    asked: HeatQuestion
    ground: CityGround
    cases: Mapping[str, CountedCases]
    sums: Mapping[str, tuple[Sequence[str], np.ndarray[Any, Any]]]

    @classmethod
    def read(cls, session: Session, asked: HeatQuestion, *, memory: HeatMemory, now: datetime) -> _Counter:
        found = memory.read(session, "hazards", "incidents", now=now)
        before, of = asked.step_back(), asked.category
        hazards, incidents = found.cases["hazards"], found.cases["incidents"]
        sums = {
            "hazards": (hazards.codes, hazards.count_by_code(asked.since, asked.until, category=of)),
            "rectified": (hazards.codes, _count(hazards, asked, DONE)),
            "before": (hazards.codes, hazards.count_by_code(before.since, before.until, category=of)),
            "incidents": (incidents.codes, incidents.count_by_code(asked.since, asked.until, category=of)),
            "closed": (incidents.codes, _count(incidents, asked, DONE)),
            "open": (incidents.codes, _count(incidents, asked, OPEN)),
        }
        return cls(asked, found.ground, found.cases, sums)

    def count(self, area: str) -> AreaFigures:
        """The figures of one area, whether it is stored or only a prefix of codes."""
        own = next((row for row in self.ground.areas if row.code == area), None)
        grids = [row for row in self.ground.find_grids(area) if row.level == "grid"]
        found = {name: _sum_within(area, *sums) for name, sums in self.sums.items()}
        return AreaFigures(
            code=area,
            name="" if own is None else own.name,
            level="" if own is None else own.level,
            grids=len(grids),
            households=sum(row.households for row in grids),
            hazards=found["hazards"],
            hazards_rectified=found["rectified"],
            hazards_before=found["before"],
            incidents=found["incidents"],
            incidents_closed=found["closed"],
            incidents_open=found["open"],
        )


def _count(cases: CountedCases, asked: HeatQuestion, standing: int) -> np.ndarray[Any, Any]:
    return cases.count_by_code(asked.since, asked.until, category=asked.category, standing=standing)


def _sum_within(area: str, codes: Sequence[str], counts: np.ndarray[Any, Any]) -> int:
    return sum(n for code, n in zip(codes, counts.tolist(), strict=True) if n and code.startswith(area))


def _list_children(ground: CityGround, area: str) -> Iterable[Any]:
    if any(row.code == area for row in ground.areas):
        return [row for row in ground.areas if row.parent_code == area]
    return [row for row in ground.find_areas(area) if row.level == "district"]


def count_by_day(cases: CountedCases, asked: HeatQuestion, zone: ZoneInfo) -> dict[str, int]:
    """Counts per city day (ISO date), days without any left out."""
    span = cases.find_span(asked.since, asked.until)
    wanted = cases.select_cases(span, area=asked.area, category=asked.category)
    if not wanted.any():
        return {}
    days = _list_days(asked.since.astimezone(zone).date(), asked.until.astimezone(zone).date())
    midnights = [microseconds_of(datetime(day.year, day.month, day.day, tzinfo=zone)) for day in days]
    at = np.searchsorted(cases.at_us[span], midnights)
    sums = np.concatenate(([0], np.cumsum(wanted)))
    counts = [int(sums[after] - sums[at_first]) for at_first, after in pairwise([*at.tolist(), len(wanted)])]
    return {day.isoformat(): n for day, n in zip(days, counts, strict=True) if n}


def _list_days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=at) for at in range((last - first).days + 1)]


def count_by_category(cases: CountedCases, asked: HeatQuestion) -> dict[str, int]:
    """Counts per category that does not derive from residents, the largest first; of one where one is asked for."""
    counts = cases.count(asked.since, asked.until)[cases.select_codes(asked.area)].sum(axis=0)
    found = {name: n for name, n in zip(cases.categories, counts.tolist(), strict=True) if n}
    if asked.category is not None:
        found = {name: n for name, n in found.items() if name == asked.category}
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))
