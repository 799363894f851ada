"""The published layers as GeoJSON and as tiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from layers.buildings import Building
from layers.db import transaction
from layers.ground.components import Component
from layers.ground.roads import Road
from tests.small_city import SmallCity, stored
from tiling.datums import from_wgs84

ClientAs = Callable[..., TestClient]


@pytest.fixture
def building(engine: Engine, small_city: SmallCity) -> str:
    """A house of seven households in the first tile."""
    code = min(small_city.codes)
    shape = small_city.shapes.polygons[small_city.codes.index(code)]
    point = shape.representative_point()
    house = point.buffer(1e-5, quad_segs=1)
    with transaction(engine) as session:
        session.add(
            Building(
                district=small_city.district,
                name="1号楼",
                households=7,
                geom=stored(house),
                inner_point=f"SRID=4326;{point.wkt}",
            )
        )
    return code


def features(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/geo+json")
    found: list[dict[str, Any]] = answer.json()["features"]
    return found


def test_all_grids_and_sub_grids_in_force_are_read(client_as: ClientAs, small_city: SmallCity) -> None:
    read = features(client_as("leader").get("/api/v1/grids"))
    assert {f["properties"]["code"] for f in read} == set(small_city.codes) | set(small_city.shapes.grids)


def test_pages_hold_each_thing_once(client_as: ClientAs, small_city: SmallCity) -> None:
    client, address, seen = client_as("planner"), "/api/v1/grids?limit=5", []
    while address is not None:
        answer = client.get(address)
        seen += [f["id"] for f in features(answer)]
        address = answer.json()["next"]
    assert len(seen) == len(set(seen)) == len(set(small_city.codes) | set(small_city.shapes.grids))


def test_a_box_leaves_out_what_lies_elsewhere(client_as: ClientAs) -> None:
    assert features(client_as("planner").get("/api/v1/grids?bbox=10,10,11,11")) == []


def test_a_box_is_read_in_the_datum_that_is_stated_or_is_the_keys(client_as: ClientAs, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(min(small_city.codes))
    wide = 1e-6
    boxes = {}
    for datum in ("wgs84", "gcj02"):
        x, y = (float(value) for value in from_wgs84(lon, lat, datum))
        boxes[datum] = f"{x - wide},{y - wide},{x + wide},{y + wide}"
    address = "/api/v1/grids"
    here = features(client_as("planner").get(address, params={"bbox": boxes["wgs84"]}))
    assert here
    chinese = client_as("planner", datum="gcj02")
    assert features(chinese.get(address, params={"bbox": boxes["gcj02"]})) == here
    assert chinese.get(address, params={"bbox": boxes["wgs84"], "datum": "wgs84"}).status_code == 422
    unsaid = client_as("planner", datum=None)
    assert unsaid.get(address, params={"bbox": boxes["wgs84"]}).status_code == 422
    assert features(unsaid.get(address, params={"bbox": boxes["gcj02"], "datum": "gcj02"})) == here


@pytest.mark.parametrize("bbox", ["1,2,3", "a,b,c,d", "3,2,1,0", "nan,0,1,1", "0,0,inf,1"])
def test_a_wrong_box_is_refused(client_as: ClientAs, bbox: str) -> None:
    assert client_as("planner").get("/api/v1/grids", params={"bbox": bbox}).status_code == 422


@pytest.mark.parametrize("cursor", ["!", "AAAA", "MScgT1IgMQ==", "eA=="])
def test_a_wrong_cursor_is_refused(client_as: ClientAs, cursor: str) -> None:
    assert client_as("planner").get("/api/v1/buildings", params={"after": cursor}).status_code == 422


@pytest.mark.parametrize(("role", "told"), [("planner", 7), ("admin", 7), ("leader", None), ("dispatcher", None)])
def test_households_per_building_are_for_planners(
    client_as: ClientAs, building: str, role: str, told: int | None
) -> None:
    (house,) = features(client_as(role).get("/api/v1/buildings"))
    assert house["properties"].get("households") == told


def test_a_building_lies_in_the_area_of_its_grid(client_as: ClientAs, building: str) -> None:
    assert len(features(client_as("planner", area=building[:15]).get("/api/v1/buildings"))) == 1
    assert features(client_as("planner", area="999999").get("/api/v1/buildings")) == []


@pytest.mark.parametrize("layer", ["hazards", "devices"])
def test_leaders_see_no_points(client_as: ClientAs, layer: str) -> None:
    assert client_as("leader").get(f"/api/v1/{layer}").status_code == 403


def test_a_planner_reads_no_devices(client_as: ClientAs) -> None:
    assert client_as("planner").get("/api/v1/devices").status_code == 403


def tile_over(city: SmallCity, z: int) -> str:
    lon, lat = city.inside(min(city.codes))
    n = 2**z
    x = int((lon + 180) / 360 * n)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
    return f"{z}/{x}/{y}"


def test_a_tile_holds_the_grids_of_its_place(client_as: ClientAs, small_city: SmallCity) -> None:
    answer = client_as("leader").get(f"/tiles/grids/{tile_over(small_city, 16)}.mvt")
    assert answer.status_code == 200
    assert min(small_city.codes)[:15].encode() in answer.content
    assert answer.headers["cache-control"].startswith("private")


def test_an_unchanged_tile_is_not_sent_again(client_as: ClientAs, small_city: SmallCity) -> None:
    client, address = client_as("leader"), f"/tiles/grids/{tile_over(small_city, 16)}.mvt"
    tag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_a_tile_holds_nothing_of_a_foreign_area(client_as: ClientAs, small_city: SmallCity) -> None:
    here = f"/tiles/grids/{tile_over(small_city, 16)}.mvt"
    assert client_as("leader").get(here).content != b""
    assert client_as("leader", area="999999").get(here).content == b""


def test_building_tiles_tell_nothing_of_households(client_as: ClientAs, small_city: SmallCity, building: str) -> None:
    answer = client_as("planner").get(f"/tiles/buildings/{tile_over(small_city, 16)}.mvt")
    assert "1号楼".encode() in answer.content
    assert b"households" not in answer.content


@pytest.mark.parametrize("address", ["3/9/1", "23/0/0", "-1/0/0"])
def test_a_tile_that_cannot_be_is_refused(client_as: ClientAs, address: str) -> None:
    assert client_as("leader").get(f"/tiles/grids/{address}.mvt").status_code == 422


def test_an_unknown_layer_is_not_found(client_as: ClientAs) -> None:
    assert client_as("leader").get("/tiles/secrets/1/0/0.mvt").status_code == 404


def test_hazard_tiles_are_not_for_leaders(client_as: ClientAs) -> None:
    assert client_as("leader").get("/tiles/hazards/1/0/0.mvt").status_code == 403


def test_tile_json_names_the_tiles(client_as: ClientAs) -> None:
    document = client_as("leader").get("/tiles/grids.json").json()
    assert document["tilejson"] == "3.0.0"
    assert "/tiles/grids/{z}/{x}/{y}.mvt" in document["tiles"][0]
    assert len(document["bounds"]) == 4


def west_of(z: int, x: int, y: int, *, metres: float) -> tuple[float, float, float]:
    """Longitude so far west of a tile, and the latitudes of its south and north side."""
    west = x * 360 / 2**z - 180
    south, north = (math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * k / 2**z)))) for k in (y + 1, y))
    return west - metres / (111_320 * math.cos(math.radians(south))), south, north


def test_a_dot_beside_a_tile_reaches_into_it(client_as: ClientAs, engine: Engine, small_city: SmallCity) -> None:
    """A metre west of it at zoom 19 are 4.3 pixels, and a dot has a radius of 4 and an edge."""
    z, x, y = map(int, tile_over(small_city, 19).split("/"))
    beside, south, north = west_of(z, x, y, metres=1.0)
    place = f"SRID=4326;POINT({beside} {(south + north) / 2})"
    with transaction(engine) as session:
        code = f"{small_city.district}0100300001"
        session.add(Component(district=small_city.district, code=code, name="雨水井盖", geom=place))
    assert code.encode() in client_as("leader").get(f"/tiles/components/{z}/{x}/{y}.mvt").content


def test_a_wide_road_beside_a_tile_reaches_into_it(client_as: ClientAs, engine: Engine, small_city: SmallCity) -> None:
    """Its casing would end at the side of the tile, if only what lies inside were told."""
    z, x, y = map(int, tile_over(small_city, 19).split("/"))
    # A motorway is drawn 11 m to each side.
    beside, south, north = west_of(z, x, y, metres=9.0)
    line = f"MULTILINESTRING(({beside} {south}, {beside} {north}))"
    with transaction(engine) as session:
        session.add(Road(district=small_city.district, name="快速路", road_class="motorway", geom=f"SRID=4326;{line}"))
    assert "快速路".encode() in client_as("leader").get(f"/tiles/roads/{z}/{x}/{y}.mvt").content
