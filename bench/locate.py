"""Looking up points in process against STRtree, geopandas and prepared polygons: ratios of one run.

    python -m bench.locate [--grids N] [--districts N] [--cells N] [--points N] [--rounds N]
    python -m bench.locate --grids 1000000 --districts 100       a million grids: 3 minutes, 6 GB

All sides see the same tiling and points, take turns, and are counted by the median of their rounds.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import shapely
from shapely.geometry import box

from tiling.locate import PLAIN, DistrictIndex, DistrictTiles, PointLocator, choose_fastest

WEST, SOUTH = 118.0, 39.5
VERTICES = 75
PEERS = {"sjoin": "geopandas sjoin", "tree": "STRtree", "prepared": "prepared intersects_xy"}
# Beyond, prepared polygons would not fit into the memory of a small machine beside the index.
MOST_PREPARED = 200_000


@dataclass(frozen=True)
class Scene:
    """Tiles in the order in which a locator numbers them, and the points to be looked up among them."""

    polygons: np.ndarray
    codes: np.ndarray
    lon: np.ndarray
    lat: np.ndarray


def main(argv: list[str]) -> int:
    """Prints the figures; the exit status is 0 unless an answer differs from STRtree's."""
    options = _options(argv)
    districts = country(options.grids, options.districts)
    polygons = np.concatenate([tiles.polygons for tiles in districts])
    codes = np.concatenate([tiles.codes for tiles in districts])
    usual = Scene(polygons, codes, *anywhere(polygons, options.points))
    hard = Scene(polygons, codes, *adversarial(polygons, options.points))
    locator = PointLocator(building(districts, options), kernel=choose_fastest())
    mismatches = sum(differing(locator, scene) for scene in (usual, hard))
    print(f"mismatches with STRtree: {mismatches} points (of {2 * options.points}, either kernel)")
    one_lookup(locator, usual, options.rounds)
    many_points(locator, usual, options.rounds, name="many points")
    many_points(locator, hard, options.rounds, name="adversarial points")
    return 0 if mismatches == 0 else 1


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench locate")
    parser.add_argument("--grids", type=int, default=3_000, help="in all districts together")
    parser.add_argument("--districts", type=int, default=1)
    parser.add_argument("--cells", type=int, default=None, help="cells of the raster per grid")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args(argv)


def country(grids: int, districts: int) -> list[DistrictTiles]:
    """So many districts side by side, in rows, with so many grids in all."""
    columns = math.ceil(districts**0.5)
    return [district(grids // districts, place=divmod(k, columns)) for k in range(districts)]


def district(count: int, *, place: tuple[int, int] = (0, 0)) -> DistrictTiles:
    """A tiling of `count` grids with about 75 vertices each on wavy borders, without gap or overlap."""
    row, column = place
    rng = np.random.default_rng([count, row, column])
    side = 0.2 * (count / 3000) ** 0.5
    west, south = WEST + column * side, SOUTH + row * 0.75 * side
    frame = box(west, south, west + side, south + 0.75 * side)
    sites = shapely.multipoints(rng.uniform(0, side, (count, 2)) * [1, 0.75] + [west, south])
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=frame)), frame)
    perimeter = shapely.length(cells).mean()
    cells = shapely.segmentize(cells, perimeter / (VERTICES - 8))
    code = f"{130000 + 100 * row + column}"
    codes = np.array([f"{code}{k:09d}" for k in range(len(cells))], dtype=object)
    return DistrictTiles(code, frame, codes, codes, shapely.transform(cells, _wavy), 4548)


def _wavy(xy: np.ndarray) -> np.ndarray:
    """A smooth shift of all places: borders become curves and stay shared."""
    x, y = xy[:, 0] - WEST, xy[:, 1] - SOUTH
    shift = np.column_stack([np.sin(9000 * y + 3000 * x), np.cos(8000 * x - 2000 * y)])
    return np.round(xy + 2e-5 * shift, 9)


