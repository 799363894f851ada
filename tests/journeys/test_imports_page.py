"""A planner brings files to a draft in the browser: datum, columns, report, repairs, and the planner."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, expect

from layers.access import add_user
from layers.areas import Area
from layers.db import transaction
from tests.journeys.conftest import AREA, RunningCity, Visit
from tests.small_city import stored
from tests.uploads import working_process
from tiling import datums

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LONG_MS = 60_000


@pytest.fixture
def worked(running: RunningCity) -> Iterator[None]:
    with working_process(running.engine, running.uploads):
        yield


def grids_of(running: RunningCity) -> geopandas.GeoDataFrame:
    shapes = running.city.shapes
    tiles = shapes.polygons_of("grid")
    degrees = [shapes.plane.to_degrees(shape) for shape in tiles.values()]
    rows = {"网格编码": list(tiles), "网格名称": [f"第{n}网格" for n in range(len(tiles))]}
    return geopandas.GeoDataFrame(rows, geometry=degrees, crs=4326)


def upload(page: Page, file: Path) -> None:
    page.locator('[data-test="imports-file"]').set_input_files(file)


def shown(page: Page, name: str) -> Any:
    found = page.locator(f'[data-test="{name}"]')
    expect(found.first).to_be_visible(timeout=LONG_MS)
    return found


def opened(page: Page) -> None:
    shown(page, "imports-open").click()
    page.wait_for_url(re.compile("/planner"))
    page.wait_for_selector("main[data-test=ready]")


def zipped(frame: geopandas.GeoDataFrame, folder: Path) -> Path:
    """A shapefile in GB18030 that says neither its encoding nor its CRS."""
    frame.to_file(folder / "wangge.shp", encoding="GB18030")
    for ending in ("cpg", "prj"):
        (folder / f"wangge.{ending}").unlink(missing_ok=True)
    with zipfile.ZipFile(folder / "wangge.zip", "w") as packed:
        for part in sorted(folder.glob("wangge.[!z]*")):
            packed.write(part, part.name)
    return folder / "wangge.zip"


def drawing(frame: geopandas.GeoDataFrame, folder: Path) -> Path:
    """A drawing as an office would plot it: closed polylines, a number and a name written into each."""
    lines = ["0", "SECTION", "2", "ENTITIES"]
    for number, (code, name, shape) in enumerate(
        zip(frame["网格编码"], frame["网格名称"], frame.geometry, strict=True), start=1
    ):
        ring = list(shape.exterior.coords)[:-1]
        lines += ["0", "LWPOLYLINE", "5", f"{number:X}", "8", "网格线", "90", str(len(ring)), "70", "1"]
        for x, y in ring:
            lines += ["10", f"{x:.4f}", "20", f"{y:.4f}"]
        at = shape.representative_point()
        for row, words in enumerate((code, name)):
            lines += ["0", "TEXT", "8", "注记", "10", f"{at.x:.3f}", "20", f"{at.y - row:.3f}", "40", "1", "1", words]
    path = folder / "grids.dxf"
    path.write_bytes("\n".join([*lines, "0", "ENDSEC", "0", "EOF", ""]).encode("gb18030"))
    return path


def test_a_shapefile_in_gb18030_and_gcj02_becomes_a_draft_in_the_planner(
    running: RunningCity, visit: Visit, worked: None, tmp_path: Path
) -> None:
    frame = grids_of(running)
    moved = [
        shapely.transform(shape, lambda xy: np.column_stack(datums.from_wgs84(xy[:, 0], xy[:, 1], "gcj02")))
        for shape in frame.geometry
    ]
    file = zipped(geopandas.GeoDataFrame(frame.drop(columns="geometry"), geometry=moved, crs=None), tmp_path)
    page = visit("planner", "/imports")
    upload(page, file)
    shown(page, "imports-needs-crs")
    assert page.locator('[data-test="imports-start"]').count() == 0, "nothing is imported before the datum is said"
    page.locator('[data-test="imports-way-wgs84"]').click()
    hint = shown(page, "imports-hint")
    expect(hint).to_contain_text("GCJ02")
    page.locator('[data-test="imports-way-gcj02"]').click()
    expect(page.locator('[data-test="imports-hint"]')).to_have_count(0, timeout=LONG_MS)
    expect(shown(page, "imports-field-code")).to_have_value("网格编码")
    shown(page, "imports-start").click()
    expect(shown(page, "imports-counts")).to_contain_text(str(len(frame)))
    opened(page)


def test_sub_grids_in_force_are_asked_about_and_the_report_says_what_became_of_them(
    running: RunningCity, visit: Visit, worked: None, tmp_path: Path
) -> None:
    file = tmp_path / "wangge.geojson"
    grids_of(running).to_file(file, driver="GeoJSON")
    parts = sum(len(code) == 17 for code in running.city.codes)
    page = visit("planner", "/imports")
    upload(page, file)
    expect(shown(page, "imports-below")).to_contain_text(f"{parts} 个子网格")
    for field, column in (("code", "网格编码"), ("name", "网格名称")):
        shown(page, f"imports-field-{field}").select_option(column)
    page.locator('[data-test="imports-below-none"]').check()
    shown(page, "imports-start").click()
    shown(page, "imports-counts")
    expect(page.locator('[data-test="imports-report"]')).to_contain_text(f"现行 {parts} 个子网格")
    plan = page.locator('[data-test="imports-open"]').get_attribute("href").split("=")[-1]
    with running.api("planner") as client:
        features = client.get(f"/api/v1/plans/{plan}/grids?level=sub_grid").json()["features"]
    assert features == []


@pytest.mark.parametrize(("ending", "driver"), [("gpkg", "GPKG"), ("kml", "KML"), ("geojson", "GeoJSON")])
def test_a_file_that_says_how_it_lies_becomes_a_draft(
    running: RunningCity, visit: Visit, worked: None, tmp_path: Path, ending: str, driver: str
) -> None:
    frame = grids_of(running)
    file = tmp_path / f"wangge.{ending}"
    frame.to_file(file, driver=driver)
    page = visit("planner", "/imports")
    upload(page, file)
    for field, column in (("code", "网格编码"), ("name", "网格名称")):
        shown(page, f"imports-field-{field}").select_option(column)
    shown(page, "imports-start").click()
    expect(shown(page, "imports-counts")).to_contain_text(str(len(frame)))
    opened(page)
    with running.api("planner") as client:
        features = client.get(f"/api/v1/plans/{page.url.split('=')[-1]}/grids?level=grid").json()["features"]
    told = {one["properties"]["code"]: one["properties"]["name"] for one in features}
    assert told == dict(zip(frame["网格编码"], frame["网格名称"], strict=True))


def test_a_drawing_becomes_a_draft_with_its_texts_as_codes_and_names(
    running: RunningCity, visit: Visit, worked: None, tmp_path: Path
) -> None:
    frame = grids_of(running)
    file = drawing(frame.to_crs(running.city.shapes.epsg), tmp_path)
    page = visit("planner", "/imports")
    upload(page, file)
    shown(page, "imports-needs-crs")
    page.locator(f'[data-test="imports-way-EPSG:{running.city.shapes.epsg}"]').click()
    shown(page, "imports-start").click()
    expect(shown(page, "imports-counts")).to_contain_text(str(len(frame)))
    with running.api("planner") as client:
        (first, *_) = client.get("/api/v1/jobs?kind=import").json()["jobs"]
        plan = first["plans"][AREA]
        features = client.get(f"/api/v1/plans/{plan}/grids?level=grid").json()["features"]
    told = {one["properties"]["code"]: one["properties"]["name"] for one in features}
    assert told == dict(zip(frame["网格编码"], frame["网格名称"], strict=True))
    opened(page)


def test_overlaps_are_mended_one_by_one_on_the_page(
    running: RunningCity, visit: Visit, worked: None, tmp_path: Path
) -> None:
    frame = grids_of(running)
    shapes = list(frame.geometry)
    shapes[0] = shapely.union_all([shapes[0], shapely.affinity.scale(shapes[0], 1.1, 1.1)])
    path = tmp_path / "overlapping.geojson"
    path.write_text(frame.set_geometry(shapes, crs=4326).to_json(drop_id=True), encoding="utf-8")
    page = visit("planner", "/imports")
    upload(page, path)
    shown(page, "imports-start").click()
    expect(shown(page, "imports-coverage")).to_contain_text("重叠")
    before = shown(page, "imports-decision").count()
    first = page.locator('[data-test="imports-decision"]').first
    first.locator("button", has_text="采纳").click()
    expect(page.locator('[data-test="imports-decision"]')).not_to_have_count(before, timeout=LONG_MS)
    idle = page.locator('[data-test="imports-repairs"]:not([aria-busy])')
    for _ in range(12):
        expect(idle).to_be_visible(timeout=LONG_MS)
        every = page.locator('[data-test^="imports-all-"], [data-test="imports-mend"]')
        if not every.count():
            break
        every.first.click()
    assert page.locator('[data-test="imports-decision"]').count() == 0


def test_a_file_of_elsewhere_is_refused_and_an_import_is_found_again(
    running: RunningCity, visit: Visit, worked: None, tmp_path: Path
) -> None:
    frame = grids_of(running)
    path = tmp_path / "elsewhere.geojson"
    away = frame.set_geometry(frame.geometry.translate(xoff=0.4), crs=4326)
    path.write_text(away.to_json(drop_id=True), encoding="utf-8")
    page = visit("planner", "/imports")
    upload(page, path)
    expect(shown(page, "imports-hint")).to_contain_text("0.0 %")
    shown(page, "imports-start").click()
    expect(shown(page, "imports-failed")).to_contain_text(AREA)
    address = page.url
    again = visit("planner", address.removeprefix(running.address), width=390, height=844)
    expect(shown(again, "imports-failed")).to_contain_text(AREA)
    assert shown(again, "imports-mine").locator("[data-job]").count() >= 2


@pytest.mark.data
def test_manhattans_election_districts_become_a_draft(
    running: RunningCity, visit: Visit, worked: None, data: Path
) -> None:
    borough = geopandas.read_file(data / "nyc" / "borough.geojson").geometry.union_all()
    with transaction(running.engine) as session:
        session.add(Area(code="MNED", name="Manhattan", level="district", crs_epsg=32618, geom=stored(borough)))
        add_user(session, "surveyor", role="planner", area="MNED", password_hash="x")
    page = visit("surveyor", "/imports")
    upload(page, data / "nyc" / "election_districts_2013.geojson")
    expect(shown(page, "imports-field-code")).to_have_value("elect_dist")
    shown(page, "imports-start").click()
    expect(shown(page, "imports-counts")).to_contain_text("1,146")
    expect(shown(page, "imports-coverage")).to_contain_text("重叠")
    opened(page)
    expect(shown(page, "planner-defects").first).to_contain_text(re.compile(r"[1-9]"))
