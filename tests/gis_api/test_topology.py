"""The packed grids of a plan hold what the GeoJSON of the same plan says, to the last digit."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
from starlette.testclient import TestClient

from layers.planning.state.board import GridRow
from layers.planning.views.topology import pack_rows
from tests.plan_desk import Draft
from tests.small_city import SmallCity

ClientAs = Callable[..., TestClient]


def unpacked(message: bytes) -> tuple[dict[str, Any], list[list[list[list[list[float]]]]]]:
    """The head of a packed message, and the coordinates of each MultiPolygon."""
    import json

    assert message[:4] == b"WGT1"
    (length,) = struct.unpack("<I", message[4:8])
    head: dict[str, Any] = json.loads(message[8 : 8 + length])
    kind, size = ("<f8", 8) if head["wide"] else ("<i4", 4)
    at, axes = 8 + length, []
    for corner in head["corner"]:
        steps = np.frombuffer(message, kind, head["points"], at)
        axes.append(steps if head["wide"] else (steps.astype(np.int64) + corner) / 1e9)
        at += size * head["points"]
    numbers = np.frombuffer(message, "<u4", offset=at)
    places, lengths, rings = np.column_stack(axes), iter(head["lengths"]), iter(head["rings"])
    starts = iter(np.split(numbers, np.cumsum(head["lengths"])[:-1]))
    shapes = []
    for count in head["polygons"]:
        polygons = []
        for _ in range(count):
            made = []
            for _ in range(next(rings)):
                ids = next(starts)
                assert len(ids) == next(lengths)
                made.append(places[[*ids, ids[0]]].tolist())
            polygons.append(made)
        shapes.append(polygons)
    return head, shapes


def test_it_holds_what_the_geojson_says(client_as: ClientAs, small_city: SmallCity) -> None:
    draft = Draft(client_as("planner"), small_city.district)
    answer = draft.client.get(f"{draft.path}/topology")
    assert answer.status_code == 200
    head, shapes = unpacked(answer.content)
    grids = draft.grids()
    assert head["version"] == 1
    assert head["columns"]["code"] == sorted(grids)
    for row, (code, coordinates) in enumerate(zip(head["columns"]["code"], shapes, strict=True)):
        assert {name: values[row] for name, values in head["columns"].items()} == grids[code]["properties"]
        assert coordinates == grids[code]["geometry"]["coordinates"]
    assert head["points"] < sum(head["lengths"])


def test_vertices_come_in_the_order_of_their_positions(client_as: ClientAs, small_city: SmallCity) -> None:
    message = Draft(client_as("planner"), small_city.district).client
    listed = message.get("/api/v1/plans").json()["plans"][0]["id"]
    head, shapes = unpacked(message.get(f"/api/v1/plans/{listed}/topology").content)
    places = {tuple(place) for shape in shapes for polygon in shape for ring in polygon for place in ring}
    content = message.get(f"/api/v1/plans/{listed}/topology").content
    (length,) = struct.unpack("<I", content[4:8])
    axes = np.frombuffer(content, "<i4", 2 * head["points"], 8 + length).astype(np.int64).reshape(2, -1)
    told = [((lon + head["corner"][0]) / 1e9, (lat + head["corner"][1]) / 1e9) for lon, lat in axes.T.tolist()]
    assert told == sorted(places)


def test_only_the_area_of_who_asks_is_told(client_as: ClientAs, small_city: SmallCity) -> None:
    draft = Draft(client_as("planner"), small_city.district)
    mine = client_as("planner", area=small_city.codes[0][:12]).get(f"{draft.path}/topology").content
    head, _ = unpacked(mine)
    assert {code[:12] for code in head["columns"]["code"]} == {small_city.codes[0][:12]}
    assert client_as("planner", area="999999").get(f"{draft.path}/topology").status_code == 404


def test_a_plan_without_grids_is_empty(client_as: ClientAs, small_city: SmallCity) -> None:
    draft = Draft(client_as("planner"), small_city.district, based_on=None)
    head, shapes = unpacked(draft.client.get(f"{draft.path}/topology").content)
    assert (head["points"], shapes, head["columns"]) == (0, [], {"code": []})


@pytest.mark.parametrize("wide", [False, True])
def test_holes_parts_and_wide_plans_come_through(wide: bool) -> None:
    east = 130.123456789 if wide else 118.987654321
    ring = shapely.box(118.000000001, 39.000000002, 118.4, 39.4).difference(shapely.box(118.1, 39.1, 118.2, 39.2))
    shape = shapely.MultiPolygon([ring, shapely.box(east, 39.5, round(east + 1e-9, 9), 39.6)])
    row = GridRow(code="1", level="grid", parent_code=None, name="一")
    head, shapes = unpacked(pack_rows(3, [row], np.array([shape], dtype=object), targets={}))
    assert head["wide"] is wide
    told = shapely.MultiPolygon([(polygon[0], polygon[1:]) for polygon in shapes[0]])
    assert told.equals_exact(shape, 0.0)
