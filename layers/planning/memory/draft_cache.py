"""Drafts kept in memory between requests: board and report of the last version that this process saw.

    drafts = DraftMemory()
    edit(session, drafts, plan_id, op, version=3, by=planner)

A process has one, made where it is wired and handed to whoever opens drafts. What an open transaction brings about
reaches the others when that commits, so what an aborted transaction drew is never taken for the truth. A process that
is some edits behind reads those instead of the whole plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session, SessionTransaction

from layers.planning.memory.recent import PlanKey, Turns, key_of
from layers.planning.report.draft_report import DraftReport, review_all, review_change
from layers.planning.state.board import Board, Stamp
from layers.planning.state.codes import names_of
from layers.planning.state.loading import load_board, stamp_of
from layers.planning.state.row_changes import Move, RowChanges, apply_move, move_to
from layers.plans import Plan, PlanEdit
from layers.shelf import Shelf

# A board of 3,000 grids takes some 20 MB.
MOST_OPEN = 8
# Beside the open drafts: published plans mostly, one for each district in work, of the same size.
MOST_BOARDS = 4
# More missed edits than this are slower to follow than the plan is to load.
MOST_MISSED = 20


@dataclass(frozen=True)
class OpenDraft:
    """A board and the report that belongs to it."""

    board: Board
    report: DraftReport


class DraftMemory:
    """What one process remembers of plans: open drafts, and boards of plans that were only looked at."""

    def __init__(self) -> None:
        self.boards: Shelf[PlanKey, Board] = Shelf(MOST_BOARDS)
        self.turns: Turns[PlanKey] = Turns()
        self._open: Shelf[PlanKey, OpenDraft] = Shelf(MOST_OPEN)
        self._waiting: WeakKeyDictionary[Session, dict[int, OpenDraft]] = WeakKeyDictionary()

    def find(self, session: Session, plan: Plan) -> OpenDraft | None:
        """The open draft that this transaction made, else the one that was kept last, at whichever version."""
        own = self._waiting.get(session, {})
        return own.get(plan.id) or self._open.find(key_of(session, plan.id))

    def keep(self, session: Session, draft: OpenDraft) -> None:
        """Remember a draft as it is stored, for whoever comes next."""
        self._open.keep(key_of(session, draft.board.stamp.plan_id), draft)

    def keep_at_commit(self, session: Session, draft: OpenDraft) -> None:
        """Remember a draft for this transaction, and for everybody as soon as it has committed."""
        if not event.contains(session, "after_commit", self._share_committed):
            event.listen(session, "after_commit", self._share_committed)
            event.listen(session, "after_transaction_end", self._forget_uncommitted)
        self._waiting.setdefault(session, {})[draft.board.stamp.plan_id] = draft

    def forget(self) -> None:
        """Remember nothing, as a process that has just begun."""
        self.boards.clear()
        self._open.clear()

    def _share_committed(self, session: Session) -> None:
        if session.in_nested_transaction():
            return  # a savepoint was released; the transaction may still fail
        for draft in self._waiting.pop(session, {}).values():
            self.keep(session, draft)

    def _forget_uncommitted(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is None:
            self._waiting.pop(session, None)


def open_draft(session: Session, drafts: DraftMemory, plan: Plan) -> OpenDraft:
    """The open draft of a plan as it is in this transaction; from memory where that is as new, else read and checked.

    For a plan whose row is not locked the state is read again afterwards, for it may have changed while it was read.
    """
    while True:
        # To read and check a district takes seconds: whoever asks meanwhile waits for it instead of doing the same.
        with drafts.turns.lock_of(key_of(session, plan.id)):
            known = find_open_draft(session, drafts, plan)
            draft = known or open_locked_draft(session, drafts, plan)
            seen = plan.version, plan.updated_at
            session.refresh(plan, ["version", "updated_at"])
            if seen == (plan.version, plan.updated_at):
                if known is None:
                    _keep_read(session, drafts, draft)
                return draft


def _keep_read(session: Session, drafts: DraftMemory, draft: OpenDraft) -> None:
    """Remember what was read; what is younger than the transaction may be its own, and waits for its commit."""
    began = session.scalars(select(func.now())).one()
    if draft.board.stamp.at < began:
        drafts.keep(session, draft)
    else:
        drafts.keep_at_commit(session, draft)


def find_open_draft(session: Session, drafts: DraftMemory, plan: Plan) -> OpenDraft | None:
    """The open draft where this process has one as new as the plan's row; nothing is read or checked for it."""
    draft = drafts.find(session, plan)
    return draft if draft is not None and draft.board.stamp == stamp_of(plan) else None


