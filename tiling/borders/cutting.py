"""Cutting grids along lines, on the lattice and without moving any vertex that is there.

The crossings are computed one by one, rounded to the lattice and put into both the line and the edge; lines bend to
vertices within 1 mm of them. So every edge is known by its two ends before and after, and whoever shares it gets the
same nodes. (Snap rounding by GEOS would do the same, but says nothing about which edge a node was put on.)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import Edge, Place, add_nodes, edge_of, metres, place_of
from tiling.defects.edges import Edges, edges_of, frame_edges, join_edges
from tiling.defects.shapes import place_of_invalidity
from tiling.errors import InvalidShape, TooManyVertices, WouldBreak
from tiling.partition import Change, Partition
from tiling.plane import densify, lattice_keys, put_on_lattice, to_lattice
from tiling.tolerance import MATCH_M

MAX_VERTICES = 20_000
"""More than any line a person draws, and few enough to be cut in a second."""
_MAX_ROUNDS = 8
_FARTHEST_M = 1e8


@dataclass(frozen=True)
class Cut:
    """Ground cut into faces: each face's owner before (None: nobody), and the nodes that borders gained.

    `partition` is the one cut, with the nodes put into all rings; `nodes` is the change that led to it. `seams` are
    the pieces of the cutting lines, noded.
    """

    partition: Partition
    nodes: Change
    faces: NDArray[np.object_]
    owners: tuple[str | None, ...]
    seams: NDArray[np.object_]


def prepare_line(line: BaseGeometry) -> shapely.LineString:
    """The line on the lattice, long edges divided; raises InvalidShape for what is no simple line with a length."""
    if not isinstance(line, shapely.LineString) or line.is_empty:
        raise InvalidShape("A line is needed.", where=line)
    _refuse_huge(line)
    placed = _drop_repeats(line)
    if not placed.is_simple:
        raise InvalidShape("The line crosses or touches itself.", where=_knot(placed))
    return shapely.LineString(shapely.get_coordinates(densify(placed)))


def prepare_polygon(polygon: BaseGeometry) -> BaseGeometry:
    """The polygon on the lattice, long edges divided; raises InvalidShape for what is no valid polygon."""
    if polygon.geom_type not in ("Polygon", "MultiPolygon") or polygon.is_empty:
        raise InvalidShape("A polygon is needed.", where=polygon)
    _refuse_huge(polygon)
    placed = put_on_lattice(polygon)
    if not (polygon.is_valid and placed.is_valid):
        point, reason = place_of_invalidity(placed if polygon.is_valid else polygon)
        raise InvalidShape(f"The polygon is not valid: {reason}.", where=point)
    return densify(placed)


def _refuse_huge(shape: BaseGeometry) -> None:
    xy = shapely.get_coordinates(shape)
    if not np.isfinite(xy).all() or np.abs(xy).max() > _FARTHEST_M:
        raise InvalidShape("Every position must be a finite number of metres within the city.")
    if len(xy) > MAX_VERTICES:
        raise TooManyVertices(limit=MAX_VERTICES, vertices=len(xy))
    span = xy.max(axis=0) - xy.min(axis=0)
    if span.max() > _FARTHEST_M / 100:
        raise InvalidShape("The shape is larger than any city.", where=shape)


def _drop_repeats(line: shapely.LineString) -> shapely.LineString:
    xy = to_lattice(shapely.get_coordinates(line))
    keep = np.append(True, (xy[1:] != xy[:-1]).any(axis=1))
    if keep.sum() < 2:
        raise InvalidShape("The line has no length.", where=shapely.Point(xy[0]))
    return shapely.LineString(xy[keep])


def _knot(line: shapely.LineString) -> BaseGeometry:
    pieces = shapely.get_parts(shapely.node(line))
    ends, count = np.unique(shapely.get_coordinates(shapely.boundary(pieces)), axis=0, return_counts=True)
    knots = ends[count > 2]
    return shapely.Point(knots[0]) if len(knots) else line


def cut(
    partition: Partition, codes: Iterable[str], lines: Sequence[BaseGeometry], *, snap_m: float, bare_ground: str = ""
) -> Cut:
    """These grids cut along these lines into faces; vertices of the lines within `snap_m` of a border go onto it.

    With `bare_ground="frame"` faces in the frame that belong to nobody are kept as well. Raises WouldBreak where the
    borders are so tangled that the crossings cannot be put on the lattice.
    """
    tiles = sorted(codes)
    edges = _edge_places(_edges(partition, tiles, lines, bare_ground))
    drawn = _snap_paths(_segments(lines), edges, snap_m)
    noded, seams = _node(edges, drawn)
    nodes = add_nodes(partition, {edge: path[1:-1] for edge, path in noded.items() if len(path) > 2})
    renoded = partition.replace(nodes)
    every = {e for path in (*noded.values(), *seams.values()) for e in map(edge_of, path, path[1:])}
    pieces = {e for path in seams.values() for e in map(edge_of, path, path[1:])}
    faces = shapely.get_parts(shapely.polygonize(_lines(every)))
    owners = _owners(renoded, tiles, faces)
    if not bare_ground:
        owned = np.array([owner is not None for owner in owners], dtype=bool)
        faces, owners = faces[owned], [owner for owner in owners if owner is not None]
    return Cut(renoded, nodes, faces, tuple(owners), _lines(pieces))


def _edges(partition: Partition, tiles: list[str], lines: Sequence[BaseGeometry], bare_ground: str) -> Edges:
    rows = partition.rows(tiles)
    own = edges_of(partition.polygons[rows], rows)
    if not bare_ground or partition.frame is None:
        return own
    border = frame_edges(partition.frame)
    near = shapely.dwithin(border.lines(), shapely.union_all(list(lines)), 1.0)
    ring = border.select(np.asarray(near)) if len(border) else border
    return join_edges(own, ring)


def _edge_places(edges: Edges) -> list[Edge]:
    table = np.unique(np.hstack([lattice_keys(edges.low), lattice_keys(edges.high)]), axis=0)
    return [edge_of((a, b), (c, d)) for a, b, c, d in table.tolist()]


def _segments(lines: Sequence[BaseGeometry]) -> list[list[Place]]:
    paths: list[list[Place]] = []
    for line in lines:
        for part in shapely.get_parts(shapely.boundary(line) if line.area > 0 else line):
            paths.append([place_of(xy) for xy in shapely.get_coordinates(part)])
    return paths


def _snap_paths(paths: list[list[Place]], edges: list[Edge], snap_m: float) -> list[Edge]:
    """The segments of the paths, their vertices moved to a vertex of the edges near them, else to an edge."""
    tree = STRtree(_lines(edges))
    moved: dict[Place, Place] = {}
    for place in {place for path in paths for place in path}:
        near = tree.query(shapely.Point(metres(place)), predicate="dwithin", distance=snap_m)
        moved[place] = _move_onto(place, [edges[k] for k in near.tolist()], snap_m)
    steps = (edge_of(moved[a], moved[b]) for path in paths for a, b in pairwise(path))
    return sorted({edge for edge in steps if edge[0] != edge[1]})


def _move_onto(place: Place, near: list[Edge], snap_m: float) -> Place:
    if not near:
        return place
    off, corner = min((_distance(place, end), end) for edge in near for end in edge)
    if off <= snap_m * 1000:
        return corner
    return min((_distance(place, foot), foot) for foot in (_foot(place, edge) for edge in near))[1]


def _distance(one: Place, other: Place) -> float:
    return float(np.hypot(one[0] - other[0], one[1] - other[1]))


def _foot(place: Place, edge: Edge) -> Place:
    (x0, y0), (x1, y1) = edge
    dx, dy = x1 - x0, y1 - y0
    share = min(max(((place[0] - x0) * dx + (place[1] - y0) * dy) / (dx * dx + dy * dy), 0.0), 1.0)
    return round(x0 + share * dx), round(y0 + share * dy)


Paths = dict[Edge, list[Place]]


def _node(edges: list[Edge], cuts: list[Edge]) -> tuple[Paths, Paths]:
    """The way along every edge and every cut once each crossing is a node of both."""
    ways: Paths = {edge: list(edge) for edge in edges}
    seams: Paths = {seam: list(seam) for seam in cuts}
    for _ in range(_MAX_ROUNDS):
        if not _crossings_added(ways, seams):
            return ways, seams
    raise WouldBreak("The line runs too close along a border.", where=shapely.union_all(_lines(cuts)))


def _crossings_added(ways: Paths, seams: Paths) -> bool:
    """Whether another round is needed: puts each crossing of a way with a seam into both."""
    way_steps = [(edge, step) for edge, path in ways.items() for step in map(edge_of, path, path[1:])]
    seam_steps = [(seam, step) for seam, path in seams.items() for step in map(edge_of, path, path[1:])]
    tree = STRtree(_lines([step for _, step in way_steps]))
    which, hits = tree.query(_lines([step for _, step in seam_steps]), predicate="dwithin", distance=1.5 * MATCH_M)
    found = False
    for k, h in zip(which.tolist(), hits.tolist(), strict=True):
        (seam, seam_step), (edge, way_step) = seam_steps[k], way_steps[h]
        on_way, on_seam = _find_common_nodes(way_step, seam_step)
        found |= _put(ways[edge], way_step, on_way) | _put(seams[seam], seam_step, on_seam)
    return found


def _find_common_nodes(way: Edge, seam: Edge) -> tuple[list[Place], list[Place]]:
    """The nodes that the step of a way and the step of a seam must take from each other."""
    if way == seam:
        return [], []
    on_way = [end for end in seam if end not in way and _lies_on(end, way)]
    on_seam = [end for end in way if end not in seam and _lies_on(end, seam)]
    if on_way or on_seam or set(way) & set(seam):
        return on_way, on_seam
    crossing = _crossing(way, seam)
    return ([crossing], [crossing]) if crossing else ([], [])


def _lies_on(place: Place, edge: Edge) -> bool:
    """Within 1 mm of the edge and between its ends; 1 mm is more than the 0.71 mm of a rounded crossing."""
    (x0, y0), (x1, y1) = edge
    dx, dy, px, py = x1 - x0, y1 - y0, place[0] - x0, place[1] - y0
    length2, along, across = dx * dx + dy * dy, px * dx + py * dy, px * dy - py * dx
    return 0 < along < length2 and across * across <= length2


def _crossing(way: Edge, seam: Edge) -> Place | None:
    """The crossing of two steps that cross properly, on the lattice, in exact integers."""
    (ax, ay), (bx, by) = way
    (cx, cy), (dx, dy) = seam
    across = (bx - ax) * (dy - cy) - (by - ay) * (dx - cx)
    if across == 0:
        return None
    t = (cx - ax) * (dy - cy) - (cy - ay) * (dx - cx)
    u = (cx - ax) * (by - ay) - (cy - ay) * (bx - ax)
    if across < 0:
        across, t, u = -across, -t, -u
    if not (0 < t < across and 0 < u < across):
        return None
    return ax + _round_quotient((bx - ax) * t, across), ay + _round_quotient((by - ay) * t, across)


def _round_quotient(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _put(path: list[Place], step: Edge, places: list[Place]) -> bool:
    new = [place for place in places if place not in path]
    for place in new:
        # Nodes of an earlier pair of the same round may have divided the step: go to where the new one fits best.
        k = min(range(len(path) - 1), key=lambda i: _measure_off_step(place, path[i], path[i + 1]))
        path.insert(k + 1, place)
    return bool(new) and bool(step)


def _measure_off_step(place: Place, start: Place, end: Place) -> tuple[float, float]:
    foot = _foot(place, (start, end))
    return _distance(place, foot), _distance(place, start) + _distance(place, end)


def _lines(edges: Iterable[Edge]) -> NDArray[np.object_]:
    ends = np.array([[metres(a), metres(b)] for a, b in sorted(edges)]).reshape(-1, 2, 2)
    return np.asarray(shapely.linestrings(ends), dtype=object)


def faces_between(*lines: Iterable[BaseGeometry]) -> NDArray[np.object_]:
    """The faces between two-point lines that meet at their ends only; a line given twice counts once."""
    every = [line for group in lines for line in group]
    ends = lattice_keys(shapely.get_coordinates(every)).reshape(-1, 4).tolist()
    return np.asarray(shapely.get_parts(shapely.polygonize(_lines({edge_of((a, b), (c, d)) for a, b, c, d in ends}))))


def outline_of(shape: BaseGeometry) -> NDArray[np.object_]:
    """The edges of a polygon as two-point lines."""
    return edges_of(np.array([shape], dtype=object), np.zeros(1, dtype=np.intp)).lines()


def _owners(partition: Partition, tiles: list[str], faces: NDArray[np.object_]) -> list[str | None]:
    polygons = partition.polygons[partition.rows(tiles)]
    which, hits = STRtree(polygons).query(shapely.point_on_surface(faces), predicate="within")
    owners: list[str | None] = [None] * len(faces)
    for face, tile in sorted(zip(which.tolist(), hits.tolist(), strict=True), reverse=True):
        owners[face] = tiles[tile]
    return owners
