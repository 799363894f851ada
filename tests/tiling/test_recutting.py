"""A grid divided again as it was, under other borders: in pictures and as a law."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from tests.city import synthetic_city
from tests.drawing import draw
from tiling.coverage import check
from tiling.errors import InvalidShape
from tiling.partition import Partition
from tiling.reshape import recut

BEFORE = draw(
    """
    aabbCC
    aabbCC
    """
)


def parts_of(partition: Partition, *codes: str) -> dict[str, BaseGeometry]:
    return {f"{code}1": shape for code in codes if (shape := partition.polygon(code)) is not None}


def test_a_grid_with_the_border_it_had_is_divided_byte_for_byte() -> None:
    after = draw("AAAACC / AAAACC")
    fresh = after.replace(recut(after, "A", parts_of(BEFORE, "a", "b")))
    assert {code: shapely.normalize(fresh.polygon(code)) for code in ("a1", "b1")} == {
        f"{code}1": shapely.normalize(BEFORE.polygon(code)) for code in ("a", "b")
    }
    assert fresh.children("A") == ("a1", "b1") and check(fresh).ok


def test_where_the_grid_has_grown_the_line_between_the_parts_goes_on() -> None:
    after = draw("AAAACC / AAAACC / AAAACC")
    fresh = after.replace(recut(after, "A", parts_of(BEFORE, "a", "b")))
    assert check(fresh).ok
    assert {round(fresh.polygon(code).area) for code in ("a1", "b1")} == {600}


def test_ground_that_was_in_no_part_goes_with_the_one_beside_it() -> None:
    after = draw("AAAAAC / AAAAAC")
    fresh = after.replace(recut(after, "A", parts_of(BEFORE, "a", "b")))
    assert check(fresh).ok
    assert round(fresh.polygon("b1").area) == 600 and round(fresh.polygon("a1").area) == 400


def test_a_part_that_the_grid_left_is_no_more_and_no_part_is_in_two_pieces() -> None:
    before = draw("aabbccDD / aabbccDD")
    after = draw("BBAAAADD / BBAAAADD")
    fresh = after.replace(recut(after, "A", parts_of(before, "b", "c")))
    assert set(fresh.codes) == {"B", "D", "b1", "c1"} and check(fresh).ok


def test_a_grid_without_a_valid_shape_is_refused() -> None:
    bow_tie = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    partition = Partition.of(["A"], [bow_tie], parents={}, frame=None)
    with pytest.raises(InvalidShape):
        recut(partition, "A", parts_of(BEFORE, "a", "b"))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 40), shift=st.floats(-3.0, 3.0))
def test_whatever_the_new_borders_the_parts_tile_their_grid_and_the_rest_stays(seed: int, shift: float) -> None:
    city = synthetic_city(6, sub_grids=(2, 3), seed=seed, vertices=16)
    tiles = city.partition()
    grid = city.grids[seed % len(city.grids)]
    parts = {code: tiles.polygon(code) for code in tiles.list_finest(grid)}
    grids = list(city.polygons_of("grid").items())
    whole = Partition.of(
        [code for code, _ in grids], [shape for _, shape in grids], parents={}, frame=tiles.frame, areas={}
    )
    moved = {code: shapely.affinity.translate(shape, shift, shift / 2) for code, shape in parts.items()}
    fresh = whole.replace(recut(whole, grid, moved))
    assert check(fresh).ok
    assert shapely.symmetric_difference(fresh.polygon(grid), whole.polygon(grid)).area < 1e-3 * 240
    assert set(fresh.list_finest(grid)) <= set(parts)
