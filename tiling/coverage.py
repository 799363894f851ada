"""Is this a valid tiling, and if not, what is wrong where ([S4], [S5]).

The four questions are asked one by one: is each polygon valid, does every edge meet a neighbour or the frame, do
polygons overlap, is the frame covered. When every edge is met the answer to all is known without one intersection
(see `defects.edges`); otherwise only what lies about the loose edges is computed.

An invalid polygon is named, and what lies under and about it is judged by what its structure means, so that a rough
import shows all its faults at once. Only about one that nobody can read (see `tiling.structure`) nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.defects.edges import Edges
from tiling.defects.ground import Ground, Rows, ground_of
from tiling.defects.nests import (
    find_nesting_defects,
    outline_of,
    stray_defects,
    strays,
    suspect_areas,
    suspect_areas_about,
)
from tiling.defects.regions import (
    find_bare_parts,
    gap_defects,
    gap_shapes,
    overlap_defects,
    overlaps,
    overlaps_of,
    overshoot_suspects,
    overshoots,
)
from tiling.defects.report import KINDS, CoverageReport, Defect, put_in_order
from tiling.defects.shapes import place_of_invalidity, shape_defects
from tiling.defects.vertices import find_unmatched_vertices
from tiling.partition import Partition
from tiling.tolerance import Tolerance

__all__ = ["KINDS", "CoverageReport", "Defect", "check", "check_polygons", "place_of_invalidity"]

_WINDOW_M = 50.0
"""How far around the grids an incremental check looks for the far side of a gap, before it looks further."""


def check(
    partition: Partition, *, tolerance: Tolerance | None = None, only: Collection[str] | None = None
) -> CoverageReport:
    """The defects of a partition: shapes, overlaps, gaps, overshoots, unmatched vertices, nesting in its areas.

    With `only`, those that concern at least one of these finest grids, the same as the full check finds for them; the
    cost is that of the neighbourhood, about a millisecond for a clean edit. Codes that are not there are ignored.
    Never raises for any polygon; needs no order of the input.
    """
    tolerance = tolerance or Tolerance()
    if only is None:
        # Of its own: all edges of a large district take some 20 MB, which nobody needs once the report is written.
        ground = Ground(partition.codes, partition.polygons, partition.tree, partition.frame)
        defects = [
            *_check_everything(ground, partition.parts_allowed, tolerance),
            *_check_nesting(partition, ground, None, tolerance),
        ]
        return _report(partition.areas_m2, defects)
    ground = ground_of(partition)
    scope = frozenset(code for code in only if code in partition.row_of)
    rows = np.sort(partition.rows(scope))
    window = _box(ground.polygons[rows])
    defects = [
        *_check_about(ground, rows, partition.parts_allowed, tolerance),
        *_check_nesting(partition, ground, rows, tolerance),
    ]
    # `CoverageReport.with_local` forgets gaps without neighbours there, since they can be told by their place only.
    defects += find_bare_parts(ground, ground.select_usable(rows), window, tolerance)
    return _report(partition.areas_m2, defects, scope, window)


def check_polygons(
    codes: Sequence[str],
    polygons: Sequence[BaseGeometry | None] | NDArray[np.object_],
    *,
    frame: BaseGeometry | None = None,
    tolerance: Tolerance | None = None,
    parts_allowed: Collection[str] = (),
) -> CoverageReport:
    """The defects of raw polygons in metres, which may be None, empty, no polygons or invalid; codes may repeat.

    Without a frame a gap is an enclosed hole of the union. Raises ValueError where the lengths differ, and for a
    frame that is not a valid polygon.
    """
    if len(codes) != len(polygons):
        raise ValueError("every polygon needs a code")
    if frame is not None and (frame.geom_type not in ("Polygon", "MultiPolygon") or not frame.is_valid):
        raise ValueError("the frame must be a valid polygon")
    shapes = np.empty(len(codes), dtype=object)
    shapes[:] = list(polygons)
    order = _fix_order(codes, shapes)
    shapes = shapes[order]
    ground = Ground([codes[i] for i in order], shapes, STRtree(shapes), frame)
    return _report(shapely.area(shapes), _check_everything(ground, parts_allowed, tolerance or Tolerance()))


def _fix_order(codes: Sequence[str], shapes: NDArray[np.object_]) -> list[int]:
    if len(set(codes)) == len(codes):
        return sorted(range(len(codes)), key=codes.__getitem__)
    return sorted(range(len(codes)), key=lambda i: (codes[i], shapely.to_wkb(shapes[i]) or b""))


def _check_everything(ground: Ground, parts_allowed: Collection[str], tolerance: Tolerance) -> list[Defect]:
    rows = ground.all_usable
    defects = list(shape_defects(ground, ground.all_rows, parts_allowed))
    free = ground.list_loose()
    if not len(free):
        return defects
    owners = np.unique(free.row[free.row >= 0])
    common, concerned = overlaps(ground, owners, tolerance)
    suspects = np.union1d(overshoot_suspects(ground, free, rows), concerned)
    defects += common
    defects += overshoots(ground, suspects, tolerance)
    defects += gap_defects(ground, gap_shapes(ground, free), free, tolerance)
    defects += find_unmatched_vertices(ground, free, tolerance)
    return defects


def _check_about(ground: Ground, scope: Rows, parts_allowed: Collection[str], tolerance: Tolerance) -> list[Defect]:
    rows = ground.select_usable(scope)
    defects = list(shape_defects(ground, scope, parts_allowed))
    if not len(rows):
        return defects
    if _is_covered_once(ground, rows):
        return defects
    found = overlaps_of(ground, rows)
    defects += overlap_defects(ground, found, tolerance)
    free = ground.list_loose_about(rows)
    concerned = np.array([row for pair in found for row in pair if row in rows], dtype=np.intp)
    suspects = np.union1d(overshoot_suspects(ground, free, rows), concerned)
    defects += overshoots(ground, suspects.astype(np.intp), tolerance)
    if not (free.row >= 0).any():
        return defects
    names = frozenset(ground.codes[row] for row in rows)
    defects += [d for d in _gaps_about(ground, rows, free, tolerance) if names.intersection(d.codes)]
    # A vertex may lie beside a border without touching it: so far apart their boxes may be as well.
    beside = ground.list_loose_about(ground.find_near(rows, tolerance.snap_m))
    defects += [d for d in find_unmatched_vertices(ground, beside, tolerance) if names.intersection(d.codes)]
    return defects


def _is_covered_once(ground: Ground, rows: Rows) -> bool:
    """Whether it is proved that the ground in the box of each of these usable rows belongs to one grid and the frame.

    Where every edge in a box is met, the number of grids changes from no place in it to the next (see `defects.edges`),
    so one place speaks for all. That is the usual answer after an edit, without one intersection.
    """
    edges, met_by = ground.edges_about(rows)
    unmet = edges.select(met_by < 0)
    if any(unmet.meets(box).any() for box in shapely.bounds(ground.polygons[rows])):
        return False
    places = np.asarray(shapely.point_on_surface(ground.polygons[rows]), dtype=object)
    return bool((ground.count_covering(places) == 1).all() and ground.mark_inside_frame(places).all())


def _gaps_about(ground: Ground, rows: Rows, free: Edges, tolerance: Tolerance) -> list[Defect]:
    own = shapely.MultiLineString(list(free.select(free.row >= 0).lines()))
    everything = shapely.box(*shapely.total_bounds([*ground.polygons, ground.frame]))
    reach_m = _WINDOW_M
    while True:
        window = shapely.box(*_grow_box(shapely.total_bounds(ground.polygons[rows]), reach_m))
        complete = bool(shapely.covers(window, everything))
        known = ground.find_within(window)
        around = ground.list_loose() if complete else ground.list_loose_about(known)
        gaps = gap_shapes(ground, around)
        near = gaps[shapely.dwithin(gaps, own, tolerance.snap_m)]
        # Within the window every edge is known, so a gap that lies in it is whole.
        if complete or (shapely.contains_properly(window, near).all() and _is_closed(ground, own, near)):
            return gap_defects(ground, near, around, tolerance)
        reach_m *= 8


def _is_closed(ground: Ground, own: BaseGeometry, gaps: NDArray[np.object_]) -> bool:
    """Whether every loose edge of the grids looked at runs along a found gap or along another grid's ground."""
    rest = shapely.difference(own, shapely.union_all(shapely.buffer(gaps, 1e-5))) if len(gaps) else own
    if ground.frame is not None:
        rest = shapely.difference(rest, shapely.buffer(shapely.boundary(ground.frame), 1e-5))
    return rest.is_empty or _is_covered_twice(ground, rest)


