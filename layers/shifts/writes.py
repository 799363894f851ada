"""Duty written: single shifts, the shifts of a week, leave and extra duty, minimum cover; all or none ([D1])."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from layers.access import Actor, require_area, require_visible
from layers.errors import NotFound, Unacceptable
from layers.history import note
from layers.moments import require_soon
from layers.shifts.table import LONGEST, LONGEST_LEAVE, CoverMinimum, Shift, ShiftException, ShiftTemplate
from layers.workers import Worker, announce, ids_of

WEEK_MINUTES = 7 * 24 * 60
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class NewShift:
    """A shift to be stored, [start, end)."""

    worker: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A shift of every week: ISO weekdays (1 is Monday), by the wall clock; both days are included.

    One that ends no later than it starts ends on the next day.
    """

    worker: str
    weekdays: tuple[int, ...]
    start: time
    end: time
    first_day: date
    last_day: date | None = None

    @property
    def starts_minute(self) -> int:
        """Minutes after midnight."""
        return self.start.hour * 60 + self.start.minute

    @property
    def minutes(self) -> int:
        """How long it lasts; the same time again is a whole day."""
        return (self.end.hour * 60 + self.end.minute - self.starts_minute - 1) % (24 * 60) + 1


@dataclass(frozen=True, slots=True)
class NewException:
    """A leave, with who stands in where somebody does, or an extra stretch of duty."""

    worker: str
    kind: str
    start: datetime
    end: datetime
    substitute: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """A new row that overlaps another one of the same worker: a new one at `other`, one that is stored where None."""

    place: int
    other: int | None
    worker: str


def add_shifts(session: Session, shifts: Sequence[NewShift], *, now: datetime, by: Actor) -> int:
    """The number of shifts stored, all or none; raises Unacceptable naming the first wrong one."""
    for place, shift in enumerate(shifts):
        _check_span(shift, place)
        require_soon(shift.end, "shifts", place, "end", now=now)
    ids = ids_of(session, {shift.worker for shift in shifts}, by=by)
    rows = [{"worker_id": ids[shift.worker], "span": Range(shift.start, shift.end, bounds="[)")} for shift in shifts]
    if rows:
        session.execute(insert(Shift), rows)
        announce(session)
        first = shifts[0].start.isoformat()
        note(session, "shifts.added", subject=shifts[0].worker, area=by.area, by=by, count=len(rows), first=first)
    return len(rows)


def add_templates(
    session: Session, templates: Sequence[NewTemplate], *, ends: bool = False, today: date, zone: ZoneInfo, by: Actor
) -> int:
    """The number of templates stored, all or none.

    With `ends` the templates that these workers have end the day before their first new day. The past is not written
    anew: a template begins today at the earliest. Raises Unacceptable naming the row that is wrong, also one that
    overlaps another of the same worker, stored ones included.
    """
    for place, one in enumerate(templates):
        check_template(one, place, today)
    ids = ids_of(session, {one.worker for one in templates}, by=by)
    if ends:
        _end_templates(session, {ids[one.worker]: _find_first_day(templates, one.worker) for one in templates})
    _refuse_first(find_template_overlaps(session, templates, ids, ends=ends), "templates")
    rows = [
        {
            "worker_id": ids[one.worker],
            "weekdays": sum(1 << (weekday - 1) for weekday in one.weekdays),
            "starts_minute": one.starts_minute,
            "minutes": one.minutes,
            "first_day": one.first_day,
            "last_day": one.last_day,
            "zone": zone.key,
            "by": by.name,
        }
        for one in templates
    ]
    session.execute(insert(ShiftTemplate), rows)
    announce(session)
    note(session, "shifts.templates", subject=templates[0].worker, area=by.area, by=by, count=len(rows))
    return len(rows)


def check_template(one: NewTemplate, place: int, today: date) -> None:
    """Raise Unacceptable, naming the place, for a template that makes no sense by itself."""
    at: list[str | int] = ["templates", place]
    if not one.weekdays or len(set(one.weekdays)) != len(one.weekdays):
        raise Unacceptable("weekdays_wrong", errors=[([*at, "weekdays"], "weekdays_wrong")])
    if one.first_day < today:
        raise Unacceptable("template_in_the_past", errors=[([*at, "first_day"], "template_in_the_past")])
    if one.last_day is not None and one.last_day < one.first_day:
        raise Unacceptable("ends_before_it_starts", errors=[([*at, "last_day"], "ends_before_it_starts")])


