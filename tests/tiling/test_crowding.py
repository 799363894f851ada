"""Whether a set overlaps itself too much to be looked at whole, told from a sample."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from tiling.defects import crowding
from tiling.defects.crowding import MOST_SAMPLED, estimate_overlaps


def squares(across: int, *, side: float) -> NDArray[np.object_]:
    """Squares at the places of a chessboard of so many by so many, of this side."""
    x, y = np.meshgrid(np.arange(across, dtype=float), np.arange(across, dtype=float))
    return np.asarray(shapely.box(x.ravel(), y.ravel(), x.ravel() + side, y.ravel() + side), dtype=object)


def test_a_tiling_has_none_and_a_small_set_is_counted() -> None:
    assert estimate_overlaps(squares(60, side=1.0)) == 0
    # Each of 10 × 10 over its neighbours to the right, above, and both ways across.
    assert estimate_overlaps(squares(10, side=1.2)) == 2 * 9 * 10 + 2 * 9 * 9
    assert estimate_overlaps(squares(1, side=1.0)) == 0


def test_where_boxes_meet_seldom_nothing_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    tiled = squares(60, side=1.0)
    monkeypatch.setattr(crowding, "_overlaps_of", lambda *_: pytest.fail("not needed"))
    # Boxes that only touch meet too: some four pairs for each square.
    assert estimate_overlaps(tiled, least=20_000) == 0
    assert estimate_overlaps(np.array([], dtype=object)) == 0


def test_polygons_that_are_none_are_left_out() -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    shapes = np.array([None, shapely.Polygon(), bow, *squares(2, side=1.2)], dtype=object)
    assert estimate_overlaps(shapes) == 6


def test_of_a_large_set_the_number_is_about_right() -> None:
    across = 150
    assert across**2 > 10 * MOST_SAMPLED
    true = 2 * (across - 1) * across + 2 * (across - 1) ** 2
    assert estimate_overlaps(squares(across, side=1.2)) == pytest.approx(true, rel=0.05)


@pytest.mark.slow
def test_however_they_lie_it_takes_seconds() -> None:
    # All of them over each other: two thousand million pairs.
    rng = np.random.default_rng(1)
    west, south = rng.uniform(0, 1, (2, 50_000))
    began = time.process_time()
    assert estimate_overlaps(shapely.box(west, south, west + 1, south + 1)) > 10**9
    assert time.process_time() - began < 20
