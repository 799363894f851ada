"""Points into square cells: nothing lost, edges to one side, cells that coincide."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point

from tiling.binning import bin_points

metres = st.floats(-5e6, 5e6)
points = st.lists(st.tuples(metres, metres, st.floats(0, 1e3)), max_size=60)


@given(points, st.sampled_from([0.5, 50.0, 250.0, 500.0]))
def test_weights_and_points_add_up_to_what_was_given(given_points, cell_m):
    x, y, w = np.array(given_points).reshape(-1, 3).T
    cells = bin_points(x, y, weights=w, cell_m=cell_m)
    assert cells.points.sum() == len(x)
    assert cells.weight.sum() == pytest.approx(w.sum())


@given(points.filter(bool), st.sampled_from([50.0, 250.0]))
def test_every_point_lies_in_a_cell_that_is_listed_once(given_points, cell_m):
    x, y, _ = np.array(given_points).T
    cells = bin_points(x, y, cell_m=cell_m)
    listed = set(zip(cells.column.tolist(), cells.row.tolist(), strict=True))
    assert len(listed) == len(cells)
    assert listed == {(math.floor(a / cell_m), math.floor(b / cell_m)) for a, b in zip(x, y, strict=True)}


def test_cells_come_from_south_to_north_and_west_to_east():
    cells = bin_points([150.0, 50.0, 50.0, 60.0], [0.0, 0.0, 150.0, 150.0], cell_m=100.0)
    assert list(zip(cells.column, cells.row, cells.points, strict=True)) == [(0, 0, 1), (1, 0, 1), (0, 1, 2)]


def test_a_point_on_a_line_belongs_to_the_eastern_and_northern_cell():
    cells = bin_points([100.0], [-100.0], cell_m=100.0)
    assert (cells.column[0], cells.row[0]) == (1, -1)


def test_the_square_of_a_cell_holds_its_points():
    cells = bin_points([531.0], [-7.0], cell_m=250.0)
    assert cells.squares()[0].contains(Point(531.0, -7.0))
    assert [float(c[0]) for c in cells.centres()] == [625.0, -125.0]


def test_a_position_that_is_no_number_is_left_out():
    cells = bin_points([math.nan, 1.0, math.inf], [1.0, 1.0, 1.0], weights=[5.0, 2.0, 5.0], cell_m=10.0)
    assert cells.weight.tolist() == [2.0]


def test_no_points_make_no_cells():
    assert len(bin_points([], [], cell_m=250.0)) == 0
    assert len(bin_points([], [], cell_m=250.0).squares()) == 0


@pytest.mark.parametrize("cell_m", [0.0, -1.0, math.nan, math.inf])
def test_a_side_that_is_not_positive_is_refused(cell_m):
    with pytest.raises(ValueError, match="positive"):
        bin_points([1.0], [1.0], cell_m=cell_m)


def test_arrays_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        bin_points([1.0, 2.0], [1.0], cell_m=10.0)
