"""From an operation to the rows of every level that it changes.

Nothing is stored here but the codes claimed in the lineage, which a refused edit gives back with its transaction.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from layers.grids import GridLevel
from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations import Operation
from layers.planning.edits.sub_codes import follow_grids
from layers.planning.state.board import Board, GridRow
from layers.planning.state.row_changes import Move
from tiling.partition import Change


def complete(board: Board, drawn: Move) -> Move:
    """The move that was drawn with the rows of every level; those of grids whose parts changed are among them."""
    after = board.partition.replace(drawn.change) if drawn.change else board.partition
    change = drawn.change
    rows: dict[str, GridRow | None] = {
        code: None for code in change.removed if code in board.rows and code not in after
    }
    rows |= {code: board.rows[code] for code in change.changed}
    for code in (*change.added, *change.parents):
        if code in drawn.fresh or code in change.added or code in board.rows:
            rows[code] = _place_row(board, drawn, code)
    rows |= drawn.rows
    for grid in _grids_of(board, change):
        # A grid whose last sub-grid went to another one goes with it.
        rows.setdefault(grid, board.rows[grid] if grid in after else None)
    return replace(drawn, rows=rows, after=after)


def _place_row(board: Board, drawn: Move, code: str) -> GridRow:
    """The row of a grid that is new or has a new parent."""
    parent = drawn.change.parents.get(code)
    row = drawn.fresh.get(code) or board.rows.get(code)
    if row is not None:
        return replace(row, parent_code=parent or row.parent_code)
    # A sub-grid that came about because its grid was cut or merged: what it is comes from the grid.
    grid = drawn.fresh.get(parent or "") or board.get_row(parent or code)
    return GridRow(code=code, level=GridLevel.sub_grid, parent_code=parent, name=code, kind=grid.kind)


def _grids_of(board: Board, change: Change) -> set[str]:
    """The grids whose finest tiles change or come and go, as they were before."""
    tiles = {*change.changed, *change.removed, *change.parents} & board.partition.row_of.keys()
    return {board.grid_of(tile) for tile in tiles}


def draw(session: Session, board: Board, op: Operation) -> Move:
    """What an operation does to a board; raises what the pure edits raise, places in degrees."""
    table = DrawingTable(session, board)
    return follow_grids(table, op.draw(table))
