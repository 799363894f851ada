"""Who serves a code in which role, at which time ([P6]): read from the dated charges."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import DateTime, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from layers.assignments import Assignment
from layers.plans import Plan
from layers.workers import Worker


@dataclass(frozen=True, slots=True, order=True)
class Post:
    """One worker in one role, for one grid."""

    worker: str
    role: str
    name: str
    worker_id: int

    def as_json(self) -> dict[str, str]:
        """The post as the API tells it."""
        return {"worker": self.worker, "name": self.name, "role": self.role}


Posts = tuple[Post, ...]


def begin_of(plan: Plan) -> datetime | None:
    """The moment from which a plan is in force; None before its publication."""
    return None if plan.in_force is None else plan.in_force.lower


def posts_of(session: Session, codes: Collection[str], *, at: datetime | None = None) -> dict[str, Posts]:
    """Who serves these codes from now on, charges that begin later included; with a moment, who did just before it."""
    columns = (Assignment.grid_code, Worker.number, Assignment.role, Worker.name, Worker.id)
    statement = select(*columns).join(Worker, Worker.id == Assignment.worker_id)
    # One array, not a list of parameters: three thousand of those take longer to send than to answer.
    statement = statement.where(Assignment.grid_code == any_(literal(list(codes), ARRAY(Text))))
    if at is None:
        statement = statement.where(func.upper(Assignment.span).is_(None) | (func.upper(Assignment.span) > func.now()))
        statement = statement.where(Worker.active)
    else:
        # Half open: what ends at that very moment was in force just before it.
        began = func.coalesce(func.lower(Assignment.span) < at, True)
        statement = statement.where(began, func.coalesce(func.upper(Assignment.span) >= at, True))
    found: dict[str, set[Post]] = {}
    for code, number, role, name, worker_id in session.execute(statement):
        found.setdefault(code, set()).add(Post(number, role, name, worker_id))
    return {code: tuple(sorted(posts)) for code, posts in found.items()}


def list_serving_under(session: Session, plan: Plan, codes: Collection[str]) -> dict[str, Posts]:
    """Who serves grids while a plan is in force: now; at its begin where it is scheduled, and at its end where another
    plan has taken its place. Charges may have begun long after the plan did."""
    assert plan.in_force is not None, "only plans that were published are asked about"
    begin, end = plan.in_force.lower, plan.in_force.upper
    now = session.scalars(select(func.clock_timestamp(type_=DateTime(timezone=True)))).one()
    if end is not None and end <= now:
        return posts_of(session, codes, at=end)
    if begin is not None and begin > now:
        # A moment later, for those who begin with the plan.
        return posts_of(session, codes, at=begin + timedelta(microseconds=1))
    return posts_of(session, codes)
