"""Taking a vertex out of a border."""

from __future__ import annotations

from dataclasses import dataclass

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Operation, Position
from layers.planning.state.row_changes import Move
from tiling import borders


@dataclass(frozen=True, kw_only=True)
class DeleteVertex(Operation):
    """Take the vertex at `at` out of every ring that has it."""

    op = "delete_vertex"
    at: Position

    def draw(self, table: DrawingTable) -> Move:
        """The neighbours without the vertex."""
        return Move(borders.delete_vertex(table.board.partition, table.to_xy(self.at)))
