"""The grounds that divisions are measured on: real buildings and roads, and the demo district.

Only the demo knows its households. Elsewhere they are estimated from footprint and floors, the same for everybody. In
Manhattan a home takes 110 m² of floor: then district 107 has some 100,000 homes for its 210,000 people.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely

from tiling.divide import Site, estimate_households, road_kind
from tiling.plane import Plane, city_epsg, put_on_lattice

DATA = Path(os.environ.get("WANGGE_TEST_DATA", str(Path(__file__).parents[2] / "shared" / "data")))
STOREY_M = 3.3
WITHOUT_NUMBER = 3
"""Storeys of a building whose height nobody wrote down."""


def suzhou() -> Site:
    """3,076 buildings with floors; there are no roads in the data."""
    held = geopandas.read_parquet(DATA / "cn" / "suzhou_buildings.parquet")
    plane = Plane(city_epsg(120.6, 31.3))
    shapes = _polygons(held.geometry, plane)
    floors = held.floors.to_numpy(float)
    weights = estimate_households(shapes, floors)
    # Walk-ups have two homes a landing, towers four.
    stairwells = np.maximum(np.rint(weights / np.maximum(floors, 1) / np.where(floors > 7, 4, 2)), 1).astype(np.intp)
    return Site(areas={"S": _around(shapes)}, buildings=shapes, weights=weights, stairwells=stairwells)


def shenzhen() -> Site:
    """5,438 buildings with a class of height, 272 pieces of main roads."""
    held = geopandas.read_parquet(DATA / "cn" / "shenzhen_nanshan_buildings.parquet")
    roads = geopandas.read_parquet(DATA / "cn" / "shenzhen_nanshan_roads.parquet")
    plane = Plane(city_epsg(113.93, 22.52))
    shapes = _polygons(held.geometry[held.geometry.is_valid], plane)
    floors = held.height_class_m[held.geometry.is_valid].to_numpy(float) / STOREY_M
    frame = _around(shapes)
    lines, kinds = _roads(roads.geometry, roads.highway, plane, frame)
    return Site(
        areas={"N": frame}, buildings=shapes, weights=estimate_households(shapes, floors), lines=lines, kinds=kinds
    )


def shanghai() -> Site:
    """The Bund: 1,450 buildings, 1,090 pieces of road, and the river through the middle."""
    file = DATA / "cn" / "shanghai_bund_osm.gpkg"
    held, roads, water = (geopandas.read_file(file, layer=name) for name in ("buildings", "roads", "water"))
    held = held[(held.kind != "building_part") & held.geometry.is_valid]
    plane = Plane(city_epsg(121.5, 31.24))
    shapes = _polygons(held.geometry, plane)
    floors = held.height.fillna(WITHOUT_NUMBER * STOREY_M).to_numpy(float) / STOREY_M
    frame = _around(shapes)
    level = roads[(roads.is_tunnel != "yes") & (roads.is_bridge != "yes") & (roads.kind != "rail")]
    lines, kinds = _roads(level.geometry, level.kind_detail.fillna(level.kind), plane, frame)
    return Site(
        areas={"B": frame},
        buildings=shapes,
        weights=estimate_households(shapes, floors),
        lines=lines,
        kinds=kinds,
        water=_polygons(water.geometry[water.geometry.is_valid], plane),
    )


def manhattan(*codes: str) -> Site:
    """Manhattan or some of its community districts, by their numbers: 41,714 buildings, 13,793 pieces of road."""
    districts = geopandas.read_file(DATA / "nyc" / "community_districts.geojson")
    districts = districts[districts.boro_cd.astype(str).isin(codes)] if codes else districts
    plane = Plane(32618)
    areas = {
        str(code): plane.to_metres(shape) for code, shape in zip(districts.boro_cd, districts.geometry, strict=True)
    }
    frame = shapely.union_all(list(areas.values()))
    held = geopandas.read_parquet(DATA / "nyc" / "buildings.parquet")
    held = held[(held.kind == "building") & held.geometry.is_valid]
    shapes = _polygons(held.geometry, plane)
    shapely.prepare(frame)
    near = shapely.intersects(frame, shapes)
    floors = held.height.fillna(WITHOUT_NUMBER * STOREY_M).to_numpy(float)[near] / STOREY_M
    roads = geopandas.read_parquet(DATA / "nyc" / "roads.parquet")
    roads = roads[(roads.tunnel != "T") & (roads.bridge != "T")]
    lines, kinds = _roads(roads.geometry, roads.fclass, plane, frame)
    weights = estimate_households(shapes[near], floors, flat_m2=110.0)
    return Site(areas=areas, buildings=shapes[near], weights=weights, lines=lines, kinds=kinds)


def demo() -> Site:
    """The demo district made from its seed: 74 communities with the households of a register."""
    from migrations.demo.town import make_town

    town = make_town(1)
    communities = {area.code: area.polygon for area in town.areas if area.level == "community"}
    buildings = _array([building.footprint for building in town.buildings])
    lines = _array([road.line for road in town.roads])
    return Site(
        areas=communities,
        buildings=buildings,
        weights=np.array([building.households for building in town.buildings], dtype=float),
        stairwells=np.array([len(building.rooms) for building in town.buildings], dtype=np.intp),
        lines=lines,
        kinds=np.array([int(road_kind(road.road_class)) for road in town.roads], dtype=np.intp),
        water=_array([water.polygon for water in town.waters]),
    )


GROUNDS: Mapping[str, Callable[[], Site]] = {
    "suzhou": suzhou,
    "shanghai": shanghai,
    "shenzhen": shenzhen,
    "manhattan": manhattan,
    "demo": demo,
}


def _polygons(shapes: Any, plane: Plane) -> Any:
    """The shapes in metres; of one in several parts the largest."""
    whole = [max(s.geoms, key=lambda part: part.area) if s.geom_type == "MultiPolygon" else s for s in shapes]
    return plane.to_metres(_array(whole))


def _roads(shapes: Any, classes: Any, plane: Plane, frame: Any) -> tuple[Any, Any]:
    lines = plane.to_metres(_array(list(shapes)))
    inside = shapely.intersects(frame, lines)
    kinds = np.array([int(road_kind(str(name))) for name in classes], dtype=np.intp)
    return lines[inside], kinds[inside]


def _around(shapes: Any) -> Any:
    """A boundary around all buildings: no official one is at hand."""
    hull = shapely.concave_hull(shapely.multipoints(shapely.get_coordinates(shapes)), 0.1)
    ground = shapely.union_all([hull.buffer(15), shapely.union_all(shapely.buffer(shapes, 10))]).buffer(0)
    return put_on_lattice(
        shapely.simplify(shapely.Polygon(max(shapely.get_parts(ground), key=shapely.area).exterior), 3)
    )


def _array(items: list[Any]) -> Any:
    out = np.empty(len(items), dtype=object)
    out[:] = items
    return out
