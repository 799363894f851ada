"""New grids on ground that belongs to nobody yet."""

from __future__ import annotations

from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.carve import Carve
from tiling import reshape
from tiling.partition import Change


@dataclass(frozen=True, kw_only=True)
class Add(Carve):
    """A new grid on ground that belongs to nobody yet, or an overlay."""

    op = "add"

    def _take(self, table: DrawingTable, shape: BaseGeometry, *, code: str, parent: str | None) -> Change:
        return reshape.add(table.board.partition, shape, code=code, parent=parent)
