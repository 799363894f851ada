"""The patches of the planner's brush over HTTP, and giving painted ones away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine
from starlette.testclient import TestClient

from layers.buildings import Building
from layers.db import transaction
from layers.ground.roads import Road
from tests.plan_desk import Draft, shape_of
from tests.small_city import SmallCity, stored

ClientAs = Callable[..., TestClient]


@pytest.fixture
def built(engine: Engine, small_city: SmallCity) -> SmallCity:
    """The small city with a road through its middle from west to east, and two houses in its first tile."""
    west, south, east, north = small_city.shapes.frame.bounds
    middle = (south + north) / 2
    road = shapely.MultiLineString([[(west, middle), (east, middle)]])
    first = small_city.shapes.polygons[0].representative_point()
    with transaction(engine) as session:
        session.add(Road(district=small_city.district, name="新华道", geom=f"SRID=4326;{road.wkt}"))
        for name, off, homes, override in (("1号楼", -1e-4, 7, None), ("2号楼", 1e-4, 5, max(small_city.codes)[:15])):
            place = shapely.Point(first.x + off, first.y)
            session.add(
                Building(
                    district=small_city.district,
                    name=name,
                    households=homes,
                    grid_override=override,
                    geom=stored(place.buffer(4e-5, quad_segs=2)),
                    inner_point=f"SRID=4326;{place.wkt}",
                )
            )
    return small_city


def box_of(city: SmallCity) -> str:
    return ",".join(str(side) for side in city.shapes.frame.bounds)


def patches(draft: Draft, city: SmallCity, **asked: str) -> list[dict[str, Any]]:
    answer = draft.client.get(f"{draft.path}/blocks", params={"bbox": box_of(city), **asked})
    assert answer.status_code == 200, answer.text
    features: list[dict[str, Any]] = answer.json()["features"]
    return features


@pytest.mark.parametrize("by", ["block", "building"])
def test_patches_tile_every_finest_tile(client_as: ClientAs, built: SmallCity, by: str) -> None:
    found = patches(Draft(client_as("planner"), built.district), built, by=by)
    for code, tile in zip(built.codes, built.shapes.polygons, strict=True):
        mine = [shape_of(one["geometry"]) for one in found if one["properties"]["tile"] == code]
        assert sum(patch.area for patch in mine) == pytest.approx(tile.area, rel=1e-6)
        assert all(tile.buffer(1e-8).covers(patch) for patch in mine)
        assert {one["properties"]["grid"] for one in found if one["properties"]["tile"] == code} == {code[:15]}


def test_a_road_cuts_the_grids_that_it_crosses(client_as: ClientAs, built: SmallCity) -> None:
    found = patches(Draft(client_as("planner"), built.district), built)
    assert len(built.codes) < len(found) <= 2 * len(built.codes)


def test_a_building_has_its_share_and_one_that_was_put_elsewhere_moves_with_no_ground(
    client_as: ClientAs, built: SmallCity
) -> None:
    found = patches(Draft(client_as("planner"), built.district), built, by="building")
    shares = {one["properties"]["name"]: one["properties"] for one in found if one["properties"]["name"]}
    assert (shares["1号楼"]["households"], shares["1号楼"]["buildings"]) == (7, 1)
    assert (shares["2号楼"]["households"], shares["2号楼"]["buildings"]) == (0, 0)


def test_painted_patches_that_touch_are_given_as_one_edit(client_as: ClientAs, built: SmallCity) -> None:
    draft = Draft(client_as("planner"), built.district)
    before = draft.grids()
    cut = [one for one in patches(draft, built) if not one["properties"]["tile"].startswith(built.codes[0][:15])]
    whole: dict[str, int] = {}
    for one in cut:
        whole[one["properties"]["tile"]] = whole.get(one["properties"]["tile"], 0) + 1
    grid_of = {one["properties"]["tile"]: one["properties"]["grid"] for one in cut}
    part = next(one for one in cut if whole[one["properties"]["tile"]] == 2)
    piece = shape_of(part["geometry"])
    tile, community = part["properties"]["tile"], part["properties"]["community"]
    to = next(
        code
        for code, other in zip(built.codes, built.shapes.polygons, strict=True)
        if code[:15] != grid_of[tile] and code[:12] == community and other.intersection(piece).length > 1e-6
    )
    # A second patch beside the first one: their edges touch, so the two are no valid MultiPolygon by themselves.
    half = shapely.box(*piece.bounds)
    west, south, east, north = half.bounds
    left, right = (
        piece.intersection(shapely.box(*sides))
        for sides in ((west, south, (west + east) / 2, north), ((west + east) / 2, south, east, north))
    )
    rings = [
        [list(map(list, part.exterior.coords))] for one in (left, right) for part in shapely.get_parts(one).tolist()
    ]
    answer = draft.edit(op="give", geometry={"type": "MultiPolygon", "coordinates": rings}, to=to)
    assert answer.status_code == 200, answer.text
    after = draft.grids()
    gained = shape_of(after[to]["geometry"]).area - shape_of(before[to]["geometry"]).area
    assert gained == pytest.approx(piece.area, rel=1e-4)
    assert draft.report()["ok"]


def test_a_part_that_crosses_itself_is_refused(client_as: ClientAs, built: SmallCity) -> None:
    draft = Draft(client_as("planner"), built.district)
    bow = [[[118.18, 39.65], [118.181, 39.651], [118.181, 39.65], [118.18, 39.651], [118.18, 39.65]]]
    answer = draft.edit(op="give", geometry={"type": "MultiPolygon", "coordinates": [bow]}, to=built.codes[0])
    assert answer.status_code == 422


def test_patches_need_a_box(client_as: ClientAs, built: SmallCity) -> None:
    draft = Draft(client_as("planner"), built.district)
    assert draft.client.get(f"{draft.path}/blocks").status_code == 422


def test_patches_lie_in_the_area_of_who_asks(client_as: ClientAs, built: SmallCity) -> None:
    draft = Draft(client_as("planner"), built.district)
    street = client_as("planner", area=built.codes[0][:12])
    found = street.get(f"{draft.path}/blocks", params={"bbox": box_of(built)}).json()["features"]
    assert found
    assert all(one["properties"]["tile"].startswith(built.codes[0][:12]) for one in found)
    assert client_as("planner", area="999999").get(f"{draft.path}/blocks").status_code in (404, 422)
