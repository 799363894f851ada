"""A first partition by recursive bisection of random spanning trees that prefer to be cut along roads.

Source of the method: the recombination step of redistricting chains (DeFord, Duchin, Solomon 2019). Every cut leaves
two connected sides; of several trees the one is taken whose sides come nearest to whole numbers of grids.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiling.divide.graph import Graph
from tiling.divide.kernels import SearchKernel
from tiling.divide.site import Floats

Ints = NDArray[np.intp]
TREES = 12
"""Trees tried for one cut; more of them gain little, since annealing follows."""


def bisect(graph: Graph, count: int, *, rng: np.random.Generator, kernel: SearchKernel, roads: float) -> Ints:
    """A part 0 … count−1 for each atom of a graph that is connected on foot; every part is connected and not empty."""
    part = np.zeros(len(graph), dtype=np.intp)
    pending = [(np.arange(len(graph), dtype=np.intp), 0, count)]
    while pending:
        atoms, lowest, number = pending.pop()
        number = min(number, len(atoms))
        if number <= 1:
            part[atoms] = lowest
            continue
        side, share = _choose_best_cut(graph.part(atoms), number, rng, kernel, roads)
        pending.append((atoms[side], lowest, share))
        pending.append((atoms[~side], lowest + share, number - share))
    return np.asarray(np.unique(part, return_inverse=True)[1], dtype=np.intp).ravel()


def _choose_best_cut(
    graph: Graph, number: int, rng: np.random.Generator, kernel: SearchKernel, roads: float
) -> tuple[NDArray[np.bool_], int]:
    best: tuple[float, NDArray[np.bool_], int] | None = None
    for _ in range(TREES):
        found = _find_cut(graph, number, rng, kernel, roads)
        if best is None or found[0] < best[0]:
            best = found
        if best[0] < 0.02:
            break
    assert best is not None
    return best[1], best[2]


def _find_cut(
    graph: Graph, number: int, rng: np.random.Generator, kernel: SearchKernel, roads: float
) -> tuple[float, NDArray[np.bool_], int]:
    """How far the better side is off per grid, the atoms below the cut, and how many grids they are."""
    source = graph.sources()
    usable = np.flatnonzero(graph.on_foot & (source < graph.near))
    price = graph.cost[usable] / np.maximum(graph.length_m[usable], 0.001)
    # Tree edges are kept where a border would be dear; where it follows a road the tree is thin and easily cut.
    order = usable[np.argsort(rng.random(len(usable)) - roads * price, kind="stable")]
    visit, parent = kernel.grow_tree(graph.near, order, source, len(graph), int(rng.integers(len(graph))))
    below = kernel.weights_below(visit, parent, graph.weight)
    atom, share, off = _choose_place(graph, visit, below, number)
    return off, _mark_under(visit, parent, atom), share


def _choose_place(graph: Graph, visit: Ints, below: Floats, number: int) -> tuple[int, int, float]:
    """The node above which to cut, the number of grids below, and the worse side's deviation per grid."""
    whole = float(graph.weight.sum())
    each = max(whole / number, 1e-9)
    share = np.clip(np.rint(below[visit[1:]] / each), 1, number - 1)
    under = below[visit[1:]]
    off = np.maximum(np.abs(under / share - each), np.abs((whole - under) / (number - share) - each)) / each
    # Halves are better than one grid cut off a hundred: fewer levels, and no long thin rest.
    uneven = np.abs(share / number - 0.5)
    pick = int(np.argmin(off + 0.1 * uneven)) if number > 3 else int(np.argmin(off))
    return int(visit[1 + pick]), int(share[pick]), float(off[pick])


def _mark_under(visit: Ints, parent: Ints, top: int) -> NDArray[np.bool_]:
    inside = np.zeros(len(visit), dtype=bool)
    inside[top] = True
    for atom in visit.tolist():
        above = parent[atom]
        if above >= 0 and inside[above]:
            inside[atom] = True
    return inside
