"""Putting a draft onto a newer published plan ([P1]): its changes are made again there, conflicts are named."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from layers import history
from layers.access import Actor, require_area
from layers.errors import Conflict, Unacceptable
from layers.planning.desk import after_move, locked_desk_of
from layers.planning.editing import Edited, advance, lock_draft, noted, refuse_worse, tell
from layers.planning.loading import Stored, read_frame, read_rings, read_rows
from layers.planning.steps import Step, move_to
from layers.plans import Plan, PlanEdit, find_latest


@dataclass(frozen=True)
class Content:
    """Everything that a plan stores, byte for byte."""

    rows: dict[str, Stored]
    rings: dict[str, bytes]
    frame: bytes | None


def rebase(session: Session, plan_id: int, *, version: int, by: Actor) -> Edited:
    """What the newer plan brought into the draft, which stands on it from now on.

    Grids that only the newer plan changed are taken from there, those that only the draft changed stay. Raises
    Conflict naming the grids that both changed, or the places where both together would break the map; Conflict too
    where the draft stands on the latest plan already. The history of edits begins anew: what came from the newer plan
    cannot be undone.
    """
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    require_area(by, plan.district)
    latest = find_latest(session, plan.district)
    if latest is None or latest.id == plan.based_on:
        raise Conflict("base_is_latest", plan=plan_id)
    step = _brought(session, plan, latest)
    desk = locked_desk_of(session, plan)
    move = move_to(desk.board, step)
    fresh = after_move(session, desk, move).desk
    try:
        refuse_worse(desk, fresh, move)
    except Unacceptable as worse:
        raise Conflict("rebase_conflicts", where=worse.where, conflicts=sorted(step.rows)) from worse
    step.write(session, plan.id)
    session.execute(delete(PlanEdit).where(PlanEdit.plan_id == plan.id))
    plan.based_on = latest.id
    history.note(session, "plan.rebase", subject=f"plan:{plan.id}", area=plan.district, by=by, onto=latest.id)
    op = {"op": "rebase", "onto": str(latest.id)}
    done = tell(desk, advance(session, plan, fresh), op, step, by=by.name, began=began)
    return noted(session, done, action="rebase", was=desk.board, by=by)


def _brought(session: Session, plan: Plan, latest: Plan) -> Step:
    """The rows of the latest plan that differ from the draft's base; raises Conflict where the draft differs too."""
    base = _content(session, plan.based_on) if plan.based_on is not None else Content({}, {}, None)
    own, theirs = _content(session, plan.id), _content(session, latest.id)
    mine, new = _differing(base.rows, own.rows), _differing(base.rows, theirs.rows)
    clashes = sorted(code for code in mine & new if not _same(own.rows.get(code), theirs.rows.get(code)))
    if clashes or (theirs.frame != base.frame and own.frame not in (base.frame, theirs.frame)):
        raise Conflict("rebase_conflicts", conflicts=clashes)
    rings = {code: ring for code, ring in theirs.rings.items() if ring != base.rings.get(code)}
    if any(own.rings.get(code) not in (base.rings.get(code), ring) for code, ring in rings.items()):
        raise Conflict("rebase_conflicts", conflicts=sorted(rings))
    rows = {code: theirs.rows.get(code) for code in sorted(new - mine)}
    return Step(rows, rings, theirs.frame if theirs.frame != own.frame else None)


def _content(session: Session, plan_id: int) -> Content:
    rows = {stored[0].code: stored for stored in read_rows(session, plan_id)}
    return Content(rows, read_rings(session, plan_id), read_frame(session, plan_id))


def _differing(base: dict[str, Stored], other: dict[str, Stored]) -> set[str]:
    return {code for code in base.keys() | other.keys() if not _same(base.get(code), other.get(code))}


def _same(one: Stored | None, other: Stored | None) -> bool:
    """Whether two rows say the same; numbers that were counted at another time do not count."""
    if one is None or other is None:
        return one is other
    named = ("parent_code", "name", "kind", "exclusive", "group_name", "parts_allowed", "locked")
    return one[1] == other[1] and all(getattr(one[0], name) == getattr(other[0], name) for name in named)
