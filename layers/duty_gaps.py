"""Where duty has gaps, and who has more of it than others: looked at before a roster is saved, and after ([D1]).

    told = find_cover(session, since, until, area="130273", by=leader)

An area has a gap while fewer people are on duty who belong to it or serve a grid in it than it takes at least. Areas
are those with a minimum of their own and, for one person each, all communities.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.areas import Area
from layers.assignments import Assignment
from layers.shifts import CoverMinimum, DutiesAsked, list_duties
from layers.workers import Worker

# A community without a minimum of its own takes somebody.
USUAL_MINIMUM = 1
# From so much more or less duty than is usual among those of the same role, it is told.
UNFAIR_SHARE = 0.25
_HOUR = timedelta(hours=1)

Spans = list[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class DutyGap:
    """An area with too few people from one moment to another."""

    area: str
    name: str
    since: datetime
    until: datetime
    on_duty: int
    minimum: int


@dataclass(frozen=True, slots=True)
class Lent:
    """A worker, by number, who is lent to an area from one moment to another."""

    worker: str
    area: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class DutyLoad:
    """How many hours somebody is on duty, and how many times what is usual in the role; `unfair` beyond a quarter."""

    worker: str
    name: str
    role: str
    area: str
    hours: float
    ratio: float

    @property
    def unfair(self) -> bool:
        """Whether it is a quarter more or less than usual."""
        return abs(self.ratio - 1) > UNFAIR_SHARE


@dataclass(frozen=True, slots=True)
class DutyCover:
    """What is short, in order of time, and everybody's load, the most first."""

    gaps: tuple[DutyGap, ...]
    loads: tuple[DutyLoad, ...]


def find_cover(
    session: Session, since: datetime, until: datetime, *, area: str = "", lent: Sequence[Lent] = (), by: Actor
) -> DutyCover:
    """Gaps and loads in [since, until) within an area; some 100 ms for a week of 2,400 workers. Whoever is `lent` to an
    area is missing everywhere else for as long, and has as much duty as before."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    duties = list_duties(session, since, until, asked=DutiesAsked(area=area), by=by)
    spans: dict[str, Spans] = defaultdict(list)
    for duty in duties:
        spans[duty.worker].append((max(duty.since, since), min(duty.until, until)))
    served = _list_served(session, since, until)
    codes = {worker: served.get(worker, frozenset()) for worker in spans}
    homes = {duty.worker: duty.area for duty in duties}
    away: dict[str, list[Lent]] = defaultdict(list)
    for one in lent:
        away[one.worker].append(one)
    gaps = [
        gap
        for code, (name, minimum) in list_minimums(session, area, by).items()
        for gap in _gaps_of(
            code,
            name,
            minimum,
            [
                span
                for worker, own in spans.items()
                if belongs(homes[worker], codes[worker], code)
                for span in _stay(own, [one for one in away[worker] if not one.area.startswith(code)])
            ],
            (since, until),
        )
    ]
    gaps.sort(key=lambda gap: (gap.since, gap.area))
    return DutyCover(tuple(gaps), tuple(_loads(session, spans, area, by)))


def find_new_gaps(before: Iterable[DutyGap], after: Iterable[DutyGap]) -> list[DutyGap]:
    """Where fewer people are on duty than were before: of each gap what no gap as bad or worse covered, in order.

    A gap that somebody's duty cuts in two, or makes shorter, is no new one.
    """
    known: dict[str, list[DutyGap]] = defaultdict(list)
    for gap in before:
        known[gap.area].append(gap)
    found = []
    for gap in after:
        rest = [(gap.since, gap.until)]
        for old in known[gap.area]:
            if old.minimum - old.on_duty >= gap.minimum - gap.on_duty:
                rest = [piece for span in rest for piece in _cut_out(span, (old.since, old.until))]
        found += [replace(gap, since=since, until=until) for since, until in rest]
    return found


def _cut_out(span: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a span that lie before and after another one."""
    if span[0] < min(span[1], other[0]):
        yield span[0], min(span[1], other[0])
    if max(span[0], other[1]) < span[1]:
        yield max(span[0], other[1]), span[1]


def _stay(spans: Spans, away: Sequence[Lent]) -> Spans:
    """What is left of these spans while somebody is lent elsewhere."""
    for one in away:
        spans = [piece for span in spans for piece in _cut_out(span, (one.since, one.until))]
    return spans


def belongs(home: str, served: frozenset[str], code: str) -> bool:
    """Whether somebody of this area, who serves these grids, counts for an area."""
    return home.startswith(code) or any(grid.startswith(code) for grid in served)


def _list_served(session: Session, since: datetime, until: datetime) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    rows = session.execute(
        select(Worker.number, Assignment.grid_code)
        .join(Assignment, Assignment.worker_id == Worker.id)
        .where(Assignment.span.overlaps(Range(since, until, bounds="[)")))
    )
    for number, code in rows:
        found[number].add(code)
    return {number: frozenset(codes) for number, codes in found.items()}


def list_minimums(session: Session, area: str, by: Actor) -> Mapping[str, tuple[str, int]]:
    """Name and minimum of each area that is looked at."""
    minimum = func.coalesce(CoverMinimum.people, USUAL_MINIMUM)
    found = (
        select(Area.code, Area.name, minimum)
        .outerjoin(CoverMinimum, CoverMinimum.area == Area.code)
        .where((Area.level == "community") | CoverMinimum.area.is_not(None))
        .where(Area.code.startswith(area, autoescape=True), Area.code.startswith(by.area, autoescape=True))
        .order_by(Area.code)
    )
    return {code: (name, people) for code, name, people in session.execute(found)}


def _gaps_of(code: str, name: str, minimum: int, spans: Spans, window: tuple[datetime, datetime]) -> Iterator[DutyGap]:
    """The stretches of the window in which too few are there, one for each number that is there."""
    changes: dict[datetime, int] = defaultdict(int)
    for start, end in spans:
        changes[start] += 1
        changes[end] -= 1
    there, since = 0, window[0]
    for at in sorted({*changes, window[1]}):
        step = changes.get(at, 0)
        if at > since and (step or at == window[1]):
            if there < minimum:
                yield DutyGap(code, name, since, at, there, minimum)
            since = at
        there += step


def _loads(session: Session, spans: Mapping[str, Spans], area: str, by: Actor) -> list[DutyLoad]:
    """Everybody who works in the area, those without any duty too, beside the median of their role."""
    people = session.execute(
        select(Worker.number, Worker.name, Worker.role, Worker.area).where(
            Worker.active,
            Worker.area.startswith(area, autoescape=True),
            Worker.area.startswith(by.area, autoescape=True),
        )
    ).all()
    hours = {one.number: sum((end - start) / _HOUR for start, end in spans.get(one.number, ())) for one in people}
    by_role: dict[str, list[float]] = defaultdict(list)
    for one in people:
        by_role[one.role].append(hours[one.number])
    usual = {role: median(told) for role, told in by_role.items()}
    loads = [
        DutyLoad(
            worker=one.number,
            name=one.name,
            role=one.role,
            area=one.area,
            hours=round(hours[one.number], 2),
            ratio=round(hours[one.number] / usual[one.role], 3) if usual[one.role] else 1.0,
        )
        for one in people
    ]
    return sorted(loads, key=lambda one: (-one.hours, one.worker))