def _is_covered_twice(ground: Ground, lines: BaseGeometry) -> bool:
    # A line may run through an overlap first and along a gap then: cut where any outline crosses it, each piece lies
    # in the same grids from end to end, so its middle speaks for it.
    near = ground.select_usable(np.unique(ground.tree.query(lines)))
    outlines = shapely.boundary(ground.polygons[near])
    pieces = shapely.get_parts(shapely.node(shapely.union_all([lines, *outlines])))
    middles = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    middles = middles[shapely.dwithin(middles, lines, 1e-6)]
    return bool((ground.count_covering(middles) > 1).all())


def _check_nesting(partition: Partition, ground: Ground, scope: Rows | None, tolerance: Tolerance) -> list[Defect]:
    if not partition.areas:
        return []
    defects: list[Defect] = []
    outside: list[tuple[tuple[str, ...], BaseGeometry]] = []
    for parent in _suspects(partition, ground, scope):
        children = partition.list_finest(parent) if parent in partition else ()
        polygons, ring = partition.polygons[partition.rows(children)], partition.areas[parent]
        if partition.frame is None:
            defects += find_nesting_defects(parent, ring, children, polygons, tolerance=tolerance)
        else:
            outside += strays(parent, ring, children, polygons)
    defects += stray_defects(outside, tolerance=tolerance)
    if scope is None:
        return defects
    names = frozenset(ground.codes[row] for row in scope)
    return [defect for defect in defects if names.intersection(defect.codes[1:])]


