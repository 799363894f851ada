"""Who gets what a grid loses contact with, in pictures: sub-grids are carried along, neighbours are asked for."""

import pytest
import shapely

from tests.drawing import draw
from tiling.coverage import check
from tiling.errors import NotNeighbours, SplitsGrid
from tiling.partition import Change, Partition
from tiling.reshape import add, carve, give

HALVES = draw(
    """
    ppppXX
    aabbXX
    aabbXX
    aabbXX
    qqqqXX
    """,
    parents={"a": "A", "b": "A", "A": "t", "p": "t", "q": "t", "X": "t"},
)
BESIDE = draw("aaaab / aaaab", parents={"a": "A", "b": "A", "A": "t"})


def part_of(town: Partition, code: str, *, x: tuple[float, float], y: tuple[float, float]) -> shapely.Polygon:
    """A box in shares of the width and height of a grid."""
    shape = town.polygon(code)
    assert shape is not None
    west, south, east, north = shape.bounds
    width, height = east - west, north - south
    return shapely.box(west + x[0] * width, south + y[0] * height, west + x[1] * width, south + y[1] * height)


def area_of(town: Partition, code: str) -> float:
    shape = town.polygon(code)
    assert shape is not None
    return float(shape.area)


def test_sub_grids_are_carried_along_when_a_band_cuts_their_grid() -> None:
    band = part_of(HALVES, "A", x=(0, 1), y=(0.3, 0.5))
    after = HALVES.replace(carve(HALVES, band, code="N", parent="t", pieces_to="q"))
    assert check(after).ok
    # The larger part stays the grid's own, with both its sub-grids; what is cut off in the south goes to q.
    assert area_of(after, "A") == pytest.approx(0.5 * area_of(HALVES, "A"))
    assert area_of(after, "q") == pytest.approx(area_of(HALVES, "q") + 0.3 * area_of(HALVES, "A"))
    assert set(after.list_finest("A")) == {"a", "b"}


def test_a_piece_does_not_go_to_a_grid_that_it_does_not_touch() -> None:
    band = part_of(HALVES, "A", x=(0, 1), y=(0.3, 0.5))
    with pytest.raises(NotNeighbours):
        carve(HALVES, band, code="N", parent="t", pieces_to="p")
    with pytest.raises(SplitsGrid):
        carve(HALVES, band, code="N", parent="t")


def test_what_one_sub_grid_loses_contact_with_stays_in_its_grid() -> None:
    notch = part_of(BESIDE, "a", x=(0.6, 0.7), y=(0, 1))
    after = BESIDE.replace(carve(BESIDE, notch, code="N", parent="t", pieces_to="N"))
    assert check(after).ok
    lost = area_of(BESIDE, "A") - area_of(after, "A")
    # The whole grid falls apart: the smaller part with b goes along with the new grid.
    assert lost == pytest.approx(notch.area + 0.3 * area_of(BESIDE, "a") + area_of(BESIDE, "b"))
    assert after.list_finest("A") == ("a",)


def test_a_sub_grid_in_two_pieces_whose_grid_stays_whole_is_mended_inside_it() -> None:
    ring = draw(
        """
        aaab
        abbb
        aaab
        """,
        parents={"a": "A", "b": "A", "A": "t"},
    )
    notch = part_of(ring, "A", x=(0, 0.25), y=(0.34, 0.66))
    after = ring.replace(carve(ring, notch, code="N", parent="t"))
    assert check(after).ok
    assert area_of(after, "A") == pytest.approx(area_of(ring, "A") - notch.area)
    assert shapely.get_num_geometries(after.polygon("a")) == 1


def test_a_part_that_lay_apart_before_is_not_given_away() -> None:
    town = draw("AAAAAB / BBBBBB / BABBBB", parts_allowed=frozenset())
    notch = part_of(town, "A", x=(0.5, 0.6), y=(0.5, 1))
    after = town.replace(carve(town, notch, code="N", pieces_to="N"))
    exclave = min(shapely.get_parts(town.polygon("A")), key=lambda part: part.area)
    assert any(part.equals(exclave) for part in shapely.get_parts(after.polygon("A")))


def test_a_grid_in_two_parts_is_refused_even_when_each_sub_grid_is_whole() -> None:
    stacked = draw("aaX / mmX / bbX", parents={"a": "A", "m": "A", "b": "A", "A": "t", "X": "t"})
    with pytest.raises(SplitsGrid) as refused:
        carve(stacked, part_of(stacked, "m", x=(0, 1), y=(0, 1)), code="N", parent="t")
    assert refused.value.details["grid"] == "A"


def test_a_painted_area_takes_the_piece_behind_it_along() -> None:
    strip = part_of(HALVES, "A", x=(0, 1), y=(0.2, 1))
    after = HALVES.replace(give(HALVES, part_of(HALVES, "A", x=(0, 1), y=(0.2, 0.6)), to="X", pieces_to="X"))
    assert check(after).ok
    assert area_of(after, "X") > area_of(HALVES, "X") + 0.5 * strip.area * 0.5


@pytest.mark.parametrize("to", ["A", "B"])
def test_an_overlap_is_settled_by_giving_it_to_either_grid(to: str) -> None:
    town = draw("AABB / AABB")
    west, south, _, north = town.frame.bounds
    over = shapely.box(west, south, west + 25, north)
    messy = town.replace(Change(changed={"A": over}))
    assert check(messy).summary()["by_kind"]["overlap"] == 1
    after = messy.replace(give(messy, shapely.box(west + 20, south, west + 25, north), to=to))
    assert check(after).ok
    assert area_of(after, to) == pytest.approx(20 * 20 + (100 if to == "A" else 0))


def test_a_grid_is_drawn_in_the_middle_of_a_gap_and_touches_nobody() -> None:
    town = draw("AAAAA / A...A / A...A / A...A / AAAAA")
    west, south, east, north = town.frame.bounds
    middle = ((west + east) / 2, (south + north) / 2)
    change = add(town, shapely.Point(middle).buffer(4, quad_segs=1), code="N")
    assert set(change.touched) == {"N"}
    assert check(town.replace(change)).summary()["by_kind"] == {"gap": 1}
