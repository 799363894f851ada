"""Grids that are out of tolerance after the search, divided anew together with their neighbours.

A search over thousands of atoms spends little on each place. Where heavy buildings stand close together only some
arrangements fit, and often one grid more or less than the region's share: so the grids around each one that is out are
dissolved and searched on their own, with every number of grids that their weight allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tiling.divide.annealing import SearchRegion, Stop, anneal_region, state_of, total_cost
from tiling.divide.graph import Graph
from tiling.divide.kernels import Goal, SearchKernel
from tiling.divide.site import Floats
from tiling.divide.trees import bisect
from tiling.divide.wishes import Wishes

Ints = NDArray[np.intp]
PASSES = 9
SHARE = 0.02
"""Of the moves of a whole search: about 8,000 for a neighbourhood, which has some fifty atoms."""
WIDE = 1.0
"""The first temperature, about the cost of a grid: on so little ground a hot search finds what there is."""


@dataclass(frozen=True, eq=False)
class Mender:
    """What mending needs beside the partition."""

    region: SearchRegion
    goal: Goal
    wishes: Wishes
    kernel: SearchKernel

    @property
    def recounts(self) -> bool:
        """Whether the number of grids is free: nobody asked for one, and no grid is today's or an office's."""
        return self.wishes.grids is None and self.region.start is None


def mend_grids(mender: Mender, part: Ints, *, rng: np.random.Generator, should_stop: Stop) -> tuple[Ints, float]:
    """The partition with the neighbourhoods of its grids out of tolerance divided anew, and its cost."""
    part = part.copy()
    for round_ in range(PASSES):
        better = False
        for bad in _find_out_of_tolerance(mender, part):
            if should_stop():
                break
            if bad not in _find_out_of_tolerance(mender, part):
                continue
            held = _neighbourhood(mender.region.graph, part, bad, rings=1 + round_ % 3)
            better = _divide_anew(mender, part, held, rng) or better
        if should_stop() or (round_ % 3 == 2 and not better):
            break
    part = np.unique(part, return_inverse=True)[1].ravel().astype(np.intp)
    region = replace(mender.region, seeds=_seeds(mender.region, np.arange(int(part.max()) + 1)))
    return part, total_cost(region, mender.goal, state_of(region, part))


def _find_out_of_tolerance(mender: Mender, part: Ints) -> list[int]:
    """The parts that are out, the worst first."""
    weight = np.bincount(part, weights=mender.region.graph.weight)
    off = np.where(np.bincount(part) > 0, np.abs(weight / mender.goal.target - 1), 0.0)
    bad = np.flatnonzero(off > mender.wishes.tolerance + 1e-9)
    return [int(one) for one in bad[np.argsort(-off[bad], kind="stable")]]


def _neighbourhood(graph: Graph, part: Ints, middle: int, *, rings: int) -> Ints:
    """The atoms of a part and of those around it, sorted."""
    source = graph.sources()
    inside = part == middle
    for _ in range(rings):
        beside = np.unique(part[graph.near[graph.on_foot & inside[source]]])
        inside = inside | np.isin(part, beside)
    return np.flatnonzero(inside).astype(np.intp)


def _divide_anew(mender: Mender, part: Ints, held: Ints, rng: np.random.Generator) -> bool:
    """Whether a better division of these atoms was found; it is written into `part`."""
    used, now = np.unique(part[held], return_inverse=True)
    now = now.ravel().astype(np.intp)
    region = _cut_out(mender.region, held, used)
    lowest, best = total_cost(region, mender.goal, state_of(region, now)) - 1e-6, None
    for start in _starts(mender, region, now, len(used), rng):
        found, cost = anneal_region(
            region, mender.goal, start, effort=SHARE * mender.wishes.effort, rng=rng, should_stop=lambda: False,
            progress=lambda _share: None, kernel=mender.kernel, heat=WIDE,
        )  # fmt: skip
        if cost < lowest:
            lowest, best = cost, found
    if best is None:
        return False
    fresh = np.arange(int(best.max()) + 1) - len(used) + int(part.max()) + 1
    fresh[: len(used)] = used[: len(fresh)]
    part[held] = fresh[best]
    return True


def _starts(mender: Mender, region: SearchRegion, now: Ints, count: int, rng: np.random.Generator) -> Iterator[Ints]:
    """The division as it is, and new ones into as many grids as the weight allows within tolerance."""
    yield now
    if not mender.recounts:
        return
    whole = float(region.graph.weight.sum()) / mender.goal.target
    least, most = int(np.ceil(whole / (1 + mender.wishes.tolerance))), int(whole / (1 - mender.wishes.tolerance))
    for number in (count, count - 1, count + 1):
        if max(least, 1) <= number <= min(most, len(now)):
            yield bisect(region.graph, number, rng=rng, kernel=mender.kernel, roads=1.0)


def _cut_out(region: SearchRegion, held: Ints, used: Ints) -> SearchRegion:
    """The same region with these atoms alone, its parts numbered as in `used`."""
    number = np.full(max(int(region.today.max(initial=-1)), int(used.max())) + 2, -1, dtype=np.intp)
    number[used] = np.arange(len(used))
    return SearchRegion(
        region.graph.part(held), len(used), number[region.today[held]], region.fixed[held], region.places[held],
        _seeds(region, used),
    )  # fmt: skip


def _seeds(region: SearchRegion, used: Ints) -> Floats:
    """The offices of these parts, and none for one part more; where the number is free nobody has an office."""
    seeds = np.full((len(used) + 1, 2), np.nan)
    if not np.isnan(region.seeds).all():
        seeds[:-1] = region.seeds[used]
    return seeds
