"""Boards of plans that are only looked at: of an open draft, or of the last few that were read, where those are as new.

A comparison asks for a whole draft and a whole published plan, and a planner's page asks for one after every edit:
reading and building both takes longer than everything else about it.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from layers.planning.memory.draft_cache import DraftMemory, find_open_draft
from layers.planning.memory.recent import key_of
from layers.planning.state.board import Board
from layers.planning.state.codes import names_of
from layers.planning.state.loading import load_board, load_targets, stamp_of
from layers.plans import Plan


def board_of(session: Session, drafts: DraftMemory, plan: Plan) -> Board:
    """The whole plan as it is in this transaction; a few milliseconds where this process has it, else as `load_board`.

    Whatever changes a plan gives it another stamp, by the clock, so a board of a transaction that never commits is
    nobody else's.
    """
    key = key_of(session, plan.id)
    draft = find_open_draft(session, drafts, plan)
    kept = drafts.boards.find(key) if draft is None else draft.board
    if kept is not None and kept.stamp == stamp_of(plan):
        return _add_what_others_say(session, kept)
    board = load_board(session, plan)
    seen = stamp_of(plan)
    session.refresh(plan, ["version", "updated_at"])
    # Somebody may have changed the plan while it was read: then it serves this once and is not kept.
    if stamp_of(plan) == seen:
        drafts.boards.keep(key, board)
    return board


def _add_what_others_say(session: Session, board: Board) -> Board:
    """The board with what is stored outside the plan: codes that its grids bore in other plans, targets of areas."""
    targets = load_targets(session, list(board.areas))
    return replace(board, names=names_of(session, board.district), targets=targets)
