"""A file of base grids alone in a city with sub-grids and overlays, over HTTP and by command: they are asked about,
kept under the new borders or left out, and the result says which."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine
from starlette.testclient import TestClient
from typer.testing import CliRunner

from gis_api.cli import app as wangge
from gis_api.settings import Settings
from tests.gis_api.conftest import AREA, ClientAs
from tests.plan_desk import PLANS, Draft, checked_afresh, middle_line, shape_of
from tests.small_city import SmallCity
from tests.uploads import wait_for_end, working_process


@pytest.fixture
def worked(engine: Engine, settings: Settings) -> Iterator[None]:
    with working_process(engine, settings.upload_folder):
        yield


@pytest.fixture
def in_force(planner: TestClient, signed_in: ClientAs, small_city: SmallCity) -> dict[str, Any]:
    """The grids in force: those of the small city and an overlay over the middle of one."""
    draft = Draft(planner, small_city.district)
    lon, lat = small_city.inside(small_city.codes[0])
    ring = [[lon + x, lat + y] for x, y in ((0, 0), (1e-4, 0), (1e-4, 1e-4), (0, 1e-4), (0, 0))]
    overlay = {"type": "Polygon", "coordinates": [ring]}
    added = draft.edit(op="add", geometry=overlay, name="专属", kind="dedicated", exclusive=False)
    assert added.status_code == 200, added.text
    kinds = sorted({one["kind"] for one in draft.report()["defects"]})
    assert draft.post("submit", {"acknowledged": [*kinds, "unserved_grid"]}).status_code == 200
    assert draft.post("publish", {}, client=signed_in("reviewer")).status_code == 200
    return draft.grids()


def base_alone(grids: dict[str, Any]) -> bytes:
    """The base grids as a file."""
    features = [
        one for one in grids.values() if one["properties"]["level"] == "grid" and one["properties"]["exclusive"]
    ]
    slim = [{**one, "properties": {"code": one["properties"]["code"]}} for one in features]
    return json.dumps({"type": "FeatureCollection", "features": slim}).encode()


def imported(client: TestClient, content: bytes, **said: str) -> dict[str, Any]:
    told = {"layer": "grids", "district": AREA, **said}
    answer = client.post("/api/v1/imports", files={"file": ("base.geojson", content)}, data=told)
    assert answer.status_code == 202, answer.text
    return wait_for_end(client, answer.json()["id"])


def notes_of(job: dict[str, Any]) -> dict[str, Any]:
    assert job["state"] == "done", job
    return {note["code"]: note for note in job["result"]["notes"]}


def drafted(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    features = client.get(f"{PLANS}/{job['result']['plans'][AREA]}/grids").json()["features"]
    return {one["properties"]["code"]: one for one in features}


def parts_of(grids: dict[str, Any]) -> set[str]:
    return {code for code, one in grids.items() if one["properties"]["level"] == "sub_grid"}


def test_kept_sub_grids_and_overlays_are_those_in_force(
    planner: TestClient, worked: None, in_force: dict[str, Any], engine: Engine
) -> None:
    job = imported(planner, base_alone(in_force), sub_grids="keep")
    notes, grids = notes_of(job), drafted(planner, job)
    parts = parts_of(in_force)
    assert grids.keys() == in_force.keys() and job["result"]["coverage"][AREA]["ok"]
    carried = notes["sub_grids_carried"]
    assert (carried["kept"], carried["recut"], carried["recoded"], carried["gone"]) == (len(parts), 0, 0, 0)
    assert (notes["overlays_carried"]["kept"], notes["overlays_carried"]["gone"]) == (1, 0)
    assert all(shape_of(grids[code]["geometry"]).equals(shape_of(in_force[code]["geometry"])) for code in parts)
    assert checked_afresh(engine, job["result"]["plans"][AREA])["ok"]


def grown(draft: Draft, in_force: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A grid with sub-grids, and the base grids once it has taken half of a neighbour without any."""
    divided = {part[:15] for part in parts_of(in_force)}
    shapes = {code: shape_of(one["geometry"]) for code, one in in_force.items() if len(code) == 15}
    grid, beside = next(
        (one, other)
        for one in sorted(divided)
        for other in sorted(shapes.keys() - divided)
        if one[:12] == other[:12] and shapes[one].intersection(shapes[other]).length > 1e-5
    )
    assert draft.edit(op="split", code=beside, line=middle_line(in_force[beside])).status_code == 200
    grids = draft.grids()
    halves = {beside, *(grids.keys() - in_force.keys())}
    own = shape_of(grids[grid]["geometry"])
    half = max(halves, key=lambda code: shape_of(grids[code]["geometry"]).intersection(own).length)
    whole = shapely.coverage_union(own, shape_of(grids[half]["geometry"]))
    grids[grid] = {**grids[grid], "geometry": json.loads(shapely.to_geojson(whole))}
    return grid, {code: one for code, one in grids.items() if code != half}


