"""Jobs over HTTP that would never end: each is over by itself, with words, and what it began is taken back."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from gis_api import job_runner
from gis_api.allowances import LEAST_S, MOST_BYTES, MOST_S, Allowance, allowance_of, resident_bytes
from gis_api.job_runner import Place
from gis_api.settings import Settings
from layers import checking, files
from layers.importing import drafts
from layers.jobs import Job
from tests.gis_api.conftest import AREA, ClientAs
from tests.small_city import SmallCity


@pytest.fixture
def planner(signed_in: ClientAs, small_city: SmallCity) -> TestClient:
    return signed_in("planner")


@pytest.fixture
def place(engine: Engine, settings: Settings) -> Place:
    """Where the jobs are done; giving up is seen."""
    gave_up = threading.Event()
    return Place(engine, settings.upload_folder, gave_up, give_up=gave_up.set)


def loop_of(folder: Path) -> bytes:
    """A GeoPackage whose view calls itself without end."""
    path = folder / "loop.gpkg"
    square = shapely.box(118, 39, 118.1, 39.1)
    geopandas.GeoDataFrame({"code": ["1"]}, geometry=[square], crs=4326).to_file(path, layer="one")
    store = sqlite3.connect(path)
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n)"
    store.execute(f"create view loop as {endless} select i as fid, one.geom as geom, i as code from n, one")
    store.execute("insert into gpkg_contents (table_name, data_type, srs_id) values ('loop', 'features', 4326)")
    store.execute("insert into gpkg_geometry_columns values ('loop', 'geom', 'POLYGON', 4326, 0, 0)")
    store.commit()
    store.close()
    return path.read_bytes()


def star(points: int) -> bytes:
    """One polygon whose edges all cross each other."""
    turns = 2 * np.pi * ((np.arange(points) * (points // 2)) % points) / points
    ring = np.column_stack([118.1 + 0.01 * np.cos(turns), 39.6 + 0.01 * np.sin(turns)]).round(9).tolist()
    geometry = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    feature = {"type": "Feature", "properties": {"code": f"{AREA}001001001"}, "geometry": geometry}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def crowd(across: int) -> bytes:
    """Squares of twenty metres, so many by so many, each a little over its neighbours."""
    x, y = (part.ravel() for part in np.meshgrid(np.arange(across), np.arange(across)))
    west, south = 118.1 + x * 20 / 86_000, 39.6 + y * 20 / 111_000
    rings = np.stack([west, south, west + 24 / 86_000, south + 24 / 111_000], axis=1).round(9).tolist()
    features = [
        f'{{"type":"Feature","properties":{{"code":"{number}"}},"geometry":{{"type":"Polygon","coordinates":'
        f"[[[{w},{s}],[{e},{s}],[{e},{n}],[{w},{n}],[{w},{s}]]]}}}}"
        for number, (w, s, e, n) in enumerate(rings, start=1)
    ]
    return f'{{"type":"FeatureCollection","features":[{",".join(features)}]}}'.encode()


def ended(client: TestClient, place: Place, content: bytes, *, name: str, **told: str) -> dict[str, Any]:
    """The import of this file when its job is over."""
    form = {"layer": "grids", "district": AREA, **told}
    answer = client.post("/api/v1/imports", files={"file": (name, content)}, data=form)
    assert answer.status_code == 202, answer.text
    assert job_runner.do_next(place)
    job: dict[str, Any] = client.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    return job


def test_a_view_that_calls_itself_is_ended(
    planner: TestClient, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LEAST_S", 3.0)
    job = ended(planner, place, loop_of(tmp_path), name="loop.gpkg", table="loop")
    assert (job["state"], job["problem"]["code"]) == ("failed", "work_took_too_long")
    assert job["message"] == job["problem"]["detail"]


def test_a_file_that_nobody_could_mend_is_refused_before_it_is_checked(
    planner: TestClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MOST_OVERLAPS", 1_000)
    job = ended(planner, place, crowd(20), name="crowd.geojson", frame="union")
    assert (job["state"], job["problem"]["code"]) == ("failed", "too_many_overlaps")
    # 20 × 19 above and as many beside, 19 × 19 in each of both ways across.
    assert "1482" in job["message"] and "1000" in job["message"]
    monkeypatch.setattr(drafts, "MOST_OVERLAPS", 1_482)
    assert ended(planner, place, crowd(20), name="crowd.geojson", frame="union")["state"] == "done"


def test_a_star_of_which_nobody_can_tell_the_ground_is_refused_in_those_words(
    planner: TestClient, place: Place
) -> None:
    job = ended(planner, place, star(501), name="star.geojson", frame="union")
    assert (job["state"], job["problem"]["code"]) == ("failed", "no_ground")


def test_a_check_of_what_is_no_map_of_grids_says_so_at_once(
    planner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "MOST_OVERLAPS", 1_000)
    grids = json.loads(crowd(20))
    answer = planner.post("/api/v1/coverage", json={"grids": grids})
    assert answer.status_code == 422, answer.text[:200]
    assert answer.json()["type"].endswith("too_many_overlaps"), answer.json()


@pytest.mark.parametrize(
    ("allowed", "code"),
    [(Allowance(0.0, MOST_BYTES), "work_took_too_long"), (Allowance(MOST_S, -(2**40)), "work_needs_too_much_memory")],
    ids=["time", "memory"],
)
def test_a_job_past_what_it_may_take_is_over_and_leaves_nothing(
    planner: TestClient, place: Place, monkeypatch: pytest.MonkeyPatch, allowed: Allowance, code: str
) -> None:
    monkeypatch.setattr(job_runner, "allowance_of", lambda *_: allowed)
    job = ended(planner, place, star(501), name="star.geojson", frame="union")
    assert (job["state"], job["problem"]["code"]) == ("failed", code)
    assert job["problem"]["detail"] == job["message"] != ""
    with place.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM plans WHERE state = 'draft'")).scalar_one() == 0
    assert not place.stop.is_set(), "the work heard of it; the process goes on with the next"


def test_work_that_hears_nobody_ends_with_its_process(
    planner: TestClient, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(*_: object) -> dict[str, Any]:
        began = time.monotonic()
        while not place.stop.wait(0.05) and time.monotonic() - began < 20:
            pass
        return {}

    monkeypatch.setattr(job_runner, "allowance_of", lambda *_: Allowance(0.2, MOST_BYTES))
    monkeypatch.setattr(job_runner, "GRACE_S", 0.2)
    monkeypatch.setattr(job_runner, "WORK", {"import": deaf})
    job = ended(planner, place, b"{}", name="any.geojson")
    assert (job["state"], job["problem"]["code"]) == ("failed", "work_took_too_long")
    assert place.stop.is_set(), "it gave up"


def test_what_a_job_may_take_grows_with_its_file_and_its_search(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(b"")
    (tmp_path / "large").write_bytes(bytes(5 * 2**20))
    small, large = (allowance_of(Job(kind="import", task={"upload": name}), tmp_path) for name in ("small", "large"))
    assert small.seconds == LEAST_S < large.seconds < MOST_S
    assert small.memory_bytes < large.memory_bytes < MOST_BYTES
    search = allowance_of(Job(kind="division", task={"seconds": 300.0, "profiles": ["balanced"]}), tmp_path)
    assert 600 < search.seconds <= MOST_S
    assert resident_bytes() > 2**20
