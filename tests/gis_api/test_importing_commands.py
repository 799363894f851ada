"""wangge import, check, publish and agree as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from click.testing import Result
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from gis_api.cli import app, main
from layers import planning
from layers.access import Actor, User
from layers.buildings import Building
from layers.db import transaction
from layers.errors import Forbidden, Unacceptable
from layers.plans import Plan
from tests.importing import BOW_TIE, boxes, csv_file, geo_file

Wangge = Callable[..., Result]


@pytest.fixture
def wangge(database_url: str, tmp_path: Path) -> Wangge:
    environment = {"WANGGE_DATABASE_URL": database_url, "WANGGE_VAR": str(tmp_path / "var")}
    return lambda *words: CliRunner().invoke(app, [*map(str, words)], env=environment)


def test_an_import_prints_counts_and_each_refused_row(wangge: Wangge, tmp_path: Path, engine: Engine) -> None:
    file = geo_file(tmp_path, [*boxes(), BOW_TIE], osm_id=[1, 2, 3])
    dry = wangge("import", "buildings", file, "--dry-run")
    assert dry.exit_code == 0
    assert "dry run" in dry.stdout
    result = wangge("import", "buildings", file)
    figures = {line.split()[0]: line.split()[1] for line in result.stdout.splitlines()[1:4]}
    assert figures == {"read": "3", "stored": "2", "refused": "1"}
    assert "invalid geometry" in result.stdout
    assert "118.105000 39.605000" in result.stdout
    with Session(engine) as session:
        assert session.scalar(select(func.count()).where(Building.source == file.name)) == 2


def test_an_import_speaks_the_language_of_the_terminal(
    wangge: Wangge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = boxes(count=2, lon=110.0)
    file = geo_file(tmp_path, [one.buffer(1e-4, join_style="mitre"), two], code=["1", "2"])
    words = ("import", "grids", file, "--district", "BEAT", "--frame", "union")
    assert "defects: Overlap 1" in wangge(*words).stdout
    monkeypatch.setenv("WANGGE_LANGUAGE", "zh-CN")
    assert "问题：重叠 1" in wangge(*words).stdout


def test_grids_go_from_a_file_to_a_published_plan(wangge: Wangge, tmp_path: Path, engine: Engine) -> None:
    file = geo_file(tmp_path, boxes(count=3, lon=110.0), beat=["1", "2", "3"])
    words = ("--district", "BEAT", "--frame", "union", "--map", "beat=code", "--json")
    plan = json.loads(wangge("import", "grids", file, *words).stdout)["plans"]["BEAT"]
    result = wangge("publish", plan)
    assert result.exit_code == 0, result.output
    assert f"plan {plan} of BEAT is published as version 1" in result.stdout
    with Session(engine) as session:
        stored = session.get_one(Plan, plan)
        assert (stored.state, stored.submitted_by, stored.published_by) == (
            "published",
            "wangge submit",
            "wangge publish",
        )
    points = csv_file(tmp_path, lon=[110.001, 110.003], lat=[39.601, 39.601], stated=["1", "3"])
    agreed = wangge("agree", points, "--column", "stated", "--district", "BEAT", "--datum", "wgs84").stdout
    assert agreed.startswith("1 of 2 located rows")
    assert "BEAT-3" in agreed


def test_a_plan_with_errors_is_not_published(wangge: Wangge, tmp_path: Path) -> None:
    wide = shapely.box(110.0, 39.6, 110.003, 39.602)
    file = geo_file(tmp_path, [wide, *boxes(lon=110.002)], code=["1", "2", "3"])
    told = wangge("import", "grids", file, "--district", "BEAT", "--frame", "union", "--json").stdout
    result = wangge("publish", json.loads(told)["plans"]["BEAT"])
    assert result.exit_code == 1
    assert isinstance(result.exception, Unacceptable)


def test_a_named_person_publishes_unless_the_person_edited_it(wangge: Wangge, tmp_path: Path, engine: Engine) -> None:
    file = geo_file(tmp_path, boxes(lon=110.0), code=["1", "2"])
    words = ("--district", "130273-x", "--frame", "union", "--json")
    plan = json.loads(wangge("import", "grids", file, *words).stdout)["plans"]["130273-x"]
    assert wangge("publish", plan, "--by", "nobody").exit_code == 2
    assert wangge("publish", plan, "--by", "leader").exit_code == 2
    with transaction(engine) as session:
        assert session.get(User, "planner") is not None
        session.get_one(Plan, plan).editors = ["planner"]
    assert isinstance(wangge("publish", plan, "--by", "planner").exception, Forbidden)
    assert wangge("publish", plan, "--by", "reviewer").exit_code == 0


def test_check_needs_no_database_and_its_status_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    clean = CliRunner().invoke(app, ["check", str(geo_file(tmp_path, boxes(), code=["1", "2"]))])
    assert (clean.exit_code, "no defects" in clean.stdout) == (0, True)
    torn = geo_file(tmp_path, [*boxes(), BOW_TIE, None], code=["1", "2", "3", "4"])
    result = CliRunner().invoke(app, ["check", str(torn), "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["summary"]["by_kind"]["invalid"] == 1
    assert [(one["row"], one["reason"]) for one in told["refused"]] == [(4, "no_geometry")]
    frame = geo_file(tmp_path, [shapely.box(118.1, 39.6, 118.2, 39.602)], file_name="frame.parquet")
    words = ["check", str(geo_file(tmp_path, boxes(), code=["1", "2"])), "--frame", str(frame)]
    assert "gap" in CliRunner().invoke(app, words).stdout


def test_a_column_that_is_not_named_well_is_refused(wangge: Wangge, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(), code=["1", "2"])
    assert wangge("import", "buildings", file, "--map", "code").exit_code == 2
    assert isinstance(wangge("import", "buildings", file, "--map", "gone=name").exception, Unacceptable)


def test_a_file_of_which_nothing_could_be_stored_fails(wangge: Wangge, tmp_path: Path) -> None:
    result = wangge("import", "roads", geo_file(tmp_path, boxes(), osm_id=[1, 2]))
    assert result.exit_code == 1
    assert "wrong type of geometry" in result.stdout


def test_a_time_that_is_none_is_told_in_a_line(wangge: Wangge) -> None:
    for wrong in ("tomorrow", "2026-11-01T00:00:00"):
        result = wangge("publish", 1, "--effective-at", wrong)
        assert result.exit_code == 2
        assert "with its offset" in " ".join(result.output.replace("│", "").split())


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("WANGGE_DATABASE_URL", "postgresql://nobody@/none?host=/nowhere", "The database cannot be reached"),
        ("WANGGE_DATABASE_URL", "garbage", "WANGGE_DATABASE_URL"),
        ("WANGGE_PORT", "abc", "WANGGE_PORT"),
    ],
)
def test_a_wrong_setting_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], setting: str, value: str, told: str
) -> None:
    monkeypatch.setenv(setting, value)
    monkeypatch.setattr("sys.argv", ["wangge", "user", "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capfd.readouterr().err
    assert ended.value.code == 1
    assert said.count("\n") == 1
    assert told in said


def test_grids_are_held_against_their_certificate(wangge: Wangge, tmp_path: Path, engine: Engine) -> None:
    file = geo_file(tmp_path, boxes(count=3, lon=110.0), beat=["1", "2", "3"])
    words = ("--district", "BEAT", "--frame", "union", "--map", "beat=code", "--json")
    plan = json.loads(wangge("import", "grids", file, *words).stdout)["plans"]["BEAT"]
    number = int(plan["plan"] if isinstance(plan, dict) else plan)
    assert wangge("publish", str(number)).exit_code == 0
    operator = Actor(name="test", role="admin", area="")
    with Session(engine) as session:
        features = [json.loads(told) for told in planning.list_features(session, number, by=operator)]
        _, certificate = planning.certificate_of(session, number, by=operator)
    grids, paper = tmp_path / "grids.geojson", tmp_path / "certificate.json"
    grids.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    paper.write_text(json.dumps(certificate))
    held = wangge("check", grids, "--certificate", paper)
    assert held.exit_code == 0 and certificate["rows_sha256"] in held.stdout
    features[0]["properties"]["kind"] = "dedicated"
    grids.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    assert wangge("check", grids, "--certificate", paper).exit_code == 1
    assert wangge("check", paper, "--certificate", paper).exit_code == 2


def test_check_holds_levels_against_each_other_and_names_codes_given_twice(wangge: Wangge, tmp_path: Path) -> None:
    left, right, far = boxes(count=3)
    grids = [shapely.union(left, right), far]
    levels = {"code": ["A", "B", "a1", "b1", "b2"], "parent_code": [None, None, "A", "B", "B"]}
    file = geo_file(tmp_path, [*grids, left, far, right], **levels)
    report = json.loads(wangge("check", file, "--json").stdout)
    assert [(one["kind"], one["codes"]) for one in report["defects"]] == [
        ("nesting", ["A", "a1"]),
        ("nesting", ["B", "b2"]),
    ]
    twice = geo_file(tmp_path, [left, right], file_name="twice.parquet", code=["1", "1"])
    told = wangge("check", twice)
    assert told.exit_code == 1
    assert "1, 2" in told.stdout and "valid coverage" not in told.stdout
    many = geo_file(tmp_path, boxes(count=14), file_name="many.parquet", code=[str(n // 2) for n in range(14)])
    lines = [line for line in wangge("check", many).stdout.splitlines() if "several rows" in line]
    assert len(lines) == 1 and "7 codes" in lines[0] and "(+2)" in lines[0]


def test_a_draft_that_holds_a_part_of_its_file_ends_with_an_error(wangge: Wangge, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(count=4), code=["1"] * 4, beat=["1", "2", "3", "4"])
    result = wangge("import", "grids", file, "--district", "PART", "--frame", "union", "--dry-run")
    assert result.exit_code == 1
    assert "--map" in result.stdout and "beat" in result.stdout
    assert (
        wangge(
            "import", "grids", file, *["--district", "PART", "--frame", "union", "--map", "beat=code", "--dry-run"]
        ).exit_code
        == 0
    )
