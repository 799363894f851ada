"""Making one grid of neighbours."""

from __future__ import annotations

from dataclasses import dataclass

from layers.errors import Unacceptable
from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Codes, Operation
from layers.planning.state.row_changes import Move
from tiling import reshape


@dataclass(frozen=True, kw_only=True)
class Merge(Operation):
    """Make one grid of neighbours; it has the smallest of their codes."""

    op = "merge"
    codes: Codes

    def draw(self, table: DrawingTable) -> Move:
        """The grid that takes the others in."""
        rows = [table.tile_row(code) for code in self.codes]
        if len({row.level for row in rows}) > 1 or len({row.kind for row in rows}) > 1:
            raise Unacceptable("merge_unlike", errors=[(["codes"], "merge_unlike")])
        survivor, *gone = sorted(set(self.codes))
        change = reshape.merge(table.board.partition, self.codes, into=survivor, sub_code=table.sub_code)
        return Move(change, survivor=(survivor, tuple(gone)))
