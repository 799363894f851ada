"""The weighted dual graph: atoms with weight, area and outline, and what lies between each two that touch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from tiling.divide.blocks import Blocks
from tiling.divide.faces import OUTSIDE, FaceSet
from tiling.divide.site import BORDER_COST, Floats, Kind
from tiling.divide.units import Units

Ints = NDArray[np.intp]
NECK_M = 2.0
"""Atoms that share less than this are not connected there: nobody walks through such a gap, and it looks torn."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Atoms 0 … n−1 and their neighbours in rows: those of atom i stand in `near[first[i]:first[i+1]]`.

    `length_m` and `cost` (metres that a planner minds) belong to the shared border, `on_foot` says whether people
    cross it. `rim_m` is the length of an atom's border with what is not in the graph.
    """

    weight: Floats
    area_m2: Floats
    rim_m: Floats
    first: Ints
    near: Ints
    length_m: Floats
    cost: Floats
    on_foot: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.weight)

    def part(self, atoms: Ints) -> Graph:
        """The graph of these atoms alone (sorted), numbered anew; borders with others become rim."""
        number = np.full(len(self), -1, dtype=np.intp)
        number[atoms] = np.arange(len(atoms))
        source = self.sources()
        mine = number[source] >= 0
        kept = mine & (number[self.near] >= 0)
        lost = mine & ~kept
        rim = self.rim_m[atoms] + np.bincount(number[source[lost]], weights=self.length_m[lost], minlength=len(atoms))
        first = np.r_[0, np.cumsum(np.bincount(number[source[kept]], minlength=len(atoms)))].astype(np.intp)
        return Graph(
            self.weight[atoms],
            self.area_m2[atoms],
            rim,
            first,
            number[self.near[kept]],
            self.length_m[kept],
            self.cost[kept],
            self.on_foot[kept],
        )

    def sources(self) -> Ints:
        """The atom each entry of `near` is a neighbour of."""
        return np.repeat(np.arange(len(self), dtype=np.intp), np.diff(self.first))


@dataclass(frozen=True, eq=False)
class Atoms:
    """What is known of each atom beside the graph: its area (community), whether it is water, its unit, a place."""

    area: Ints
    water: NDArray[np.bool_]
    unit: Ints
    empty_block: NDArray[np.bool_]
    place: Floats


def build_graph(faces: FaceSet, units: Units, blocks: Blocks, home: Ints) -> tuple[Graph, Atoms]:
    """The graph of all atoms, and what they are; atoms of different areas are no neighbours."""
    count = int(faces.atom.max()) + 1 if len(faces.atom) else 0
    area_m2: Floats = np.bincount(faces.atom, weights=shapely.area(faces.shapes), minlength=count).astype(float)
    block_weight = np.bincount(home[home >= 0], weights=units.weights[home >= 0], minlength=len(blocks.shapes))
    block_units = np.bincount(home[home >= 0], minlength=len(blocks.shapes))
    largest = _find_largest_face(faces, count)
    block = faces.block[largest]
    unit = _find_standing_units(faces, units, count)
    weight = np.where(faces.unit[largest] < 0, block_weight[block], 0.0)
    stands = unit >= 0
    weight[stands] = units.weights[unit[stands]]
    _add_homeless(weight, faces, units, np.setdiff1d(np.flatnonzero(home >= 0), unit[stands]))
    centre = shapely.get_coordinates(shapely.point_on_surface(faces.shapes[largest]))
    empty = (block_units[block] == 0) & ~blocks.water[block]
    graph = _graph(faces, blocks, weight, area_m2)
    return graph, Atoms(blocks.areas[block], blocks.water[block], unit, empty, centre)


def _add_homeless(weight: Floats, faces: FaceSet, units: Units, lost: Ints) -> None:
    """Give the weight of a unit without an atom (noding took its cell) to the atom under its inner point."""
    if not len(lost):
        return
    points = shapely.point_on_surface(units.shapes[lost])
    row, face = shapely.STRtree(faces.shapes).query(points, predicate="intersects")
    first = np.unique(row, return_index=True)[1]
    row, face = row[first], face[first]
    opened = faces.unit[face] >= 0
    np.add.at(weight, faces.atom[face[opened]], units.weights[lost[row[opened]]])


def _find_largest_face(faces: FaceSet, count: int) -> Ints:
    order = np.lexsort((shapely.area(faces.shapes), faces.atom))
    largest = np.zeros(count, dtype=np.intp)
    largest[faces.atom[order]] = order
    return largest


def _find_standing_units(faces: FaceSet, units: Units, count: int) -> Ints:
    """The unit that stands on each atom: only one of the atoms a unit owns holds it, the others are its odd ends."""
    unit = np.full(count, -1, dtype=np.intp)
    owned = np.flatnonzero(faces.unit >= 0)
    inner = shapely.point_on_surface(units.shapes)
    tree = shapely.STRtree(faces.shapes[owned])
    which, face = tree.query(inner, predicate="intersects")
    face = owned[face]
    mine = faces.unit[face] == which
    unit[faces.atom[face[mine]]] = which[mine]
    missing = np.setdiff1d(np.unique(faces.unit[owned]), unit)
    for lost in missing.tolist():
        # A unit whose inner point lies on an edge, or in a neighbour that overlaps it a little: its largest face.
        own = np.flatnonzero(faces.unit == lost)
        unit[faces.atom[own[np.argmax(shapely.area(faces.shapes[own]))]]] = lost
    return unit


def _graph(faces: FaceSet, blocks: Blocks, weight: Floats, area_m2: Floats) -> Graph:
    edges = faces.edges
    count = len(weight)
    one = faces.atom[edges.left]
    other = np.where(edges.right == OUTSIDE, -1, faces.atom[edges.right])
    rim: Floats = np.bincount(one[other < 0], weights=edges.length_m[other < 0], minlength=count).astype(float)
    apart = (other >= 0) & (one != other)
    foreign = apart & (edges.kinds == Kind.frame)
    for side in (one, other):
        rim = rim + np.bincount(side[foreign], weights=edges.length_m[foreign], minlength=count)
    inner = np.flatnonzero(apart & ~foreign)
    pairs = np.concatenate([one[inner], other[inner]]), np.concatenate([other[inner], one[inner]])
    kinds, length = np.tile(edges.kinds[inner], 2), np.tile(edges.length_m[inner], 2)
    wet = blocks.water[faces.block]
    dry = ~(wet[edges.left[inner]] | wet[edges.right[inner]])
    walked = np.where((kinds != Kind.barrier) & np.tile(dry, 2), length, 0.0)
    key, row = np.unique(pairs[0] * count + pairs[1], return_inverse=True)
    row = row.ravel()
    total: Floats = np.bincount(row, weights=length, minlength=len(key)).astype(float)
    cost: Floats = np.bincount(row, weights=length * BORDER_COST[kinds], minlength=len(key)).astype(float)
    on_foot = np.bincount(row, weights=walked, minlength=len(key)) >= NECK_M
    source, near = key // count, key % count
    first = np.r_[0, np.cumsum(np.bincount(source, minlength=count))].astype(np.intp)
    return Graph(weight, area_m2, rim, first, near.astype(np.intp), total, cost, on_foot)
