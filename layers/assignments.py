"""Who serves which grid, from when to when ([P6])."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, cast, func, literal, or_, select
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE, TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, Session, mapped_column

from layers.access import Actor, require_area, require_visible
from layers.db import Base, code_column, id_column
from layers.errors import Conflict, NotFound, Unacceptable
from layers.grids import Grid
from layers.history import note
from layers.plans import Plan
from layers.workers import Worker, announce, ids_of


class Assignment(Base):
    """One worker's charge of one grid or sub-grid. The same charge twice at one moment is refused by the database."""

    __tablename__ = "assignments"
    __table_args__ = (
        CheckConstraint("NOT isempty(span) AND lower_inc(span) AND NOT upper_inc(span)", name="span_is_half_open"),
        ExcludeConstraint(
            ("worker_id", "="), ("grid_code", "="), ("role", "="), ("span", "&&"), name="charge_once", using="gist"
        ),
        Index("ix_assignments_grid_code", "grid_code"),
    )

    id: Mapped[int] = id_column()
    worker_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("workers.id", ondelete="CASCADE"))
    grid_code: Mapped[str] = code_column()
    role: Mapped[str]
    span: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)


@dataclass(frozen=True, slots=True)
class Charge:
    """Who serves which grid in which role, from when to when (None = without an end)."""

    id: int
    worker: str
    name: str
    grid: str
    role: str
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class ChargesAsked:
    """Which charges are asked for; `after` is the id that the page before ended with."""

    at: datetime
    area: str = ""
    grid: str | None = None
    worker: str | None = None
    after: int = 0
    limit: int = 100


def add_assignment(
    session: Session, worker: str, *, grid: str, role: str, since: datetime, until: datetime | None, by: Actor
) -> Charge:
    """The new charge of a worker.

    Raises Unacceptable for a grid that no plan knows, Conflict for the same charge twice at one moment.
    """
    require_area(by, grid)
    if until is not None and until <= since:
        raise Unacceptable("ends_before_it_starts", errors=[(["until"], "ends_before_it_starts")])
    _require_grid(session, grid)
    worker_id = ids_of(session, [worker], by=by)[worker]
    span = Range(since, until, bounds="[)")
    _refuse_twice(session, worker_id, grid=grid, role=role, span=span)
    row = Assignment(worker_id=worker_id, grid_code=grid, role=role, span=span)
    session.add(row)
    session.flush()
    announce(session)
    note(session, "assignment.added", subject=grid, area=grid, by=by, worker=worker, role=role)
    return _get(session, row.id)


def end_assignment(session: Session, assignment_id: int, *, at: datetime, by: Actor) -> Charge:
    """The charge that ends at `at` instead of later; raises NotFound for an unknown or foreign one."""
    row = session.get(Assignment, assignment_id, with_for_update=True)
    require_visible(by, row.grid_code if row is not None else None)
    if row is None:
        raise NotFound("not_found")
    if row.span.lower is not None and at <= row.span.lower:
        raise Unacceptable("ends_before_it_starts", errors=[(["until"], "ends_before_it_starts")])
    row.span = Range(row.span.lower, at, bounds="[)")
    session.flush()
    announce(session)
    note(session, "assignment.ended", subject=row.grid_code, area=row.grid_code, by=by, assignment=assignment_id)
    return _get(session, assignment_id)


def list_open_charges(session: Session, worker_id: int, *, at: datetime) -> list[Charge]:
    """The charges of a worker that are not over at a moment, those to come too, by grid."""
    rows = session.execute(_charges().where(*_open_at(worker_id, at)).order_by(Assignment.grid_code, Assignment.id))
    return [Charge(*row) for row in rows]


def hand_charges(session: Session, worker_id: int, *, to: int | None, at: datetime) -> None:
    """End the charges of a worker at a moment; another one, where there is one, has from then on what was left of them.

    What the other one has anyway is not given twice.
    """
    for row in session.scalars(select(Assignment).where(*_open_at(worker_id, at)).with_for_update()).all():
        begun = row.span.lower is None or row.span.lower < at
        rest = Range(at if begun else row.span.lower, row.span.upper, bounds="[)")
        code, role = row.grid_code, row.role
        if begun:
            row.span = Range(row.span.lower, at, bounds="[)")
        else:
            session.delete(row)
        session.flush()
        if to is not None:
            _add_what_is_free(session, to, code=code, role=role, rest=rest)
    session.flush()
    announce(session)


