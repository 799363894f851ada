"""Do children tile the parent that has a boundary of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.defects.edges import Edges, edges_of, join_edges, mark_loose_by_owner
from tiling.defects.ground import Ground
from tiling.defects.regions import (
    classify,
    find_outside_shapes,
    gap_defects,
    gap_shapes,
    overshoot_suspects,
    overshoots,
)
from tiling.defects.report import Defect, put_in_order
from tiling.tolerance import Tolerance


def find_nesting_defects(
    parent: str,
    ring: BaseGeometry,
    children: Sequence[str],
    polygons: NDArray[np.object_],
    *,
    tolerance: Tolerance,
) -> tuple[Defect, ...]:
    """What of the parent no child covers, and what of each child lies outside the parent, kind `nesting`.

    `codes` are the parent and the children concerned; `detail` says `not covered` or `outside`. Children may overlap
    each other here: that is for the coverage check to say.
    """
    ground = Ground(children, polygons, STRtree(polygons), ring)
    rows = ground.all_usable
    free = ground.list_loose()
    if not len(free):
        return ()
    uncovered = gap_defects(ground, gap_shapes(ground, free), free, tolerance)
    outside = list(overshoots(ground, overshoot_suspects(ground, free, rows), tolerance))
    return put_in_order([*_rename(parent, uncovered, "not covered"), *_rename(parent, outside, "outside")])


def strays(
    parent: str, ring: BaseGeometry, children: Sequence[str], polygons: NDArray[np.object_]
) -> list[tuple[tuple[str, ...], BaseGeometry]]:
    """What of each child lies outside the parent, with the codes of both.

    Enough where the parents tile a frame: ground that a parent's children leave uncovered is then either a gap, which
    the coverage check names, or under a child of another parent, which is outside its own.
    """
    ground = Ground(children, polygons, STRtree(polygons), ring)
    return [((parent, code), shape) for code, shape in find_outside_shapes(ground, ground.all_usable)]


def stray_defects(found: Sequence[tuple[tuple[str, ...], BaseGeometry]], *, tolerance: Tolerance) -> list[Defect]:
    """A defect of kind `nesting` for each stray and class of width."""
    return [dataclasses.replace(defect, detail="outside") for defect in classify("nesting", found, tolerance)]


def _rename(parent: str, defects: Iterable[Defect], detail: str) -> list[Defect]:
    return [dataclasses.replace(d, kind="nesting", codes=(parent, *d.codes), detail=detail) for d in defects]


def suspect_areas(
    edges: Edges, met_by: NDArray[np.intp], area_of: NDArray[np.intp], rings: Sequence[BaseGeometry]
) -> NDArray[np.intp]:
    """The areas (indexes of `rings`) whose children do not tile them edge by edge.

    `edges` are those of all children with partners; `area_of` is each row's area, -1 for none. Edges between two
    areas, or at the frame, make up the outline of the children, which must be the ring.
    """
    own, outline = _outline(edges, met_by, area_of)
    both = join_edges(_give_owner(edges, own, outline), *(outline_of(ring, k) for k, ring in enumerate(rings)))
    return np.unique(both.row[mark_loose_by_owner(both)])


def suspect_areas_about(
    edges: Edges,
    met_by: NDArray[np.intp],
    area_of: NDArray[np.intp],
    outlines: Callable[[int], Edges],
    *,
    scope: NDArray[np.intp],
) -> NDArray[np.intp]:
    """The same as far as the edges of some rows tell: areas of which such an edge should be a border and is not.

    `outlines` gives the edges of each ring, as `outline_of` does, by its number.
    """
    own, outline = _outline(edges, met_by, area_of)
    judged = _give_owner(edges, own, outline & np.isin(edges.row, scope))
    if not len(judged):
        return judged.row
    # Equal edges lie in the same box, and of a ring only a small part does.
    ring = join_edges(*(outlines(k) for k in np.unique(judged.row).tolist()))
    unmet = mark_loose_by_owner(join_edges(judged, ring.select(ring.meets(judged.box()))))[: len(judged)]
    return np.unique(judged.row[unmet])


def _outline(
    edges: Edges, met_by: NDArray[np.intp], area_of: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    own = np.append(area_of, -1)[edges.row]  # the frame's row is -1
    across = np.where(met_by >= 0, own[met_by], -1)
    return own, (own >= 0) & (own != across)


def _give_owner(edges: Edges, owner: NDArray[np.intp], kept: NDArray[np.bool_]) -> Edges:
    return Edges(edges.low[kept], edges.high[kept], owner[kept], edges.side[kept])


def outline_of(ring: BaseGeometry, owner: int) -> Edges:
    """The edges of an area's ring, seen from outside, as those of this owner."""
    edges = edges_of(np.array([ring], dtype=object), np.array([owner], dtype=np.intp))
    return Edges(edges.low, edges.high, edges.row, -edges.side)
