"""The edges of polygons, and which of them are met by a neighbour or the frame.

When every edge of every (valid) polygon occurs exactly once in the other direction, in a neighbour or in the frame,
the oriented borders add up to the border of the frame, so the number of polygons over any point is the frame's
indicator: a proof of a perfect tiling by sorting, without computing one intersection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.plane import Floats

FRAME_ROW = -1
_MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # odd constants of splitmix64 (Steele 2014)


@dataclass(frozen=True)
class Edges:
    """Edges as arrays: the two ends in metres (smaller end first), the owner's row, and the side of the owner.

    `side` is +1 where the owner lies left of the way from `low` to `high`, else -1; for the frame it is turned round,
    so that a matched edge always sums to zero.
    """

    low: Floats
    high: Floats
    row: NDArray[np.intp]
    side: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.row)

    def select(self, mask: NDArray[np.bool_]) -> Edges:
        """The edges for which the mask is true."""
        return Edges(self.low[mask], self.high[mask], self.row[mask], self.side[mask])

    def with_owner(self, row: int) -> Edges:
        """The same edges as those of one owner."""
        return Edges(self.low, self.high, np.full(len(self), row, dtype=np.intp), self.side)

    def box(self) -> NDArray[np.float64]:
        """West, south, east and north of all edges; there must be one."""
        ends = np.concatenate([self.low, self.high])
        return np.concatenate([ends.min(axis=0), ends.max(axis=0)])

    def meets(self, box: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether the box of each edge has a point in common with a box given as west, south, east and north."""
        west, south, east, north = box
        low_y, high_y = np.minimum(self.low[:, 1], self.high[:, 1]), np.maximum(self.low[:, 1], self.high[:, 1])
        inside = (self.low[:, 0] <= east) & (self.high[:, 0] >= west) & (low_y <= north) & (high_y >= south)
        return np.asarray(inside)

    def lines(self) -> NDArray[np.object_]:
        """One LineString an edge."""
        return np.asarray(shapely.linestrings(np.stack([self.low, self.high], axis=1)), dtype=object)


