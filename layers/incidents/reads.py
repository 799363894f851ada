"""Incidents read: one with its timeline, lists by page, and the feed of changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from geoalchemy2.functions import ST_X, ST_Y
from sqlalchemy import ColumnElement, ScalarSelect, and_, column, false, func, or_, select, table, tuple_
from sqlalchemy.orm import Session, aliased

from layers.access import Actor, Role
from layers.clocks import Light
from layers.db import WGS84
from layers.errors import NotFound
from layers.incidents.calls import IncidentCall, helpers_column
from layers.incidents.table import OPEN_TASK_STATES, Decision, Incident, IncidentStep, Reporter
from layers.incidents.workflow import Part, is_living, parts_of
from layers.workers import Worker

# What a list by deadline is ordered by: what no clock runs for has been due since it was reported.
DEADLINE = func.coalesce(Incident.due_at, Incident.reported_at)
COLUMNS = (
    *("id", "state", "waiting_reason", "category", "urgency", "description", "channel", "occurred_at", "reported_at"),
    *("closed_at", "changed_at", "due_at", "level", "relation", "district", "grid_code", "sub_grid_code"),
    *("current_code", "desk_area", "plan_version", "index_version", "unit_code", "location", "accuracy_m"),
    *("source", "external_id", "worker_id", "yellow_at", "late_thrice_at", "paused_until", "clock", "grace"),
    *("joined_to", "standard_version", "condition", "part_of", "leads", "collector_id", "inspect_last"),
    *("check_in_minutes", "check_in_by", "check_in_missed_at"),
)
# Whose hands an incident is in: the collector's who is on the way to look at it, else the worker's who has it.
HANDS = func.coalesce(Incident.collector_id, Incident.worker_id)
_COLLECTOR = aliased(Worker, name="collector")
_REPORTER = aliased(Worker, name="reporting")


def fills_hands(worker_id: int | None = None) -> ColumnElement[bool]:
    """Whether an incident fills somebody's hands, or those of this worker: a task, or one of the two in the field."""
    if worker_id is None:
        task: ColumnElement[bool] = Incident.worker_id.is_not(None)
        field: ColumnElement[bool] = Incident.collector_id.is_not(None)
    else:
        task, field = Incident.worker_id == worker_id, Incident.collector_id == worker_id
    return or_(and_(task, Incident.state.in_(OPEN_TASK_STATES)), field)


@dataclass(frozen=True, slots=True)
class IncidentCard:
    """An incident as it is read: `fields` are its columns by name, the place in WGS84 degrees, who has it, and the
    id of the reporting worker; `collector` is the staff number of who is sent to look at it, with name and phone;
    `helpers` says by id who was called to help: called, or coming."""

    id: int
    fields: dict[str, Any]
    lon: float
    lat: float
    worker: str | None
    worker_name: str | None
    worker_phone: str | None
    reported_by: int | None = None
    collector: str | None = None
    collector_name: str | None = None
    collector_phone: str | None = None
    helpers: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IncidentsAsked:
    """Which incidents are asked for. `after` is the (moment, id) that the page before ended with.

    With `changed_since` the oldest change comes first, with `by_deadline` what is due first, else the newest report.
    `lights` and `late_thrice` are judged at `now` ([K3]); `living` leaves out what has come to its end, `mine` what the
    reader neither has in hand nor has reported.
    """

    states: Sequence[str] = ()
    area: str = ""
    category: str | None = None
    external_id: str | None = None
    since: datetime | None = None
    changed_since: datetime | None = None
    overdue_at: datetime | None = None
    bbox: tuple[float, float, float, float] | None = None
    after: tuple[datetime, int] | None = None
    limit: int = 100
    lights: Sequence[Light] = ()
    late_thrice: bool = False
    now: datetime | None = None
    living: bool = False
    mine: bool = False
    by_deadline: bool = False


def scope(by: Actor) -> ColumnElement[bool]:
    """What this actor may see: their area (the duty desk's where no grid is), a worker's own cases, a unit's own."""
    code = func.coalesce(Incident.current_code, Incident.desk_area, "")
    within = code.startswith(by.area, autoescape=True)
    if by.role == Role.unit and by.unit is not None:
        return and_(within, Incident.unit_code == by.unit)
    if by.role != Role.worker:
        return within
    return or_(_is_own(by), within) if by.area else _is_own(by)


