"""The coverage check against geopandas' self-overlay, and whether it finds what was broken on purpose.

    python -m bench.check [--grids 3000] [--rounds 5] [--large 100000]

Clean: the whole check against `geopandas.overlay` of the layer with itself, taking turns, medians. Then single grids
with their surroundings, a rough copy of the whole, and defects of 14 kinds put into places far from each other: all
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
from shapely.geometry.base import BaseGeometry

from tests.city import synthetic_city
from tiling.coverage import CoverageReport, check
from tiling.partition import Change, Partition
from tiling.plane import on_lattice


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
        near = city.around([code], rings=2)
        few.append(_seconds(lambda code=code: check(city, only=[code])))
        more.append(_seconds(lambda near=near: check(city, only=near)))
    for name, times in (("one grid", few), ("a grid and two rings", more)):
        ms = sorted(1000 * s for s in times)
        print(f"incremental check of {name}: {statistics.median(ms):.2f} ms (p95 {ms[int(0.95 * len(ms))]:.2f} ms)")


def _messy(city: Partition) -> None:
    rng = np.random.default_rng(1)
    moves = rng.uniform(-0.3, 0.3, (len(city), 2)) * (rng.random((len(city), 1)) < 0.5)
    rough = [on_lattice(affinity.translate(s, *by)) for s, by in zip(city.polygons, moves, strict=True)]
    draft = city.replace(Change(changed=dict(zip(city.codes, rough, strict=True))))
    start, busy = time.perf_counter(), time.process_time()
    report = check(draft)
    print(f"full check, half of the grids shifted: {time.perf_counter() - start:.2f} s")
    print(f"processor time of that: {time.process_time() - busy:.2f} s")
    print(f"defects of that: {len(report.defects)} defects")


Harm = Callable[[Partition, str, random.Random], Change]


def _shape(city: Partition, code: str) -> BaseGeometry:
    shape = city.polygon(code)
    assert shape is not None
    return shape


def _shift(by_m: float) -> Harm:
    def harm(city: Partition, code: str, rng: random.Random) -> Change:
        angle = rng.uniform(0, 2 * np.pi)
        moved = affinity.translate(_shape(city, code), by_m * np.cos(angle), by_m * np.sin(angle))
        return Change(changed={code: on_lattice(moved)})

    return harm


def _swell(city: Partition, code: str, _: random.Random) -> Change:
    return Change(changed={code: on_lattice(affinity.scale(_shape(city, code), 1.1, 1.1))})


def _shrink(city: Partition, code: str, _: random.Random) -> Change:
    return Change(changed={code: on_lattice(affinity.scale(_shape(city, code), 0.9, 0.9))})


def _drop(_city: Partition, code: str, _: random.Random) -> Change:
    return Change(removed=(code,))


def _none(_city: Partition, code: str, _: random.Random) -> Change:
    return Change(changed={code: None})


def _line(city: Partition, code: str, _: random.Random) -> Change:
    return Change(changed={code: shapely.boundary(_shape(city, code))})


def _knot(city: Partition, code: str, _: random.Random) -> Change:
    xy = shapely.get_coordinates(_shape(city, code))
    xy[[3, len(xy) // 2]] = xy[[len(xy) // 2, 3]]
    return Change(changed={code: shapely.Polygon(xy)})


def _twice(city: Partition, code: str, _: random.Random) -> Change:
    return Change(added={f"{code}-2": _shape(city, code)})


def _island(city: Partition, code: str, _: random.Random) -> Change:
    inner = shapely.box(*shapely.point_on_surface(_shape(city, code)).buffer(2).bounds)
    return Change(added={f"{code}-i": on_lattice(inner)})


def _parts(city: Partition, code: str, _: random.Random) -> Change:
    shape = _shape(city, code)
    west, south, east, north = shape.bounds
    strip = shapely.box((west + east) / 2 - 2, south - 1, (west + east) / 2 + 2, north + 1)
    return Change(changed={code: on_lattice(shape.difference(strip))})


def _missing_node(city: Partition, code: str, _: random.Random) -> Change:
    xy = shapely.get_coordinates(_shape(city, code))
    bends = [k for k in range(1, len(xy) - 1) if _off_m(xy, k) > 0.05]
    return Change(changed={code: shapely.Polygon(np.delete(xy, bends[len(bends) // 2], axis=0))})


def _off_m(xy: np.ndarray, k: int) -> float:
    return shapely.distance(shapely.Point(xy[k]), shapely.LineString([xy[k - 1], xy[k + 1]]))


def _extra_node(city: Partition, code: str, _: random.Random) -> Change:
    xy = shapely.get_coordinates(_shape(city, code))
    middle = np.round((xy[4] + xy[5]) / 2, 3)
    return Change(changed={code: shapely.Polygon(np.insert(xy, 5, middle, axis=0))})


HARMS: dict[str, tuple[Harm, frozenset[str]]] = {
    "noise shift": (_shift(0.004), frozenset({"overlap", "gap", "unmatched_vertex"})),
    "sliver shift": (_shift(0.2), frozenset({"overlap", "gap"})),
    "real shift": (_shift(3.0), frozenset({"overlap", "gap"})),
    "swollen": (_swell, frozenset({"overlap"})),
    "shrunk": (_shrink, frozenset({"gap"})),
    "dropped": (_drop, frozenset({"gap"})),
    "missing": (_none, frozenset({"empty"})),
    "a line": (_line, frozenset({"not_polygon"})),
    "knotted": (_knot, frozenset({"invalid"})),
    "doubled": (_twice, frozenset({"duplicate"})),
    "an island": (_island, frozenset({"contained"})),
    "in two parts": (_parts, frozenset({"multipart"})),
    "a bend lost": (_missing_node, frozenset({"overlap", "gap"})),
    "a node of one side only": (_extra_node, frozenset({"unmatched_vertex"})),
}


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
    rng = random.Random(seed)
    places = _apart(city, rng, count)
    names = [list(HARMS)[(number + seed) % len(HARMS)] for number in range(len(places))]
    draft, near_of = city, {}
    for name, code in zip(names, places, strict=True):
        near_of[code] = city.around([code], rings=2) | {f"{code}-2", f"{code}-i"}
        draft = draft.replace(HARMS[name][0](city, code, rng))
    start = time.perf_counter()
    report = check(draft)
    took_s = time.perf_counter() - start
    pairs = list(zip(names, places, strict=True))
    missed = [pair for pair in pairs if not _is_found(report, near_of[pair[1]], HARMS[pair[0]][1])]
    invented = _invented(city, report, frozenset().union(*near_of.values()))
    for what in (*missed, *invented):
        print("missed or invented", what)
    return len(places), len(missed), len(invented), took_s


def _invented(city: Partition, report: CoverageReport, touched: frozenset[str]) -> list[tuple[str, tuple[str, ...]]]:
    return [d.key for d in report.defects if not touched.issuperset(c for c in d.codes if c not in city.areas)]


def _is_found(report: CoverageReport, near: frozenset[str], kinds: frozenset[str]) -> bool:
    return any(defect.kind in kinds and near.intersection(defect.codes) for defect in report.defects)


def _apart(city: Partition, rng: random.Random, count: int) -> list[str]:
    """Codes of grids inside the frame whose surroundings do not meet."""
    taken: set[str] = set()
    places = []
    assert city.frame is not None
    edge = shapely.boundary(city.frame)
    for code in rng.sample(city.codes, len(city)):
        near = city.around([code], rings=2)
        if len(places) < count and not taken & near and _shape(city, code).distance(edge) > 5:
            places.append(code)
            taken |= near
    return places


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
