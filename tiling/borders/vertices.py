"""Moving, inserting and deleting a vertex of a border: all owners follow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import (
    Edge,
    Place,
    add_nodes,
    box_about,
    change_rings,
    edge_of,
    frame_keys,
    metres,
    place_of,
    point_at,
)
from tiling.borders.verdict import judge_change
from tiling.errors import FrameVertex, InvalidShape, JunctionVertex, NoSuchVertex, WouldVanish
from tiling.partition import Change, Partition
from tiling.plane import Floats, lattice_keys
from tiling.tolerance import MATCH_M, NODE_OFF_M

_REACH_M = 0.1
"""How far from an edge an insertion may be named: an edge straight in degrees bows 71 mm from the metres on 2 km."""

XY = tuple[float, float]


def move_vertex(partition: Partition, at: XY, *, to: XY) -> Change:
    """The change that moves the vertex at `at` (within 1 mm) to `to` in every grid that has it; metres.

    Moved onto a neighbouring vertex of the same border the two become one. Raises NoSuchVertex, FrameVertex for a
    node of the frame or of an area's ring, WouldVanish, WouldBreak with the place where borders would cross.
    """
    old = _get_stored_vertex(partition, at)
    _refuse_fixed(partition, old)
    new = _require_finite(to)
    change = change_rings(partition, box_about(point_at(old), MATCH_M), lambda xy: _move(xy, old, new))
    return judge_change(partition, change)


def insert_vertex(partition: Partition, at: XY, *, to: XY) -> Change:
    """The change that puts a node on the edge nearest to `at` (within 10 cm) and moves it to `to`; metres.

    On the frame or an area's ring only a node on the very edge is taken. Raises NoSuchVertex where no edge is near or
    there is a vertex already, FrameVertex, WouldBreak.
    """
    start = _require_finite(at)
    edge = _get_nearest_edge(partition, start)
    new = _require_finite(to)
    if new in edge:
        raise NoSuchVertex("There is a vertex at this place already; move it instead.", where=point_at(new))
    if _is_fixed_edge(partition, edge) and _measure_off_m(edge, new) > NODE_OFF_M:
        raise FrameVertex(where=point_at(start))
    return judge_change(partition, add_nodes(partition, {edge: [new]}))


def delete_vertex(partition: Partition, at: XY) -> Change:
    """The change that takes the vertex at `at` (within 1 mm) out of the border of two grids; metres.

    Raises NoSuchVertex, FrameVertex, JunctionVertex where three or more grids meet, WouldVanish where fewer than
    three corners would be left, WouldBreak.
    """
    old = _get_stored_vertex(partition, at)
    _refuse_fixed(partition, old)
    holders = list(_holders(partition, old))
    if len({end for _, ring in holders for end in _find_beside(ring, old)}) > 2:
        raise JunctionVertex(where=point_at(old))
    change = change_rings(partition, box_about(point_at(old), MATCH_M), lambda xy: _leave_out(xy, old))
    return judge_change(partition, change)


def _require_finite(xy: XY) -> Place:
    if not np.isfinite(xy).all() or np.abs(xy).max() > 1e9:
        raise InvalidShape("The position is not a finite number of metres.")
    return place_of(xy)


def _get_stored_vertex(partition: Partition, at: XY) -> Place:
    _require_finite(at)
    point = shapely.Point(at)
    shapes = partition.polygons[partition.tree.query(box_about(point, 2 * MATCH_M))]
    xy = shapely.get_coordinates(shapes)
    if len(xy):
        off_m = np.hypot(*(xy - np.asarray(at)).T)
        nearest = int(np.argmin(off_m))
        if off_m[nearest] <= MATCH_M * 1.0001:
            return place_of(xy[nearest])
    raise NoSuchVertex(where=point)


def _refuse_fixed(partition: Partition, place: Place) -> None:
    rings = list(partition.areas_near(point_at(place)).values())
    for keys in (frame_keys(partition), lattice_keys(shapely.get_coordinates(rings))):
        if (keys == np.array(place)).all(axis=1).any():
            raise FrameVertex(where=point_at(place))


def _list_fixed_rings(partition: Partition, place: Place) -> list[BaseGeometry]:
    """The frame and the area rings whose box holds the place."""
    rings = list(partition.areas_near(point_at(place)).values())
    return rings if partition.frame is None else [partition.frame, *rings]


def _holders(partition: Partition, place: Place) -> Iterator[tuple[str, Floats]]:
    for row in partition.tree.query(box_about(point_at(place), MATCH_M)).tolist():
        for ring in _rings(partition.polygons[row]):
            if (lattice_keys(ring) == np.array(place)).all(axis=1).any():
                yield partition.codes[row], ring


def _rings(shape: BaseGeometry) -> list[Floats]:
    return [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(shape))]


def _find_beside(ring: Floats, place: Place) -> set[Place]:
    keys = lattice_keys(ring)[:-1]
    at = np.flatnonzero((keys == np.array(place)).all(axis=1))
    return {(int(x), int(y)) for step in (-1, 1) for x, y in keys[(at + step) % len(keys)]}


def _move(xy: Floats, old: Place, new: Place) -> Floats:
    hit = (lattice_keys(xy) == np.array(old)).all(axis=1)
    if not hit.any():
        return xy
    out = xy.copy()
    out[hit] = metres(new)
    return _drop_repeats(out)


def _leave_out(xy: Floats, old: Place) -> Floats:
    hit = (lattice_keys(xy) == np.array(old)).all(axis=1)
    if not hit.any():
        return xy
    kept = xy[:-1][~hit[:-1]]
    return _drop_repeats(np.vstack([kept, kept[:1]])) if len(kept) else kept


def _drop_repeats(xy: Floats) -> Floats:
    keep = np.ones(len(xy), dtype=bool)
    keep[1:] = (lattice_keys(xy[1:]) != lattice_keys(xy[:-1])).any(axis=1)
    out = xy[keep]
    if len(out) < 4:
        raise WouldVanish("Fewer than three corners would be left.", where=shapely.MultiPoint(xy))
    return out


def _get_nearest_edge(partition: Partition, start: Place) -> Edge:
    point = point_at(start)
    shapes = partition.polygons[partition.tree.query(box_about(point, _REACH_M))]
    best: tuple[float, Edge] | None = None
    for ring in (ring for shape in shapes for ring in _rings(shape)):
        for k in np.flatnonzero(_measure_off_edges_m(ring, metres(start)) <= _REACH_M).tolist():
            edge = edge_of(place_of(ring[k]), place_of(ring[k + 1]))
            candidate = (_measure_off_m(edge, start), edge)
            best = candidate if best is None or candidate < best else best
    if best is None:
        raise NoSuchVertex("There is no border near this place.", where=point)
    return best[1]


def _measure_off_edges_m(ring: Floats, xy: XY) -> Floats:
    start, along = ring[:-1], np.diff(ring, axis=0)
    length2 = np.maximum((along**2).sum(axis=1), 1e-18)
    share = np.clip(((np.asarray(xy) - start) * along).sum(axis=1) / length2, 0.0, 1.0)
    return np.asarray(np.hypot(*(start + along * share[:, None] - np.asarray(xy)).T))


def _measure_off_m(edge: Edge, place: Place) -> float:
    return float(_measure_off_edges_m(np.array([metres(edge[0]), metres(edge[1])]), metres(place))[0])


def _is_fixed_edge(partition: Partition, edge: Edge) -> bool:
    return any(_has_edge(ring, edge) for shape in _list_fixed_rings(partition, edge[0]) for ring in _rings(shape))


def _has_edge(ring: Floats, edge: Edge) -> bool:
    keys = lattice_keys(ring)
    low, high = np.array(edge[0]), np.array(edge[1])
    there = (keys[:-1] == low).all(axis=1) & (keys[1:] == high).all(axis=1)
    back = (keys[:-1] == high).all(axis=1) & (keys[1:] == low).all(axis=1)
    return bool((there | back).any())
