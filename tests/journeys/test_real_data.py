"""Real open data through the real commands, and the answers that are known to be right.

Manhattan's precincts and community districts are two independent plans, for 10 of the 22 precincts cross community
districts; Beijing's townships are the grids of their counties; Denver's precincts come in US feet.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas
import pandas
import pytest
import shapely
from click.testing import Result
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gis_api.cli import app
from layers import planning
from layers.access import service_actor
from layers.buildings import Building, Compound
from layers.db import make_engine
from layers.errors import Unacceptable
from layers.ground.roads import Road
from layers.hazards import Hazard
from layers.importing import ImportOptions, StatedAs, compare_stated
from layers.incidents import Incident
from layers.locating import Atlas, load_atlas
from migrations.cluster import Cluster
from tests.databases import passing_database
from tests.drafts import DRAFTS
from tiling import datums

pytestmark = [pytest.mark.data, pytest.mark.slow]
Wangge = Callable[..., Result]
READER = service_actor("reader")


@pytest.fixture(scope="module")
def url(cluster: Cluster, template_url: str) -> Iterator[str]:
    with passing_database(cluster, template_url) as made:
        yield made


@pytest.fixture(scope="module")
def real(url: str) -> Iterator[Engine]:
    made = make_engine(url)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def wangge(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wangge]:
    """The real command on this module's database; raises where the command fails."""
    folder = tmp_path_factory.mktemp("var")

    def run(*words: str, status: int = 0) -> Result:
        environment = {"WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(folder)}
        result = CliRunner().invoke(app, [*map(str, words)], env=environment)
        assert result.exit_code == status, f"{result.output}\n{result.exception!r}"
        return result

    yield run


@pytest.fixture(scope="module")
def manhattan(wangge: Wangge, data: Path) -> dict[str, int]:
    """Two independent published plans."""
    plans = {
        **imported(wangge, "grids", data / "nyc/community_districts.geojson", "--district", "MNCD")["plans"],
        **imported(wangge, "grids", data / "nyc/police_precincts.geojson", "--district", "NYPD")["plans"],
    }
    for number in plans.values():
        wangge("publish", str(number))
    return plans


@pytest.fixture(scope="module")
def beijing(wangge: Wangge, data: Path) -> dict[str, int]:
    """The townships as the grids of sixteen counties, published; four of them have a name and no code."""
    named = ("--map", "township_code=code", "--map", "township=code")
    plans: dict[str, int] = imported(wangge, "grids", data / "cn/beijing_townships.parquet", *named)["plans"]
    for number in plans.values():
        wangge("publish", str(number))
    return plans


def imported(wangge: Wangge, layer: str, file: Path, *words: str) -> dict[str, Any]:
    frame = ("--frame", "union") if layer == "grids" else ()
    report: dict[str, Any] = json.loads(wangge("import", layer, str(file), *frame, *words, "--json").stdout)
    return report


def atlas_of(engine: Engine) -> Atlas:
    with Session(engine) as session:
        return load_atlas(session)


def agreement(engine: Engine, data: Path, column: str, stated_as: StatedAs) -> Any:
    with Session(engine) as session:
        file = data / "nyc/incidents_311.csv.gz"
        return compare_stated(session, file, column=column, stated_as=stated_as, options=ImportOptions(), by=READER)


def test_precincts_and_community_districts_are_two_published_plans(manhattan: dict[str, int], real: Engine) -> None:
    place = atlas_of(real).locate(-73.98, 40.75).as_json()
    codes = {place["grid"]["code"], *(candidate["code"] for candidate in place["candidates"])}
    assert codes == {"MNCD-106", "NYPD-17"}
    assert place["grid"]["code"] == "MNCD-106"


def test_incidents_lie_in_the_precinct_that_they_state(manhattan: dict[str, int], real: Engine, data: Path) -> None:
    result = agreement(real, data, "police_precinct", StatedAs(district="NYPD", pattern=r"Precinct (\d+)"))
    assert result.stating == 542
    assert result.agreeing >= 535
    assert len(result.misses) == result.stating - result.agreeing
    assert all(miss.distance_m < 3 for miss in result.misses)


def test_incidents_lie_in_the_community_district_that_they_state(
    manhattan: dict[str, int], real: Engine, data: Path, wangge: Wangge
) -> None:
    stated_as = StatedAs(district="MNCD", pattern=r"(\d+) MANHATTAN", grid=r"1\1")
    result = agreement(real, data, "community_board", stated_as)
    assert result.stating == 6473
    assert result.agreeing >= 6428
    file = str(data / "nyc/incidents_311.csv.gz")
    words = ("--column", "community_board", "--district", "MNCD", "--pattern", stated_as.pattern, "--grid", r"1\1")
    told = wangge("agree", file, *words).stdout
    assert "6,428 of 6,473" in told
    assert told.count("MNCD-") >= len([miss for miss in result.misses if miss.found])


def test_manhattan_comes_in_whole(wangge: Wangge, data: Path, real: Engine, manhattan: dict[str, int]) -> None:
    assert imported(wangge, "buildings", data / "nyc/buildings.parquet")["stored"] == 52_634
    assert imported(wangge, "roads", data / "nyc/roads.parquet")["stored"] == 13_793
    zone = ("--tz", "America/New_York", "--district", "NYPD")
    for layer in ("hazards", "incidents"):
        report = imported(wangge, layer, data / "nyc/incidents_311.csv.gz", *zone)
        assert (report["read"], report["stored"]) == (6497, 6477)
        assert {refusal["reason"] for refusal in report["refused"]} == {"no_geometry"}
        assert len(report["refused"]) == 20
        assert imported(wangge, layer, data / "nyc/incidents_311.csv.gz", *zone)["changed"] == 6477
    with Session(real) as session:
        assert session.scalar(select(func.count(Building.id))) == 52_634
        assert session.scalar(select(func.count(Road.id))) == 13_793
        for model in (Hazard, Incident):
            in_precincts = select(func.count()).where(model.grid_code.startswith("NYPD-"))
            assert session.scalar(in_precincts) == 6445


def test_times_of_new_york_are_stored_as_moments(
    wangge: Wangge, data: Path, real: Engine, manhattan: dict[str, int]
) -> None:
    file = data / "nyc/incidents_311.csv.gz"
    imported(wangge, "hazards", file, "--tz", "America/New_York", "--district", "NYPD")
    first = pandas.read_csv(file, dtype=str).iloc[0]
    with Session(real) as session:
        stored = session.scalars(select(Hazard).where(Hazard.external_id == first.incident_id)).one()
    assert stored.found_at == pandas.Timestamp(first.created_at, tz="America/New_York").to_pydatetime()


def test_election_districts_are_a_draft_that_shows_its_overlaps_and_gaps(
    wangge: Wangge, data: Path, real: Engine
) -> None:
    file = data / "nyc/election_districts_2013.geojson"
    frame = ("--district", "MNED", "--frame", str(data / "nyc/borough.geojson"))
    report = json.loads(wangge("import", "grids", str(file), *frame, "--json").stdout)
    assert (report["read"], report["stored"], len(report["plans"])) == (1146, 1146, 1)
    with Session(real) as session:
        told = planning.report_of(session, DRAFTS, report["plans"]["MNED"], by=READER)
    assert told["summary"]["by_kind"]["invalid"] == 7
    shared: Counter[tuple[str, ...]] = Counter()
    for defect in told["defects"]:
        if defect["kind"] in ("overlap", "contained"):
            shared[tuple(sorted(defect["codes"]))] += defect["area_m2"]
    # What shapely counts on the file with the seven invalid polygons made valid: 51 of the pairs concern one of them.
    assert sum(area_m2 > 1 for area_m2 in shared.values()) == 70
    assert sum(shared.values()) == pytest.approx(677_034, rel=0.001)
    bare_m2 = {kind: sum(d["area_m2"] for d in told["defects"] if d["kind"] == kind) for kind in ("gap", "overshoot")}
    assert bare_m2 == pytest.approx({"gap": 5_746_010, "overshoot": 521_214}, rel=0.001)
    refused = wangge("publish", str(report["plans"]["MNED"]), status=1).exception
    assert isinstance(refused, Unacceptable)
    assert refused.code == "plan_has_errors"


def test_every_township_of_beijing_answers_with_its_name_and_county(
    beijing: dict[str, int], real: Engine, data: Path
) -> None:
    assert len(beijing) == 16
    atlas = atlas_of(real)
    townships = geopandas.read_parquet(data / "cn/beijing_townships.parquet")
    wrong = []
    for row in townships.itertuples():
        point = row.geometry.representative_point()
        place = atlas.locate(point.x, point.y).as_json()
        county = place["path"][0]
        if (place["grid"]["name"], county["code"], county["name"]) != (row.township, row.county_code, row.county):
            wrong.append((row.township, place))
    assert wrong == []


def test_compounds_given_in_bd09_lie_where_their_wgs84_outlines_are(wangge: Wangge, data: Path, real: Engine) -> None:
    file = data / "cn/beijing_residential_compounds.parquet"
    report = imported(wangge, "compounds", file, "--map", "wkt_bd09=geometry", "--datum", "bd09")
    assert (report["read"], report["stored"], len(report["refused"])) == (3700, 3693, 7)
    assert {refusal["reason"] for refusal in report["refused"]} == {"invalid_geometry"}
    given = geopandas.read_parquet(file).set_index("src_index")
    with Session(real) as session:
        rows = session.execute(select(Compound.external_id, func.ST_AsBinary(Compound.geom)).limit(200)).all()
    for told, wkb in rows:
        raw = shapely.get_coordinates(shapely.from_wkt(given.wkt_bd09[int(told)]))
        lon, lat = datums.to_wgs84(raw[:, 0], raw[:, 1], "bd09")
        stored = shapely.get_coordinates(shapely.from_wkb(bytes(wkb)))
        assert abs(stored - pandas.DataFrame({"x": lon, "y": lat}).to_numpy()).max() < 1e-9


def test_denver_comes_in_us_feet(wangge: Wangge, data: Path, real: Engine) -> None:
    report = imported(wangge, "grids", data / "defects/denver_precincts_2020.gpkg", "--district", "08031")
    assert (report["read"], report["stored"]) == (356, 356)
    assert {"code": "taken_as", "crs": "EPSG:2232"} in report["notes"]
    with Session(real) as session:
        told = planning.report_of(session, DRAFTS, report["plans"]["08031"], by=READER)
    assert 390e6 < told["summary"]["area_m2"] < 410e6
    assert told["summary"]["by_kind"]["overlap"] >= 17


def test_a_file_is_checked_without_a_database(data: Path, wangge: Wangge) -> None:
    told = wangge("check", str(data / "defects/providence_precincts.gpkg"), "--json", status=1)
    report = json.loads(told.stdout)
    assert report["summary"]["by_kind"] == {"gap": 3, "multipart": 3, "overlap": 2}
    assert report["summary"]["grids"] == 59
    clean = wangge("check", str(data / "nyc/police_precincts.geojson"), "--parts-allowed")
    assert "no defects" in clean.stdout
