"""Putting a vertex on a border."""

from __future__ import annotations

from dataclasses import dataclass

from layers.planning.edits.drawn import DrawingTable, DrawnChange
from layers.planning.edits.operations.operation import Operation, Position
from tiling import borders


@dataclass(frozen=True, kw_only=True)
class InsertVertex(Operation):
    """Put a vertex on the border near `at` and move it to `to`."""

    op = "insert_vertex"
    at: Position
    to: Position

    def draw(self, table: DrawingTable) -> DrawnChange:
        """The neighbours with the new vertex."""
        return DrawnChange(borders.insert_vertex(table.board.partition, table.xy_of(self.at), to=table.xy_of(self.to)))
