"""Cutting a grid along a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Code, Line, Name, Operation
from layers.planning.report.counting import load_houses
from layers.planning.state.board import GridRow
from layers.planning.state.row_changes import Move
from tiling import reshape
from tiling.errors import SplitsGrid

# A line that makes more pieces than this is a slip of the hand.
MOST_PIECES = 20


@dataclass(frozen=True, kw_only=True)
class Split(Operation):
    """Cut a grid along a line; the part with more households keeps the code."""

    op = "split"
    code: Code
    line: Line
    name: Name | None = None

    def draw(self, table: DrawingTable) -> Move:
        """The pieces, those that leave the old grid under new codes beside it."""
        row, line, weigh = table.tile_row(self.code), table.shape_of(self.line), _households_in(table, self.code)
        names = [_claim_beside(table, row)]
        while True:
            try:
                change = reshape.split(
                    table.board.partition, self.code, line, new_code=names, sub_code=table.sub_code, weigh=weigh
                )
            except SplitsGrid as refused:
                needed = refused.details.get("needed")
                if not isinstance(needed, int) or not len(names) < needed < MOST_PIECES:
                    raise
                names += [_claim_beside(table, row) for _ in range(needed - len(names))]
            else:
                return Move(change, fresh={name: replace(row, code=name, name=self.name or name) for name in names})


def _claim_beside(table: DrawingTable, row: GridRow) -> str:
    parent = row.parent_code or table.board.district
    return table.claim(parent, level=row.level, origin="split", ancestors=[row.code])


def _households_in(table: DrawingTable, code: str) -> Callable[[BaseGeometry], float]:
    """The measure by which the heavier part of a grid keeps its code: its households, not counting those moved."""
    board, whole = table.board, table.board.shape(code)
    if whole is None or whole.is_empty:
        return lambda piece: float(piece.area)
    houses = load_houses(table.session, shapely.box(*board.plane.to_degrees(whole).bounds), codes=())
    points = np.asarray(board.plane.to_metres(houses.points), dtype=object)

    def weigh(piece: BaseGeometry) -> float:
        return float(houses.households[np.asarray(shapely.intersects(piece, points), dtype=bool)].sum())

    return weigh
