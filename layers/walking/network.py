"""Ways on foot along the roads of a city, in memory: how far it is from a place to many others.

    network = Network.of(lines, barriers=water_and_rails)        shapes in metres of the city's CRS
    stands = network.snap(x, y)                                   kept as long as nobody moves
    network.distances((at_x, at_y), x, y, stands)                 metres, NaN where no way is known, infinity for none

Roads are joined where they meet and are parts of a graph from crossing to crossing; whoever stands beside a road walks
straight to its nearest point, but not through water or over a railway. A bridge is a road across water, so rivers part
the ways by themselves. Flyovers are joined with what they cross: for who walks there mostly are stairs, and plain road
data do not tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Road ends that are this near are meant to meet.
JOINED_M = 0.5
# Farther from every road than this, a way along roads says nothing.
MOST_ASIDE_M = 500.0
# Nearer than a position is right, the road is where one stands: on a bridge one is not in the water.
ON_THE_ROAD_M = 10.0
# How many roads are tried, from the nearest one, until one is on this side of the water.
MOST_TRIED = 12
NOWHERE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Stands:
    """Where the ways begin: per place the edge (NOWHERE without one), metres along it, and metres beside it."""

    edge: Ints
    along: Floats
    aside: Floats

    def with_others(self, rows: Ints, others: Stands) -> Stands:
        """The same with others in these rows."""
        edge, along, aside = self.edge.copy(), self.along.copy(), self.aside.copy()
        edge[rows], along[rows], aside[rows] = others.edge, others.along, others.aside
        return Stands(edge, along, aside)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Edges from crossing to crossing, with the nodes at their ends; `lengths` are metres."""

    edges: NDArray[np.object_]
    starts: Ints
    ends: Ints
    lengths: Floats
    tree: shapely.STRtree
    ways: Any
    barriers: shapely.Geometry | None

    @staticmethod
    def of(lines: Sequence[shapely.Geometry], *, barriers: Sequence[shapely.Geometry] = ()) -> Network | None:
        """The network of these lines, polygons and lines as barriers, all in metres; None where there are no lines."""
        joined = shapely.line_merge(shapely.union_all(np.asarray(lines, dtype=object), grid_size=JOINED_M))
        edges = np.asarray([one for one in shapely.get_parts(joined) if not one.is_empty], dtype=object)
        if not len(edges):
            return None
        lengths = shapely.length(edges)
        ends = np.vstack([shapely.get_coordinates(shapely.get_point(edges, at)) for at in (0, -1)])
        _, nodes = np.unique(ends, axis=0, return_inverse=True)
        start, end = nodes.reshape(2, -1).astype(np.int64)
        wall = shapely.union_all(np.asarray(barriers, dtype=object)) if len(barriers) else None
        if wall is not None:
            shapely.prepare(wall)
        return Network(edges, start, end, lengths, shapely.STRtree(edges), _ways(start, end, lengths), wall)

    def snap(self, x: Floats, y: Floats) -> Stands:
        """Where the ways of these places begin; NaN is nowhere."""
        edge = np.full(len(x), NOWHERE, dtype=np.int64)
        along, aside = np.zeros(len(x)), np.full(len(x), np.inf)
        known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        points = shapely.points(x[known], y[known])
        row, found = self.tree.query_nearest(points, max_distance=MOST_ASIDE_M, all_matches=False)
        here = known[row]
        edge[here] = found
        along[here], aside[here] = self._measure_along(shapely.points(x[here], y[here]), found)
        for at in here[self._is_parted(x[here], y[here], edge[here], along[here], aside[here])]:
            edge[at], along[at], aside[at] = self._snap_on_this_side(float(x[at]), float(y[at]))
        return Stands(edge, along, aside)

    def distances(self, place: tuple[float, float], x: Floats, y: Floats, stands: Stands) -> Floats:
        """Metres on foot between a place and each of others, whose ways begin at `stands`.

        NaN where the roads do not tell and nothing lies between; infinity where they do not and something does.
        """
        here = self.snap(np.array([place[0]]), np.array([place[1]]))
        straight = np.hypot(x - place[0], y - place[1])
        if here.edge[0] == NOWHERE:
            return np.where(self._is_open(place, x, y, straight, straight), np.nan, np.inf)
        edge, along, aside = stands.edge, stands.along, stands.aside
        to_node = self._to_nodes(int(here.edge[0]), float(here.along[0]))
        both = to_node[self.starts[edge]] + along, to_node[self.ends[edge]] + self.lengths[edge] - along
        on_road = np.minimum(*both)
        same = edge == here.edge[0]
        on_road[same] = np.minimum(on_road[same], np.abs(along[same] - here.along[0]))
        metres = on_road + aside + here.aside[0]
        unknown = (edge == NOWHERE) | ~np.isfinite(metres)
        metres[unknown] = np.where(
            self._is_open(place, x[unknown], y[unknown], *2 * (straight[unknown],)), np.nan, np.inf
        )
        # Over a yard one does not go out to the road and back.
        beside = self._is_open(place, x, y, straight, np.where(edge == NOWHERE, -1.0, aside + here.aside[0]))
        return np.where(beside, straight, metres)

    def _to_nodes(self, edge: int, along: float) -> Floats:
        """Metres from a point of an edge to every node."""
        start, end = int(self.starts[edge]), int(self.ends[edge])
        from_start, from_end = dijkstra(self.ways, indices=[start, end])
        return np.asarray(np.minimum(from_start + along, from_end + float(self.lengths[edge]) - along))

    def _measure_along(self, points: NDArray[np.object_], edge: Ints) -> tuple[Floats, Floats]:
        lines = self.edges[edge]
        return shapely.line_locate_point(lines, points), shapely.distance(lines, points)

    def _is_parted(self, x: Floats, y: Floats, edge: Ints, along: Floats, aside: Floats) -> NDArray[np.bool_]:
        """Whether a barrier lies between these places and where their ways begin."""
        if self.barriers is None or not len(x):
            return np.zeros(len(x), dtype=np.bool_)
        feet = shapely.get_coordinates(shapely.line_interpolate_point(self.edges[edge], along))
        steps = shapely.linestrings(np.stack([np.column_stack([x, y]), feet], axis=1))
        return np.asarray((aside > ON_THE_ROAD_M) & shapely.intersects(self.barriers, steps))

    def _snap_on_this_side(self, x: float, y: float) -> tuple[int, float, float]:
        point = shapely.Point(x, y)
        near = self.tree.query(point, predicate="dwithin", distance=MOST_ASIDE_M)
        near = near[np.argsort(shapely.distance(self.edges[near], point), kind="stable")][:MOST_TRIED]
        along, aside = self._measure_along(np.full(len(near), point), near)
        many = np.full(len(near), x), np.full(len(near), y)
        free = np.flatnonzero(~self._is_parted(*many, near, along, aside))
        return (
            (int(near[free[0]]), float(along[free[0]]), float(aside[free[0]])) if len(free) else (NOWHERE, 0.0, np.inf)
        )

    def _is_open(
        self, place: tuple[float, float], x: Floats, y: Floats, straight: Floats, most: Floats
    ) -> NDArray[np.bool_]:
        """Whether the straight line is no longer than `most` and nothing lies across it."""
        free = straight <= most
        if self.barriers is not None and free.any():
            ends = np.column_stack([x[free], y[free]])
            steps = shapely.linestrings(np.stack([np.broadcast_to(place, ends.shape), ends], axis=1))
            free[free] = ~shapely.intersects(self.barriers, steps) | (straight[free] <= ON_THE_ROAD_M)
        return np.asarray(free)


def _ways(start: Ints, end: Ints, lengths: Floats) -> Any:
    """The graph, both ways; of several edges between two nodes the shortest."""
    one, other = np.concatenate([start, end]), np.concatenate([end, start])
    metres = np.concatenate([lengths, lengths])
    order = np.lexsort((metres, other, one))
    one, other, metres = one[order], other[order], metres[order]
    first = np.append(True, (one[1:] != one[:-1]) | (other[1:] != other[:-1]))
    count = int(max(one.max(), other.max())) + 1
    return csr_array((metres[first], (one[first], other[first])), shape=(count, count))
