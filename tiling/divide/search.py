"""The search on one connected region: several starts, each annealed by border moves, the best one kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiling.divide.graph import Graph
from tiling.divide.kernels import Goal, Net, SearchKernel, State, fastest, part_cost
from tiling.divide.site import Floats
from tiling.divide.trees import bisected
from tiling.divide.wishes import Wishes

Ints = NDArray[np.intp]
Stop = Callable[[], bool]
Progress = Callable[[float], None]

MOVES_PER_ATOM = 1200
LEAST_MOVES = 400_000
ROUND = 20_000
"""Moves between two looks at the clock: about 20 ms."""
HEATS = (3.0, 0.3, 1.0)
"""First temperatures of the starts, against a cost of about 1 a grid. Where a grid has few heavy atoms only a hot
search gets over the hills between two good partitions; where it has many, a cool one keeps what the trees found."""
POLISH, COLD = 0.1, 0.002
"""The first temperature of the last search, from the best partition so far, and the last one of every search."""


@dataclass(frozen=True, eq=False)
class SearchRegion:
    """One connected region: its graph, the number of grids, and for each atom today's part (−1) and whether it stays.

    `places` are positions of atoms, `seeds` those of the parts' offices (NaN: none), `start` a first partition.
    """

    graph: Graph
    count: int
    today: Ints
    fixed: NDArray[np.bool_]
    places: Floats
    seeds: Floats
    start: Ints | None = None


def goal_of(wishes: Wishes, target: float, graph: Graph, count: int) -> Goal:
    """The weights of the objective for a region, scaled to its usual grid."""
    side_m = float(np.sqrt(max(graph.area_m2.sum(), 1.0) / max(count, 1)))
    return Goal(
        target=float(target),
        even=2.0 * wishes.balance,
        linear=0.0,
        strict=400.0 * wishes.balance,
        slack=0.8 * wishes.tolerance,
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
    kernel = fastest()
    best: tuple[Ints, float] | None = None
    heats = (POLISH,) if region.start is not None else (*HEATS, POLISH)
    for number, heat in enumerate(heats):
        part = region.start if region.start is not None else best[0] if best and heat == POLISH else None
        if part is None:
            part = _first(region, rng, kernel, number)

        def tell(share: float, number: int = number) -> None:
            progress((number + share) / len(heats))

        found = annealed(
            region, goal, part, effort=wishes.effort / len(heats), rng=rng, should_stop=should_stop, progress=tell,
            kernel=kernel, heat=heat,
        )  # fmt: skip
        if best is None or found[1] < best[1]:
            best = found
        if should_stop():
            break
    assert best is not None
    return best


def _first(region: SearchRegion, rng: np.random.Generator, kernel: SearchKernel, number: int) -> Ints:
    return bisected(region.graph, region.count, rng=rng, kernel=kernel, roads=(1.0, 0.3, 2.0)[number % 3])


def annealed(
    region: SearchRegion,
    goal: Goal,
    part: Ints,
    *,
    effort: float,
    rng: np.random.Generator,
    should_stop: Stop,
    progress: Progress,
    kernel: SearchKernel,
    heat: float,
) -> tuple[Ints, float]:
    """The partition after annealing from `heat` down, and its cost."""
    net, state = _net(region), state_of(region, part)
    cost = total_cost(region, goal, state)
    count = int(state.part.max()) + 1
    if count < 2:
        return state.part, cost
    moves = int(max(MOVES_PER_ATOM * len(region.graph), LEAST_MOVES) * effort / kernel.slower)
    rounds = max(moves // ROUND, 12)
    each = max(moves // rounds, 1)
    mark, queue = np.zeros(len(region.graph), np.int64), np.zeros(len(region.graph), np.int64)
    stamp, best, lowest = 0, state.part.copy(), cost
    for number in range(rounds):
        now = heat * (COLD / heat) ** (number / (rounds - 1))
        gained, stamp = kernel.anneal(net, goal, state, rng.random((each, 5)), now, mark, stamp, queue)
        cost += gained
        if cost < lowest - 1e-9:
            best, lowest = state.part.copy(), cost
        progress((number + 1) / rounds)
        if should_stop():
            break
    return best, lowest


def _net(region: SearchRegion) -> Net:
    graph = region.graph
    around = graph.rim_m + np.bincount(graph.sources(), weights=graph.length_m, minlength=len(graph))
    x, y = np.ascontiguousarray(region.places.T)
    seed_x, seed_y = np.ascontiguousarray(region.seeds.T)
    return Net(
        graph.weight, graph.area_m2, around, graph.first, graph.near, graph.length_m, graph.cost, graph.on_foot,
        region.today, region.fixed, x, y, seed_x, seed_y,
    )  # fmt: skip


def state_of(region: SearchRegion, part: Ints) -> State:
    """The sums of a partition's parts, as the loops keep them."""
    graph, count = region.graph, max(region.count, int(part.max()) + 1)
    source = graph.sources()
    cut = part[source] != part[graph.near]
    outline = np.bincount(part, weights=graph.rim_m, minlength=count)
    outline = outline + np.bincount(part[source[cut]], weights=graph.length_m[cut], minlength=count)
    return State(
        part.astype(np.intp).copy(),
        np.bincount(part, weights=graph.weight, minlength=count).astype(float),
        np.bincount(part, weights=graph.area_m2, minlength=count).astype(float),
        outline,
        np.bincount(part, minlength=count).astype(np.int64),
    )


def total_cost(region: SearchRegion, goal: Goal, state: State) -> float:
    """The objective of a whole partition, the sum that the border moves change."""
    graph = region.graph
    source = graph.sources()
    cut = (state.part[source] != state.part[graph.near]) & (source < graph.near)
    cost = goal.border * float(graph.cost[cut].sum())
    used = np.flatnonzero(state.atoms > 0)
    cost += sum(part_cost(goal, state.weight[p], state.area[p], state.outline[p]) for p in used.tolist())
    gone = (region.today >= 0) & (region.today != state.part)
    cost += goal.keep * float(graph.weight[gone].sum())
    far = np.hypot(*(region.places - region.seeds[state.part]).T)
    return cost + goal.walk * float((graph.weight * np.nan_to_num(far)).sum())


def linear_goal(target: float, border: float) -> Goal:
    """An objective without squares, to compare with an integer program: Σ |weight / target − 1| + border · Σ cost."""
    return Goal(float(target), 0.0, 1.0, 0.0, 0.0, 0.0, float(border), 0.0, 0.0, 0.0, 0.0)
