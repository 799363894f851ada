"""Uploads, inspections and imports over HTTP, with the working process that does them."""

from __future__ import annotations

import json
import os
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from fastapi import FastAPI
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from gis_api import job_runner
from gis_api import jobs as job_process
from gis_api.settings import Settings
from layers import jobs
from layers.db import transaction
from tests.gis_api.conftest import AREA, ClientAs
from tests.small_city import SmallCity
from tests.uploads import place_of, wait_for_end, working_process
from tiling import datums


@pytest.fixture
def worked(engine: Engine, settings: Settings) -> Iterator[None]:
    with working_process(engine, settings.upload_folder):
        yield


def grids_of(city: SmallCity) -> geopandas.GeoDataFrame:
    """The city's grids as a planner's office would send them."""
    shapes = list(city.shapes.polygons_of("grid").values())
    degrees = [city.shapes.plane.to_degrees(shape) for shape in shapes]
    rows = {"网格编码": list(city.shapes.polygons_of("grid")), "网格名称": [f"第{n}网格" for n in range(len(shapes))]}
    return geopandas.GeoDataFrame(rows, geometry=degrees, crs=4326)


def geojson_of(frame: geopandas.GeoDataFrame) -> bytes:
    return str(frame.to_json(drop_id=True)).encode()


def sent(
    client: TestClient, content: bytes, *, path: str = "/api/v1/imports", name: str = "grids.geojson", **fields: Any
) -> Any:
    told = {"layer": "grids", "district": AREA, **fields} if path.endswith("imports") else {"district": AREA, **fields}
    return client.post(path, files={"file": (name, content)}, data=told)


