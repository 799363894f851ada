"""After a repair: new nodes reach the grids and the frame that were not rebuilt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import Edge, NewNodes, Place, edge_of, inserted, metres
from tiling.defects.edges import edges_of
from tiling.plane import lattice_keys, map_rings
from tiling.tolerance import NODE_OFF_M


def fitted(
    polygons: NDArray[np.object_], rebuilt: Sequence[int], frame: BaseGeometry | None
) -> tuple[NDArray[np.object_], BaseGeometry | None]:
    """The polygons and the frame with every vertex of the rebuilt ones that lies on an edge of the others as a node."""
    out = polygons.copy()
    rows = _beside(polygons, rebuilt)
    places = lattice_keys(shapely.get_coordinates(polygons[list(rebuilt)]))
    unique: list[Place] = [(int(x), int(y)) for x, y in np.unique(places, axis=0)]
    others = np.array([*polygons[rows], *([] if frame is None else [frame])], dtype=object)
    nodes = _nodes(others, unique)
    if nodes:
        for row in rows:
            out[row] = map_rings(polygons[row], lambda xy: inserted(xy, nodes))
        frame = None if frame is None else map_rings(frame, lambda xy: inserted(xy, nodes))
    return out, frame


def with_corners(shape: BaseGeometry, faces: NDArray[np.object_]) -> BaseGeometry:
    """The shape with every vertex of the faces that lies on one of its edges as a node."""
    places = lattice_keys(np.unique(shapely.get_coordinates(faces), axis=0)).tolist()
    nodes = _nodes(np.array([shape], dtype=object), [(x, y) for x, y in places])
    return map_rings(shape, lambda xy: inserted(xy, nodes)) if nodes else shape


def _beside(polygons: NDArray[np.object_], rebuilt: Sequence[int]) -> list[int]:
    hits = STRtree(polygons).query(polygons[list(rebuilt)])[1]
    return sorted(set(hits.tolist()) - set(rebuilt))


def _nodes(shapes: NDArray[np.object_], places: list[Place]) -> NewNodes:
    edges = edges_of(shapes, np.arange(len(shapes)))
    points = shapely.points([metres(place) for place in places])
    which, hits = STRtree(edges.lines()).query(points, predicate="dwithin", distance=NODE_OFF_M)
    found: dict[Edge, set[Place]] = {}
    low, high = lattice_keys(edges.low), lattice_keys(edges.high)
    for point, edge in zip(which.tolist(), hits.tolist(), strict=True):
        (ax, ay), (bx, by) = low[edge].tolist(), high[edge].tolist()
        key = edge_of((ax, ay), (bx, by))
        if places[point] not in key:
            found.setdefault(key, set()).add(places[point])
    return found
