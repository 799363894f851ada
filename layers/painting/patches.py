"""The patches of a place in a plan, with who lives on them: what the brush of a page shows and gives away."""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from layers.access import Actor
from layers.areas import get_district
from layers.buildings import Building
from layers.db import WGS84
from layers.errors import Unacceptable
from layers.grids import Grid, GridLevel
from layers.ground.roads import Road
from layers.ground.water import Water
from layers.map_version import map_version
from layers.moments import read_clock
from layers.painting.faces import Shapes, blocks_of
from layers.painting.shares import shares_of
from layers.plans import Plan, get_plan
from layers.shelf import Shelf
from tiling.plane import Plane

Box = tuple[float, float, float, float]

# Ways on foot and drives within an estate bound no block.
NO_BLOCK = ("footway", "path", "steps", "cycleway", "pedestrian", "service", "track")
# What one answer may hold: a screen at the zoom from which the brush paints, and about a second of cutting at most.
MOST_TILES = 900
MOST_KEPT = 6_000


class By(enum.StrEnum):
    """What is painted: road blocks, or buildings one by one."""

    block = "block"
    building = "building"


@dataclass(frozen=True, slots=True)
class PaintTile:
    """One finest tile of a plan and its shape as stored."""

    code: str
    grid: str
    area: str | None
    wkb: bytes


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch, its shape in degrees, and what is on it."""

    shape: str
    name: str
    households: int
    buildings: int


@dataclass(frozen=True, eq=False)
class _Houses:
    """Buildings near some tiles, in metres; `households` of those that do not move with the ground is 0."""

    shapes: Shapes
    points: Shapes
    names: tuple[str, ...]
    households: Any
    counted: Any


# The patches of tiles that a process has cut, by what they were cut from.
PatchShelf = Shelf[bytes, tuple[Patch, ...]]


def make_patch_shelf() -> PatchShelf:
    """What a process keeps of patches between requests."""
    return Shelf(MOST_KEPT)


def list_patches(session: Session, kept: PatchShelf, plan_id: int, *, box: Box, cut: By, by: Actor) -> list[bytes]:
    """The patches of all finest tiles that reach into a box in degrees, as GeoJSON Features, one JSON text each.

    Only tiles within the actor's area. Raises NotFound for a plan of elsewhere, Unacceptable for a box with more tiles
    than a screen shows. A tile is cut once for each shape it has: some 2 ms by blocks, 15 ms by buildings.
    """
    plan = get_plan(session, plan_id, by=by)
    tiles = _tiles_in(session, plan, box, by)
    if len(tiles) > MOST_TILES:
        raise Unacceptable("too_many_blocks", errors=[(["bbox"], "too_many_blocks")], most=MOST_TILES)
    version = map_version(session, at=read_clock())
    stamp = f"{session.get_bind().engine.url}|{version}|{cut}|".encode()
    keys = {tile.code: hashlib.sha256(stamp + tile.wkb).digest() for tile in tiles}
    found = {code: kept.find(key) for code, key in keys.items()}
    missing = [tile for tile in tiles if found[tile.code] is None]
    for tile, patches in zip(missing, _patches_of(session, plan, missing, cut), strict=True):
        found[tile.code] = patches
        kept.keep(keys[tile.code], patches)
    return [_feature(tile, at, patch) for tile in tiles for at, patch in enumerate(found[tile.code] or ())]


def _tiles_in(session: Session, plan: Plan, box: Box, by: Actor) -> list[PaintTile]:
    part, grid = aliased(Grid), aliased(Grid)
    divided = select(part.code).where(part.plan_id == Grid.plan_id, part.parent_code == Grid.code).exists()
    community = (
        select(grid.parent_code).where(grid.plan_id == Grid.plan_id, grid.code == Grid.parent_code).scalar_subquery()
    )
    statement = (
        select(Grid.code, Grid.level, Grid.parent_code, community, func.ST_AsBinary(Grid.geom))
        .where(Grid.plan_id == plan.id, Grid.exclusive, ~divided, func.ST_IsValid(Grid.geom))
        .where(Grid.geom.op("&&")(func.ST_MakeEnvelope(*box, WGS84)))
        .order_by(Grid.code)
        .limit(MOST_TILES + 1)
    )
    if by.area and not plan.district.startswith(by.area):
        statement = statement.where(func.starts_with(Grid.code, by.area))
    rows = session.execute(statement)
    return [_tile(code, level, parent, above, wkb) for code, level, parent, above, wkb in rows]


def _tile(code: str, level: str, parent: str | None, above: str | None, wkb: Any) -> PaintTile:
    if level == GridLevel.sub_grid and parent is not None:
        return PaintTile(code, parent, above, bytes(wkb))
    return PaintTile(code, code, parent, bytes(wkb))


def _patches_of(session: Session, plan: Plan, tiles: Sequence[PaintTile], cut: By) -> list[tuple[Patch, ...]]:
    if not tiles:
        return []
    epsg = get_district(session, plan.district).crs_epsg
    assert epsg is not None, "the database demands that districts name their CRS"
    plane = Plane(epsg)
    degrees = shapely.from_wkb([tile.wkb for tile in tiles])
    shapes = np.asarray(plane.to_metres(np.asarray(degrees, dtype=object)), dtype=object)
    box = tuple(shapely.total_bounds(degrees).tolist())
    lines, houses = _lines_in(session, box, plane), _houses_in(session, box, plane)
    made = []
    for shape, roads, rows in zip(shapes, _find_met(shapes, lines), _find_met(shapes, houses.shapes), strict=True):
        blocks = blocks_of(shape, lines[roads].tolist())
        made.append((blocks, [""] * len(blocks)) if cut is By.block else _share_blocks(blocks, houses, rows))
    return _count_patches([patches for patches, _ in made], [named for _, named in made], houses, plane=plane)


def _find_met(shapes: Shapes, things: Shapes) -> list[Any]:
    """For each shape the rows of the things that it meets, in order."""
    which, hits = shapely.STRtree(things).query(shapes, predicate="intersects")
    order = np.lexsort((hits, which))
    return np.split(hits[order], np.searchsorted(which[order], np.arange(1, len(shapes))))


def _share_blocks(blocks: Shapes, houses: _Houses, rows: Any) -> tuple[Shapes, list[str]]:
    """Every block shared out among its houses, and the names of those."""
    patches: list[BaseGeometry] = []
    named: list[str] = []
    for block in blocks.tolist():
        mine = rows[shapely.intersects(block, houses.points[rows])]
        shares, owners = shares_of(block, houses.shapes[mine])
        patches += shares.tolist()
        named += [houses.names[mine[at]] if at >= 0 else "" for at in owners.tolist()]
    return np.array(patches, dtype=object), named


def _count_patches(
    cut: Sequence[Shapes], named: Sequence[Sequence[str]], houses: _Houses, *, plane: Plane
) -> list[tuple[Patch, ...]]:
    """The patches of every tile with who lives on them; a house on a border counts for the first one."""
    patches = np.concatenate(cut)
    which, found = shapely.STRtree(patches).query(houses.points, predicate="intersects")
    house, first = np.unique(which, return_index=True)
    patch = found[first]
    lived, stand = np.zeros(len(patches), dtype=int), np.zeros(len(patches), dtype=int)
    np.add.at(lived, patch, houses.households[house])
    np.add.at(stand, patch, houses.counted[house])
    told = shapely.to_geojson(plane.to_degrees(patches)).tolist()
    rows = zip(told, (name for names in named for name in names), lived.tolist(), stand.tolist(), strict=True)
    made = (Patch(*row) for row in rows)
    return [tuple(islice(made, len(shapes))) for shapes in cut]


def _lines_in(session: Session, box: Any, plane: Plane) -> Shapes:
    """Roads and the banks of water about a box in degrees, in metres."""
    about = func.ST_MakeEnvelope(*box, WGS84)
    roads = select(func.ST_AsBinary(Road.geom)).where(Road.geom.op("&&")(about), Road.road_class.not_in(NO_BLOCK))
    banks = select(func.ST_AsBinary(func.ST_Boundary(Water.geom))).where(Water.geom.op("&&")(about))
    wkb = [bytes(row[0]) for statement in (roads, banks) for row in session.execute(statement)]
    return np.asarray(plane.to_metres(np.asarray(shapely.from_wkb(wkb), dtype=object)), dtype=object)


def _houses_in(session: Session, box: Any, plane: Plane) -> _Houses:
    about = func.ST_MakeEnvelope(*box, WGS84)
    # A building that was put into a grid by hand stays there, whoever gets the ground ([S7]).
    moves: ColumnElement[bool] = Building.grid_override.is_(None)
    columns = (Building.name, Building.households, moves, func.ST_AsBinary(Building.inner_point))
    statement = select(*columns, func.ST_AsBinary(Building.geom)).where(Building.geom.op("&&")(about))
    rows = session.execute(statement.order_by(Building.id)).all()
    counted = np.array([row[2] for row in rows], dtype=int)
    points, shapes = (np.asarray(shapely.from_wkb([bytes(row[k]) for row in rows]), dtype=object) for k in (3, 4))
    return _Houses(
        np.asarray(plane.to_metres(shapes), dtype=object),
        np.asarray(plane.to_metres(points), dtype=object),
        tuple(row[0] for row in rows),
        np.array([row[1] for row in rows], dtype=int) * counted,
        counted,
    )


def _feature(tile: PaintTile, at: int, patch: Patch) -> bytes:
    properties = {
        "tile": tile.code,
        "grid": tile.grid,
        "community": tile.area,
        "name": patch.name,
        "households": patch.households,
        "buildings": patch.buildings,
    }
    shape = orjson.Fragment(patch.shape)
    return orjson.dumps({"type": "Feature", "id": f"{tile.code}/{at}", "geometry": shape, "properties": properties})
