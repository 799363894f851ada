"""What is refused, by the geometry of the service: the same cases that the planner's page tells while one draws."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import shapely

from tests.drawing import at
from tiling.borders import insert_vertex, move_vertex, redraw_border
from tiling.errors import TilingError
from tiling.partition import Change, Partition
from tiling.reshape import carve, give, merge, split

FIXTURE = json.loads((Path(__file__).parents[1] / "fixtures" / "obstacles.json").read_text(encoding="utf-8"))
Case = Mapping[str, Any]


def tiling_of(name: str) -> Partition:
    """The tiling of the fixture, its communities with rings of their own."""
    grids = FIXTURE["tilings"][name]
    shapes = {code: shapely.Polygon(*_rings(grid)) for code, grid in grids.items()}
    members: dict[str, list[shapely.Polygon]] = {}
    for code, shape in shapes.items():
        members.setdefault(grids[code]["community"], []).append(shape)
    areas = {code: shapely.coverage_union_all(own) for code, own in members.items()}
    return Partition.of(
        list(shapes),
        list(shapes.values()),
        parents={code: grid["community"] for code, grid in grids.items()},
        frame=shapely.coverage_union_all(list(shapes.values())),
        areas=areas,
    )


def _rings(grid: Case) -> tuple[list[tuple[float, float]], list[list[tuple[float, float]]]]:
    outer, *holes = ([at(*place) for place in ring] for ring in grid["rings"])
    return outer, holes


def line(case: Case) -> shapely.LineString:
    return shapely.LineString([at(*place) for place in case["line"]])


def area(case: Case) -> shapely.Polygon:
    return shapely.Polygon([at(*place) for place in case["area"]])


def middle(case: Case) -> tuple[float, float]:
    (x0, y0), (x1, y1) = (at(*place) for place in case["edge"])
    return (x0 + x1) / 2, (y0 + y1) / 2


DEEDS: Mapping[str, Callable[[Partition, Case], Change]] = {
    "move_vertex": lambda tiling, case: move_vertex(tiling, at(*case["at"]), to=at(*case["to"])),
    "insert_vertex": lambda tiling, case: insert_vertex(tiling, middle(case), to=at(*case["to"])),
    "split": lambda tiling, case: split(tiling, case["code"], line(case), new_code=["X", "Y", "Z"]),
    "redraw_border": lambda tiling, case: redraw_border(tiling, case["left"], case["right"], line(case)),
    "merge": lambda tiling, case: merge(tiling, case["codes"]),
    "carve": lambda tiling, case: carve(tiling, area(case), code="X", parent="1", pieces_to="X"),
    "give": lambda tiling, case: give(tiling, area(case), to=case["to"]),
}


@pytest.mark.parametrize("case", FIXTURE["cases"], ids=lambda case: f"{case['op']}-{case['refused']}")
def test_the_service_refuses_what_the_page_tells_as_impossible(case: Case) -> None:
    refused = None
    try:
        DEEDS[case["op"]](tiling_of(case["on"]), case)
    except TilingError as error:
        refused = error.code
    assert refused == case["refused"]
