"""The twelve department patrol teams: overlay grids, each over several dedicated grids, free to overlap anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import MultiPolygon, Polygon

from migrations.demo.cutting import placed_parts
from migrations.demo.model import TownGrid
from migrations.demo.places import DISTRICT_CODE


@dataclass(frozen=True)
class Team:
    """One team: its name, its department, and the use of the dedicated grids that it watches, the how-many-th share."""

    name: str
    unit: str
    use: str
    share: int
    of: int


TEAMS = (
    Team("河道巡查一队", "水务", "river", 0, 3),
    Team("河道巡查二队", "水务", "river", 1, 3),
    Team("河道巡查三队", "水务", "river", 2, 3),
    Team("园林绿化巡查一队", "园林", "park", 0, 3),
    Team("园林绿化巡查二队", "园林", "park", 1, 3),
    Team("园林绿化巡查三队", "园林", "park", 2, 3),
    Team("安全生产巡查一队", "应急", "industry", 0, 3),
    Team("安全生产巡查二队", "应急", "industry", 1, 3),
    Team("安全生产巡查三队", "应急", "industry", 2, 3),
    Team("环境保护巡查队", "生态环境", "river", 0, 1),
    Team("城市管理巡查队", "城管", "park", 0, 1),
    Team("消防巡查队", "消防", "industry", 0, 1),
)
BESIDE_M = 25.0


def patrol_grids(dedicated: list[TownGrid], frame: Polygon) -> list[TownGrid]:
    """One overlay grid per team, inside the frame; it lies over several communities, so its code names none."""
    return [_overlay(number, team, dedicated, frame) for number, team in enumerate(TEAMS, start=1)]


def _overlay(number: int, team: Team, dedicated: list[TownGrid], frame: Polygon) -> TownGrid:
    watched = sorted((g for g in dedicated if g.use == team.use), key=lambda g: -g.polygon.centroid.y)
    mine = [watched[int(i)] for i in np.array_split(np.arange(len(watched)), team.of)[team.share]]
    reach = shapely.buffer(shapely.union_all([g.polygon for g in mine]), BESIDE_M, quad_segs=2)
    outline = shapely.simplify(shapely.intersection(reach, shapely.buffer(frame, -5.0)), 1.0)
    polygon = MultiPolygon(placed_parts(outline, np.zeros(2)))
    code = f"{DISTRICT_CODE}000000{900 + number}"
    return TownGrid(
        code, f"{team.name}专属网格", "grid", DISTRICT_CODE, "dedicated", False, team.unit, "patrol", polygon, 0, 0
    )