def _is_own(by: Actor) -> ColumnElement[bool]:
    """What somebody has or has reported; who is tied to no staff number has nothing, and not what nobody has (NULL)."""
    if by.worker_id is None:
        return false()
    reported = select(Reporter.incident_id).where(Reporter.worker_id == by.worker_id)
    held = or_(Incident.worker_id == by.worker_id, Incident.collector_id == by.worker_id)
    helps = (IncidentCall.worker_id == by.worker_id, IncidentCall.state != "declined")
    called = select(IncidentCall.incident_id).where(*helps)
    return or_(held, Incident.id.in_(reported), Incident.id.in_(called))


def _mine(by: Actor) -> ColumnElement[bool]:
    """What the reader has in hand or has reported; a department's are those that it is in charge of."""
    if by.role == Role.worker:
        return _is_own(by)
    if by.role == Role.unit:
        return scope(by)
    return Incident.source == f"{by.kind}:{by.name}"


def get_incident(session: Session, incident_id: int, *, by: Actor) -> IncidentCard:
    """The incident; raises NotFound for an unknown one and for one that the caller may not see."""
    row = session.execute(cards().where(Incident.id == incident_id, scope(by))).one_or_none()
    if row is None:
        raise NotFound("not_found")
    return card_of(row)


def list_incidents(session: Session, asked: IncidentsAsked, *, by: Actor) -> list[IncidentCard]:
    """One page of incidents that the caller may see."""
    statement = cards().where(scope(by), *_filters(asked, by))
    if asked.changed_since is not None:
        order: Any = (Incident.changed_at, Incident.id)
        statement = statement.where(*_changes(session, asked))
    elif asked.by_deadline:
        order = (DEADLINE, Incident.id)
        if asked.after is not None:
            statement = statement.where(tuple_(DEADLINE, Incident.id) > tuple_(*asked.after))
    else:
        order = (Incident.reported_at.desc(), Incident.id.desc())
        if asked.after is not None:
            statement = statement.where(tuple_(Incident.reported_at, Incident.id) < tuple_(*asked.after))
    return [card_of(row) for row in session.execute(statement.order_by(*order).limit(asked.limit))]


def parts_in(card: IncidentCard, by: Actor) -> frozenset[Part]:
    """What the reader is to this incident."""
    held = {name: card.fields[name] for name in ("state", "worker_id", "unit_code")}
    asked = (card.fields["grace"] or {}).get("asked") or {}
    asked_by = frozenset([asked["by"], *asked["agreed"]]) if asked else frozenset()
    about = {name: card.fields[name] for name in ("part_of", "collector_id", "inspect_last")} | {"asked_by": asked_by}
    watched = card.fields["check_in_by"] is not None
    return parts_of(by, **held, reported_by=card.reported_by, watched=watched, helpers=card.helpers, **about)


def count_incidents(session: Session, asked: IncidentsAsked, *, now: datetime, by: Actor) -> dict[str, int]:
    """How many living incidents there are of those asked for, how many of them are overdue, and how many wait."""
    living = replace(asked, living=True, states=(), overdue_at=None)
    overdue, waiting = (func.count().filter(one) for one in (Incident.due_at < now, Incident.state == "waiting"))
    row = session.execute(select(func.count(), overdue, waiting).where(scope(by), *_filters(living, by))).one()
    return {"living": row[0], "overdue": row[1], "waiting": row[2]}


def list_steps(session: Session, incident_id: int) -> Sequence[IncidentStep]:
    """The timeline, oldest first."""
    return session.scalars(
        select(IncidentStep).where(IncidentStep.incident_id == incident_id).order_by(IncidentStep.id)
    ).all()


def find_decision(session: Session, incident_id: int) -> Decision | None:
    """The latest decision about who goes, None where none was made."""
    return session.scalars(
        select(Decision).where(Decision.incident_id == incident_id).order_by(Decision.id.desc()).limit(1)
    ).first()


def list_parts(session: Session, incident_id: int) -> list[IncidentCard]:
    """The parts into which a case was split, in the order in which they were named; whose answer counts comes first."""
    found = cards().where(Incident.part_of == incident_id)
    return [card_of(row) for row in session.execute(found.order_by(Incident.leads.desc(), Incident.id))]


def list_decisions(session: Session, incident_id: int) -> Sequence[Decision]:
    """Every decision about who goes, oldest first."""
    found = select(Decision).where(Decision.incident_id == incident_id).order_by(Decision.id)
    return session.scalars(found).all()


def find_reporter(session: Session, incident_id: int) -> Reporter | None:
    """Who reported, None where nobody is known: personal, for those who answer back."""
    return session.get(Reporter, incident_id)


