"""A grid cut into blocks, a block shared out among houses: drawn, and as laws."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, box
from shapely.geometry.base import BaseGeometry

from layers.painting import blocks_of, shares_of
from tests.city import synthetic_city
from tiling.coverage import check
from tiling.errors import TilingError
from tiling.plane import to_lattice
from tiling.reshape import give

GRID = box(0, 0, 100, 60)
CITY = synthetic_city(12, grid_m=150.0, vertices=40)
PARTITION = CITY.partition()


def sizes(blocks: object) -> list[int]:
    return sorted(round(area) for area in shapely.area(blocks))


def tiled(pieces: object, whole: BaseGeometry) -> bool:
    """Whether pieces fill a whole and share no ground, to a square centimetre."""
    union = shapely.union_all(pieces, grid_size=0.001)
    same = shapely.symmetric_difference(union, whole).area < 0.05
    return bool(same and abs(shapely.area(pieces).sum() - whole.area) < 0.05 and shapely.is_valid(pieces).all())


def test_a_road_through_a_grid_makes_two_blocks() -> None:
    blocks = blocks_of(GRID, [LineString([(40, -10), (40, 70)])])
    assert sizes(blocks) == [2400, 3600]


def test_crossing_roads_make_four_blocks() -> None:
    blocks = blocks_of(GRID, [LineString([(40, -10), (40, 70)]), LineString([(-5, 30), (105, 30)])])
    assert sizes(blocks) == [1200, 1200, 1800, 1800]


def test_a_dead_end_cuts_nothing() -> None:
    assert sizes(blocks_of(GRID, [LineString([(40, -10), (40, 45)])])) == [6000]


def test_a_road_that_ends_just_before_the_border_reaches_it() -> None:
    assert sizes(blocks_of(GRID, [LineString([(40, 6), (40, 55)])])) == [2400, 3600]


def test_the_strip_between_a_border_and_the_road_beside_it_is_no_block() -> None:
    assert sizes(blocks_of(GRID, [LineString([(-5, 4), (105, 3)])])) == [6000]


def test_between_the_lines_of_a_wide_road_there_is_no_block() -> None:
    blocks = blocks_of(GRID, [LineString([(40, -10), (40, 70)]), LineString([(46, -10), (46, 70)])])
    assert len(blocks) == 2
    assert tiled(blocks, GRID)


def test_a_road_meets_the_border_at_the_vertex_beside_it() -> None:
    grid = shapely.Polygon([(0, 0), (39.2, 0), (100, 0), (100, 60), (0, 60)])
    blocks = blocks_of(grid, [LineString([(40, -10), (40, 70)])])
    corners = {tuple(xy) for block in blocks for xy in shapely.get_coordinates(block).tolist()}
    assert (39.2, 0.0) in corners
    assert (40.0, 0.0) not in corners
    assert tiled(blocks, grid)


def test_a_grid_without_roads_is_one_block_with_its_hole() -> None:
    grid = GRID.difference(box(40, 20, 60, 40))
    (block,) = blocks_of(grid, [])
    assert block.equals(grid)


def test_a_hole_stays_a_hole_when_the_ground_about_it_is_cut() -> None:
    grid = GRID.difference(box(40, 20, 60, 40))
    blocks = blocks_of(grid, [LineString([(50, -10), (50, 70)])])
    assert sizes(blocks) == [2800, 2800]
    assert tiled(blocks, grid)


def test_the_parts_of_a_grid_are_blocks_of_their_own() -> None:
    grid = shapely.MultiPolygon([box(0, 0, 50, 50), box(70, 0, 120, 50)])
    assert sizes(blocks_of(grid, [LineString([(25, -9), (25, 59)])])) == [1250, 1250, 2500]


def test_the_border_runs_half_way_between_two_houses() -> None:
    houses = np.array([box(10, 20, 30, 40), box(60, 20, 80, 40)], dtype=object)
    shares, owners = shares_of(GRID, houses)
    assert owners.tolist() == [0, 1]
    assert shares[0].bounds[2] == pytest.approx(45, abs=2)
    assert tiled(shares, GRID)


def test_a_block_of_one_house_or_none_is_its_share() -> None:
    assert [owners.tolist() for _, owners in (shares_of(GRID, np.array([box(1, 1, 9, 9)], dtype=object)),)] == [[0]]
    shares, owners = shares_of(GRID, np.empty(0, dtype=object))
    assert (shares.tolist(), owners.tolist()) == ([GRID], [-1])


def test_houses_wall_to_wall_are_told_apart_along_the_wall() -> None:
    houses = np.array([box(10, 20, 30, 40), box(30, 20, 50, 40)], dtype=object)
    shares, _ = shares_of(GRID, houses)
    for share, house in zip(shares, houses, strict=True):
        assert share.buffer(0.05).covers(house)
    assert tiled(shares, GRID)


roads = st.lists(
    st.tuples(*[st.floats(-0.2, 1.2)] * 4).map(np.array).filter(lambda ends: np.hypot(*(ends[:2] - ends[2:])) > 0.3),
    min_size=1,
    max_size=6,
)


def lines_across(shape: BaseGeometry, roads: list[np.ndarray]) -> list[LineString]:
    west, south, east, north = shape.bounds
    size = np.array([east - west, north - south])
    return [LineString(ends.reshape(2, 2) * size + (west, south)) for ends in roads]


@given(tile=st.integers(0, len(CITY.codes) - 1), roads=roads)
def test_blocks_tile_their_grid_whatever_roads_cross_it(tile: int, roads: list[np.ndarray]) -> None:
    shape = CITY.polygons_m[tile]
    blocks = blocks_of(shape, lines_across(shape, roads))
    xy = shapely.get_coordinates(blocks)
    assert (xy == to_lattice(xy)).all()
    assert tiled(blocks, shape)
    kept = {tuple(p) for p in shapely.get_coordinates(shape).tolist()}
    assert kept <= {tuple(p) for p in xy.tolist()}


houses = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(5, 13), st.integers(5, 11)),
    min_size=2,
    max_size=25,
    unique_by=lambda one: one[:2],
)


@given(tile=st.integers(0, len(CITY.codes) - 1), houses=houses)
def test_shares_tile_their_block_and_hold_their_houses(tile: int, houses: list[tuple[int, ...]]) -> None:
    shape = CITY.polygons_m[tile]
    west, south, *_ = shape.bounds
    drawn = [box(west + 15 * x, south + 15 * y, west + 15 * x + w, south + 15 * y + h) for x, y, w, h in houses]
    placed = np.array(drawn, dtype=object)
    shares, owners = shares_of(shape, placed)
    assert tiled(shares, shape)
    for share, owner in zip(shares, owners.tolist(), strict=True):
        if owner >= 0 and len(shares) > 1:
            assert placed[owner].intersection(shape).difference(share).area < 0.02


@given(roads=roads, data=st.data())
def test_painted_patches_given_to_a_neighbour_leave_a_valid_tiling(
    roads: list[np.ndarray], data: st.DataObject
) -> None:
    lines = lines_across(PARTITION.frame, roads)
    to = data.draw(st.sampled_from(PARTITION.codes))
    around = PARTITION.neighbours(to)
    patches = [block for code in around for block in blocks_of(PARTITION.polygon(code), lines)]
    painted = data.draw(st.lists(st.sampled_from(range(len(patches))), min_size=1, max_size=4, unique=True))
    ground = shapely.union_all([patches[k] for k in painted], grid_size=0.001)
    try:
        change = give(PARTITION, ground, to=to)
    except TilingError:
        return
    after = PARTITION.replace(change)
    assert check(after).ok
    gained = shapely.area(after.polygon(to)) - shapely.area(PARTITION.polygon(to))
    assert gained == pytest.approx(ground.area, abs=1.0)
