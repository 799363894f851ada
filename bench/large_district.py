"""A district as large as any that a planner opens: 3,000 grids of some 75 vertices, 100,000 buildings.

store_large_district(session)       one published plan in 130273; nothing is committed
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.db import copy_rows
from tests.city import City
from tests.small_city import SmallCity, load_small_city
from tiling.plane import Plane

GRIDS, VERTICES, GRID_M = 3_000, 75, 150.0
BUILDINGS = 100_000
HOUSE_M, HOUSE_DEPTH_M = 14.0, 9.0
COMPOUND_M, ROAD_EVERY_M = 320.0, 300.0
NAMES = (
    "阳光花园",
    "幸福里",
    "锦绣家园",
    "滨河小区",
    "翠湖名邸",
    "学府苑",
    "和平新村",
    "金色港湾",
    "东方明珠",
    "龙泽园",
)
STREETS = ("建设路", "新华道", "友谊路", "学院路", "龙泽道", "西山道", "北新道", "唐胥路")


def store_large_district(session: Session, *, grids: int = GRIDS, buildings: int = BUILDINGS) -> SmallCity:
    """The stored district; made from fixed seeds, so two runs draw and search the same."""
    city = load_small_city(session, grids, vertices=VERTICES, grid_m=GRID_M, sub_grids=(1,))
    plane, frame = city.shapes.plane, city.shapes.frame_m
    compounds = _compounds(session, city.district, plane, frame)
    _buildings(session, city.shapes, wanted=buildings, compounds=compounds)
    _roads(session, city.district, plane, frame)
    session.execute(text("UPDATE grids g SET buildings = 33, households = 30"))
    for table in ("grids", "areas", "buildings", "compounds", "roads"):
        session.execute(text(f"ANALYZE {table}"))
    return city


def _lattice(frame: Any, wanted: int) -> Any:
    """About this many points in metres, evenly spread over the box of the frame, jittered."""
    west, south, east, north = frame.bounds
    step = ((east - west) * (north - south) / wanted) ** 0.5
    xs, ys = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    jitter = np.random.default_rng(5).uniform(-0.15, 0.15, (2, xs.size)) * step
    return np.column_stack([xs.ravel() + jitter[0], ys.ravel() + jitter[1]])


def _hexed(shapes: Any) -> list[str]:
    return [str(text_) for text_ in shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True)]


def _multi(shapes: Any) -> Any:
    return shapely.multipolygons(shapes, indices=np.arange(len(shapes)))


def _compounds(session: Session, district: str, plane: Plane, frame: Any) -> tuple[list[int], Any]:
    places = _lattice(frame, int(frame.area / COMPOUND_M**2))
    half = COMPOUND_M * 0.42
    boxes = shapely.box(places[:, 0] - half, places[:, 1] - half, places[:, 0] + half, places[:, 1] + half)
    hexed = _hexed(_multi(plane.to_degrees(boxes)))
    rows = ((district, f"{NAMES[k % len(NAMES)]}{k // len(NAMES) + 1}区", hexed[k]) for k in range(len(hexed)))
    copy_rows(session, "compounds", columns=["district", "name", "geom"], rows=rows)
    ids = list(session.scalars(text("SELECT id FROM compounds ORDER BY id")))
    return ids, places


def _buildings(session: Session, city: City, *, wanted: int, compounds: Any) -> None:
    plane = city.plane
    places, houses = _inside(city, wanted)
    shapes, points = _hexed(_multi(plane.to_degrees(houses))), _hexed(plane.to_degrees(shapely.points(places)))
    ids, middles = compounds
    nearest = shapely.STRtree(shapely.points(middles)).nearest(shapely.points(places))
    columns = ["district", "compound_id", "name", "address", "households", "geom", "inner_point"]
    copy_rows(session, "buildings", columns=columns, rows=_houses(city.district, ids, nearest, shapes, points))


def _inside(city: City, wanted: int) -> tuple[Any, Any]:
    """Places and houses that lie in one grid: real borders run between buildings."""
    places = _lattice(city.frame_m, int(wanted * 1.4))
    x, y = places[:, 0], places[:, 1]
    houses = shapely.box(x - HOUSE_M / 2, y - HOUSE_DEPTH_M / 2, x + HOUSE_M / 2, y + HOUSE_DEPTH_M / 2)
    kept = np.unique(shapely.STRtree(city.polygons_m).query(houses, predicate="within")[0])
    kept = np.sort(np.random.default_rng(7).permutation(kept)[:wanted])
    return places[kept], houses[kept]


def _houses(district: str, ids: list[int], nearest: Any, shapes: list[str], points: list[str]) -> Iterator[Any]:
    count: dict[int, int] = {}
    for k, (shape, point) in enumerate(zip(shapes, points, strict=True)):
        compound = int(nearest[k])
        count[compound] = count.get(compound, 0) + 1
        address = f"{STREETS[k % len(STREETS)]}{k // 50 + 1}号"
        yield district, ids[compound], f"{count[compound]}号楼", address, k % 3, shape, point


def _roads(session: Session, district: str, plane: Plane, frame: Any) -> None:
    west, south, east, north = frame.bounds
    across = [shapely.LineString([(west, y), (east, y)]) for y in np.arange(south, north, ROAD_EVERY_M)]
    along = [shapely.LineString([(x, south), (x, north)]) for x in np.arange(west, east, ROAD_EVERY_M)]
    lines = np.array([*across, *along], dtype=object)
    hexed = _hexed(shapely.multilinestrings(plane.to_degrees(lines), indices=np.arange(len(lines))))
    rows = ((district, f"{STREETS[k % len(STREETS)]}{k}", "residential", shape) for k, shape in enumerate(hexed))
    copy_rows(session, "roads", columns=["district", "name", "road_class", "geom"], rows=rows)
