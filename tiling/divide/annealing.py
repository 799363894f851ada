"""Annealing one connected region by border moves, from any first partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiling.divide.graph import Graph
from tiling.divide.kernels import Goal, Net, SearchKernel, State, part_cost
from tiling.divide.site import Floats

Ints = NDArray[np.intp]
Stop = Callable[[], bool]
Progress = Callable[[float], None]

MOVES_PER_ATOM = 700
LEAST_MOVES = 400_000
ROUND = 20_000
"""Moves between two looks at the clock: about 20 ms."""
COLD = 0.002
"""The last temperature of every search, against a cost of about 1 a grid."""


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


def anneal_region(
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


def make_linear_goal(target: float, border: float) -> Goal:
    """An objective without squares, to compare with an integer program: Σ |weight / target − 1| + border · Σ cost."""
    return Goal(float(target), 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, float(border), 0.0, 0.0, 0.0, 0.0)
