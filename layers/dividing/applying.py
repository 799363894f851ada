"""A proposal as one edit of a draft: what goes, what comes, under which codes, and the nodes that neighbours gain."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.chronicle import Ticket
from layers.dividing.asking import DivisionAsked
from layers.dividing.plan_ground import PlanGround
from layers.grids import GridKind, GridLevel
from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.editing import Edited, lock_draft, perform
from layers.planning.memory.draft_cache import DraftMemory, OpenDraft, open_locked_draft
from layers.planning.state.board import Board, GridRow
from layers.planning.state.row_changes import Move
from layers.plans import Plan
from tiling.divide import Proposal, ProposedGrid, Role, rows_of
from tiling.divide.nodes import add_nodes
from tiling.partition import Change

Shapes = NDArray[np.object_]


def apply_proposal(
    session: Session,
    drafts: DraftMemory,
    plan_id: int,
    proposal: Proposal,
    *,
    ground: PlanGround,
    asked: DivisionAsked,
    version: int,
    by: Actor,
) -> Edited:
    """The edit that puts a proposal into a draft, one step to undo; raises what `planning.edit` raises."""
    began = time.perf_counter()
    plan = lock_draft(session, plan_id, version=version, by=by)
    draft = open_locked_draft(session, drafts, plan)
    return apply_to(
        session, drafts, plan, draft, proposal,
        ground=ground, asked=asked, profile=asked.profiles[0], by=by, began=began,
    )  # fmt: skip


def apply_to(
    session: Session,
    drafts: DraftMemory,
    plan: Plan,
    draft: OpenDraft,
    proposal: Proposal,
    *,
    ground: PlanGround,
    asked: DivisionAsked,
    profile: str,
    by: Actor,
    began: float,
    ticket: Ticket | None = None,
) -> Edited:
    """The same for a draft that is locked and open."""
    drawn = draw_proposal(DrawingTable(session, draft.board), proposal, ground, asked)
    op = {"op": "divide", **asked.as_json(), "profile": profile}
    return perform(session, drafts, plan, draft, drawn, op=op, by=by, began=began, ticket=ticket)


@dataclass(frozen=True, eq=False)
class _Named:
    """New grids under their codes, and their rows."""

    codes: dict[str, str]
    fresh: dict[str, GridRow]


def draw_proposal(table: DrawingTable, proposal: Proposal, ground: PlanGround, asked: DivisionAsked) -> Move:
    """What applying a proposal does to the board. A new grid that holds most of an old one keeps its code ([S8])."""
    board = table.board
    kept = _keep_codes(proposal, ground)
    named = _name_grids(table, proposal, kept, asked)
    parents = {code: row.parent_code for code, row in named.fresh.items() if row.parent_code}
    tiles = {named.codes[grid.code]: grid.shape for grid in (proposal.sub_grids or proposal.grids)}
    gone = _find_gone(board, ground, tiles, set(kept.values()))
    placed = {code: shape for code, shape in tiles.items() if code in board.partition.row_of}
    change = Change(
        changed={**placed, **_neighbours_with_nodes(board, proposal, tiles, gone)},
        added={code: shape for code, shape in tiles.items() if code not in placed},
        removed=tuple(sorted(gone)),
        parents=parents,
        frame=_frame_with_nodes(board, proposal),
        areas=_select_changed(board.partition.areas, proposal),
    )
    return Move(change, fresh=named.fresh)


def _keep_codes(proposal: Proposal, ground: PlanGround) -> dict[str, str]:
    """New code → the old code it keeps: pairs that share more than half of the old grid's weight, largest first."""
    old = list(ground.replaced)
    before = rows_of(list(ground.replaced.values()), ground.site.buildings)
    weight = np.maximum(ground.site.weights, 1e-6)
    shared: dict[tuple[int, int], float] = {}
    for was, now, heavy in zip(before.tolist(), proposal.grid_of.tolist(), weight.tolist(), strict=True):
        if was >= 0 and now >= 0:
            shared[was, now] = shared.get((was, now), 0.0) + heavy
    whole = np.bincount(before[before >= 0], weights=weight[before >= 0], minlength=len(old))
    kept: dict[str, str] = {}
    for (was, now), heavy in sorted(shared.items(), key=lambda one: (-one[1], one[0])):
        new = proposal.grids[now].code
        if heavy > whole[was] / 2 and new not in kept and old[was] not in kept.values():
            kept[new] = old[was]
    return kept


def _name_grids(table: DrawingTable, proposal: Proposal, kept: Mapping[str, str], asked: DivisionAsked) -> _Named:
    """Codes claimed in reading order, so that the numbers run west to east and north to south."""
    named = _Named({}, {})
    for grid in proposal.grids:
        code = kept.get(grid.code) or _claim_code(table, grid.area, asked.level)
        named.codes[grid.code] = code
        named.fresh[code] = _row(table.board, grid, code, parent=grid.area, level=asked.level)
    for sub in proposal.sub_grids:
        grid_code = named.codes[sub.parent or ""]
        code = _claim_code(table, grid_code, GridLevel.sub_grid)
        named.codes[sub.code] = code
        named.fresh[code] = _row(table.board, sub, code, parent=grid_code, level=GridLevel.sub_grid)
    return named


def _claim_code(table: DrawingTable, parent: str, level: str) -> str:
    return table.claim(parent, level=level, origin="divide")


def _row(board: Board, grid: ProposedGrid, code: str, *, parent: str, level: str) -> GridRow:
    """The row of a grid: what it was called stays, where it was there before."""
    held = board.rows.get(code)
    kind = GridKind.dedicated if grid.role is Role.dedicated and level == GridLevel.grid else GridKind.base
    if held is not None:
        return held
    return GridRow(code=code, level=level, parent_code=parent, name=code, kind=kind)


def _find_gone(board: Board, ground: PlanGround, tiles: Mapping[str, BaseGeometry], kept: set[str]) -> set[str]:
    """Old tiles that are no longer there, and grids that nothing is left of."""
    old = {tile for code in ground.replaced for tile in board.partition.list_finest(code)}
    grids = {code for code in ground.replaced if code not in kept}
    return (old | grids) - tiles.keys()


def _neighbours_with_nodes(
    board: Board, proposal: Proposal, tiles: Mapping[str, BaseGeometry], gone: set[str]
) -> dict[str, BaseGeometry]:
    """The tiles around that gain a node of the new borders on an edge of theirs."""
    partition = board.partition
    around = shapely.union_all(list(tiles.values())).boundary.buffer(0.01)
    beside = [code for code in partition.find_touching(around) if code not in gone and code not in tiles]
    return _select_changed({code: shape for code in beside if (shape := partition.polygon(code)) is not None}, proposal)


def _frame_with_nodes(board: Board, proposal: Proposal) -> BaseGeometry | None:
    frame = board.partition.frame
    return None if frame is None else _select_changed({"": frame}, proposal).get("")


def _select_changed(shapes: Mapping[str, BaseGeometry], proposal: Proposal) -> dict[str, BaseGeometry]:
    noded = add_nodes(shapes, proposal.nodes)
    return {code: shape for code, shape in noded.items() if shape is not shapes[code]}


def shapes_of(grids: Sequence[ProposedGrid]) -> list[BaseGeometry]:
    """The shapes of proposed grids."""
    return [grid.shape for grid in grids]
