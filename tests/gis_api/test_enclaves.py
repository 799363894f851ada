"""Several districts of one file with `frame=union`, over HTTP and by command: an enclave is its own district's ground,
whichever code comes first, and ground that nobody holds is told as a gap, whoever encloses it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from sqlalchemy import Engine
from starlette.testclient import TestClient
from typer.testing import CliRunner

from gis_api.cli import app as wangge
from gis_api.settings import Settings
from tests.gis_api.conftest import ClientAs
from tests.plan_desk import PLANS
from tests.uploads import wait_for_end, working_process

LON, LAT, SIDE = 110.0, 39.0, 0.002
# A letter is the district of a cell, a dot is nobody's ground.
ENCLAVE = ("AAAA", "ABBA", "AAAA")
HOLE_BESIDE_THE_ENCLAVE = ("AAAAA", "AB.AA", "AAAAA")
HOLE_IN_THE_ENCLAVE = ("AAAAA", "ABBBA", "AB.BA", "ABBBA", "AAAAA")
EXCLAVE_IN_THE_ENCLAVE = ("AAAAA", "ABBBA", "ABABA", "ABBBA", "AAAAA")
HOLE_BETWEEN = ("AAB", "A.B", "AAB")


def cells(picture: tuple[str, ...], names: Mapping[str, str], *, at: tuple[int, int] = (0, 0)) -> bytes:
    """A file with a square for each cell of a named district, with a code of its own."""
    rows = [
        (names[letter], f"{y}{x}", square(at[0] + x, at[1] + y))
        for y, line in enumerate(picture)
        for x, letter in enumerate(line)
        if letter in names
    ]
    district, code, shapes = zip(*rows, strict=True)
    frame = geopandas.GeoDataFrame({"district": district, "code": code}, geometry=list(shapes), crs=4326)
    return str(frame.to_json()).encode()


def square(x: int, y: int) -> shapely.Polygon:
    return shapely.box(
        *(round(one, 9) for one in (LON + x * SIDE, LAT + y * SIDE, LON + (x + 1) * SIDE, LAT + (y + 1) * SIDE))
    )


@pytest.fixture
def admin(signed_in: ClientAs, engine: Engine, settings: Settings) -> Iterator[TestClient]:
    with working_process(engine, settings.upload_folder):
        yield signed_in("admin", area="")


def imported(client: TestClient, content: bytes) -> dict[str, Any]:
    """The defects of each district's draft by kind."""
    told = {"layer": "grids", "frame": "union"}
    answer = client.post("/api/v1/imports", files={"file": ("districts.geojson", content)}, data=told)
    assert answer.status_code == 202, answer.text
    job = wait_for_end(client, answer.json()["id"])
    assert job["state"] == "done", job["problem"]
    plans = job["result"]["plans"]
    return {d: client.get(f"{PLANS}/{plan}/coverage").json()["summary"]["by_kind"] for d, plan in plans.items()}


@pytest.mark.parametrize("names", [{"A": "110101", "B": "110102"}, {"A": "110102", "B": "110101"}])
@pytest.mark.parametrize(
    ("picture", "gaps"),
    [
        (ENCLAVE, {"A": 0, "B": 0}),
        (HOLE_BESIDE_THE_ENCLAVE, {"A": 1, "B": 0}),
        (HOLE_IN_THE_ENCLAVE, {"A": 0, "B": 1}),
        (EXCLAVE_IN_THE_ENCLAVE, {"A": 0, "B": 0}),
    ],
)
def test_an_enclave_is_no_gap_whichever_code_comes_first(
    admin: TestClient, names: dict[str, str], picture: tuple[str, ...], gaps: dict[str, int]
) -> None:
    found = imported(admin, cells(picture, names))
    assert found == {names[letter]: {"gap": count} if count else {} for letter, count in gaps.items()}


@pytest.mark.parametrize("names", [{"A": "110101", "B": "110102"}, {"A": "110102", "B": "110101"}])
def test_ground_that_two_districts_enclose_is_a_gap_of_one(admin: TestClient, names: dict[str, str]) -> None:
    found = imported(admin, cells(HOLE_BETWEEN, names))
    # It borders longest on the district that is on three sides of it.
    assert found == {names["A"]: {"gap": 1}, names["B"]: {}}


def test_a_neighbour_stored_before_fills_a_hole_and_another_division_of_the_same_ground_does_not(
    admin: TestClient,
) -> None:
    assert imported(admin, cells(ENCLAVE, {"B": "110102"})) == {"110102": {}}
    assert imported(admin, cells(ENCLAVE, {"A": "110101"})) == {"110101": {}}
    assert imported(admin, cells(("CCC", "CCC", "CCC"), {"C": "110103"}, at=(10, 10))) == {"110103": {}}
    assert imported(admin, cells(("DDD", "D.D", "DDD"), {"D": "110104"}, at=(10, 10))) == {"110104": {"gap": 1}}


@pytest.mark.parametrize("names", [{"A": "110101", "B": "110102"}, {"A": "110102", "B": "110101"}])
def test_the_command_judges_all_districts_of_a_file_together(
    database_url: str, tmp_path: Path, names: dict[str, str]
) -> None:
    file = tmp_path / "districts.geojson"
    file.write_bytes(cells(ENCLAVE, names))
    words = ["import", "grids", str(file), "--frame", "union", "--json"]
    result = CliRunner().invoke(wangge, words, env={"WANGGE_DATABASE_URL": database_url})
    assert result.exit_code == 0, result.output
    notes = [note for note in json.loads(result.stdout)["notes"] if note["code"] == "draft_made"]
    assert {note["district"]: note["by_kind"] for note in notes} == {name: {} for name in names.values()}