def done(client: TestClient, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/api/v1/jobs/{answer.json()['id']}"
    return wait_for_end(client, answer.json()["id"])


def plans_stored(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM plans")).scalar_one())


def test_a_file_of_grids_becomes_a_draft(planner: TestClient, worked: None, small_city: SmallCity) -> None:
    frame = grids_of(small_city)
    job = done(planner, sent(planner, geojson_of(frame)))
    assert (job["state"], job["progress"], job["problem"]) == ("done", 1.0, None), job
    result = job["result"]
    assert (result["read"], result["stored"], result["refused_count"]) == (len(frame), len(frame), 0)
    plan = planner.get(f"/api/v1/plans/{result['plans'][AREA]}").json()
    assert (plan["state"], plan["title"]) == ("draft", "grids.geojson")
    assert result["coverage"][AREA]["ok"] is True, result["coverage"]
    features = planner.get(f"/api/v1/plans/{result['plans'][AREA]}/grids?level=grid").json()["features"]
    assert {one["properties"]["name"] for one in features} == set(frame["网格名称"])


def test_defects_are_told_by_kind_and_pair(planner: TestClient, worked: None, small_city: SmallCity) -> None:
    frame = grids_of(small_city)
    shapes = list(frame.geometry)
    shapes[0] = shapely.affinity.translate(shapes[0], xoff=0.0003)
    result = done(planner, sent(planner, geojson_of(frame.set_geometry(shapes, crs=4326))))["result"]
    coverage = result["coverage"][AREA]
    assert coverage["ok"] is False
    assert coverage["by_kind"]["overlap"] >= 1
    pair = next(one for one in coverage["pairs"] if one["kind"] == "overlap" and one["area_m2"] > 10)
    assert frame["网格编码"][0] in pair["codes"]
    assert pair["where"]["type"].endswith("Polygon")
    (made,) = [note for note in result["notes"] if note["code"] == "draft_made"]
    assert made["by_kind"]["overlap"] >= 1
    assert f"重叠 {made['by_kind']['overlap']}" in made["words"] and not re.search("[a-z_]{3,}", made["words"])


def test_a_dry_run_stores_nothing(planner: TestClient, worked: None, small_city: SmallCity, engine: Engine) -> None:
    before = plans_stored(engine)
    result = done(planner, sent(planner, geojson_of(grids_of(small_city)), dry_run="true"))["result"]
    assert (result["dry_run"], result["plans"]) == (True, {})
    assert result["stored"] > 0
    assert plans_stored(engine) == before


def test_an_inspection_tells_fields_guesses_and_how_the_file_lies(
    planner: TestClient, worked: None, small_city: SmallCity
) -> None:
    job = done(planner, sent(planner, geojson_of(grids_of(small_city)), path="/api/v1/uploads"))
    told = job["result"]
    assert (told["kind"], told["crs"], told["count"]) == ("geojson", "EPSG:4326", len(grids_of(small_city)))
    assert told["guesses"]["grids"] == {"code": "网格编码", "name": "网格名称"}
    assert [field["name"] for field in told["fields"]] == ["网格编码", "网格名称"]
    by_way = {fit["as"]: fit for fit in told["fits"]}
    assert by_way["EPSG:4326"]["covered"] > 0.999
    assert by_way["gcj02"]["covered"] < by_way["EPSG:4326"]["covered"] - 0.1
    assert 400 < by_way["gcj02"]["shift_m"] < 700
    assert len(told["preview"]["features"]) == told["count"]
    again = planner.post(f"/api/v1/uploads/{job['upload']}/inspections", json={"district": AREA, "datum": "gcj02"})
    assert done(planner, again)["result"]["taken_as"] == "gcj02"
    imported = planner.post("/api/v1/imports", json={"upload": job["upload"], "layer": "grids", "district": AREA})
    assert done(planner, imported)["state"] == "done"


def test_a_datum_is_asked_for_and_taken_away(
    planner: TestClient, worked: None, small_city: SmallCity, tmp_path: Path
) -> None:
    frame = grids_of(small_city)
    moved = [_in_gcj02(shape) for shape in frame.geometry]
    frame = geopandas.GeoDataFrame(frame.drop(columns="geometry"), geometry=moved, crs=None)
    content = zipped(frame, tmp_path)
    asking = done(planner, sent(planner, content, path="/api/v1/uploads", name="grids.zip"))
    assert asking["problem"] is None
    assert asking["result"]["needs"] == ["crs"]
    best = max(asking["result"]["fits"], key=lambda fit: fit["covered"])
    assert (best["as"], best["covered"] > 0.999) == ("gcj02", True)
    failed = done(planner, sent(planner, content, name="grids.zip"))
    assert (failed["state"], failed["problem"]["code"]) == ("failed", "crs_missing")
    assert "请指明坐标系" in failed["problem"]["detail"] and "--" not in failed["problem"]["detail"]
    result = done(planner, sent(planner, content, name="grids.zip", datum="gcj02"))["result"]
    pairs = [pair for pair in result["coverage"][AREA]["pairs"] if pair["kind"] in ("overlap", "gap", "overshoot")]
    assert sum(pair["area_m2"] for pair in pairs) < 1.0


def _in_gcj02(shape: Any) -> Any:
    return shapely.transform(shape, lambda xy: np.column_stack(datums.from_wgs84(xy[:, 0], xy[:, 1], "gcj02")))


def zipped(frame: geopandas.GeoDataFrame, folder: Path) -> bytes:
    """A shapefile in GB18030 that says neither its encoding nor its CRS, in a zip."""
    frame.to_file(folder / "wangge.shp", encoding="GB18030")
    for ending in ("cpg", "prj"):
        (folder / f"wangge.{ending}").unlink(missing_ok=True)
    archive = folder / "wangge.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for part in sorted(folder.glob("wangge.[!z]*")):
            packed.write(part, part.name)
    return archive.read_bytes()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_is_empty"),
        (b"\x00\x01\x02\x03 no map", "file_unknown"),
        (b"PK\x03\x04 cut off", "file_is_broken"),
        (b'{"type": "FeatureCollection", "features": [', "file_is_broken"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_failed_job_that_says_why(
    planner: TestClient, worked: None, engine: Engine, content: bytes, code: str
) -> None:
    before = plans_stored(engine)
    job = done(planner, sent(planner, content))
    assert (job["state"], job["problem"]["code"]) == ("failed", code)
    assert job["message"] == job["problem"]["detail"]
    assert plans_stored(engine) == before


def test_a_file_of_another_district_is_refused_with_figures_and_place(
    planner: TestClient, worked: None, small_city: SmallCity
) -> None:
    frame = grids_of(small_city)
    away = frame.set_geometry(frame.geometry.translate(xoff=0.5), crs=4326)
    job = done(planner, sent(planner, geojson_of(away)))
    assert job["problem"]["code"] == "file_of_another_district"
    assert job["problem"]["percent"] == 0.0
    assert job["problem"]["where"]["type"] == "Polygon"
    swapped = frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), lambda xy: xy[:, ::-1]), crs=4326)
    assert done(planner, sent(planner, geojson_of(swapped)))["problem"]["code"] == "file_is_swapped"


def test_duplicate_codes_and_scripts_in_names_are_told_as_text(
    planner: TestClient, worked: None, small_city: SmallCity
) -> None:
    frame = grids_of(small_city)
    frame.loc[1, "网格编码"] = frame.loc[0, "网格编码"]
    frame.loc[1, "网格名称"] = frame.loc[0, "网格名称"]
    frame.loc[2, "网格名称"] = "<script>alert(1)</script>"
    result = done(planner, sent(planner, geojson_of(frame)))["result"]
    assert [(one["row"], one["reason"]) for one in result["refused"]] == [(2, "duplicate_code")]
    assert result["refused"][0]["words"]
    features = planner.get(f"/api/v1/plans/{result['plans'][AREA]}/grids?level=grid").json()["features"]
    assert "<script>alert(1)</script>" in {one["properties"]["name"] for one in features}


def test_two_uploads_at_once_are_one_job_and_one_refusal(
    planner: TestClient, small_city: SmallCity, settings: Settings
) -> None:
    content = geojson_of(grids_of(small_city))
    first = sent(planner, content)
    second = sent(planner, content)
    assert (first.status_code, second.status_code) == (202, 409)
    assert second.json()["type"].endswith("job_open")
    assert len(list(settings.upload_folder.iterdir())) == 1, "the refused file is gone"
    assert planner.delete(f"/api/v1/jobs/{first.json()['id']}").json()["state"] == "cancelled"
    assert sent(planner, content).status_code == 202


