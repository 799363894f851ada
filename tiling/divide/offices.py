"""Parts grown around offices: the start of a division where every grid wants its own seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from shapely import STRtree

from tiling.divide.graph import Graph
from tiling.divide.ground import SiteGround
from tiling.divide.site import Floats

Ints = NDArray[np.intp]


def seed_atoms(ground: SiteGround) -> Ints:
    """The atom each seed of the site stands on, without those that stand outside."""
    seeds = ground.site.seeds
    if not len(seeds):
        return np.empty(0, dtype=np.intp)
    seed, face = STRtree(ground.faces.shapes).query(seeds, predicate="intersects")
    return np.unique(ground.faces.atom[face[np.unique(seed, return_index=True)[1]]])


def grow_parts(graph: Graph, seeds: Ints, places: Floats) -> Ints:
    """The part 0 … of each atom, grown from the seeds on foot: the lightest next, by the atom nearest to its seed."""
    part = np.full(len(graph), -1, dtype=np.intp)
    part[seeds] = np.arange(len(seeds))
    weight = graph.weight[seeds].astype(float)
    borders = [_find_free_beside(graph, part, atom) for atom in seeds.tolist()]
    growing = set(range(len(seeds)))
    while growing:
        k = min(growing, key=lambda p: (weight[p], p))
        borders[k] = {atom for atom in borders[k] if part[atom] < 0}
        if not borders[k]:
            growing.discard(k)
            continue
        free = np.array(sorted(borders[k]))
        atom = int(free[np.argmin(np.hypot(*(places[free] - places[seeds[k]]).T))])
        part[atom] = k
        weight[k] += graph.weight[atom]
        borders[k] |= _find_free_beside(graph, part, atom)
    return part


def _find_free_beside(graph: Graph, part: Ints, atom: int) -> set[int]:
    rows = slice(int(graph.first[atom]), int(graph.first[atom + 1]))
    near = graph.near[rows][graph.on_foot[rows]]
    return set(near[part[near] < 0].tolist())
