"""Do the index, GEOS and PostGIS say the same of a million points where it is hardest to say?

    python -m bench.parity [--points 1000000] [--only demo|manhattan|beijing]

Half of the points are vertices, middles of edges, corners of frames and places within millimetres of a border, half lie
anywhere. Every way to ask is counted against PostGIS: the index over many points in either kernel and point by point,
and shapely's tree. The exit status is 0 where none differs in relation or code.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from bench.parity_grounds import GROUNDS, Ground
from migrations import cluster as clusters
from tiling.locate import PLAIN, RELATIONS, DistrictIndex, Kernel, PointLocator, choose_fastest

# What a power cut would lose here is thrown away anyhow.
HASTY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_wal_size": "4GB"}
OUTSIDE, INSIDE, BORDER, GAP = range(len(RELATIONS))
# For points PostGIS takes a short way without exact arithmetic, which calls some points next to an edge "on the edge".
# So ST_Covers says yes to some that lie just off, and ST_Contains no to some that lie just inside; where the first says
# yes and the second no, GEOS decides, which is exact (the pattern is "disjoint"). ST_Touches in its place would lose
# those just inside: 6 of a million points in Beijing.
EXACT = "ST_Covers(g.geom, p.geom) AND (ST_Contains(g.geom, p.geom) OR NOT ST_Relate(g.geom, p.geom, 'FF*FF****'))"
# Only the points get an index: each polygon is then prepared once and asked about all of its points.
TABLES = """
    CREATE TABLE tiles (code text COLLATE "C", geom geometry(MultiPolygon, 4326));
    CREATE TABLE frames (geom geometry(MultiPolygon, 4326));
    CREATE TABLE places (id int, geom geometry(Point, 4326));
