"""The index of a partition that was edited finds what an index made anew finds."""

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely import STRtree

from tests.city import synthetic_city
from tiling.borders import move_vertex
from tiling.errors import TilingError
from tiling.partition import Change, Partition
from tiling.partition.index import MOST_REPLACED, PatchedTree

CITY = synthetic_city(60, sub_grids=(1, 2), seed=3).partition()
CITY.tree.query(shapely.Point(0, 0))
MOVES = st.tuples(st.integers(0, 10_000), st.floats(-25, 25), st.floats(-25, 25))


def edited(moves: list[tuple[int, float, float]]) -> Partition:
    partition = CITY
    for number, dx, dy in moves:
        polygon = partition.polygons[number % len(partition)]
        x, y = shapely.get_coordinates(polygon)[number % 7]
        try:
            partition = partition.replace(move_vertex(partition, (x, y), to=(x + dx, y + dy)))
        except TilingError:
            continue
    return partition


@given(moves=st.lists(MOVES, min_size=1, max_size=12), predicate=st.sampled_from([None, "intersects", "within"]))
def test_after_any_edits_every_tile_is_found_where_it_is_now(
    moves: list[tuple[int, float, float]], predicate: str | None
) -> None:
    partition = edited(moves)
    assert partition is CITY or isinstance(partition.tree, PatchedTree)
    anew = STRtree(partition.polygons)
    asked = np.concatenate([partition.polygons, CITY.polygons, shapely.centroid(partition.polygons)])
    for geometry in asked[:: max(1, len(asked) // 40)]:
        assert sorted(partition.tree.query(geometry, predicate)) == sorted(anew.query(geometry, predicate))
    found, told = partition.tree.query(asked, predicate), anew.query(asked, predicate)
    assert (np.diff(found[0]) >= 0).all()
    assert set(map(tuple, found.T.tolist())) == set(map(tuple, told.T.tolist()))
    near = partition.tree.query(asked, "dwithin", 3.0)
    assert set(map(tuple, near.T.tolist())) == set(map(tuple, anew.query(asked, "dwithin", 3.0).T.tolist()))


def test_the_nearest_tile_is_the_one_that_is_nearest_now() -> None:
    code = CITY.codes[0]
    away = shapely.box(-5_000, -5_000, -4_990, -4_990)
    newer = CITY.replace(Change(changed={code: away}))
    assert isinstance(newer.tree, PatchedTree)
    assert newer.codes[int(newer.tree.nearest(shapely.Point(-4_995, -4_980)))] == code


def test_a_tree_with_many_replaced_rows_is_made_anew() -> None:
    large = synthetic_city(MOST_REPLACED + 20, sub_grids=(1,), seed=1).partition()
    assert isinstance(large.tree, STRtree)
    changed = {code: shapely.transform(large.polygon(code), lambda xy: xy + 0.001) for code in large.codes}
    few = Change(changed=dict(list(changed.items())[:MOST_REPLACED]))
    assert isinstance(large.replace(few).tree, PatchedTree)
    assert isinstance(large.replace(Change(changed=changed)).tree, STRtree)


def test_a_broken_polygon_that_was_mended_is_not_asked_any_more() -> None:
    nan = shapely.Polygon([(0, 0), (1, 0), (float("nan"), 1), (0, 0)])
    broken = Partition.of(["A", "B"], [shapely.box(0, 0, 10, 10), nan])
    assert isinstance(broken.tree, STRtree)
    mended = broken.replace(Change(changed={"B": shapely.box(10, 0, 20, 10)}))
    assert isinstance(mended.tree, STRtree)
    assert sorted(mended.tree.query(shapely.box(9, 0, 11, 10), "intersects").tolist()) == [0, 1]
