"""Defects with an area: overlaps of two polygons, gaps between polygons, ground outside the frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.defects.edges import FRAME_ROW, Edges, edges_of
from tiling.defects.ground import Ground, Rows
from tiling.defects.report import Defect
from tiling.defects.widths import widths_m
from tiling.partition import keep_polygons
from tiling.tolerance import DUST_M2, Tolerance

_BESIDE_M = 1e-6
"""Borders this near run along each other: computed nodes lie up to 1e-9 m off the edges they were computed from."""

Pairs = NDArray[np.intp]


def overlaps(ground: Ground, suspects: Rows, tolerance: Tolerance) -> tuple[list[Defect], Rows]:
    """The overlaps of the suspects with any polygon, and the rows concerned.

    In a perfect surrounding two polygons cannot overlap unless one has a loose edge, so the loose ones suffice to
    start with; from each overlap the search goes on to the neighbours of both.
    """
    found: dict[tuple[int, int], BaseGeometry] = {}
    looked: set[int] = set()
    todo = set(suspects.tolist())
    while todo:
        looked |= todo
        fresh = overlaps_of(ground, np.array(sorted(todo), dtype=np.intp))
        fresh = {pair: shape for pair, shape in fresh.items() if pair not in found}
        found.update(fresh)
        rows = np.array(sorted({row for pair in fresh for row in pair}), dtype=np.intp)
        todo = set(ground.find_near(rows).tolist()) - looked if len(rows) else set()
    concerned = np.array(sorted({row for pair in found for row in pair}), dtype=np.intp)
    return overlap_defects(ground, found, tolerance), concerned


def overlaps_of(ground: Ground, rows: Rows) -> dict[tuple[int, int], BaseGeometry]:
    """The common ground of each pair of which at least one is in the rows, where it is more than dust."""
    pairs = _pairs(ground, ground.select_usable(rows))
    # To ask whether interiors meet takes a third of the time of computing where; most neighbours only touch.
    meet = shapely.relate_pattern(ground.polygons[pairs[:, 0]], ground.polygons[pairs[:, 1]], "T********")
    pairs = pairs[meet]
    shared = shapely.intersection(ground.polygons[pairs[:, 0]], ground.polygons[pairs[:, 1]])
    area = shapely.area(shared)
    return {(int(a), int(b)): keep_polygons(shared[k]) for k, (a, b) in enumerate(pairs.tolist()) if area[k] > DUST_M2}


def _pairs(ground: Ground, rows: Rows) -> Pairs:
    which, hits = ground.tree.query(ground.polygons[rows])
    pairs = np.stack([rows[which], hits], axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    fit = ground.select_usable(np.unique(pairs))
    return pairs[np.isin(pairs, fit).all(axis=1)]


def overlap_defects(ground: Ground, found: dict[tuple[int, int], BaseGeometry], tolerance: Tolerance) -> list[Defect]:
    """A defect for each pair: a duplicate, contained, or one overlap for each class of width."""
    defects: list[Defect] = []
    plain: list[tuple[tuple[str, ...], BaseGeometry]] = []
    for (a, b), shared in found.items():
        whole = _find_whole_overlap(ground, (a, b), shared, tolerance)
        if whole is not None:
            defects.append(whole)
        else:
            plain.append(((ground.codes[a], ground.codes[b]), shared))
    return [*defects, *classify("overlap", plain, tolerance)]


def _find_whole_overlap(
    ground: Ground, pair: tuple[int, int], shared: BaseGeometry, tolerance: Tolerance
) -> Defect | None:
    a, b = (ground.polygons[row] for row in pair)
    small, large = sorted((a.area, b.area))
    if shared.area < tolerance.contained_share * small:
        return None
    inner = pair[0] if a.area <= b.area else pair[1]
    outer = pair[0] if inner == pair[1] else pair[1]
    rest = max(a.area, b.area) - shared.area
    same = shared.area >= tolerance.contained_share * large and rest <= tolerance.snap_m * max(a.length, b.length)
    rows = pair if same else (inner, outer)
    width = float(widths_m(np.array([shared], dtype=object))[0])
    return Defect(
        kind="duplicate" if same else "contained",
        codes=tuple(ground.codes[row] for row in rows),
        class_=tolerance.class_of(width),
        where=shared,
        area_m2=shared.area,
        length_m=shared.length / 2,
        width_m=width,
    )


def classify(
    kind: str, shapes: Sequence[tuple[tuple[str, ...], BaseGeometry]], tolerance: Tolerance
) -> Iterator[Defect]:
    """A defect for each shape and class of width among its parts."""
    parts, owner = shapely.get_parts(np.array([shape for _, shape in shapes], dtype=object), return_index=True)
    solid = shapely.area(parts) > DUST_M2 / 10
    parts, owner = parts[solid], owner[solid]
    width = widths_m(parts)
    groups: dict[tuple[int, str], list[int]] = {}
    for number, (which, wide) in enumerate(zip(owner.tolist(), width.tolist(), strict=True)):
        groups.setdefault((which, tolerance.class_of(wide)), []).append(number)
    for (which, class_), members in groups.items():
        yield _area_defect(kind, shapes[which][0], class_, parts[members], float(width[members].max()))


def _area_defect(kind: str, codes: tuple[str, ...], class_: str, parts: NDArray[np.object_], width_m: float) -> Defect:
    where = shapely.normalize(parts[0] if len(parts) == 1 else shapely.MultiPolygon(list(parts)))
    return Defect(
        kind=kind,
        codes=codes,
        class_=class_,
        where=where,
        area_m2=where.area,
        length_m=where.length / 2,
        width_m=width_m,
        count=len(parts),
    )


def overshoots(ground: Ground, rows: Rows, tolerance: Tolerance) -> Iterator[Defect]:
    """What of each of these polygons lies outside the frame; nothing without a frame."""
    found = [((code,), shape) for code, shape in find_outside_shapes(ground, rows)]
    yield from classify("overshoot", found, tolerance)


def find_outside_shapes(ground: Ground, rows: Rows) -> list[tuple[str, BaseGeometry]]:
    """The codes of those of the rows that reach out of the frame, each with what lies outside."""
    if ground.frame is None or not len(rows):
        return []
    frame = ground.frame
    shapes = ground.polygons[rows]
    crossing = rows[~shapely.contains_properly(frame, shapes)]
    outside = [shape.difference(frame) for shape in ground.polygons[crossing]]
    return [
        (ground.codes[row], keep_polygons(shape))
        for row, shape in zip(crossing.tolist(), outside, strict=True)
        if shape.area > DUST_M2
    ]


def overshoot_suspects(ground: Ground, free: Edges, rows: Rows) -> Rows:
    """Those of the rows that may reach out of the frame: with a loose edge, crossed by the frame, or wholly outside."""
    if ground.frame is None:
        return rows[:0]
    border = free.select(free.row == FRAME_ROW).lines()
    crossed = _find_crossed(ground, border)
    points = shapely.points(shapely.get_coordinates(shapely.get_point(_take_first_ring(ground.polygons[rows]), 0)))
    outside = rows[~ground.mark_inside_frame(np.asarray(points, dtype=object))]
    suspects = np.unique(np.concatenate([free.row[free.row >= 0], crossed, outside]))
    return suspects[np.isin(suspects, rows)]


def _find_crossed(ground: Ground, lines: NDArray[np.object_]) -> Rows:
    # The tree's own predicates would run on broken polygons too, and NaN raises there.
    which, hits = ground.tree.query(lines)
    fit = np.isin(hits, ground.select_usable(np.unique(hits)))
    which, hits = which[fit], hits[fit]
    return np.unique(hits[shapely.intersects(ground.polygons[hits], lines[which])])


def _take_first_ring(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.asarray(shapely.get_exterior_ring(shapely.get_geometry(polygons, 0)), dtype=object)


def gap_shapes(ground: Ground, free: Edges) -> NDArray[np.object_]:
    """The pieces of ground enclosed by loose edges that are in the frame and in no polygon.

    Ground that the outline of a polygon nobody can read runs through is left unjudged: nobody can say who owns it.
    """
    # As long lines, which are noded and polygonized in a part of the time that single edges take.
    noded = shapely.union_all(shapely.line_merge(shapely.multilinestrings(free.lines())))
    faces = shapely.get_parts(shapely.polygonize([shapely.line_merge(noded)]))
    faces = faces[shapely.area(faces) > DUST_M2]
    points = shapely.point_on_surface(faces)
    bare = (ground.count_covering(points) == 0) & ground.mark_inside_frame(points)
    return _drop_unclear(ground, faces[bare])


def _drop_unclear(ground: Ground, faces: NDArray[np.object_]) -> NDArray[np.object_]:
    which, hits = ground.tree.query(faces)
    broken = np.isin(hits, [row for row in ground.select_unknown(np.unique(hits)) if _is_finite(ground.polygons[row])])
    if not broken.any():
        return faces
    which, hits = which[broken], hits[broken]
    outlines = shapely.boundary(ground.polygons[hits])
    unclear = which[shapely.relate_pattern(outlines, faces[which], "T********")]
    return np.delete(faces, np.unique(unclear))


def _is_finite(shape: BaseGeometry) -> bool:
    return bool(np.isfinite(shapely.get_coordinates(shape)).all())


def gap_defects(ground: Ground, gaps: NDArray[np.object_], free: Edges, tolerance: Tolerance) -> list[Defect]:
    """A defect for each gap, with the codes of all polygons that border on it by an edge."""
    beside = _find_bordering(gaps, free)
    named = [(tuple(sorted({ground.codes[row] for row in rows})), gap) for rows, gap in zip(beside, gaps, strict=True)]
    return list(classify("gap", named, tolerance))


def find_bare_parts(ground: Ground, rows: Rows, window: BaseGeometry | None, tolerance: Tolerance) -> list[Defect]:
    """The gaps that no grid borders on, of those that meet the window: whole parts of the frame without any grid."""
    if ground.frame is None or window is None or shapely.get_num_geometries(ground.frame) < 2:
        return []
    parts = shapely.get_parts(ground.frame)
    parts = parts[shapely.intersects(shapely.envelope(parts), window)]
    points = shapely.point_on_surface(ground.polygons[rows])
    bare = [part for part in parts if not shapely.intersects(part, points).any() and not _is_held(ground, part)]
    return list(classify("gap", [((), part) for part in bare if part.intersects(window)], tolerance))


def _is_held(ground: Ground, part: BaseGeometry) -> bool:
    near = ground.select_usable(ground.tree.query(part))
    return bool(shapely.relate_pattern(part, ground.polygons[near], "T********").any())


def _find_bordering(gaps: NDArray[np.object_], free: Edges) -> list[set[int]]:
    """The rows whose loose edges bound each gap: what borders on a gap is met by nobody there."""
    rows: list[set[int]] = [set() for _ in gaps]
    own = free.select(free.row >= 0)
    if not len(gaps) or not len(own):
        return rows
    sides = edges_of(gaps, np.arange(len(gaps)))
    # Not the middle: where borders cross many edges are halved.
    points = shapely.points(sides.low + (sides.high - sides.low) * 0.437)
    which, hits = STRtree(own.lines()).query(points, predicate="dwithin", distance=_BESIDE_M)
    for side, edge in zip(which.tolist(), hits.tolist(), strict=True):
        rows[sides.row[side]].add(int(own.row[edge]))
    return rows
