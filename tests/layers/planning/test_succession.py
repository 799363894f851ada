"""Who serves a grid once a plan is in force: proposals, decisions, dates, and what changes hands, counted twice."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers import planning
from layers.access import Actor
from layers.assignments import Assignment
from layers.categories import Category
from layers.errors import Conflict, Forbidden, NotFound, Outdated, Unacceptable
from layers.grids import Grid
from layers.incidents import Incident
from layers.planning import operations
from layers.plans import Plan
from layers.successors import Successor
from layers.workers import Worker
from tests.city import synthetic_city
from tests.drafts import DRAWER, REVIEWER, STRANGER, WARNINGS, add_areas, add_buildings, rows_of

CITY = synthetic_city(12, sub_grids=(1,), seed=4)
ADMIN = Actor(name="admin", role="admin", area="")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def published(session: Session) -> Plan:
    """A city with 300 buildings, one worker on each grid, and a plan in force."""
    add_areas(session, CITY)
    add_buildings(session, CITY, number=300, side_m=2.0)
    plan = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    submit_and_publish(session, plan)
    for code in CITY.codes:
        add_worker(session, f"W{code[-6:]}", grid=code)
    return plan


def add_worker(session: Session, number: str, *, grid: str | None = None, active: bool = True) -> Worker:
    worker = Worker(number=number, name=f"姓名{number}", role="grid_worker", area=CITY.district, active=active)
    session.add(worker)
    session.flush()
    if grid is not None:
        span = Range(LONG_AGO, None, bounds="[)")
        session.add(Assignment(worker_id=worker.id, grid_code=grid, role="grid_worker", span=span))
        session.flush()
    return worker


def submit_and_publish(session: Session, plan: Plan, *, at: datetime | None = None) -> Plan:
    planning.submit(session, plan.id, version=plan.version, acknowledged=[*WARNINGS, "unserved_grid"], by=DRAWER)
    return planning.publish(session, plan.id, version=plan.version, effective_at=at, by=REVIEWER)


def split(session: Session, plan: Plan, code: str) -> str:
    """Cut a grid from south to north; the code of the part that got a new one."""
    polygon = CITY.polygons[CITY.codes.index(code)]
    west, south, east, north = polygon.bounds
    middle = (west + east) / 2
    line = shapely.LineString([(middle, south - 1e-5), (middle, north + 1e-5)])
    before = set(codes_of(session, plan))
    planning.edit(session, plan.id, operations.Split(code=code, line=line), version=plan.version, by=DRAWER)
    (fresh,) = set(codes_of(session, plan)) - before
    return fresh


def codes_of(session: Session, plan: Plan) -> list[str]:
    return list(session.scalars(select(Grid.code).where(Grid.plan_id == plan.id)))


def draft_with_split(session: Session) -> tuple[Plan, str, str]:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    code = CITY.codes[0]
    return plan, code, split(session, plan, code)


def serving(session: Session, code: str, *, at: datetime) -> list[str]:
    statement = select(Worker.number).join(Assignment, Assignment.worker_id == Worker.id)
    found = statement.where(Assignment.grid_code == code, Assignment.span.contains(at))
    return sorted(session.scalars(found))


def line_of(told: dict[str, Any], code: str) -> dict[str, Any]:
    return next(line for line in told["grids"] if line["grid"] == code)


def decide(session: Session, plan: Plan, code: str, *posts: str, by: Actor = DRAWER) -> None:
    wanted = [(number, "grid_worker") for number in posts]
    planning.decide(session, plan.id, [(code, wanted)], version=plan.version, by=by)


def test_a_new_grid_is_proposed_to_the_worker_from_whom_most_households_come(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    line = line_of(planning.successors_as_json(session, plan.id, by=DRAWER), fresh)
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
    line = line_of(planning.successors_as_json(session, plan.id, by=DRAWER), fresh)
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
    planning.edit(session, plan.id, operations.Merge(codes=(small, large)), version=plan.version, by=DRAWER)
    submit_and_publish(session, plan)
    assert serving(session, large, at=datetime.now(UTC)) == []
    assert serving(session, large, at=datetime.now(UTC) + timedelta(days=60)) == []
    assert serving(session, large, at=LONG_AGO + timedelta(days=1)) == ["F1", f"W{large[-6:]}"]


def neighbours() -> tuple[str, str]:
    partition = CITY.partition()
    return next(
        (code, other)
        for code in partition.codes
        for other in partition.neighbours(code)
        if code < other and code[:12] == other[:12]
    )


def test_a_publication_that_fails_moves_nobody(session: Session, published: Plan) -> None:
    worker = add_worker(session, "N1")
    plan, _, fresh = draft_with_split(session)
    decide(session, plan, fresh, "N1")
    planning.submit(session, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    worker.active = False
    session.flush()
    with pytest.raises(Unacceptable), session.begin_nested():
        planning.publish(session, plan.id, version=plan.version, by=REVIEWER)
    assert serving(session, fresh, at=datetime.now(UTC)) == []
    assert session.scalar(select(func.count()).where(Plan.plan_version.is_not(None))) == 1


def test_a_new_grid_without_a_worker_is_a_warning_to_be_acknowledged(session: Session, published: Plan) -> None:
    plan, _, fresh = draft_with_split(session)
    decide(session, plan, fresh)
    told = planning.successors_as_json(session, plan.id, by=DRAWER)
    assert told["unserved"] == [fresh] and line_of(told, fresh)["successors"] == []
    with pytest.raises(Unacceptable) as refused:
        planning.submit(session, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    assert [message for _, message in refused.value.errors] == ["unserved_grid"]
    submit_and_publish(session, plan)
    assert (plan.certificate or {})["warnings_acknowledged"]["unserved_grid"] == 1


def test_where_no_workers_are_kept_nothing_is_asked(session: Session) -> None:
    add_areas(session, CITY)
    plan = planning.import_draft(session, CITY.district, rows=rows_of(CITY), frame=CITY.frame, by=DRAWER)
    assert len(planning.successors_as_json(session, plan.id, by=DRAWER)["unserved"]) == len(CITY.codes)
    planning.submit(session, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)


def test_a_decision_is_taken_back_to_the_proposal(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    decide(session, plan, fresh)
    planning.decide(session, plan.id, [(fresh, None)], version=plan.version, by=DRAWER)
    line = line_of(planning.successors_as_json(session, plan.id, by=DRAWER), fresh)
    assert line["source"] == "proposed" and [post["worker"] for post in line["successors"]] == [f"W{code[-6:]}"]


def test_who_decides_has_edited_the_draft_and_goes_on_editing_it(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    version = plan.version
    decide(session, plan, fresh, f"W{code[-6:]}", by=REVIEWER)
    assert plan.version == version + 1 and "reviewer" in plan.editors
    planning.undo(session, plan.id, version=plan.version, by=DRAWER)
    assert fresh not in codes_of(session, plan)
    assert planning.successors_as_json(session, plan.id, by=DRAWER)["grids"] == []


def test_decisions_about_unknown_grids_and_people_are_refused(session: Session, published: Plan) -> None:
    plan, _, fresh = draft_with_split(session)
    with pytest.raises(NotFound):
        decide(session, plan, "130273999999999")
    with pytest.raises(Unacceptable):
        decide(session, plan, fresh, "nobody")
    with pytest.raises(Outdated):
        planning.decide(session, plan.id, [(fresh, [])], version=plan.version - 1, by=DRAWER)
    with pytest.raises(NotFound):
        planning.successors_as_json(session, plan.id, by=STRANGER)
    planning.submit(session, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    with pytest.raises(Conflict):
        decide(session, plan, fresh)


COUNTED = text(
    """
    WITH held AS (
        SELECT b.id, b.households,
               (SELECT g.code FROM grids g WHERE g.plan_id = :old AND ST_Covers(g.geom, b.inner_point)
                ORDER BY g.code COLLATE "C" LIMIT 1) AS old,
               (SELECT g.code FROM grids g WHERE g.plan_id = :new AND ST_Covers(g.geom, b.inner_point)
                ORDER BY g.code COLLATE "C" LIMIT 1) AS new
        FROM buildings b)
    SELECT old, new, count(*), sum(households) FROM held WHERE old IS DISTINCT FROM new GROUP BY old, new
    """
)


def test_what_changes_hands_is_what_sql_counts_by_itself(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    small, large = neighbours()
    if code in (small, large):
        small, large = next(pair for pair in all_neighbours() if code not in pair)
    planning.edit(session, plan.id, operations.Merge(codes=(small, large)), version=plan.version, by=DRAWER)
    add_incidents(session, 60)
    told = planning.difference_of(session, plan.id, against="published", by=DRAWER)
    counted = {
        (old, new): (number, homes)
        for old, new, number, homes in session.execute(COUNTED, {"old": published.id, "new": plan.id})
    }
    moves = {(move["from"], move["to"]): move for move in told["moves"]}
    assert {pair: (m["buildings"], m["households"]) for pair, m in moves.items() if m["buildings"]} == counted
    assert len(counted) == 2 and told["added"] == [fresh] and told["removed"] == [large]
    for key in ("buildings", "households", "workers", "incidents"):
        assert told[key] == sum(move[key] for move in told["moves"])
    assert told["incidents"] == sum(incidents_moved(session, published, plan).values()) > 0
    # The worker of the grid that was split goes on with both parts; the one of the merged grid leaves it.
    assert Counter({pair: m["workers"] for pair, m in moves.items() if m["workers"]}) == {
        (code, fresh): 1,
        (large, None): 1,
    }


def all_neighbours() -> list[tuple[str, str]]:
    partition = CITY.partition()
    pairs = ((code, other) for code in partition.codes for other in partition.neighbours(code))
    return [(code, other) for code, other in pairs if code < other and code[:12] == other[:12]]


def add_incidents(session: Session, number: int) -> None:
    session.add(Category(code="facility", name="公共设施"))
    session.flush()
    for at in range(number):
        polygon = CITY.polygons[at % len(CITY.polygons)]
        west, _, east, _ = polygon.bounds
        point = shapely.Point(west + (east - west) * (at % 7 + 1) / 8.3, polygon.representative_point().y)
        session.add(
            Incident(
                state="dispatched",
                category="facility",
                occurred_at=LONG_AGO,
                reported_at=LONG_AGO + timedelta(days=at),
                district=CITY.district,
                grid_code=CITY.codes[at % len(CITY.polygons)],
                geom=f"SRID=4326;{point.wkt}",
                raw_lon=0.0,
                raw_lat=0.0,
            )
        )
    session.flush()


def incidents_moved(session: Session, old: Plan, new: Plan) -> dict[Any, int]:
    same = str(COUNTED).replace("inner_point", "geom").replace("buildings b", "incidents b")
    statement = text(same.replace("b.households", "1 AS households"))
    return {(a, b): n for a, b, n, _ in session.execute(statement, {"old": old.id, "new": new.id})}


def test_replayed_incidents_show_their_places_to_dispatchers_only(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    add_incidents(session, 60)
    dispatcher = Actor(name="dispatcher", role="dispatcher", area=CITY.district)
    for_planner = planning.replay(session, plan.id, since=LONG_AGO, by=DRAWER)
    for_dispatcher = planning.replay(session, plan.id, since=LONG_AGO, by=dispatcher)
    assert for_planner["where"] is None and len(for_dispatcher["where"]["coordinates"]) == for_planner["elsewhere"]
    moved = {(move["from"], move["to"]): move["incidents"] for move in for_planner["moves"]}
    assert moved.pop((code, fresh)) > 0
    half = planning.replay(session, plan.id, since=LONG_AGO, until=LONG_AGO + timedelta(days=30), by=DRAWER)
    rest = planning.replay(session, plan.id, since=LONG_AGO + timedelta(days=30), by=DRAWER)
    assert half["incidents"] + rest["incidents"] == for_planner["incidents"] == 60
    assert half["elsewhere"] + rest["elsewhere"] == for_planner["elsewhere"]
    with pytest.raises(Unacceptable):
        planning.replay(session, plan.id, since=LONG_AGO, until=LONG_AGO, by=DRAWER)


def test_every_worker_hands_over_what_the_others_take(session: Session, published: Plan) -> None:
    add_worker(session, "N1")
    plan, code, fresh = draft_with_split(session)
    decide(session, plan, fresh, "N1")
    now = datetime.now(UTC)
    whole = planning.handover_of(session, plan.id, against="published", now=now, by=DRAWER)
    mine, theirs = whole.of("N1"), whole.of(f"W{code[-6:]}")
    held = session.execute(
        select(Grid.buildings, Grid.households).where(Grid.plan_id == plan.id, Grid.code == fresh)
    ).one()
    (taken,), (handed,) = mine.passings, theirs.passings
    assert (taken.buildings, taken.households) == (handed.buildings, handed.households) == tuple(held)
    assert (taken.move.direction, handed.move.direction) == ("taken", "handed")
    assert len(mine.houses) == len(theirs.houses) == held.buildings
    assert [(duty.grid, duty.direction) for duty in mine.duties] == [(fresh, "taken")] and theirs.duties == ()
    assert taken.others == (f"姓名W{code[-6:]}",)
    with pytest.raises(NotFound):
        planning.handover_of(session, plan.id, against="published", now=now, by=DRAWER, worker="nobody")


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
    line = line_of(planning.successors_as_json(session, copy.id, by=DRAWER), fresh)
    assert line["source"] == "decided" and [post["worker"] for post in line["successors"]] == ["NEW"]
    assert copy.editors == [DRAWER.name]
    planning.submit(session, copy.id, version=copy.version, acknowledged=[*WARNINGS, "unserved_grid"], by=REVIEWER)
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


def test_the_households_of_a_changed_grid_come_from_somewhere_all_of_them(session: Session, published: Plan) -> None:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    small, large = neighbours()
    planning.edit(session, plan.id, operations.Merge(codes=(small, large)), version=plan.version, by=DRAWER)
    line = line_of(planning.successors_as_json(session, plan.id, by=DRAWER), small)
    assert {one["grid"] for one in line["from"]} == {small, large}
    assert sum(one["households"] for one in line["from"]) == line["households"] > 0


@pytest.mark.parametrize("seed", range(4))
def test_the_way_back_moves_as_much_as_the_way_there(session: Session, published: Plan, seed: int) -> None:
    """A law: what goes from a to b by a plan comes from b to a by the plan that takes it back."""
    rng = random.Random(seed)
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    pairs = [pair for pair in all_neighbours() if rng.random() < 0.3]
    used: set[str] = set()
    for pair in pairs:
        if not used & {*pair}:
            planning.edit(session, plan.id, operations.Merge(codes=pair), version=plan.version, by=DRAWER)
            used |= {*pair}
    there = planning.difference_of(session, plan.id, against="published", by=DRAWER)
    back = planning.difference_of(session, published.id, against=plan.id, by=DRAWER)
    moved = [
        {
            (move[one], move[other]): (move["buildings"], move["households"], move["incidents"])
            for move in told["moves"]
            if move["buildings"]
        }
        for told, one, other in ((there, "from", "to"), (back, "to", "from"))
    ]
    assert used and moved[0] == moved[1]
    assert (there["added"], there["removed"]) == (back["removed"], back["added"])


def test_a_planner_of_one_community_is_told_what_concerns_it(session: Session, published: Plan) -> None:
    plan, code, fresh = draft_with_split(session)
    now = datetime.now(UTC)
    decide(session, plan, fresh)
    foreign = next(other[:12] for other in CITY.codes if other[:12] != code[:12])
    for area, told in ((code[:12], True), (foreign, False)):
        local = Actor(name="local", role="planner", area=area)
        difference = planning.difference_of(session, plan.id, against="published", by=local)
        assert bool(difference["moves"]) == (fresh in difference["added"]) == told
        whole = planning.handover_of(session, plan.id, against="published", now=now, by=local)
        assert bool(whole.houses) == bool(whole.passings) == bool(whole.unserved) == told
