"""Putting a vertex on a border."""

from __future__ import annotations

from dataclasses import dataclass

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Operation, Position
from layers.planning.state.row_changes import Move
from tiling import borders


@dataclass(frozen=True, kw_only=True)
class InsertVertex(Operation):
    """Put a vertex on the border near `at` and move it to `to`."""

    op = "insert_vertex"
    at: Position
    to: Position

    def draw(self, table: DrawingTable) -> Move:
        """The neighbours with the new vertex."""
        return Move(borders.insert_vertex(table.board.partition, table.to_xy(self.at), to=table.to_xy(self.to)))
