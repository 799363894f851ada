"""The table on which an operation is worked out: between the operations and the moves that they draw."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.errors import Conflict
from layers.grids import GridLevel
from layers.planning.state import codes
from layers.planning.state.board import Board, GridRow
from tiling.borders.cutting import prepare_polygon
from tiling.errors import InvalidShape, NoSuchGrid, OutsideFrame


@dataclass(frozen=True)
class DrawingTable:
    """A board with what drawing on it needs: the database for codes and houses, and which plan it is."""

    session: Session
    board: Board

    def claim(self, parent: str, *, level: str, origin: str, ancestors: Sequence[str] = ()) -> str:
        """A new code below a parent."""
        return codes.claim(
            self.session,
            self.board.district,
            parent=parent,
            level=level,
            plan_id=self.board.stamp.plan_id,
            origin=origin,
            ancestors=ancestors,
        )

    def rename(self, code: str, new: str, *, parent: str | None, level: str) -> None:
        """Give the lineage of a grid of this board another code; raises Unacceptable, Conflict."""
        board = self.board
        if new in board.rows:
            raise Conflict("code_given", grid=new)
        codes.rename(
            self.session,
            board.district,
            code,
            to=new,
            parent=parent or board.district,
            level=level,
            plan_id=board.stamp.plan_id,
        )

    def to_xy(self, position: tuple[float, float]) -> tuple[float, float]:
        """A position in metres on the lattice."""
        point = self.board.plane.to_metres(shapely.Point(position))
        if not np.isfinite(shapely.get_coordinates(point)).all():
            raise InvalidShape("The position is outside the plane of this city.")
        return float(shapely.get_x(point)), float(shapely.get_y(point))

    def shape_of(self, geometry: BaseGeometry) -> BaseGeometry:
        """A drawn shape in metres on the lattice."""
        shape = self.board.plane.to_metres(shapely.force_2d(geometry))
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            raise InvalidShape("The shape is outside the plane of this city.")
        return shape

    def overlay_shape(self, geometry: BaseGeometry) -> BaseGeometry:
        """The outline of an overlay in metres: it may overlap anything and reach over the frame, not lie outside it."""
        shape = prepare_polygon(self.shape_of(geometry))
        frame = self.board.partition.frame
        if frame is not None and not shape.intersects(frame):
            raise OutsideFrame("An overlay has ground in the frame.", where=shape)
        return shape

    def tile_row(self, code: str) -> GridRow:
        """The row of a grid that is part of the tiling."""
        row = self.board.rows.get(code)
        if row is None or not row.exclusive:
            raise NoSuchGrid(f"There is no grid {code}.", grid=code)
        return row

    def sub_code(self, grid: str, taken: Collection[str]) -> str:  # noqa: ARG002 - the lineage knows what is taken
        """A new sub-grid's code, in the form in which the pure edits ask for one."""
        return self.claim(grid, level=GridLevel.sub_grid, origin="split", ancestors=[grid])


def community_at(board: Board, shape: BaseGeometry) -> str | None:
    """The area to which most of the ground of a shape belongs: by the grids there, in a gap by the nearest one."""
    partition = board.partition
    if not len(partition):
        return _find_only_area(board)
    rows = partition.tree.query(shape)
    rows = rows[shapely.is_valid(partition.polygons[rows])]
    shared = shapely.area(shapely.intersection(partition.polygons[rows], shape))
    if len(rows) and shared.max() > 0:
        return board.community_of(partition.codes[int(rows[int(np.argmax(shared))])])
    inner = shapely.point_on_surface(shape)
    holding = [code for code, ring in partition.areas.items() if ring.is_valid and ring.intersects(inner)]
    if holding:
        return max(holding, key=lambda code: (len(partition.ancestors(code)), code))
    return board.community_of(partition.codes[int(partition.tree.nearest(shape))])


def _find_only_area(board: Board) -> str | None:
    lowest = sorted(code for code, area in board.areas.items() if area.level == "community")
    return lowest[0] if len(lowest) == 1 else None
