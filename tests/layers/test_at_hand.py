"""Whoever is found among the few at hand is whoever would be found among all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from layers.candidates import find_standings, moment, picture_of
from layers.dispatch_rules import LIMITS, Policy, Ranking, Wish, rank
from layers.dispatching.at_hand import find_at_hand
from layers.standings import NO_DISTANCE_MM
from tests.rosters import (
    COMMUNITIES,
    DISTRICT,
    GRIDS,
    NOON,
    ORIGIN,
    SUB_GRIDS,
    SUBDISTRICT,
    Member,
    place_of,
    roster_of,
)

SECOND = timedelta(seconds=1)
# Many at the very same distance, so that load, last task and staff number have to decide.
metres = st.sampled_from([-3_100.0, -40.0, -4.0, 0.0, 0.0004, 0.0005, 3.0, 4.0, 9.0, 40.0, 500.0, 2_999.0])
charges = st.lists(st.sampled_from(GRIDS + SUB_GRIDS), max_size=3, unique=True).map(tuple)
members = st.builds(
    Member,
    charges=charges,
    area=st.sampled_from([DISTRICT, SUBDISTRICT, *COMMUNITIES, GRIDS[0]]),
    role=st.sampled_from(["grid_worker", "grid_worker", "grid_leader", "patrol_team"]),
    x=metres | st.none() | metres,
    y=metres,
    home=st.none() | st.tuples(metres, metres),
    age_s=st.sampled_from([0, 299, 1_795, 1_800, 1_801, 4_000]),
    shift=st.sampled_from([(-3_600, 3_600), (-3_600, 3_600), (-3_600, 0), (0, 3_600), (3, 3_600), None]),
    charge_until_s=st.none() | st.just(3),
    open_tasks=st.sampled_from([0, 0, 1, 2, 3]),
    critical_tasks=st.integers(0, 1),
    last_assigned=st.integers(0, 1),
)
wishes = st.builds(
    Wish,
    policy=st.sampled_from(Policy),
    urgency=st.sampled_from(["normal", "critical"]),
    role=st.none() | st.just("grid_leader"),
    limit=st.integers(1, 4),
    without=st.sampled_from([frozenset(), frozenset(["W000", "W003"])]),
)


def both(people: list[Member], wish: Wish, code: str, *, at: Any = NOON) -> tuple[Ranking | None, Ranking]:
    """What is found at hand, and what is found among all."""
    roster, place = roster_of(people), place_of(code)
    lon, lat = ORIGIN
    standings = find_standings(roster, place, lon=lon, lat=lat, at=at)
    assert standings is not None
    at_hand = find_at_hand(roster, place, lon=lon, lat=lat, at=at, wish=wish, limits=LIMITS)
    return at_hand, rank(standings, wish)


@given(
    st.lists(members, min_size=1, max_size=40),
    wishes,
    st.sampled_from(SUB_GRIDS + COMMUNITIES),
    st.sampled_from([0, 4]),
)
@example(
    [Member(x=40.0), Member(x=-40.0, open_tasks=3), Member(x=3.0)], Wish(policy=Policy.nearest, limit=2), GRIDS[0], 0
)
def test_what_is_found_at_hand_is_what_is_found_among_all(
    people: list[Member], wish: Wish, code: str, seconds: int
) -> None:
    at_hand, among_all = both(people, wish, code, at=NOON + seconds * SECOND)
    event(f"{wish.policy} at hand: {at_hand is not None}")
    assert at_hand is None or at_hand == among_all


@pytest.mark.parametrize("charges", [(GRIDS[4], GRIDS[6]), (GRIDS[6], SUB_GRIDS[8])])
def test_whoever_serves_two_neighbours_of_a_grid_is_named_once(charges: tuple[str, ...]) -> None:
    """With a position they were two candidates, without one they were turned down twice."""
    for x in (3.0, None):
        people = [Member(charges=charges, x=x), Member(charges=(GRIDS[7],), x=9.0), Member(charges=(GRIDS[7],), x=9.0)]
        at_hand, among_all = both(people, Wish(limit=2), GRIDS[5])
        assert at_hand is not None and at_hand == among_all


@pytest.mark.parametrize("policy", list(Policy))
def test_where_enough_are_close_by_nobody_else_is_looked_at(policy: Policy) -> None:
    crowd = [Member(charges=(SUB_GRIDS[n % 4],), x=10.0 * n, y=7.0 * (n % 5)) for n in range(60)]
    at_hand, among_all = both(crowd, Wish(policy=policy, limit=3), SUB_GRIDS[0])
    assert at_hand == among_all
    assert at_hand is not None and len(at_hand.candidates) == 3


def test_whoever_is_turned_down_on_the_way_is_told_with_the_reason() -> None:
    own = (SUB_GRIDS[0],)
    crowd = [Member(own, x=1.0, shift=None), Member(own, x=2.0, open_tasks=3), Member(own, x=None), Member(own, x=9.0)]
    at_hand, among_all = both(crowd, Wish(limit=1), SUB_GRIDS[0])
    assert at_hand == among_all
    assert at_hand is not None
    assert [(one.number, str(one.reason)) for one in at_hand.rejected] == [
        ("W000", "off_duty"),
        ("W001", "at_capacity"),
    ]


def test_where_nobody_at_hand_may_go_everybody_has_to_be_looked_at() -> None:
    at_hand, among_all = both([Member((SUB_GRIDS[0],), shift=None), Member((SUB_GRIDS[-1],))], Wish(), SUB_GRIDS[0])
    assert at_hand is None
    assert [one.number for one in among_all.candidates] == ["W001"]


def test_a_picture_serves_until_somebody_goes_off_duty_or_a_fix_becomes_too_old() -> None:
    people = [Member(shift=(-3_600, 60)), Member(age_s=1_771, home=(500.0, 0.0)), Member(charge_until_s=90)]
    district = roster_of(people).districts[DISTRICT]
    noon = moment(NOON)
    first = picture_of(district, noon)
    assert first.until == noon + 30 * 1_000_000
    assert picture_of(district, first.until - 1) is first
    second = picture_of(district, first.until)
    assert second is not first and (first.homes[1], second.homes[1]) == (False, True)
    third = picture_of(district, second.until)
    assert (second.duties[0], third.duties[0]) == (True, False)
    assert picture_of(district, noon).since <= noon < picture_of(district, noon).until


def test_a_picture_knows_no_distance_of_somebody_without_fix_and_home() -> None:
    picture = picture_of(roster_of([Member(x=None), Member(x=3.0, y=4.0)]).districts[DISTRICT], moment(NOON))
    x, y = roster_of([Member()]).districts[DISTRICT].plane.point_xy(*ORIGIN)
    assert [picture.millimetres(row, x, y) for row in (0, 1)] == [NO_DISTANCE_MM, 5_000]
