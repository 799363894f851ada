"""Ways on foot: against a walk step by step over a lattice, and at rivers, bridges, yards and railways."""

from __future__ import annotations

from collections import deque
from itertools import pairwise, product

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.walking import Network, WayKind, Ways, trace_way

BLOCK_M, STEP_M = 100, 10
Spot = tuple[int, int]
Street = tuple[Spot, Spot]


@st.composite
def towns(draw: st.DrawFn) -> tuple[list[Street], list[Spot]]:
    """Some of the blocks' edges of a town of 4 by 4 crossings as streets, and places on them, in steps of 10 m."""
    crossings = list(product(range(4), range(4)))
    every = [(a, b) for a in crossings for b in crossings if a < b and abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1]
    streets = draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    many = BLOCK_M // STEP_M
    spots = []
    for (one, other), along in draw(
        st.lists(st.tuples(st.sampled_from(streets), st.integers(0, many)), min_size=2, max_size=6)
    ):
        spots.append(tuple(a * many + (b - a) * along for a, b in zip(one, other, strict=True)))
    return streets, spots


def walk(streets: list[Street], start: Spot) -> dict[Spot, int]:
    """The oracle: steps to every spot, one ring of neighbours after the other."""
    many = BLOCK_M // STEP_M
    beside: dict[Spot, set[Spot]] = {}
    for one, other in streets:
        line = [tuple(a * many + (b - a) * n for a, b in zip(one, other, strict=True)) for n in range(many + 1)]
        for here, there in pairwise(line):
            beside.setdefault(here, set()).add(there)
            beside.setdefault(there, set()).add(here)
    steps, left = {start: 0}, deque([start])
    while left:
        here = left.popleft()
        for there in beside.get(here, ()):
            if there not in steps:
                steps[there] = steps[here] + 1
                left.append(there)
    return steps


def network(lines: list[list[tuple[float, float]]], barriers: list[shapely.Geometry] | None = None) -> Network:
    made = Network.of([shapely.LineString(line) for line in lines], barriers=barriers or [])
    assert made is not None
    return made


def metres(found: Network, place: tuple[float, float], *others: tuple[float, float]) -> list[float]:
    x, y = np.asarray(others, dtype=np.float64).T
    return [round(one, 6) for one in found.distances(place, x, y, found.snap(x, y)).tolist()]


@settings(max_examples=150, deadline=None)
@given(towns())
def test_a_way_is_as_long_as_a_walk_step_by_step(town: tuple[list[Street], list[Spot]]) -> None:
    streets, spots = town
    found = network([[(a * BLOCK_M, b * BLOCK_M) for a, b in street] for street in streets])
    start, others = spots[0], spots[1:]
    steps = walk(streets, start)
    told = metres(found, (start[0] * STEP_M, start[1] * STEP_M), *((a * STEP_M, b * STEP_M) for a, b in others))
    wanted = [float(steps[spot] * STEP_M) if spot in steps else None for spot in others]
    assert [None if np.isnan(one) else one for one in told] == pytest.approx(wanted)
    for spot, metres_on_foot in zip(others, wanted, strict=True):
        ends = [(x * STEP_M, y * STEP_M) for x, y in (start, spot)]
        way = trace_way(found, *ends)
        assert (way.kind in (WayKind.roads, WayKind.yard)) == (metres_on_foot is not None)
        if metres_on_foot is not None:
            line = shapely.LineString(way.line)
            assert (line.length, way.length_m) == pytest.approx((metres_on_foot, metres_on_foot), abs=1e-6)
            assert way.line[[0, -1]].tolist() == [[*map(float, end)] for end in ends]
            roads = shapely.union_all([shapely.LineString([(a * BLOCK_M, b * BLOCK_M) for a, b in s]) for s in streets])
            assert line.within(roads.buffer(1e-6)) or way.kind == WayKind.yard


WEST, EAST = [(0, -2_000), (0, 2_000)], [(200, -2_000), (200, 2_000)]
RIVER = shapely.box(80, -3_000, 120, 3_000)


def test_across_a_river_one_goes_over_the_bridge() -> None:
    bridge = [(0, 1_000), (200, 1_000)]
    found = network([WEST, EAST, bridge], [RIVER])
    assert metres(found, (-5, 0), (205, 0), (-5, 300)) == [2_210.0, 310.0]
    assert metres(found, (100, 1_000), (0, 1_000)) == [100.0], "on the bridge one is not in the water"


