"""One step of a draft: the rows before and after it, byte for byte, and the board that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.grids import GridLevel
from layers.planning.state.board import Board, GridRow, list_finest, objects
from layers.planning.state.loading import Stored, read_frame, read_rings, read_rows, to_metres, write_frame, write_rings
from layers.planning.state.loading import write_rows as store_rows
from tiling.partition import Change, Partition


@dataclass(frozen=True)
class RowChanges:
    """Stored rows by code (None: there is none), area rings by code, and the frame, all as WKB in degrees."""

    rows: Mapping[str, Stored | None]
    rings: Mapping[str, bytes] = field(default_factory=dict)
    frame: bytes | None = None

    def as_json(self) -> dict[str, Any]:
        """The step as it is kept in the history of the draft."""
        return {
            "rows": {code: None if stored is None else _row_json(*stored) for code, stored in self.rows.items()},
            "rings": {code: wkb.hex() for code, wkb in self.rings.items()},
            "frame": None if self.frame is None else self.frame.hex(),
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> RowChanges:
        """The step that `as_json` kept."""
        return cls(
            {code: None if row is None else _row_from(row) for code, row in kept["rows"].items()},
            {code: bytes.fromhex(wkb) for code, wkb in kept["rings"].items()},
            None if kept["frame"] is None else bytes.fromhex(kept["frame"]),
        )

    @classmethod
    def read_stored(cls, session: Session, plan_id: int, like: RowChanges) -> RowChanges:
        """What the database holds now of everything that another step names."""
        held: dict[str, Stored | None] = dict.fromkeys(like.rows)
        held |= {stored[0].code: stored for stored in read_rows(session, plan_id, codes=like.rows)}
        frame = None if like.frame is None else read_frame(session, plan_id)
        return cls(held, read_rings(session, plan_id, codes=like.rings), frame)

    def write(self, session: Session, plan_id: int) -> None:
        """Make the database hold this."""
        store_rows(session, plan_id, self.rows)
        write_rings(session, plan_id, self.rings)
        if self.frame is not None:
            write_frame(session, plan_id, self.frame)


def _row_json(row: GridRow, wkb: bytes) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in GridRow.__slots__}, "wkb": wkb.hex()}


def _row_from(kept: Mapping[str, Any]) -> Stored:
    attributes = {name: value for name, value in kept.items() if name != "wkb"}
    return GridRow(**attributes), bytes.fromhex(kept["wkb"])


@dataclass(frozen=True)
class Move:
    """How a board becomes the next one: what happens to tiles, to overlays, and to the rows of any level.

    As an operation draws it, `fresh` holds the rows of the new codes that it names and `survivor` the code that takes
    others in; `complete` (`edits.apply_operation`) finds the `rows` of all levels. `after` is the next partition where
    it has been made already.
    """

    change: Change = field(default_factory=Change)
    rows: Mapping[str, GridRow | None] = field(default_factory=dict)
    overlays: Mapping[str, BaseGeometry | None] = field(default_factory=dict)
    fresh: Mapping[str, GridRow] = field(default_factory=dict)
    survivor: tuple[str, tuple[str, ...]] | None = None
    after: Partition | None = None

    @property
    def removed(self) -> tuple[str, ...]:
        """The codes of any level that are gone afterwards."""
        return tuple(code for code, row in self.rows.items() if row is None)


def apply_move(board: Board, move: Move) -> Board:
    """The board after a move; raises what `Partition.replace` raises when the move does not fit the board."""
    partition = move.after or (board.partition.replace(move.change) if move.change else board.partition)
    named = board.with_rows(move.rows)
    if any(_parts_differ(board.rows.get(code), row) for code, row in move.rows.items()):
        allowed = frozenset(code for code, row in named.rows.items() if row.parts_allowed)
        partition = replace(partition, parts_allowed=allowed)
    return replace(named, overlays=_overlays(board, move), partition=partition)


def _parts_differ(old: GridRow | None, new: GridRow | None) -> bool:
    return (old is not None and old.parts_allowed) != (new is not None and new.parts_allowed)


def _overlays(board: Board, move: Move) -> Mapping[str, BaseGeometry]:
    kept = {code: shape for code, shape in board.overlays.items() if _is_still_over(move, code)}
    return {**kept, **{code: shape for code, shape in move.overlays.items() if shape is not None}}


def _is_still_over(move: Move, code: str) -> bool:
    """Whether an overlay is one after the move, and neither gone nor a tile."""
    row = move.rows.get(code)
    return code not in move.rows or (row is not None and not row.exclusive)


def move_to(board: Board, step: RowChanges) -> Move:
    """The move that makes a board hold what a step holds: how undo, redo and other processes' edits reach it."""
    plane = board.plane
    present = {code: stored for code, stored in step.rows.items() if stored is not None}
    shapes = dict(zip(present, to_metres(objects(wkb for _, wkb in present.values()), plane), strict=True))
    rows: dict[str, GridRow | None] = {code: None if s is None else s[0] for code, s in step.rows.items()}
    after = {code: row for code, row in {**board.rows, **rows}.items() if row is not None}
    old, new = board.partition.row_of, list_finest(after)
    tiles = {code for code in new if code in shapes or code not in old}
    fresh = {code: shapes[code] if code in shapes else board.shape(code) for code in tiles}
    rings = to_metres(objects(step.rings.values()), plane) if step.rings else ()
    change = Change(
        changed={code: shape for code, shape in fresh.items() if code in old},
        added={code: shape for code, shape in fresh.items() if code not in old},
        removed=_list_gone(board, after, new),
        parents={c: r.parent_code for c, r in rows.items() if r is not None and r.exclusive and r.parent_code},
        frame=None if step.frame is None else to_metres(objects([step.frame]), plane)[0],
        areas=dict(zip(step.rings, rings, strict=True)),
    )
    overlays = {code: shape for code, shape in shapes.items() if not after[code].exclusive}
    return Move(change, rows, overlays)


def _list_gone(board: Board, after: Mapping[str, GridRow], tiles: list[str]) -> tuple[str, ...]:
    """Tiles that are none any more, and grids that lost their last sub-grid with themselves."""
    kept = set(tiles)
    uppers = {row.code for row in board.rows.values() if row.exclusive and row.level == GridLevel.grid}
    lost = {code for code in uppers if code not in after and code not in board.partition.row_of}
    return tuple(sorted({code for code in board.partition.codes if code not in kept} | lost))
