"""Hot and cold spots: what chance alone is named, what planted clusters are found, and how long a look takes.

    python -m bench.spots [--looks 200] [--side 28]

A field of squares with counts by chance (Poisson), judged as `/api/v1/heat/spots` does; then the same with a cluster of
nine squares that have so many times as much. The goal: at most one look in twenty has an alarm by chance.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import shapely

from layers.heat.spots import FALSE_SHARE, find_neighbours, is_named, judge

MEAN, WEEKS = 4.0, 52
TIMES = (1.5, 2.0, 3.0)


def main(argv: list[str]) -> int:
    """Prints the figures; 1 where chance is named more often than promised."""
    parser = argparse.ArgumentParser(prog="bench spots")
    parser.add_argument("--looks", type=int, default=200)
    parser.add_argument("--side", type=int, default=28)
    options = parser.parse_args(argv)
    side = options.side
    first, second = find_neighbours([shapely.box(x, y, x + 1, y + 1) for y in range(side) for x in range(side)])
    looks = [
        np.random.default_rng(seed).poisson(MEAN, (side, side)).astype(np.float64) for seed in range(options.looks)
    ]
    begun = time.perf_counter()
    alarms = sum(bool(is_named(judge(look.reshape(-1), first, second)[1]).any()) for look in looks)
    print(f"one look at {side * side} cells: {(time.perf_counter() - begun) * 1000 / len(looks):.1f} ms")
    print(f"looks with an alarm by chance: {alarms / len(looks):.3f} share")
    print(f"false alarms a year, one look a week: {WEEKS * alarms / len(looks):.2f} alarms")
    middle = slice(side // 2 - 1, side // 2 + 2)
    for times in TIMES:
        found = 0
        for look in looks:
            more = look.copy()
            more[middle, middle] *= times
            named = is_named(judge(more.reshape(-1), first, second)[1]).reshape(side, side)
            found += bool(named[side // 2, side // 2])
        print(f"planted clusters of {times:g} times as much that are found: {found / len(looks):.3f} share")
    return int(alarms / len(looks) > FALSE_SHARE + 0.03)


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