def test_the_line_of_a_way_leads_over_the_bridge_and_says_how_far_the_roads_are() -> None:
    found = network([WEST, EAST, [(0, 1_000), (200, 1_000)]], [RIVER])
    way = trace_way(found, (-5, 0), (205, 300))
    assert (way.kind, way.length_m, way.aside_m) == (WayKind.roads, 1_000 + 200 + 700 + 10, (5.0, 5.0))
    points = [(-5, 0), (0, 0), (0, 1_000), (200, 1_000), (200, 300), (205, 300)]
    assert shapely.LineString(way.line).equals(shapely.LineString(points))


def test_what_stands_in_for_a_way_says_why() -> None:
    across = (-5.0, 0.0), (205.0, 0.0)
    told = [
        trace_way(made, *across)
        for made in (None, network([WEST, EAST]), network([WEST, EAST], [RIVER]), network([[(-5_000, 0), (-4_000, 0)]]))
    ]
    kinds = [WayKind.no_roads, WayKind.no_roads, WayKind.no_way, WayKind.no_roads]
    assert [way.kind for way in told] == kinds
    assert {way.length_m for way in told} == {210.0}
    assert all(way.line.tolist() == [list(end) for end in across] for way in told)


def test_without_a_bridge_there_is_no_way_and_without_a_river_nobody_knows() -> None:
    assert metres(network([WEST, EAST], [RIVER]), (-5, 0), (205, 0)) == [np.inf]
    assert np.isnan(metres(network([WEST, EAST]), (-5, 0), (205, 0))[0])


def test_over_a_yard_one_goes_straight_but_not_through_the_canal_in_it() -> None:
    lines = [WEST, [(0, 0), (60, 0)]]
    assert metres(network(lines), (30, 40), (30, 70)) == [30.0]
    canal = shapely.box(20, 50, 40, 60)
    assert metres(network(lines, [canal]), (30, 40), (30, 70)) == [90.0]


def test_whoever_stands_beyond_the_railway_begins_at_a_road_of_their_side() -> None:
    rail = shapely.LineString([(30, -3_000), (30, 3_000)])
    # The nearest road, 40 m away, lies beyond; the own one is 160 m away.
    found = network([WEST, EAST, [(0, 1_000), (200, 1_000)]], [rail])
    x, y = np.array([40.0]), np.array([0.0])
    assert found.snap(x, y).aside.tolist() == [160.0]
    assert metres(found, (0, 0), (40, 0)) == [160 + 1_000 + 200 + 1_000]


def test_far_from_every_road_nothing_is_known() -> None:
    assert np.isnan(metres(network([WEST]), (0, 0), (900, 0))[0])
    assert np.isnan(metres(network([WEST]), (900, 0), (0, 0))[0])
    assert Network.of([]) is None
    assert np.isnan(Ways().distances("1", (0, 0), np.zeros(2), np.zeros(2))).all()


@pytest.mark.parametrize("gap_m", [0.0, 0.2])
def test_ends_that_nearly_meet_are_joined_and_crossings_need_no_vertex(gap_m: float) -> None:
    found = network([[(0, 0), (100 - gap_m, 0)], [(100, 0), (200, 0)], [(150, -50), (150, 50)]])
    assert metres(found, (0, 0), (150, 50))[0] == pytest.approx(200, abs=1)


def test_only_who_has_moved_is_looked_for_and_everybody_is_where_they_are() -> None:
    bridge = [(0, 1_000), (200, 1_000)]
    found = network([WEST, EAST, bridge], [RIVER])
    ways = Ways(("mark",), {"1": found})
    chance = np.random.default_rng(5)
    x, y = chance.uniform(-50, 250, 60), chance.uniform(-1_500, 1_500, 60)
    x[3] = y[3] = np.nan
    for _ in range(4):
        told = ways.distances("1", (10.0, 10.0), x, y)
        assert told.tolist() == pytest.approx(
            found.distances((10.0, 10.0), x, y, found.snap(x, y)).tolist(), nan_ok=True
        )
        straight = np.hypot(x - 10, y - 10)
        known = np.isfinite(told)
        assert (told[known] >= straight[known] - 1).all() and known.sum() > 40
        x, y = x.copy(), y.copy()
        x[:7], y[:7] = chance.uniform(-50, 250, 7), chance.uniform(-1_500, 1_500, 7)
