"""The demo's components along its streets: manhole covers, lamps, hydrants, bins and sign posts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from migrations.demo.model import Town, TownRoad
from migrations.demo.places import DISTRICT_CODE
from migrations.demo.rows import Writer, points

# Half of the carriageway by class of road, in metres; other roads have nothing beside them.
HALF_WIDTH_M = {"primary": 8.0, "secondary": 6.5, "tertiary": 5.0, "residential": 3.5}
# What is found when such things are counted: most of them are as they should be.
STATES, SHARES = ("intact", "damaged", "missing", "blocked"), (0.955, 0.03, 0.005, 0.01)


@dataclass(frozen=True)
class _Kind:
    """One kind: classes, spacing along the road, distance from the carriageway's edge (negative: on it), who cares."""

    name: str
    main_class: str
    sub_class: str
    every_m: float
    aside_m: float
    accuracy: str
    supervising: str
    maintaining: str


KINDS = (
    _Kind("雨水井盖", "01", "003", 60.0, -0.6, "A", "城市管理局", "排水养护所"),
    _Kind("污水井盖", "01", "002", 75.0, -2.2, "A", "城市管理局", "排水养护所"),
    _Kind("路灯", "01", "024", 45.0, 0.8, "A", "城市管理局", "路灯管理处"),
    _Kind("消火栓", "01", "015", 200.0, 1.2, "B", "消防救援大队", "供水公司"),
    _Kind("交通标志牌", "02", "006", 220.0, 0.9, "B", "交警大队", "交通设施维护队"),
    _Kind("垃圾箱", "03", "002", 130.0, 1.5, "C", "城市管理局", "环境卫生所"),
)


def write_components(writer: Writer, town: Town, rng: np.random.Generator) -> int:
    """The number of components written, each inside the district and numbered within its class."""
    roads = [road for road in town.roads if road.road_class in HALF_WIDTH_M]
    placed = [(kind, _inside(town, _places(kind, roads, rng))) for kind in KINDS]
    rows = (row for kind, xy in placed for row in _rows(writer, kind, xy, rng))
    columns = "code district name accuracy state supervising_unit maintaining_unit geom"
    return writer.copy("components", columns, rows=rows)


def _places(kind: _Kind, roads: list[TownRoad], rng: np.random.Generator) -> NDArray[np.float64]:
    """x and y in metres beside all roads: on both sides by turns, a little irregular as in life."""
    found = []
    for road in roads:
        along = np.arange(rng.uniform(0.2, 0.8) * kind.every_m, road.line.length, kind.every_m)
        here, ahead = (
            shapely.get_coordinates(shapely.line_interpolate_point(road.line, along + step)) for step in (-0.5, 0.5)
        )
        way = ahead - here
        length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)
        side = np.where(np.arange(len(along)) % 2, 1.0, -1.0) * (HALF_WIDTH_M[road.road_class] + kind.aside_m)
        aside = np.column_stack([-way[:, 1], way[:, 0]]) / length[:, None] * side[:, None]
        found.append((here + ahead) / 2 + aside)
    return np.concatenate(found)


def _inside(town: Town, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    shapely.prepare(town.frame)
    inside: NDArray[np.float64] = xy[shapely.contains_xy(town.frame, xy[:, 0], xy[:, 1])]
    return inside


def _rows(writer: Writer, kind: _Kind, xy: NDArray[np.float64], rng: np.random.Generator) -> Iterator[tuple[str, ...]]:
    states = rng.choice(STATES, len(xy), p=SHARES)
    for number, (state, point) in enumerate(zip(states, points(writer.lonlat(xy)), strict=True), start=1):
        code = f"{DISTRICT_CODE}{kind.main_class}{kind.sub_class}{number:05d}"
        yield code, DISTRICT_CODE, kind.name, kind.accuracy, str(state), kind.supervising, kind.maintaining, point
