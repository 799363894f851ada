"""Who serves a grid once a plan is in force: proposals, decisions, dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers import planning
from layers.assignments import Assignment
from layers.errors import Conflict, Forbidden, NotFound, Outdated, Unacceptable
from layers.grids import Grid
from layers.planning.edits import operations
from layers.plans import Plan
from layers.successors import Successor
from tests.drafts import DRAFTS, DRAWER, REVIEWER, STRANGER, WARNINGS, add_areas, rows_of
from tests.successions import (
    CITY,
    LONG_AGO,
    add_worker,
    codes_of,
    decide,
    draft_with_split,
    line_of,
    neighbours,
    serving,
    submit_and_publish,
)


def test_a_new_grid_is_proposed_to_the_worker_from_whom_most_households_come(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    line = line_of(planning.successors_as_json(session, DRAFTS, plan.id, by=DRAWER), fresh)
    assert [post["worker"] for post in line["successors"]] == [f"W{code[-6:]}"]
    assert line["change"] == "added" and line["source"] == "proposed"
    held = session.scalar(select(Grid.households).where(Grid.plan_id == plan.id, Grid.code == fresh))
    assert line["from"] == [{"grid": code, "households": held}]


def test_where_nobody_lives_the_ground_decides(session: Session) -> None:
    add_areas(session, CITY)
    first = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    submit_and_publish(session, first)
    add_worker(session, "W1", grid=CITY.codes[0])
    plan, _, fresh = draft_with_split(session)
    line = line_of(planning.successors_as_json(session, DRAFTS, plan.id, by=DRAWER), fresh)
    assert [post["worker"] for post in line["successors"]] == ["W1"] and line["from"] == []


def test_a_proposal_takes_effect_with_the_publication_and_not_before(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    begin = datetime.now(UTC) + timedelta(days=3)
    submit_and_publish(session, plan, at=begin)
    assert serving(session, fresh, at=begin - timedelta(seconds=1)) == []
    assert serving(session, fresh, at=begin) == serving(session, code, at=begin) == [f"W{code[-6:]}"]
    recorded = session.scalars(select(Successor).where(Successor.plan_id == plan.id)).all()
    assert [(one.grid_code, one.origin) for one in recorded] == [(fresh, "proposed")]


def test_a_decision_replaces_people_at_the_moment_the_plan_comes_into_force(session: Session, published: Plan) -> None:
    add_worker(session, "N1")
    plan, code, fresh = draft_with_split(session)
    decide(session, plan, code, "N1")
    decide(session, plan, fresh, "N1", f"W{code[-6:]}")
    begin = datetime.now(UTC) + timedelta(days=3)
    submit_and_publish(session, plan, at=begin)
    just_before = begin - timedelta(seconds=1)
    assert serving(session, code, at=just_before) == [f"W{code[-6:]}"]
    assert serving(session, code, at=begin) == ["N1"]
    assert serving(session, fresh, at=begin) == ["N1", f"W{code[-6:]}"]


def test_charges_of_a_grid_that_goes_end_and_future_ones_never_begin(session: Session, published: Plan) -> None:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    small, large = neighbours()
    late = add_worker(session, "L1")
    someday = Range(datetime.now(UTC) + timedelta(days=30), None, bounds="[)")
    session.add(Assignment(worker_id=late.id, grid_code=large, role="grid_worker", span=someday))
    add_worker(session, "F1", grid=large, active=False)
    session.flush()
    planning.edit(session, DRAFTS, plan.id, operations.Merge(codes=(small, large)), version=plan.version, by=DRAWER)
    submit_and_publish(session, plan)
    assert serving(session, large, at=datetime.now(UTC)) == []
    assert serving(session, large, at=datetime.now(UTC) + timedelta(days=60)) == []
    assert serving(session, large, at=LONG_AGO + timedelta(days=1)) == ["F1", f"W{large[-6:]}"]


def test_a_publication_that_fails_moves_nobody(session: Session, published: Plan) -> None:
    worker = add_worker(session, "N1")
    plan, _, fresh = draft_with_split(session)
    decide(session, plan, fresh, "N1")
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    worker.active = False
    session.flush()
    with pytest.raises(Unacceptable), session.begin_nested():
        planning.publish(session, plan.id, version=plan.version, by=REVIEWER)
    assert serving(session, fresh, at=datetime.now(UTC)) == []
    assert session.scalar(select(func.count()).where(Plan.plan_version.is_not(None))) == 1


def test_a_new_grid_without_a_worker_is_a_warning_to_be_acknowledged(session: Session, published: Plan) -> None:
    plan, _, fresh = draft_with_split(session)
    decide(session, plan, fresh)
    told = planning.successors_as_json(session, DRAFTS, plan.id, by=DRAWER)
    assert told["unserved"] == [fresh] and line_of(told, fresh)["successors"] == []
    with pytest.raises(Unacceptable) as refused:
        planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    assert [message for _, message in refused.value.errors] == ["unserved_grid"]
    submit_and_publish(session, plan)
    assert (plan.certificate or {})["warnings_acknowledged"]["unserved_grid"] == 1


def test_where_no_workers_are_kept_nothing_is_asked(session: Session) -> None:
    add_areas(session, CITY)
    plan = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    assert len(planning.successors_as_json(session, DRAFTS, plan.id, by=DRAWER)["unserved"]) == len(CITY.codes)
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)


def test_a_decision_is_taken_back_to_the_proposal(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    decide(session, plan, fresh)
    planning.decide(session, DRAFTS, plan.id, [(fresh, None)], version=plan.version, by=DRAWER)
    line = line_of(planning.successors_as_json(session, DRAFTS, plan.id, by=DRAWER), fresh)
    assert line["source"] == "proposed" and [post["worker"] for post in line["successors"]] == [f"W{code[-6:]}"]


def test_who_decides_has_edited_the_draft_and_goes_on_editing_it(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    version = plan.version
    decide(session, plan, fresh, f"W{code[-6:]}", by=REVIEWER)
    assert plan.version == version + 1 and "reviewer" in plan.editors
    planning.undo(session, DRAFTS, plan.id, version=plan.version, by=DRAWER)
    assert fresh not in codes_of(session, plan)
    assert planning.successors_as_json(session, DRAFTS, plan.id, by=DRAWER)["grids"] == []


def test_decisions_about_unknown_grids_and_people_are_refused(session: Session, published: Plan) -> None:
    plan, _, fresh = draft_with_split(session)
    with pytest.raises(NotFound):
        decide(session, plan, "130273999999999")
    with pytest.raises(Unacceptable):
        decide(session, plan, fresh, "nobody")
    with pytest.raises(Outdated):
        planning.decide(session, DRAFTS, plan.id, [(fresh, [])], version=plan.version - 1, by=DRAWER)
    with pytest.raises(NotFound):
        planning.successors_as_json(session, DRAFTS, plan.id, by=STRANGER)
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    with pytest.raises(Conflict):
        decide(session, plan, fresh)


def test_a_draft_is_archived_by_its_author_and_opened_again(session: Session, published: Plan) -> None:
    plan, _, fresh = draft_with_split(session)
    planning.archive(session, plan.id, version=plan.version, by=DRAWER)
    assert plan.state == "archived" and plan.plan_version is None
    again = planning.create(session, CITY.district, based_on=plan.id, by=DRAWER)
    assert fresh in codes_of(session, again) and again.based_on == published.id
    with pytest.raises(Conflict):
        planning.archive(session, published.id, version=published.version, by=DRAWER)


def test_a_copy_of_a_draft_goes_on_with_its_editors_and_its_successors(session: Session, published: Plan) -> None:
    draft, _, fresh = draft_with_split(session)
    add_worker(session, "NEW")
    decide(session, draft, fresh, "NEW")
    copy = planning.create(session, CITY.district, based_on=draft.id, by=REVIEWER)
    line = line_of(planning.successors_as_json(session, DRAFTS, copy.id, by=DRAWER), fresh)
    assert line["source"] == "decided" and [post["worker"] for post in line["successors"]] == ["NEW"]
    assert copy.editors == [DRAWER.name]
    planning.submit(
        session, DRAFTS, copy.id, version=copy.version, acknowledged=[*WARNINGS, "unserved_grid"], by=REVIEWER
    )
    with pytest.raises(Forbidden):
        planning.publish(session, copy.id, version=copy.version, by=DRAWER)
    planning.publish(session, copy.id, version=copy.version, by=REVIEWER)
    assert serving(session, fresh, at=datetime.now(tz=UTC) + timedelta(days=1)) == ["NEW"]


def test_what_took_effect_with_a_plan_is_not_decided_again_in_its_copy(session: Session, published: Plan) -> None:
    draft, _, fresh = draft_with_split(session)
    add_worker(session, "NEW")
    decide(session, draft, fresh, "NEW")
    submit_and_publish(session, draft)
    copy = planning.create(session, CITY.district, based_on=draft.id, by=REVIEWER)
    kept = session.scalar(select(func.count()).select_from(Successor).where(Successor.plan_id == copy.id))
    assert (kept, copy.editors) == (0, [])