def _find_first_day(templates: Sequence[NewTemplate], worker: str) -> date:
    return min(one.first_day for one in templates if one.worker == worker)


def _end_templates(session: Session, first_days: dict[int, date]) -> None:
    for worker_id, day in first_days.items():
        own = ShiftTemplate.worker_id == worker_id
        session.execute(delete(ShiftTemplate).where(own, ShiftTemplate.first_day >= day))
        until = func.least(func.coalesce(ShiftTemplate.last_day, day - timedelta(days=1)), day - timedelta(days=1))
        session.execute(update(ShiftTemplate).where(own).values(last_day=until))


def find_template_overlaps(
    session: Session, templates: Sequence[NewTemplate], ids: Mapping[str, int], *, ends: bool = False
) -> list[Overlap]:
    """The templates that share some minute of a week with another of the same worker, stored ones included.

    With `ends` what is stored gives way to what is new.
    """
    stored: dict[str, list[tuple[int | None, _Times]]] = defaultdict(list)
    if not ends:
        names = {worker_id: number for number, worker_id in ids.items()}
        for row in session.scalars(select(ShiftTemplate).where(ShiftTemplate.worker_id.in_(names))):
            stored[names[row.worker_id]].append((None, _times_of(row)))
    return _overlaps_of([(one.worker, _times(one)) for one in templates], stored, _overlap)


def find_exception_overlaps(
    session: Session, exceptions: Sequence[NewException], ids: Mapping[str, int]
) -> list[Overlap]:
    """The leaves and extra duties that share some moment with another of the same kind and worker, stored or new."""
    names = {worker_id: number for number, worker_id in ids.items()}
    first, last = min(one.start for one in exceptions), max(one.end for one in exceptions)
    found = select(ShiftException).where(
        ShiftException.worker_id.in_(names), ShiftException.span.overlaps(Range(first, last, bounds="[)"))
    )
    stored: dict[str, list[tuple[int | None, _Stretch]]] = defaultdict(list)
    for row in session.scalars(found):
        assert row.span.lower is not None
        assert row.span.upper is not None
        stored[names[row.worker_id]].append((None, (row.kind, row.span.lower, row.span.upper)))
    new = [(one.worker, (one.kind, one.start, one.end)) for one in exceptions]
    return _overlaps_of(new, stored, lambda one, other: one[0] == other[0] and one[1] < other[2] and other[1] < one[2])


def _overlaps_of(
    new: Sequence[tuple[str, _T]], known: dict[str, list[tuple[int | None, _T]]], overlap: Callable[[_T, _T], bool]
) -> list[Overlap]:
    """Each new one that overlaps one before it of the same worker, with the first such one."""
    found = []
    for place, (worker, times) in enumerate(new):
        before = known.setdefault(worker, [])
        other = next(((one,) for one, seen in before if overlap(seen, times)), None)
        if other is not None:
            found.append(Overlap(place, other[0], worker))
        before.append((place, times))
    return found


def _refuse_first(overlaps: Sequence[Overlap], table: str) -> None:
    for one in overlaps[:1]:
        at: list[str | int] = [table, one.place]
        raise Unacceptable("roster_rows_overlap", errors=[(at, "roster_rows_overlap")], worker=one.worker)


_Stretch = tuple[str, datetime, datetime]
_Times = tuple[date, date, int, tuple[int, ...], int]


def _times(one: NewTemplate) -> _Times:
    return (one.first_day, one.last_day or date.max, one.starts_minute, one.weekdays, one.minutes)


def _times_of(row: ShiftTemplate) -> _Times:
    weekdays = tuple(day for day in range(1, 8) if row.weekdays >> (day - 1) & 1)
    return (row.first_day, row.last_day or date.max, row.starts_minute, weekdays, row.minutes)


def _overlap(one: _Times, other: _Times) -> bool:
    """Whether two templates have some minute of a week in common, while both count."""
    if one[0] > other[1] or other[0] > one[1]:
        return False
    return any(
        (b - a) % WEEK_MINUTES < one[4] or (a - b) % WEEK_MINUTES < other[4]
        for a in _starts(one)
        for b in _starts(other)
    )


def _starts(one: _Times) -> Iterator[int]:
    return ((weekday - 1) * 24 * 60 + one[2] for weekday in one[3])