def _suspects(partition: Partition, ground: Ground, scope: Rows | None) -> list[str]:
    """The areas whose ring is not just the outline of its grids, as far as the edges of the scope tell."""
    if scope is not None:
        return _suspects_about(partition, ground, ground.select_usable(scope))
    edges, met_by = ground.all_edges
    found: set[str] = set()
    seen: set[str] = set()
    for area_of, names in _area_columns(partition, ground, ground.all_usable):
        rings = [partition.areas[name] for name in names]
        found.update(names[k] for k in suspect_areas(edges, met_by, area_of, rings).tolist())
        seen.update(names)
    return sorted(found | (set(partition.areas) - seen))


def _suspects_about(partition: Partition, ground: Ground, rows: Rows) -> list[str]:
    if not len(rows):
        return []
    edges, met_by = ground.edges_about(rows)
    found: set[str] = set()
    for area_of, names in _area_columns(partition, ground, np.unique(edges.row[edges.row >= 0])):
        outlines = partial(_outline, partition, names)
        suspects = suspect_areas_about(edges, met_by, area_of, outlines, scope=rows)
        found.update(names[k] for k in suspects.tolist())
    return sorted(found)


def _outline(partition: Partition, names: Sequence[str], number: int) -> Edges:
    """The edges of an area's ring, kept with the partition: it has more of them than all grids about an edit."""
    notes, name = partition.area_notes, names[number]
    if name not in notes:
        notes[name] = outline_of(partition.areas[name], number)
    held: Edges = notes[name]
    return held.with_owner(number)


def _area_columns(partition: Partition, ground: Ground, rows: Rows) -> Iterator[tuple[NDArray[np.intp], list[str]]]:
    """For each level of areas the number of each row's area, -1 for none, and the codes of the areas."""
    chains = [[a for a in partition.ancestors(ground.codes[row]) if a in partition.areas] for row in rows.tolist()]
    for level in range(max(map(len, chains), default=0)):
        held = [(row, chain[level]) for row, chain in zip(rows.tolist(), chains, strict=True) if len(chain) > level]
        names = sorted({name for _, name in held})
        number = {name: k for k, name in enumerate(names)}
        area_of = np.full(len(ground.codes), -1, dtype=np.intp)
        for row, name in held:
            area_of[row] = number[name]
        yield area_of, names


def _report(
    areas_m2: NDArray[np.float64],
    defects: Sequence[Defect],
    scope: frozenset[str] | None = None,
    window: BaseGeometry | None = None,
) -> CoverageReport:
    area_m2 = float(np.nansum(areas_m2))
    return CoverageReport(
        defects=put_in_order(defects), grids=len(areas_m2), area_m2=area_m2, scope=scope, window=window
    )


def _box(polygons: NDArray[np.object_]) -> BaseGeometry | None:
    if shapely.is_empty(polygons).all() or shapely.is_missing(polygons).all():
        return None
    return shapely.box(*shapely.total_bounds(polygons))


def _grow_box(bounds: NDArray[np.float64], by_m: float) -> tuple[float, float, float, float]:
    west, south, east, north = bounds.tolist()
    return west - by_m, south - by_m, east + by_m, north + by_m
