"""From draft to submitted and back ([P1]): submit, withdraw, return, archive. Publishing has a file of its own."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, func, select
from sqlalchemy.orm import Session

from layers import history
from layers.access import Actor, Role, require_area
from layers.chronicle import note_turn
from layers.errors import Conflict, Forbidden, Unacceptable
from layers.planning.comparison.succession import UNSERVED, find_unserved
from layers.planning.memory.draft_cache import DraftMemory, open_draft
from layers.plans import Plan, PlanState, get_plan, lock_plan


def report_of(session: Session, drafts: DraftMemory, plan_id: int, *, by: Actor) -> dict[str, Any]:
    """The report of a plan as the API gives it; raises NotFound.

    Of a draft as it is now. The first look at a draft costs its full check, later ones nothing.
    """
    plan = get_plan(session, plan_id, by=by)
    draft = open_draft(session, drafts, plan)
    return {"version": plan.version, **draft.report.as_json(draft.board)}


def submit(
    session: Session, drafts: DraftMemory, plan_id: int, *, version: int, acknowledged: Collection[str], by: Actor
) -> Plan:
    """The draft, submitted; every kind of warning in its report must be acknowledged, `unserved_grid` among them where
    it leaves a new or changed grid without anybody to serve it ([P6]).

    Raises Unacceptable naming the kinds that are not, Conflict for a plan that is no draft, Outdated, Forbidden.
    Errors do not keep a plan from being submitted: they keep it from being published.
    """
    plan = lock_in_state(session, plan_id, version=version, state=PlanState.draft, by=by)
    kinds = set(open_draft(session, drafts, plan).report.warning_kinds())
    if find_unserved(session, drafts, plan):
        kinds.add(UNSERVED)
    missing = sorted(kinds - set(acknowledged))
    if missing:
        raise Unacceptable("warnings_not_acknowledged", errors=[(["acknowledged"], kind) for kind in missing])
    plan.acknowledged = sorted(kinds)
    plan.submitted_by, plan.submitted_at = by.name, moment(session)
    plan.returned_reason = None
    _turn(session, plan, PlanState.submitted)
    known = list(plan.acknowledged)
    history.note(session, "plan.submit", subject=f"plan:{plan.id}", area=plan.district, by=by, acknowledged=known)
    note_turn(session, plan, "submit", by=by)
    return plan


def withdraw(session: Session, plan_id: int, *, version: int, by: Actor) -> Plan:
    """The plan as a draft again, taken back by one of its authors; raises Forbidden for anybody else."""
    plan = lock_in_state(session, plan_id, version=version, state=PlanState.submitted, by=by)
    if by.name != plan.submitted_by and by.name not in plan.editors:
        raise Forbidden("not_the_author", plan=plan_id)
    _turn(session, plan, PlanState.draft)
    history.note(session, "plan.withdraw", subject=f"plan:{plan.id}", area=plan.district, by=by)
    note_turn(session, plan, "withdraw", by=by)
    return plan


def return_(session: Session, plan_id: int, *, version: int, reason: str, by: Actor) -> Plan:
    """The plan as a draft again, returned by a reviewer with a reason; raises Forbidden for one of its editors."""
    plan = lock_in_state(session, plan_id, version=version, state=PlanState.submitted, by=by)
    if by.name in plan.editors:
        raise Forbidden("own_edit", plan=plan_id)
    if not reason.strip():
        raise Unacceptable("reason_missing", errors=[(["reason"], "reason_missing")])
    plan.returned_reason = reason.strip()
    _turn(session, plan, PlanState.draft)
    history.note(session, "plan.return", subject=f"plan:{plan.id}", area=plan.district, by=by, reason=reason.strip())
    note_turn(session, plan, "return", by=by)
    return plan


def archive(session: Session, plan_id: int, *, version: int, by: Actor) -> Plan:
    """The draft, put aside by one of its authors or an admin; it can be opened again as a new draft.

    A published plan is archived by the one that follows it, so only drafts are: Conflict for any other.
    """
    plan = lock_in_state(session, plan_id, version=version, state=PlanState.draft, by=by)
    if by.role != Role.admin and by.name != plan.created_by and by.name not in plan.editors:
        raise Forbidden("not_the_author", plan=plan_id)
    _turn(session, plan, PlanState.archived)
    history.note(session, "plan.archive", subject=f"plan:{plan.id}", area=plan.district, by=by)
    note_turn(session, plan, "archive", by=by)
    return plan


def lock_in_state(session: Session, plan_id: int, *, version: int, state: PlanState, by: Actor) -> Plan:
    """The plan, locked at this version and in this state, to be turned as a whole; raises Conflict in another state,
    Forbidden for somebody whose area is only a part of its district."""
    plan = lock_plan(session, plan_id, version=version, by=by)
    require_area(by, plan.district)
    if plan.state != state:
        raise Conflict("not_a_draft" if state == PlanState.draft else "not_submitted", plan=plan_id, state=plan.state)
    return plan


def _turn(session: Session, plan: Plan, state: PlanState) -> None:
    """The next state is the next version too: who saw the plan before it sees that something has changed."""
    plan.state = state
    plan.version += 1
    plan.updated_at = moment(session)
    session.flush()


def moment(session: Session) -> datetime:
    """Now, by the database's clock, to the microsecond and not that of the transaction's start."""
    now: datetime = session.scalars(select(func.clock_timestamp(type_=DateTime(timezone=True)))).one()
    return now
