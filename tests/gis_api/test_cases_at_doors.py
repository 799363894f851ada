"""The files of real life at the doors that read them: what is right for each stands in the README of its folder."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import geopandas
import pytest
import shapely
from openpyxl import Workbook
from sqlalchemy import Engine, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from gis_api.cli import app as wangge
from gis_api.settings import Settings
from tests.gis_api.conftest import AREA, ClientAs
from tests.importing import boxes
from tests.plan_desk import PLANS
from tests.small_city import SmallCity
from tests.uploads import wait_for_end, working_process

CASES = Path(os.environ.get("WANGGE_TEST_CASES", str(Path(__file__).parents[3] / "shared" / "cases")))
present = pytest.mark.skipif(not CASES.is_dir(), reason="no cases: set WANGGE_TEST_CASES to the folder that holds them")
# Which rows of a table of points cannot be located: the others are answered.
POINTS = {
    "bom": [], "dashes": [2, 3, 4], "empty-cell": [2], "gbk": [], "gbk-utf8like": [], "gbk-values": [],
    "one-bad": [2], "quoted": [], "semicolon": [], "spaces": [], "utf8": [],
}  # fmt: skip


@pytest.fixture
def admin(signed_in: ClientAs, engine: Engine, settings: Settings, small_city: SmallCity) -> Iterator[TestClient]:
    with working_process(engine, settings.upload_folder):
        yield signed_in("admin", area="")


def imported(client: TestClient, layer: str, file: tuple[str, bytes], **told: str) -> dict[str, Any]:
    answer = client.post("/api/v1/imports", files={"file": file}, data={"layer": layer, **told})
    assert answer.status_code == 202, answer.text
    job = wait_for_end(client, answer.json()["id"])
    assert job["state"] == "done", job["problem"]
    return job["result"]  # type: ignore[no-any-return]


def of_case(path: str) -> tuple[str, bytes]:
    return Path(path).name, (CASES / path).read_bytes()


def codes_of(client: TestClient, result: dict[str, Any]) -> set[str]:
    (plan,) = result["plans"].values()
    return {one["properties"]["code"] for one in client.get(f"{PLANS}/{plan}/grids").json()["features"]}


@present
def test_points_are_located_by_command_whatever_a_spreadsheet_made_of_them(
    database_url: str, client_as: ClientAs, tmp_path: Path
) -> None:
    lon, lat = [118.18, 118.185], [39.65, 39.652]
    body = {"datum": "wgs84", "lon": lon, "lat": lat}
    by_http = client_as("dispatcher", area="").post("/api/v1/locate?partial=true", json=body).json()
    right = dict(zip(zip(map(str, lon), map(str, lat), strict=True), by_http["relation"], strict=True))
    for name, refused in POINTS.items():
        file, out = CASES / f"04-csv-from-excel/points-{name}.csv", tmp_path / f"{name}.csv"
        columns = ("lon", "lat") if name in ("dashes", "gbk-utf8like", "gbk-values") else ("经度", "纬度")
        words = ["batch", "locate", str(file), "--datum", "wgs84", "--lon", columns[0], "--lat", columns[1]]
        answer = CliRunner().invoke(wangge, [*words, "--out", str(out)], env={"WANGGE_DATABASE_URL": database_url})
        assert answer.exit_code == 0, (name, answer.output)
        rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8-sig"))))
        for number, row in enumerate(rows, start=1):
            wanted = "refused" if number in refused else right[place_of(row, columns)]
            assert row["relation"] == wanted, (name, number, row)
        if "编号" in rows[0]:
            assert [row["编号"] for row in rows] == ["001", "002"][: len(rows)], name
        notes = [row.get("备注") or row.get("note") for row in rows if row.get("备注") or row.get("note")]
        assert all(note in ("中文备注", "学院路", "建设", "甲,乙") for note in notes), (name, notes)


def place_of(row: dict[str, str], columns: tuple[str, str]) -> tuple[str, str]:
    return str(float(row[columns[0]])), str(float(row[columns[1]]))


@present
def test_damaged_codes_are_mended_or_refused_at_the_door_of_imports(admin: TestClient, engine: Engine) -> None:
    told = {"datum": "wgs84", "frame": "union", "district": "130298"}
    right = {f"13029800100100{n}" for n in range(1, 7)}
    for name in ("own-good", "own-dot-zero", "own-apostrophe"):
        result = imported(admin, "grids", of_case(f"01-spreadsheet-codes/{name}.csv"), **told)
        assert codes_of(admin, result) == right, name
    result = imported(admin, "grids", of_case("01-spreadsheet-codes/own-scientific.csv"), **told)
    assert (result["stored"], set(result["by_reason"])) == (0, {"digits_lost"})
    result = imported(admin, "buildings", of_case("01-spreadsheet-codes/buildings.csv"), datum="wgs84")
    with engine.connect() as connection:
        query = text("SELECT external_id, households FROM buildings WHERE external_id IN ('1001', '1002')")
        rows = dict(map(tuple, connection.execute(query)))
    assert rows == {"1001": 1234, "1002": 36}, result["refused"]


@present
def test_long_codes_beside_an_empty_cell_are_exact_at_the_door_of_imports(admin: TestClient) -> None:
    told = {"frame": "union", "district": "130298"}
    parts = {f"1302980010010010{n}" for n in range(1, 7)}
    full = imported(admin, "grids", of_case("02-null-makes-float/own-full.gpkg"), **told)
    assert codes_of(admin, full) == {"130298001001001", *parts}
    null = imported(admin, "grids", of_case("02-null-makes-float/own-null.gpkg"), **told)
    assert codes_of(admin, null) == {"130298001001001", *parts}
    assert [(one["row"], one["reason"]) for one in null["refused"]] == [(8, "no_code")]


def without_a_code(folder: Path, kind: str, empty: str | None, *, named: bool = True) -> tuple[str, bytes]:
    """Three grids side by side, the second without a code, as a file of this kind; `named` gives each a name."""
    codes, names = ["130298001001001", empty, "130298001001003"], ["东", "中", "西"]
    shapes = boxes(count=3)
    columns = {"code": codes, **({"name": names} if named else {})}
    if kind in ("csv", "xlsx"):
        rows = [[*row, shape.wkt] for *row, shape in zip(*columns.values(), shapes, strict=True)]
        return table_of(kind, [[*columns, "wkt"], *rows])
    path = folder / f"grids.{kind.removesuffix('.zip')}"
    geopandas.GeoDataFrame(columns, geometry=shapes, crs=4326).to_file(path)
    if kind == "shp.zip":
        packed = folder / "grids.zip"
        with ZipFile(packed, "w") as archive:
            for part in folder.glob("grids.???"):
                if part != packed:
                    archive.write(part, part.name)
        path = packed
    return path.name, path.read_bytes()


def table_of(kind: str, rows: list[list[Any]]) -> tuple[str, bytes]:
    if kind == "csv":
        written = io.StringIO()
        csv.writer(written).writerows(rows)
        return "grids.csv", written.getvalue().encode()
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    book.save(file)
    return "grids.xlsx", file.getvalue()


@pytest.mark.parametrize("kind", ["gpkg", "shp.zip", "geojson", "xlsx", "csv"])
def test_a_row_without_a_code_is_refused_whatever_its_name_in_every_kind_of_file(
    admin: TestClient, tmp_path: Path, kind: str
) -> None:
    told = {"frame": "union", "district": "130298", **({"datum": "wgs84"} if kind in ("csv", "xlsx") else {})}
    for number, empty in enumerate([None, "", " \u3000 ", "\u200b"]):
        folder = tmp_path / str(number)
        folder.mkdir()
        name, content = without_a_code(folder, kind, empty)
        result = imported(admin, "grids", (name, content), **told)
        assert codes_of(admin, result) == {"130298001001001", "130298001001003"}, (kind, empty)
        assert [(one["row"], one["reason"]) for one in result["refused"]] == [(2, "no_code")], (kind, empty)
        (folder / name).write_bytes(content)
        datum = ["--datum", "wgs84"] if "datum" in told else []
        report = json.loads(CliRunner().invoke(wangge, ["check", str(folder / name), *datum, "--json"]).stdout)
        assert [(one["row"], one["reason"]) for one in report["refused"]] == [(2, "no_code")], (kind, empty)


def test_a_name_is_the_code_where_the_file_has_no_column_of_codes(admin: TestClient) -> None:
    told = {"frame": "union", "district": "130298", "datum": "wgs84"}
    right = {"130298-东", "130298-中", "130298-西"}
    rows = [[name, shape.wkt] for name, shape in zip(["东", "中", "西"], boxes(count=3), strict=True)]
    for header in ("name", "网格名称"):
        assert codes_of(admin, imported(admin, "grids", table_of("csv", [[header, "wkt"], *rows]), **told)) == right
    # What programs add to every table that they make is no column of codes as long as nobody has filled it.
    with_id = [["id", "网格名称", "wkt"], *([None, *row] for row in rows)]
    assert codes_of(admin, imported(admin, "grids", table_of("csv", with_id), **told)) == right
    places = "".join(
        "<Placemark><name>{}</name><Polygon><outerBoundaryIs><LinearRing><coordinates>{}</coordinates></LinearRing>"
        "</outerBoundaryIs></Polygon></Placemark>".format(name, " ".join(f"{x},{y}" for x, y in shape.exterior.coords))
        for name, shape in zip(["东", "中", "西"], boxes(count=3), strict=True)
    )
    kml = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{places}</Document></kml>'.encode()
    del told["datum"]
    assert codes_of(admin, imported(admin, "grids", ("grids.kml", kml), **told)) == right


def test_a_person_may_say_which_column_gives_the_code_where_the_first_one_is_empty(
    admin: TestClient, tmp_path: Path
) -> None:
    told = {"frame": "union", "district": "130298", "mapping": json.dumps({"code": "code", "name": "code"})}
    result = imported(admin, "grids", without_a_code(tmp_path, "geojson", None), **told)
    assert codes_of(admin, result) == {"130298001001001", "130298-中", "130298001001003"}
    assert result["refused"] == []


def test_dates_of_a_workbook_and_dates_as_texts_are_the_same_moments(
    admin: TestClient, engine: Engine, small_city: SmallCity
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "category", "描述", "发现时间", "lon", "lat"])
    moments = [datetime(2026, 11, 29, 22), "2026/11/29 22:00", "2026-11-29 22:00:00", "2026年11月29日 22:00"]
    for number, moment in enumerate(moments):
        sheet.append([f"00{number}", "fire", "日期单元格", moment, lon, lat])
    book.save(file)
    told = {"datum": "wgs84", "tz": "Asia/Shanghai", "district": AREA}
    result = imported(admin, "hazards", ("隐患.xlsx", file.getvalue()), **told)
    assert result["refused"] == []
    with engine.connect() as connection:
        query = text("SELECT DISTINCT found_at AT TIME ZONE 'UTC' FROM hazards WHERE description = '日期单元格'")
        assert [str(one) for one in connection.execute(query).scalars()] == ["2026-11-29 14:00:00"]


@pytest.mark.parametrize("ending", ["geojson", "gpkg", "fgb", "csv", "parquet"])
def test_no_area_is_negative_however_the_rings_are_wound(database_url: str, tmp_path: Path, ending: str) -> None:
    inner, outer = shapely.box(110.001, 39.001, 110.002, 39.002), shapely.box(110, 39, 110.003, 39.003)
    for name, wind in (("right", False), ("reversed", True)):
        holed = shapely.Polygon(outer.exterior, [inner.exterior])
        shapes = [shapely.orient_polygons(shape, exterior_cw=wind) for shape in (holed, inner)]
        frame = geopandas.GeoDataFrame({"code": ["1", "2"]}, geometry=shapes, crs=4326)
        file = tmp_path / f"{name}.{ending}"
        write(frame, file)
        told = CliRunner().invoke(wangge, ["check", str(file), *(["--datum", "wgs84"] if ending == "csv" else [])])
        assert told.exit_code == 0, (name, told.output)
        assert "2 grids, 0.087 km²" in told.output and "valid coverage" in told.output, told.output


def write(frame: geopandas.GeoDataFrame, file: Path) -> None:
    if file.suffix == ".parquet":
        frame.to_parquet(file)
    elif file.suffix == ".csv":
        file.write_text(frame.to_wkt().rename(columns={"geometry": "wkt"}).to_csv(index=False))
    else:
        frame.to_file(file)
