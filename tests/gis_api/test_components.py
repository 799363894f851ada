"""Components at their doors: imported as a job and by command, read, drawn and found by everybody; hazards that hang on
one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from gis_api.cli import app as wangge
from gis_api.settings import Settings
from layers.access import Role
from tests.gis_api.conftest import AREA, ClientAs
from tests.importing import csv_file
from tests.small_city import SmallCity
from tests.tile_addresses import tile_at
from tests.uploads import wait_for_end, working_process

COVER, LAMP = f"{AREA}0100300042", f"{AREA}0102400007"
MOMENT = "2026-03-02T08:00:00+08:00"


@pytest.fixture
def worked(engine: Engine, settings: Settings) -> Iterator[None]:
    with working_process(engine, settings.upload_folder):
        yield


def file_of(place: tuple[float, float], *rows: dict[str, Any]) -> bytes:
    """Rows at one place, as an office sends them."""
    point = shapely.geometry.mapping(shapely.Point(place))
    features = [{"type": "Feature", "geometry": point, "properties": row} for row in rows]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def job(client: TestClient, content: bytes, **said: str) -> dict[str, Any]:
    told = {"district": AREA, **said}
    answer = client.post("/api/v1/imports", files={"file": ("rows.geojson", content)}, data=told)
    assert answer.status_code == 202, answer.text
    done = wait_for_end(client, answer.json()["id"])
    assert done["state"] == "done", done
    result: dict[str, Any] = done["result"]
    return result


def cover(**more: Any) -> dict[str, Any]:
    usual = {"部件标识码": COVER, "部件名称": "雨水井盖", "定位精度": "B", "部件状态": "破损"}
    return {**usual, "主管部门": "城市管理局", "养护单位": "排水养护所", **more}


def listed(client: TestClient, layer: str = "components", **asked: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{layer}", params=asked)
    assert answer.status_code == 200, answer.text
    return [feature["properties"] for feature in answer.json()["features"]]


def test_a_planner_imports_components_and_every_role_reads_draws_and_finds_them(
    planner: TestClient, client_as: ClientAs, worked: None, small_city: SmallCity
) -> None:
    place = small_city.inside(min(small_city.codes))
    lamp = cover(部件标识码=LAMP, 部件名称="路灯", 定位精度=None, 部件状态=None)
    result = job(planner, file_of(place, cover(), lamp), layer="components")
    assert (result["read"], result["stored"], result["refused"]) == (2, 2, [])
    for role in Role:
        client = client_as(str(role))
        first, second = listed(client)
        assert first == {
            "code": COVER,
            "name": "雨水井盖",
            "main_class": "01",
            "sub_class": "003",
            "accuracy": "B",
            "accuracy_m": 1.0,
            "state": "damaged",
            "supervising_unit": "城市管理局",
            "maintaining_unit": "排水养护所",
        }
        assert (second["accuracy"], second["accuracy_m"], second["state"]) == (None, None, "intact")
        tile = client.get(tile_at(place, "components", z=17))
        assert tile.status_code == 200 and COVER.encode() in tile.content and LAMP.encode() in tile.content
        assert client.get(tile_at(place, "components", z=15)).content == b""
    searcher = client_as("dispatcher")
    for typed, codes in ((COVER, [COVER]), (f"{AREA}01", [LAMP, COVER]), ("井盖", [COVER]), ("路灯", [LAMP])):
        found = searcher.get("/api/v1/search", params={"q": typed}).json()["results"]
        told = [one["code"] for one in found if one["kind"] == "component"]
        assert told == codes, typed
    (one,) = searcher.get("/api/v1/search", params={"q": "雨水井盖"}).json()["results"]
    assert (one["grid"], one["detail"]) == (min(small_city.codes)[:15], "城市管理局")
    assert one["path"][-1]["code"] == min(small_city.codes)[:12]


def test_another_area_reads_and_finds_none_of_them(
    planner: TestClient, client_as: ClientAs, worked: None, small_city: SmallCity
) -> None:
    job(planner, file_of(small_city.inside(min(small_city.codes)), cover()), layer="components")
    mine, other = (client_as("planner", area=codes[:12]) for codes in (min(small_city.codes), max(small_city.codes)))
    assert min(small_city.codes)[:12] != max(small_city.codes)[:12]
    for client, codes in ((mine, [COVER]), (other, []), (client_as("planner", area="130274"), [])):
        assert [one["code"] for one in listed(client)] == codes
        results = client.get("/api/v1/search", params={"q": "井盖"}).json()["results"]
        assert [one["code"] for one in results] == codes


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"部件标识码": COVER[:15]}, "component_code_wrong"),
        ({"部件标识码": "1.3027301003E+15"}, "digits_lost"),
        ({"部件标识码": "130273A100300042"}, "component_code_wrong"),
        ({"部件标识码": None}, "field_missing"),
        ({"部件标识码": f"130274{COVER[6:]}"}, "code_of_another_district"),
        ({"部件状态": "很好"}, "unknown_word"),
        ({"定位精度": "D"}, "unknown_word"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(
    planner: TestClient, worked: None, small_city: SmallCity, row: dict[str, Any], reason: str
) -> None:
    place = small_city.inside(min(small_city.codes))
    result = job(planner, file_of(place, cover(**row), cover(部件标识码=LAMP)), layer="components")
    assert [(one["row"], one["reason"]) for one in result["refused"]] == [(1, reason)]
    assert [one["code"] for one in listed(planner)] == [LAMP]


def test_a_second_file_changes_what_it_says_and_leaves_the_rest(
    planner: TestClient, worked: None, small_city: SmallCity
) -> None:
    place = small_city.inside(min(small_city.codes))
    job(planner, file_of(place, cover(), cover()), layer="components")
    result = job(planner, file_of(place, {"code": COVER, "state": "完好"}), layer="components")
    assert (result["stored"], result["changed"]) == (1, 1)
    (one,) = listed(planner)
    assert (one["state"], one["name"], one["accuracy"]) == ("intact", "雨水井盖", "B")


@pytest.mark.parametrize("role", ["dispatcher", "leader", "worker", "unit", "auditor"])
def test_who_plans_nothing_imports_no_components(client_as: ClientAs, small_city: SmallCity, role: str) -> None:
    content = file_of(small_city.inside(min(small_city.codes)), cover())
    files = {"file": ("rows.geojson", content)}
    told = {"layer": "components", "district": AREA}
    assert client_as(role).post("/api/v1/imports", files=files, data=told).status_code == 403


def test_a_hazard_hangs_on_a_component_that_there_is(planner: TestClient, worked: None, small_city: SmallCity) -> None:
    place = small_city.inside(min(small_city.codes))
    job(planner, file_of(place, cover()), layer="components")
    hazard = {"id": "1", "类别": "facility", "发现时间": MOMENT, "部件编码": COVER}
    others = [{**hazard, "id": "2", "部件编码": LAMP}, {**hazard, "id": "3", "部件编码": None}]
    result = job(planner, file_of(place, hazard, *others), layer="hazards", source="h")
    assert [(one["row"], one["reason"]) for one in result["refused"]] == [(2, "no_such_component")]
    assert [one["component_code"] for one in listed(planner, "hazards")] == [COVER, None]
    # A file that says nothing of components leaves the hazard where it hangs.
    silent = {name: value for name, value in hazard.items() if name != "部件编码"}
    job(planner, file_of(place, silent), layer="hazards", source="h")
    assert [one["component_code"] for one in listed(planner, "hazards")] == [COVER, None]


def test_a_command_imports_components(small_city: SmallCity, database_url: str, engine: Engine, tmp_path: Path) -> None:
    lon, lat = small_city.inside(min(small_city.codes))
    file = csv_file(tmp_path, code=[COVER, "12"], name=["雨水井盖", "x"], lon=[lon] * 2, lat=[lat] * 2)
    environment = {"WANGGE_DATABASE_URL": database_url, "WANGGE_VAR": str(tmp_path / "var"), "WANGGE_LANGUAGE": "en"}
    result = CliRunner().invoke(
        wangge, ["import", "components", str(file), "--datum", "wgs84", "--district", AREA], env=environment
    )
    assert result.exit_code == 0, result.output
    assert "a component code has 16 digits" in result.stdout
    with engine.connect() as connection:
        assert connection.execute(text("SELECT code, district, name FROM components")).all() == [
            (COVER, AREA, "雨水井盖")
        ]
