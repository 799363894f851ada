"""Weighted points fall into square cells, none twice and none lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiling.binning import bin_points

coordinate = st.floats(-1e6, 1e6)


def test_a_point_on_an_edge_belongs_to_the_cell_east_and_north_of_it() -> None:
    column, row, weight = bin_points([0.0, 250.0, -1e-9], [0.0, 250.0, 0.0], cell_m=250.0)
    assert list(zip(column, row, weight, strict=True)) == [(-1, 0, 1.0), (0, 0, 1.0), (1, 1, 1.0)]


@given(st.lists(st.tuples(coordinate, coordinate, st.integers(0, 9)), max_size=50), st.sampled_from([1.0, 250.0]))
def test_the_weights_add_up(points: list[tuple[float, float, int]], cell_m: float) -> None:
    x, y, w = (np.array([point[i] for point in points], dtype=float) for i in range(3))
    column, row, weight = bin_points(x, y, weights=w, cell_m=cell_m)
    assert weight.sum() == w.sum()
    assert len(set(zip(column, row, strict=True))) == len(column)


def test_points_that_are_nowhere_belong_to_no_cell() -> None:
    assert bin_points([np.nan, np.inf], [0.0, 0.0], cell_m=1.0)[2].sum() == 0


@pytest.mark.parametrize("cell_m", [0.0, -5.0, float("nan")])
def test_a_cell_without_a_size_is_refused(cell_m: float) -> None:
    with pytest.raises(ValueError, match="cell_m"):
        bin_points([0.0], [0.0], cell_m=cell_m)
