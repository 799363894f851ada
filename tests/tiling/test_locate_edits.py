"""Whatever is edited, the index over the edited tiling gives every point of the frame one owner: the partition's."""

import random

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiling.test_locate_laws import hard_points
from tests.tiling.test_reshape_laws import CITY, EDITS
from tiling.borders import move_vertex
from tiling.errors import TilingError
from tiling.locate import DistrictIndex, DistrictTiles, PointLocator
from tiling.plane import Plane

PLANE = Plane(4548)
# More than a border shifts between metres and degrees: by nine decimals, and by what is straight in one of them only.
SHIFT_M = 0.02


def do_move(partition, rng):
    xy = shapely.get_coordinates(partition.polygon(rng.choice(partition.codes)))
    at = xy[rng.randrange(len(xy))].tolist()
    return move_vertex(partition, at=at, to=[place + rng.uniform(-20.0, 20.0) for place in at])


def edited(rng, *, times):
    """The city after as many random edits as are not refused."""
    partition = CITY
    for _ in range(times):
        try:
            change = rng.choice([do_move, *EDITS.values()])(partition, rng)
        except TilingError:
            continue
        partition = partition.replace(change)
    return partition


def indexed(partition):
    codes = np.array(partition.codes, dtype=object)
    frame = PLANE.to_degrees(partition.frame)
    tiles = DistrictTiles("130273", frame, codes, codes, PLANE.to_degrees(partition.polygons), PLANE.epsg)
    return PointLocator([DistrictIndex.build(tiles)]), tiles


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_after_random_edits_every_point_of_the_frame_has_exactly_one_owner(seed):
    locator, tiles = indexed(edited(random.Random(seed), times=4))
    points = hard_points(tiles.polygons, tiles.frame, seed, count=1_000)
    framed = shapely.intersects(tiles.frame, shapely.points(points))
    found = locator.locate_many(points[:, 0], points[:, 1])
    assert framed.sum() > 1_000
    np.testing.assert_array_equal(found.tile >= 0, framed)
    np.testing.assert_array_equal(np.isin(found.relations, ["inside", "border"]), framed)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_after_random_edits_a_point_within_a_tile_of_the_partition_is_found_in_that_tile(seed):
    partition = edited(random.Random(seed), times=4)
    locator, _ = indexed(partition)
    west, south, east, north = partition.frame.bounds
    x, y = np.random.default_rng(seed).uniform([west, south], [east, north], (2_000, 2)).T
    places = shapely.points(x, y)
    point, tile = partition.tree.query(places, predicate="within")
    well = shapely.distance(shapely.boundary(partition.polygons[tile]), places[point]) > SHIFT_M
    point, tile = point[well], tile[well]
    found = locator.locate_many(*PLANE.to_lonlat(x[point], y[point]))
    assert set(found.relations) == {"inside"}
    assert found.grid_codes.tolist() == [partition.codes[k] for k in tile]
