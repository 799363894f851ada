"""Files of life that nobody drew for us: levels that contradict each other, holes, one code for many rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import shapely
from sqlalchemy.orm import Session

from layers import planning
from layers.access import Actor, Role
from layers.importing.levels import find_misfits
from layers.importing.report import ImportReport, Note
from layers.plans import get_plan
from tests.drafts import DRAFTS
from tests.importing import boxes, geo_file, imported

CASES = Path(os.environ.get("WANGGE_TEST_CASES", str(Path(__file__).parents[4] / "shared" / "cases")))
FOLDER = CASES / "30-imports-and-repairs"
EVERYBODY = Actor(name="somebody", role=Role.planner, area="")
present = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="no cases: set WANGGE_TEST_CASES to the folder that holds them"
)


def noted(report: ImportReport, code: str) -> list[Note]:
    return [note for note in report.notes if note.code == code]


def errors(session: Session, report: ImportReport, district: str) -> dict[str, float]:
    told = planning.report_of(session, DRAFTS, report.plans[district], by=EVERYBODY)["defects"]
    return {one["kind"]: one["area_m2"] for one in told if one["severity"] == "error"}


@present
def test_a_hole_that_the_grids_enclose_is_a_gap_of_their_own_frame(session: Session) -> None:
    report = imported(session, "grids", FOLDER / "ring.geojson", by=EVERYBODY, district="RING", frame="union")
    assert errors(session, report, "RING") == {"gap": pytest.approx(228_733, abs=1)}
    plan = get_plan(session, report.plans["RING"], by=EVERYBODY)
    beyond = {"gap": "outside"}
    assert planning.propose_repair(session, DRAFTS, plan.id, options=beyond, by=EVERYBODY)["ok"]
    done, _ = planning.repair(session, DRAFTS, plan.id, options=beyond, version=plan.version, by=EVERYBODY)
    assert done.report["ok"] and done.changed == ()
    planning.undo(session, DRAFTS, plan.id, version=plan.version, by=EVERYBODY)
    assert errors(session, report, "RING") == {"gap": pytest.approx(228_733, abs=1)}


@present
def test_a_sub_grid_that_lies_in_another_grid_than_it_says_is_told_and_not_taken(session: Session) -> None:
    report = imported(session, "grids", FOLDER / "wrong_parent.gpkg", by=EVERYBODY, district="WRONG", frame="union")
    assert [(note.values["grid"], note.values["others"]) for note in noted(report, "nesting")] == [
        ("WRONG-A", "WRONG-b2"),
        ("WRONG-B", "WRONG-b1"),
    ]
    assert {note.values["area_m2"] for note in noted(report, "nesting")} == {228_749}
    (refusal,) = report.refused
    assert (refusal.row, refusal.reason) == (6, "nesting")
    assert "228,749 m² outside WRONG-A" in refusal.detail
    assert noted(report, "draft_is_part")


@present
def test_a_list_as_a_property_is_read(session: Session) -> None:
    report = imported(session, "grids", FOLDER / "list_property.geojson", by=EVERYBODY, district="LIST", frame="union")
    assert report.stored == 1 and errors(session, report, "LIST") == {}


@present
def test_one_code_for_all_rows_makes_a_draft_of_a_part_that_says_so(session: Session) -> None:
    report = imported(session, "grids", FOLDER / "same_code.geojson", by=EVERYBODY, district="SAME", frame="union")
    assert (report.stored, report.count_by_reason()) == (1, {"duplicate_code": 3})
    (note,) = noted(report, "draft_is_part")
    assert note.values == {"stored": 1, "read": 4, "code": "code"}


def test_the_columns_that_were_taken_are_said_and_those_that_were_not(session: Session, tmp_path: Path) -> None:
    file = geo_file(tmp_path, boxes(), grid_code=["1", "2"], VTDST20=["x", "y"], colour=["red", "blue"])
    report = imported(session, "grids", file, by=EVERYBODY, district="COLS", frame="union")
    (note,) = noted(report, "columns_taken")
    assert note.values == {"taken": "grid_code → code", "left": "VTDST20, colour"}
    assert not noted(report, "draft_is_part")


def test_sub_grids_drawn_a_little_past_their_grid_are_told_and_taken() -> None:
    grid, half, rest = shapely.box(118.1, 39.6, 118.102, 39.602), 118.101, 118.10201
    shapes = {"A": grid, "a1": shapely.box(118.1, 39.6, half, 39.602), "a2": shapely.box(half, 39.6, rest, 39.602)}
    (misfit,) = find_misfits(shapes, {"a1": "A", "a2": "A"})
    assert (misfit.grid, misfit.others, misfit.how, misfit.elsewhere) == ("A", ("a2",), "outside", False)
    exact = {**shapes, "a2": shapely.box(half, 39.6, 118.102, 39.602)}
    assert find_misfits(exact, {"a1": "A", "a2": "A"}) == []
