"""Files as offices send them, over HTTP and by command: what programs did to them is mended or told."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import pandas
import pytest
import shapely
from openpyxl import Workbook
from sqlalchemy import Engine, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from gis_api.cli import app as wangge
from gis_api.settings import Settings
from tests.gis_api.conftest import AREA, ClientAs
from tests.small_city import SmallCity
from tests.uploads import wait_for_end, working_process

HEADER = "工号,姓名,岗位"
# What a spreadsheet made of a code, and the code, or the reason of the refusal.
DAMAGE = [
    ("00017", "00017"),
    ("'00018", "00018"),
    ("19.0", "19"),
    ("\uff12\uff10", "20"),
    ("1.30273E+14", "digits_lost"),
    ("13027300100100101.0", "digits_lost"),
    ("#REF!", "cell_is_an_error"),
    ("=A1", "formula_not_computed"),
]


@pytest.fixture
def admin(signed_in: ClientAs, engine: Engine, settings: Settings, small_city: SmallCity) -> Iterator[TestClient]:
    with working_process(engine, settings.upload_folder):
        yield signed_in("admin", area="")


def imported(client: TestClient, layer: str, content: bytes, *, name: str, **told: str) -> dict[str, Any]:
    form = {"layer": layer, "district": AREA, **told}
    answer = client.post("/api/v1/imports", files={"file": (name, content)}, data=form)
    assert answer.status_code == 202, answer.text
    return wait_for_end(client, answer.json()["id"])


def stored(engine: Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(query)).scalars())


def reasons(job: dict[str, Any]) -> list[str]:
    assert job["state"] == "done", job
    return [one["reason"] for one in job["result"]["refused"]]


def test_each_damage_of_a_spreadsheet_to_a_staff_number_is_mended_or_refused(admin: TestClient, engine: Engine) -> None:
    rows = [f"{cell},赵测试,grid_worker" for cell, _ in DAMAGE]
    job = imported(admin, "workers", "\n".join([HEADER, *rows]).encode("gbk"), name="名单.csv")
    assert reasons(job) == [after for _, after in DAMAGE if "_" in after]
    numbers = stored(engine, "SELECT number FROM workers WHERE name = '赵测试'")
    assert sorted(numbers) == sorted(after for _, after in DAMAGE if "_" not in after)


def test_each_damage_of_a_spreadsheet_to_a_grid_is_mended_or_refused(admin: TestClient) -> None:
    squares = [shapely.box(110 + n / 1000, 39, 110.001 + n / 1000, 39.001) for n in range(len(DAMAGE))]
    rows = [f'{cell},"{square.wkt}"' for (cell, _), square in zip(DAMAGE, squares, strict=True)]
    content = "\n".join(["code,wkt", *rows]).encode()
    told = {"district": "X1", "frame": "union", "datum": "wgs84"}
    job = imported(admin, "grids", content, name="grids.csv", **told)
    assert reasons(job) == [after for _, after in DAMAGE if "_" in after]


def test_a_workbook_of_hazards_has_dates_and_texts_as_a_person_sees_them(
    admin: TestClient, engine: Engine, small_city: SmallCity
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "category", "描述", "发现时间", "lon", "lat"])
    sheet.append(["007", "fire", "楼道堆物", "2026/11/29 22:00", lon, lat])
    book.save(file)
    told = {"datum": "wgs84", "tz": "Asia/Shanghai"}
    job = imported(admin, "hazards", file.getvalue(), name="隐患.xlsx", **told)
    assert reasons(job) == [], job["result"]["refused"]
    found = stored(engine, "SELECT found_at AT TIME ZONE 'UTC' FROM hazards WHERE description = '楼道堆物'")
    assert [str(one) for one in found] == ["2026-11-29 14:00:00"]


def test_long_codes_beside_an_empty_cell_keep_every_digit(admin: TestClient, engine: Engine, tmp_path: Path) -> None:
    codes = [13027300100100101, 13027300100100103, None]
    shapes = [shapely.box(110 + n / 1000, 39, 110.001 + n / 1000, 39.001) for n in range(3)]
    frame = geopandas.GeoDataFrame(geometry=shapes, crs=4326).assign(code=pandas.array(codes, dtype="Int64"))
    frame.to_file(tmp_path / "null.gpkg")
    told = {"district": "X2", "frame": "union"}
    job = imported(admin, "grids", (tmp_path / "null.gpkg").read_bytes(), name="null.gpkg", **told)
    assert job["state"] == "done", job
    kept = stored(engine, "SELECT code FROM grids WHERE code LIKE 'X2-%'")
    assert {"X2-13027300100100101", "X2-13027300100100103"} <= set(kept)
    assert job["result"]["refused_count"] == 1


def test_a_file_across_the_antimeridian_is_told_in_those_words(admin: TestClient) -> None:
    shapes = [shapely.box(179.99, -17, 179.999, -16.99), shapely.box(-179.999, -17, -179.99, -16.99)]
    content = str(geopandas.GeoDataFrame({"code": ["1", "2"]}, geometry=shapes, crs=4326).to_json()).encode()
    job = imported(admin, "grids", content, name="fiji.geojson", frame="union")
    assert (job["state"], job["problem"]["code"]) == ("failed", "crosses_antimeridian")
    assert "180" in job["problem"]["detail"]


def test_what_rows_were_refused_about_is_told_in_the_readers_language_and_said_once(admin: TestClient) -> None:
    left, right = (shapely.box(110 + n / 1000, 39, 110.001 + n / 1000, 39.001) for n in range(2))
    line = shapely.LineString([(110, 39), (110.001, 39.001)])
    rows = {"code": ["A", "B", "a1", "b1", "x"], "parent_code": [None, None, "B", "A", None]}
    frame = geopandas.GeoDataFrame(rows, geometry=[left, right, left, right, line], crs=4326)
    frame["level"] = ["grid", "grid", "sub_grid", "sub_grid", "grid"]
    admin.headers["accept-language"] = "zh-CN"
    content = str(frame.to_json()).encode()
    job = imported(admin, "grids", content, name="x.geojson", frame="union", district="X9")
    refused = {one["row"]: one["detail"] for one in job["result"]["refused"]}
    assert refused[5] == "线"
    assert "平方米在 X9-A 之外" in refused[4] and "outside" not in refused[4]
    notes = [note["words"] for note in job["result"]["notes"] if note["code"].startswith("nesting")]
    assert len(notes) == 2 and all("2 个网格" in words for words in notes)


def test_a_name_in_the_extended_form_is_the_name_of_the_file(admin: TestClient) -> None:
    parts = [
        "--x",
        "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%E7%BD%91%E6%A0%BC.geojson",
        "",
        "{}",
    ]
    for name, value in (("layer", "grids"), ("district", AREA)):
        parts += ["--x", f'Content-Disposition: form-data; name="{name}"', "", value]
    body = "\r\n".join([*parts, "--x--", ""]).encode()
    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = admin.post("/api/v1/imports", content=body, headers=headers)
    assert (answer.status_code, answer.json()["file"]) == (202, "网格.geojson"), answer.text
    wait_for_end(admin, answer.json()["id"])


def test_explain_asks_one_district_alone(database_url: str, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    words, environment = ["explain", str(lon), str(lat)], {"WANGGE_DATABASE_URL": database_url}
    answer = CliRunner().invoke(wangge, [*words, "--district", AREA], env=environment)
    assert answer.exit_code == 0, answer.output
    assert small_city.codes[0][:15] in answer.output
    other = CliRunner().invoke(wangge, [*words, "--district", "999999"], env=environment)
    assert getattr(other.exception, "code", None) == "nothing_published"
