"""Faces: everything that all lines together enclose, each with its owner, and the edges between them.

One noding of all lines and one polygonize: whatever is dissolved from these faces is a coverage by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from tiling.divide.blocks import ON_LINE_M, Blocks
from tiling.divide.site import Floats, Geometries, Kind
from tiling.divide.units import Units, number_groups
from tiling.plane import LATTICE_M, lattice_keys

Ints = NDArray[np.intp]
OUTSIDE = -1


@dataclass(frozen=True, eq=False)
class FaceEdges:
    """Edges of faces: both ends in metres (n × 2 × 2), the face on either side (OUTSIDE where none), length, kind."""

    ends: Floats
    left: Ints
    right: Ints
    length_m: Floats
    kinds: Ints


@dataclass(frozen=True, eq=False)
class FaceSet:
    """The faces, the block and the atom of each (an atom is what moves between grids as a whole), and their edges."""

    shapes: Geometries
    block: Ints
    atom: Ints
    unit: Ints
    edges: FaceEdges


def build_faces(
    blocks: Blocks, units: Units, *, home: Ints, opened: NDArray[np.bool_], inner_lines: Geometries
) -> FaceSet:
    """The faces of block borders and cell lines; a face inside a unit is the unit's, another one the nearest unit's."""
    rims = shapely.get_parts(shapely.boundary(blocks.shapes))
    noded = shapely.union_all(np.concatenate([rims, inner_lines]), grid_size=LATTICE_M)
    shapes = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.point_on_surface(shapes)
    block = np.full(len(shapes), -1, dtype=np.intp)
    face, inside = STRtree(blocks.shapes).query(inner, predicate="intersects")
    block[face] = inside
    kept = block >= 0
    shapes, inner, block = shapes[kept], inner[kept], block[kept]
    unit = _units_of(shapes, inner, block, units, home, opened)
    edges = _edges(shapes, block, blocks)
    return FaceSet(shapes, block, _atoms_of(block, unit, edges), unit, edges)


def _units_of(
    shapes: Geometries, inner: Geometries, block: Ints, units: Units, home: Ints, opened: NDArray[np.bool_]
) -> Ints:
    """The unit of each face in an opened block, −1 for a whole block."""
    owner = np.full(len(inner), -1, dtype=np.intp)
    stands = np.flatnonzero((home >= 0) & opened[np.maximum(home, 0)])
    faces = np.flatnonzero(opened[block])
    if not len(stands) or not len(faces):
        return owner
    tree = STRtree(units.shapes[stands])
    face, near = tree.query_nearest(inner[faces], all_matches=False)
    owner[faces[face]] = stands[near]
    _settle_ties(owner, shapes, faces, inner, stands, units, tree)
    # The nearest unit may stand across the street: then the nearest of the face's own block.
    astray = faces[home[owner[faces]] != block[faces]]
    order = stands[np.argsort(home[stands], kind="stable")]
    first = np.searchsorted(home[order], block[astray], side="left")
    last = np.searchsorted(home[order], block[astray], side="right")
    for row, low, high in zip(astray.tolist(), first.tolist(), last.tolist(), strict=True):
        own = order[low:high]
        owner[row] = own[int(np.argmin(shapely.distance(inner[row], units.shapes[own])))]
    return owner


def _settle_ties(
    owner: Ints, shapes: Geometries, faces: Ints, inner: Geometries, stands: Ints, units: Units, tree: STRtree
) -> None:
    """Where two units are as near to a face as the lattice can tell, the one that covers more of it has it: the inner
    point of a sliver inside a wall may lie in the neighbour that leans on this wall."""
    face, near = tree.query(inner[faces], predicate="dwithin", distance=LATTICE_M)
    tied = np.bincount(face, minlength=len(faces))[face] > 1
    face, near = faces[face[tied]], stands[near[tied]]
    covered = shapely.area(shapely.intersection(shapes[face], units.shapes[near]))
    order = np.argsort(covered, kind="stable")
    owner[face[order]] = near[order]


def _edges(shapes: Geometries, block: Ints, blocks: Blocks) -> FaceEdges:
    start, end, face = _ring_edges(shapes)
    keys = _end_numbers(start, end)
    low, high = np.minimum(*keys), np.maximum(*keys)
    order = np.lexsort((high, low))
    low, high, face, start, end = low[order], high[order], face[order], start[order], end[order]
    first = np.flatnonzero(np.r_[True, (low[1:] != low[:-1]) | (high[1:] != high[:-1])])
    paired = np.r_[np.diff(first), len(low) - first[-1]] > 1
    left = face[first]
    right = np.where(paired, face[np.minimum(first + 1, len(face) - 1)], OUTSIDE)
    ends = np.stack([start[first], end[first]], axis=1)
    length = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    return FaceEdges(ends, left, right, length, _kinds(ends, left, right, block, blocks))


def _ring_edges(shapes: Geometries) -> tuple[Floats, Floats, Ints]:
    rings, owner = shapely.get_rings(shapes, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    return xy[:-1][same], xy[1:][same], owner[ring[:-1][same]].astype(np.intp)


def _end_numbers(start: Floats, end: Floats) -> tuple[Ints, Ints]:
    keys = lattice_keys(np.concatenate([start, end]))
    keys -= keys.min(axis=0)
    _, number = np.unique(keys[:, 0] << 31 | keys[:, 1], return_inverse=True)
    number = number.ravel().astype(np.intp)
    return number[: len(start)], number[len(start) :]


def _kinds(ends: Floats, left: Ints, right: Ints, block: Ints, blocks: Blocks) -> Ints:
    """The kind of line each edge lies on; where several run together the one that a border likes best."""
    kinds = np.full(len(left), int(Kind.nothing), dtype=np.intp)
    kinds[right == OUTSIDE] = Kind.frame
    between = np.flatnonzero((right >= 0) & (block[left] != block[np.maximum(right, 0)]))
    if not len(between):
        return kinds
    middle = shapely.points(ends[between].mean(axis=1))
    edge, line = STRtree(blocks.lines).query(middle, predicate="dwithin", distance=ON_LINE_M)
    best = np.full(len(between), int(Kind.nothing), dtype=np.intp)
    # The border of a community stays one, whatever else runs along it.
    rank = np.where(blocks.kinds[line] == Kind.frame, -1, blocks.kinds[line])
    np.minimum.at(best, edge, rank)
    kinds[between] = np.where(best < 0, int(Kind.frame), best)
    return kinds


def _atoms_of(block: Ints, unit: Ints, edges: FaceEdges) -> Ints:
    """Faces of one unit (or of one unopened block) that hang together are one atom."""
    inner = edges.right >= 0
    one, other = edges.left[inner], edges.right[inner]
    same = (block[one] == block[other]) & (unit[one] == unit[other])
    return number_groups(len(block), one[same], other[same])