def list_unserved(session: Session, codes: Collection[str], *, at: datetime) -> list[str]:
    """Those of these grids that no active worker serves at a moment, sorted."""
    served = select(Assignment.grid_code).join(Worker, Worker.id == Assignment.worker_id)
    served = served.where(Assignment.grid_code.in_(list(codes)), Assignment.span.contains(at), Worker.active)
    return sorted(set(codes) - set(session.scalars(served)))


def list_assignments(session: Session, asked: ChargesAsked, *, by: Actor) -> list[Charge]:
    """The charges in force at a moment within the caller's area, oldest first."""
    statement = _charges().where(
        Assignment.span.contains(asked.at),
        Assignment.grid_code.startswith(by.area, autoescape=True),
        Assignment.grid_code.startswith(asked.area, autoescape=True),
        Assignment.id > asked.after,
    )
    if asked.grid is not None:
        statement = statement.where(Assignment.grid_code == asked.grid)
    if asked.worker is not None:
        statement = statement.where(Worker.number == asked.worker)
    return [Charge(*row) for row in session.execute(statement.order_by(Assignment.id).limit(asked.limit))]


def codes_served(session: Session, worker_ids: Collection[int], *, at: datetime) -> dict[int, list[str]]:
    """The grid codes that each of these workers serves at a moment, sorted."""
    served: dict[int, list[str]] = {worker_id: [] for worker_id in worker_ids}
    rows = session.execute(
        select(Assignment.worker_id, Assignment.grid_code)
        .where(Assignment.worker_id.in_(list(worker_ids)), Assignment.span.contains(at))
        .order_by(Assignment.grid_code)
    )
    for worker_id, code in rows:
        served[worker_id].append(code)
    return served


def _open_at(worker_id: int, at: datetime) -> tuple[Any, ...]:
    return Assignment.worker_id == worker_id, or_(func.upper_inf(Assignment.span), func.upper(Assignment.span) > at)


def _add_what_is_free(session: Session, worker_id: int, *, code: str, role: str, rest: Range[datetime]) -> None:
    same = (Assignment.worker_id == worker_id, Assignment.grid_code == code, Assignment.role == role)
    own = select(func.range_agg(Assignment.span, type_=TSTZMULTIRANGE())).where(*same).scalar_subquery()
    whole = func.tstzmultirange(cast(rest, TSTZRANGE), type_=TSTZMULTIRANGE())
    free = whole - func.coalesce(own, cast(literal("{}"), TSTZMULTIRANGE))
    for span in session.scalars(select(func.unnest(free, type_=Assignment.span.type))).all():
        session.add(Assignment(worker_id=worker_id, grid_code=code, role=role, span=span))
    session.flush()


def _charges() -> Any:
    return select(
        *(Assignment.id, Worker.number, Worker.name, Assignment.grid_code, Assignment.role),
        *(func.lower(Assignment.span), func.upper(Assignment.span)),
    ).join(Worker, Worker.id == Assignment.worker_id)


def _get(session: Session, assignment_id: int) -> Charge:
    return Charge(*session.execute(_charges().where(Assignment.id == assignment_id)).one())


def _require_grid(session: Session, code: str) -> None:
    """A charge may wait for a plan that is still a draft, but not for a code that nobody has drawn."""
    drawn = select(Grid.code).join(Plan, Plan.id == Grid.plan_id).where(Grid.code == code, Plan.state != "archived")
    if session.scalar(drawn.limit(1)) is None:
        raise Unacceptable("unknown_grid", errors=[(["grid"], "unknown_grid")], grid=code[:60])


def _refuse_twice(session: Session, worker_id: int, *, grid: str, role: str, span: Range[datetime]) -> None:
    same = select(Assignment.id).where(
        Assignment.worker_id == worker_id,
        Assignment.grid_code == grid,
        Assignment.role == role,
        Assignment.span.overlaps(span),
    )
    if session.scalar(same.limit(1)) is not None:
        raise Conflict("charged_already", grid=grid)
