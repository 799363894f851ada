"""Tiles and painted blocks are new with the request after what changes the map: a publication, an import, a plan that
comes into force by its date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import shapely
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from layers.db import transaction
from tests.gis_api.conftest import ClientAs
from tests.importing import geo_file, imported
from tests.plan_desk import Draft
from tests.small_city import SmallCity
from tests.tile_addresses import tile_at

NEW = "改名后的网格"


def address(city: SmallCity, layer: str) -> str:
    return tile_at(city.inside(min(city.codes)), layer, z=16)


def renamed(planner: TestClient, reviewer: TestClient, city: SmallCity, **body: Any) -> None:
    """A published plan in which a grid has another name."""
    draft = Draft(planner, city.district)
    assert draft.edit(op="set", code=min(city.codes)[:15], name=NEW).status_code == 200
    assert draft.submit_all().status_code == 200
    published = draft.post("publish", body, client=reviewer)
    assert published.status_code == 200, published.text


def test_a_publication_is_followed_by_a_new_tile(
    planner: TestClient, signed_in: ClientAs, small_city: SmallCity
) -> None:
    where = address(small_city, "grids")
    before = planner.get(where)
    document = planner.get("/tiles/grids.json").json()["tiles"]
    assert NEW.encode() not in before.content
    renamed(planner, signed_in("reviewer"), small_city)
    after = planner.get(where, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200 and NEW.encode() in after.content
    fresh = planner.get("/tiles/grids.json").json()["tiles"]
    assert fresh != document, "the version stands in the address"
    version = fresh[0].partition("?")[2]
    assert planner.get(f"{where}?{version}").content == after.content, "the address that is told is one that is taken"


def test_an_import_is_followed_by_a_new_tile_and_new_blocks(
    planner: TestClient, small_city: SmallCity, engine: Engine, tmp_path: Path
) -> None:
    where = address(small_city, "roads")
    draft, (lon, lat) = Draft(planner, small_city.district), small_city.inside(min(small_city.codes))
    box = f"{lon - 1e-4},{lat - 1e-4},{lon + 1e-4},{lat + 1e-4}"
    before, blocks = planner.get(where), planner.get(f"{draft.path}/blocks", params={"bbox": box}).json()
    assert before.content == b""
    road = shapely.LineString([(lon - 0.01, lat), (lon + 0.01, lat)])
    with transaction(engine) as session:
        imported(session, "roads", geo_file(tmp_path, [road], osm_id=[1], highway=["primary"]))
    after = planner.get(where)
    assert after.status_code == 200 and after.content != b""
    assert planner.get(f"{draft.path}/blocks", params={"bbox": box}).json() != blocks


def test_a_plan_that_comes_into_force_by_its_date_is_followed_by_a_new_tile(
    planner: TestClient, signed_in: ClientAs, client_as: ClientAs, small_city: SmallCity, app: FastAPI
) -> None:
    begin = datetime.now(UTC) + timedelta(minutes=1)
    renamed(planner, signed_in("reviewer"), small_city, effective_at=begin.isoformat())
    reader, where = client_as("leader"), address(small_city, "grids")
    app.state.clock = lambda: begin - timedelta(seconds=1)
    assert NEW.encode() not in reader.get(where).content
    app.state.clock = lambda: begin
    assert NEW.encode() in reader.get(where).content
