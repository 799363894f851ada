"""Drawing the border between two grids anew."""

from __future__ import annotations

from dataclasses import dataclass

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Code, Line, Operation
from layers.planning.state.row_changes import Move
from tiling import borders


@dataclass(frozen=True, kw_only=True)
class RedrawBorder(Operation):
    """Let the border between two grids run along a line."""

    op = "redraw_border"
    left: Code
    right: Code
    line: Line

    def draw(self, table: DrawingTable) -> Move:
        """Both grids with the new border."""
        return Move(borders.redraw_border(table.board.partition, self.left, self.right, table.shape_of(self.line)))
