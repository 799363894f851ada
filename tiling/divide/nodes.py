"""Given rings with the nodes that new borders put on them, so that everything matches vertex for vertex."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import shapely
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import Edge, NewNodes, Place, edge_of, insert_nodes
from tiling.plane import lattice_keys, map_rings


def find_new_nodes(given: Iterable[BaseGeometry], outlines: Iterable[BaseGeometry]) -> dict[Edge, list[Place]]:
    """For each edge of the given rings the nodes that the outlines have between its ends.

    Told by the order of vertices, not by distance: a node may lie a millimetre off a slanted edge, and near a corner
    two edges are as near as that. Vertices of the given rings are vertices of the outlines.
    """
    edges = {edge_of(*pair) for ring in _rings(given) for pair in itertools.pairwise(ring)}
    ends = {place for edge in edges for place in edge}
    found: dict[Edge, list[Place]] = {}
    for ring in _rings(outlines):
        at = [k for k, place in enumerate(ring) if place in ends]
        for first, last in itertools.pairwise(at):
            _note(found, edges, ring[first : last + 1])
        if at:
            _note(found, edges, ring[at[-1] :] + ring[1 : at[0] + 1])
    return found


def _note(found: dict[Edge, list[Place]], edges: set[Edge], way: list[Place]) -> None:
    if len(way) > 2 and edge_of(way[0], way[-1]) in edges:
        found[edge_of(way[0], way[-1])] = way[1:-1]


def _rings(shapes: Iterable[BaseGeometry]) -> list[list[Place]]:
    # Of a shape in several parts `get_rings` gives nothing at all.
    rings = shapely.get_rings(shapely.get_parts(list(shapes)))
    return [[(x, y) for x, y in lattice_keys(shapely.get_coordinates(ring)).tolist()] for ring in rings]


def add_nodes(shapes: Mapping[str, BaseGeometry], nodes: NewNodes) -> dict[str, BaseGeometry]:
    """The shapes with the nodes of those edges that they have; the very shape where it has none of them."""
    return (
        {code: map_rings(shape, lambda xy: insert_nodes(xy, nodes)) for code, shape in shapes.items()}
        if nodes
        else {**shapes}
    )
