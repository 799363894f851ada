"""What a new version of a draft leaves behind beside its grids: the books, written by one statement.

The line for undo (`plan_edits`), the line of the city's history, the line of the plan's chronicle and the plan's own
row: four tables, one way to the database. All of it belongs to the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from layers import chronicle, history
from layers.access import Actor
from layers.chronicle import Happening, Ticket
from layers.planning.memory.draft_cache import DraftMemory, OpenDraft
from layers.planning.state.loading import stamp_of
from layers.planning.state.row_changes import RowChanges
from layers.plans import Plan, PlanEdit


def record(
    session: Session,
    drafts: DraftMemory,
    plan: Plan,
    fresh: OpenDraft,
    happening: Happening,
    *,
    details: Mapping[str, Any],
    by: Actor,
    undoing: Mapping[str, Any] | None = None,
    ticket: Ticket | None = None,
) -> OpenDraft:
    """The fresh open draft under the version that the plan has from now on, kept for the next request.

    `details` go into the city's history, the `ticket` of the request into the chronicle. With `undoing`, a line made by
    `line_for_undo`, the history of the draft goes on and drops what was undone: it is one line, not a tree.
    """
    session.flush()
    version = plan.version + 1
    report = {"version": version, "ok": fresh.report.ok, "summary": fresh.report.summary(fresh.board)}
    subject, action = f"plan:{plan.id}", f"plan.{happening.action}"
    lines = {
        **history.line_of(action, subject=subject, area=plan.district, by=by, details=details),
        **chronicle.line_of(plan.id, happening, version=version, by=by, ticket=ticket),
        **(undoing or {}),
    }
    statement = _ADVANCE if undoing is None else _ADVANCE_BY_EDIT
    written = session.connection().execute(statement, {"of": plan.id, "next": version, "fresh_report": report, **lines})
    for name, value in (("version", version), ("updated_at", written.one().updated_at), ("report", report)):
        set_committed_value(plan, name, value)
    draft = OpenDraft(replace(fresh.board, stamp=stamp_of(plan)), fresh.report)
    drafts.keep_at_commit(session, draft)
    return draft


def line_for_undo(op: Mapping[str, Any], before: RowChanges, after: RowChanges, *, by: Actor) -> dict[str, Any]:
    """An edit as undo needs it: the operation, and the rows before and after it."""
    return {"edit_op": dict(op), "edit_before": before.as_json(), "edit_after": after.as_json(), "edit_by": by.name}


def _advance() -> Any:
    """The statement that gives a plan its next version, with the lines of history and chronicle."""
    # The clock's moment, not the transaction's: it comes back from the same statement that sets it.
    now = func.clock_timestamp()
    plan = update(Plan).where(Plan.id == bindparam("of"))
    written = plan.values(version=bindparam("next"), updated_at=now, report=bindparam("fresh_report"))
    told = written.returning(Plan.updated_at, chronicle.WAKEN)
    return told.add_cte(history.LINE.cte("noted"), chronicle.LINE.cte("happened"))


def _add_edit(advance: Any) -> Any:
    """The same with the line of an edit, which takes the place of what was undone."""
    mine = PlanEdit.plan_id == bindparam("of")
    # The number is taken from all rows that were there when the statement began, so it cannot collide.
    number = select(func.coalesce(func.max(PlanEdit.seq), 0) + 1).where(mine)
    fresh: dict[str, Any] = {name: bindparam(f"edit_{name}") for name in ("op", "before", "after", "by")}
    made = insert(PlanEdit).values(
        plan_id=bindparam("of"), seq=number.scalar_subquery(), version=bindparam("next"), **fresh
    )
    return advance.add_cte(delete(PlanEdit).where(mine, PlanEdit.undone).cte("undone"), made.cte("made"))


_ADVANCE = _advance()
_ADVANCE_BY_EDIT = _add_edit(_ADVANCE)
