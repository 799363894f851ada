"""Random edits of a made-up district: does any of them break the tiling, and how long do they take.

    python -m bench.edits [--edits 20000] [--grids 3000] [--seed 1]

After every edit that is accepted: the changed grids and two rings around them have no defect, all coordinates are on
the lattice, every polygon not named in the change is the very same object, and the change undone gives the bytes
back. Every 1,000 edits the whole tiling is checked and its union is compared with the frame.
"""

from __future__ import annotations

import argparse
import collections
import random
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import shapely

from tests.city import synthetic_city
from tiling.borders import delete_vertex, insert_vertex, move_vertex, redraw_border
from tiling.coverage import check
from tiling.errors import TilingError
from tiling.partition import Change, Partition, have_same_bytes
from tiling.plane import to_lattice
from tiling.reshape import carve, give, merge, remove, split

Edit = Callable[[Partition, random.Random], Change]
_FULL_EVERY = 1000


def main(argv: list[str]) -> int:
    """Runs the edits and prints one line a figure; 1 when any edit broke the tiling."""
    options = _options(argv)
    rng = random.Random(options.seed)
    partition = synthetic_city(options.grids, sub_grids=(1, 1, 2, 3), seed=options.seed).partition()
    base = partition.frame
    tally = _Tally()
    for number in range(1, options.edits + 1):
        partition = _one(partition, rng, tally)
        if number % _FULL_EVERY == 0 or number == options.edits:
            tally.check_whole(partition)
    tally.show(options.edits, base, partition)
    return 1 if tally.broken else 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="edits")
    parser.add_argument("--edits", type=int, default=20_000)
    parser.add_argument("--grids", type=int, default=3_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(argv)


class _Tally:
    """What happened, and how long it took."""

    def __init__(self) -> None:
        self.done: collections.Counter[str] = collections.Counter()
        self.refused: collections.Counter[str] = collections.Counter()
        self.broken: list[str] = []
        self.edit_s: list[float] = []
        self.check_s: list[float] = []

    def check_whole(self, partition: Partition) -> None:
        report = check(partition)
        if not report.ok:
            self.broken.append(f"whole: {report.lines()[:3]}")

    def show(self, edits: int, base: shapely.Geometry, partition: Partition) -> None:
        union = shapely.coverage_union_all(partition.polygons)
        drift_m2 = shapely.symmetric_difference(union, base).area
        print(f"random edits: {edits} edits")
        print(f"random edits accepted: {sum(self.done.values())} edits")
        print(f"random edits refused: {sum(self.refused.values())} edits")
        print(f"edits broken: {len(self.broken)} edits")
        for name, count in sorted(self.done.items()):
            print(f"edits {name} accepted: {count} edits")
        for reason, count in sorted(self.refused.items()):
            print(f"edits refused {reason}: {count} edits")
        for name, times in (("edit", self.edit_s), ("check", self.check_s)):
            ms = sorted(1000 * s for s in times)
            print(f"{name} median: {statistics.median(ms):.2f} ms")
            print(f"{name} p95: {ms[int(0.95 * len(ms))]:.2f} ms")
        print(f"drift of the union: {drift_m2:.4f} m2")
        for line in self.broken[:10]:
            print("broken", line)


def _one(partition: Partition, rng: random.Random, tally: _Tally) -> Partition:
    name = rng.choices(list(EDITS), weights=[weight for weight, _ in EDITS.values()])[0]
    start = time.perf_counter()
    try:
        change = EDITS[name][1](partition, rng)
    except TilingError as refusal:
        tally.refused[f"{name} {refusal.code}"] += 1
        return partition
    tally.edit_s.append(time.perf_counter() - start)
    after = partition.replace(change)
    start = time.perf_counter()
    report = check(after, only=after.find_around(change.touched))
    tally.check_s.append(time.perf_counter() - start)
    faults = [*report.lines(), *_faults(partition, after, change)]
    if faults:
        tally.broken.append(f"{name}: {faults[:3]}")
        return partition
    tally.done[name] += 1
    return after


def _faults(before: Partition, after: Partition, change: Change) -> list[str]:
    faults = []
    for code in change.touched:
        xy = shapely.get_coordinates(after.polygon(code))
        if not (xy == to_lattice(xy)).all():
            faults.append(f"{code} is off the lattice")
    same = [c for c in before.codes if c in after.row_of and c not in change.touched]
    if any(before.polygon(c) is not after.polygon(c) for c in same):
        faults.append("a polygon changed that the change does not name")
    back = after.replace(before.find_changes_since(after))
    if back.codes != before.codes or not all(map(have_same_bytes, back.polygons, before.polygons)):
        faults.append("undo does not give the bytes back")
    if dict(back.parents) != dict(before.parents) or not have_same_bytes(back.frame, before.frame):
        faults.append("undo does not give parents or frame back")
    return faults


def _tile(partition: Partition, rng: random.Random) -> str:
    return rng.choice(partition.codes)


def _vertex(partition: Partition, rng: random.Random) -> tuple[float, float]:
    xy = shapely.get_coordinates(partition.polygon(_tile(partition, rng)))
    x, y = rng.choice(xy.tolist())
    return x, y


def _beside(at: tuple[float, float], rng: random.Random) -> tuple[float, float]:
    reach = rng.choice([0.002, 0.5, 3.0, 10.0, 200.0])
    return at[0] + rng.uniform(-reach, reach), at[1] + rng.uniform(-reach, reach)


def _move(partition: Partition, rng: random.Random) -> Change:
    at = _vertex(partition, rng)
    return move_vertex(partition, at, to=_beside(at, rng))


def _insert(partition: Partition, rng: random.Random) -> Change:
    xy = shapely.get_coordinates(partition.polygon(_tile(partition, rng)))
    k = rng.randrange(len(xy) - 1)
    share = rng.random()
    x, y = xy[k] + (xy[k + 1] - xy[k]) * share
    return insert_vertex(partition, (x, y), to=_beside((x, y), rng))


def _delete(partition: Partition, rng: random.Random) -> Change:
    return delete_vertex(partition, _vertex(partition, rng))


def _scribble(shape: shapely.Geometry, rng: random.Random) -> shapely.LineString:
    west, south, east, north = shape.bounds
    angle = rng.uniform(0, np.pi)
    reach = max(east - west, north - south)
    x, y = rng.uniform(west, east), rng.uniform(south, north)
    steps = np.linspace(-1, 1, rng.randint(2, 7))
    wave = np.array([rng.uniform(-0.08, 0.08) for _ in steps])
    along = np.array([np.cos(angle), np.sin(angle)]) * reach
    return shapely.LineString(
        [(x, y) + along * s + along[::-1] * [-1, 1] * w for s, w in zip(steps, wave, strict=True)]
    )


def _free_code(partition: Partition, rng: random.Random, like: str) -> str:
    while (code := f"{like[:12]}{rng.randrange(10**6):06d}x") in partition:
        pass
    return code


def _split(partition: Partition, rng: random.Random) -> Change:
    code = _grid(partition, rng)
    codes = [_free_code(partition, rng, code) for _ in range(3)]
    return split(partition, code, _scribble(partition.polygon(code), rng), new_code=codes)


def _grid(partition: Partition, rng: random.Random) -> str:
    tile = _tile(partition, rng)
    parent = partition.parents.get(tile, "")
    return parent if parent not in partition.areas and rng.random() < 0.5 else tile


def _pair(partition: Partition, rng: random.Random) -> tuple[str, str]:
    code = _grid(partition, rng)
    return code, rng.choice(partition.neighbours(code) or (code,))


def _merge(partition: Partition, rng: random.Random) -> Change:
    return merge(partition, _pair(partition, rng))


def _remove(partition: Partition, rng: random.Random) -> Change:
    code, into = _pair(partition, rng)
    return remove(partition, code, into=into)


def _blob(at: tuple[float, float], rng: random.Random, reach: float) -> shapely.Geometry:
    turns = sorted(rng.uniform(0, 2 * np.pi) for _ in range(rng.randint(3, 12)))
    radius = [rng.uniform(0.4, 1.0) * reach for _ in turns]
    return shapely.Polygon([(at[0] + r * np.cos(t), at[1] + r * np.sin(t)) for t, r in zip(turns, radius, strict=True)])


def _carve(partition: Partition, rng: random.Random) -> Change:
    at = _vertex(partition, rng)
    polygon = _blob(_beside(at, rng), rng, rng.choice([5.0, 20.0, 60.0]))
    code = _free_code(partition, rng, _tile(partition, rng))
    return carve(partition, polygon, code=code, pieces_to=rng.choice([None, code]))


def _give(partition: Partition, rng: random.Random) -> Change:
    at = _vertex(partition, rng)
    near = partition.find_touching(shapely.Point(at))
    return give(partition, _blob(at, rng, rng.choice([5.0, 20.0, 40.0])), to=rng.choice(near))


def _redraw(partition: Partition, rng: random.Random) -> Change:
    left, right = _pair(partition, rng)
    shared = shapely.intersection(*(shapely.boundary(partition.polygon(c)) for c in (left, right)))
    xy = shapely.get_coordinates(shared)
    a, b = sorted(rng.sample(range(len(xy)), 2)) if len(xy) > 1 else (0, 0)
    middle = [_beside(tuple((xy[a] + xy[b]) / 2), rng)] if rng.random() < 0.8 else []
    return redraw_border(partition, left, right, shapely.LineString([xy[a], *middle, xy[b]]))


EDITS: dict[str, tuple[float, Edit]] = {
    "move_vertex": (4, _move),
    "insert_vertex": (3, _insert),
    "delete_vertex": (2, _delete),
    "redraw_border": (3, _redraw),
    "split": (3, _split),
    "merge": (3, _merge),
    "carve": (1.5, _carve),
    "give": (3, _give),
    "remove": (0.7, _remove),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
