"""Small communities: our search beside the optimum that CP-SAT proves, on the same objective without squares."""

from __future__ import annotations

import subprocess

import numpy as np

from bench.divide_peers import Peers
from tiling.divide import Site, Wishes
from tiling.divide.annealing import SearchRegion, anneal_region, make_linear_goal, state_of, total_cost
from tiling.divide.graph import Graph
from tiling.divide.ground import prepare
from tiling.divide.kernels import choose_fastest
from tiling.divide.search import HEATS
from tiling.divide.trees import bisect

COMMUNITIES, SECONDS = 12, 60.0
SIZES = (20, 60)


def small_communities(peers: Peers, site: Site, *, target: float = 300.0) -> None:
    """Prints the gaps of communities cut out of a ground, 20 to 60 building cells each."""
    ground = prepare(site, Wishes(target=60.0), target=60.0)
    rng = np.random.default_rng(4)
    gaps: list[float] = []
    proven = 0
    for _ in range(COMMUNITIES):
        graph = _community(ground.graph, int(rng.integers(*SIZES)), rng)
        count = max(2, min(round(float(graph.weight.sum()) / target), 5))
        each = float(graph.weight.sum()) / count
        border = 0.5 / float(np.sqrt(graph.area_m2.sum() / count))
        try:
            answer = peers.cut("optimum", graph, count, target=each, border=border, seconds=SECONDS)
        except subprocess.SubprocessError as failed:
            print(f"CP-SAT gave no answer, {failed}")
            continue
        if not answer["parts"]:
            print("CP-SAT found no connected answer in its time")
            continue
        best = _cost(graph, np.array(answer["parts"]), each, border)
        own = _ours(graph, count, each, border)
        proven += answer["optimal"]
        gaps.append(100 * (own / best - 1) if best else 0.0)
        print(
            f"{len(graph)} cells in {count}, ours {own:.4f}, CP-SAT {best:.4f}",
            "(proven)" if answer["optimal"] else "",
        )
    if gaps:
        print(f"small communities, proven optima: {proven} of {len(gaps)}")
        print(f"small communities, median gap: {np.median(gaps):.2f} %")
        print(f"small communities, worst gap: {np.max(gaps):.2f} %")


def _community(graph: Graph, size: int, rng: np.random.Generator) -> Graph:
    """A connected piece of so many atoms, grown from a random one."""
    held = [int(rng.choice(np.flatnonzero(graph.weight > 0)))]
    for atom in held:
        rows = slice(int(graph.first[atom]), int(graph.first[atom + 1]))
        near = graph.near[rows][graph.on_foot[rows]]
        held += [int(other) for other in near if other not in held]
        if len(held) >= size:
            break
    return graph.part(np.sort(np.array(held[:size], dtype=np.intp)))


def _ours(graph: Graph, count: int, target: float, border: float) -> float:
    region, goal, rng = _region(graph, count), make_linear_goal(target, border), np.random.default_rng(1)
    best = float("inf")
    for heat in HEATS:
        start = bisect(graph, count, rng=rng, kernel=choose_fastest(), roads=1.0)
        part, _ = anneal_region(
            region, goal, start, effort=0.5, rng=rng, should_stop=lambda: False, progress=lambda _: None,
            kernel=choose_fastest(), heat=heat / 2,
        )  # fmt: skip
        best = min(best, _cost(graph, part, target, border))
    return best


def _cost(graph: Graph, part: np.ndarray, target: float, border: float) -> float:
    region = _region(graph, int(part.max()) + 1)
    return float(total_cost(region, make_linear_goal(target, border), state_of(region, part.astype(np.intp))))


def _region(graph: Graph, count: int) -> SearchRegion:
    nothing = np.full(len(graph), -1, dtype=np.intp)
    nowhere = np.zeros((len(graph), 2))
    return SearchRegion(graph, count, nothing, np.zeros(len(graph), dtype=bool), nowhere, np.full((count, 2), np.nan))
