"""From faces with new owners to changed polygons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.borders.cutting import Cut
from tiling.borders.verdict import merge_changes
from tiling.errors import NotNeighbours, NotNested
from tiling.partition import Change, Partition, keep_polygons

Owners = Sequence[str | None]


def rebuild_grids(cut: Cut, owners: Owners, *, whole: Mapping[str, BaseGeometry] | None = None) -> Change:
    """The change that gives each face of the cut to its new owner; codes that are not there yet are added.

    Grids left without a face are in `removed`. Grids whose faces stay get their new nodes only. `whole` adds shapes
    to codes as they are, for grids that were not cut.
    """
    before, after = _group_by_owner(cut.owners), _group_by_owner(owners)
    moved = [code for code in sorted(before.keys() | after.keys()) if before.get(code) != after.get(code)]
    more = whole or {}
    shapes = {code: unite([*cut.faces[after[code]], *_list_given(more, code)]) for code in moved if after.get(code)}
    there = {code: shape for code, shape in shapes.items() if code in cut.partition.row_of}
    new = {code: shape for code, shape in shapes.items() if code not in there}
    gone = tuple(code for code in moved if not after.get(code))
    return merge_changes(cut.nodes, Change(changed=there, added=new, removed=gone))


def unite(faces: Iterable[BaseGeometry]) -> BaseGeometry:
    """The union of polygons that match edge for edge, every outer vertex kept."""
    return keep_polygons(shapely.coverage_union_all(list(faces)))


def _list_given(more: Mapping[str, BaseGeometry], code: str) -> list[BaseGeometry]:
    return list(shapely.get_parts(more[code])) if code in more else []


def _group_by_owner(owners: Owners) -> dict[str, list[int]]:
    faces: dict[str, list[int]] = {}
    for number, owner in enumerate(owners):
        if owner is not None:
            faces.setdefault(owner, []).append(number)
    return faces


def hand_faces(cut: Cut, taken: NDArray[np.bool_], to: str) -> list[str | None]:
    """The owners once the faces taken belong to `to`; to a grid with sub-grids, each to the sub-grid beside it.

    Raises NotNeighbours for a piece that touches none, NotNested where a piece comes from another area.
    """
    owners = list(cut.owners)
    targets = cut.partition.list_finest(to)
    wanted = np.array([k for k in np.flatnonzero(taken) if owners[k] not in targets], dtype=np.intp)
    for face in wanted.tolist():
        refuse_other_area(cut.partition, owners[face], targets[0], cut.faces[face])
    if len(targets) == 1:
        return [targets[0] if k in set(wanted.tolist()) else owner for k, owner in enumerate(owners)]
    grown = {code: list(shapely.get_parts(cut.partition.polygons[cut.partition.row_of[code]])) for code in targets}
    rest = wanted.tolist()
    while rest:
        face, code = _choose_next_face(cut, rest, grown)
        owners[face] = code
        grown[code].append(cut.faces[face])
        rest.remove(face)
    return owners


def choose_neighbour(partition: Partition, piece: BaseGeometry, codes: Iterable[str]) -> str:
    """The grid of these that shares the longest border with the piece, the smallest code of equals."""
    outline = shapely.boundary(piece)
    lengths = []
    for code in codes:
        shape = partition.polygon(code)
        shared = 0.0 if shape is None else shapely.intersection(outline, shapely.boundary(shape)).length
        lengths.append((-shared, code))
    if not lengths or min(lengths)[0] == 0.0:
        raise NotNeighbours("The piece does not border on this grid.", where=piece)
    return min(lengths)[1]


def refuse_other_area(partition: Partition, old: str | None, new: str, where: BaseGeometry) -> None:
    """Raises NotNested where ground would go from one area with a ring of its own to another."""
    if old is None:
        return
    ours, theirs = (area_above(partition, code) for code in (old, new))
    if ours != theirs:
        raise NotNested(where=where, areas=sorted({*ours, *theirs}))


def area_above(partition: Partition, code: str) -> tuple[str, ...]:
    """The codes of areas with a ring of their own that hold a grid, nearest first."""
    return tuple(above for above in partition.ancestors(code) if above in partition.areas)


def _choose_next_face(cut: Cut, rest: list[int], grown: Mapping[str, list[BaseGeometry]]) -> tuple[int, str]:
    """The face of the rest that shares the longest border with a grid as grown so far, and that grid."""
    outlines = {code: shapely.boundary(unite(shapes)) for code, shapes in grown.items()}
    shared = [
        (-shapely.intersection(shapely.boundary(cut.faces[face]), outline).length, face, code)
        for face in rest
        for code, outline in outlines.items()
    ]
    length, face, code = min(shared)
    if length == 0:
        raise NotNeighbours("The piece does not border on this grid.", where=cut.faces[face])
    return face, code


def locate_faces(faces: NDArray[np.object_], pieces: NDArray[np.object_]) -> NDArray[np.intp]:
    """The piece that holds each face, -1 for none."""
    found = np.full(len(faces), -1, dtype=np.intp)
    which, hits = STRtree(pieces).query(shapely.point_on_surface(faces), predicate="within")
    found[which] = hits
    return found
