"""Boards of plans that are only looked at: of an open draft, or of the last few that were read, where those are as new.

A comparison asks for a whole draft and a whole published plan, and a planner's page asks for one after every edit:
reading and building both takes longer than everything else about it.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from layers.planning.memory.draft_cache import find_open_draft, has_written
from layers.planning.memory.recent import PlanKey, key_of
from layers.planning.state.board import Board
from layers.planning.state.codes import names_of
from layers.planning.state.loading import load_board, load_targets, stamp_of
from layers.plans import Plan
from layers.shelf import Shelf

# Beside the open drafts: published plans mostly, one for each district in work. Some 20 MB each at 3,000 grids.
MOST_BOARDS = 4

_shelf: Shelf[PlanKey, Board] = Shelf(MOST_BOARDS)


def board_of(session: Session, plan: Plan) -> Board:
    """The whole plan as it is in this transaction; a few milliseconds where this process has it, else as `load_board`.

    A transaction that has written reads for itself: what it sees may never be committed.
    """
    if has_written(session):
        return load_board(session, plan)
    key = key_of(session, plan.id)
    draft = find_open_draft(session, plan)
    kept = _shelf.find(key) if draft is None else draft.board
    if kept is not None and kept.stamp == stamp_of(plan):
        return _with_what_others_say(session, kept)
    board = load_board(session, plan)
    seen = stamp_of(plan)
    session.refresh(plan, ["version", "updated_at"])
    # Somebody may have changed the plan while it was read: then it serves this once and is not kept.
    if stamp_of(plan) == seen:
        _shelf.keep(key, board)
    return board


def _with_what_others_say(session: Session, board: Board) -> Board:
    """The board with what is stored outside the plan: codes that its grids bore in other plans, targets of areas."""
    targets = load_targets(session, list(board.areas))
    return replace(board, names=names_of(session, board.district), targets=targets)