def _filters(asked: IncidentsAsked, by: Actor) -> list[ColumnElement[bool]]:
    code = func.coalesce(Incident.current_code, Incident.desk_area, "")
    found: list[ColumnElement[bool]] = [code.startswith(asked.area, autoescape=True)] if asked.area else []
    if asked.living:
        found.append(is_living())
    if asked.mine:
        found.append(_mine(by))
    if asked.states:
        found.append(Incident.state.in_(asked.states))
    if asked.category is not None:
        found.append(Incident.category == asked.category)
    if asked.external_id is not None:
        found.append(Incident.external_id == asked.external_id)
    if asked.since is not None:
        found.append(Incident.reported_at >= asked.since)
    if asked.bbox is not None:
        found.append(Incident.geom.op("&&")(func.ST_MakeEnvelope(*asked.bbox, WGS84)))
    return found + _list_clock_conditions(asked)


def _list_clock_conditions(asked: IncidentsAsked) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if asked.overdue_at is not None:
        found.append(Incident.due_at < asked.overdue_at)
    if asked.lights:
        found.append(or_(*(_has_light(light, asked.now) for light in asked.lights)))
    if asked.late_thrice:
        found.append(Incident.late_thrice_at < asked.now)
    return found


def _has_light(light: Light, now: datetime | None) -> ColumnElement[bool]:
    """Whether the clock shows this light, as `layers.clocks.find_light` says it of one."""
    if light is Light.red:
        return Incident.due_at < now
    if light is Light.yellow:
        return and_(Incident.yellow_at < now, Incident.due_at >= now)
    return and_(Incident.due_at >= now, func.coalesce(Incident.yellow_at, Incident.due_at) >= now)


_ACTIVITY = table(
    "pg_stat_activity", *map(column, ("xact_start", "datname", "pid", "backend_type")), schema="pg_catalog"
)


def select_settled_moment() -> ScalarSelect[datetime]:
    """The moment before which no change can be committed any more, as a column of a statement.

    A change is told once nothing that began before it can still commit: else a slow transaction would slip in behind
    the reader's cursor and never be seen. It holds for statements that begin after this one, not for its own.
    """
    begun = func.coalesce(func.min(_ACTIVITY.c.xact_start), func.now())
    others = and_(
        _ACTIVITY.c.datname == func.current_database(),
        _ACTIVITY.c.xact_start.is_not(None),
        _ACTIVITY.c.pid != func.pg_backend_pid(),
        _ACTIVITY.c.backend_type == "client backend",
    )
    return select(begun).where(others).scalar_subquery()


def _changes(session: Session, asked: IncidentsAsked) -> list[ColumnElement[bool]]:
    settled = Incident.changed_at < session.scalar(select(select_settled_moment()))
    if asked.after is not None:
        return [settled, tuple_(Incident.changed_at, Incident.id) > tuple_(*asked.after)]
    return [settled, Incident.changed_at >= asked.changed_since]


def cards(*more: Any) -> Any:
    """The statement that reads incidents as cards, with more columns where they are given."""
    columns = [getattr(Incident, name) for name in COLUMNS]
    place = (ST_X(Incident.geom).label("lon"), ST_Y(Incident.geom).label("lat"))
    person = (Worker.number, Worker.name.label("worker_name"), Worker.phone)
    # Who has left looks at nothing any more: then it is the desk's to say that it is done.
    reporter = _REPORTER.id.label("reported_by")
    sent = [getattr(_COLLECTOR, name).label(f"collector_{name}") for name in ("number", "name", "phone")]
    held = select(*columns, *place, *person, reporter, *sent, helpers_column().label("helpers"), *more)
    held = held.outerjoin(Worker, Worker.id == Incident.worker_id)
    held = held.outerjoin(_COLLECTOR, _COLLECTOR.id == Incident.collector_id)
    held = held.outerjoin(Reporter, Reporter.incident_id == Incident.id)
    return held.outerjoin(_REPORTER, and_(_REPORTER.id == Reporter.worker_id, _REPORTER.active))


def card_of(row: Any) -> IncidentCard:
    """One row of such a statement."""
    fields = {name: getattr(row, name) for name in COLUMNS}
    held = (row.number, row.worker_name, row.phone, row.reported_by)
    sent = (row.collector_number, row.collector_name, row.collector_phone)
    helpers = {int(worker): state for worker, state in (row.helpers or {}).items()}
    return IncidentCard(row.id, fields, row.lon, row.lat, *held, *sent, helpers)
