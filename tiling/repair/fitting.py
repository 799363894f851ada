"""After a repair: new nodes reach the grids and the frame that were not rebuilt."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import Edge, NewNodes, Place, edge_of, insert_nodes, metres, point_at
from tiling.defects.edges import Edges, edges_of
from tiling.defects.shapes import place_of_invalidity
from tiling.plane import LATTICE_M, lattice_keys, map_rings
from tiling.tolerance import NODE_OFF_M


def fit_polygons(
    polygons: NDArray[np.object_], rebuilt: Sequence[int], frame: BaseGeometry | None, *, kept: Collection[int] = ()
) -> tuple[NDArray[np.object_], BaseGeometry | None]:
    """The polygons and the frame with every vertex of the rebuilt ones that lies on an edge of the others as a node.

    The rows `kept` stay as they are."""
    out = polygons.copy()
    rows = [row for row in _find_beside(polygons, rebuilt) if row not in kept]
    others = np.array([*polygons[rows], *([] if frame is None else [frame])], dtype=object)
    nodes = _nodes(others, polygons[list(rebuilt)])
    if nodes:
        for row in rows:
            out[row] = _grow(polygons[row], nodes)
        frame = None if frame is None else _grow(frame, nodes)
    return out, frame


def add_corners(shape: BaseGeometry, faces: NDArray[np.object_]) -> BaseGeometry:
    """The shape with every vertex of the faces that lies on one of its edges as a node."""
    nodes = _nodes(np.array([shape], dtype=object), faces)
    return _grow(shape, nodes) if nodes else shape


def _grow(shape: BaseGeometry, nodes: NewNodes) -> BaseGeometry:
    """The shape with the nodes, but for those near a place where it would cross itself because of them."""
    new = map_rings(shape, partial(insert_nodes, nodes=nodes))
    while nodes and not new.is_valid and shape.is_valid:
        crossing, _ = place_of_invalidity(new)
        kept = {} if crossing is None else _drop_near(nodes, crossing)
        nodes = kept if len(kept) < len(nodes) else {}
        new = map_rings(shape, partial(insert_nodes, nodes=nodes))
    return new


def _drop_near(nodes: NewNodes, crossing: BaseGeometry) -> NewNodes:
    """The nodes of those edges that have none within two millimetres of a place."""
    return {
        edge: places
        for edge, places in nodes.items()
        if min(shapely.distance(point_at(place), crossing) for place in places) > 2 * LATTICE_M
    }


def _find_beside(polygons: NDArray[np.object_], rebuilt: Sequence[int]) -> list[int]:
    hits = STRtree(polygons).query(polygons[list(rebuilt)])[1]
    return sorted(set(hits.tolist()) - set(rebuilt))


def _nodes(shapes: NDArray[np.object_], sources: NDArray[np.object_]) -> NewNodes:
    """The vertices of the sources for each edge of the shapes on which they lie."""
    edges = edges_of(shapes, np.arange(len(shapes)))
    # An edge that a source has as well needs no node, however near one may lie.
    edges = edges.select(~np.isin(_rows_of(edges), _rows_of(edges_of(sources, np.arange(len(sources))))))
    keys = np.unique(lattice_keys(shapely.get_coordinates(sources)), axis=0)
    places: list[Place] = [(x, y) for x, y in keys.tolist()]
    points = np.asarray(shapely.points([metres(place) for place in places]), dtype=object)
    lines = edges.lines()
    which, hits = STRtree(lines).query(points, predicate="dwithin", distance=NODE_OFF_M)
    nearest_first = np.lexsort((hits, shapely.distance(points[which], lines[hits]), edges.row[hits], which))
    found: dict[Edge, set[Place]] = {}
    low, high = lattice_keys(edges.low), lattice_keys(edges.high)
    taken: tuple[int, int] = (-1, -1)
    corners: set[Place] = set()
    for point, edge in zip(which[nearest_first].tolist(), hits[nearest_first].tolist(), strict=True):
        (ax, ay), (bx, by) = low[edge].tolist(), high[edge].tolist()
        key = edge_of((ax, ay), (bx, by))
        if taken != (point, int(edges.row[edge])):
            taken, corners = (point, int(edges.row[edge])), set()
        # A millimetre from a corner a place is near both edges; put into both, the ring would run there and back.
        if places[point] not in key and corners.isdisjoint(key):
            found.setdefault(key, set()).add(places[point])
        corners.update(key)
    return found


def _rows_of(edges: Edges) -> NDArray[np.void]:
    """Each edge as one value that can be compared."""
    both = np.ascontiguousarray(np.hstack([lattice_keys(edges.low), lattice_keys(edges.high)]))
    return both.view(np.dtype((np.void, both.dtype.itemsize * 4))).ravel()