def test_under_new_borders_they_are_cut_anew_and_tile_their_grids(
    planner: TestClient, worked: None, in_force: dict[str, Any], small_city: SmallCity, engine: Engine
) -> None:
    grid, base = grown(Draft(planner, small_city.district), in_force)
    job = imported(planner, base_alone(base), sub_grids="keep")
    carried, grids = notes_of(job)["sub_grids_carried"], drafted(planner, job)
    assert (carried["gone"], carried["recoded"]) == (0, 0) and carried["recut"] >= 1 and carried["kept"] >= 1
    assert parts_of(grids) == parts_of(in_force)
    whole = shapely.union_all([shape_of(grids[code]["geometry"]) for code in parts_of(grids) if code.startswith(grid)])
    assert whole.symmetric_difference(shape_of(base[grid]["geometry"])).area < 1e-3 * whole.area
    assert checked_afresh(engine, job["result"]["plans"][AREA])["ok"]


def test_in_a_grid_under_another_code_they_get_codes_of_that_grid(
    planner: TestClient, worked: None, in_force: dict[str, Any]
) -> None:
    grid = min(part[:15] for part in parts_of(in_force))
    new = f"{grid[:12]}900"
    base = {code: one for code, one in in_force.items() if code != grid}
    base[new] = {**in_force[grid], "properties": {**in_force[grid]["properties"], "code": new}}
    job = imported(planner, base_alone(base), sub_grids="keep")
    parts = {code for code in parts_of(in_force) if code.startswith(grid)}
    assert notes_of(job)["sub_grids_carried"]["recoded"] == len(parts)
    fresh = parts_of(drafted(planner, job)) - parts_of(in_force)
    assert len(fresh) == len(parts) and all(code.startswith(new) for code in fresh)


def test_left_out_they_are_counted_in_the_result(planner: TestClient, worked: None, in_force: dict[str, Any]) -> None:
    for said in ({"sub_grids": "none"}, {}):
        job = imported(planner, base_alone(in_force), **said)
        left = notes_of(job)["left_out"]
        assert (left["sub_grids"], left["overlays"]) == (len(parts_of(in_force)), 1)
        assert str(len(parts_of(in_force))) in left["words"]
        assert parts_of(drafted(planner, job)) == set()


def test_who_wants_to_be_asked_is_and_the_inspection_says_what_is_in_force(
    planner: TestClient, worked: None, in_force: dict[str, Any]
) -> None:
    job = imported(planner, base_alone(in_force), sub_grids="ask")
    assert job["state"] == "failed" and job["problem"]["code"] == "sub_grids_unsaid", job
    answer = planner.post(
        "/api/v1/uploads", files={"file": ("base.geojson", base_alone(in_force))}, data={"district": AREA}
    )
    told = wait_for_end(planner, answer.json()["id"])["result"]["in_force"]
    assert told == {"sub_grids": len(parts_of(in_force)), "overlays": 1}


def test_a_file_with_its_own_sub_grids_is_asked_about_overlays_only(
    planner: TestClient, worked: None, in_force: dict[str, Any]
) -> None:
    features = [
        {**one, "properties": {"code": code}} for code, one in in_force.items() if one["properties"]["exclusive"]
    ]
    job = imported(planner, json.dumps({"type": "FeatureCollection", "features": features}).encode(), sub_grids="keep")
    notes = notes_of(job)
    assert "sub_grids_carried" not in notes and notes["overlays_carried"]["kept"] == 1
    assert drafted(planner, job).keys() == in_force.keys()


def test_the_command_says_it_too(
    in_force: dict[str, Any], database_url: str, tmp_path: Path, planner: TestClient
) -> None:
    file = tmp_path / "base.geojson"
    file.write_bytes(base_alone(in_force))
    environment = {"WANGGE_DATABASE_URL": database_url, "WANGGE_VAR": str(tmp_path / "var")}
    words = ["import", "grids", str(file), "--district", AREA]
    plain = CliRunner().invoke(wangge, words, env=environment)
    assert plain.exit_code == 0 and f"{len(parts_of(in_force))} sub-grids and 1 overlays" in plain.stdout, plain.output
    kept = CliRunner().invoke(wangge, [*words, "--sub-grids", "keep"], env=environment)
    assert kept.exit_code == 0 and f"{len(parts_of(in_force))} as they were" in kept.stdout, kept.output


def test_a_rebase_tells_by_community_what_is_gone(
    planner: TestClient, signed_in: ClientAs, worked: None, in_force: dict[str, Any], small_city: SmallCity
) -> None:
    late = Draft(planner, small_city.district)
    job = imported(planner, base_alone(in_force))
    bare = Draft.of(planner, job["result"]["plans"][AREA])
    kinds = sorted({one["kind"] for one in bare.report()["defects"]})
    assert bare.post("submit", {"acknowledged": [*kinds, "unserved_grid"]}).status_code == 200
    assert bare.post("publish", {}, client=signed_in("reviewer")).status_code == 200
    gone = planner.get(f"{late.path}/rebase").json()["gone"]
    assert gone["kept"] == []
    communities = {code[:12] for code in parts_of(in_force)}
    assert {one["community"] for one in gone["incoming"]} == communities
    assert sum(one["sub_grids"] for one in gone["incoming"]) == len(parts_of(in_force))
    assert sum(one["overlays"] for one in gone["incoming"]) == 1
    assert all(one["name"] == f"community {one['community']}" for one in gone["incoming"])