def edges_of(polygons: NDArray[np.object_], rows: NDArray[np.intp]) -> Edges:
    """All edges of valid polygons (or multipolygons) with a length; `rows` names the owners."""
    parts, part_of = shapely.get_parts(polygons, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    xy, ring_of = shapely.get_coordinates(rings, return_index=True)
    if len(xy) < 2:
        nothing = np.empty((0, 2))
        return Edges(nothing, nothing, np.empty(0, np.intp), np.empty(0, np.int8))
    same = ring_of[1:] == ring_of[:-1]
    start, end, ring = xy[:-1][same] + 0.0, xy[1:][same] + 0.0, ring_of[:-1][same]
    left = _interior_is_left(xy, ring_of, start, end, ring, _is_shell(ring_part))
    return _make_canonical(start, end, rows[part_of[ring_part[ring]]], left)


def _is_shell(ring_part: NDArray[np.intp]) -> NDArray[np.bool_]:
    shell = np.ones(len(ring_part), dtype=bool)
    shell[1:] = ring_part[1:] != ring_part[:-1]
    return shell


def _interior_is_left(
    xy: Floats,
    ring_of: NDArray[np.intp],
    start: Floats,
    end: Floats,
    ring: NDArray[np.intp],
    shell: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    first = np.searchsorted(ring_of, np.arange(len(shell)))
    origin = xy[np.minimum(first, len(xy) - 1)][ring]  # near the ring, else 13 digits of x*y cancel
    (x0, y0), (x1, y1) = (start - origin).T, (end - origin).T
    doubled = np.bincount(ring, weights=x0 * y1 - x1 * y0, minlength=len(shell))
    return np.asarray(((doubled > 0) == shell)[ring])


def _make_canonical(start: Floats, end: Floats, row: NDArray[np.intp], left: NDArray[np.bool_]) -> Edges:
    backwards = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low = np.where(backwards[:, None], end, start)
    high = np.where(backwards[:, None], start, end)
    side = np.where(left ^ backwards, 1, -1).astype(np.int8)
    edges = Edges(low, high, row, side)
    real = (low != high).any(axis=1)
    return edges if real.all() else edges.select(real)


def frame_edges(frame: BaseGeometry | None) -> Edges:
    """The edges of the frame, seen from outside; none without a frame."""
    shapes = np.array([frame] if frame is not None else [], dtype=object)
    edges = edges_of(shapes, np.full(len(shapes), FRAME_ROW, dtype=np.intp))
    return Edges(edges.low, edges.high, edges.row, -edges.side)


def find_differing(one: BaseGeometry | None, other: BaseGeometry | None) -> Edges:
    """The edges that only one of two polygons has, in both together."""
    ours, theirs = frame_edges(one), frame_edges(other)
    both = join_edges(ours, Edges(theirs.low, theirs.high, theirs.row, -theirs.side))
    return both.select(mark_loose(both))


def join_edges(*several: Edges) -> Edges:
    """All the edges in one."""
    return Edges(
        np.concatenate([e.low for e in several]),
        np.concatenate([e.high for e in several]),
        np.concatenate([e.row for e in several]),
        np.concatenate([e.side for e in several]),
    )


def partners(edges: Edges) -> NDArray[np.intp]:
    """For each edge the index of the one edge that meets it from the other side, -1 where there is not just one."""
    found = np.full(len(edges), -1, dtype=np.intp)
    if not len(edges):
        return found
    order, starts = _group(np.ascontiguousarray(np.hstack([edges.low, edges.high])).view(np.uint64))
    first = np.flatnonzero(starts)
    twice = first[np.diff(np.append(first, len(order))) == 2]
    one, other = order[twice], order[twice + 1]
    met = edges.side[one] + edges.side[other] == 0
    found[one[met]], found[other[met]] = other[met], one[met]
    return found


def mark_loose(edges: Edges) -> NDArray[np.bool_]:
    """True for each edge that is not met exactly once by the same edge from the other side."""
    return partners(edges) < 0


def mark_loose_by_owner(edges: Edges) -> NDArray[np.bool_]:
    """True for each edge that is not met exactly once by the same edge of the same owner from the other side."""
    owner = edges.row.astype(np.uint64)
    bits = np.ascontiguousarray(np.hstack([edges.low, edges.high])).view(np.uint64)
    order = np.lexsort((*bits.T, owner))
    table = np.column_stack([bits, owner])[order]
    starts = np.ones(len(table), dtype=bool)
    starts[1:] = (table[1:] != table[:-1]).any(axis=1)
    group = np.cumsum(starts) - 1
    net = np.bincount(group, weights=edges.side[order])
    out = np.empty(len(edges), dtype=bool)
    out[order] = ((np.bincount(group) != 2) | (net != 0))[group]
    return out


def _group(bits: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    key = _hash(bits)
    order = np.argsort(key)
    starts, collided = _starts(key[order], bits[order])
    if collided:
        order = np.lexsort(bits.T)
        starts, _ = _starts(np.zeros(len(bits), np.uint64), bits[order])
    return order, starts


def _starts(key: NDArray[np.uint64], bits: NDArray[np.uint64]) -> tuple[NDArray[np.bool_], bool]:
    differs = (bits[1:] != bits[:-1]).any(axis=1)
    starts = np.ones(len(key), dtype=bool)
    starts[1:] = differs
    return starts, bool((differs & (key[1:] == key[:-1])).any())


def _hash(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    key = bits[:, 0] * np.uint64(_MIX[0])
    for column in range(1, 4):
        key = (key ^ (key >> np.uint64(31))) + bits[:, column]
        key = key * np.uint64(_MIX[column % 3])
    return np.asarray(key ^ (key >> np.uint64(29)))
