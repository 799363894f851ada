"""The roster: everybody who could be sent, by district, as columns in memory; one picture of one moment.

It spans a day before and after its moment, so that a question about the last or the next shift is answered from it too.
Cost: five statements, about 40 ms for 2,400 workers; the chart is passed on while nothing was published.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from geoalchemy2.functions import ST_X, ST_Y
from numpy.typing import NDArray
from sqlalchemy import func, select, union_all
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.assignments import Assignment
from layers.candidates.chart import Chart
from layers.emergencies import select_lent_spans
from layers.incidents import HANDS, Incident, fills_hands, helping_tasks
from layers.positions import Position
from layers.shifts import duty_spans
from layers.standings import Ints, Place
from layers.walking import NO_WAYS, Ways, load_ways
from layers.workers import Worker
from tiling.plane import Plane

log = logging.getLogger("wangge.candidates")
SPAN = timedelta(days=1)
Floats = NDArray[np.float64]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ALWAYS = (-(2**62), 2**62)


def moment(at: datetime) -> int:
    """A moment as whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def to_datetime(at: int) -> datetime:
    """The moment that a number of microseconds since 1970 stands for, in UTC."""
    return _EPOCH + at * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Charges:
    """Who serves what, ordered by worker: `chain` has a row per level and a column per charge, codes as numbers.

    Every worker has one row of their own area that always holds, so nobody of the district is overlooked.
    """

    worker: Ints
    starts: Ints
    chain: Ints
    since: Ints
    until: Ints


@dataclass(frozen=True, slots=True)
class DistrictRoster:
    """The workers of one district, ordered by staff number; x and y are two rows, NaN where there is no home or fix."""

    district: str
    plane: Plane
    ids: Ints
    numbers: tuple[str, ...]
    names: tuple[str, ...]
    roles: NDArray[np.str_]
    # The code that each serves first, and the area that each belongs to.
    grids: tuple[str, ...]
    areas: tuple[str, ...]
    home_xy: Floats
    fix_xy: Floats
    fixed_at: Ints
    open_tasks: Ints
    critical_tasks: Ints
    last_assigned: Ints
    charges: Charges
    shift_worker: Ints
    shift_since: Ints
    shift_until: Ints
    # What readers work out once for this district of this roster, by name; goes with it.
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Roster:
    """All districts' workers at `at`; `code_numbers` numbers every code of the chart, `ways` are those on foot."""

    at: datetime
    chart: Chart
    districts: Mapping[str, DistrictRoster]
    code_numbers: Mapping[str, int]
    ways: Ways = NO_WAYS

    @staticmethod
    def load(session: Session, now: datetime, *, previous: Roster | None = None) -> Roster:
        """The roster of this moment; what the previous one knows of grids and areas is used again while it holds."""
        chart = Chart.load(session, now, previous=previous.chart if previous else None)
        same_chart = previous is not None and previous.chart is chart
        numbers = (
            previous.code_numbers
            if previous and same_chart
            else {code: i for i, code in enumerate(sorted(chart.places))}
        )
        ways = load_ways(session, epsg=chart.epsg, previous=previous.ways if previous else None)
        return Roster(now, chart, _districts(session, now, chart, numbers), numbers, ways)

    def covers(self, at: datetime) -> bool:
        """Whether a question about this moment can be answered from memory."""
        return abs(at - self.at) <= SPAN


@dataclass(frozen=True, slots=True)
class _Rows:
    """What was read, before it is sorted into districts."""

    workers: Sequence[Any]
    charges: Mapping[int, list[tuple[str, int, int]]]
    shifts: Mapping[int, list[tuple[int, int]]]
    tasks: Mapping[int, tuple[int, int]]


def _districts(
    session: Session, now: datetime, chart: Chart, code_numbers: Mapping[str, int]
) -> dict[str, DistrictRoster]:
    window = Range(now - SPAN, now + SPAN, bounds="[)")
    rows = _Rows(
        session.execute(_workers()).all(),
        # Who is lent to an area in emergency mode serves it meanwhile, beside what they serve anyway ([D7]).
        _group(
            _charge(row)
            for statement in (_charges_in(window), select_lent_spans(window))
            for row in session.execute(statement)
        ),
        _group(_shift(row) for row in session.execute(_shifts_in(window))),
        {row[0]: (row[1], row[2]) for row in session.execute(_select_open_tasks())},
    )
    members: dict[str, list[Any]] = defaultdict(list)
    for worker in rows.workers:
        for district in _districts_of(worker, rows, chart):
            members[district].append(worker)
    told = {}
    for district, people in members.items():
        if district in chart.epsg:
            try:
                told[district] = _district(district, people, rows, chart, code_numbers)
            except Exception:
                log.exception("the roster of %s cannot be made and is left out", district)
    return told


def _workers() -> Any:
    return (
        select(
            *(Worker.id, Worker.number, Worker.name, Worker.role, Worker.area, Worker.last_assigned_at),
            ST_X(Worker.home).label("home_lon"),
            ST_Y(Worker.home).label("home_lat"),
            *(Position.lon, Position.lat, Position.fixed_at),
        )
        .outerjoin(Position, Position.worker_id == Worker.id)
        .where(Worker.active)
        .order_by(Worker.number)
    )


