"""Dividing a grid as it was divided before, when its own border has become another one.

        before            new border          recut
      +----+----+      +----+------+      +----+------+
      | a  |  b |      |           |      | a  |   b  |
      +----+----+      +----+------+      +----+------+

Lines between the parts stay where they were; where the grid has grown, they go on to the new border the shortest way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.borders.cutting import Cut, cut
from tiling.borders.handover import rebuild_grids, unite
from tiling.borders.verdict import judge_change, merge_changes
from tiling.errors import InvalidShape
from tiling.partition import Change, Partition
from tiling.tolerance import Tolerance


def recut(
    partition: Partition, code: str, parts: Mapping[str, BaseGeometry], *, tolerance: Tolerance | None = None
) -> Change:
    """The change that divides a finest grid into those of `parts` that reach into it, each where it lay before.

    `parts` are the former polygons in metres by the codes that they have from now on, matched with each other edge for
    edge. Ground of the grid that was in no part goes with the one beside it. A grid in which only one part has ground
    becomes that part alone. Raises InvalidShape for a grid without a valid shape, SplitsGrid, WouldBreak, WouldVanish.
    """
    shape = partition.polygon(code)
    if shape is None or shape.is_empty or not shape.is_valid:
        raise InvalidShape(f"Grid {code} has no valid shape to be divided.", where=shape, grid=code)
    snap_m = (tolerance or Tolerance()).snap_m
    lines = _lines_between(shape, list(parts.values()), snap_m)
    cut_ = cut(partition, [code], lines, snap_m=snap_m)
    owners = _join(cut_, _owners(cut_.faces, parts))
    change = rebuild_grids(cut_, owners)
    above = {code: partition.parents[code]} if code in partition.parents else {}
    return judge_change(partition, merge_changes(change, Change(parents={**above, **dict.fromkeys(set(owners), code)})))


def _lines_between(shape: BaseGeometry, parts: Sequence[BaseGeometry], snap_m: float) -> list[shapely.LineString]:
    """The borders between parts, led on to the outline of the grid where they end inside it."""
    tree = shapely.STRtree(shapely.boundary(np.asarray(parts, dtype=object)))
    left, right = tree.query(tree.geometries, predicate="intersects")
    pairs = left < right
    shared = shapely.intersection(tree.geometries[left[pairs]], tree.geometries[right[pairs]])
    edges = [part for part in shapely.get_parts(shared).tolist() if part.geom_type == "LineString"]
    whole = shapely.line_merge(shapely.union_all(edges)) if edges else shapely.LineString()
    lines = [line for line in shapely.get_parts(whole).tolist() if line.intersects(shape)]
    return [*lines, *_lead_on(shape, lines, snap_m)]


def _lead_on(shape: BaseGeometry, lines: Sequence[shapely.LineString], snap_m: float) -> list[shapely.LineString]:
    if not lines:
        return []
    ends, count = np.unique(shapely.get_coordinates(shapely.boundary(lines)), axis=0, return_counts=True)
    outline = shapely.boundary(shape)
    loose = shapely.points(ends[count == 1])
    inside = loose[shapely.intersects(shape, loose) & (shapely.distance(outline, loose) > snap_m)]
    return shapely.shortest_line(inside, outline).tolist()  # type: ignore[no-any-return]


def _owners(faces: NDArray[np.object_], parts: Mapping[str, BaseGeometry]) -> list[str]:
    """The part that held most of each face; where none held any, the nearest one."""
    codes, shapes = list(parts), np.asarray(list(parts.values()), dtype=object)
    held = shapely.area(shapely.intersection(faces[:, None], shapes[None, :]))
    away = shapely.distance(faces[:, None], shapes[None, :])
    # Largest share first, then the smallest distance.
    return [codes[int(np.lexsort((away[k], -held[k]))[0])] for k in range(len(faces))]


def _join(cut_: Cut, owners: list[str]) -> list[str]:
    """The owners once every part is in one piece: what lies apart from its largest piece goes to whom it borders on."""
    faces_of: dict[str, list[int]] = defaultdict(list)
    for face, owner in enumerate(owners):
        faces_of[owner].append(face)
    kept = list(owners)
    for owner, faces in faces_of.items():
        pieces = shapely.get_parts(unite(cut_.faces[faces]))
        largest = pieces[int(np.argmax(shapely.area(pieces)))]
        for face in faces:
            if not shapely.intersects(largest, shapely.point_on_surface(cut_.faces[face])):
                kept[face] = _find_beside(cut_, face, kept) or owner
    return kept


def _find_beside(cut_: Cut, face: int, owners: Sequence[str]) -> str | None:
    outline = shapely.boundary(cut_.faces[face])
    shared = shapely.length(shapely.intersection(outline, shapely.boundary(cut_.faces)))
    others = [(-shared[k], owner) for k, owner in enumerate(owners) if owner != owners[face] and shared[k] > 0]
    return min(others)[1] if others else None
