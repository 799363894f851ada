"""Lookups against shapely on random tilings, both kernels, with points where rounding hurts."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from tiling.locate import PLAIN, RELATIONS, DistrictIndex, DistrictTiles, PointLocator, choose_fastest, vectorised
from tiling.plane import Plane

EPSG = 4548
KERNELS = pytest.mark.parametrize("kernel", [choose_fastest(), PLAIN], ids=lambda kernel: kernel.name)


def locator_of(*districts, **how):
    return PointLocator([DistrictIndex.build(tiles, **how) for tiles in districts])


def voronoi(seed, count, *, decimals=9, origin=(117.0, 39.0), size=0.05):
    rng = np.random.default_rng(seed)
    frame = box(*origin, origin[0] + size, origin[1] + size)
    sites = shapely.multipoints(rng.uniform(0, size, (count, 2)) + origin)
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=frame)), frame)
    return np.asarray(shapely.transform(cells, lambda xy: np.round(xy, decimals))), frame


def hard_points(polygons, frame, seed, count=300):
    """Vertices, edge midpoints, points near edges, corners and anywhere."""
    rng = np.random.default_rng(seed)
    xy = shapely.get_coordinates([*polygons, frame])
    rings = shapely.get_parts(shapely.boundary(polygons))
    ends = np.concatenate([shapely.get_coordinates(ring)[[0, 1]] for ring in shapely.get_parts(rings)])
    a, b = ends[::2], ends[1::2]
    share = rng.uniform(0, 1, (len(a), 1))
    west, south, east, north = frame.bounds
    margin = (east - west) * 0.05
    anywhere = rng.uniform([west - margin, south - margin], [east + margin, north + margin], (count, 2))
    near = xy + rng.normal(0, 1e-9, xy.shape)
    level = np.column_stack([rng.uniform(west, east, len(xy)), xy[:, 1]])
    return np.concatenate([xy, (a + b) / 2, a + (b - a) * share, near, level, anywhere])


def by_shapely(polygons, frame, points):
    """Relation and smallest place in the list, by GEOS."""
    places = shapely.points(points)
    held, tile = shapely.STRtree(polygons).query(places, predicate="intersects")
    count = np.bincount(held, minlength=len(places))
    best = np.full(len(places), len(polygons))
    np.minimum.at(best, held, tile)
    rest = np.where(shapely.intersects(frame, places), 3, 0) if frame is not None else 0
    return np.where(count > 1, 2, np.where(count == 1, 1, rest)), np.where(count > 0, best, -1)


def in_order(polygons, frame):
    codes = np.array([f"{k:05d}" for k in range(len(polygons))], dtype=object)
    return DistrictTiles("130273", frame, codes, codes, np.asarray(polygons, dtype=object), EPSG)


def assert_like_shapely(polygons, frame, points, **how):
    locator = locator_of(in_order(polygons, frame), **how)
    relation, tile = by_shapely(polygons, frame, points)
    for kernel in (choose_fastest(), PLAIN):
        found = locator.locate_many(points[:, 0], points[:, 1], kernel=kernel)
        np.testing.assert_array_equal(found.relation, relation)
        np.testing.assert_array_equal(found.tile, tile)
    quick = PointLocator(locator.indexes, kernel=choose_fastest())
    some = np.random.default_rng(0).choice(len(points), min(len(points), 200), replace=False)
    for k in some:
        single = locator.explain(*points[k].tolist(), gap_fallback_m=0.0)
        assert RELATIONS.index(single.relation) == relation[k]
        for one in (locator.one, quick.one):
            got = one(*points[k].tolist())
            assert got == tile[k] if relation[k] == 1 else got < 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.sampled_from([4, 6, 9, 15]), st.sampled_from([1, 20, 400]))
def test_random_tilings_are_answered_as_by_shapely(seed, count, decimals, cells_per_tile):
    polygons, frame = voronoi(seed, count, decimals=decimals)
    polygons = polygons[shapely.is_valid(polygons) & ~shapely.is_empty(polygons)]
    assert_like_shapely(polygons, frame, hard_points(polygons, frame, seed), cells_per_tile=cells_per_tile)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_tilings_with_gaps_overlaps_and_parts_are_answered_as_by_shapely(seed, count):
    polygons, frame = voronoi(seed, count)
    rng = np.random.default_rng(seed)
    polygons = shapely.buffer(polygons, rng.uniform(-0.002, 0.002, len(polygons)))
    polygons = polygons[~shapely.is_empty(polygons)]
    pair = MultiPolygon(
        [
            Polygon(box(117.1, 39.0, 117.11, 39.01).exterior, [box(117.102, 39.002, 117.104, 39.004).exterior]),
            box(117.12, 39.0, 117.13, 39.01),
        ]
    )
    polygons = np.append(polygons, pair)
    assert_like_shapely(polygons, frame, hard_points(polygons, frame, seed))


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(0.0, 51.48), (-0.02, 51.46), (-0.025, -0.025), (179.95, -0.01), (-70.66, -33.4)]),
)
def test_places_near_greenwich_the_equator_and_in_the_south_are_answered_as_by_shapely(seed, origin):
    polygons, frame = voronoi(seed, 20, decimals=15, origin=origin)
    polygons = polygons[shapely.is_valid(polygons)]
    assert_like_shapely(polygons, frame, hard_points(polygons, frame, seed))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1e-7, 1e-6, 1e-3, 5.0]))
def test_tilings_of_any_size_are_answered_as_by_shapely(seed, size):
    polygons, frame = voronoi(seed, 12, decimals=15, size=size)
    polygons = polygons[shapely.is_valid(polygons)]
    assert_like_shapely(polygons, frame, hard_points(polygons, frame, seed))


def test_needles_and_flat_cells_are_answered_as_by_shapely():
    needle = Polygon([(117.0, 39.0), (117.05, 39.0000001), (117.05, 39.0)])
    flat = box(117.0, 39.0000001, 117.05, 39.0000002)
    comb = Polygon(
        [(117.0, 39.01)] + [(117.0 + k * 1e-3, 39.02 + (k % 2) * 0.01) for k in range(41)] + [(117.04, 39.01)]
    )
    polygons = np.array([needle, flat, comb], dtype=object)
    frame = box(117.0, 39.0, 117.05, 39.05)
    assert_like_shapely(polygons, frame, hard_points(polygons, frame, 1, count=2000))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_two_districts_are_answered_like_one(seed):
    polygons, frame = voronoi(seed, 30)
    west = np.arange(len(polygons)) % 2 == 0
    codes = np.array([f"{k:05d}" for k in range(len(polygons))], dtype=object)
    halves = [
        DistrictTiles(name, frame, codes[half], codes[half], polygons[half], EPSG)
        for name, half in (("1", west), ("2", ~west))
    ]
    together, apart = locator_of(in_order(polygons, frame)), locator_of(*halves)
    points = hard_points(polygons, frame, seed)
    one, two = together.locate_many(*points.T), apart.locate_many(*points.T)
    np.testing.assert_array_equal(one.relation, two.relation)
    np.testing.assert_array_equal(one.grid_codes, two.grid_codes)
    for lon, lat in points[::7].tolist():
        mine, theirs = apart.one(lon, lat), together.one(lon, lat)
        assert (mine >= 0) == (theirs >= 0)
        assert mine < 0 or apart.tile_codes[mine] == together.tile_codes[theirs]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 40), st.booleans(), st.sampled_from([None, 20.0]))
def test_many_districts_side_by_side_are_answered_like_one(seed, count, framed, gap_fallback_m):
    polygons, ground = voronoi(seed, 120)
    frame = ground if framed else None  # without one, most points may be held by one district only
    polygons = polygons[np.random.default_rng(seed).random(len(polygons)) < 0.95]  # with gaps
    middle = shapely.get_coordinates(shapely.centroid(polygons))
    stripe = ((middle[:, 0] - 117.0) / 0.05 * count).astype(int)
    tiles = in_order(polygons, frame)
    tiles.codes[:] = tiles.codes[np.random.default_rng(seed).permutation(len(polygons))]  # not by district
    districts = [
        DistrictTiles(
            f"{k:02d}", frame, tiles.codes[stripe == k], tiles.grids[stripe == k], polygons[stripe == k], EPSG
        )
        for k in np.unique(stripe)
    ]
    together, apart = locator_of(tiles), locator_of(*districts)
    points = hard_points(polygons, ground, seed)
    points = np.concatenate([points, [(np.nan, 39.0), (116.0, 39.0), (np.inf, np.inf)]])
    one = together.locate_many(*points.T, gap_fallback_m=gap_fallback_m)
    two = apart.locate_many(*points.T, gap_fallback_m=gap_fallback_m)
    np.testing.assert_array_equal(one.relation, two.relation)
    np.testing.assert_array_equal(np.append(one.tile_codes, None)[one.tile], np.append(two.tile_codes, None)[two.tile])
    for k in range(0, len(points), 29):
        told = apart.explain(*points[k].tolist(), gap_fallback_m=gap_fallback_m or 0.0)
        assert (RELATIONS.index(told.relation), told.tile) == (two.relation[k], two.tile[k])


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.5, 400.0), st.booleans())
def test_in_gaps_many_points_get_the_tile_that_each_gets_by_itself(seed, within_m, split):
    polygons, frame = voronoi(seed, 12, size=0.02)
    tiles = in_order(shapely.buffer(polygons, -0.0006, join_style="mitre"), frame)
    half = np.arange(len(polygons)) % 2 == 0
    parts = [
        DistrictTiles(name, frame, tiles.codes[h], tiles.codes[h], tiles.polygons[h], EPSG)
        for name, h in (("1", half), ("2", ~half))
    ]
    locator = locator_of(*parts) if split else locator_of(tiles)
    lon, lat = np.random.default_rng(seed).uniform([117.0, 39.0], [117.02, 39.02], (400, 2)).T
    singly = [
        locator.explain(*place, gap_fallback_m=within_m).tile for place in zip(lon.tolist(), lat.tolist(), strict=True)
    ]
    assert locator.locate_many(lon, lat, gap_fallback_m=within_m).tile.tolist() == singly


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.floats(1.0, 3000.0))
def test_the_candidates_are_the_tiles_within_the_radius(seed, accuracy_m):
    polygons, frame = voronoi(seed, 25)
    tiles, plane = in_order(polygons, frame), Plane(EPSG)
    locator = locator_of(tiles)
    metric = plane.to_metres(tiles.polygons)
    for place in np.random.default_rng(seed).uniform([116.99, 38.99], [117.06, 39.06], (10, 2)).tolist():
        point = shapely.Point(*(float(v) for v in plane.to_xy(*place)))
        apart = dict(zip(tiles.codes, shapely.distance(metric, point).tolist(), strict=True))
        found = locator.explain(*place, accuracy_m=accuracy_m)
        told = {near.code: near.distance_m for near in found.candidates}
        assert {code for code, d in apart.items() if d < accuracy_m - 0.002} <= told.keys()
        assert told.keys() <= {code for code, d in apart.items() if d < accuracy_m + 0.002}
        assert told == pytest.approx({code: apart[code] for code in told}, abs=0.002)
        assert [near.distance_m for near in found.candidates] == sorted(told.values())


@KERNELS
def test_points_beyond_one_chunk_are_answered_in_their_order(kernel, monkeypatch):
    monkeypatch.setattr(vectorised, "CHUNK", 64)
    polygons, frame = voronoi(3, 30)
    points = hard_points(polygons, frame, 3)
    found = locator_of(in_order(polygons, frame)).locate_many(points[:, 0], points[:, 1], kernel=kernel)
    np.testing.assert_array_equal(found.tile, by_shapely(polygons, frame, points)[1])


def test_every_point_of_the_frame_has_exactly_one_owner():
    polygons, frame = voronoi(11, 50)
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(117.0, 117.05, 5000), rng.uniform(39.0, 39.05, 5000)
    assert (locator_of(in_order(polygons, frame)).locate_many(lon, lat).tile >= 0).all()
