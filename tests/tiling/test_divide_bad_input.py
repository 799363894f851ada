"""Dividing ground that does not lend itself: pieces, giants, nothing to count, what is impossible or wrong ([S9])."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely

from tests.sites import area, as_objects, at, site, turned
from tests.tiling.test_divide import assert_lawful, divided, weights
from tiling.coverage import check_polygons
from tiling.divide import Role
from tiling.errors import CannotDivide


def test_a_community_in_several_pieces_is_divided_piece_by_piece() -> None:
    pieces = shapely.MultiPolygon([area((0, 0), (3, 0), (3, 2), (0, 2)), area((4, 0), (7, 0), (7, 2), (4, 2))])
    ground = site("111.111 / 111.111", areas={"C": pieces})
    made = divided(ground, target=30)
    assert weights(made) == [30, 30, 30, 30]
    assert_lawful(ground, made)


def test_the_borders_of_slanted_pieces_gain_every_node_of_the_grids() -> None:
    pieces = shapely.MultiPolygon([area((0, 0), (3, 0), (3, 2), (0, 2)), area((4, 0), (7, 0), (7, 2), (4, 2))])
    ground = turned(site("111.111 / 111.111", areas={"C": pieces}), 33)
    made = divided(ground, target=30)
    shapes = [grid.shape for grid in made.grids]
    assert check_polygons([grid.code for grid in made.grids], shapes, frame=made.areas["C"]).defects == ()


def test_a_building_astride_two_communities_is_cut_by_no_border_of_ours() -> None:
    sides = {"A": area((0, 0), (2, 0), (2, 3), (0, 3)), "B": area((2, 0), (4, 0), (4, 3), (2, 3))}
    ground = site("11.1 / ...1 / 11.1", areas=sides)
    astride = shapely.box(*at(1.2, 1.2), *at(3.2, 1.8))
    ground = replace(ground, buildings=as_objects([*ground.buildings, astride]), weights=np.r_[ground.weights, 5.0])
    for seed in range(4):
        made = divided(ground, grids=6, seed=seed)
        assert made.figures.buildings_cut == 0
        assert_lawful(ground, made)


def test_where_it_fits_better_there_is_a_grid_more_than_the_share_of_the_region() -> None:
    # 160 households are nearest to three grids of 50, but four houses of 40 make no three of them.
    ground = site("44 / 44")
    assert weights(divided(ground, target=50)) == [40, 40, 40, 40]
    assert len(divided(ground, grids=3).grids) == 3


def test_without_households_footprints_are_counted_and_it_is_said() -> None:
    ground = site("0000 / 0000")
    made = divided(ground, grids=2)
    assert len(made.grids) == 2 and "no_weights" in {remark.code for remark in made.remarks}
    assert_lawful(ground, made)


def test_without_buildings_a_number_of_grids_is_needed() -> None:
    with pytest.raises(CannotDivide) as refused:
        divided(site(".... / ...."), target=30)
    assert refused.value.details["why"] == "nothing_to_count"
    made = divided(site("...... / ......"), grids=2)
    assert len(made.grids) == 2 and len(made.grid_of) == 0


def test_what_stands_elsewhere_counts_for_nothing() -> None:
    ground = site("1111....99", areas={"C": area((0, 0), (4, 0), (4, 1), (0, 1))})
    made = divided(ground, grids=2)
    assert weights(made) == [20, 20] and made.figures.target == 20 and made.figures.in_tolerance == 1.0


def test_one_giant_building_is_one_grid() -> None:
    made = divided(site("9"), target=30)
    assert [grid.role for grid in made.grids] == [Role.oversize]
    assert {"oversize", "no_roads"} <= {remark.code for remark in made.remarks}


def test_an_impossible_target_gets_the_best_there_is_and_the_reason() -> None:
    made = divided(site("44 / 44"), target=65)
    assert {remark.code for remark in made.remarks} & {"out_of_range", "lumpy"}
    far = divided(site("11 / 11"), target=9000)
    assert weights(far) == [40]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"locked": {"K": area((0, 0), (2, 0), (2, 1), (0, 1)), "L": area((1, 0), (3, 0), (3, 1))}}, "locked_overlap"),
        ({"areas": {"A": area((0, 0), (2, 0), (2, 2), (0, 2)), "B": area((1, 0), (4, 0), (4, 2), (1, 2))}}, "bad_area"),
        ({"areas": {"A": area((0, 0), (2, 2), (2, 0), (0, 2))}}, "bad_area"),
        ({"areas": {"A": shapely.Polygon()}}, "no_ground"),
        ({"locked": {"K": area((0, 0), (4, 0), (4, 2), (0, 2))}}, "no_ground"),
    ],
)  # fmt: skip
def test_input_that_cannot_be_divided_is_refused_with_the_reason(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(CannotDivide) as refused:
        divided(site("1111 / 1111", **wrong), target=20)
    assert refused.value.details["why"] == why
