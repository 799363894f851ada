"""Who lives in which tile: buildings by override, else by inner point, and the warnings that follow ([S7]).

The predicate is the planar one on stored degrees, as for any other point; a point on a border belongs to the smallest
code. Households moved to another sub-grid by themselves (stairwells of one building) are counted there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Float, Select, Text, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from layers import households
from layers.buildings import Building
from layers.db import WGS84
from layers.planning.state.board import Board, Geometries, objects
from tiling.coverage import Defect
from tiling.tolerance import Tolerance

Ints = NDArray[np.int64]
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Houses:
    """Buildings of a place, column by column; `points` and `shapes` are in degrees."""

    ids: Ints
    points: Geometries
    households: Ints
    overrides: tuple[str | None, ...]
    stairwells: Ints
    shapes: Geometries

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, mask: NDArray[np.bool_]) -> Houses:
        """The buildings for which the mask is true."""
        chosen = tuple(self.overrides[i] for i in np.flatnonzero(mask))
        return Houses(
            self.ids[mask], self.points[mask], self.households[mask], chosen, self.stairwells[mask], self.shapes[mask]
        )


@dataclass(frozen=True, slots=True)
class Count:
    """What one tile holds."""

    households: int
    buildings: int


def load_houses(session: Session, box: BaseGeometry, *, codes: Collection[str]) -> Houses:
    """The buildings that reach into a box in degrees, and those put into one of these grids by hand."""
    # No box at all is NULL to the database, and nothing lies in that.
    sides = [None] * 4 if box.is_empty else box.bounds
    asked = {**dict(zip(_SIDES, sides, strict=True)), "codes": list(codes)}
    # Straight through the connection: every edit asks this, and there is nothing for the session to track.
    session.flush()
    rows = session.connection().execute(_HOUSES, asked).all()
    columns = list(zip(*rows, strict=True)) if rows else [()] * 7
    return Houses(
        np.array(columns[0], dtype=np.int64),
        np.asarray(shapely.points(np.array(columns[1], float), np.array(columns[2], float)), dtype=object),
        np.array(columns[3], dtype=np.int64),
        tuple(columns[4]),
        np.array(columns[5], dtype=np.int64),
        np.asarray(shapely.from_wkb(objects(columns[6])), dtype=object),
    )


_SIDES = ("west", "south", "east", "north")


def _houses() -> Select[Any]:
    """The statement of `load_houses`; one array, not a list of parameters: it is the same for any number of grids."""
    envelope = func.ST_MakeEnvelope(*(bindparam(side, type_=Float) for side in _SIDES), WGS84)
    by_hand = Building.grid_override == any_(bindparam("codes", type_=ARRAY(Text)))
    return select(
        Building.id,
        func.ST_X(Building.inner_point),
        func.ST_Y(Building.inner_point),
        Building.households,
        Building.grid_override,
        Building.stairwells,
        func.ST_AsBinary(Building.geom),
    ).where(or_(Building.geom.op("&&")(envelope), by_hand))


_HOUSES = _houses()


def owners_of(points: Geometries, polygons: Geometries) -> NDArray[np.intp]:
    """For each point the first of the polygons (sorted by code) that covers it, NOBODY where none does."""
    owner = np.full(len(points), len(polygons), dtype=np.intp)
    if len(points) and len(polygons):
        usable = polygons.copy()
        usable[~shapely.is_valid(polygons)] = None
        who, which = shapely.STRtree(usable).query(points, predicate="intersects")
        np.minimum.at(owner, who, which)
    owner[owner == len(polygons)] = NOBODY
    return owner


def tiles_of(board: Board, houses: Houses, owner: NDArray[np.intp], codes: tuple[str, ...]) -> list[str | None]:
    """The tile of each building: by override where it names a grid of this plan, else the one that covers its point."""
    by_point = [codes[i] if i != NOBODY else None for i in owner.tolist()]
    return [
        tile if override is None else _apply_override(board, board.find_present_code(override), tile)
        for override, tile in zip(houses.overrides, by_point, strict=True)
    ]


def _apply_override(board: Board, override: str, tile: str | None) -> str | None:
    if override in board.partition.row_of:
        return override
    if override not in board.rows or override in board.overlays:
        return tile
    # A grid with sub-grids was named: the sub-grid by place, and where the place is elsewhere the first one.
    if tile is not None and board.grid_of(tile) == override:
        return tile
    return board.partition.list_finest(override)[0]


def count_tiles(
    session: Session, board: Board, houses: Houses, *, tiles: list[str | None], wanted: Collection[str]
) -> dict[str, Count]:
    """The count of each of the wanted tiles, given the tile of every building that lies in them."""
    homes, blocks = dict.fromkeys(wanted, 0), dict.fromkeys(wanted, 0)
    for tile, number in zip(tiles, houses.households.tolist(), strict=True):
        if tile in homes:
            homes[tile] += number
            blocks[tile] += 1
    tile_of = dict(zip(houses.ids.tolist(), tiles, strict=True))
    asked = {"building_ids": houses.ids.tolist(), "codes": board.find_borne(wanted)}
    for building, named, number in households.list_moved(session, **asked):
        code = board.find_present_code(named)
        if code not in board.partition.row_of:
            continue  # a sub-grid that is no longer there: the household stays with its building
        if code in homes:
            homes[code] += number
        if (left := tile_of.get(building)) in homes:
            homes[left] -= number
    return {code: Count(homes[code], blocks[code]) for code in homes}


def building_warnings(
    board: Board, houses: Houses, *, tiles: list[str | None], tolerance: Tolerance
) -> Iterator[tuple[tuple[str, str], Defect]]:
    """A warning, by kind and building, for each building in no grid of the frame and each one cut by a border."""
    for i, place in _find_uncovered(board, houses, tiles):
        subject = str(houses.ids[i])
        yield ("uncovered_building", subject), _build_defect("uncovered_building", (), place, detail=subject)
    for i, codes, outside_m2 in _cut(board, houses, tiles, tolerance):
        subject, place = str(houses.ids[i]), board.plane.to_metres(houses.points[i])
        yield ("cut_building", subject), _build_defect("cut_building", codes, place, detail=subject, area_m2=outside_m2)


def _find_uncovered(board: Board, houses: Houses, tiles: list[str | None]) -> Iterator[tuple[int, BaseGeometry]]:
    """Row and place in metres of each building that stands in the frame and in no tile."""
    lost = np.array([i for i, tile in enumerate(tiles) if tile is None], dtype=np.intp)
    if board.partition.frame is None or not len(lost):
        return
    places = np.asarray(board.plane.to_metres(houses.points[lost]), dtype=object)
    inside = np.asarray(shapely.intersects(board.partition.frame, places), dtype=bool)
    yield from zip(lost[inside].tolist(), places[inside], strict=True)


def _build_defect(
    kind: str, codes: tuple[str, ...], where: BaseGeometry, *, detail: str, area_m2: float = 0.0
) -> Defect:
    return Defect(kind=kind, codes=codes, where=where, detail=detail, area_m2=area_m2)


def _cut(
    board: Board, houses: Houses, tiles: list[str | None], tolerance: Tolerance
) -> Iterator[tuple[int, tuple[str, ...], float]]:
    """Row, tiles and the area outside its own tile in m² of each building through which a border runs."""
    owned = np.array([i for i, tile in enumerate(tiles) if tile is not None], dtype=np.intp)
    if not len(owned):
        return
    # Tile by tile where it is about the tiles: they are few, and one has more vertices than all its buildings.
    rows, which = np.unique(board.partition.rows(tiles[i] or "" for i in owned), return_inverse=True)
    distinct = board.partition.polygons[rows]
    own, usable = distinct[which], board.partition.mark_valid(rows)[which]
    shapes = np.asarray(board.plane.to_metres(houses.shapes[owned]), dtype=object)
    whole = ~usable
    whole[usable] = _covers(own[usable], shapes[usable])
    # Buildings are valid as they are stored; hardly one is not after the way into metres, and that is not judged.
    whole[~whole] = ~shapely.is_valid(shapes[~whole])
    for i in np.flatnonzero(~whole).tolist():
        outside = shapes[i].difference(own[i])
        # On average thicker than noise: walls drawn along a border are not cut by it.
        if outside.area <= tolerance.snap_m * outside.length / 2:
            continue
        row, tile = int(owned[i]), tiles[int(owned[i])] or ""
        codes = _find_cutting(board, tile, outside, tolerance)
        if len(codes) > 1 and not _runs_between_stairwells(board, houses, row, codes):
            yield row, codes, float(outside.area)


def _covers(polygons: Geometries, shapes: Geometries) -> NDArray[np.bool_]:
    shapely.prepare(polygons)
    return np.asarray(shapely.covers(polygons, shapes), dtype=bool)


def _find_cutting(board: Board, tile: str, outside: BaseGeometry, tolerance: Tolerance) -> tuple[str, ...]:
    partition = board.partition
    rows = partition.tree.query(outside)
    rows = rows[shapely.is_valid(partition.polygons[rows])]
    shared = shapely.intersection(partition.polygons[rows], outside)
    solid = shapely.area(shared) > tolerance.snap_m * shapely.length(shared) / 2
    return tuple(sorted({tile, *(partition.codes[row] for row in rows[solid])}))


def _runs_between_stairwells(board: Board, houses: Houses, row: int, codes: tuple[str, ...]) -> bool:
    """Whether the border is one between sub-grids that share a building stairwell by stairwell, as [S9] wants it."""
    return int(houses.stairwells[row]) > 1 and len({board.grid_of(code) for code in codes}) == 1


def range_warning(board: Board, grid: str) -> Defect | None:
    """The warning that a base grid holds too few or too many households for its community, or None."""
    row = board.rows[grid]
    target = board.targets.get(row.parent_code or "")
    if target is None or row.kind != "base" or not row.exclusive:
        return None
    number = row.households
    if target.low <= number <= target.high:
        return None
    shape = board.shape(grid)
    where = None if shape is None or shape.is_empty else shapely.point_on_surface(shape)
    detail = f"{number} ({target.low}-{target.high})"
    return Defect(kind="households_out_of_range", codes=(grid,), where=where, detail=detail)
