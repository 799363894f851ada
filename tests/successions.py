"""A city with a plan in force and a worker on each grid, and what a hand does to a draft of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import shapely
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers import planning
from layers.access import Actor
from layers.assignments import Assignment
from layers.grids import Grid
from layers.planning.edits import operations
from layers.plans import Plan
from layers.workers import Worker
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, REVIEWER, WARNINGS, add_areas, add_buildings, rows_of

CITY = synthetic_city(12, sub_grids=(1,), seed=4)
ADMIN = Actor(name="admin", role="admin", area="")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def published_city(session: Session) -> Plan:
    """A city with 300 buildings, one worker on each grid, and a plan in force."""
    add_areas(session, CITY)
    add_buildings(session, CITY, number=300, side_m=2.0)
    plan = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    submit_and_publish(session, plan)
    for code in CITY.codes:
        add_worker(session, f"W{code[-6:]}", grid=code)
    return plan


def add_worker(session: Session, number: str, *, grid: str | None = None, active: bool = True) -> Worker:
    worker = Worker(number=number, name=f"姓名{number}", role="grid_worker", area=CITY.district, active=active)
    session.add(worker)
    session.flush()
    if grid is not None:
        span = Range(LONG_AGO, None, bounds="[)")
        session.add(Assignment(worker_id=worker.id, grid_code=grid, role="grid_worker", span=span))
        session.flush()
    return worker


def submit_and_publish(session: Session, plan: Plan, *, at: datetime | None = None) -> Plan:
    planning.submit(
        session, DRAFTS, plan.id, version=plan.version, acknowledged=[*WARNINGS, "unserved_grid"], by=DRAWER
    )
    return planning.publish(session, plan.id, version=plan.version, effective_at=at, by=REVIEWER)


def split(session: Session, plan: Plan, code: str) -> str:
    """Cut a grid from south to north; the code of the part that got a new one."""
    polygon = CITY.polygons[CITY.codes.index(code)]
    west, south, east, north = polygon.bounds
    middle = (west + east) / 2
    line = shapely.LineString([(middle, south - 1e-5), (middle, north + 1e-5)])
    before = set(codes_of(session, plan))
    planning.edit(session, DRAFTS, plan.id, operations.Split(code=code, line=line), version=plan.version, by=DRAWER)
    (fresh,) = set(codes_of(session, plan)) - before
    return fresh


def codes_of(session: Session, plan: Plan) -> list[str]:
    return list(session.scalars(select(Grid.code).where(Grid.plan_id == plan.id)))


def draft_with_split(session: Session) -> tuple[Plan, str, str]:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    code = CITY.codes[0]
    return plan, code, split(session, plan, code)


def serving(session: Session, code: str, *, at: datetime) -> list[str]:
    statement = select(Worker.number).join(Assignment, Assignment.worker_id == Worker.id)
    found = statement.where(Assignment.grid_code == code, Assignment.span.contains(at))
    return sorted(session.scalars(found))


def line_of(told: dict[str, Any], code: str) -> dict[str, Any]:
    return next(line for line in told["grids"] if line["grid"] == code)


def decide(session: Session, plan: Plan, code: str, *posts: str, by: Actor = DRAWER) -> None:
    wanted = [(number, "grid_worker") for number in posts]
    planning.decide(session, DRAFTS, plan.id, [(code, wanted)], version=plan.version, by=by)


def neighbours() -> tuple[str, str]:
    partition = CITY.partition()
    return next(
        (code, other)
        for code in partition.codes
        for other in partition.neighbours(code)
        if code < other and code[:12] == other[:12]
    )


def all_neighbours() -> list[tuple[str, str]]:
    partition = CITY.partition()
    pairs = ((code, other) for code in partition.codes for other in partition.neighbours(code))
    return [(code, other) for code, other in pairs if code < other and code[:12] == other[:12]]
