"""Laws of the lattice and of the way between degrees and metres."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.city import synthetic_city
from tiling.coverage import check
from tiling.partition import Partition
from tiling.plane import Plane, city_epsg, densify, lattice_keys, put_on_lattice, to_lattice

CITIES = {
    "Tangshan": (118.18, 39.64),
    "Manhattan": (-73.97, 40.78),
    "Zhuzhou": (113.08, 27.83),
    "Sydney": (151.2, -33.9),
}
steps = st.integers(-40_000_000, 40_000_000)


@settings(deadline=None)
@given(st.lists(st.floats(-1e7, 1e7), min_size=1))
def test_the_lattice_is_where_geos_rounds(values: list[float]) -> None:
    points = shapely.points([[value, 0.0] for value in values])
    by_geos = shapely.get_coordinates(shapely.set_precision(points, 0.001))[:, 0]
    ours = to_lattice(values)
    halves = np.abs(np.asarray(values) * 1000 % 1 - 0.5) < 1e-6  # a tie may go either way, both are lattice
    assert (ours == by_geos)[~halves].all()


@settings(deadline=None)
@given(st.lists(st.floats(-1e7, 1e7), min_size=1))
def test_the_lattice_is_a_fixed_point_and_moves_nothing_over_half_a_millimetre(values: list[float]) -> None:
    once = to_lattice(values)
    assert (to_lattice(once) == once).all()
    assert np.abs(once - values).max() <= 0.000_5 + 1e-9
    assert (lattice_keys(once) == lattice_keys(values)).all()


def test_negative_zero_becomes_zero() -> None:
    assert not np.signbit(to_lattice([-0.0, -0.000_1])).any()


@pytest.mark.parametrize("city", CITIES)
@settings(deadline=None)
@given(dx=steps, dy=steps)
def test_degrees_give_the_lattice_back_bit_for_bit(city: str, dx: int, dy: int) -> None:
    plane = Plane(city_epsg(*CITIES[city]))
    x, y = plane.to_xy(*CITIES[city])
    point = put_on_lattice(shapely.Point(float(x) + dx / 1000, float(y) + dy / 1000))
    assert plane.to_metres(plane.to_degrees(point)).wkb == point.wkb


def test_shape_and_missing_geometries_are_kept() -> None:
    plane = Plane(4548)
    grids = np.array([[shapely.Point(118, 39.6), None]], dtype=object)
    metres = plane.to_metres(grids)
    assert metres.shape == (1, 2)
    assert metres[0, 1] is None


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (118.1, 39.6, 4548),
        (113.1, 27.8, 4547),
        (112.1, 37.9, 4546),
        (75.0, 38.0, 4534),
        (134.9, 48.4, 4554),
        (-73.97, 40.78, 32618),
        (151.2, -33.9, 32756),
        (180.0, 10.0, 32660),
    ],
)
def test_every_city_has_one_metric_system(lon: float, lat: float, epsg: int) -> None:
    assert city_epsg(lon, lat) == epsg


def test_lon_and_lat_come_first_although_the_system_is_north_first() -> None:
    x, y = Plane(4548).to_xy(118.0, 39.6)
    assert 500_000 < float(x) < 600_000
    assert 4_300_000 < float(y) < 4_500_000


@settings(deadline=None)
@given(st.tuples(steps, steps), st.tuples(steps, steps))
def test_an_edge_is_divided_the_same_from_either_end(start: tuple[int, int], end: tuple[int, int]) -> None:
    there = shapely.LineString(to_lattice([start, end]) / 1000)
    there = put_on_lattice(there)
    nodes = shapely.get_coordinates(densify(there, 200.0))
    back = shapely.get_coordinates(densify(there.reverse(), 200.0))
    assert (nodes == back[::-1]).all()
    assert (to_lattice(nodes) == nodes).all()
    assert np.hypot(*np.diff(nodes, axis=0).T).max() <= 200.0 + 0.002


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), max_m=st.sampled_from([3.0, 7.5, 200.0]))
def test_neighbours_that_matched_still_match_when_their_long_edges_are_divided(seed: int, max_m: float) -> None:
    city = synthetic_city(12, seed=seed, vertices=8, grid_m=900.0).partition()
    # Every other ring is turned round: the common edges are met from either end.
    turned = [shape.reverse() if row % 2 else shape for row, shape in enumerate(city.polygons)]
    after = densify(np.array(turned, dtype=object), max_m)
    rings = {code: densify(ring, max_m) for code, ring in city.areas.items()}
    frame = densify(city.frame, max_m)
    assert shapely.get_num_coordinates(frame) > shapely.get_num_coordinates(city.frame)
    divided = Partition.of(city.codes, after, parents=city.parents, frame=frame, areas=rings)
    assert check(divided).defects == ()


def test_short_edges_are_left_alone() -> None:
    square = shapely.box(0, 0, 200, 200)
    assert densify(square).wkb == square.wkb
    assert shapely.get_num_coordinates(densify(shapely.box(0, 0, 201, 200))) == 7
