"""Putting nodes into, and taking them out of, every ring that shares an edge: grids, frame and area rings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from tiling.partition import Change, Partition, have_same_bytes
from tiling.plane import LATTICE_M, Floats, lattice_keys, map_rings

Place: TypeAlias = tuple[int, int]
"""A lattice position in whole millimetres."""
Edge: TypeAlias = tuple[Place, Place]
"""Two lattice positions, the smaller one first."""
NewNodes: TypeAlias = Mapping[Edge, Iterable[Place]]


def place_of(xy_m: Iterable[float]) -> Place:
    """The lattice position nearest to a position in metres."""
    x, y = lattice_keys(list(xy_m)[:2]).tolist()
    return x, y


def metres(place: Place) -> tuple[float, float]:
    """The position in metres, the very numbers that `to_lattice` gives."""
    return place[0] / 1000.0 + 0.0, place[1] / 1000.0 + 0.0


def point_at(place: Place) -> shapely.Point:
    """The position as a point in metres."""
    return shapely.Point(metres(place))


def box_about(point: shapely.Point, reach_m: float) -> shapely.Polygon:
    """The box about a point; to look something up in an index it does what a circle would, in a tenth of the time."""
    return shapely.box(point.x - reach_m, point.y - reach_m, point.x + reach_m, point.y + reach_m)


def edge_of(one: Place, other: Place) -> Edge:
    """The edge between two places, the same from either end."""
    return (one, other) if one <= other else (other, one)


def add_nodes(partition: Partition, nodes: NewNodes) -> Change:
    """The change that puts each edge's new nodes into every ring that has this edge, in order along it."""
    wanted = {edge: places for edge, given in nodes.items() if (places := _sort_along(edge, given))}
    if not wanted:
        return Change()
    return change_rings(partition, _box_of(wanted), lambda xy: _insert_places(xy, wanted))


def insert_nodes(xy: Floats, nodes: NewNodes) -> Floats:
    """The coordinates of a ring in metres with the new nodes of its edges, in order along each."""
    return _insert_places(xy, {edge: _sort_along(edge, given) for edge, given in nodes.items()})


def change_rings(partition: Partition, window: BaseGeometry, change: Callable[[Floats], Floats]) -> Change:
    """The change that a function of ring coordinates makes to grids, frame and areas that meet the window's box.

    The function leaves alone all vertices outside the window.
    """
    rows = np.sort(partition.tree.query(window))
    tiles = {partition.codes[row]: partition.polygons[row] for row in rows.tolist()}
    changed = {
        code: new
        for code, old in _select_noded(tiles, window).items()
        if (new := _change_shape(old, change)) is not None
    }
    near = partition.areas_near(window)
    areas = {
        code: new
        for code, old in _select_noded(near, window).items()
        if (new := _change_shape(old, change)) is not None
    }
    frame = partition.frame
    if frame is not None:
        frame = _change_shape(frame, change) if _mark_within(frame_keys(partition), window).any() else None
    return Change(changed=changed, frame=frame, areas=areas)


def frame_keys(partition: Partition) -> NDArray[np.int64]:
    """The lattice positions of all nodes of the frame in millimetres; none without a frame."""
    found: NDArray[np.int64] | None = partition.frame_notes.get("keys")
    if found is None:
        partition.frame_notes["keys"] = found = lattice_keys(shapely.get_coordinates(partition.frame))
    return found


def _select_noded(shapes: Mapping[str, BaseGeometry], window: BaseGeometry) -> dict[str, BaseGeometry]:
    """Those of the shapes that have a node in the box of the window; most only pass by with a corner of their box."""
    codes = list(shapes)
    xy, which = shapely.get_coordinates(list(shapes.values()), return_index=True)
    return {codes[k]: shapes[codes[k]] for k in np.unique(which[_mark_within(lattice_keys(xy), window)]).tolist()}


def _mark_within(keys: NDArray[np.int64], window: BaseGeometry) -> NDArray[np.bool_]:
    """Whether each lattice position lies in the box of the window, a millimetre more at every side."""
    low, high = lattice_keys(np.reshape(window.bounds, (2, 2)))
    return np.asarray(((keys >= low - 1) & (keys <= high + 1)).all(axis=1))


def _change_shape(geometry: BaseGeometry, change: Callable[[Floats], Floats]) -> BaseGeometry | None:
    new = map_rings(geometry, change)
    return None if have_same_bytes(new, geometry) else new


def _insert_places(xy: Floats, wanted: Mapping[Edge, list[Place]]) -> Floats:
    if not wanted:
        return xy
    keys = lattice_keys(xy)
    ends = np.array(sorted({end for edge in wanted for end in edge}), dtype=np.int64)
    known = np.isin(keys[:, 0], ends[:, 0]) & np.isin(keys[:, 1], ends[:, 1])
    at: list[int] = []
    new: list[tuple[float, float]] = []
    for i in np.flatnonzero(known[:-1] & known[1:]).tolist():
        start, end = _places(keys[i : i + 2])
        places = wanted.get(edge_of(start, end), [])
        for place in places if start <= end else reversed(places):
            at.append(i + 1)
            new.append(metres(place))
    return np.insert(xy, at, new, axis=0) if at else xy


def _places(keys: NDArray[np.int64]) -> list[Place]:
    return [(int(x), int(y)) for x, y in keys]


def _sort_along(edge: Edge, places: Iterable[Place]) -> list[Place]:
    (x0, y0), (x1, y1) = edge
    inner = {place for place in places if place not in edge}
    return sorted(inner, key=lambda p: ((p[0] - x0) * (x1 - x0) + (p[1] - y0) * (y1 - y0), p))


def _box_of(nodes: NewNodes) -> BaseGeometry:
    # The nodes lie on their edges but for 0.7 mm, and every ring that has the edge meets its box.
    xy = np.array([metres(end) for edge in nodes for end in edge])
    (west, south), (east, north) = xy.min(axis=0) - LATTICE_M, xy.max(axis=0) + LATTICE_M
    return box(west, south, east, north)
