"""Who goes, and why the others do not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.dispatch_rules import LIMITS, REJECTIONS, Policy, Ranking, Wish, judge, rank
from layers.standings import LEVELS, NO_WAY_MM
from tests.people import Somebody, crowd, worker

OWN_FIRST = Wish(policy=Policy.own_grid_first)
NEAREST = Wish(policy=Policy.nearest)


def order(ranking: Ranking) -> list[str]:
    return [candidate.number for candidate in ranking.candidates]


def reasons(ranking: Ranking) -> dict[str, str]:
    return {rejected.number: str(rejected.reason) for rejected in ranking.rejected}


def test_own_ground_comes_before_a_nearer_stranger() -> None:
    people = crowd(worker("far-own", level="grid", distance_m=900), worker("near", level="community", distance_m=5))
    assert order(rank(people, OWN_FIRST)) == ["far-own", "near"]


def test_the_policy_nearest_looks_at_the_distance_only() -> None:
    people = crowd(worker("far-own", level="grid", distance_m=900), worker("near", level="community", distance_m=5))
    assert order(rank(people, NEAREST)) == ["near", "far-own"]


def test_the_cascade_goes_outwards_level_by_level() -> None:
    people = crowd(*(worker(level, level=level, distance_m=100 - i) for i, level in enumerate(LEVELS)))
    found = rank(people, Wish(limit=9))
    assert order(found) == list(LEVELS)
    assert found.level == "sub_grid"
    assert [candidate.reason for candidate in found.candidates][:4] == [
        "own_sub_grid",
        "own_grid",
        "sister_grid",
        "same_community",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (worker("B", distance_m=100.0), worker("A", distance_m=100.001)),
        (worker("B", open_tasks=0), worker("A", open_tasks=1)),
        (worker("B", last_assigned=5), worker("A", last_assigned=6)),
        (worker("A"), worker("B")),
    ],
    ids=["distance", "open tasks", "longest without a task", "staff number"],
)
def test_ties_are_broken_in_this_order(first: Somebody, second: Somebody) -> None:
    assert order(rank(crowd(first, second), OWN_FIRST)) == [first.number, second.number]


@pytest.mark.parametrize(
    ("somebody", "reason"),
    [
        (worker("W", role="patrol_team", on_duty=False), "role"),
        (worker("W", on_duty=False, distance_m=None), "off_duty"),
        (worker("W", distance_m=None, open_tasks=3), "no_position"),
        (worker("W", distance_m=NO_WAY_MM / 1000, open_tasks=3), "no_way"),
        (worker("W", distance_m=3000.001, open_tasks=3), "too_far"),
        (worker("W", open_tasks=3), "at_capacity"),
    ],
)
def test_the_first_reason_that_applies_is_told(somebody: Somebody, reason: str) -> None:
    found = rank(crowd(somebody), OWN_FIRST)
    assert (found.candidates, reasons(found), found.level) == ((), {"W": reason}, None)


def test_three_kilometres_sharp_is_within_reach() -> None:
    assert order(rank(crowd(worker("W", distance_m=3000)), OWN_FIRST)) == ["W"]


def test_one_critical_task_keeps_from_a_second_critical_one_only() -> None:
    busy = crowd(worker("W", open_tasks=1, critical_tasks=1))
    assert order(rank(busy, Wish(urgency="high"))) == ["W"]
    assert reasons(rank(busy, Wish(urgency="critical"))) == {"W": "at_capacity"}


def test_a_patrol_team_goes_when_its_role_is_asked_for() -> None:
    people = crowd(worker("W"), worker("T", role="patrol_team"))
    found = rank(people, Wish(role="patrol_team"))
    assert (order(found), reasons(found)) == (["T"], {"W": "role"})


def test_who_declined_is_not_asked_again() -> None:
    people = crowd(worker("A"), worker("B", distance_m=200))
    found = rank(people, Wish(without=frozenset({"A"})))
    assert (order(found), reasons(found)) == (["B"], {"A": "declined"})


def test_only_those_who_stood_before_the_last_candidate_are_listed_as_rejected() -> None:
    people = crowd(
        worker("nearer", distance_m=10, on_duty=False),
        worker("chosen", distance_m=20),
        worker("beyond", distance_m=30, on_duty=False),
    )
    assert reasons(rank(people, Wish(limit=1))) == {"nearer": "off_duty"}
    assert reasons(rank(people, Wish(limit=2))) == {"nearer": "off_duty", "beyond": "off_duty"}


def test_a_long_list_of_rejected_is_cut_but_counted() -> None:
    people = crowd(*(worker(f"{i:04d}", distance_m=i, on_duty=False) for i in range(200)))
    found = rank(people, OWN_FIRST)
    assert found.rejected_by_reason == {"off_duty": 200}
    assert list(reasons(found)) == [f"{i:04d}" for i in range(50)]


def test_a_stale_fix_is_flagged_and_the_age_told() -> None:
    people = crowd(worker("W", age_s=1801, at_home=True), worker("X", age_s=-1, at_home=True))
    found = rank(people, OWN_FIRST).candidates
    assert [(one.freshness, one.position_age_s, one.at_home) for one in found] == [
        ("stale", 1801, True),
        ("stale", None, True),
    ]


@pytest.mark.parametrize(
    ("age_s", "word"), [(0, "fresh"), (300, "fresh"), (301, "ageing"), (1800, "ageing"), (1801, "stale"), (-1, "stale")]
)
def test_a_fix_ages_after_five_and_thirty_minutes(age_s: int, word: str) -> None:
    assert crowd(worker("W", age_s=age_s)).freshness(0) == word


somebody = st.builds(
    Somebody,
    number=st.text("ABCDEF", min_size=1, max_size=3),
    level=st.sampled_from(LEVELS),
    distance_m=st.none() | st.sampled_from([0.0, 1.0, 1.001, 50.0, 2999.0, 3000.0, 3001.0]),
    role=st.sampled_from(["grid_worker", "patrol_team"]),
    on_duty=st.booleans(),
    open_tasks=st.integers(0, 4),
    critical_tasks=st.integers(0, 1),
    last_assigned=st.integers(0, 2),
)
wishes = st.builds(
    Wish,
    policy=st.sampled_from(Policy),
    urgency=st.sampled_from(["normal", "critical"]),
    role=st.none() | st.just("grid_worker"),
    limit=st.integers(1, 6),
)


@given(st.lists(somebody, unique_by=lambda one: one.number, max_size=12), wishes)
def test_the_answer_is_that_of_walking_down_one_sorted_list(people: list[Somebody], wish: Wish) -> None:
    standings = crowd(*people)
    verdicts = judge(standings, wish, limits=LIMITS)

    def place_in_line(row: int) -> tuple[object, ...]:
        level = int(standings.level[row]) if wish.policy is Policy.own_grid_first else 0
        rest = (standings.distance_mm, standings.open_tasks, standings.last_assigned)
        return (level, *(int(column[row]) for column in rest), standings.numbers[row])

    chosen: list[str] = []
    turned_down: dict[str, str] = {}
    line = sorted(range(len(standings)), key=place_in_line)
    for row in line:
        if len(chosen) == wish.limit:
            break
        if verdicts[row] < 0:
            chosen.append(standings.numbers[row])
        else:
            turned_down[standings.numbers[row]] = str(REJECTIONS[verdicts[row]])
    found = rank(standings, wish)
    assert order(found) == chosen
    assert reasons(found) == turned_down
    assert sum(found.rejected_by_reason.values()) == len(turned_down)
