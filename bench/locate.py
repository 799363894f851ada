"""Looking up points in process against STRtree, geopandas and prepared polygons: ratios of one run.

    python -m bench.locate [--grids N] [--points N] [--rounds N]

All sides see the same tiling and points, take turns, and are counted by the median of their rounds.
"""

from __future__ import annotations

import argparse
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

from tiling.locate import PLAIN, DistrictIndex, DistrictTiles, PointLocator, fastest

WEST, SOUTH = 118.0, 39.5
VERTICES = 75


@dataclass(frozen=True)
class Scene:
    """A district like a real one and the points to be looked up in it."""

    tiles: DistrictTiles
    lon: np.ndarray
    lat: np.ndarray


def main(argv: list[str]) -> int:
    """Prints the figures; the exit status is 0 unless an answer differs from STRtree's."""
    options = _options(argv)
    tiles = district(options.grids)
    usual = Scene(tiles, *anywhere(tiles, options.points))
    hard = Scene(tiles, *adversarial(tiles, options.points))
    index = building(tiles, options.rounds)
    locator = PointLocator([index], kernel=fastest())
    mismatches = sum(differing(locator, scene) for scene in (usual, hard))
    print(f"mismatches with STRtree: {mismatches} points (of {2 * options.points}, either kernel)")
    one_lookup(locator, usual, options.rounds)
    many_points(locator, usual, options.rounds, name="many points")
    many_points(locator, hard, options.rounds, name="adversarial points")
    return 0 if mismatches == 0 else 1


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench locate")
    parser.add_argument("--grids", type=int, default=3_000)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    return parser.parse_args(argv)


def district(count: int) -> DistrictTiles:
    """A tiling of `count` grids with about 75 vertices each on wavy borders, without gap or overlap."""
    rng = np.random.default_rng(count)
    side = 0.2 * (count / 3000) ** 0.5
    frame = box(WEST, SOUTH, WEST + side, SOUTH + 0.75 * side)
    sites = shapely.multipoints(rng.uniform(0, side, (count, 2)) * [1, 0.75] + [WEST, SOUTH])
    cells = shapely.intersection(shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=frame)), frame)
    perimeter = shapely.length(cells).mean()
    cells = shapely.segmentize(cells, perimeter / (VERTICES - 8))
    codes = np.array([f"130273{k:09d}" for k in range(len(cells))], dtype=object)
    return DistrictTiles("130273", frame, codes, codes, shapely.transform(cells, _wavy), 4548)


def _wavy(xy: np.ndarray) -> np.ndarray:
    """A smooth shift of all places: borders become curves and stay shared."""
    x, y = xy[:, 0] - WEST, xy[:, 1] - SOUTH
    shift = np.column_stack([np.sin(9000 * y + 3000 * x), np.cos(8000 * x - 2000 * y)])
    return np.round(xy + 2e-5 * shift, 9)


def anywhere(tiles: DistrictTiles, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly over the frame's box."""
    west, south, east, north = tiles.frame.bounds
    lon, lat = np.random.default_rng(1).uniform([west, south], [east, north], (count, 2)).T
    return np.ascontiguousarray(lon), np.ascontiguousarray(lat)


def adversarial(tiles: DistrictTiles, count: int) -> tuple[np.ndarray, np.ndarray]:
    """90 % within metres of a border, 5 % on a vertex, 5 % anywhere."""
    rng = np.random.default_rng(2)
    rings = [shapely.get_coordinates(polygon) for polygon in tiles.polygons]
    a, b = np.concatenate([ring[:-1] for ring in rings]), np.concatenate([ring[1:] for ring in rings])
    near, on = int(count * 0.9), int(count * 0.05)
    pick = rng.integers(0, len(a), near)
    border = a[pick] + (b[pick] - a[pick]) * rng.uniform(0, 1, (near, 1)) + rng.normal(0, 2e-5, (near, 2))
    rest = np.column_stack(anywhere(tiles, count - near - on))
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


def building(tiles: DistrictTiles, rounds: int) -> DistrictIndex:
    """Build, write and load the index, and print time and size."""
    index = DistrictIndex.build(tiles)
    saved = index.to_bytes()
    took = in_turns(
        {"build": lambda: DistrictIndex.build(tiles), "load": lambda: DistrictIndex.from_buffer(saved)}, rounds
    )
    print(f"index build {len(index)} grids: {took['build'] * 1e3:.0f} ms")
    ratio = took["build"] / took["load"]
    print(f"index load: {took['load'] * 1e3:.1f} ms (ratio to build: {ratio:.1f})")
    print(f"index size: {index.nbytes / 1e6:.1f} MB")
    return index


def differing(locator: PointLocator, scene: Scene) -> int:
    """How many points get another tile than from STRtree, both kernels together."""
    polygons = locator_order(scene.tiles)
    held, tile = shapely.STRtree(polygons).query(shapely.points(scene.lon, scene.lat), predicate="intersects")
    best = np.full(len(scene.lon), len(polygons))
    np.minimum.at(best, held, tile)
    best[best == len(polygons)] = -1
    return sum(
        int(np.count_nonzero(locator.many(scene.lon, scene.lat, kernel=kernel).tile != best))
        for kernel in (fastest(), PLAIN)
    )


def locator_order(tiles: DistrictTiles) -> np.ndarray:
    """The polygons in the order in which an index numbers them."""
    return tiles.in_byte_order().polygons


def one_lookup(locator: PointLocator, scene: Scene, rounds: int) -> None:
    """One point at a time, in a Python loop; the loop itself is measured and taken off."""
    tree = shapely.STRtree(scene.tiles.polygons)
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
    polygons = scene.tiles.polygons
    shapely.prepare(polygons)
    tree = shapely.STRtree(polygons)
    points = shapely.points(scene.lon, scene.lat)
    grids = geopandas.GeoDataFrame({"code": scene.tiles.codes}, geometry=polygons, crs=4326)
    built = geopandas.GeoDataFrame(geometry=points, crs=4326)
    took = in_turns(
        {
            "numba": lambda: locator.many(scene.lon, scene.lat, kernel=fastest()),
            "numpy": lambda: locator.many(scene.lon, scene.lat, kernel=PLAIN),
            "sjoin": lambda: geopandas.sjoin(built, grids, predicate="intersects"),
            "tree": lambda: tree.query(points, predicate="intersects"),
            "prepared": lambda: prepared(tree, polygons, scene),
        },
        rounds,
    )
    rate = {side: len(scene.lon) / seconds / 1e6 for side, seconds in took.items()}
    for side in ("numba", "numpy"):
        for peer, spoken in (("sjoin", "geopandas sjoin"), ("tree", "STRtree"), ("prepared", "prepared intersects_xy")):
            ratio = rate[side] / rate[peer]
            print(f"{name} {side}: {rate[side]:.2f} million/s (ratio to {spoken} {rate[peer]:.2f}: {ratio:.1f})")


def prepared(tree: shapely.STRtree, polygons: np.ndarray, scene: Scene) -> np.ndarray:
    """Boxes from the tree, then prepared polygons: the quickest that shapely alone offers."""
    place, tile = tree.query(shapely.points(scene.lon, scene.lat))
    held = shapely.intersects_xy(polygons[tile], scene.lon[place], scene.lat[place])
    return np.column_stack([place[held], tile[held]])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
