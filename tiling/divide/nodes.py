"""Given rings with the nodes that new borders put on them, so that everything matches vertex for vertex."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tiling.divide.site import Floats
from tiling.plane import lattice_keys, map_rings
from tiling.tolerance import NODE_OFF_M


def with_nodes(shapes: Mapping[str, BaseGeometry], nodes: Floats) -> dict[str, BaseGeometry]:
    """The shapes with every one of the `nodes` (n × 2, lattice metres) that lies on an edge as a vertex of it.

    A node lies up to NODE_OFF_M off the slanted edge it was put on; vertices that are there already stay alone.
    """
    points = np.unique(nodes, axis=0)
    tree = shapely.STRtree(np.asarray(shapely.points(points), dtype=object))
    return {code: map_rings(shape, lambda xy: _noded(xy, points, tree)) for code, shape in shapes.items()}


def _noded(ring: Floats, points: Floats, tree: shapely.STRtree) -> Floats:
    segments = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1))
    edge, point = tree.query(segments, predicate="dwithin", distance=NODE_OFF_M)
    if not len(edge):
        return ring
    own = {tuple(key) for key in lattice_keys(ring).tolist()}
    new = np.array([tuple(key) not in own for key in lattice_keys(points[point]).tolist()], dtype=bool)
    edge, point = edge[new], point[new]
    if not len(edge):
        return ring
    far = np.hypot(*(points[point] - ring[edge]).T)
    order = np.lexsort((far, edge))
    return np.insert(ring, edge[order] + 1, points[point[order]], axis=0)
