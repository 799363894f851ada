"""Ground that changes hands."""

from __future__ import annotations

from dataclasses import dataclass

import shapely

from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Code, Operation, Patches
from layers.planning.state.row_changes import Move
from tiling import reshape
from tiling.plane import LATTICE_M


@dataclass(frozen=True, kw_only=True)
class Give(Operation):
    """Give an area (painted blocks or buildings) to a grid."""

    op = "give"
    geometry: Patches
    to: Code
    pieces_to: Code | None = None

    def draw(self, table: DrawingTable) -> Move:
        """The grid with the area, the others without it."""
        shape = table.shape_of(self.geometry)
        if not shape.is_valid:
            # Patches painted side by side touch along their edges: they are given as one piece of ground.
            shape = shapely.union_all(shapely.get_parts(shape), grid_size=LATTICE_M)
        return Move(reshape.give(table.board.partition, shape, to=self.to, pieces_to=self.pieces_to))
