"""Putting a plan in force ([P1], [L7]): checked, certified, numbered, announced, in one transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session, aliased

from layers import history, locating
from layers.access import Actor
from layers.areas import Area
from layers.chronicle import note_turn
from layers.db import wait_longer
from layers.errors import Conflict, Forbidden, Unacceptable
from layers.freshness import PUBLICATIONS
from layers.moments import require_soon
from layers.planning.comparison.succession import compare_boards, take_effect
from layers.planning.life.certificates import certify
from layers.planning.life.following import follow
from layers.planning.life.lifecycle import lock_in_state, moment
from layers.planning.report.draft_report import review_all
from layers.planning.state import codes
from layers.planning.state.board import Board
from layers.planning.state.loading import load_board, store_counts
from layers.plans import Plan, PlanState, Publication, find_latest, is_in_force_at

# Checking, indexing and following the boundaries of a large district take longer than a request usually may.
PUBLISH_TIMEOUT_MS = 300_000


def publish(session: Session, plan_id: int, *, version: int, by: Actor, effective_at: datetime | None = None) -> Plan:
    """The plan, in force from `effective_at` (default: now), with its certificate and its index snapshot stored.

    Raises Forbidden for somebody who edited it, Conflict for a plan that is not submitted or does not stand on the
    latest one (`base_outdated`), Unacceptable with the report while there are errors and for a moment in the past,
    Outdated. About 2 s for 1,500 tiles.
    """
    plan = lock_in_state(session, plan_id, version=version, state=PlanState.submitted, by=by)
    wait_longer(session, PUBLISH_TIMEOUT_MS / 1000)
    if by.name in plan.editors:
        raise Forbidden("own_edit", plan=plan_id)
    previous = _get_previous(session, plan)
    begin = _begin(session, effective_at, previous)
    board, report = _check_plan(session, plan)
    older = board if previous is None else load_board(session, previous)
    people = compare_boards(session, older, board, plan=plan)
    codes.record_plan(session, plan.district, plan_id=plan.id, origin="first")
    _enter(session, plan, previous, begin, by=by)
    take_effect(session, plan, people, begin=begin, by=by)
    plan.report = report
    plan.certificate = certify(session, plan, report, people=people, board=board)
    _announce(session, plan, begin)
    if effective_at is None:
        follow(session, board, before=previous)
    history.note(
        session, "plan.publish", subject=f"plan:{plan.id}", area=plan.district, by=by, plan_version=plan.plan_version
    )
    note_turn(session, plan, "publish", by=by)
    return plan


def _get_previous(session: Session, plan: Plan) -> Plan | None:
    # One publication of a district at a time: the row of the district is the queue.
    session.execute(select(Area.code).where(Area.code == plan.district).with_for_update())
    latest = find_latest(session, plan.district)
    if plan.based_on != (None if latest is None else latest.id):
        raise Conflict("base_outdated", plan=plan.id, latest=None if latest is None else str(latest.id))
    return latest


def _begin(session: Session, effective_at: datetime | None, previous: Plan | None) -> datetime:
    now = moment(session)
    if effective_at is not None and effective_at < now:
        raise Unacceptable("effective_in_the_past", errors=[(["effective_at"], "effective_in_the_past")])
    begin = effective_at or now
    require_soon(begin, "effective_at", now=now)
    scheduled = previous.in_force.lower if previous is not None and previous.in_force is not None else None
    if scheduled is not None and begin <= scheduled:
        raise Unacceptable(
            "effective_before_scheduled",
            errors=[(["effective_at"], "effective_before_scheduled")],
            scheduled=scheduled.isoformat(),
        )
    return begin


def _check_plan(session: Session, plan: Plan) -> tuple[Board, dict[str, Any]]:
    """The plan's board and report after a full check; raises Unacceptable with the report where there are errors."""
    review = review_all(session, load_board(session, plan))
    report = review.report.as_json(review.board)
    if not review.report.ok:
        raise Unacceptable("plan_has_errors", report=report, number=report["summary"]["errors"])
    missing = sorted(review.report.warning_kinds() - set(plan.acknowledged))
    if missing:
        raise Unacceptable("warnings_not_acknowledged", errors=[(["acknowledged"], kind) for kind in missing])
    store_counts(session, plan.id, review.recounted)
    return review.board, report


def _enter(session: Session, plan: Plan, previous: Plan | None, begin: datetime, *, by: Actor) -> None:
    """Number the plan and put it in force; the one before it ends where it begins."""
    now = moment(session)
    if previous is not None and previous.in_force is not None:
        previous.in_force = Range(previous.in_force.lower, begin, bounds="[)")
        session.flush()
    plan.state, plan.published_by, plan.published_at = PlanState.published, by.name, now
    plan.plan_version = 1 if previous is None else (previous.plan_version or 0) + 1
    plan.in_force = Range(begin, None, bounds="[)")
    plan.version += 1
    plan.updated_at = now
    session.flush()
    archive_ended(session, plan.district, at=now)


def archive_ended(session: Session, district: str, *, at: datetime) -> None:
    """Mark the published plans of a district whose time is over as archived; what they answered stays askable."""
    ended = func.upper(Plan.in_force) <= at
    statement = update(Plan).where(Plan.district == district, Plan.state == PlanState.published, ended)
    session.execute(statement.values(state=PlanState.archived))


def settle(session: Session, *, now: datetime) -> list[int]:
    """The ids of scheduled plans whose time has come: hazards and incidents now follow them, their forerunners are
    archived. Cheap where there is nothing to do; run it once a minute."""
    forerunner = aliased(Plan)
    ended = select(forerunner.id).where(
        forerunner.district == Plan.district,
        forerunner.state == PlanState.published,
        func.upper(forerunner.in_force) <= now,
    )
    due = select(Plan).where(is_in_force_at(now), ended.exists())
    settled = []
    for plan in session.scalars(due).all():
        wait_longer(session, PUBLISH_TIMEOUT_MS / 1000)
        before = session.get(Plan, plan.based_on) if plan.based_on is not None else None
        follow(session, load_board(session, plan), before=before)
        archive_ended(session, plan.district, at=now)
        settled.append(plan.id)
    return settled


def _announce(session: Session, plan: Plan, begin: datetime) -> None:
    """Store the snapshot beside the publication and wake every process; the version table decides ([L7])."""
    index = locating.build_index(session, plan.id)
    publication = Publication(
        district=plan.district,
        plan_id=plan.id,
        plan_version=plan.plan_version,
        effective_at=begin,
        snapshot=index.to_bytes(),
    )
    session.add(publication)
    session.flush()
    session.execute(select(func.pg_notify(PUBLICATIONS, cast(publication.index_version, Text))))
