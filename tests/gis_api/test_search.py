"""Finding places by code, name and address: what is found, in which order, by whom."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, update
from starlette.testclient import TestClient

from layers.areas import Area
from layers.buildings import Building, Compound
from layers.db import transaction
from layers.grids import Grid
from tests.plan_desk import Draft
from tests.small_city import SmallCity, stored

ClientAs = Callable[..., TestClient]
FIRST = "130273001001001"


def house(city: SmallCity, code: str, *, name: str, address: str = "", **more: Any) -> Building:
    """A small house well inside a grid."""
    at = next(at for at, finest in enumerate(city.codes) if finest.startswith(code))
    point = city.shapes.polygons[at].representative_point()
    return Building(
        district=city.district,
        name=name,
        address=address,
        geom=stored(point.buffer(1e-5, quad_segs=1)),
        inner_point=f"SRID=4326;{point.wkt}",
        **more,
    )


@pytest.fixture
def named(engine: Engine, small_city: SmallCity) -> SmallCity:
    """The small city with a named grid, a compound of two houses, and a house at the other end of the district."""
    with transaction(engine) as session:
        place = shapely.box(*small_city.shapes.polygons[0].bounds)
        compound = Compound(district=small_city.district, name="阳光花园", geom=stored(place))
        session.add(compound)
        session.flush()
        session.add_all(
            [
                house(small_city, FIRST, name="3号楼", address="建设路18号", compound_id=compound.id, households=12),
                house(small_city, FIRST, name="13号楼", address="建设路20号", compound_id=compound.id),
                house(small_city, max(small_city.codes)[:15], name="水厂100%_泵房", address="新华道"),
            ]
        )
        session.execute(update(Grid).where(Grid.code == FIRST).values(name="阳光网格"))
        session.execute(update(Area).where(Area.code == FIRST[:12]).values(name="光明社区", geom=None))
    return small_city


def found(client: TestClient, q: str, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/search", params={"q": q, **asked})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def names(client: TestClient, q: str, **asked: Any) -> list[str]:
    return [one["name"] for one in found(client, q, **asked)]


def test_a_whole_code_comes_first_and_what_begins_with_it_behind(client_as: ClientAs, named: SmallCity) -> None:
    results = found(client_as("planner"), FIRST[:12])
    assert [results[0]["code"], results[0]["match"]] == [FIRST[:12], "code"]
    assert {one["match"] for one in results[1:]} == {"code_prefix"}
    assert all(one["code"].startswith(FIRST[:12]) for one in results)


def test_the_label_on_the_map_finds_its_grid(client_as: ClientAs, named: SmallCity) -> None:
    codes = {one["code"] for one in found(client_as("planner"), "001-001") if one["match"] == "code"}
    assert FIRST in codes
    assert all(code.endswith("001001") for code in codes)


def test_a_name_that_begins_so_comes_before_one_that_holds_it(client_as: ClientAs, named: SmallCity) -> None:
    results = found(client_as("planner"), "3号楼")
    assert [(one["name"], one["match"]) for one in results] == [
        ("阳光花园3号楼", "name_prefix"),
        ("阳光花园13号楼", "substring"),
    ]


@pytest.mark.parametrize(
    "typed", ["光", "阳光", "阳光花园", "花园3号", "阳光花园 3号楼", "３号楼", "建设路18", "建设路 阳光 3号"]
)
def test_any_part_finds_a_building(client_as: ClientAs, named: SmallCity, typed: str) -> None:
    assert "阳光花园3号楼" in names(client_as("planner"), typed)


def test_a_building_tells_its_grid_and_the_way_there(client_as: ClientAs, named: SmallCity) -> None:
    (one,) = found(client_as("planner"), "建设路18号")
    assert (one["kind"], one["grid"], one["detail"]) == ("building", FIRST, "建设路18号")
    assert [step["level"] for step in one["path"]] == ["district", "subdistrict", "community"]
    assert one["path"][-1] == {"level": "community", "code": FIRST[:12], "name": "光明社区"}
    west, south, east, north = one["bbox"]
    assert west < one["point"][0] < east
    assert south < one["point"][1] < north
    assert "households" not in one


def test_a_community_without_a_ring_lies_where_its_grids_lie(client_as: ClientAs, named: SmallCity) -> None:
    (one,) = found(client_as("planner"), "光明")
    assert (one["kind"], one["code"]) == ("community", FIRST[:12])
    whole = shapely.box(*one["bbox"])
    grids = [p for code, p in zip(named.codes, named.shapes.polygons, strict=True) if code.startswith(FIRST[:12])]
    assert all(whole.buffer(1e-9).covers(grid) for grid in grids)


@pytest.mark.parametrize("typed", ["%", "_", "100%_", "泵房 水厂"])
def test_signs_of_patterns_are_letters_like_others(client_as: ClientAs, named: SmallCity, typed: str) -> None:
    assert names(client_as("planner"), typed) == ["水厂100%_泵房"]


@pytest.mark.parametrize("typed", ["", "   ", "\x00", "没有这个地方", "阳光\\", "' OR 1=1 --"])
def test_what_is_nowhere_finds_nothing(client_as: ClientAs, named: SmallCity, typed: str) -> None:
    assert found(client_as("planner"), typed) == []


def test_nothing_of_a_foreign_area_is_found(client_as: ClientAs, named: SmallCity) -> None:
    other = client_as("planner", area="130274")
    assert [names(other, typed) for typed in ("阳光", FIRST, "建设路", "光明")] == [[], [], [], []]


def test_who_is_responsible_for_one_community_finds_its_houses_only(client_as: ClientAs, named: SmallCity) -> None:
    mine = client_as("planner", area=FIRST[:12])
    assert names(mine, "号楼") == ["阳光花园3号楼", "阳光花园13号楼"]
    assert names(mine, "泵房") == []
    assert mine.get("/api/v1/search", params={"q": "泵房", "area": "130273"}).status_code == 404


def test_an_area_that_is_asked_for_narrows_the_search(client_as: ClientAs, named: SmallCity) -> None:
    whole = client_as("planner")
    assert names(whole, "泵房", area=FIRST) == []
    assert names(whole, "泵房", area=max(named.codes)[:12]) == ["水厂100%_泵房"]


def test_a_draft_is_searched_by_its_own_names(client_as: ClientAs, named: SmallCity) -> None:
    planner = client_as("planner")
    draft = Draft(planner, named.district)
    assert draft.edit(op="set", code=FIRST, name="草案里的名字").status_code == 200
    assert names(planner, "草案里") == []
    assert names(planner, "草案里", plan=draft.id) == ["草案里的名字"]
    assert names(planner, "建设路18", plan=draft.id) == ["阳光花园3号楼"]


def test_a_house_put_into_a_grid_by_hand_is_told_with_the_code_that_the_grid_has_in_the_draft(
    client_as: ClientAs, named: SmallCity, engine: Engine
) -> None:
    far, unknown = sorted({code[:15] for code in named.codes})[-1], f"{FIRST[:12]}777"
    with transaction(engine) as session:
        session.add(house(named, far, name="移交楼", grid_override=FIRST))
        session.add(house(named, far, name="旧码楼", grid_override=unknown))
    client = client_as("planner")
    draft = Draft(client, named.district)
    codes = [FIRST, f"{FIRST[:12]}900", f"{FIRST[:12]}901"]
    for old, new in pairwise(codes):
        assert draft.edit(op="set", code=old, new_code=new).status_code == 200
    assert [one["grid"] for one in found(client, "移交楼", plan=draft.id)] == codes[-1:]
    assert [one["grid"] for one in found(client, "移交楼")] == [FIRST]
    # A code that no grid of the plan ever bore: the place decides, as where households are counted.
    assert [one["grid"] for one in found(client, "旧码楼", plan=draft.id)] == [far]


@pytest.mark.parametrize("role", ["dispatcher", "leader", "worker"])
def test_drafts_are_not_searched_by_others(client_as: ClientAs, named: SmallCity, role: str) -> None:
    client = client_as(role)
    assert names(client, "阳光网格") == ["阳光网格"]
    assert client.get("/api/v1/search", params={"q": "阳光", "plan": "1"}).status_code == 403


def test_a_plan_of_a_foreign_district_is_not_found(client_as: ClientAs, named: SmallCity) -> None:
    draft = Draft(client_as("planner"), named.district)
    asked = {"q": "阳光", "plan": draft.id}
    assert client_as("planner", area="130274").get("/api/v1/search", params=asked).status_code == 404


def test_more_than_fit_is_said(client_as: ClientAs, named: SmallCity) -> None:
    answer = client_as("planner").get("/api/v1/search", params={"q": "网格", "limit": 3}).json()
    assert (len(answer["results"]), answer["more"]) == (3, True)


def test_no_name_of_a_worker_is_found(client_as: ClientAs, named: SmallCity) -> None:
    assert names(client_as("admin"), "网格员") == []
