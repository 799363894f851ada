"""A grid under a new code stays the same grid: what a person put into it by hand stays in it ([S7], [S8])."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers import planning
from layers.buildings import Building
from layers.grids import Grid
from layers.households import Household
from layers.planning.edits import operations
from layers.planning.memory.draft_cache import open_draft
from layers.planning.report.draft_report import review_all
from layers.plans import Plan
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, REVIEWER, WARNINGS, add_areas, add_buildings, rows_of

CITY = synthetic_city(12, sub_grids=(2,), seed=4)
GRID = CITY.codes[0][:15]
NEW = f"{GRID[:12]}900"


@pytest.fixture
def homes(session: Session) -> tuple[Building, Household]:
    """A building far away and a household of another one, both put into the first grid by hand; they are in force."""
    add_areas(session, CITY)
    add_buildings(session, CITY, number=80, side_m=2.0)
    far = [building for building in session.scalars(select(Building).order_by(Building.id)) if building.households]
    household = Household(building_id=far[-2].id, sub_grid_override=CITY.codes[0])
    far[-1].grid_override = GRID
    session.add(household)
    session.flush()
    plan = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    planning.publish(session, plan.id, version=plan.version, by=REVIEWER)
    return far[-1], household


def recode(session: Session, plan: Plan, code: str, new: str) -> None:
    op = operations.SetAttributes(code=code, values={}, new_code=new)
    planning.edit(session, DRAFTS, plan.id, op, version=plan.version, by=DRAWER)


def counts(session: Session, plan: Plan) -> dict[str, int]:
    rows = session.execute(select(Grid.code, Grid.households).where(Grid.plan_id == plan.id))
    return dict(rows.tuples().all())


def put_in_force(session: Session, plan: Plan) -> None:
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    planning.publish(session, plan.id, version=plan.version, by=REVIEWER)


def test_a_recoded_grid_keeps_its_count_there_and_back(session: Session, homes: tuple[Building, Household]) -> None:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    before = counts(session, plan)
    recode(session, plan, GRID, NEW)
    named = {code.replace(GRID, NEW): number for code, number in before.items()}
    assert named != before and counts(session, plan) == named
    assert review_all(session, open_draft(session, DRAFTS, plan).board).recounted == ()
    planning.undo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    assert counts(session, plan) == before
    assert review_all(session, open_draft(session, DRAFTS, plan).board).recounted == ()


def test_recoding_moves_nobody_to_another_grid(session: Session, homes: tuple[Building, Household]) -> None:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    recode(session, plan, GRID, NEW)
    seen = planning.difference_of(session, DRAFTS, plan.id, against="published", by=DRAWER)
    assert {(move["from"], move["to"]) for move in seen["moves"]} == {(GRID, NEW)}


def test_once_in_force_what_was_put_there_by_hand_says_the_new_code(
    session: Session, homes: tuple[Building, Household]
) -> None:
    building, household = homes
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    recode(session, plan, GRID, NEW)
    assert building.grid_override == GRID, "the plan in force still names it so"
    put_in_force(session, plan)
    for row in homes:
        session.refresh(row)
    assert (building.grid_override, household.sub_grid_override) == (NEW, CITY.codes[0].replace(GRID, NEW))


def test_a_code_that_was_borne_two_recodings_ago_is_still_understood(
    session: Session, homes: tuple[Building, Household]
) -> None:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    before = counts(session, plan)
    recode(session, plan, GRID, NEW)
    recode(session, plan, NEW, f"{GRID[:12]}901")
    assert sum(counts(session, plan).values()) == sum(before.values())
    assert counts(session, plan)[f"{GRID[:12]}901"] == before[GRID]
    put_in_force(session, plan)
    session.refresh(homes[0])
    assert homes[0].grid_override == f"{GRID[:12]}901"