def _charges_in(window: Range[datetime]) -> Any:
    return (
        select(Assignment.worker_id, Assignment.grid_code, func.lower(Assignment.span), func.upper(Assignment.span))
        .where(Assignment.span.overlaps(window))
        .order_by(Assignment.grid_code)
    )


def _shifts_in(window: Range[datetime]) -> Any:
    assert window.lower is not None
    assert window.upper is not None
    duty = duty_spans(window.lower, window.upper)
    return select(duty.c.worker_id, func.lower(duty.c.span), func.upper(duty.c.span))


def _select_open_tasks() -> Any:
    """Worker, tasks and critical ones: those that they have, and those to which a run card has called them."""
    tasks = select(HANDS.label("worker_id"), Incident.urgency).where(fills_hands())
    every = union_all(tasks, helping_tasks()).subquery()
    critical = func.count().filter(every.c.urgency == "critical")
    return select(every.c.worker_id, func.count(), critical).group_by(every.c.worker_id)


def _charge(row: Any) -> tuple[int, tuple[str, int, int]]:
    since = moment(row[2]) if row[2] else _ALWAYS[0]
    return row[0], (row[1], since, moment(row[3]) if row[3] else _ALWAYS[1])


def _shift(row: Any) -> tuple[int, tuple[int, int]]:
    return row[0], (moment(row[1]), moment(row[2]))


def _group(pairs: Iterable[tuple[int, Any]]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _districts_of(worker: Any, rows: _Rows, chart: Chart) -> set[str]:
    codes = [worker.area, *(code for code, _, _ in rows.charges.get(worker.id, ()))]
    found = {chart.places.get(code, Place()).district for code in codes}
    return {district for district in found if district is not None}


def _district(
    district: str, people: list[Any], rows: _Rows, chart: Chart, code_numbers: Mapping[str, int]
) -> DistrictRoster:
    plane = Plane(chart.epsg[district])
    shifts = [(row, *span) for row, one in enumerate(people) for span in rows.shifts.get(one.id, ())]
    shift_columns = np.asarray(shifts, dtype=np.int64).reshape(-1, 3)
    tasks = np.asarray([rows.tasks.get(one.id, (0, 0)) for one in people], dtype=np.int64).reshape(-1, 2)
    return DistrictRoster(
        district=district,
        plane=plane,
        ids=np.asarray([one.id for one in people], dtype=np.int64),
        numbers=tuple(one.number for one in people),
        names=tuple(one.name for one in people),
        roles=np.asarray([one.role for one in people], dtype=np.str_),
        grids=tuple(_find_first_code(one, rows) for one in people),
        areas=tuple(one.area for one in people),
        home_xy=_to_metres(plane, [(one.home_lon, one.home_lat) for one in people]),
        fix_xy=_to_metres(plane, [(one.lon, one.lat) for one in people]),
        fixed_at=np.asarray([moment(one.fixed_at) if one.fixed_at else 0 for one in people], dtype=np.int64),
        open_tasks=tasks[:, 0],
        critical_tasks=tasks[:, 1],
        last_assigned=np.asarray(
            [moment(one.last_assigned_at) if one.last_assigned_at else 0 for one in people], dtype=np.int64
        ),
        charges=_charge_columns(people, rows, chart, code_numbers),
        shift_worker=shift_columns[:, 0],
        shift_since=shift_columns[:, 1],
        shift_until=shift_columns[:, 2],
    )


def _find_first_code(worker: Any, rows: _Rows) -> str:
    charges = rows.charges.get(worker.id)
    return charges[0][0] if charges else str(worker.area)


def _to_metres(plane: Plane, lonlat: list[tuple[float | None, float | None]]) -> Floats:
    known = np.asarray(lonlat, dtype=np.float64).reshape(-1, 2)
    out = np.full((2, len(known)), np.nan)
    there = ~np.isnan(known[:, 0])
    out[:, there] = plane.to_xy(known[there, 0], known[there, 1])
    return out


def _charge_columns(people: list[Any], rows: _Rows, chart: Chart, code_numbers: Mapping[str, int]) -> Charges:
    charges = [
        (row, code, since, until)
        for row, one in enumerate(people)
        for code, since, until in ((one.area, *_ALWAYS), *rows.charges.get(one.id, ()))
    ]
    worker = np.asarray([charge[0] for charge in charges], dtype=np.int64)
    chains = [chain_numbers(chart.places.get(charge[1], Place()), code_numbers) for charge in charges]
    return Charges(
        worker=worker,
        starts=np.flatnonzero(np.diff(worker, prepend=-1)),
        chain=np.ascontiguousarray(np.asarray(chains, dtype=np.int64).reshape(-1, 5).T),
        since=np.asarray([charge[2] for charge in charges], dtype=np.int64),
        until=np.asarray([charge[3] for charge in charges], dtype=np.int64),
    )


def chain_numbers(place: Place, code_numbers: Mapping[str, int]) -> tuple[int, ...]:
    """Sub-grid, grid, community, subdistrict and district as numbers, -1 where there is none."""
    codes = (place.sub_grid, place.grid, place.community, place.subdistrict, place.district)
    return tuple(code_numbers.get(code, -1) if code is not None else -1 for code in codes)
