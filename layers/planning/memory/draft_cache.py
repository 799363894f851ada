"""Drafts kept in memory between requests: board and report of the last version that this process saw.

What belongs to an open transaction waits in its session and reaches the shelf when that commits, so what an aborted
transaction drew is never taken for the truth. A process that is some edits behind reads those instead of the
whole plan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import event, select
from sqlalchemy.orm import Session, SessionTransaction

from layers.planning.memory.recent import PlanKey, Turns, key_of
from layers.planning.report.draft_report import DraftReport, review_all, review_change
from layers.planning.state.board import Board, Stamp
from layers.planning.state.codes import names_of
from layers.planning.state.loading import load_board, stamp_of
from layers.planning.state.row_changes import Move, RowChanges, move_to, moved
from layers.plans import Plan, PlanEdit
from layers.shelf import Shelf

# A board of 3,000 grids takes some 20 MB.
MOST_OPEN = 8
# More missed edits than this are slower to follow than the plan is to load.
MOST_MISSED = 20


@dataclass(frozen=True)
class OpenDraft:
    """A board and the report that belongs to it."""

    board: Board
    report: DraftReport


_shelf: Shelf[PlanKey, OpenDraft] = Shelf(MOST_OPEN)
_turns: Turns[PlanKey] = Turns()
_OPEN = "planning.open_drafts"


def open_draft(session: Session, plan: Plan) -> OpenDraft:
    """The open draft of a plan as it is in this transaction; from memory where that is as new, else read and checked.

    For a plan whose row is not locked the state is read again afterwards, for it may have changed while it was read.
    """
    while True:
        # To read and check a district takes seconds: whoever asks meanwhile waits for it instead of doing the same.
        with _turns.at(key_of(session, plan.id)):
            draft = open_locked_draft(session, plan)
            seen = plan.version, plan.updated_at
            session.refresh(plan, ["version", "updated_at"])
            if seen == (plan.version, plan.updated_at):
                keep(session, draft)
                return draft


def mark_written(session: Session) -> None:
    """Say that this transaction changes plans: their open drafts are its own until it commits."""
    session.info.setdefault(_OPEN, {})


def keep(session: Session, draft: OpenDraft) -> None:
    """Remember a open draft for the next request, or, in a transaction that has written, for when it commits."""
    waiting: dict[int, OpenDraft] | None = session.info.get(_OPEN)
    if waiting is None:
        _shelf.keep(key_of(session, draft.board.stamp.plan_id), draft)
    else:
        waiting[draft.board.stamp.plan_id] = draft


@event.listens_for(Session, "after_commit")
def _share_committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint was released; the transaction may still fail
    for draft in session.info.pop(_OPEN, {}).values():
        _shelf.keep(key_of(session, draft.board.stamp.plan_id), draft)


def find_open_draft(session: Session, plan: Plan) -> OpenDraft | None:
    """The open draft where this process has one as new as the plan's row; nothing is read or checked for it."""
    draft = _shelf.find(key_of(session, plan.id))
    return draft if draft is not None and draft.board.stamp == stamp_of(plan) else None


def has_written(session: Session) -> bool:
    """Whether this transaction has said that it changes plans (`mark_written`)."""
    return _OPEN in session.info


@event.listens_for(Session, "after_transaction_end")
def _forget_uncommitted(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_OPEN, None)


def open_locked_draft(session: Session, plan: Plan) -> OpenDraft:
    """The open draft of a plan whose row this transaction has locked, so that nothing changes while it is read."""
    kept, stamp = _kept(session, plan), stamp_of(plan)
    if kept is not None and kept.board.stamp == stamp:
        return kept
    # Who waits holds the plan's row at most, and who is at it reads without a lock: there is no circle.
    with _turns.at(key_of(session, plan.id)):
        return _brought(session, plan, stamp)


def _kept(session: Session, plan: Plan) -> OpenDraft | None:
    own: dict[int, OpenDraft] = session.info.get(_OPEN) or {}
    return own.get(plan.id) or _shelf.find(key_of(session, plan.id))


def _brought(session: Session, plan: Plan, stamp: Stamp) -> OpenDraft:
    """The draft at a stamp: brought by another thread meanwhile, or an older one that followed, or read and checked."""
    kept = _kept(session, plan)
    if kept is not None and kept.board.stamp == stamp:
        return kept
    if kept is not None and kept.board.stamp.at < stamp.at:
        followed = _followed(session, kept, stamp)
        if followed is not None:
            return followed
    review = review_all(session, load_board(session, plan))
    return OpenDraft(review.board, review.report)


def _followed(session: Session, draft: OpenDraft, stamp: Stamp) -> OpenDraft | None:
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
        draft = after_move(session, draft, move_to(draft.board, step)).draft
    return OpenDraft(replace(draft.board, stamp=stamp), draft.report)


@dataclass(frozen=True)
class Next:
    """The open draft after a move, and the codes of the rows that differ from those before it."""

    draft: OpenDraft
    differing: frozenset[str]


def after_move(session: Session, draft: OpenDraft, move: Move) -> Next:
    """The open draft after a move, its report kept up; still under the old stamp, as long as nothing is stored."""
    board = moved(draft.board, move)
    if move.change.added:
        # One of them may be an old grid under a new code.
        board = replace(board, names=names_of(session, board.district))
    touched = touched_by(draft.board, board, move)
    # A tile that became an overlay is still there, but no longer in the tiling.
    lifted = [code for code in move.change.removed if code in board.overlays]
    removed = (*move.removed, *lifted)
    review = review_change(session, board, draft.board, draft.report, touched=touched, removed=removed)
    differing = {row.code for row in review.recounted}.union(move.rows)
    return Next(OpenDraft(review.board, review.report), frozenset(differing))


def touched_by(old: Board, new: Board, move: Move) -> frozenset[str]:
    """The finest tiles of the new board that a move concerns: by shape, by name, or because their grid has other
    parts now."""
    named = {code for code, row in move.rows.items() if row is not None and row.exclusive}
    tiles = (move.change.touched | {*move.change.parents, *move.removed}) & old.partition.row_of.keys()
    grids = {old.grid_of(tile) for tile in tiles} & new.rows.keys()
    codes = (code for code in named | grids if code in new.partition)
    return move.change.touched | {tile for code in codes for tile in new.partition.finest(code)}
