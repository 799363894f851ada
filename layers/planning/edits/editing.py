"""Editing a draft ([P2], [P3], [S10]): one operation, checked, stored and answered; undo and redo.

The story of an edit: lock the draft at the version that was seen, draw on the board, check what changed, refuse what
makes anything worse, store only what changed, remember the rows before and after, answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.chronicle import Happening, Ticket
from layers.errors import Conflict, Unacceptable
from layers.grids import GridLevel
from layers.planning.edits.apply_operation import complete, draw
from layers.planning.edits.ledger import line_for_undo, record
from layers.planning.edits.operations import Operation
from layers.planning.memory.draft_cache import DraftMemory, OpenDraft, advance_draft, open_locked_draft
from layers.planning.report.draft_report import TOLERANCE, Shown, changes, difference, find_worse
from layers.planning.state import codes
from layers.planning.state.board import Board, GridRow, HouseholdTarget
from layers.planning.state.loading import Stored, to_degrees
from layers.planning.state.row_changes import Move, RowChanges, move_to
from layers.plans import Plan, PlanEdit, PlanState, lock_plan
from tiling.coverage import CoverageReport, Defect, check
from tiling.errors import TilingError
from tiling.partition import Change

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Edited:
    """What an edit, an undo or a redo did; `changed` are the stored rows, shapes as WKB in degrees.

    `added` and `cleared` are news: defects of another kind, place or grid. With `come`, and without those whose ids are
    in `gone`, the report before becomes the report after, to the letter.
    """

    draft: OpenDraft
    op: Mapping[str, Any]
    by: str
    changed: tuple[Stored, ...]
    removed: tuple[str, ...]
    added: tuple[Mapping[str, Any], ...]
    cleared: tuple[Mapping[str, Any], ...]
    come: tuple[Shown, ...]
    gone: tuple[str, ...]
    took_ms: float

    @property
    def plan_id(self) -> int:
        """The plan."""
        return self.draft.board.stamp.plan_id

    @property
    def version(self) -> int:
        """Its version since."""
        return self.draft.board.stamp.version

    @property
    def targets(self) -> Mapping[str, HouseholdTarget]:
        """How many households a grid should hold, by area."""
        return self.draft.board.targets

    @property
    def summary(self) -> dict[str, Any]:
        """The numbers of the report."""
        return self.draft.report.summary(self.draft.board)

    @property
    def report(self) -> dict[str, Any]:
        """The whole report after it."""
        return self.draft.report.as_json(self.draft.board)


def edit(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    op: Operation,
    *,
    version: int,
    by: Actor,
    ticket: Ticket | None = None,
) -> Edited:
    """What the operation changed; the draft is one version further, unless every row is what it was.

    A `ticket` is what the request can be told again by. Raises Outdated at any other version, Conflict for a plan that
    is no draft, Forbidden where it would touch a grid outside the actor's area, a TilingError with the place in degrees
    where the shapes do not allow it, Unacceptable with the places where a defect would appear or grow. About 10 ms in a
    district of 3,000 grids.
    """
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    draft = open_locked_draft(session, drafts, plan)
    drawn = _draw_operation(session, draft.board, op)
    return perform(session, drafts, plan, draft, drawn, op=op.as_json(), by=by, began=began, ticket=ticket)


def perform(
    session: Session,
    drafts: DraftMemory,
    plan: Plan,
    draft: OpenDraft,
    drawn: Move,
    *,
    op: dict[str, Any],
    by: Actor,
    began: float,
    meant: Mapping[str, BaseGeometry] = _NOTHING,
    forgiven: Callable[[Defect], bool] = lambda _: False,
    ticket: Ticket | None = None,
) -> Edited:
    """What a drawing did to a locked draft: checked, stored, remembered, told; raises what `edit` raises.

    `meant` are invalid polygons as they are to be understood: what they hid before is no new defect. `forgiven` are
    defects that somebody has been told of beforehand.
    """
    move = complete(draft.board, drawn)
    fresh, differing = advance_draft(session, draft, move)
    refuse_worse(draft, fresh, move, meant=meant, forgiven=forgiven)
    before, after = store_move(session, draft.board, fresh.board, move, differing=differing, by=by)
    if not after.rows and not after.rings and after.frame is None:
        return _answer_unchanged(draft, op, by=by, began=began)
    if drawn.survivor is not None:
        survivor, gone = drawn.survivor
        codes.record_ancestors(session, plan.district, survivor, plan_id=plan.id, ancestors=gone)
    if by.name not in plan.editors:
        plan.editors = [*plan.editors, by.name]
    happening = build_happening("edit", op, after, states=(draft, fresh), author=by.name)
    undoing = line_for_undo(op, before, after, by=by)
    newer = record(
        session, drafts, plan, fresh, happening, details={"op": op["op"]}, by=by, undoing=undoing, ticket=ticket
    )
    return tell((draft, newer), happening, op, after, began=began)


def _answer_unchanged(draft: OpenDraft, op: dict[str, Any], *, by: Actor, began: float) -> Edited:
    """The answer to an edit after which every row is what it was: no version, and nothing to undo."""
    took_ms = round((time.perf_counter() - began) * 1000, 2)
    return Edited(draft, op, by.name, changed=(), removed=(), added=(), cleared=(), come=(), gone=(), took_ms=took_ms)


def undo(
    session: Session, drafts: DraftMemory, plan_id: int, *, version: int, by: Actor, ticket: Ticket | None = None
) -> Edited:
    """What taking back the last edit changed: the rows before it, byte for byte; `by` says whose edit it was.

    Raises Conflict where nothing is left to undo, and what `edit` raises.
    """
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    made = select(PlanEdit).where(PlanEdit.plan_id == plan_id, PlanEdit.undone.is_(False))
    last = session.scalar(made.order_by(PlanEdit.seq.desc()).limit(1))
    if last is None:
        raise Conflict("nothing_to_undo", plan=plan_id)
    return _turn(session, drafts, plan, last, undone=True, by=by, began=began, ticket=ticket)


def redo(
    session: Session, drafts: DraftMemory, plan_id: int, *, version: int, by: Actor, ticket: Ticket | None = None
) -> Edited:
    """What making the last undone edit again changed; raises Conflict where nothing is left to redo."""
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    taken_back = select(PlanEdit).where(PlanEdit.plan_id == plan_id, PlanEdit.undone)
    first = session.scalar(taken_back.order_by(PlanEdit.seq).limit(1))
    if first is None:
        raise Conflict("nothing_to_redo", plan=plan_id)
    return _turn(session, drafts, plan, first, undone=False, by=by, began=began, ticket=ticket)


def lock_draft(session: Session, plan_id: int, *, version: int, by: Actor) -> Plan:
    """The draft, locked at this version; raises Conflict for a plan in another state."""
    plan = lock_plan(session, plan_id, version=version, by=by)
    if plan.state != PlanState.draft:
        raise Conflict("not_a_draft", plan=plan_id, state=plan.state)
    return plan


def _draw_operation(session: Session, board: Board, op: Operation) -> Move:
    """What the operation does; the places of refusals are turned into degrees."""
    try:
        return draw(session, board, op)
    except TilingError as refused:
        if refused.where is not None and not refused.where.is_empty:
            refused.where = board.plane.to_degrees(refused.where)
        raise


def refuse_worse(
    draft: OpenDraft,
    fresh: OpenDraft,
    move: Move,
    *,
    meant: Mapping[str, BaseGeometry] = _NOTHING,
    forgiven: Callable[[Defect], bool] = lambda _: False,
) -> None:
    """Raise Unacceptable with the places where a defect appeared or grew by more than noise ([P2])."""
    if fresh.report.ok:
        return
    scope = {*move.change.touched, *move.removed, *move.rows}
    alias = _alias(draft.board, fresh.board, move)
    found = find_worse(fresh.report.coverage, _uncover_defects(draft, meant), alias=alias, scope=scope)
    worse = [defect for defect in found if not forgiven(defect)]
    if worse:
        shown = [fresh.report.shown[id(defect)] for defect in worse]
        raise Unacceptable("would_be_worse", where=_places(fresh.board, worse), number=len(worse), defects=shown)


def _uncover_defects(draft: OpenDraft, meant: Mapping[str, BaseGeometry]) -> CoverageReport:
    """The report before an edit, with the defects that could not be judged while these polygons were invalid."""
    if not meant:
        return draft.report.coverage
    understood = draft.board.partition.replace(Change(changed=meant))
    return draft.report.coverage.with_local(check(understood, tolerance=TOLERANCE, only=meant), removed=())


def _alias(before: Board, after: Board, move: Move) -> dict[str, str]:
    """New tile → the tile it was cut from, removed tile → the tile that has its ground now."""
    added = {code: shape for code, shape in move.change.added.items() if shape is not None and not shape.is_empty}
    gone = [code for code in move.removed if code in before.partition.row_of]
    lost = {code: shape for code in gone if (shape := before.shape(code)) is not None and not shape.is_empty}
    cut = {code: _tile_at(before, shapely.point_on_surface(shape)) for code, shape in added.items()}
    taken = {code: _tile_at(after, shapely.point_on_surface(shape)) for code, shape in lost.items()}
    return {code: other for code, other in {**cut, **taken}.items() if other is not None}


def _tile_at(board: Board, point: shapely.Point) -> str | None:
    rows = board.partition.tree.query(point, predicate="intersects")
    return board.partition.codes[int(rows.min())] if len(rows) else None


def _places(board: Board, defects: Iterable[Defect]) -> BaseGeometry | None:
    places = [defect.where for defect in defects if defect.where is not None]
    if not places:
        return None
    return board.plane.to_degrees(places[0] if len(places) == 1 else shapely.GeometryCollection(places))


def store_move(
    session: Session, old: Board, new: Board, move: Move, *, differing: Collection[str], by: Actor
) -> tuple[RowChanges, RowChanges]:
    """The stored rows before and after a move; only rows that differ are written, shapes that stay keep their bytes.

    `differing` are the codes whose rows may do so.
    """
    change = move.change
    present = {code: new.rows[code] for code in sorted(differing) if code in new.rows}
    held = RowChanges.read_stored(session, new.stamp.plan_id, _name_touched(move, present))
    for code in held.rows:
        require_area(by, code)
    fresh = _select_fresh_shapes(old, new, move, present)
    rows: dict[str, Stored | None] = dict.fromkeys(move.removed)
    rows |= {code: _build_stored(row, fresh.get(code), held.rows.get(code)) for code, row in present.items()}
    rings = dict(zip(change.areas, to_degrees(change.areas.values(), new.plane), strict=True))
    frame = None if change.frame is None else to_degrees([change.frame], new.plane)[0]
    written = {code: row for code, row in rows.items() if row != held.rows.get(code)}
    after = RowChanges(written, rings, frame)
    after.write(session, new.stamp.plan_id)
    return replace(held, rows={code: held.rows.get(code) for code in written}), after


def _name_touched(move: Move, present: Mapping[str, GridRow]) -> RowChanges:
    """A step that names everything a move may touch."""
    rows: dict[str, Stored | None] = dict.fromkeys((*move.removed, *present))
    return RowChanges(rows, dict.fromkeys(move.change.areas, b""), None if move.change.frame is None else b"")


def _select_fresh_shapes(old: Board, new: Board, move: Move, present: Mapping[str, GridRow]) -> dict[str, bytes]:
    """The WKB of shapes that are new: of tiles and overlays drawn, and of grids whose outline is another one."""
    drawn = {code: shape for code, shape in {**move.change.changed, **move.change.added}.items() if code in present}
    drawn |= move.overlays
    for code in present.keys() - drawn.keys():
        if code in new.partition.row_of or code in new.overlays:
            continue
        if not _has_same_outline(old, new, code):
            drawn[code] = new.shape(code)
    return dict(zip(drawn, to_degrees(drawn.values(), new.plane), strict=True))


def _has_same_outline(old: Board, new: Board, code: str) -> bool:
    if code not in old.partition:
        return False
    before, after = old.shape(code), new.shape(code)
    if before is None or after is None:
        return before is after
    return bool(shapely.equals_exact(shapely.normalize(before), shapely.normalize(after)))


def _build_stored(row: GridRow, wkb: bytes | None, held: Stored | None) -> Stored:
    if wkb is None:
        assert held is not None, "a row without a new shape has been there before"
        return row, held[1]
    shape = shapely.from_wkb(wkb)
    return replace(row, imperfect=not shape.is_valid or shape.is_empty), wkb


def _turn(
    session: Session,
    drafts: DraftMemory,
    plan: Plan,
    edit: PlanEdit,
    *,
    undone: bool,
    by: Actor,
    began: float,
    ticket: Ticket | None,
) -> Edited:
    """Take an edit of the history back, or make it again."""
    draft = open_locked_draft(session, drafts, plan)
    step = RowChanges.from_json(edit.before if undone else edit.after)
    for code in step.rows:
        require_area(by, code)
    fresh, _ = advance_draft(session, draft, move_to(draft.board, step))
    step.write(session, plan.id)
    op, edit.undone, edit.version = edit.op, undone, plan.version + 1
    action = "undo" if undone else "redo"
    happening = build_happening(action, op, step, states=(draft, fresh), author=edit.by)
    newer = record(session, drafts, plan, fresh, happening, details={"op": op["op"]}, by=by, ticket=ticket)
    return tell((draft, newer), happening, op, step, began=began)


def tell(
    states: tuple[OpenDraft, OpenDraft], happening: Happening, op: Mapping[str, Any], step: RowChanges, *, began: float
) -> Edited:
    """The answer to a change of a draft, from its states before and after, its line in the chronicle, its rows."""
    older, fresh = states
    come, gone = changes(fresh.report, older.report)
    return Edited(
        draft=fresh,
        op=op,
        by=happening.author or "",
        changed=tuple(stored for stored in step.rows.values() if stored is not None),
        removed=tuple(sorted(code for code, stored in step.rows.items() if stored is None)),
        added=tuple(happening.added),
        cleared=tuple(happening.cleared),
        come=tuple(come),
        gone=tuple(gone),
        took_ms=round((time.perf_counter() - began) * 1000, 2),
    )


def build_happening(
    action: str, op: Mapping[str, Any], step: RowChanges, *, states: tuple[OpenDraft, OpenDraft], author: str
) -> Happening:
    """The line of a change in the plan's chronicle, from the rows that were written and the states before and after."""
    old, new = states
    added, cleared = difference(new.report, old.report)
    was = old.board.rows
    now = {code: stored[0] for code, stored in step.rows.items() if stored is not None}
    held = {code: row for code in step.rows if (row := now.get(code) or was.get(code)) is not None}
    return Happening(
        action=action,
        op=op["op"],
        author=author,
        codes=list(step.rows),
        households={
            code: (_count_held(was, code), _count_held(now, code))
            for code, row in held.items()
            if row.level == GridLevel.grid
        },
        added=added,
        cleared=cleared,
    )


def _count_held(rows: Mapping[str, GridRow], code: str) -> int | None:
    return rows[code].households if code in rows else None
