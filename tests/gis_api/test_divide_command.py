"""`wangge divide` on files: a proposal that `wangge check` finds whole, and every refusal in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from gis_api.cli import app
from tiling.plane import Plane

PLANE = Plane(4548)
ORIGIN = np.array([500_000.0, 4_380_000.0])


def feature(shape: shapely.Geometry, **properties: Any) -> dict[str, Any]:
    moved = shapely.transform(shape, lambda xy: xy + ORIGIN)
    geometry = json.loads(shapely.to_geojson(PLANE.to_degrees(moved)))
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def written(path: Path, *features: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


@pytest.fixture
def estate(tmp_path: Path) -> dict[str, Path]:
    """Sixteen houses of ten households around a crossing, in one community."""
    houses = [
        feature(shapely.box(x + 5, y + 5, x + 15, y + 15), households=10, stairwells=1)
        for x in range(0, 80, 20)
        for y in range(0, 80, 20)
    ]
    cross = [shapely.LineString([(40, 0), (40, 80)]), shapely.LineString([(0, 40), (80, 40)])]
    return {
        "boundary": written(tmp_path / "area.geojson", feature(shapely.box(0, 0, 80, 80), code="130273001001")),
        "buildings": written(tmp_path / "houses.geojson", *houses),
        "roads": written(tmp_path / "roads.geojson", *(feature(line, highway="residential") for line in cross)),
        "out": tmp_path / "grids.geojson",
    }


def run(estate: dict[str, Path], *more: str) -> Any:
    out = ["--out", str(estate["out"]), "--roads", str(estate["roads"])]
    return CliRunner().invoke(app, ["divide", str(estate["boundary"]), str(estate["buildings"]), *out, *more])


def test_files_become_grids_that_the_check_finds_whole(estate: dict[str, Path]) -> None:
    done = run(estate, "--households", "40", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["complete"] and told["figures"]["grids"] == 4
    assert told["figures"]["in_tolerance"] == 1.0 and told["figures"]["along_lines"] == 1.0
    grids = json.loads(estate["out"].read_text())["features"]
    assert [grid["properties"]["code"] for grid in grids] == [f"130273001001{n:03d}" for n in (1, 2, 3, 4)]
    assert {grid["properties"]["households"] for grid in grids} == {40.0}
    checked = CliRunner().invoke(app, ["check", str(estate["out"]), "--frame", str(estate["boundary"])])
    assert checked.exit_code == 0, checked.output


def test_sub_grids_and_a_table_for_people(estate: dict[str, Path]) -> None:
    done = run(estate, "--households", "80", "--sub-households", "20", "--profile", "streets")
    assert done.exit_code == 0, done.output
    assert "in_tolerance\t1.0" in done.stdout
    codes = [grid["properties"]["code"] for grid in json.loads(estate["out"].read_text())["features"]]
    assert len([code for code in codes if len(code) == 15]) == 2
    assert all(code[:15] in codes for code in codes)


def test_least_change_against_todays_grids(estate: dict[str, Path], tmp_path: Path) -> None:
    halves = (shapely.box(0, 0, 80, 40), shapely.box(0, 40, 80, 80))
    today = written(tmp_path / "today.geojson", *(feature(half, code=str(n)) for n, half in enumerate(halves)))
    done = run(estate, "--households", "80", "--today", str(today), "--json")
    assert json.loads(done.stdout)["figures"]["moved"] == 0.0


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--tolerance", "2"], "tolerance"),
        (["--profile", "random"], "balanced even streets"),
        (["--grids", "0"], "at least one grid"),
    ],
)
def test_wishes_that_make_no_sense_are_refused(estate: dict[str, Path], more: list[str], words: str) -> None:
    done = run(estate, *more)
    assert done.exit_code == 2
    assert words in " ".join(done.output.replace("│", " ").split())


def test_overlapping_locked_grids_are_refused_in_one_line(estate: dict[str, Path], tmp_path: Path) -> None:
    boxes = (shapely.box(0, 0, 40, 40), shapely.box(20, 0, 60, 40))
    locked = written(tmp_path / "locked.geojson", *(feature(box, code=str(n)) for n, box in enumerate(boxes)))
    done = run(estate, "--locked", str(locked))
    assert done.exit_code == 1 and "locked_overlap" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_houses_without_numbers_are_estimated_and_it_is_said(estate: dict[str, Path], tmp_path: Path) -> None:
    bare = [feature(shapely.box(x + 2, 5, x + 18, 15), floors=6) for x in range(0, 80, 20)]
    estate["buildings"] = written(tmp_path / "bare.geojson", *bare)
    told = json.loads(run(estate, "--grids", "2", "--json").stdout)
    assert {"estimated"} <= {remark["code"] for remark in told["remarks"]}


def test_a_refusal_is_one_line_in_the_language_of_the_terminal(
    estate: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_LANGUAGE", "zh-CN")
    estate["buildings"] = written(tmp_path / "far.geojson", feature(shapely.box(900, 900, 910, 910)))
    whole = written(tmp_path / "whole.geojson", feature(shapely.box(0, 0, 80, 80), code="1"))
    for more, words in ((["--locked", str(whole)], "保留的网格占满"), ([], "没有楼栋可以计数")):
        done = run(estate, *more)
        assert done.exit_code == 1 and words in done.stderr, done.output
        assert len(done.stderr.strip().splitlines()) == 1


def test_ground_that_does_not_lend_itself_gets_a_proposal_that_says_why(
    estate: dict[str, Path], tmp_path: Path
) -> None:
    far = json.loads(run(estate, "--households", "90000", "--json").stdout)
    assert far["figures"]["grids"] == 1 and "out_of_range" in {remark["code"] for remark in far["remarks"]}
    pieces = shapely.MultiPolygon([shapely.box(0, 0, 38, 80), shapely.box(42, 0, 80, 80)])
    estate["boundary"] = written(tmp_path / "pieces.geojson", feature(pieces, code="130273001001"))
    done = json.loads(run(estate, "--households", "40", "--json").stdout)
    assert done["figures"]["grids"] == 4 and done["figures"]["buildings_cut"] == 0
    estate["buildings"] = written(tmp_path / "giant.geojson", feature(shapely.box(5, 5, 35, 75), households=5000))
    giant = json.loads(run(estate, "--households", "40", "--json").stdout)
    assert giant["figures"]["oversize"] == 1
    assert {"oversize"} <= {remark["code"] for remark in giant["remarks"]}
