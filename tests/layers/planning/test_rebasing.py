"""A draft meets a newer plan: what comes over by itself, what is decided, and what is remembered for drawing again."""

from __future__ import annotations

import json

import pytest
import shapely
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers import planning
from layers.errors import Conflict
from layers.grids import Grid
from layers.planning.edits import operations
from layers.plans import Plan
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, REVIEWER, WARNINGS, add_published

CITY = synthetic_city(16, sub_grids=(1,), seed=4)


@pytest.fixture
def base(session: Session) -> Plan:
    return add_published(session, CITY)


def draft(session: Session) -> Plan:
    return planning.create(session, CITY.district, based_on="published", by=DRAWER)


def publish(session: Session, plan: Plan) -> None:
    planning.submit(
        session, DRAFTS, plan.id, version=plan.version, acknowledged=[*WARNINGS, "unserved_grid"], by=DRAWER
    )
    planning.publish(session, plan.id, version=plan.version, by=REVIEWER)


def split(session: Session, plan: Plan, code: str) -> str:
    west, south, east, north = CITY.polygons[CITY.codes.index(code)].bounds
    line = shapely.LineString([((west + east) / 2, south - 1e-5), ((west + east) / 2, north + 1e-5)])
    before = set(shapes(session, plan))
    planning.edit(session, DRAFTS, plan.id, operations.Split(code=code, line=line), version=plan.version, by=DRAWER)
    (fresh,) = set(shapes(session, plan)) - before
    return fresh


def merge(session: Session, plan: Plan, *codes: str) -> None:
    planning.edit(session, DRAFTS, plan.id, operations.Merge(codes=codes), version=plan.version, by=DRAWER)


def rename(session: Session, plan: Plan, code: str, name: str) -> None:
    operation = operations.SetAttributes(code=code, values={"name": name})
    planning.edit(session, DRAFTS, plan.id, operation, version=plan.version, by=DRAWER)


def shapes(session: Session, plan: Plan) -> dict[str, bytes]:
    rows = session.execute(select(Grid.code, func.ST_AsBinary(Grid.geom)).where(Grid.plan_id == plan.id))
    return {code: bytes(wkb) for code, wkb in rows}


def pairs() -> list[tuple[str, str]]:
    """Neighbours of one community."""
    partition = CITY.partition()
    found = ((code, other) for code in partition.codes for other in partition.neighbours(code))
    return [(code, other) for code, other in found if code < other and code[:12] == other[:12]]


def apart() -> tuple[tuple[str, str], tuple[str, str]]:
    """Two pairs of neighbours that do not touch one another."""
    partition = CITY.partition()
    first, *rest = pairs()
    near = {*first, *(other for code in first for other in partition.neighbours(code))}
    return first, next(pair for pair in rest if not near & {*pair})


def test_changes_elsewhere_come_over_by_themselves(session: Session, base: Plan) -> None:
    (a, b), (c, d) = apart()
    late, early = draft(session), draft(session)
    merge(session, early, a, b)
    publish(session, early)
    merge(session, late, c, d)
    told = planning.preview_rebase(session, DRAFTS, late.id, by=DRAWER)
    assert told["conflicts"] == []
    assert [feature["properties"]["change"] for feature in told["incoming"]["features"]] == ["reshaped", "removed"]
    planning.rebase(session, DRAFTS, late.id, version=late.version, by=DRAWER)
    assert not {b, d} & shapes(session, late).keys() and late.based_on == early.id
    assert planning.report_of(session, DRAFTS, late.id, by=DRAWER)["ok"]


def test_a_change_that_clashes_is_given_up_whole_and_the_others_stay(session: Session, base: Plan) -> None:
    (a, b), (c, d) = apart()
    late, early = draft(session), draft(session)
    merge(session, early, a, b)
    publish(session, early)
    fresh = split(session, late, a)
    merge(session, late, c, d)
    (conflict,) = planning.preview_rebase(session, DRAFTS, late.id, by=DRAWER)["conflicts"]
    # Neighbours whose ring the split put a node into belong to it.
    assert a in conflict["clashes"] and {a, fresh} <= set(conflict["codes"])
    with pytest.raises(Conflict) as refused:
        planning.rebase(session, DRAFTS, late.id, version=late.version, by=DRAWER)
    assert a in refused.value.details["conflicts"]
    assert [group["id"] for group in refused.value.details["groups"]] == [conflict["id"]]
    planning.rebase(session, DRAFTS, late.id, version=late.version, decisions={conflict["id"]: "skip"}, by=DRAWER)
    held = shapes(session, late)
    assert held[a] == shapes(session, early)[a] and not {b, d, fresh} & held.keys()
    assert planning.report_of(session, DRAFTS, late.id, by=DRAWER)["ok"] and late.to_redo is None


