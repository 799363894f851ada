"""Ground of nobody that gets an owner."""

from __future__ import annotations

from dataclasses import dataclass

import shapely

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Code, Operation, Point
from layers.planning.state.row_changes import Move
from tiling import reshape


@dataclass(frozen=True, kw_only=True)
class FillGap(Operation):
    """Give the gap at a point to a grid beside it."""

    op = "fill_gap"
    where: Point
    into: Code

    def draw(self, table: DrawingTable) -> Move:
        """The grid with the gap filled."""
        return Move(reshape.fill_gap(table.board.partition, shapely.Point(table.to_xy(self.where)), into=self.into))