def add_exceptions(session: Session, exceptions: Sequence[NewException], *, now: datetime, by: Actor) -> int:
    """The number of exceptions stored, all or none; raises Unacceptable naming the first wrong one.

    What is over is not written anew, and whoever stands in is a worker of the caller's area too.
    """
    for place, one in enumerate(exceptions):
        check_exception(one, place, now)
    numbers = {one.worker for one in exceptions} | {one.substitute for one in exceptions if one.substitute is not None}
    ids = ids_of(session, numbers, by=by)
    _refuse_first(find_exception_overlaps(session, exceptions, ids), "exceptions")
    rows = [
        {
            "worker_id": ids[one.worker],
            "kind": one.kind,
            "span": Range(one.start, one.end, bounds="[)"),
            "substitute_id": None if one.substitute is None else ids[one.substitute],
            "reason": one.reason,
            "by": by.name,
        }
        for one in exceptions
    ]
    session.execute(insert(ShiftException), rows)
    announce(session)
    note(session, "shifts.exceptions", subject=exceptions[0].worker, area=by.area, by=by, count=len(rows))
    return len(rows)


def check_exception(one: NewException, place: int, now: datetime) -> None:
    """Raise Unacceptable, naming the place, for a leave or extra duty that makes no sense by itself."""
    at: list[str | int] = ["exceptions", place]
    if one.end <= one.start:
        raise Unacceptable("ends_before_it_starts", errors=[([*at, "end"], "ends_before_it_starts")])
    if one.start < now - timedelta(days=1):
        raise Unacceptable("exception_in_the_past", errors=[([*at, "start"], "exception_in_the_past")])
    require_soon(one.end, "exceptions", place, "end", now=now)
    most = LONGEST if one.kind == "extra" else LONGEST_LEAVE
    if one.end - one.start > most:
        hours = most // timedelta(hours=1)
        raise Unacceptable("shift_too_long", errors=[([*at, "end"], "shift_too_long")], hours=hours)
    if one.substitute is not None and (one.kind != "leave" or one.substitute == one.worker):
        raise Unacceptable("substitute_wrong", errors=[([*at, "substitute"], "substitute_wrong")])


def put_minimum(session: Session, area: str, people: int, *, by: Actor) -> None:
    """Set how many people it takes at least in an area; raises Forbidden for an area that is not the caller's."""
    require_area(by, area)
    values = {"people": people, "by": by.name}
    stored = (
        upsert(CoverMinimum).values(area=area, **values).on_conflict_do_update(index_elements=["area"], set_=values)
    )
    session.execute(stored)
    note(session, "cover.put", subject=area, area=area, by=by, people=people)


def _check_span(shift: NewShift, place: int) -> None:
    if shift.end <= shift.start:
        raise Unacceptable("ends_before_it_starts", errors=[(["shifts", place, "end"], "ends_before_it_starts")])
    if shift.end - shift.start > LONGEST:
        raise Unacceptable("shift_too_long", errors=[(["shifts", place, "end"], "shift_too_long")], hours=48)


def remove_exception(session: Session, exception_id: int, *, now: datetime, by: Actor) -> None:
    """Take a leave or extra duty back; of one that has begun what was before stays. Raises NotFound, also for one that
    is over or of another area."""
    row = session.get(ShiftException, exception_id, with_for_update=True)
    _require_own(session, row.worker_id if row is not None else None, by)
    if row is None or row.span.upper is None or row.span.upper <= now:
        raise NotFound("not_found")
    if row.span.lower is not None and row.span.lower < now:
        row.span = Range(row.span.lower, now, bounds="[)")
    else:
        session.delete(row)
    session.flush()
    announce(session)
    note(session, "shifts.exception_removed", subject=str(exception_id), area=by.area, by=by)


def end_template(session: Session, template_id: int, *, today: date, by: Actor) -> None:
    """End a template with yesterday; what it gave until then stays. Raises NotFound, also for one of another area."""
    row = session.get(ShiftTemplate, template_id, with_for_update=True)
    _require_own(session, row.worker_id if row is not None else None, by)
    if row is None or (row.last_day is not None and row.last_day < today):
        raise NotFound("not_found")
    if row.first_day < today:
        row.last_day = today - timedelta(days=1)
    else:
        session.delete(row)
    session.flush()
    announce(session)
    note(session, "shifts.template_ended", subject=str(template_id), area=by.area, by=by)


def _require_own(session: Session, worker_id: int | None, by: Actor) -> None:
    area = None if worker_id is None else session.scalar(select(Worker.area).where(Worker.id == worker_id))
    require_visible(by, area)
