"""The parts from which the check is made: edges and their partners, widths."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.city import synthetic_city
from tests.drawing import draw
from tiling.defects.edges import edges_of, frame_edges, join_edges, mark_loose, partners
from tiling.defects.widths import widths_m

FAR = (500_000.0, 4_380_000.0)


def wide(shape: shapely.Polygon) -> float:
    return float(widths_m(np.array([shape], dtype=object))[0])


@pytest.mark.parametrize("width_m", [1e-4, 0.009, 0.4, 3.0, 250.0])
@pytest.mark.parametrize("length_m", [300.0, 4_000.0])
def test_a_strip_is_as_wide_as_it_is_drawn(width_m: float, length_m: float) -> None:
    strip = shapely.box(FAR[0], FAR[1], FAR[0] + length_m, FAR[1] + width_m)
    assert wide(strip) == pytest.approx(min(width_m, length_m), rel=5e-3)


def test_a_blob_with_a_long_tail_is_as_wide_as_the_blob() -> None:
    blob = shapely.box(0, 0, 10, 10).union(shapely.box(10, 0, 5_000, 0.01))
    assert wide(blob) == pytest.approx(10.0, rel=5e-3)


def test_nothing_has_no_width() -> None:
    assert widths_m(np.array([], dtype=object)).shape == (0,)


@settings(max_examples=30, deadline=None)
@given(st.floats(1, 100), st.floats(0.01, 100), st.floats(-50, 150))
def test_the_width_is_that_of_the_largest_circle_inside(base_m: float, height_m: float, tip_m: float) -> None:
    triangle = shapely.Polygon([(0, 0), (base_m, 0), (tip_m, height_m)])
    radius_m = 2 * triangle.area / triangle.length
    assert wide(triangle) == pytest.approx(2 * radius_m, rel=6e-3)


def edges(picture: str) -> tuple[np.ndarray, int]:
    town = draw(picture)
    rows = np.arange(len(town))
    every = join_edges(edges_of(town.polygons, rows), frame_edges(town.frame))
    return mark_loose(every), len(every)


def test_every_edge_of_a_tiling_is_met_once() -> None:
    unmet, count = edges("AAB / CAB / CCC")
    assert count > 0
    assert not unmet.any()


def test_the_edges_around_a_gap_are_loose() -> None:
    unmet, _ = edges("AAB / A.B / CCC")
    assert unmet.sum() == 4


def test_the_partner_of_the_partner_is_the_edge_itself() -> None:
    city = synthetic_city(30, vertices=12)
    every = join_edges(edges_of(city.polygons_m, np.arange(len(city.codes))), frame_edges(city.frame_m))
    met_by = partners(every)
    assert (met_by >= 0).all()
    assert (met_by[met_by] == np.arange(len(every))).all()
    assert (every.side + every.side[met_by] == 0).all()


def test_an_edge_drawn_twice_from_the_same_side_has_no_partner() -> None:
    box = shapely.box(0, 0, 1, 1)
    twice = edges_of(np.array([box, box], dtype=object), np.arange(2))
    assert mark_loose(twice).all()


def test_rings_count_the_same_whichever_way_they_run() -> None:
    town = draw("AAA / ABA / AAA")
    turned = np.array([shape.reverse() for shape in town.polygons], dtype=object)
    one, other = (edges_of(shapes, np.arange(2)) for shapes in (town.polygons, turned))
    assert sorted(one.side.tolist()) == sorted(other.side.tolist())
    assert not mark_loose(join_edges(one, frame_edges(town.frame))).any()
    assert not mark_loose(join_edges(other, frame_edges(town.frame))).any()


def test_places_that_differ_in_the_last_bit_are_different() -> None:
    left = shapely.box(0, 0, 1, 1)
    right = shapely.Polygon([(1, 0), (2, 0), (2, 1), (np.nextafter(1.0, 2), 1)])
    both = edges_of(np.array([left, right], dtype=object), np.arange(2))
    assert mark_loose(both).all()