def open_locked_draft(session: Session, drafts: DraftMemory, plan: Plan) -> OpenDraft:
    """The open draft of a plan whose row this transaction has locked, so that nothing changes while it is read."""
    kept, stamp = drafts.find(session, plan), stamp_of(plan)
    if kept is not None and kept.board.stamp == stamp:
        return kept
    # Who waits holds the plan's row at most, and who is at it reads without a lock: there is no circle.
    with drafts.turns.lock_of(key_of(session, plan.id)):
        return _bring(session, drafts, plan, stamp)


def _bring(session: Session, drafts: DraftMemory, plan: Plan, stamp: Stamp) -> OpenDraft:
    """The draft at a stamp: brought by another thread meanwhile, or an older one that followed, or read and checked."""
    kept = drafts.find(session, plan)
    if kept is not None and kept.board.stamp == stamp:
        return kept
    if kept is not None and kept.board.stamp.at < stamp.at:
        followed = _follow(session, kept, stamp)
        if followed is not None:
            return followed
    review = review_all(session, load_board(session, plan))
    return OpenDraft(review.board, review.report)


def _follow(session: Session, draft: OpenDraft, stamp: Stamp) -> OpenDraft | None:
    """The draft after the edits that it missed; None where they are too many or not all there (an undone one, say)."""
    missed = range(draft.board.stamp.version + 1, stamp.version + 1)
    if not 0 < len(missed) <= MOST_MISSED:
        return None
    columns = (PlanEdit.version, PlanEdit.undone, PlanEdit.before, PlanEdit.after)
    later = select(*columns).where(PlanEdit.plan_id == stamp.plan_id, PlanEdit.version > missed.start - 1)
    edits = session.execute(later.order_by(PlanEdit.version)).all()
    if [edit.version for edit in edits] != list(missed):
        return None
    for edit in edits:
        step = RowChanges.from_json(edit.before if edit.undone else edit.after)
        draft, _ = advance_draft(session, draft, move_to(draft.board, step))
    return OpenDraft(replace(draft.board, stamp=stamp), draft.report)


def advance_draft(session: Session, draft: OpenDraft, move: Move) -> tuple[OpenDraft, frozenset[str]]:
    """The open draft after a move, its report kept up, and the codes of the rows that differ from those before it.

    Still under the old stamp, as long as nothing is stored.
    """
    board = apply_move(draft.board, move)
    if move.change.added:
        # One of them may be an old grid under a new code.
        board = replace(board, names=names_of(session, board.district))
    touched = find_touched(draft.board, board, move)
    # A tile that became an overlay is still there, but no longer in the tiling.
    lifted = [code for code in move.change.removed if code in board.overlays]
    removed = (*move.removed, *lifted)
    review = review_change(session, board, draft.board, draft.report, touched=touched, removed=removed)
    differing = {row.code for row in review.recounted}.union(move.rows)
    return OpenDraft(review.board, review.report), frozenset(differing)


def find_touched(old: Board, new: Board, move: Move) -> frozenset[str]:
    """The finest tiles of the new board that a move concerns: by shape, by name, or because their grid has other
    parts now."""
    named = {code for code, row in move.rows.items() if row is not None and row.exclusive}
    tiles = (move.change.touched | {*move.change.parents, *move.removed}) & old.partition.row_of.keys()
    grids = {old.grid_of(tile) for tile in tiles} & new.rows.keys()
    codes = (code for code in named | grids if code in new.partition)
    return move.change.touched | {tile for code in codes for tile in new.partition.list_finest(code)}
