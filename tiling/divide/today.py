"""Today's grids as a start: which of them each atom belongs to, made whole where the atoms tear one apart."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from tiling.divide.graph import Graph
from tiling.divide.ground import SiteGround
from tiling.divide.units import number_groups

Ints = NDArray[np.intp]


def today_of_atoms(ground: SiteGround) -> Ints:
    """The row of today's grid of each atom by its place, −1 where there is none."""
    shapes = np.array(list(ground.site.today.values()), dtype=object)
    out = np.full(len(ground.graph), -1, dtype=np.intp)
    places = np.asarray(shapely.points(ground.atoms.place), dtype=object)
    stands = np.flatnonzero(ground.atoms.unit >= 0)
    # Where a house stands decides, not where its yard has most room.
    places[stands] = shapely.point_on_surface(ground.units.shapes[ground.atoms.unit[stands]])
    atom, grid = STRtree(shapes).query(places, predicate="intersects")
    out[atom[::-1]] = grid[::-1]
    return out


def heal(graph: Graph, today: Ints) -> tuple[Ints, Ints]:
    """A first partition where each part is connected, and today's part of each atom in the same numbers (−1: none).

    Of a grid in several pieces the heaviest stays it; the others, and ground without a grid, join a neighbour.
    """
    used, numbered = np.unique(today[today >= 0], return_inverse=True)
    homes = np.full(len(today), -1, dtype=np.intp)
    homes[today >= 0] = numbered.ravel()
    source = graph.sources()
    same = graph.on_foot & (homes[source] == homes[graph.near]) & (homes[source] >= 0)
    group = number_groups(len(graph), source[same], graph.near[same])
    size = np.bincount(group, weights=graph.weight + 1e-6 * graph.area_m2)
    start = np.full(len(today), -1, dtype=np.intp)
    for part in range(len(used)):
        groups = np.unique(group[homes == part])
        start[group == groups[np.argmax(size[groups])]] = part
    _fill(graph, start)
    used_parts, start_numbers = np.unique(start, return_inverse=True)
    renumber = np.full(max(len(used), 1), -1, dtype=np.intp)
    renumber[used_parts] = np.arange(len(used_parts))
    return start_numbers.ravel().astype(np.intp), np.where(homes >= 0, renumber[np.maximum(homes, 0)], -1)


def _fill(graph: Graph, start: Ints) -> None:
    source = graph.sources()
    while (start < 0).any():
        ready = np.flatnonzero(graph.on_foot & (start[source] < 0) & (start[graph.near] >= 0))
        if not len(ready):
            return
        order = ready[np.argsort(graph.length_m[ready], kind="stable")]
        start[source[order]] = start[graph.near[order]]