def anywhere(polygons: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly over the box of the tiles."""
    west, south, east, north = shapely.total_bounds(polygons)
    lon, lat = np.random.default_rng(1).uniform([west, south], [east, north], (count, 2)).T
    return np.ascontiguousarray(lon), np.ascontiguousarray(lat)


def adversarial(polygons: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """90 % within metres of a border, 5 % on a vertex, 5 % anywhere."""
    rng = np.random.default_rng(2)
    some = polygons if len(polygons) <= count else rng.choice(polygons, count, replace=False)
    rings = [shapely.get_coordinates(polygon) for polygon in some]
    a, b = np.concatenate([ring[:-1] for ring in rings]), np.concatenate([ring[1:] for ring in rings])
    near, on = int(count * 0.9), int(count * 0.05)
    pick = rng.integers(0, len(a), near)
    border = a[pick] + (b[pick] - a[pick]) * rng.uniform(0, 1, (near, 1)) + rng.normal(0, 2e-5, (near, 2))
    rest = np.column_stack(anywhere(polygons, count - near - on))
    points = rng.permutation(np.concatenate([border, a[rng.integers(0, len(a), on)], rest]))
    return np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])


def in_turns(sides: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The median seconds of each side, the sides taking turns."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, side in sides.items():
            begin = time.perf_counter()
            side()
            times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}


def building(districts: list[DistrictTiles], options: argparse.Namespace) -> list[DistrictIndex]:
    """Build all indexes, build, write and load one again and again, and print times and size."""
    begin = time.perf_counter()
    indexes = [DistrictIndex.build(tiles, cells_per_tile=options.cells) for tiles in districts]
    print(f"index build of {options.grids} grids in {len(indexes)} districts: {time.perf_counter() - begin:.2f} s")
    saved = indexes[0].to_bytes()
    took = in_turns(
        {
            "build": lambda: DistrictIndex.build(districts[0], cells_per_tile=options.cells),
            "load": lambda: DistrictIndex.from_buffer(saved),
            "swap": lambda: PointLocator(indexes, kernel=choose_fastest()),
        },
        options.rounds,
    )
    print(f"index build {len(indexes[0])} grids: {took['build'] * 1e3:.0f} ms")
    ratio = took["build"] / took["load"]
    print(f"index load: {took['load'] * 1e3:.1f} ms (ratio to build: {ratio:.1f})")
    print(f"locator over {len(indexes)} districts: {took['swap'] * 1e3:.1f} ms")
    print(f"index size: {sum(index.nbytes for index in indexes) / 1e6:.1f} MB")
    return indexes


def differing(locator: PointLocator, scene: Scene) -> int:
    """How many points get another tile than from STRtree, both kernels together."""
    held, tile = shapely.STRtree(scene.polygons).query(shapely.points(scene.lon, scene.lat), predicate="intersects")
    best = np.full(len(scene.lon), len(scene.polygons))
    np.minimum.at(best, held, tile)
    best[best == len(scene.polygons)] = -1
    return sum(
        int(np.count_nonzero(locator.locate_many(scene.lon, scene.lat, kernel=kernel).tile != best))
        for kernel in (choose_fastest(), PLAIN)
    )


def one_lookup(locator: PointLocator, scene: Scene, rounds: int) -> None:
    """One point at a time, in a Python loop; the loop itself is measured and taken off."""
    tree = shapely.STRtree(scene.polygons)
    points = list(zip(scene.lon.tolist(), scene.lat.tolist(), strict=True))[:20_000]
    few = points[:4_000]
    one, plain = locator.one, PointLocator(locator.indexes).one
    took = in_turns(
        {
            "loop": lambda: [None for lon, lat in points],
            "one": lambda: [one(lon, lat) for lon, lat in points],
            "plain": lambda: [plain(lon, lat) for lon, lat in points],
            "explain": lambda: [locator.explain(lon, lat) for lon, lat in few],
            "tree": lambda: [tree.query(shapely.Point(lon, lat), predicate="intersects") for lon, lat in few],
        },
        rounds,
    )
    loop = took["loop"] / len(points)
    tree_us = (took["tree"] / len(few) - loop) * 1e6
    for side, name in (("one", "one lookup"), ("plain", "one lookup without numba")):
        us = (took[side] / len(points) - loop) * 1e6
        print(f"{name}: {us:.2f} us (ratio to STRtree.query {tree_us:.1f} us, 1 to x: {tree_us / us:.1f})")
    print(f"one explained lookup: {(took['explain'] / len(few) - loop) * 1e6:.2f} us")


def many_points(locator: PointLocator, scene: Scene, rounds: int, *, name: str) -> None:
    """All points at once, from arrays of coordinates; the peers get their points built beforehand."""
    polygons = scene.polygons
    tree = shapely.STRtree(polygons)
    points = shapely.points(scene.lon, scene.lat)
    grids = geopandas.GeoDataFrame({"code": scene.codes}, geometry=polygons, crs=4326)
    built = geopandas.GeoDataFrame(geometry=points, crs=4326)
    sides: dict[str, Callable[[], Any]] = {
        "numba": lambda: locator.locate_many(scene.lon, scene.lat, kernel=choose_fastest()),
        "numpy": lambda: locator.locate_many(scene.lon, scene.lat, kernel=PLAIN),
        "sjoin": lambda: geopandas.sjoin(built, grids, predicate="intersects"),
        "tree": lambda: tree.query(points, predicate="intersects"),
    }
    if len(polygons) <= MOST_PREPARED:
        shapely.prepare(polygons)
        sides["prepared"] = lambda: prepared(tree, polygons, scene)
    took = in_turns(sides, rounds)
    rate = {side: len(scene.lon) / seconds / 1e6 for side, seconds in took.items()}
    for side in ("numba", "numpy"):
        for peer, spoken in PEERS.items():
            if peer not in rate:
                continue
            ratio = rate[side] / rate[peer]
            print(f"{name} {side}: {rate[side]:.2f} million/s (ratio to {spoken} {rate[peer]:.2f}: {ratio:.1f})")


def prepared(tree: shapely.STRtree, polygons: np.ndarray, scene: Scene) -> np.ndarray:
    """Boxes from the tree, then prepared polygons: the quickest that shapely alone offers."""
    place, tile = tree.query(shapely.points(scene.lon, scene.lat))
    held = shapely.intersects_xy(polygons[tile], scene.lon[place], scene.lat[place])
    return np.column_stack([place[held], tile[held]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
