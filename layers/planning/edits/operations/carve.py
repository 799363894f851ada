"""New grids that take their ground from those below, and overlays, which take nothing from anybody."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shapely.geometry.base import BaseGeometry

from layers.grids import GridKind, GridLevel
from layers.planning.edits.drawn import DrawingTable, community_at
from layers.planning.edits.operations.operation import Code, Ground, Name, Operation
from layers.planning.state.board import GridRow
from layers.planning.state.row_changes import Move
from tiling import reshape
from tiling.partition import Change


@dataclass(frozen=True, kw_only=True)
class Carve(Operation):
    """A new grid takes its area from those below; with `exclusive` false it is an overlay and takes nothing.

    `pieces_to` says who gets what a neighbour would lose contact with: a code, or "new" for the new grid ([S10]). A
    grid is a base grid, an overlay a dedicated one, unless `kind` says otherwise.
    """

    op = "carve"
    geometry: Ground
    name: Name = ""
    kind: GridKind | None = None
    exclusive: bool = True
    group: Name | None = None
    parent: Code | None = None
    pieces_to: Code | None = None

    def __post_init__(self) -> None:
        """Note what it is, for the draft's history, where that was not said."""
        usual = GridKind.base if self.exclusive else GridKind.dedicated
        object.__setattr__(self, "kind", self.kind or usual)

    def draw(self, table: DrawingTable) -> Move:
        """The new grid, and those that lose ground to it."""
        if not self.exclusive:
            return self._lay_over(table)
        shape = table.shape_of(self.geometry)
        parent = self.parent or community_at(table.board, shape)
        code = table.claim(parent or table.board.district, level=GridLevel.grid, origin=self.op)
        return Move(self._take(table, shape, code=code, parent=parent), fresh={code: self._row(code, parent)})

    def _take(self, table: DrawingTable, shape: BaseGeometry, *, code: str, parent: str | None) -> Change:
        pieces_to = code if self.pieces_to == "new" else self.pieces_to
        return reshape.carve(table.board.partition, shape, code=code, parent=parent, pieces_to=pieces_to)

    def _lay_over(self, table: DrawingTable) -> Move:
        shape = table.overlay_shape(self.geometry)
        parent = self.parent or community_at(table.board, shape)
        code = table.claim(parent or table.board.district, level=GridLevel.grid, origin=self.op)
        row = replace(self._row(code, parent), kind=GridKind.dedicated, area_m2=round(shape.area, 3))
        return Move(rows={code: row}, overlays={code: shape})

    def _row(self, code: str, parent: str | None) -> GridRow:
        return GridRow(
            code=code,
            level=GridLevel.grid,
            parent_code=parent,
            name=self.name or code,
            kind=self.kind or GridKind.base,
            group_name=self.group,
            exclusive=self.exclusive,
        )
