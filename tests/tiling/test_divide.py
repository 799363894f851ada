"""Dividing by households: what every proposal keeps, and what the planner is told where it cannot be had ([S9])."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sites import area, as_objects, at, line, site, turned
from tiling.coverage import check_polygons
from tiling.divide import Kind, Proposal, Role, Site, Wishes, combine_weights, divide, estimate_households, rows_of
from tiling.divide.kernels import PLAIN, choose_fastest
from tiling.divide.scoring import share_along


def divided(ground: Site, *, seed: int = 1, **wishes: Any) -> Proposal:
    asked = {"effort": 0.1, "empty_m2": 0.0, **wishes}
    return divide(ground, Wishes(**asked), rng=np.random.default_rng(seed))


def weights(proposal: Proposal) -> list[float]:
    return sorted(grid.weight for grid in proposal.grids)


def assert_lawful(ground: Site, proposal: Proposal) -> None:
    """No gap, no overlap, nothing outside, each grid in one piece and one area, no building cut, all weight kept."""
    frame = shapely.union_all([*proposal.areas.values()])
    codes = [grid.code for grid in proposal.grids] + list(proposal.locked)
    shapes = [grid.shape for grid in proposal.grids] + list(proposal.locked.values())
    report = check_polygons(codes, shapes, frame=frame)
    assert report.ok, [(d.kind, d.codes, d.area_m2) for d in report.defects[:5]]
    assert {shape.geom_type for shape in shapes} == {"Polygon"}
    for grid in proposal.grids:
        assert grid.shape.difference(proposal.areas[grid.area]).area < 1e-3
    assert proposal.figures.buildings_cut == 0
    inside = rows_of([grid.shape for grid in proposal.grids], ground.buildings)
    assert (inside == proposal.grid_of).all()
    held = proposal.grid_of >= 0
    if ground.weights.sum() > 0:
        assert sum(grid.weight for grid in proposal.grids) == pytest.approx(ground.weights[held].sum())


def test_a_road_between_two_equal_halves_becomes_the_border() -> None:
    ground = site("1111 / 1111", roads=[((2, 0), (2, 2))])
    made = divided(ground, target=40)
    assert weights(made) == [40, 40]
    assert_lawful(ground, made)
    border = made.grids[0].shape.intersection(made.grids[1].shape)
    assert border.equals(line((2, 0), (2, 2)))
    assert made.figures.along_lines == 1.0


def test_without_roads_the_ground_between_houses_is_divided_and_it_is_said() -> None:
    ground = site("1111 / 1111 / 1111 / 1111")
    made = divided(ground, target=40)
    assert weights(made) == [40, 40, 40, 40]
    assert_lawful(ground, made)
    assert "no_roads" in {remark.code for remark in made.remarks}
    assert made.figures.compactness > 0.7


def test_a_number_of_grids_may_be_asked_for_instead_of_a_target() -> None:
    made = divided(site("111111 / 111111"), grids=3)
    assert weights(made) == [40, 40, 40]


def test_a_building_larger_than_a_grid_stands_apart_and_is_named() -> None:
    ground = site("1111 / 1911 / 1111 / 1111")
    made = divided(ground, target=30)
    (large,) = (grid for grid in made.grids if grid.role is Role.oversize)
    assert large.weight == 90 and large.buildings == 1
    (remark,) = (remark for remark in made.remarks if remark.code == "oversize")
    assert remark.details["building"] == 9 and remark.ways == ("cut_stairwells", "accept")
    assert made.figures.oversize == 1 and made.figures.in_tolerance == 1.0
    assert_lawful(ground, made)


def test_a_large_building_is_cut_between_its_stairwells_when_asked_for() -> None:
    block = shapely.box(*at(0.2, 0.3), *at(5.8, 0.7))
    ground = Site(
        areas={"C": shapely.box(*at(0, 0), *at(6, 1))},
        buildings=as_objects([block]),
        weights=np.array([120.0]),
        stairwells=np.array([4]),
    )
    whole, cut = divided(ground, target=30), divided(ground, target=30, cut_stairwells=True)
    assert weights(whole) == [120] and whole.grids[0].role is Role.oversize
    assert weights(cut) == [30, 30, 30, 30]
    assert cut.figures.buildings_cut == 0 and cut.figures.stairwell_cuts == 1
    places = sorted({round(x, 3) for grid in cut.grids for x in grid.shape.intersection(block).bounds[::2]})
    assert np.diff(places) == pytest.approx([28.0] * 4, abs=0.01)


def test_two_houses_wall_to_wall_are_parted_at_the_wall() -> None:
    left, right = shapely.box(*at(0.2, 0.2), *at(2, 0.9)), shapely.box(*at(2, 0.1), *at(3.9, 0.7))
    ground = Site(
        areas={"C": shapely.box(*at(0, 0), *at(4, 1))},
        buildings=as_objects([left, right]),
        weights=np.array([30.0, 30.0]),
    )
    made = divided(ground, target=30)
    assert weights(made) == [30, 30]
    assert_lawful(ground, made)
    for house in (left, right):
        assert max(grid.shape.intersection(house).area for grid in made.grids) == pytest.approx(house.area, rel=1e-6)


def test_houses_that_overlap_are_never_parted() -> None:
    one, other = shapely.box(*at(0.2, 0.2), *at(2.2, 0.8)), shapely.box(*at(1.8, 0.2), *at(3.8, 0.8))
    ground = Site(
        areas={"C": shapely.box(*at(0, 0), *at(4, 1))}, buildings=as_objects([one, other]), weights=np.array([9.0, 9.0])
    )
    assert weights(divided(ground, target=10)) == [18]


def test_nobody_has_to_cross_a_railway() -> None:
    ground = site("111111 / 111111 / 111111", barriers=[((0, 1.5), (6, 1.5))], roads=[((3, 0), (3, 3))])
    ground = Site(**{**vars(ground), "buildings": ground.buildings[[0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17]],
                     "weights": ground.weights[:12]})  # fmt: skip
    made = divided(ground, target=40)
    rail = line((0, 1.5), (6, 1.5))
    assert all(not grid.shape.buffer(-0.01).intersects(rail) for grid in made.grids)
    assert_lawful(ground, made)


def test_a_few_houses_behind_a_river_are_told_as_cut_off_with_both_ways_out() -> None:
    ground = site(
        "1..... / 111111 / 111111",
        water=as_objects([area((0, 1.95), (6, 1.95), (6, 2.2), (0, 2.2))]),
        seeds=as_objects([]),
    )
    made = divided(ground, target=40)
    (remark,) = (remark for remark in made.remarks if remark.code == "cut_off")
    assert remark.ways == ("join_across", "accept") and remark.details["weight"] == 10
    assert_lawful(ground, made)


def test_empty_land_becomes_a_dedicated_grid() -> None:
    ground = site("11.. / 11.. / 11..", roads=[((2, 0), (2, 3))])
    made = divided(ground, target=30, empty_m2=1000.0)
    assert [grid.role for grid in made.grids].count(Role.dedicated) == 1
    assert made.figures.dedicated == 1 and weights(made) == [0, 30, 30]
    assert_lawful(ground, made)


def test_a_grid_lies_in_one_community_and_codes_run_west_to_east_in_each() -> None:
    areas = {"A": area((0, 0), (3, 0), (3, 2), (0, 2)), "B": area((3, 0), (6, 0), (6, 2), (3, 2))}
    ground = site("111111 / 111111", areas=areas)
    made = divided(ground, target=30)
    assert [grid.code for grid in made.grids] == ["A001", "A002", "B001", "B002"]
    assert_lawful(ground, made)
    first, second = (grid.shape.centroid for grid in made.grids[:2])
    assert first.y > second.y or (first.y == second.y and first.x < second.x)


def test_locked_grids_stay_and_the_rest_is_divided() -> None:
    locked = {"L": area((0, 0), (2, 0), (2, 2), (0, 2))}
    ground = site("111111 / 111111", locked=locked)
    made = divided(ground, target=40)
    assert weights(made) == [40, 40]
    assert made.locked["L"].equals(locked["L"])
    assert (made.grid_of[[0, 1, 6, 7]] == -1).all()
    assert_lawful(ground, made)


def test_a_sliver_between_a_locked_grid_and_the_border_is_no_grid() -> None:
    (x, y), sky = at(1, 0), [at(2, 0), at(2, 2), at(0, 2)]
    locked = {"L": shapely.Polygon([at(0, 0), (x, y + 0.001), *sky])}  # a node a millimetre off the slanted edge
    made = divided(site("111111 / 111111", locked=locked), target=40)
    assert weights(made) == [40, 40]
    assert min(grid.shape.area for grid in made.grids) > 100


def test_least_change_keeps_households_where_they_are() -> None:
    today = {"1": area((0, 0), (5, 0), (5, 4), (0, 4)), "2": area((5, 0), (8, 0), (8, 4), (5, 4))}
    ground = site("11111111 / 11111111 / 11111111 / 11111111", today=today)
    made = divided(ground, target=160, keep_today=1.0)
    assert made.figures.moved <= 0.125
    assert made.figures.in_tolerance == 1.0
    assert_lawful(ground, made)


def test_offices_each_get_a_grid_of_their_own() -> None:
    seeds = as_objects([shapely.Point(at(0.1, 0.1)), shapely.Point(at(5.9, 1.9)), shapely.Point(at(3, 0.1))])
    ground = site("111111 / 111111", seeds=seeds)
    made = divided(ground, target=40)
    assert len(made.grids) == 3
    assert sorted(rows_of([grid.shape for grid in made.grids], shapely.buffer(seeds, 0.05)).tolist()) == [0, 1, 2]
    assert_lawful(ground, made)


def test_sub_grids_tile_their_grid_exactly_and_carry_its_code() -> None:
    ground = site("11111111 / 11111111 / 11111111 / 11111111", roads=[((4, 0), (4, 4))])
    made = divided(ground, target=80, sub_target=20)
    for grid in made.grids:
        subs = [sub for sub in made.sub_grids if sub.parent == grid.code]
        assert all(sub.code.startswith(grid.code) and len(sub.code) == len(grid.code) + 2 for sub in subs)
        assert sum(sub.weight for sub in subs) == pytest.approx(grid.weight)
        assert shapely.coverage_union_all([sub.shape for sub in subs]).equals(grid.shape)
    shapes = [sub.shape for sub in made.sub_grids]
    assert check_polygons([sub.code for sub in made.sub_grids], shapes, frame=made.areas["C"]).ok


def test_along_streets_only_no_block_is_opened() -> None:
    roads = [((2, 0), (2, 4)), ((4, 0), (4, 4)), ((0, 2), (6, 2))]
    ground = site("111111 / 111111 / 111111 / 111111", roads=roads)
    made = divided(ground, target=50, streets_only=True)
    assert made.figures.along_lines == 1.0
    assert_lawful(ground, made)


def test_a_road_on_the_map_that_runs_through_a_house_does_not_cut_it() -> None:
    ground = site("1111 / 1111", roads=[((1.5, 0), (1.5, 2)), ((0, 1), (4, 1))])
    assert_lawful(ground, divided(ground, target=20))


def test_a_dead_end_is_drawn_on_to_the_next_line() -> None:
    ground = site("1111 / 1111", roads=[((2, 0), (2, 1.2))])
    made = divided(ground, target=40)
    assert made.grids[0].shape.intersection(made.grids[1].shape).equals(line((2, 0), (2, 2)))


def test_wishes_that_contradict_themselves_are_refused() -> None:
    for wrong in ({"grids": 0}, {"target": 0}, {"sub_target": 400.0}, {"min_area_m2": 9.0, "max_area_m2": 5.0}):
        with pytest.raises(ValueError, match=r"must|least"):
            Wishes(**wrong)  # type: ignore[arg-type]


def test_stopped_early_it_gives_the_best_so_far_and_says_so() -> None:
    ground = site("1111 / 1111 / 1111")
    told: list[float] = []
    made = divide(
        ground, Wishes(target=30), rng=np.random.default_rng(1), should_stop=lambda: True, progress=told.append
    )
    assert not made.complete and "stopped" in {remark.code for remark in made.remarks}
    assert_lawful(ground, made)
    assert told == sorted(told) and told[-1] == 1.0


def test_the_same_seed_gives_the_same_bytes() -> None:
    ground = site("12131 / 21112 / 11311", roads=[((2, 0), (2, 3))])
    one, other, third = (divided(ground, target=40, seed=seed) for seed in (5, 5, 6))
    assert [grid.shape.wkb for grid in one.grids] == [grid.shape.wkb for grid in other.grids]
    assert_lawful(ground, third)


def test_plain_and_compiled_loops_make_the_same_moves() -> None:
    from tiling.divide.annealing import anneal_region
    from tiling.divide.assigning import region_of
    from tiling.divide.ground import prepare
    from tiling.divide.search import goal_of

    ground = prepare(site("12131 / 21112 / 11311"), Wishes(target=40), target=40)
    atoms = np.arange(len(ground.graph))
    region = region_of(ground, atoms, 5, today=np.full(len(atoms), -1), seeds=np.empty(0, dtype=np.intp))
    goal = goal_of(Wishes(target=40), 40, region.graph, 5)
    start = (np.arange(len(atoms)) * 0).astype(np.intp)
    start[-4:] = [1, 2, 3, 4]
    parts = []
    for kernel in (PLAIN._replace(slower=1.0), choose_fastest()):
        found, _ = anneal_region(
            region, goal, start, effort=0.005, rng=np.random.default_rng(3), should_stop=lambda: False,
            progress=lambda _: None, kernel=kernel, heat=1.0,
        )  # fmt: skip
        parts.append(found.tolist())
    assert parts[0] == parts[1]


def test_weights_of_several_kinds_count_by_their_factors() -> None:
    columns = {"households": np.array([10.0, 30.0]), "incidents": np.array([3.0, 1.0])}
    assert combine_weights(columns, {"households": 1, "incidents": 1}).tolist() == [20.0, 20.0]
    assert combine_weights(columns, {"households": 1}).tolist() == [10.0, 30.0]
    with pytest.raises(ValueError, match="zero"):
        combine_weights(columns, {"households": 0})


def test_households_are_estimated_from_ground_and_floors() -> None:
    footprints = as_objects([shapely.box(0, 0, 20, 10), shapely.box(0, 0, 5, 5), shapely.box(0, 0, 10, 10)])
    assert estimate_households(footprints, np.array([6.0, 9.0, np.nan])).tolist() == [11.0, 0.0, 1.0]


def test_the_share_along_lines_is_measured_by_distance() -> None:
    border = shapely.LineString([(0, 0), (100, 0)])
    road = as_objects([shapely.LineString([(0, 3), (40, 3)])])
    assert share_along(border, road, as_objects([])) == pytest.approx(0.4, abs=0.05)


CELLS = st.lists(st.text("0123.", min_size=5, max_size=5), min_size=3, max_size=5)
ROADS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=3)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rows=CELLS, roads=ROADS, target=st.integers(20, 90), seed=st.integers(0, 99), degrees=st.integers(0, 89))
def test_whatever_the_ground_a_proposal_is_lawful(
    rows: list[str], roads: list[tuple[int, int, bool]], target: int, seed: int, degrees: int
) -> None:
    height = len(rows)
    lines = [
        ((a, 0), (b, height)) if upright else ((0, min(a, height)), (5, min(b, height))) for a, b, upright in roads
    ]
    ground = turned(site("\n".join(rows), roads=lines, kind=Kind.road), degrees)
    if not any(letter.isdigit() for row in rows for letter in row):
        return
    made = divided(ground, target=target, seed=seed, effort=0.02, empty_m2=700.0)
    assert_lawful(ground, made)


def test_a_building_whose_cell_is_lost_in_noding_keeps_its_weight() -> None:
    ground = turned(site("00000\n01000\n00000\n00000", roads=[], kind=Kind.road), 20)
    made = divided(ground, target=20, seed=0, effort=0.02, empty_m2=700.0)
    assert sum(grid.weight for grid in made.grids) == pytest.approx(10)
    assert_lawful(ground, made)