def test_a_node_on_the_frame_goes_with_the_change_that_needed_it(session: Session, base: Plan) -> None:
    """Two grids at the southern edge are cut, which puts a node of each cut into the frame; one cut is given up."""
    south = sorted(CITY.codes, key=lambda code: CITY.polygons[CITY.codes.index(code)].bounds[1])[:4]
    far = max(south, key=lambda code: CITY.polygons[CITY.codes.index(code)].bounds[0])
    near_ = min(south, key=lambda code: CITY.polygons[CITY.codes.index(code)].bounds[0])
    late, early = draft(session), draft(session)
    rename(session, early, near_, "甲")
    publish(session, early)
    given_up, kept = split(session, late, near_), split(session, late, far)
    (conflict,) = planning.preview_rebase(session, DRAFTS, late.id, by=DRAWER)["conflicts"]
    planning.rebase(session, DRAFTS, late.id, version=late.version, decisions={conflict["id"]: "skip"}, by=DRAWER)
    assert given_up not in shapes(session, late) and kept in shapes(session, late)
    assert planning.report_of(session, DRAFTS, late.id, by=DRAWER)["ok"]


def test_what_is_to_be_drawn_again_is_remembered_until_it_is_ticked_off(session: Session, base: Plan) -> None:
    (a, b), _ = apart()
    late, early = draft(session), draft(session)
    merge(session, early, a, b)
    publish(session, early)
    fresh = split(session, late, a)
    wanted = shapes(session, late)[fresh]
    (conflict,) = planning.preview_rebase(session, DRAFTS, late.id, by=DRAWER)["conflicts"]
    planning.rebase(session, DRAFTS, late.id, version=late.version, decisions={conflict["id"]: "redo"}, by=DRAWER)
    left = planning.plan_as_json(session, late, by=DRAWER)["to_redo"]
    assert {a, fresh} <= set(left)
    drawn = shapely.from_geojson(json.dumps(left[fresh]["geometry"]))
    assert drawn.equals(shapely.from_wkb(wanted))
    planning.tick_redone(session, late.id, list(left), version=late.version, by=DRAWER)
    assert planning.plan_as_json(session, late, by=DRAWER)["to_redo"] is None


def test_names_that_both_changed_clash_grid_by_grid(session: Session, base: Plan) -> None:
    late, early = draft(session), draft(session)
    first, second, third = CITY.codes[:3]
    for code in (first, second):
        rename(session, early, code, f"甲{code}")
        rename(session, late, code, f"乙{code}")
    rename(session, late, third, "丙")
    publish(session, early)
    told = planning.preview_rebase(session, DRAFTS, late.id, by=DRAWER)
    assert [conflict["codes"] for conflict in told["conflicts"]] == [[first], [second]]
    planning.rebase(
        session, DRAFTS, late.id, version=late.version, decisions={first: "skip", second: "skip"}, by=DRAWER
    )
    names = dict(session.execute(select(Grid.code, Grid.name).where(Grid.plan_id == late.id)).all())
    assert (names[first], names[second], names[third]) == (f"甲{first}", f"甲{second}", "丙")


def test_the_same_change_on_both_sides_is_no_conflict(session: Session, base: Plan) -> None:
    (a, b), _ = apart()
    late, early = draft(session), draft(session)
    merge(session, early, a, b)
    merge(session, late, a, b)
    publish(session, early)
    assert planning.preview_rebase(session, DRAFTS, late.id, by=DRAWER)["conflicts"] == []
    planning.rebase(session, DRAFTS, late.id, version=late.version, by=DRAWER)
    assert shapes(session, late) == shapes(session, early)


def test_a_draft_on_the_latest_plan_and_a_submitted_one_are_not_rebased(session: Session, base: Plan) -> None:
    plan = draft(session)
    with pytest.raises(Conflict):
        planning.preview_rebase(session, DRAFTS, plan.id, by=DRAWER)
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    with pytest.raises(Conflict):
        planning.preview_rebase(session, DRAFTS, plan.id, by=DRAWER)
