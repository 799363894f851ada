"""The workers seen from one place: levels, distances, duty, and the same answer by SQL."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from layers.candidates import Roster, find_standings
from layers.dispatch_rules import Policy, Wish, rank
from layers.incidents import Incident
from layers.standings import LEVELS, Place, Standings
from tests.nearest_statement import near_sql
from tests.staffed_city import DESK_PHONE, LONG_AGO, NOON, Town, add_worker, staffed_city

MINUTE = timedelta(minutes=1)


def seen(session: Session, town: Town, code: str, *, at: object = NOON) -> dict[str, tuple[str, float | None, bool]]:
    """Level, metres and duty of every worker by number, as seen from the middle of a tile."""
    lon, lat = town.inside(code)
    found = find_standings(Roster.load(session, NOON), town.place(code), lon=lon, lat=lat, at=at)  # type: ignore[arg-type]
    assert found is not None
    return {
        number: (LEVELS[found.level[row]], found.distance_mm[row] / 1000, bool(found.on_duty[row]))
        for row, number in enumerate(found.numbers)
    }


def test_each_worker_stands_at_the_level_of_the_nearest_charge(session: Session) -> None:
    town = staffed_city(session, staff=False)
    here = next(code for code in town.city.codes if len(code) == 17)
    sub_grid_2 = next(c for c in town.city.codes if c.startswith(here[:15]) and c != here)
    charges = {"own-sub": here, "own-grid": here[:15], "beside": sub_grid_2, "street": None, "community": None}
    areas = {"street": here[:9], "community": here[:12]}
    for number, code in charges.items():
        add_worker(session, number, grid=code, area=areas.get(number, "130273"), at=town.inside(here))
    add_worker(session, "stranger", at=town.inside(here))
    levels = {number: level for number, (level, _, _) in seen(session, town, here).items()}
    assert levels == {
        "own-sub": "sub_grid",
        "own-grid": "grid",
        "beside": "grid",
        "community": "community",
        "street": "subdistrict",
        "stranger": "district",
    }


def test_sister_grids_share_a_border_within_one_community(session: Session) -> None:
    town = staffed_city(session)
    roster = Roster.load(session, NOON)
    polygons = town.city.polygons_of("grid")
    for code, polygon in polygons.items():
        touching = {
            other
            for other, shape in polygons.items()
            if other != code and other[:12] == code[:12] and polygon.intersection(shape).length > 0.001
        }
        assert roster.chart.sisters.get(code, frozenset()) == touching


def test_a_worker_on_several_grids_appears_once(session: Session) -> None:
    town = staffed_city(session, staff=False)
    first, second = town.city.grids[0], town.city.grids[-1]
    worker_id = add_worker(session, "W", grid=first, at=town.inside(first))
    from sqlalchemy.dialects.postgresql import Range

    from layers.assignments import Assignment

    span = Range(LONG_AGO, None, bounds="[)")
    session.add(Assignment(worker_id=worker_id, grid_code=second, role="grid_worker", span=span))
    session.flush()
    assert list(seen(session, town, second)) == ["W"]
    assert seen(session, town, second)["W"][0] == "grid"


def test_the_minute_of_handover_belongs_to_the_new_shift(session: Session) -> None:
    town = staffed_city(session, staff=False)
    code = town.city.codes[0]
    at = town.inside(code)
    add_worker(session, "early", at=at, shift=(NOON - 480 * MINUTE, NOON))
    add_worker(session, "late", at=at, shift=(NOON, NOON + 480 * MINUTE))
    assert {number: duty for number, (_, _, duty) in seen(session, town, code).items()} == {
        "early": False,
        "late": True,
    }


def test_a_stale_fix_is_replaced_by_the_home_point_and_flagged(session: Session) -> None:
    town = staffed_city(session, staff=False)
    here, far = town.city.codes[0], town.city.codes[-1]
    spot, away = town.inside(here), town.inside(far)
    add_worker(session, "ageing", at=away, home=spot, age=30 * MINUTE)
    add_worker(session, "stale", at=away, home=spot, age=30 * MINUTE + timedelta(seconds=1))
    add_worker(session, "lost", at=away, age=31 * MINUTE)
    lon, lat = spot
    found = find_standings(Roster.load(session, NOON), town.place(here), lon=lon, lat=lat, at=NOON)
    assert found is not None
    ranking = rank(found, Wish())
    assert [(one.number, one.distance_m > 100, one.freshness, one.at_home) for one in ranking.candidates] == [
        ("stale", False, "stale", True),
        ("ageing", True, "ageing", False),
    ]
    assert [(one.number, str(one.reason)) for one in ranking.rejected] == [("lost", "no_position")]


def test_a_place_outside_all_districts_is_seen_by_nobody(session: Session) -> None:
    staffed_city(session)
    assert find_standings(Roster.load(session, NOON), Place(), lon=120.0, lat=40.0, at=NOON) is None


def test_the_desk_is_that_of_the_smallest_area_with_a_phone_else_the_nearest(session: Session) -> None:
    town = staffed_city(session, staff=False)
    chart = Roster.load(session, NOON).chart
    code = town.city.codes[0]
    lon, lat = town.inside(code)
    desk = chart.find_desk(town.place(code), lon=lon, lat=lat)
    assert desk is not None
    assert (desk.area, desk.phone) == (code[:9], "0315-7654321")
    outside = chart.find_desk(Place(), lon=lon - 1.0, lat=lat)
    assert outside is not None
    assert outside.level == "subdistrict"
    above = chart.desk_above(desk.area)
    assert above is not None
    assert (above.area, above.phone) == ("130273", DESK_PHONE)
    assert chart.desk_above("130273") is None


def test_a_roster_passes_its_chart_on_until_something_is_published(session: Session) -> None:
    staffed_city(session)
    first = Roster.load(session, NOON)
    assert Roster.load(session, NOON, previous=first).chart is first.chart
    session.execute(
        insert(Incident.__table__.metadata.tables["areas"]).values(
            code="999", name="new", level="district", crs_epsg=4548
        )
    )
    assert Roster.load(session, NOON, previous=first).chart is not first.chart


def crowd_of_all_kinds(session: Session, town: Town) -> None:
    """Two hundred workers with every mixture of charge, duty, fix, home and load; several at one very spot."""
    rng = np.random.default_rng(11)
    codes = list(dict.fromkeys(town.city.codes + town.city.grids))
    spots = [town.inside(code) for code in town.city.codes]
    for _ in range(200):
        spot, home = spots[rng.integers(len(spots))], spots[rng.integers(len(spots))]
        worker_id = add_worker(
            session,
            f"P{rng.integers(10**9):09d}",
            grid=codes[rng.integers(len(codes))] if rng.random() < 0.7 else None,
            area=codes[rng.integers(len(codes))][: [6, 9, 12, 15][rng.integers(4)]],
            at=spot if rng.random() < 0.8 else None,
            home=home if rng.random() < 0.6 else None,
            age=timedelta(seconds=int(rng.integers(0, 3600))),
            shift=(NOON - 60 * MINUTE * rng.integers(0, 3), NOON + 60 * MINUTE * rng.integers(0, 3)),
            role=["grid_worker", "grid_leader", "patrol_team"][rng.integers(3)],
            last_assigned_at=NOON - MINUTE * int(rng.integers(0, 3)) if rng.random() < 0.5 else None,
        )
        for _ in range(rng.integers(0, 5)):
            state = ["dispatched", "accepted", "arrived", "handled", "closed"][rng.integers(5)]
            urgency = ["normal", "critical"][rng.integers(2)]
            add_task(session, worker_id, state=state, urgency=urgency)
    session.flush()


def add_task(session: Session, worker_id: int, *, state: str, urgency: str) -> None:
    from sqlalchemy import func

    session.execute(
        insert(Incident).values(
            state=state,
            urgency=urgency,
            category="other",
            worker_id=worker_id,
            occurred_at=NOON,
            reported_at=NOON,
            raw_lon=0,
            raw_lat=0,
            geom=func.ST_SetSRID(func.ST_MakePoint(118.0, 39.0), 4326),
        )
    )


def line_in_memory(standings: Standings, wish: Wish) -> list[tuple[str, str, int | None, str | None]]:
    ranking = rank(standings, wish)
    going = [(one.number, one.level, round(one.distance_m * 1000), None) for one in ranking.candidates]
    staying = [
        (one.number, one.level, None if one.distance_m is None else round(one.distance_m * 1000), str(one.reason))
        for one in ranking.rejected
    ]
    return sorted([*going, *staying], key=str)


@pytest.mark.parametrize("policy", list(Policy))
def test_memory_and_sql_give_the_same_answer(session: Session, policy: Policy) -> None:
    town = staffed_city(session, staff=False)
    crowd_of_all_kinds(session, town)
    roster = Roster.load(session, NOON)
    rng = np.random.default_rng(5)
    for trial in range(40):
        code = town.city.codes[rng.integers(len(town.city.codes))]
        lon, lat = town.inside(code)
        at = NOON + timedelta(minutes=int(rng.integers(-90, 90)))
        wish = Wish(
            policy=policy,
            most_rejected=None,
            limit=int(rng.integers(1, 30)),
            urgency=["normal", "critical"][trial % 2],
            role=[None, "grid_leader"][trial // 2 % 2],
        )
        rules = {"most_open": 3, "most_critical": 1, "reach_mm": 3_000_000}
        asked = {"policy": str(policy), "role": wish.role, "urgency": wish.urgency, "limit": wish.limit}
        by_sql = near_sql(session, town.place(code), lon=lon, lat=lat, at=at, **rules, **asked)
        standings = find_standings(roster, town.place(code), lon=lon, lat=lat, at=at)
        assert standings is not None
        in_memory = line_in_memory(standings, wish)
        assert in_memory == sorted(
            ((one.number, LEVELS[one.level], one.distance_mm, one.reason) for one in by_sql), key=str
        )
        chosen = [one.number for one in rank(standings, wish).candidates]
        assert chosen == [one.number for one in by_sql if one.reason is None]