"""
HELD = f"SELECT p.id, count(*), min(g.code) FROM tiles g JOIN places p ON {EXACT} GROUP BY p.id"
FRAMED = f"SELECT DISTINCT p.id FROM frames g JOIN places p ON {EXACT}"
# Point by point, `explain` is slow in gaps, where it looks for the nearest grid: so many of those are enough.
EXPLAINED_GAPS = 2_000

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Told:
    """What somebody says of every point: place in RELATIONS, and place of the code in byte order (-1: none)."""

    relation: NDArray[np.int64]
    code: NDArray[np.int64]

    def differing(self, other: Told) -> int:
        """At how many points the other says something else."""
        return int(np.count_nonzero((self.relation != other.relation) | (self.code != other.code)))


def main(argv: list[str]) -> int:
    """Prints the figures; the exit status is 0 unless somebody differs."""
    parser = argparse.ArgumentParser(prog="bench parity")
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--only", choices=sorted(GROUNDS), default=None)
    options = parser.parse_args(argv)
    names = [options.only] if options.only else list(GROUNDS)
    with throw_away_database() as connection:
        wrong = sum(compared(ground, options.points, connection) for name in names for ground in GROUNDS[name]())
    print(f"mismatches in all: {wrong} points")
    return 0 if wrong == 0 else 1


@contextmanager
def throw_away_database() -> Iterator[psycopg.Connection]:
    """A connection to a PostGIS that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="wangge-parity-"))
    folder.chmod(0o755)
    started = clusters.start(folder, settings=HASTY)
    try:
        with psycopg.connect(clusters.add_database(started, "parity"), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION postgis")
            yield connection
    finally:
        clusters.stop(started)
        shutil.rmtree(folder, ignore_errors=True)


def compared(ground: Ground, count: int, connection: psycopg.Connection) -> int:
    """Ask everybody, print who differs from PostGIS and by how much, and how many differ."""
    points = hard_points(ground, count)
    begin = time.perf_counter()
    truth = by_postgis(ground, points, connection)
    print(f"{ground.name}, {ground.tiles} tiles, PostGIS took: {time.perf_counter() - begin:.1f} s")
    for relation, number in zip(RELATIONS, np.bincount(truth.relation, minlength=4).tolist(), strict=True):
        print(f"{ground.name}, {relation}: {number} points")
    wrong = 0
    for name, ask in ways(ground, points, truth).items():
        told, among = ask()
        differing = told.differing(among)
        wrong += differing
        print(f"{ground.name}, mismatches of {name} with PostGIS: {differing} points (of {len(among.code)})")
    return wrong


def ways(ground: Ground, points: Points, truth: Told) -> dict[str, Callable[[], tuple[Told, Told]]]:
    """Each way to ask besides PostGIS, giving what it says and what PostGIS says of the same points."""
    locator = PointLocator([DistrictIndex.build(tiles) for tiles in ground.districts], kernel=choose_fastest())
    plain = PointLocator(locator.indexes)
    chosen = explained(truth)
    some = Told(truth.relation[chosen], truth.code[chosen])
    return {
        f"many ({choose_fastest().name})": lambda: (by_many(ground, locator, points, choose_fastest()), truth),
        f"many ({PLAIN.name})": lambda: (by_many(ground, locator, points, PLAIN), truth),
        f"one ({choose_fastest().name})": lambda: (by_one(ground, locator, points), inside_only(truth)),
        f"one ({PLAIN.name})": lambda: (by_one(ground, plain, points), inside_only(truth)),
        "explain": lambda: (by_explain(ground, locator, points[chosen]), some),
        "STRtree": lambda: (by_tree(ground, points), truth),
    }


def inside_only(truth: Told) -> Told:
    """What `one` may know of it: the code where exactly one tile holds the point."""
    inside = truth.relation == INSIDE
    return Told(np.where(inside, INSIDE, OUTSIDE), np.where(inside, truth.code, -1))


def explained(truth: Told) -> NDArray[np.intp]:
    """The points to explain one by one: all but most of those in gaps."""
    gaps = np.flatnonzero(truth.relation == GAP)
    return np.concatenate([np.flatnonzero(truth.relation != GAP), gaps[:EXPLAINED_GAPS]])


def hard_points(ground: Ground, count: int) -> Points:
    """A quarter vertices, a tenth middles of edges, a seventh within millimetres of edges, corners, and anywhere."""
    rng = np.random.default_rng(20)
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(ground.polygons))]
    a, b = np.concatenate([ring[:-1] for ring in rings]), np.concatenate([ring[1:] for ring in rings])
    corners = shapely.get_coordinates([tiles.frame for tiles in ground.districts])
    corners = corners[rng.permutation(len(corners))[: count // 50]]
    ends = a[rng.integers(0, len(a), count // 4)]
    which = rng.integers(0, len(a), count // 10)
    beside = rng.integers(0, len(a), count // 7)
    share = rng.uniform(0, 1, (len(beside), 1))
    # 1e-8 degrees are a millimetre; 1e-12 is what rounding leaves.
    blur = rng.normal(0, 1, (len(beside), 2)) * rng.choice([0.0, 1e-12, 1e-9, 1e-8], (len(beside), 1))
    hard = [corners, ends, (a[which] + b[which]) / 2, a[beside] + (b[beside] - a[beside]) * share + blur]
    west, south, east, north = shapely.total_bounds(ground.polygons)
    margin = 0.03 * (east - west)
    left = count - sum(map(len, hard))
    anywhere = rng.uniform([west - margin, south - margin], [east + margin, north + margin], (left, 2))
    return rng.permutation(np.concatenate([*hard, anywhere]))


def by_many(ground: Ground, locator: PointLocator, points: Points, kernel: Kernel) -> Told:
    """The index over all points at once."""
    found = locator.locate_many(points[:, 0], points[:, 1], kernel=kernel)
    places = np.append(ground.place_of(locator.tile_codes), -1)
    return Told(found.relation.astype(np.int64), places[found.tile])


def by_one(ground: Ground, locator: PointLocator, points: Points) -> Told:
    """The index point by point: inside with a code, or nothing."""
    one = locator.one
    tile = np.array([max(one(lon, lat), -1) for lon, lat in points.tolist()], dtype=np.int64)
    places = np.append(ground.place_of(locator.tile_codes), -1)
    return Told(np.where(tile >= 0, INSIDE, OUTSIDE), places[tile])


def by_explain(ground: Ground, locator: PointLocator, points: Points) -> Told:
    """The index point by point with the whole answer."""
    place = {code: k for k, code in enumerate(ground.codes.tolist())} | {None: -1}
    found = [locator.explain(lon, lat, gap_fallback_m=0.0) for lon, lat in points.tolist()]
    relation = np.array([RELATIONS.index(it.relation) for it in found], dtype=np.int64)
    return Told(relation, np.array([place[it.code] for it in found], dtype=np.int64))


def by_tree(ground: Ground, points: Points) -> Told:
    """Boxes from a tree, then GEOS's prepared polygons."""
    places = np.asarray(shapely.points(points))
    point, tile = covering(ground.polygons, places)
    code = np.full(len(places), len(ground.codes))
    np.minimum.at(code, point, ground.place_of(ground.tile_codes)[tile])
    framed = covering(np.array([tiles.frame for tiles in ground.districts], dtype=object), places)[0]
    return _judged(np.bincount(point, minlength=len(places)), np.where(code == len(ground.codes), -1, code), framed)


def covering(polygons: NDArray[np.object_], places: NDArray[np.object_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Pairs (point, polygon that covers it)."""
    shapely.prepare(polygons)
    place, tile = shapely.STRtree(polygons).query(places)
    held = shapely.intersects(polygons[tile], places[place])
    return place[held], tile[held]


def by_postgis(ground: Ground, points: Points, connection: psycopg.Connection) -> Told:
    """PostGIS, from tables that are made anew for this ground."""
    connection.execute("DROP TABLE IF EXISTS tiles, frames, places")
    connection.execute(TABLES)
    frames = np.array([tiles.frame for tiles in ground.districts], dtype=object)
    _copy(connection, "tiles", zip(ground.tile_codes.tolist(), _hex(_multi(ground.polygons)), strict=True))
    _copy(connection, "frames", ((geom,) for geom in _hex(_multi(frames))))
    _copy(connection, "places", enumerate(_hex(np.asarray(shapely.points(points)))))
    connection.execute("CREATE INDEX ON places USING gist (geom)")
    connection.execute("ANALYZE")
    held = np.zeros(len(points), dtype=np.int64)
    code = np.full(len(points), -1, dtype=np.int64)
    rows = connection.execute(HELD).fetchall()
    ids = np.array([row[0] for row in rows], dtype=np.intp)
    held[ids] = [row[1] for row in rows]
    code[ids] = ground.place_of(np.array([row[2] for row in rows], dtype=object))
    framed = connection.execute(FRAMED).fetchall()
    return _judged(held, code, np.array([row[0] for row in framed], dtype=np.intp))


def _judged(held: NDArray[np.int64], code: NDArray[np.int64], framed: NDArray[np.intp]) -> Told:
    rest = np.full(len(held), OUTSIDE)
    rest[framed] = GAP
    return Told(np.where(held > 1, BORDER, np.where(held == 1, INSIDE, rest)), code)


def _multi(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.array([shapely.MultiPolygon(list(shapely.get_parts(shape))) for shape in shapes], dtype=object)


def _hex(shapes: NDArray[np.object_]) -> list[str]:
    return list(shapely.to_wkb(shapely.set_srid(shapes, 4326), hex=True, include_srid=True))


def _copy(connection: psycopg.Connection, table: str, rows: Iterator[Sequence[object]]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as out:
        for row in rows:
            out.write_row(row)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
