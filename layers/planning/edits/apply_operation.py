"""From an operation to what it does to a board: calls the pure edits of `tiling`, gives codes and names.

Nothing is stored here but the codes claimed in the lineage, which a refused edit gives back with its transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.errors import Unacceptable
from layers.grids import GridKind, GridLevel
from layers.planning.edits.attributes import set_attributes
from layers.planning.edits.drawn import Drawn, Table, community_at
from layers.planning.edits.operations import (
    Add,
    Carve,
    DeleteVertex,
    FillGap,
    Give,
    InsertVertex,
    Merge,
    MoveVertex,
    Operation,
    Position,
    RedrawBorder,
    Remove,
    Reshape,
    SetAttributes,
    Split,
)
from layers.planning.edits.sub_codes import follow_grids
from layers.planning.report.counting import load_houses
from layers.planning.state.board import Board, GridRow
from layers.planning.state.row_changes import Move
from tiling import borders, reshape
from tiling.borders.cutting import drawn_polygon
from tiling.errors import InvalidShape, NoSuchGrid, OutsideFrame, SplitsGrid
from tiling.partition import Change
from tiling.plane import LATTICE_M

XY = tuple[float, float]
# A line that makes more pieces than this is a slip of the hand.
MOST_PIECES = 20


def move_of(board: Board, drawn: Drawn) -> Move:
    """What a drawing means for rows of every level; the rows of grids whose parts changed are among them."""
    after = board.partition.replace(drawn.change) if drawn.change else board.partition
    change = drawn.change
    rows: dict[str, GridRow | None] = {
        code: None for code in change.removed if code in board.rows and code not in after
    }
    rows |= {code: board.rows[code] for code in change.changed}
    for code in (*change.added, *change.parents):
        if code in drawn.fresh or code in change.added or code in board.rows:
            rows[code] = _placed(board, drawn, code)
    rows |= drawn.rows
    for grid in _grids_of(board, change):
        # A grid whose last sub-grid went to another one goes with it.
        rows.setdefault(grid, board.rows[grid] if grid in after else None)
    return Move(change, rows, drawn.overlays, after)


def _placed(board: Board, drawn: Drawn, code: str) -> GridRow:
    """The row of a grid that is new or has a new parent."""
    parent = drawn.change.parents.get(code)
    row = drawn.fresh.get(code) or board.rows.get(code)
    if row is not None:
        return replace(row, parent_code=parent or row.parent_code)
    # A sub-grid that came about because its grid was cut or merged: what it is comes from the grid.
    grid = drawn.fresh.get(parent or "") or board.get_row(parent or code)
    return GridRow(code=code, level=GridLevel.sub_grid, parent_code=parent, name=code, kind=grid.kind)


def _grids_of(board: Board, change: Change) -> set[str]:
    """The grids whose finest tiles change or come and go, as they were before."""
    tiles = {*change.changed, *change.removed, *change.parents} & board.partition.row_of.keys()
    return {board.grid_of(tile) for tile in tiles}


def draw(session: Session, board: Board, op: Operation) -> Drawn:
    """What an operation does to a board; raises what the pure edits raise, places in degrees."""
    table = Table(session, board)
    return follow_grids(table, _DRAWERS[type(op)](table, op))


def xy_of(board: Board, position: Position) -> XY:
    """A position in metres on the lattice."""
    point = board.plane.to_metres(shapely.Point(position))
    if not np.isfinite(shapely.get_coordinates(point)).all():
        raise InvalidShape("The position is outside the plane of this city.")
    return float(shapely.get_x(point)), float(shapely.get_y(point))


def _shape(board: Board, geometry: BaseGeometry) -> BaseGeometry:
    shape = board.plane.to_metres(shapely.force_2d(geometry))
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        raise InvalidShape("The shape is outside the plane of this city.")
    return shape


def _move_vertex(table: Table, op: MoveVertex) -> Drawn:
    board = table.board
    return Drawn(borders.move_vertex(board.partition, xy_of(board, op.at), to=xy_of(board, op.to)))


def _insert_vertex(table: Table, op: InsertVertex) -> Drawn:
    board = table.board
    return Drawn(borders.insert_vertex(board.partition, xy_of(board, op.at), to=xy_of(board, op.to)))


def _delete_vertex(table: Table, op: DeleteVertex) -> Drawn:
    return Drawn(borders.delete_vertex(table.board.partition, xy_of(table.board, op.at)))


def _redraw_border(table: Table, op: RedrawBorder) -> Drawn:
    board = table.board
    return Drawn(borders.redraw_border(board.partition, op.left, op.right, _shape(board, op.line)))


def _split(table: Table, op: Split) -> Drawn:
    board, row = table.board, _tile_row(table.board, op.code)
    line, weigh = _shape(board, op.line), _households_in(table, op.code)
    names = [_claim_beside(table, row)]
    while True:
        try:
            change = reshape.split(board.partition, op.code, line, new_code=names, sub_code=table.sub_code, weigh=weigh)
        except SplitsGrid as refused:
            needed = refused.details.get("needed")
            if not isinstance(needed, int) or not len(names) < needed < MOST_PIECES:
                raise
            names += [_claim_beside(table, row) for _ in range(needed - len(names))]
        else:
            return Drawn(change, {name: replace(row, code=name, name=op.name or name) for name in names})


def _claim_beside(table: Table, row: GridRow) -> str:
    parent = row.parent_code or table.board.district
    return table.claim(parent, level=row.level, origin="split", ancestors=[row.code])


def _households_in(table: Table, code: str) -> Callable[[BaseGeometry], float]:
    """The measure by which the heavier part of a grid keeps its code: its households, not counting those moved."""
    board, whole = table.board, table.board.shape(code)
    if whole is None or whole.is_empty:
        return lambda piece: float(piece.area)
    houses = load_houses(table.session, shapely.box(*board.plane.to_degrees(whole).bounds), codes=())
    points = np.asarray(board.plane.to_metres(houses.points), dtype=object)

    def weigh(piece: BaseGeometry) -> float:
        return float(houses.households[np.asarray(shapely.intersects(piece, points), dtype=bool)].sum())

    return weigh


def _merge(table: Table, op: Merge) -> Drawn:
    rows = [_tile_row(table.board, code) for code in op.codes]
    if len({row.level for row in rows}) > 1 or len({row.kind for row in rows}) > 1:
        raise Unacceptable("merge_unlike", errors=[(["codes"], "merge_unlike")])
    survivor, *gone = sorted(set(op.codes))
    change = reshape.merge(table.board.partition, op.codes, into=survivor, sub_code=table.sub_code)
    return Drawn(change, survivor=(survivor, tuple(gone)))


def _carve(table: Table, op: Carve) -> Drawn:
    shape = _shape(table.board, op.geometry)
    if not op.exclusive:
        return _overlay(table, op)
    parent = op.parent or community_at(table.board, shape)
    code = table.claim(parent or table.board.district, level=GridLevel.grid, origin=op.op)
    if isinstance(op, Add):
        change = reshape.add(table.board.partition, shape, code=code, parent=parent)
    else:
        pieces_to = code if op.pieces_to == "new" else op.pieces_to
        change = reshape.carve(table.board.partition, shape, code=code, parent=parent, pieces_to=pieces_to)
    return Drawn(change, {code: _new_row(op, code, parent)})


def _overlay(table: Table, op: Carve) -> Drawn:
    shape = _overlay_shape(table.board, op.geometry)
    parent = op.parent or community_at(table.board, shape)
    code = table.claim(parent or table.board.district, level=GridLevel.grid, origin=op.op)
    row = replace(_new_row(op, code, parent), kind=GridKind.dedicated, exclusive=False, area_m2=round(shape.area, 3))
    return Drawn(rows={code: row}, overlays={code: shape})


def _new_row(op: Carve, code: str, parent: str | None) -> GridRow:
    return GridRow(
        code=code,
        level=GridLevel.grid,
        parent_code=parent,
        name=op.name or code,
        kind=op.kind,
        group_name=op.group,
        exclusive=op.exclusive,
    )


def _give(table: Table, op: Give) -> Drawn:
    board = table.board
    shape = _shape(board, op.geometry)
    if not shape.is_valid:
        # Patches painted side by side touch along their edges: they are given as one piece of ground.
        shape = shapely.union_all(shapely.get_parts(shape), grid_size=LATTICE_M)
    return Drawn(reshape.give(board.partition, shape, to=op.to, pieces_to=op.pieces_to))


def _remove(table: Table, op: Remove) -> Drawn:
    if op.code in table.board.overlays:
        return Drawn(rows={op.code: None})
    _tile_row(table.board, op.code)
    if op.into is None:
        raise Unacceptable("into_missing", errors=[(["into"], "into_missing")], grid=op.code)
    change = reshape.remove(table.board.partition, op.code, into=op.into)
    return Drawn(change, survivor=(op.into, (op.code,)))


def _fill_gap(table: Table, op: FillGap) -> Drawn:
    board = table.board
    return Drawn(reshape.fill_gap(board.partition, shapely.Point(xy_of(board, op.where)), into=op.into))


def _reshape(table: Table, op: Reshape) -> Drawn:
    board, row = table.board, table.board.get_row(op.code)
    if row.exclusive:
        raise Unacceptable("not_an_overlay", errors=[(["code"], "not_an_overlay")], grid=op.code)
    shape = _overlay_shape(board, op.geometry)
    return Drawn(rows={op.code: replace(row, area_m2=round(shape.area, 3))}, overlays={op.code: shape})


def _overlay_shape(board: Board, geometry: BaseGeometry) -> BaseGeometry:
    """The outline of an overlay in metres: it may overlap anything and reach over the frame, not lie outside it."""
    shape = drawn_polygon(_shape(board, geometry))
    frame = board.partition.frame
    if frame is not None and not shape.intersects(frame):
        raise OutsideFrame("An overlay has ground in the frame.", where=shape)
    return shape


def _tile_row(board: Board, code: str) -> GridRow:
    """The row of a grid that is part of the tiling."""
    row = board.rows.get(code)
    if row is None or not row.exclusive:
        raise NoSuchGrid(f"There is no grid {code}.", grid=code)
    return row


_DRAWERS: Mapping[type[Operation], Callable[[Table, Any], Drawn]] = {
    MoveVertex: _move_vertex,
    InsertVertex: _insert_vertex,
    DeleteVertex: _delete_vertex,
    RedrawBorder: _redraw_border,
    Split: _split,
    Merge: _merge,
    Carve: _carve,
    Add: _carve,
    Give: _give,
    Remove: _remove,
    FillGap: _fill_gap,
    Reshape: _reshape,
    SetAttributes: set_attributes,
}
