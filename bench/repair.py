"""Repair of a messy copy of a known tiling, against shapely.coverage_clean, mapshaper and maup on the same input.

    python -m bench.repair [--grids 400]

A third of the grids get every vertex moved at random by up to so many metres. For each: the area the result still
overlaps, the area outside the frame, the difference to the truth, grids lost, and seconds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.repair_peers import Cleaner, peers
from tests.city import synthetic_city
from tiling.partition import Partition
from tiling.plane import to_lattice
from tiling.repair import propose
from tiling.tolerance import NODE_OFF_M

REACHES_M = (0.004, 0.2, 2.0)
POLICIES = {
    "longest border": {"overlap": "longest_border", "gap": "longest_border", "overshoot": "trim", "noise": "mend"},
    "middle": {"overlap": "split", "gap": "split", "overshoot": "trim", "noise": "mend"},
}
USUAL = "longest border"
"""The way that is compared with the peers; halves are for people who want them."""
Shapes = NDArray[np.object_]


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when the repair lost a grid, left an overlap, left the frame, or a peer came nearer."""
    parser = argparse.ArgumentParser(prog="repair")
    parser.add_argument("--grids", type=int, default=400)
    options = parser.parse_args(argv)
    truth = synthetic_city(options.grids, sub_grids=(1,), vertices=40).partition()
    others = peers()
    return max(_compared(truth, reach_m, others) for reach_m in REACHES_M)


def _compared(truth: Partition, reach_m: float, others: Mapping[str, Cleaner]) -> int:
    mess = _messed(truth, reach_m)
    start = time.perf_counter()
    cleaned = _cleaned(truth, mess)
    peer = _figures(truth, cleaned)
    peer_s = time.perf_counter() - start
    _show(f"coverage_clean, {reach_m} m", peer, peer, peer_s)
    best = peer["off"]
    for name, cleaner in others.items():
        start = time.perf_counter()
        try:
            made = cleaner(mess)
        except (OSError, subprocess.SubprocessError, ValueError) as failed:
            print(f"{name}, {reach_m} m failed, {type(failed).__name__}")
            continue
        theirs = _figures(truth, made)
        best = min(best, theirs["off"])
        _show(f"{name}, {reach_m} m", theirs, peer, time.perf_counter() - start)
    worst = 0
    for name, policy in POLICIES.items():
        start = time.perf_counter()
        repair = propose(truth.codes, mess, frame=truth.frame, options=policy)
        took_s = time.perf_counter() - start
        own = _figures(truth, np.array(list(repair.polygons.values()), dtype=object))
        _show(f"repair by {name}, {reach_m} m", own, peer, took_s)
        worst = max(worst, int(own["lost"] > 0 or own["overlap"] > 1e-6 or own["outside"] > _noise_m2(truth)))
        if name == USUAL and own["off"] > best:
            print(f"a peer came nearer to the truth: {best:.3f} m2")
            worst = 1
    return worst


def _noise_m2(truth: Partition) -> float:
    """What nodes may take beyond slanted edges of the frame: each lies at most 0.7 mm off."""
    assert truth.frame is not None
    return NODE_OFF_M * float(truth.frame.length)


def _messed(truth: Partition, reach_m: float) -> Shapes:
    rng = np.random.default_rng(5)
    shapes = truth.polygons.copy()
    for row in rng.choice(len(shapes), size=len(shapes) // 3, replace=False).tolist():
        ring = shapely.get_coordinates(shapes[row])[:-1]
        shape = shapely.Polygon(to_lattice(ring + rng.uniform(-reach_m, reach_m, ring.shape)))
        shapes[row] = shape if shape.is_valid else shapes[row]
    return shapes


def _cleaned(truth: Partition, mess: Shapes) -> Shapes:
    # Without this ring it knows no frame; first and by min_index, so that it wins over the grids.
    assert truth.frame is not None
    around = shapely.box(*truth.frame.buffer(50).bounds).difference(truth.frame)
    both = np.array([around, *mess], dtype=object)
    return np.asarray(shapely.coverage_clean(both, merge_strategy="min_index"))[1:]


def _figures(truth: Partition, shapes: Shapes) -> dict[str, float]:
    assert truth.frame is not None
    sound = shapely.is_valid(shapes)
    shapes = np.where(sound, shapes, shapely.make_valid(shapes, method="structure", keep_collapsed=False))
    union = shapely.union_all(shapes)
    off = shapely.area(shapely.symmetric_difference(shapes, truth.polygons))
    return {
        "overlap": float(max(shapely.area(shapes).sum() - union.area, 0.0)),
        "outside": float(union.difference(truth.frame).area),
        "off": float(off.sum()),
        "lost": float(shapely.is_empty(shapes).sum()),
    }


def _show(name: str, own: dict[str, float], peer: dict[str, float], took_s: float) -> None:
    ratio = own["off"] / peer["off"] if peer["off"] else float("nan")
    print(f"{name}, difference to the truth: {own['off']:.3f} m2 (ratio to coverage_clean: {ratio:.3f})")
    print(f"{name}, overlap left: {own['overlap']:.6f} m2")
    print(f"{name}, outside the frame: {own['outside']:.6f} m2")
    print(f"{name}, grids lost: {own['lost']:.0f} grids")
    print(f"{name}, time: {took_s:.2f} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
