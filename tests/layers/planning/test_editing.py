"""A draft after many edits is what it would be if it were read and checked afresh, and undo gives every byte back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers import planning
from layers.errors import Conflict, LayerError, Unacceptable
from layers.grids import Grid
from layers.planning.edits import operations
from layers.planning.memory import draft_cache
from layers.planning.memory.draft_cache import open_draft
from layers.planning.report.draft_report import review_all
from layers.planning.state.board import Board
from layers.planning.state.loading import load_board
from layers.plans import Plan, get_plan
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, REVIEWER, WARNINGS, add_areas, add_buildings, rows_of
from tiling.errors import TilingError

CITY = synthetic_city(40, sub_grids=(1, 2, 3), seed=3)


@pytest.fixture
def homes(session: Session) -> int:
    add_areas(session, CITY, household_target=60)
    return add_buildings(session, CITY, number=300)


@pytest.fixture
def plan(session: Session, homes: int) -> Plan:
    return planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)


def stored(session: Session, plan: Plan) -> dict[str, tuple[object, ...]]:
    columns = (Grid.code, Grid.parent_code, Grid.name, Grid.households, Grid.buildings, func.ST_AsBinary(Grid.geom))
    return {row[0]: tuple(row)[1:] for row in session.execute(select(*columns).where(Grid.plan_id == plan.id))}


def random_operation(rng: np.random.Generator, session: Session, plan: Plan) -> operations.Operation:
    """An edit as a hand would make it; many are refused, as they should be."""
    board = open_draft(session, DRAFTS, get_plan(session, plan.id, by=DRAWER)).board
    codes = board.partition.codes
    code = codes[int(rng.integers(len(codes)))]
    shape = board.plane.to_degrees(board.partition.polygon(code))
    xy = shapely.get_coordinates(shape)
    lon, lat = xy[int(rng.integers(len(xy) - 1))].tolist()
    to = (lon + float(rng.normal(0, 3e-6)), lat + float(rng.normal(0, 3e-6)))
    west, south, east, north = shape.bounds
    middle = (west + east) / 2
    line = shapely.LineString([(middle, south - 1e-5), (middle, north + 1e-5)])
    around = [codes[row] for row in board.partition.tree.query(board.partition.polygon(code), predicate="touches")]
    beside = around[int(rng.integers(len(around)))] if around else code
    spot = shapely.box(lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4)
    return [
        operations.MoveVertex(at=(lon, lat), to=to),
        operations.MoveVertex(at=(lon, lat), to=to),
        operations.DeleteVertex(at=(lon, lat)),
        operations.InsertVertex(at=tuple(((xy[0] + xy[1]) / 2).tolist()), to=to),
        operations.Split(code=code, line=line),
        operations.Split(code=board.grid_of(code), line=line),
        operations.Merge(codes=(code, beside)),
        operations.Merge(codes=(board.grid_of(code), board.grid_of(beside))),
        operations.Carve(geometry=spot, pieces_to="new"),
        operations.Give(geometry=spot, to=code, pieces_to=code),
        operations.Remove(code=code, into=beside),
        operations.SetAttributes(code=board.grid_of(code), values={"name": "新名"}),
        operations.SetAttributes(code=board.grid_of(code), new_code=f"{code[:12]}{int(rng.integers(500, 999))}"),
        made_another(rng, board, beside=beside),
    ][int(rng.integers(14))]


def made_another(rng: np.random.Generator, board: Board, *, beside: str) -> operations.Operation:
    """A tile becomes an overlay, or an overlay a tile, or gets another outline."""
    overlays = sorted(board.overlays)
    if not overlays or rng.integers(3) == 0:
        lifted = board.grid_of(board.partition.codes[int(rng.integers(len(board.partition)))])
        values = {"exclusive": False, "kind": "dedicated"}
        return operations.SetAttributes(code=lifted, values=values, into=board.grid_of(beside))
    code = overlays[int(rng.integers(len(overlays)))]
    shape = board.plane.to_degrees(board.overlays[code])
    if rng.integers(2) == 0:
        return operations.Reshape(code=code, geometry=shapely.convex_hull(shape))
    return operations.SetAttributes(code=code, values={"exclusive": True}, pieces_to="new")


def walk(session: Session, plan: Plan, *, edits: int, seed: int) -> int:
    """The number of edits that were accepted of so many tried."""
    rng, accepted = np.random.default_rng(seed), 0
    for _ in range(edits):
        operation = random_operation(rng, session, plan)
        try:
            with session.begin_nested():
                planning.edit(session, DRAFTS, plan.id, operation, version=plan.version, by=DRAWER)
            accepted += 1
        except (TilingError, LayerError):
            session.expire_all()
    return accepted


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_after_many_edits_the_report_and_the_counts_are_those_of_a_fresh_look(
    session: Session, plan: Plan, homes: int, seed: int
) -> None:
    assert walk(session, plan, edits=60, seed=seed) > 15
    kept = open_draft(session, DRAFTS, plan)
    board = load_board(session, plan)
    fresh = review_all(session, board)
    assert fresh.report.ok
    assert kept.board.partition.codes == board.partition.codes
    assert all(
        shapely.equals_identical(a, b)
        for a, b in zip(kept.board.partition.polygons, board.partition.polygons, strict=True)
    )
    assert dict(kept.board.rows) == dict(board.rows)
    assert dict(board.rows) == dict(fresh.board.rows)
    assert {key: d.codes for key, d in kept.report.warnings.items()} == {
        key: d.codes for key, d in fresh.report.warnings.items()
    }
    assert sum(row.households for row in board.rows.values() if row.level == "grid") == homes


@pytest.mark.slow
def test_undo_goes_back_to_the_opening_of_the_draft_byte_for_byte_and_redo_forward(
    session: Session, plan: Plan
) -> None:
    before = stored(session, plan)
    accepted = walk(session, plan, edits=40, seed=5)
    after = stored(session, plan)
    for _ in range(accepted):
        planning.undo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    assert stored(session, plan) == before
    for _ in range(accepted):
        planning.redo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    assert stored(session, plan) == after


def test_rows_that_an_edit_does_not_name_keep_their_bytes(session: Session, plan: Plan) -> None:
    before = stored(session, plan)
    done = None
    rng = np.random.default_rng(11)
    while done is None:
        try:
            with session.begin_nested():
                operation = random_operation(rng, session, plan)
                done = planning.edit(session, DRAFTS, plan.id, operation, version=plan.version, by=DRAWER)
        except (TilingError, LayerError):
            session.expire_all()
    after = stored(session, plan)
    named = {row.code for row, _ in done.changed} | set(done.removed)
    assert {code for code in before.keys() | after.keys() if before.get(code) != after.get(code)} == named


def test_a_process_that_missed_edits_follows_them_to_the_same_board(session: Session, plan: Plan) -> None:
    old = open_draft(session, DRAFTS, plan)
    assert walk(session, plan, edits=12, seed=9) > 2
    followed = draft_cache._follow(session, old, draft_cache.stamp_of(plan))
    assert followed is not None
    fresh = review_all(session, load_board(session, plan))
    assert dict(followed.board.rows) == dict(fresh.board.rows)
    assert followed.report.as_json(followed.board) == fresh.report.as_json(fresh.board)


def test_a_draft_with_a_gap_may_be_mended_but_not_made_worse(session: Session, homes: int) -> None:
    rows = [row for row in rows_of(CITY) if row.level == "grid"]
    gone = rows[5]
    plan = planning.import_draft(
        session, CITY.district, rows=[row for row in rows if row != gone], frame=CITY.frame, by=DRAWER
    )
    report = planning.report_of(session, DRAFTS, plan.id, by=DRAWER)
    gaps = [defect for defect in report["defects"] if defect["kind"] == "gap"]
    assert len(gaps) == 1 and not report["ok"] and gaps[0]["area_m2"] > 1_000
    beside = next(code for code in gaps[0]["codes"] if code[:12] == gone.code[:12])
    assert gone.polygon is not None
    inner = gone.polygon.representative_point()
    # A vertex of the neighbour that lies on the gap, drawn away from it: the gap would grow.
    ring = shapely.get_coordinates(next(row.polygon for row in rows if row.code == beside))
    on_gap = [xy for xy in ring.tolist() if gone.polygon.touches(shapely.Point(xy))]
    lon, lat = on_gap[len(on_gap) // 2]
    away = operations.MoveVertex(at=(lon, lat), to=(lon + (lon - inner.x) * 0.05, lat + (lat - inner.y) * 0.05))
    with pytest.raises((Unacceptable, TilingError)), session.begin_nested():
        planning.edit(session, DRAFTS, plan.id, away, version=plan.version, by=DRAWER)
    session.expire_all()
    fill = operations.FillGap(where=(inner.x, inner.y), into=beside)
    filled = planning.edit(session, DRAFTS, plan.id, fill, version=plan.version, by=DRAWER)
    assert "gap" not in filled.report["summary"]["by_kind"]
    assert [defect["kind"] for defect in filled.cleared].count("gap") == 1


def test_a_repair_is_a_proposal_first_and_one_edit_when_it_is_applied(session: Session, homes: int) -> None:
    rows = rows_of(CITY)
    plane, shape = CITY.plane, rows[5].polygon
    assert shape is not None
    # One grid is shifted by 4 mm: noise along all its borders.
    metres = shapely.transform(plane.to_metres(shape), lambda xy: xy + np.array([0.004, 0.0]))
    imperfect = [row if row != rows[5] else replace(row, polygon=plane.to_degrees(metres)) for row in rows]
    imperfect = [row for row in imperfect if row.level != "sub_grid" or row.parent != rows[5].code]
    plan = planning.import_draft(session, CITY.district, rows=imperfect, frame=CITY.frame, by=DRAWER)
    before = stored(session, plan)
    proposal = planning.propose_repair(session, DRAFTS, plan.id, options={}, by=DRAWER)
    assert not planning.report_of(session, DRAFTS, plan.id, by=DRAWER)["ok"]
    assert rows[5].code in {one["code"] for one in proposal["differences"]}
    assert stored(session, plan) == before
    done, _ = planning.repair(session, DRAFTS, plan.id, options={}, version=plan.version, by=DRAWER)
    assert done.report["ok"], done.report["summary"]
    planning.undo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    assert stored(session, plan) == before


def test_a_draft_is_rebased_on_a_newer_plan_and_clashes_are_named(session: Session, homes: int) -> None:
    add_published = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    publish(session, add_published)
    late, early = (planning.create(session, CITY.district, based_on="published", by=DRAWER) for _ in range(2))
    first, second, third = sorted(row.code for row in rows_of(CITY) if row.level == "grid")[:3]
    rename(session, early, first, "甲")
    rename(session, early, second, "乙")
    publish(session, early)
    rename(session, late, third, "丙")
    planning.rebase(session, DRAFTS, late.id, version=late.version, by=DRAWER)
    names = {code: row[1] for code, row in stored(session, late).items()}
    assert (names[first], names[second], names[third]) == ("甲", "乙", "丙") and late.based_on == early.id
    other = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    rename(session, other, first, "丁")
    rename(session, late, first, "戊")
    publish(session, late)
    with pytest.raises(Conflict) as refused:
        planning.rebase(session, DRAFTS, other.id, version=other.version, by=DRAWER)
    assert refused.value.details["conflicts"] == [first]


def rename(session: Session, plan: Plan, code: str, name: str) -> None:
    operation = operations.SetAttributes(code=code, values={"name": name})
    planning.edit(session, DRAFTS, plan.id, operation, version=plan.version, by=DRAWER)


def publish(session: Session, plan: Plan) -> None:
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    planning.publish(session, plan.id, version=plan.version, by=REVIEWER)
