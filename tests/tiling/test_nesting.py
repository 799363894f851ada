"""Children tile their parent, over any number of levels."""

import shapely

from tests.drawing import at, draw
from tiling.nesting import check_nesting

TOWN = draw("AAB / CCB", parents={"A": "west", "C": "west", "B": "east", "west": "all", "east": "all"})
SHAPES = {code: TOWN.polygon(code) for code in (*"ABC", "west", "east", "all")}


def test_levels_that_are_dissolves_nest() -> None:
    assert check_nesting(SHAPES, TOWN.parents) == []


def test_uncovered_ground_and_ground_outside_are_told_apart() -> None:
    wrong = {**SHAPES, "west": shapely.box(*at(0, 0), *at(1, 2)), "B": shapely.box(*at(2, 0), *at(3, 1))}
    found = {(d.codes, d.detail): d.area_m2 for d in check_nesting(wrong, TOWN.parents)}
    assert found == {
        (("all", "east", "west"), "not covered"): 200.0,
        (("east", "B"), "not covered"): 100.0,
        (("west", "A"), "outside"): 100.0,
        (("west", "C"), "outside"): 100.0,
    }


def test_missing_and_invalid_children_do_not_crash() -> None:
    broken = {**SHAPES, "A": None, "C": shapely.Polygon([at(0, 0), at(1, 1), at(1, 0), at(0, 1)])}
    assert all(d.kind == "nesting" for d in check_nesting(broken, TOWN.parents))


def test_a_parent_without_a_shape_is_not_judged() -> None:
    finest = {code: SHAPES[code] for code in "ABC"}
    assert check_nesting(finest, TOWN.parents) == []
