"""What changes hands with a plan, counted twice, and who hands over what to whom."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from layers import planning
from layers.access import Actor
from layers.categories import Category
from layers.errors import NotFound, Unacceptable
from layers.grids import Grid
from layers.incidents import Incident
from layers.planning.edits import operations
from layers.plans import Plan
from tests.drafts import DRAFTS, DRAWER
from tests.successions import (
    CITY,
    LONG_AGO,
    add_worker,
    all_neighbours,
    decide,
    draft_with_split,
    line_of,
    neighbours,
)

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
    planning.edit(session, DRAFTS, plan.id, operations.Merge(codes=(small, large)), version=plan.version, by=DRAWER)
    add_incidents(session, 60)
    told = planning.difference_of(session, DRAFTS, plan.id, against="published", by=DRAWER)
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
    whole = planning.build_handover(session, DRAFTS, plan.id, against="published", now=now, by=DRAWER)
    mine, theirs = whole.select_worker("N1"), whole.select_worker(f"W{code[-6:]}")
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
        planning.build_handover(session, DRAFTS, plan.id, against="published", now=now, by=DRAWER, worker="nobody")


def test_the_households_of_a_changed_grid_come_from_somewhere_all_of_them(session: Session, published: Plan) -> None:
    plan = planning.create(session, CITY.district, based_on="published", by=DRAWER)
    small, large = neighbours()
    planning.edit(session, DRAFTS, plan.id, operations.Merge(codes=(small, large)), version=plan.version, by=DRAWER)
    line = line_of(planning.successors_as_json(session, DRAFTS, plan.id, by=DRAWER), small)
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
            planning.edit(session, DRAFTS, plan.id, operations.Merge(codes=pair), version=plan.version, by=DRAWER)
            used |= {*pair}
    there = planning.difference_of(session, DRAFTS, plan.id, against="published", by=DRAWER)
    back = planning.difference_of(session, DRAFTS, published.id, against=plan.id, by=DRAWER)
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
        difference = planning.difference_of(session, DRAFTS, plan.id, against="published", by=local)
        assert bool(difference["moves"]) == (fresh in difference["added"]) == told
        whole = planning.build_handover(session, DRAFTS, plan.id, against="published", now=now, by=local)
        assert bool(whole.houses) == bool(whole.passings) == bool(whole.unserved) == told
