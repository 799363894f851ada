"""The cities that other tests are built on: any number of grids, with or without sub-grids, always a valid tiling."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from tests.city import synthetic_city


@pytest.mark.parametrize("n", [1, 2, 7, 36, 300])
def test_a_synthetic_city_has_as_many_grids_as_asked_for(n: int) -> None:
    city = synthetic_city(n)
    assert len(set(city.grids)) == n
    assert len(set(city.codes)) == len(city.codes)
    assert sorted(city.codes) == sorted(set(city.codes) - set(city.parents.values()))


@pytest.mark.parametrize("vertices", [20, 44, 75])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_synthetic_city_is_a_valid_tiling_of_its_frame(vertices: int, seed: int) -> None:
    city = synthetic_city(120, vertices=vertices, seed=seed)
    assert shapely.is_valid(city.polygons_m).all()
    assert shapely.coverage_is_valid(city.polygons_m)
    assert shapely.union_all(city.polygons_m).symmetric_difference(city.frame_m).area == 0.0
    assert shapely.coverage_is_valid(city.polygons)


def test_degrees_of_a_synthetic_city_give_its_lattice_back() -> None:
    city = synthetic_city(120)
    back = city.plane.to_metres(city.polygons)
    assert (shapely.to_wkb(back) == shapely.to_wkb(city.polygons_m)).all()


def test_grids_without_sub_grids_are_finest_themselves() -> None:
    city = synthetic_city(50, sub_grids=(1,))
    assert city.codes == city.grids
    assert all(len(code) == 15 for code in city.codes)


def test_more_vertices_are_had_for_the_asking() -> None:
    few, many = (synthetic_city(60, sub_grids=(1,), vertices=v).polygons_m for v in (20, 70))
    assert np.median(shapely.get_num_coordinates(few)) < 30 < 60 < np.median(shapely.get_num_coordinates(many))
