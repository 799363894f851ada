"""What a file of base grids does not hold: the sub-grids and overlays in force, taken into its draft or left out.

A sub-grid goes to the grid that has most of its ground and is re-cut to the borders of the file. It keeps its code
where it stays in its grid; else it gets one of its new grid's ([S8]), and the lineage notes the old one. An overlay
lies over the grids and stays as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.grids import Grid, GridLevel
from layers.planning.comparison.impact_counts import are_alike
from layers.planning.state import codes
from layers.planning.state.board import Board, GridRow, objects
from layers.planning.state.loading import load_board
from layers.planning.state.row_changes import Move, apply_move
from layers.plans import Plan, find_latest
from tiling.errors import TilingError
from tiling.partition import Change
from tiling.reshape import recut

Below = Literal["keep", "none"]


@dataclass(frozen=True)
class LeftOut:
    """How many sub-grids and overlays of the plan in force a file says nothing about."""

    sub_grids: int = 0
    overlays: int = 0

    def __bool__(self) -> bool:
        return bool(self.sub_grids or self.overlays)


@dataclass(frozen=True)
class Carried:
    """What became of them: sub-grids as they were, with other borders, under another code, and gone; overlays kept."""

    kept: int = 0
    recut: int = 0
    recoded: int = 0
    gone: tuple[str, ...] = ()
    overlays: int = 0


def find_left_out(session: Session, district: str, *, sub_grids: bool, overlays: bool) -> LeftOut:
    """What is in force (or scheduled last) in a district and missing from a file, of which it is said whether it holds
    any sub-grids and any overlays itself."""
    latest = find_latest(session, district)
    if latest is None or (sub_grids and overlays):
        return LeftOut()
    below = func.count().filter(Grid.level == GridLevel.sub_grid)
    over = func.count().filter(Grid.exclusive.is_(False))
    parts, laid = session.execute(select(below, over).where(Grid.plan_id == latest.id)).one()
    return LeftOut(0 if sub_grids else int(parts), 0 if overlays else int(laid))


def carry_over(session: Session, plan: Plan, board: Board) -> tuple[Board, Carried]:
    """The board of a draft with the sub-grids and overlays of the plan that it stands on, where it has none itself.

    About 10 ms for each grid that is divided.
    """
    source = None if plan.based_on is None else session.get(Plan, plan.based_on)
    if source is None:
        return board, Carried()
    old = load_board(session, source)
    carried = Carried()
    if not any(row.level == GridLevel.sub_grid for row in board.rows.values()):
        board, carried = _add_sub_grids(session, plan, board, old)
    if not board.overlays:
        board = _add_overlays(board, old)
        carried = replace(carried, overlays=len(board.overlays))
    return board, carried


def _add_overlays(board: Board, old: Board) -> Board:
    shapes = {code: shape for code, shape in old.overlays.items() if code not in board.rows}
    rows = {code: replace(row, parent_code=_area_of(board, row)) for code, row in old.rows.items() if code in shapes}
    frame = board.partition.frame
    over = {code: shape for code, shape in shapes.items() if frame is None or shape.intersects(frame)}
    return apply_move(board, Move(Change(), {code: rows[code] for code in over}, over))


def _area_of(board: Board, row: GridRow) -> str | None:
    return row.parent_code if row.parent_code in board.areas else None


def _add_sub_grids(session: Session, plan: Plan, board: Board, old: Board) -> tuple[Board, Carried]:
    parts = {code: shape for code, shape in _parts(old) if shape is not None and shape.is_valid}
    same = recoded = 0
    placed: set[str] = set()
    for grid, members in sorted(_grids_of(board, parts).items()):
        if len(members) < 2 and board.rows[grid].code != old.grid_of(members[0]):
            continue  # one part of several would be the whole grid
        names = {_name(session, plan, old, code, grid): code for code in members}
        fresh = _divide_grid(board, old, grid, {name: parts[code] for name, code in names.items()}, names)
        if fresh is None:
            continue
        board = fresh
        there = {name: code for name, code in names.items() if name in board.rows}
        placed.update(there.values())
        recoded += sum(name != code for name, code in there.items())
        same += sum(name == code and are_alike(board.shape(name), parts[code]) for name, code in there.items())
    gone = tuple(
        sorted(code for code, row in old.rows.items() if row.level == GridLevel.sub_grid and code not in placed)
    )
    return board, Carried(same, len(placed) - same - recoded, recoded, gone)


def _parts(old: Board) -> Iterable[tuple[str, BaseGeometry | None]]:
    return ((code, old.shape(code)) for code, row in old.rows.items() if row.level == GridLevel.sub_grid)


def _grids_of(board: Board, parts: Mapping[str, BaseGeometry]) -> dict[str, list[str]]:
    """The sub-grids by the grid of the file that has most of the ground of each."""
    if not parts or not len(board.partition):
        return {}
    tiles, shapes = board.partition.polygons, objects(parts.values())
    sound = objects(tile if valid else None for tile, valid in zip(tiles, shapely.is_valid(tiles), strict=True))
    which, rows = shapely.STRtree(sound).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[which], sound[rows]))
    best: dict[int, tuple[float, int]] = {}
    for part, row, area in zip(which.tolist(), rows.tolist(), shared.tolist(), strict=True):
        best[part] = max(best.get(part, (0.0, -1)), (area, row))
    found: dict[str, list[str]] = defaultdict(list)
    for part, code in enumerate(parts):
        area, row = best.get(part, (0.0, -1))
        if area > 0:
            found[board.partition.codes[row]].append(code)
    return found


def _name(session: Session, plan: Plan, old: Board, code: str, grid: str) -> str:
    """The code of a sub-grid in its grid of the file."""
    if old.grid_of(code) == grid:
        return code
    return codes.claim(
        session,
        plan.district,
        parent=grid,
        level=GridLevel.sub_grid,
        plan_id=plan.id,
        origin=codes.RENAMED,
        ancestors=[code],
    )


def _divide_grid(
    board: Board, old: Board, grid: str, parts: Mapping[str, BaseGeometry], names: Mapping[str, str]
) -> Board | None:
    """The board with one grid divided; None where its shape does not allow it."""
    try:
        change = recut(board.partition, grid, parts)
    except TilingError:
        return None
    kind = board.rows[grid].kind
    rows = {
        name: replace(
            old.rows[names[name]],
            code=name,
            parent_code=grid,
            kind=kind,
            name=name if old.rows[names[name]].name == names[name] else old.rows[names[name]].name,
            area_m2=0.0 if shape is None else round(float(shape.area), 3),
        )
        for name, shape in change.added.items()
    }
    return apply_move(board, Move(change, rows))
