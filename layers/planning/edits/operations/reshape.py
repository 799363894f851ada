"""Another outline for an overlay."""

from __future__ import annotations

from dataclasses import dataclass, replace

from layers.errors import Unacceptable
from layers.planning.edits.drawn import DrawingTable
from layers.planning.edits.operations.operation import Code, Ground, Operation
from layers.planning.state.row_changes import Move


@dataclass(frozen=True, kw_only=True)
class Reshape(Operation):
    """Give an overlay another outline; tiles change by their shared borders instead."""

    op = "reshape"
    code: Code
    geometry: Ground

    def draw(self, table: DrawingTable) -> Move:
        """The overlay in its new outline."""
        row = table.board.get_row(self.code)
        if row.exclusive:
            raise Unacceptable("not_an_overlay", errors=[(["code"], "not_an_overlay")], grid=self.code)
        shape = table.overlay_shape(self.geometry)
        return Move(rows={self.code: replace(row, area_m2=round(shape.area, 3))}, overlays={self.code: shape})
