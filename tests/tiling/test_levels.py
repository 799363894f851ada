"""Edits of a tiling with five levels: whatever level is edited, all levels below follow and nest."""

import random

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.city import synthetic_city
from tests.drawing import draw, line
from tiling.coverage import check
from tiling.errors import TilingError
from tiling.nesting import check_nesting
from tiling.partition import Change, Partition, have_same_bytes
from tiling.reshape import carve, give, merge, remove, split

LEVELS = ("district", "street", "community", "grid", "sub-grid")
CITY = synthetic_city(60, vertices=12, sub_grids=(2, 3)).partition(levels=())
"""Sub-grid, grid, community, street, district: no level has a ring of its own, so all may be edited."""


def at_level(town: Partition, level: str) -> list[str]:
    depth = LEVELS.index(level)
    return sorted({chain[depth] for code in town.codes if len(chain := chain_of(town, code)) > depth})


def chain_of(town: Partition, code: str) -> tuple[str, ...]:
    """The codes from the top to this one."""
    return tuple(reversed((code, *town.ancestors(code))))


def across(shape: shapely.Geometry, rng: random.Random) -> shapely.LineString:
    west, south, east, north = shape.bounds
    ys = [rng.uniform(south + 5, north - 5) for _ in range(3)]
    return shapely.LineString([(west - 5, ys[0]), (rng.uniform(west, east), ys[1]), (east + 5, ys[2])])


def do_split(town: Partition, code: str, rng: random.Random) -> Change:
    return split(town, code, across(town.polygon(code), rng), new_code=[f"n{k}" for k in range(9)])


def do_merge(town: Partition, code: str, rng: random.Random) -> Change:
    return merge(town, [code, rng.choice(town.neighbours(code) or ("",))])


def do_remove(town: Partition, code: str, rng: random.Random) -> Change:
    return remove(town, code, into=rng.choice(town.neighbours(code) or ("",)))


def blob(town: Partition, code: str, rng: random.Random) -> shapely.Polygon:
    x, y = rng.choice(shapely.get_coordinates(town.polygon(code)).tolist())
    return shapely.Point(x + rng.uniform(-9, 9), y + rng.uniform(-9, 9)).buffer(rng.choice([4.0, 25.0]), quad_segs=2)


def do_give(town: Partition, code: str, rng: random.Random) -> Change:
    return give(town, blob(town, code, rng), to=code)


def do_carve(town: Partition, code: str, rng: random.Random) -> Change:
    return carve(town, blob(town, code, rng), code="n1", parent=town.parents.get(code), pieces_to="n1")


EDITS = (do_split, do_merge, do_remove, do_give, do_carve)


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize("edit", EDITS)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_after_an_edit_of_any_level_all_levels_tile_the_frame_and_each_other(edit, level: str, seed: int) -> None:
    rng = random.Random(seed)
    try:
        newer = CITY.replace(edit(CITY, rng.choice(at_level(CITY, level)), rng))
    except TilingError:
        return
    assert check(newer).ok
    codes = {code for tile in newer.codes for code in chain_of(newer, tile)}
    shapes = {code: newer.polygon(code) for code in codes}
    assert check_nesting(shapes, newer.parents) == []
    for upper in codes - set(newer.codes):
        assert shapes[upper].area == pytest.approx(sum(shapes[part].area for part in newer.children(upper)), rel=1e-9)
    tops = {chain_of(newer, tile)[0] for tile in newer.codes}
    assert sum(shapes[top].area for top in tops) == pytest.approx(newer.frame.area, rel=1e-9)
    undone = newer.replace(CITY.find_changes_since(newer))
    assert all(map(have_same_bytes, undone.polygons, CITY.polygons)) and dict(undone.parents) == dict(CITY.parents)


@pytest.mark.parametrize("level", LEVELS[1:4])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_split_keeps_every_level_and_all_that_the_line_leaves_whole(level: str, seed: int) -> None:
    rng = random.Random(seed)
    code = rng.choice(at_level(CITY, level))
    drawn = across(CITY.polygon(code), rng)
    try:
        newer = CITY.replace(split(CITY, code, drawn, new_code=[f"n{k}" for k in range(9)]))
    except TilingError:
        return
    assert {len(chain_of(newer, tile)) for tile in newer.codes} == {len(LEVELS)}
    for lower in LEVELS[LEVELS.index(level) + 1 : 4]:
        for grid in at_level(CITY, lower):
            if not shapely.dwithin(CITY.polygon(grid), drawn, 0.01):
                assert newer.children(grid) == CITY.children(grid)
                assert shapely.equals(newer.polygon(grid), CITY.polygon(grid))


@pytest.mark.parametrize("level", LEVELS[1:4])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_a_split_and_merged_grid_of_any_level_has_its_outline_again(level: str, seed: int) -> None:
    rng = random.Random(seed)
    code = rng.choice(at_level(CITY, level))
    before = CITY.polygon(code)
    try:
        parted = CITY.replace(split(CITY, code, across(before, rng), new_code=[f"n{k}" for k in range(9)]))
    except TilingError:
        return
    pieces = [piece for piece in at_level(parted, level) if piece == code or piece not in CITY]
    whole = parted.replace(merge(parted, pieces, into=code))
    outline = shapely.boundary(whole.polygon(code))
    assert shapely.hausdorff_distance(outline, shapely.boundary(before)) <= 0.001
    assert check(whole).ok


def test_a_line_through_a_block_parts_its_grids_and_their_sub_grids() -> None:
    # Block X holds the grids G (sub-grids a, b) and H (c, d); the line parts c and d off, and cuts a and b.
    parents = {"a": "G", "b": "G", "c": "H", "d": "H", "G": "X", "H": "X", "X": "top"}
    town = draw("cccddd / aaabbb / aaabbb / aaabbb", parents=parents)
    newer = town.replace(split(town, "X", line((-1, 2), (7, 2)), new_code="Y"))
    assert newer.children("top") == ("X", "Y")
    assert (newer.children("X"), newer.children("Y")) == (("G",), ("H", "Y01"))
    assert (newer.children("G"), newer.children("H")) == (("a", "b"), ("c", "d"))
    assert newer.children("Y01") == ("Y0101", "Y0102")
    areas = {code: newer.polygon(code).area for code in ("X", "Y", "G", "H", "Y01", "a", "Y0101")}
    assert areas == {"X": 1200, "Y": 1200, "G": 1200, "H": 600, "Y01": 600, "a": 600, "Y0101": 300}
    assert check(newer).ok
    assert np.isclose(sum(newer.areas_m2), town.frame.area)
