"""The way itself between two places, as a line for a map: the one whose length `Network.distances` tells.

trace_way(network, (x, y), (other_x, other_y))        metres of the city's CRS
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra
from shapely.ops import substring

from layers.walking.network import NOWHERE, Floats, Network, Stands

Spot = tuple[float, float]


class WayKind(enum.StrEnum):
    """How a way came about: along roads, straight over open ground, or a straight line for want of a better one."""

    roads = "roads"
    yard = "yard"
    # Nothing is known of roads here, or both places are far from every one.
    no_roads = "no_roads"
    # Water or rails lie between, and no stored road leads over.
    no_way = "no_way"


@dataclass(frozen=True, slots=True)
class WalkedWay:
    """A way from a place to another one: `line` has a row per point in metres, from the place on.

    `aside_m` is how far the place and the other lie beside the roads where their ways begin; None without roads.
    """

    kind: WayKind
    line: Floats
    length_m: float
    straight_m: float
    aside_m: tuple[float, float] | None = None


def trace_way(network: Network | None, place: Spot, other: Spot) -> WalkedWay:
    """The way on foot; a straight line, which says so, where the stored roads do not tell one."""
    straight = np.asarray([place, other], dtype=np.float64)
    straight_m = float(np.hypot(*(straight[1] - straight[0])))
    if network is None:
        return WalkedWay(WayKind.no_roads, straight, straight_m, straight_m)
    ends = network.snap(*straight.T.copy())
    [told_m] = network.distances(place, straight[1:, 0], straight[1:, 1], network.snap(*straight[1:].T.copy()))
    if not np.isfinite(told_m):
        kind = WayKind.no_roads if np.isnan(told_m) else WayKind.no_way
        return WalkedWay(kind, straight, straight_m, straight_m)
    aside = None if NOWHERE in ends.edge else (float(ends.aside[0]), float(ends.aside[1]))
    if aside is None or told_m <= straight_m:
        return WalkedWay(WayKind.yard, straight, straight_m, straight_m, aside)
    on_road = _line_along(network, ends)
    line = np.vstack([straight[:1], on_road, straight[1:]])
    return WalkedWay(WayKind.roads, line, float(told_m), straight_m, aside)


def _line_along(network: Network, ends: Stands) -> Floats:
    """The points of the shortest way between two places on roads."""
    (edge, last_edge), (along, last_along) = ends.edge.tolist(), ends.along.tolist()
    starts = int(network.starts[edge]), int(network.ends[edge])
    metres, before = dijkstra(network.ways, indices=list(starts), return_predecessors=True)
    out_m = np.array([along, float(network.lengths[edge]) - along])
    goals = [int(network.starts[last_edge]), int(network.ends[last_edge])]
    in_m = np.array([last_along, float(network.lengths[last_edge]) - last_along])
    whole = out_m[:, None] + metres[:, goals] + in_m[None, :]
    out, back = np.unravel_index(int(whole.argmin()), whole.shape)
    if edge == last_edge and abs(last_along - along) <= whole[out, back]:
        return _cut_between(network, edge, along, last_along)
    nodes = [goals[back]]
    while nodes[-1] != starts[out]:
        nodes.append(int(before[out, nodes[-1]]))
    nodes.reverse()
    far = 0.0, float(network.lengths[edge])
    last_far = 0.0, float(network.lengths[last_edge])
    parts = [_cut_between(network, edge, along, far[out])]
    parts += [_follow_edge(network, one, next_) for one, next_ in pairwise(nodes)]
    parts.append(_cut_between(network, last_edge, last_far[back], last_along))
    return np.vstack(parts)


def _follow_edge(network: Network, start: int, end: int) -> Floats:
    """The points of the shortest edge from one node to the next."""
    there = np.flatnonzero((network.starts == start) & (network.ends == end))
    back = np.flatnonzero((network.starts == end) & (network.ends == start))
    every = np.concatenate([there, back])
    edge = int(every[network.lengths[every].argmin()])
    points = shapely.get_coordinates(network.edges[edge])
    return points if network.starts[edge] == start else points[::-1]


def _cut_between(network: Network, edge: int, since: float, until: float) -> Floats:
    return shapely.get_coordinates(substring(network.edges[edge], since, until))
