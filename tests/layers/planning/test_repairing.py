"""Repairs of drafts: new grids with codes of their own, communities respected, real sets mended or asked about."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers import planning
from layers.access import Actor, Role
from layers.errors import Unacceptable
from layers.grids import Grid
from layers.planning import ImportedGrid
from layers.planning.edits import operations, repairing
from layers.planning.memory.draft_cache import open_draft
from layers.planning.report.draft_report import review_all
from layers.planning.state.loading import load_board
from layers.plans import Lineage, Plan, get_plan
from layers.sandbox import SandboxLimits
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, add_areas, rows_of
from tests.importing import imported

CITY = synthetic_city(40, sub_grids=(1,), seed=3)
EVERYBODY = Actor(name="somebody", role=Role.planner, area="")
DATA = Path(os.environ.get("WANGGE_TEST_DATA", str(Path(__file__).parents[4] / "shared" / "data")))


def shifted(row: ImportedGrid, dx_m: float) -> ImportedGrid:
    metres = CITY.plane.to_metres(row.polygon)
    return replace(row, polygon=CITY.plane.to_degrees(shapely.transform(metres, lambda xy: xy + np.array([dx_m, 0]))))


def draft(session: Session, rows: list[ImportedGrid]) -> Plan:
    add_areas(session, CITY)
    return planning.import_draft(session, CITY.district, rows=rows, frame=CITY.frame, by=DRAWER)


def kinds(session: Session, plan: Plan) -> dict[str, int]:
    errors = [d for d in planning.report_of(session, DRAFTS, plan.id, by=DRAWER)["defects"] if d["severity"] == "error"]
    return {kind: sum(d["kind"] == kind for d in errors) for kind in sorted({d["kind"] for d in errors})}


def full_check(session: Session, plan: Plan) -> dict[str, Any]:
    """What a check of the plan as it is stored says, whatever was kept up: `ok`, the errors, their number by kind."""
    session.flush()
    review = review_all(session, load_board(session, plan))
    told = review.report.as_json(review.board)
    errors = [one for one in told["defects"] if one["severity"] == "error"]
    return {"ok": told["ok"], "defects": errors, "by_kind": dict(Counter(one["kind"] for one in errors))}


def test_a_gap_becomes_a_new_grid_with_the_next_code_of_its_community(session: Session) -> None:
    missing, *rows = rows_of(CITY)
    plan = draft(session, rows)
    (decision,) = planning.propose_repair(session, DRAFTS, plan.id, options={}, by=DRAWER)["decisions"]
    assert (decision["kind"], decision["class"], decision["area"]) == ("gap", "real", missing.parent)
    proposal = planning.propose_repair(session, DRAFTS, plan.id, options={decision["id"]: "new"}, by=DRAWER)
    assert proposal["ok"]
    assert proposal["decisions"][0]["chosen"] == "new"
    assert session.scalar(select(Lineage).where(Lineage.origin == "repair")) is None
    done, _ = planning.repair(
        session, DRAFTS, plan.id, options={decision["id"]: "new"}, version=plan.version, by=DRAWER
    )
    assert done.report["ok"], kinds(session, plan)
    line = session.scalars(select(Lineage).where(Lineage.origin == "repair")).one()
    fresh = session.scalars(select(Grid).where(Grid.plan_id == plan.id, Grid.code == line.code)).one()
    assert fresh.parent_code == missing.parent
    assert fresh.code.startswith(str(missing.parent)) and len(fresh.code) == 15
    assert missing.polygon is not None
    assert fresh.area_m2 == pytest.approx(CITY.plane.to_metres(missing.polygon).area, abs=0.01)
    planning.undo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    assert kinds(session, plan) == {"gap": 1}


@pytest.mark.parametrize(
    "limits", [SandboxLimits(wall_s=0.05), SandboxLimits(cpu_s=1, wall_s=60.0)], ids=["time", "processor"]
)
def test_a_repair_that_takes_too_long_is_ended_and_leaves_the_draft_as_it_was(
    session: Session, monkeypatch: pytest.MonkeyPatch, limits: SandboxLimits
) -> None:
    plan = draft(session, rows_of(CITY)[1:])
    monkeypatch.setattr(repairing, "LIMITS", limits)
    monkeypatch.setattr(repairing, "WORK", "tests.sandbox_work:spin")
    with pytest.raises(Unacceptable, match="work_took_too_long"):
        planning.repair(session, DRAFTS, plan.id, options={"gap": "longest_border"}, version=plan.version, by=DRAWER)
    assert (plan.version, kinds(session, plan)) == (1, {"gap": 1})
    monkeypatch.undo()
    done, _ = planning.repair(
        session, DRAFTS, plan.id, options={"gap": "longest_border"}, version=plan.version, by=DRAWER
    )
    assert done.report["ok"]


def test_a_grid_that_nobody_drew_does_not_keep_the_others_from_being_mended(session: Session) -> None:
    undrawn, *rows = rows_of(CITY)
    plan = draft(session, [replace(undrawn, polygon=None), shifted(rows[0], 0.004), *rows[1:]])
    proposal = planning.propose_repair(session, DRAFTS, plan.id, options={}, by=DRAWER)
    assert (proposal["ok"], proposal["left"]) == (False, {"empty": 1, "gap": 1})
    planning.repair(session, DRAFTS, plan.id, options={}, version=plan.version, by=DRAWER)
    assert kinds(session, plan) == {"empty": 1, "gap": 1}


def test_a_second_repair_still_asks_what_the_first_one_asked(session: Session) -> None:
    # Noise of less than a square metre is mended unasked; a bite of some 0.75 m² beside it is asked about.
    rows = rows_of(CITY)
    number = next(k for k, row in enumerate(rows) if CITY.plane.to_metres(row.polygon).area > 2_000)
    moved = shifted(rows[number], 0.004)
    metres = CITY.plane.to_metres(moved.polygon)
    corner = shapely.line_interpolate_point(metres.exterior, 0.1, normalized=True)
    bitten = metres.difference(metres.difference(metres.buffer(-0.25)).intersection(corner.buffer(1.5)))
    rows[number] = replace(moved, polygon=CITY.plane.to_degrees(bitten))
    plan = draft(session, rows)
    first = planning.propose_repair(session, DRAFTS, plan.id, options={}, by=DRAWER)
    assert first["differences"] and first["open"]
    planning.repair(session, DRAFTS, plan.id, options={}, version=plan.version, by=DRAWER)
    again = planning.propose_repair(session, DRAFTS, plan.id, options={}, by=DRAWER)
    assert again["open"] == first["open"] and again["differences"] == []
    planning.undo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    afresh = planning.propose_repair(session, DRAFTS, plan.id, options={}, by=DRAWER)
    assert (afresh["open"], afresh["differences"]) == (first["open"], first["differences"])


def on_a_community_border(rows: list[ImportedGrid]) -> int:
    """The number of a grid that has a border with a grid of another community."""
    for number, row in enumerate(rows):
        beside = [other for other in rows if other.parent != row.parent and other.polygon.touches(row.polygon)]
        if any(row.polygon.intersection(other.polygon).length > 0 for other in beside):
            return number
    raise AssertionError("the city has several communities")


@pytest.mark.parametrize("dx_m", [0.004, 0.3, -0.3])
def test_a_grid_drawn_over_another_community_is_put_back_behind_the_border(session: Session, dx_m: float) -> None:
    rows = rows_of(CITY)
    number = on_a_community_border(rows)
    plan = draft(session, [shifted(row, dx_m) if k == number else row for k, row in enumerate(rows)])
    assert "nesting" in kinds(session, plan)
    options = {"sliver": "mend", "noise": "mend", "overlap": "longest_border", "gap": "longest_border"}
    done, proposal = planning.repair(
        session, DRAFTS, plan.id, options={**options, "overshoot": "trim"}, version=plan.version, by=DRAWER
    )
    assert done.report["ok"], done.report["summary"]
    assert proposal["ok"]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="no real data: set WANGGE_TEST_DATA to the folder that holds them")
@pytest.mark.parametrize("frame", ["union", "nyc/borough.geojson"])
def test_the_election_districts_of_manhattan_are_mended_or_asked_about(session: Session, frame: str) -> None:
    path = frame if frame == "union" else str(DATA / frame)
    report = imported(
        session, "grids", DATA / "nyc/election_districts_2013.geojson", by=EVERYBODY, district="MNED", frame=path
    )
    plan = get_plan(session, report.plans["MNED"], by=EVERYBODY)
    before = {
        code: open_draft(session, DRAFTS, plan).board.shape(code)
        for code in open_draft(session, DRAFTS, plan).board.rows
    }
    proposal = planning.propose_repair(session, DRAFTS, plan.id, options={}, by=EVERYBODY)
    assert proposal["decisions"]
    for change in proposal["differences"]:
        shape = before[change["code"]]
        assert shape is not None
        assert change["gained_m2"] + change["lost_m2"] <= 1.0 + 0.0005 * shape.length
    assert all(decision["options"] for decision in proposal["decisions"])
    for options in ({}, {"sliver": "mend", "noise": "mend", "overshoot": "trim"}):
        promised = planning.propose_repair(session, DRAFTS, plan.id, options=options, by=EVERYBODY)
        if options and not promised["differences"]:
            continue  # the frame follows the grids, and the first repair left nothing small behind
        planning.repair(session, DRAFTS, plan.id, options=options, version=plan.version, by=EVERYBODY)
        kept_up, full = planning.report_of(session, DRAFTS, plan.id, by=EVERYBODY), full_check(session, plan)
        assert full["by_kind"] == promised["left"] and full["ok"] == promised["ok"]
        assert [one for one in kept_up["defects"] if one["severity"] == "error"] == full["defects"]
        board = open_draft(session, DRAFTS, get_plan(session, plan.id, by=EVERYBODY)).board
        assert set(before) == set(board.rows)
    kinds = {one["kind"] for one in planning.report_of(session, DRAFTS, plan.id, by=EVERYBODY)["defects"]}
    assert kinds <= {"multipart", "overlap", "contained", "gap", "uncovered_building"}


def test_a_gap_that_is_exactly_filled_leaves_the_report_and_comes_back_with_undo(session: Session) -> None:
    missing, *rows = rows_of(CITY)
    plan = draft(session, rows)
    operation = operations.Add(geometry=missing.polygon, parent=missing.parent)
    done = planning.edit(session, DRAFTS, plan.id, operation, version=plan.version, by=DRAWER)
    assert [one["kind"] for one in done.cleared] == ["gap"]
    assert kinds(session, plan) == {}
    planning.undo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    assert kinds(session, plan) == {"gap": 1}
