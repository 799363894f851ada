"""What the map shows around the houses: roads with bridges, water, parks, and the overlays of the patrol teams."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import LineString, Polygon

from migrations.demo.cutting import Cut, Floats, largest, lines_of, placed, placed_parts
from migrations.demo.layout import BANK_M, Layout
from migrations.demo.model import TownGround, TownRoad
from migrations.demo.naming import PARKS, RIVER, road_name, road_names

SHORTEST_ROAD_M = 8.0
LEAST_POND_M2 = 6_000.0


def make_roads(layout: Layout, cuts: list[Cut], *, origin: Floats, rng: np.random.Generator) -> tuple[TownRoad, ...]:
    """All roads: cuts with a class, less what lies in the river's strip or in a park, and bridges in their stead."""
    free = shapely.union_all([shapely.buffer(layout.corridor, -0.5), *shapely.buffer(layout.greens, -0.5)])
    shapely.prepare(free)
    stems = iter(road_names(len(layout.cuts) + 40, rng))
    roads: list[TownRoad] = []
    ends: list[tuple[str, str, shapely.Point]] = []
    for cut in cuts:
        if not cut.road_class:
            continue
        name = "" if cut.road_class == "path" else road_name(next(stems), cut.line, road_class=cut.road_class)
        for line in lines_of(shapely.difference(cut.line, free)):
            if line.length > SHORTEST_ROAD_M:
                roads.append(TownRoad(name, cut.road_class, placed(line, origin)))
                ends += [(name, cut.road_class, shapely.Point(xy)) for xy in (line.coords[0], line.coords[-1])]
    return (*roads, *_bridges(layout, ends, origin))


def _bridges(layout: Layout, ends: list[tuple[str, str, shapely.Point]], origin: Floats) -> list[TownRoad]:
    """A bridge where a large road ends at the river's bank, to a road's end across or straight over."""
    banked = [
        e for e in ends if e[1] in ("primary", "secondary", "tertiary") and layout.river.distance(e[2]) < BANK_M + 2.0
    ]
    bridges: list[LineString] = []
    roads = []
    for name, road_class, start in banked:
        here = layout.river.interpolate(layout.river.project(start))
        over = shapely.Point(2.0 * here.x - start.x, 2.0 * here.y - start.y)
        goal = min((e[2] for e in banked), key=lambda point: float(point.distance(over)))
        bridge = LineString([start, goal if goal.distance(over) < 70.0 and goal is not start else over])
        if bridge.crosses(layout.river) and all(other.distance(bridge) > 160.0 for other in bridges):
            bridges.append(bridge)
            roads.append(TownRoad(name[:-1] + "桥", road_class, placed(bridge, origin)))
    return roads


def make_waters(
    layout: Layout, parks: list[Polygon], *, origin: Floats, rng: np.random.Generator
) -> tuple[TownGround, ...]:
    """The river, and ponds in the larger parks."""
    river = [TownGround(RIVER, "river", part) for part in placed_parts(layout.water, origin)]
    ponds = [pond for pond in (_pond(park, rng) for park in parks) if pond is not None]
    return (*river, *(TownGround("", "pond", part) for pond in ponds for part in placed_parts(pond, origin)))


def _pond(park: Polygon, rng: np.random.Generator) -> Polygon | None:
    """A pond that leaves room for the paths, or None in a small or narrow park."""
    inner = largest(shapely.buffer(park, -14.0))
    if park.area < LEAST_POND_M2 or inner.area < 900.0:
        return None
    shrunk = affinity.scale(inner, rng.uniform(0.45, 0.65), rng.uniform(0.4, 0.6))
    return largest(shapely.intersection(shapely.buffer(shapely.buffer(shrunk, -6.0), 6.0, quad_segs=6), inner)) or None


def make_parks(layout: Layout, parks: list[tuple[str, Polygon]], *, origin: Floats) -> tuple[TownGround, ...]:
    """The greens of the parks by name, and the banks of the river."""
    banks = shapely.difference(shapely.intersection(layout.corridor, layout.frame), layout.water)
    bank = [TownGround(f"{RIVER}沿岸", "bank", part) for part in placed_parts(banks, origin)]
    green = [TownGround(name, "park", part) for name, site in parks for part in placed_parts(site, origin)]
    return (*green, *bank)


def group_names(groups: list[str]) -> dict[str, str]:
    """A speaking name for each group of dedicated grids: the river, the parks, the industrial estates."""
    parks, works = iter(PARKS), iter("甲乙丙丁戊己庚辛壬癸")
    names = {}
    for group in dict.fromkeys(groups):
        if group.startswith("park"):
            names[group] = next(parks) + "公园"
        elif group.startswith("industry"):
            names[group] = f"高新产业园{next(works)}区"
        else:
            names[group] = RIVER
    return names
