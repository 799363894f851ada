"""The search on one connected region: several starts, each annealed by border moves, the best one kept and mended."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiling.divide.annealing import Progress, SearchRegion, Stop, anneal_region
from tiling.divide.graph import Graph
from tiling.divide.kernels import Goal, SearchKernel, choose_fastest
from tiling.divide.mending import Mender, mend_grids
from tiling.divide.trees import bisect
from tiling.divide.wishes import Wishes

Ints = NDArray[np.intp]

HEATS = (3.0, 0.3, 1.0)
"""First temperatures of the starts, against a cost of about 1 a grid. Where a grid has few heavy atoms only a hot
search gets over the hills between two good partitions; where it has many, a cool one keeps what the trees found."""
POLISH = 0.1
"""The first temperature of the last search, from the best partition so far."""


def goal_of(wishes: Wishes, target: float, graph: Graph, count: int) -> Goal:
    """The weights of the objective for a region, scaled to its usual grid."""
    side_m = float(np.sqrt(max(graph.area_m2.sum(), 1.0) / max(count, 1)))
    return Goal(
        target=float(target),
        even=2.0 * wishes.balance,
        linear=0.0,
        strict=400.0 * wishes.balance,
        slack=0.8 * wishes.tolerance,
        # Weights are sums of whole households: what is exactly at the edge is within.
        tolerance=wishes.tolerance + 1e-9,
        outside=1.0 * wishes.balance,
        compact=0.35 * wishes.compact,
        border=2.0 * wishes.roads / side_m,
        keep=float(wishes.keep_today / target),
        walk=0.4 / (target * side_m),
        min_area_m2=float(wishes.min_area_m2),
        max_area_m2=float(wishes.max_area_m2),
    )


def solve(
    region: SearchRegion, goal: Goal, wishes: Wishes, *, rng: np.random.Generator, should_stop: Stop, progress: Progress
) -> tuple[Ints, float]:
    """The best partition found and its cost; every part is connected on foot. The same for the same generator.

    Stopped early, it is the best so far.
    """
    kernel = choose_fastest()
    best: tuple[Ints, float] | None = None
    heats = (POLISH,) if region.start is not None else (*HEATS, POLISH)
    for number, heat in enumerate(heats):
        part = region.start if region.start is not None else best[0] if best and heat == POLISH else None
        if part is None:
            part = _make_first(region, rng, kernel, number)

        def tell(share: float, number: int = number) -> None:
            progress((number + share) / len(heats))

        found = anneal_region(
            region, goal, part, effort=wishes.effort / len(heats), rng=rng, should_stop=should_stop, progress=tell,
            kernel=kernel, heat=heat,
        )  # fmt: skip
        if best is None or found[1] < best[1]:
            best = found
        if should_stop():
            break
    assert best is not None
    mender = Mender(region, goal, wishes, kernel)
    return mend_grids(mender, best[0], rng=rng, should_stop=should_stop)


def _make_first(region: SearchRegion, rng: np.random.Generator, kernel: SearchKernel, number: int) -> Ints:
    return bisect(region.graph, region.count, rng=rng, kernel=kernel, roads=(1.0, 0.3, 2.0)[number % 3])
