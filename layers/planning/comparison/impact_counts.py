"""What stands on the ground, by the tile that holds it in one plan and in another: the base of every comparison.

A comparison looks at the ground on which two plans differ, and at nothing else; whatever lies elsewhere keeps its
tile. Buildings count by override, else by inner point ([S7]), other things by their place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import Session

from layers.buildings import Building
from layers.db import WGS84
from layers.devices import Device
from layers.hazards import Hazard
from layers.incidents import Incident, is_living
from layers.planning.report.counting import NOBODY, Houses, owners_of, tiles_of
from layers.planning.state.board import Board, Geometries, objects
from tiling.partition import have_same_bytes

# Devices are looked at every day.
CHECK_EVERY = timedelta(days=1)
# Ground thinner than this, in metres along its border, is where a ring only gained a node.
NODE_M = 0.001

Code = str | None
Pair = tuple[Code, Code]


@dataclass(frozen=True)
class Both:
    """The older and the newer plan, the ground on which they differ in metres, and the box around it in degrees."""

    old: Board
    new: Board
    ground: Geometries
    box: BaseGeometry | None


@dataclass(frozen=True, eq=False)
class Held:
    """Buildings with the tile that holds each of them in the older and in the newer plan."""

    houses: Houses
    before: list[Code]
    after: list[Code]

    def pairs(self, *, level: Callable[[Board, str], str], both: Both) -> tuple[Counter[Pair], Counter[Pair]]:
        """Buildings and households by the code they leave and the code they come to; those that stay are left out."""
        buildings: Counter[Pair] = Counter()
        households: Counter[Pair] = Counter()
        for old, new, number in zip(self.before, self.after, self.houses.households.tolist(), strict=True):
            pair = (_lift_tile(both.old, old, level), _lift_tile(both.new, new, level))
            if pair[0] != pair[1]:
                buildings[pair] += 1
                households[pair] += number
        return buildings, households


def grid_above(board: Board, tile: str) -> str:
    """The grid of a tile: the level at which people count."""
    return board.grid_of(tile)


def _lift_tile(board: Board, tile: Code, level: Callable[[Board, str], str]) -> Code:
    return None if tile is None else level(board, tile)


def pair_boards(old: Board, new: Board, *, besides: Collection[str] = ()) -> Both:
    """Two boards and the box of what differs; `besides` are codes of the newer one whose ground is looked at too."""
    there, back = new.partition.find_changes_since(old.partition), old.partition.find_changes_since(new.partition)
    moved: list[BaseGeometry | None] = [*there.changed.values(), *there.added.values()]
    moved += [*back.changed.values(), *back.added.values()]
    # Tiles that only got another grid above them have moved too.
    moved += [new.partition.polygon(code) for code in there.parents if code in new.partition]
    moved += [board.shape(code) for board in (old, new) for code in besides if code in board.rows]
    return Both(old, new, objects(shape for shape in moved if shape is not None), _box(new, moved))


def _box(board: Board, shapes: Sequence[BaseGeometry | None]) -> BaseGeometry | None:
    if not shapes:
        return None
    bounds = shapely.total_bounds(objects(shapes))
    if np.isnan(bounds).any():
        return None
    west, south, east, north = bounds.tolist()
    edge = shapely.get_coordinates(shapely.segmentize(shapely.box(west - 1, south - 1, east + 1, north + 1), 1000.0))
    lon, lat = board.plane.to_lonlat(edge[:, 0], edge[:, 1])
    return shapely.Polygon(shapely.box(lon.min(), lat.min(), lon.max(), lat.max()))


def read_held_houses(session: Session, both: Both) -> Held:
    """The buildings of the ground that differs; about 0.3 s where that is a district of 10,000 buildings."""
    houses = _houses(session, both)
    return Held(houses, _tiles(both.old, houses), _tiles(both.new, houses))


def _houses(session: Session, both: Both) -> Houses:
    """The buildings that stand there, and those put into a grid that comes or goes; their outlines are not read."""
    inside = false() if both.box is None else Building.inner_point.op("&&")(_envelope(both.box))
    columns = (Building.id, func.ST_X(Building.inner_point), func.ST_Y(Building.inner_point), Building.households)
    chosen = or_(inside, Building.grid_override.in_(_list_overriding(both)))
    statement = select(*columns, Building.grid_override, Building.stairwells).where(chosen)
    session.flush()
    rows = session.connection().execute(statement).all()
    ids, lon, lat, households, overrides, stairwells = zip(*rows, strict=True) if rows else [()] * 6
    points = np.asarray(shapely.points(np.array(lon, float), np.array(lat, float)), dtype=object)
    found = Houses(
        np.array(ids, dtype=np.int64),
        points,
        np.array(households, dtype=np.int64),
        tuple(overrides),
        np.array(stairwells, dtype=np.int64),
        np.full(len(points), None, dtype=object),
    )
    return found.select(_mark_near(both, points) | np.array([code is not None for code in overrides], dtype=bool))


def _mark_near(both: Both, points: Geometries) -> NDArray[np.bool_]:
    """Which points lie in the box of a piece of ground that differs: the box of all may be a hundred times larger."""
    near = np.zeros(len(points), dtype=bool)
    if len(points) and len(both.ground):
        west, south, east, north = shapely.bounds(both.ground).T
        # A metre more on each side: what is straight in metres is not quite straight in degrees.
        boxes = np.asarray(shapely.box(west - 1.0, south - 1.0, east + 1.0, north + 1.0), dtype=object)
        near[shapely.STRtree(boxes).query(both.new.plane.to_metres(points), predicate="intersects")[0]] = True
    return near


def _envelope(box: BaseGeometry) -> Any:
    return func.ST_MakeEnvelope(*box.bounds, WGS84)


def _list_overriding(both: Both) -> list[str]:
    """Codes that are in one plan only: a building that was put there by hand moves, wherever it stands."""
    return sorted(both.new.find_borne(both.old.rows.keys() ^ both.new.rows.keys()))


def _tiles(board: Board, houses: Houses) -> list[Code]:
    codes, degrees = _tiles_about(board, houses.points)
    return tiles_of(board, houses, owners_of(houses.points, degrees), codes)


def tiles_at(board: Board, points: Geometries) -> list[Code]:
    """The tile that holds each point, None where there is none."""
    codes, degrees = _tiles_about(board, points)
    owners = owners_of(points, degrees).tolist()
    return [codes[owner] if owner != NOBODY else None for owner in owners]


def _tiles_about(board: Board, points: Geometries) -> tuple[tuple[str, ...], Geometries]:
    """The tiles near these points by code and in degrees, as everything that locates sees them: bringing a whole
    district into degrees for the few that a change concerns takes longer than the change."""
    x, y = shapely.get_coordinates(board.plane.to_metres(points)).T
    # A metre more on each side, as in `_mark_near`.
    near = shapely.STRtree(board.partition.polygons).query(shapely.box(x - 1.0, y - 1.0, x + 1.0, y + 1.0))[1]
    rows = np.unique(near)
    polygons = np.asarray(board.plane.to_degrees(board.partition.polygons[rows]), dtype=object)
    return tuple(board.partition.codes[row] for row in rows.tolist()), polygons


def count_open_incidents(session: Session, both: Both) -> Counter[Pair]:
    """Open incidents on the ground that differs, by the tile before and after."""
    return _count_at_places(session, both, Incident, is_living())


def open_hazards(session: Session, both: Both) -> Counter[Pair]:
    """Hazards that are not rectified, likewise."""
    return _count_at_places(session, both, Hazard, Hazard.state != "rectified")


def devices_due(session: Session, both: Both, *, now: datetime) -> Counter[Pair]:
    """Devices that must be looked at, likewise: not checked for a day, or not working."""
    late = or_(Device.checked_at.is_(None), Device.checked_at < now - CHECK_EVERY, Device.state != "working")
    return _count_at_places(session, both, Device, late)


def _count_at_places(session: Session, both: Both, table: Any, wanted: ColumnElement[bool]) -> Counter[Pair]:
    if both.box is None:
        return Counter()
    near = table.geom.op("&&")(_envelope(both.box))
    rows = session.execute(select(func.ST_X(table.geom), func.ST_Y(table.geom)).where(near, wanted)).all()
    if not rows:
        return Counter()
    lon, lat = zip(*rows, strict=True)
    points = np.asarray(shapely.points(lon, lat), dtype=object)
    return Counter(zip(tiles_at(both.old, points), tiles_at(both.new, points), strict=True))


def lift_to_grids(counted: Counter[Pair], both: Both) -> Counter[Pair]:
    """Counts by tiles as counts by grids, without what stays in its grid."""
    sums: Counter[Pair] = Counter()
    for (old, new), number in counted.items():
        pair = (_lift_tile(both.old, old, grid_above), _lift_tile(both.new, new, grid_above))
        if pair[0] != pair[1]:
            sums[pair] += number
    return sums


def find_reshaped_codes(old: Board, new: Board) -> set[str]:
    """The codes of both plans whose ground differs; a ring that only gained a node holds the same ground."""
    shared = old.rows.keys() & new.rows.keys()
    return {code for code in shared if not are_alike(old.shape(code), new.shape(code))}


def are_alike(one: BaseGeometry | None, other: BaseGeometry | None) -> bool:
    """Whether two shapes hold the same ground."""
    if one is other:
        return True
    if one is None or other is None:
        return False
    if have_same_bytes(one, other):
        return True
    if not (one.is_valid and other.is_valid):
        return False
    # A node put on an edge lies up to 0.7 mm beside it.
    return float(one.symmetric_difference(other).area) <= NODE_M * one.length


def codes_of(pairs: Iterable[Pair]) -> set[str]:
    """Every code that stands in a pair."""
    return {code for pair in pairs for code in pair if code is not None}
