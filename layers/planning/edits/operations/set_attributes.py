"""What a grid is, apart from its shape: name, code, kind, and whether it is a tile or lies over the tiles.

A tile that becomes an overlay leaves its ground to a neighbour; an overlay that becomes a tile takes its own from
those below. Both keep their code, for they are the same grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Any

from shapely.geometry.base import BaseGeometry

from layers.errors import Unacceptable
from layers.grids import GridKind, GridLevel
from layers.planning.edits.drawn import DrawingTable, community_at
from layers.planning.edits.operations.operation import Code, Column, Name, Operation, SentColumns, SentKind
from layers.planning.state.board import Board, GridRow
from layers.planning.state.row_changes import Move
from tiling import reshape
from tiling.errors import OutsideFrame
from tiling.partition import Change

# What can be set, each under the name of its member.
COLUMNS = SentColumns(
    (
        Column("name", "name", Annotated[str, SentKind.given_name]),
        Column("kind", "kind", GridKind),
        Column("exclusive", "exclusive", bool),
        Column("group", "group_name", Name, removable=True),
        Column("parts_allowed", "parts_allowed", bool),
        Column("locked", "locked", bool),
    )
)


@dataclass(frozen=True, kw_only=True)
class SetAttributes(Operation):
    """Rename a grid, change its code or what it is; members that are not sent stay.

    With `exclusive` false a tile becomes an overlay and `into` gets its ground; with true an overlay becomes a tile,
    takes its ground, and `pieces_to` says as for a carve who gets what a neighbour would lose contact with.
    """

    op = "set"
    code: Code
    new_code: Code | None = None
    values: Annotated[Mapping[str, Any], COLUMNS] = field(default_factory=lambda: MappingProxyType({}))
    into: Code | None = None
    pieces_to: Code | None = None

    def draw(self, table: DrawingTable) -> Move:
        """The grid under its new name, code or kind; raises Unacceptable, NotFound."""
        old = table.board.get_row(self.code)
        row = replace(old, **dict(self.values))
        _refuse_impossible(table.board, old, row)
        if self.new_code is not None and self.new_code != self.code:
            if row.exclusive != old.exclusive:
                raise Unacceptable("one_at_a_time", errors=[(["new_code"], "one_at_a_time")], grid=self.code)
            return _recode(table, row, self.new_code)
        if old.exclusive and not row.exclusive:
            return _lift(table.board, row, into=self.into)
        if row.exclusive and not old.exclusive:
            return _lay(table.board, row, pieces_to=self.pieces_to)
        return Move(rows={self.code: row, **_parts(table.board, row)})


def _refuse_impossible(board: Board, old: GridRow, row: GridRow) -> None:
    if row.level == GridLevel.sub_grid and (row.kind, row.exclusive) != (old.kind, old.exclusive):
        raise Unacceptable("kind_by_grid", errors=[(["kind"], "kind_by_grid")], grid=board.grid_of(row.code))
    if row.kind == GridKind.base and not row.exclusive:
        raise Unacceptable("overlay_is_dedicated", errors=[(["kind"], "overlay_is_dedicated")], grid=row.code)


def _parts(board: Board, row: GridRow) -> dict[str, GridRow]:
    """The sub-grids of a grid that must follow it: they are of its kind, and may lie apart where it may."""
    if row.level == GridLevel.sub_grid:
        return {}
    follow: dict[str, Any] = {"kind": row.kind}
    if row.parts_allowed != board.rows[row.code].parts_allowed:
        follow["parts_allowed"] = row.parts_allowed
    parts = {code: board.rows[code] for code in _sub_grids(board, row.code)}
    return {code: new for code, old in parts.items() if (new := replace(old, **follow)) != old}


def _sub_grids(board: Board, code: str) -> tuple[str, ...]:
    return tuple(tile for tile in board.partition.list_finest(code) if tile != code) if code in board.partition else ()


def _recode(table: DrawingTable, row: GridRow, new: str) -> Move:
    """The same grid under another code; its sub-grids' codes follow where they begin with its own."""
    board, old = table.board, row.code
    names = {old: new}
    names |= {part: new + part.removeprefix(old) for part in _sub_grids(board, old) if part.startswith(old)}
    rows = {old: row, **{part: board.rows[part] for part in _sub_grids(board, old)}, **_parts(board, row)}
    fresh: dict[str, GridRow] = {}
    for code, one in rows.items():
        parent = new if one.level == GridLevel.sub_grid and one.parent_code == old else one.parent_code
        named = names.get(code, code)
        fresh[named] = replace(one, code=named, parent_code=parent, name=named if one.name == code else one.name)
    for code, named in names.items():
        table.rename(code, named, parent=fresh[named].parent_code, level=fresh[named].level)
    if not row.exclusive:
        return Move(rows={old: None, **fresh}, overlays={new: board.overlays[old]})
    return Move(
        _build_recoding(board, names, fresh), {c: r for c, r in fresh.items() if c not in names.values()}, fresh=fresh
    )


def _build_recoding(board: Board, names: Mapping[str, str], fresh: Mapping[str, GridRow]) -> Change:
    partition = board.partition
    added: dict[str, BaseGeometry | None] = {
        named: partition.polygon(code) for code, named in names.items() if code in partition.row_of
    }
    parents = {code: row.parent_code for code, row in fresh.items() if row.parent_code is not None}
    return Change(added=added, removed=tuple(sorted(names)), parents=parents)


def _lift(board: Board, row: GridRow, *, into: str | None) -> Move:
    """A tile becomes an overlay: its ground goes to a neighbour, its outline stays as its own."""
    if into is None:
        raise Unacceptable("into_missing", errors=[(["into"], "into_missing")], grid=row.code)
    shape = board.shape(row.code)
    change = reshape.remove(board.partition, row.code, into=into)
    overlay = replace(row, households=0, buildings=0, area_m2=0.0 if shape is None else round(shape.area, 3))
    overlays = {} if shape is None else {row.code: shape}
    return Move(change, rows={row.code: overlay}, overlays=overlays)


def _lay(board: Board, row: GridRow, *, pieces_to: str | None) -> Move:
    """An overlay becomes a tile: it takes its ground from those below, or what is nobody's."""
    shape = board.overlays[row.code]
    parent = row.parent_code or community_at(board, shape)
    pieces = row.code if pieces_to == "new" else pieces_to
    try:
        change = reshape.carve(board.partition, shape, code=row.code, parent=parent, pieces_to=pieces)
    except OutsideFrame:
        change = reshape.add(board.partition, shape, code=row.code, parent=parent)
    return Move(change, fresh={row.code: replace(row, parent_code=parent)})
