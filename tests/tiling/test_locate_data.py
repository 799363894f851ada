"""A million points in real districts: index and STRtree say the same for each."""

import json

import numpy as np
import pyarrow.parquet as parquet
import pytest
import shapely

from tiling.locate import PLAIN, DistrictIndex, DistrictTiles, PointLocator, choose_fastest

pytestmark = [pytest.mark.data, pytest.mark.slow]
POINTS = 1_000_000


def townships(data):
    """Beijing's townships in the districts of their counties, each framed by its union."""
    table = parquet.read_table(data / "cn" / "beijing_townships.parquet", columns=["county", "geometry"]).to_pydict()
    polygons, county = shapely.from_wkb(table["geometry"]), np.array(table["county"])
    codes = np.array([f"{k:04d}" for k in range(len(polygons))], dtype=object)
    return [framed(name, codes[county == name], polygons[county == name], 4527) for name in sorted(set(county))]


def community_districts(data):
    """Manhattan as one district."""
    features = json.loads((data / "nyc" / "community_districts.geojson").read_text())["features"]
    polygons = np.array([shapely.geometry.shape(feature["geometry"]) for feature in features], dtype=object)
    codes = np.array([str(feature["properties"]["boro_cd"]) for feature in features], dtype=object)
    return [framed("1", codes, polygons, 32618)]


def framed(code, codes, polygons, epsg):
    return DistrictTiles(code, shapely.union_all(polygons), codes, codes, polygons, epsg)


def points_over(polygons, count):
    """Half anywhere, the rest on vertices, on edges, in their middles and within metres of them."""
    rng = np.random.default_rng(5)
    west, south, east, north = shapely.total_bounds(polygons)
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(polygons))]
    a, b = np.concatenate([r[:-1] for r in rings]), np.concatenate([r[1:] for r in rings])
    a, b = (ends[pick] for pick in [rng.integers(0, len(a), count // 2)] for ends in (a, b))
    share = rng.choice([0.0, 0.5, 1 / 3], (len(a), 1))
    blur = rng.normal(0, 1, a.shape) * rng.choice([0.0, 0.0, 1e-9, 2e-5], (len(a), 1))
    anywhere = rng.uniform([west, south], [east, north], (count - len(a), 2))
    return np.concatenate([a + (b - a) * share + blur, anywhere])


@pytest.mark.parametrize("city", [townships, community_districts], ids=["beijing", "manhattan"])
def test_index_and_tree_agree_on_a_million_points(data, city):
    districts = city(data)
    locator = PointLocator(DistrictIndex.build(tiles) for tiles in districts)
    polygons = np.concatenate([tiles.polygons for tiles in districts])
    codes = np.concatenate([tiles.codes for tiles in districts])
    order = np.argsort(codes)
    polygons, codes = polygons[order], codes[order]
    points = points_over(polygons, POINTS)
    relation, code = by_tree(polygons, codes, [tiles.frame for tiles in districts], points)
    for kernel in (choose_fastest(), PLAIN):
        found = locator.locate_many(points[:, 0], points[:, 1], kernel=kernel)
        assert np.count_nonzero(found.relations != relation) == 0
        assert np.count_nonzero(found.grid_codes != code) == 0
    assert np.unique(relation).tolist() == sorted({"border", "inside", "outside"} | set(relation))


def by_tree(polygons, codes, frames, points):
    places = shapely.points(points)
    held, tile = covering(polygons, places)
    count = np.bincount(held, minlength=len(places))
    best = np.full(len(places), len(codes))
    np.minimum.at(best, held, tile)
    framed_points = np.zeros(len(places), dtype=bool)
    framed_points[covering(np.array(frames, dtype=object), places)[0]] = True
    rest = np.where(framed_points, "gap", "outside")
    relation = np.where(count > 1, "border", np.where(count == 1, "inside", rest))
    return relation.astype(object), np.append(codes, None)[np.where(count > 0, best, len(codes))]


def covering(polygons, places):
    """Pairs (point, polygon that covers it): boxes from the tree, then prepared polygons, thirty times faster."""
    shapely.prepare(polygons)
    place, tile = shapely.STRtree(polygons).query(places)
    held = shapely.intersects(polygons[tile], places[place])
    return place[held], tile[held]
