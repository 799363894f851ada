"""Moving a vertex that grids share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Operation, Position, SentAs
from layers.planning.state.row_changes import Move
from tiling import borders


@dataclass(frozen=True, kw_only=True)
class MoveVertex(Operation):
    """Move a shared vertex; all grids that have it follow. `from` is its stored position."""

    op = "move_vertex"
    at: Annotated[Position, SentAs("from")]
    to: Position

    def draw(self, table: DrawingTable) -> Move:
        """The neighbours with the vertex at its new place."""
        return Move(borders.move_vertex(table.board.partition, table.to_xy(self.at), to=table.to_xy(self.to)))
