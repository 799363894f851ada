"""A sub-grid's code begins with its grid's, whatever is done to grids ([S8]), over HTTP; what hangs on it follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from layers.assignments import Assignment
from layers.buildings import Building
from layers.db import transaction
from layers.devices import Device
from layers.households import Household
from layers.plans import Lineage
from layers.workers import Worker
from tests.plan_desk import Draft, checked_afresh, middle_line, shape_of
from tests.small_city import SmallCity

DISTRICT = "130273"


@pytest.fixture
def draft(signed_in: Any, small_city: SmallCity) -> Iterator[Draft]:
    client: TestClient = signed_in("planner")
    yield Draft(client, small_city.district)


def pair_with_sub_grids(draft: Draft) -> tuple[str, str]:
    """Two neighbours of one community; the one whose code will go has sub-grids."""
    grids, above = draft.grids(level="grid"), {code[:15] for code in draft.grids(level="sub_grid")}
    shapes = {code: shape_of(grid["geometry"]) for code, grid in grids.items()}
    return next(
        (kept, gone)
        for kept in sorted(grids)
        for gone in sorted(above)
        if kept < gone and kept[:12] == gone[:12] and shapes[kept].intersection(shapes[gone]).length > 1e-5
    )


def foreign_sub_grids(draft: Draft) -> set[str]:
    parts = draft.grids(level="sub_grid").items()
    return {code for code, part in parts if not code.startswith(part["properties"]["parent"])}


def test_merged_sub_grids_are_numbered_on_in_the_grid_that_stays(draft: Draft, engine: Engine) -> None:
    before = draft.grids()
    kept, gone = pair_with_sub_grids(draft)
    parts = sorted(code for code in before if code.startswith(gone) and code != gone)
    answer = draft.edit(op="merge", codes=[kept, gone])
    assert answer.status_code == 200, answer.text
    after = draft.grids()
    assert foreign_sub_grids(draft) == set() and {gone, *parts} <= set(answer.json()["removed"])
    with transaction(engine) as session:
        lines = select(Lineage).where(Lineage.origin == "rename")
        renamed = {line.ancestors[0]: line.code for line in session.scalars(lines)}
    assert renamed.keys() == set(parts)
    for old, new in renamed.items():
        assert after[new]["geometry"] == before[old]["geometry"] and after[new]["properties"]["parent"] == kept
    assert checked_afresh(engine, draft.id)["ok"]


def test_undo_revives_the_codes_and_the_next_merge_gives_the_same_ones(draft: Draft) -> None:
    before = draft.grids()
    codes = list(pair_with_sub_grids(draft))
    assert draft.edit(op="merge", codes=codes).status_code == 200
    merged = draft.grids()
    assert draft.post("undo").status_code == 200
    assert draft.grids() == before
    assert draft.edit(op="merge", codes=codes).status_code == 200
    assert draft.grids().keys() == merged.keys()


def test_after_merge_and_split_every_sub_grid_bears_its_grids_code(draft: Draft, engine: Engine) -> None:
    kept, gone = pair_with_sub_grids(draft)
    assert draft.edit(op="merge", codes=[kept, gone]).status_code == 200
    grid = draft.grids()[kept]
    west, south, east, north = shape_of(grid["geometry"]).bounds
    across = shapely.LineString([(west - 1e-5, (south + north) / 2), (east + 1e-5, (south + north) / 2)])
    for line in (middle_line(grid), shapely.geometry.mapping(across)):
        if draft.edit(op="split", code=kept, line=line).status_code == 200:
            break
    else:
        pytest.fail("no line parts the merged grid")
    assert foreign_sub_grids(draft) == set()
    assert checked_afresh(engine, draft.id)["ok"]


def test_people_decisions_and_homes_follow_a_sub_grid_to_its_new_code(
    draft: Draft, signed_in: Any, engine: Engine, small_city: SmallCity
) -> None:
    kept, gone = pair_with_sub_grids(draft)
    first, second = sorted(code for code in draft.grids(level="sub_grid") if code.startswith(gone))[:2]
    put_into(engine, first, at=small_city.inside(first))
    decided = small_city.worker_of[kept]
    body = {"grids": [{"grid": second, "posts": [{"worker": decided, "role": "grid_worker"}]}]}
    answer = draft.client.put(f"{draft.path}/successors", json=body, headers={"If-Match": draft.version})
    assert answer.status_code == 200, answer.text
    draft.version = answer.headers["etag"]
    assert draft.edit(op="merge", codes=[kept, gone]).status_code == 200
    with transaction(engine) as session:
        named = {
            line.ancestors[0]: line.code for line in session.scalars(select(Lineage).where(Lineage.origin == "rename"))
        }
    told = {line["grid"]: line for line in draft.client.get(f"{draft.path}/successors").json()["grids"]}
    assert [post["worker"] for post in told[named[first]]["successors"]] == [small_city.worker_of[first]]
    assert [post["worker"] for post in told[named[second]]["successors"]] == [decided]
    assert publish(draft, signed_in("reviewer")).status_code == 200
    with transaction(engine) as session:
        assert session.scalars(select(Household.sub_grid_override)).all() == [named[first]]
        assert session.scalars(select(Device.grid_code)).all() == [kept]
        worker = select(Worker.number).join(Assignment).where(Assignment.grid_code == named[first])
        assert session.scalars(worker).all() == [small_city.worker_of[first]]


def put_into(engine: Engine, code: str, *, at: tuple[float, float]) -> None:
    """A household that a hand put into a sub-grid, and a device that stands there."""
    lon, lat = at
    with transaction(engine) as session:
        ring = shapely.MultiPolygon([shapely.box(lon - 1e-6, lat - 1e-6, lon + 1e-6, lat + 1e-6)])
        place = from_shape(shapely.Point(lon, lat), srid=4326)
        home = Building(district=DISTRICT, geom=from_shape(ring, srid=4326), inner_point=place, households=1)
        session.add(home)
        session.flush()
        session.add(Household(building_id=home.id, sub_grid_override=code))
        session.add(Device(serial="D1", kind="sos_button", grid_code=code[:15], geom=place))


def publish(draft: Draft, reviewer: TestClient) -> Any:
    kinds = sorted({defect["kind"] for defect in draft.report()["defects"] if defect["severity"] == "warning"})
    answer = draft.post("submit", {"acknowledged": [*kinds, "unserved_grid"]})
    assert answer.status_code == 200, answer.text
    return draft.post("publish", {}, client=reviewer)


def test_the_difference_names_grids_shortly_and_their_communities(draft: Draft) -> None:
    kept, gone = pair_with_sub_grids(draft)
    assert draft.edit(op="merge", codes=[kept, gone]).status_code == 200
    told = draft.client.get(f"{draft.path}/diff").json()
    codes = {code for move in told["moves"] for code in (move["from"], move["to"]) if code}
    assert codes and told["short_codes"].keys() == codes
    assert told["short_codes"][gone] == f"{gone[9:12]}-{gone[12:]}"
    assert told["communities"][gone] == f"community {gone[:12]}"
    assert draft.client.get(draft.path).json()["areas"][gone[:12]] == f"community {gone[:12]}"
