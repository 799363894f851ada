"""A grid that goes."""

from __future__ import annotations

from dataclasses import dataclass

from layers.errors import Unacceptable
from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Code, Operation
from layers.planning.state.row_changes import Move
from tiling import reshape


@dataclass(frozen=True, kw_only=True)
class Remove(Operation):
    """Remove a grid; its ground goes to `into`. An overlay needs no `into`."""

    op = "remove"
    code: Code
    into: Code | None = None

    def draw(self, table: DrawingTable) -> Move:
        """The grid that takes the ground of the other."""
        if self.code in table.board.overlays:
            return Move(rows={self.code: None})
        table.tile_row(self.code)
        if self.into is None:
            raise Unacceptable("into_missing", errors=[(["into"], "into_missing")], grid=self.code)
        change = reshape.remove(table.board.partition, self.code, into=self.into)
        return Move(change, survivor=(self.into, (self.code,)))