def test_an_upload_lies_under_a_random_name_that_nobody_else_reads(planner: TestClient, settings: Settings) -> None:
    answer = sent(planner, b"{}", name="../../etc/grids.geojson")
    assert answer.json()["file"] == "grids.geojson"
    (file,) = settings.upload_folder.iterdir()
    assert file.name == answer.json()["upload"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert settings.upload_folder.stat().st_mode & 0o777 == 0o700


def test_a_body_over_the_limit_is_413_and_leaves_nothing(app: FastAPI, planner: TestClient, settings: Settings) -> None:
    answer = planner.post("/api/v1/imports", content=b"x", headers={"content-length": str(10**10)})
    assert answer.status_code == 413
    assert not settings.upload_folder.exists() or list(settings.upload_folder.iterdir()) == []


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"layer": "clouds"}, 422),
        ({"datum": "mars"}, 422),
        ({"datum": "gcj02", "crs": "EPSG:4548"}, 422),
        ({"district": "120104"}, 403),
        ({"layer": "workers"}, 403),
        ({"mapping": "{"}, 422),
        ({"unknown": "field"}, 422),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    planner: TestClient, settings: Settings, fields: dict[str, str], status: int
) -> None:
    answer = sent(planner, b"{}", **fields)
    assert answer.status_code == status, answer.text
    assert list(settings.upload_folder.iterdir()) == []


def test_a_form_that_ends_too_early_is_400_and_leaves_nothing(planner: TestClient, settings: Settings) -> None:
    content = b'--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\nhalf of it'
    answer = planner.post(
        "/api/v1/imports", content=content, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400
    assert list(settings.upload_folder.iterdir()) == []


def test_jobs_are_ones_own_and_those_of_the_area(client_as: ClientAs, planner: TestClient) -> None:
    job_id = sent(planner, b"{}").json()["id"]
    assert [job["id"] for job in planner.get("/api/v1/jobs").json()["jobs"]] == [job_id]
    colleague, stranger = client_as("planner"), client_as("planner", area="120104")
    assert colleague.get(f"/api/v1/jobs/{job_id}").status_code == 200
    assert colleague.get("/api/v1/jobs").json()["jobs"] == []
    assert stranger.get(f"/api/v1/jobs/{job_id}").status_code == 404
    assert stranger.delete(f"/api/v1/jobs/{job_id}").status_code == 404


def test_a_job_of_a_killed_process_is_taken_up_again_and_nothing_is_half_stored(
    planner: TestClient, small_city: SmallCity, engine: Engine, settings: Settings
) -> None:
    before = plans_stored(engine)
    job_id = sent(planner, geojson_of(grids_of(small_city))).json()["id"]
    with transaction(engine) as session:
        assert jobs.claim(session, kinds=("import",)) is not None, "a process took it and was killed"
        session.execute(text("UPDATE jobs SET beat_at = now() - interval '1 minute'"))
    assert plans_stored(engine) == before
    assert job_process.do(engine, job_process.Task("take_up", 1.0, job_process.take_up_silent)) == 1
    assert job_runner.do_next(place_of(engine, settings.upload_folder))
    job = planner.get(f"/api/v1/jobs/{job_id}").json()
    assert (job["state"], job["attempt"]) == ("done", 2)
    assert plans_stored(engine) == before + 1


def test_a_job_that_is_called_off_in_the_middle_stores_nothing(
    planner: TestClient, small_city: SmallCity, engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = plans_stored(engine)
    job_id = sent(planner, geojson_of(grids_of(small_city))).json()["id"]

    def called_off_meanwhile(*_: Any) -> dict[str, Any]:
        assert planner.delete(f"/api/v1/jobs/{job_id}").status_code == 200
        return {}

    monkeypatch.setattr(job_runner, "describe_report", called_off_meanwhile)
    assert job_runner.do_next(place_of(engine, settings.upload_folder))
    assert planner.get(f"/api/v1/jobs/{job_id}").json()["state"] == "cancelled"
    assert plans_stored(engine) == before


def test_uploads_are_removed_after_a_day(planner: TestClient, engine: Engine, settings: Settings) -> None:
    answer = sent(planner, b"{}").json()
    planner.delete(f"/api/v1/jobs/{answer['id']}")
    with transaction(engine) as session:
        session.execute(text("UPDATE uploads SET at = now() - interval '25 hours'"))
    (file,) = settings.upload_folder.iterdir()
    with transaction(engine) as session:
        assert job_process.forget_uploads(settings.upload_folder, session) == 0, "young files may be coming in"
    os.utime(file, (time.time() - 90_000,) * 2)
    with transaction(engine) as session:
        assert job_process.forget_uploads(settings.upload_folder, session) == 1
    again = planner.post("/api/v1/imports", json={"upload": answer["upload"], "layer": "grids", "district": AREA})
    assert again.status_code == 404
    assert json.loads(again.text)["type"].endswith("no_such_upload")
