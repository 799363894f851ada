"""The coverage check against geopandas' self-overlay, and whether it finds what was broken on purpose.

    python -m bench.check [--grids 3000] [--rounds 5] [--large 100000]

Clean: the whole check against `geopandas.overlay` of the layer with itself, taking turns, medians. Then single grids
with their surroundings, a rough copy of the whole, and faults of 16 kinds put into places far from each other: all
must be found at the grids concerned, none anywhere else.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable

import geopandas
import numpy as np
import shapely
from shapely import affinity

from tests.city import synthetic_city
from tests.harms import HARMS, harmed
from tiling.coverage import check
from tiling.partition import Change, Partition
from tiling.plane import put_on_lattice


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when a defect was missed or invented."""
    parser = argparse.ArgumentParser(prog="check")
    parser.add_argument("--grids", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vertices", type=int, default=75)
    parser.add_argument("--injected", type=int, default=600)
    parser.add_argument("--large", type=int, default=0, help="grids of a second, larger ground that is only checked")
    options = parser.parse_args(argv)
    city = synthetic_city(options.grids, sub_grids=(1,), vertices=options.vertices).partition()
    _clean(city, options.rounds)
    _around_an_edit(city)
    _messy(city)
    _large(options.large, options.vertices)
    return _all_injected(city, options.injected)


def _large(grids: int, vertices: int) -> None:
    """The whole check, nesting included, of a clean ground beyond any one district; nothing is kept between rounds."""
    if not grids:
        return
    city = synthetic_city(grids, sub_grids=(1,), vertices=vertices).partition()
    parts = {"frame": city.frame, "areas": city.areas, "parents": city.parents}
    checked = [_seconds(lambda: check(Partition.of(city.codes, city.polygons, **parts))) for _ in range(3)]
    valid = _seconds(lambda: shapely.coverage_is_valid(city.polygons))
    print(
        f"{grids} grids, full check with nesting: {statistics.median(checked):.2f} s (coverage_is_valid: {valid:.2f})"
    )


LABELS = {"check": "full check, clean", "with nesting": "the same and nesting", "valid": "coverage_is_valid alone"}


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _clean(city: Partition, rounds: int) -> None:
    layer = geopandas.GeoDataFrame(geometry=list(city.polygons))
    bare = Partition.of(city.codes, city.polygons, frame=city.frame)
    times: dict[str, list[float]] = {"overlay": [], "check": [], "with nesting": [], "valid": []}
    for _ in range(rounds):
        times["overlay"].append(_seconds(lambda: geopandas.overlay(layer, layer, how="intersection")))
        times["check"].append(_seconds(lambda: check(_fresh(bare))))
        times["with nesting"].append(_seconds(lambda: check(_fresh(city))))
        times["valid"].append(_seconds(lambda: shapely.coverage_is_valid(city.polygons)))
    peer = statistics.median(times["overlay"])
    print(f"geopandas self-overlay of {len(city)} grids: {1000 * peer:.0f} ms")
    for name in ("check", "with nesting", "valid"):
        own = statistics.median(times[name])
        print(f"{LABELS[name]}: {1000 * own:.1f} ms (ratio to geopandas overlay: {own / peer:.4f})")


def _fresh(partition: Partition) -> Partition:
    """The same partition with nothing computed yet."""
    return Partition.of(
        partition.codes, partition.polygons, parents=partition.parents, frame=partition.frame, areas=partition.areas
    )


def _around_an_edit(city: Partition) -> None:
    check(city, only=city.codes[:1])
    rng = random.Random(1)
    few, more = [], []
    for code in rng.sample(city.codes, 200):
        near = city.find_around([code], rings=2)
        few.append(_seconds(lambda code=code: check(city, only=[code])))
        more.append(_seconds(lambda near=near: check(city, only=near)))
    for name, times in (("one grid", few), ("a grid and two rings", more)):
        ms = sorted(1000 * s for s in times)
        print(f"incremental check of {name}: {statistics.median(ms):.2f} ms (p95 {ms[int(0.95 * len(ms))]:.2f} ms)")


def _messy(city: Partition) -> None:
    rng = np.random.default_rng(1)
    moves = rng.uniform(-0.3, 0.3, (len(city), 2)) * (rng.random((len(city), 1)) < 0.5)
    rough = [put_on_lattice(affinity.translate(s, *by)) for s, by in zip(city.polygons, moves, strict=True)]
    draft = city.replace(Change(changed=dict(zip(city.codes, rough, strict=True))))
    start, busy = time.perf_counter(), time.process_time()
    report = check(draft)
    print(f"full check, half of the grids shifted: {time.perf_counter() - start:.2f} s")
    print(f"processor time of that: {time.process_time() - busy:.2f} s")
    print(f"defects of that: {len(report.defects)} defects")


def _all_injected(city: Partition, wanted: int) -> int:
    """Puts defects in, as many as fit apart from each other at a time, until so many were tried."""
    tried = missed = invented = seed = 0
    took_s = 0.0
    while tried < wanted:
        seed += 1
        number, worse, more, seconds = _injected(city, wanted - tried, seed)
        tried, missed, invented, took_s = tried + number, missed + worse, invented + more, took_s + seconds
    print(f"injected defects of {len(HARMS)} kinds: {tried} defects")
    print(f"injected defects missed: {missed} defects")
    print(f"defects invented: {invented} defects")
    print(f"check of {len(city)} grids with defects: {took_s / seed:.2f} s")
    return 1 if missed or invented else 0


def _injected(city: Partition, count: int, seed: int) -> tuple[int, int, int, float]:
    injured = harmed(city, count, seed=seed)
    start = time.perf_counter()
    report = check(injured.partition)
    took_s = time.perf_counter() - start
    missed, invented = injured.missed(report), injured.invented(report)
    for what in (*missed, *invented):
        print("missed or invented", what)
    return len(injured.harms), len(missed), len(invented), took_s


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
