"""Taking out nodes that nobody needs, such as those a split left on the outline after the halves were merged again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import Place, change_rings, metres, place_of
from tiling.borders.verdict import judge_change
from tiling.partition import Change, Partition
from tiling.plane import Floats, lattice_keys
from tiling.tolerance import NODE_OFF_M

_LONGEST_M = 200.0
"""Longer edges would be divided again when they are stored ([S1])."""

Beside = dict[Place, set[Place]]


def drop_idle_nodes(
    partition: Partition, codes: Iterable[str], *, among: Collection[tuple[float, float]] | None = None
) -> Change:
    """The change that drops nodes of these grids that lie on a straight border (within 0.75 mm) of at most two grids.

    A node goes from every ring that has it, frame and area rings included; one where borders meet stays, and no edge
    gets longer than 200 m. `among` limits the nodes to some positions in metres. Empty where there is nothing to drop.
    """
    tiles = sorted({tile for code in codes for tile in partition.list_finest(code)})
    window = shapely.box(*shapely.total_bounds(partition.polygons[partition.rows(tiles)]))
    beside = _map_neighbours(partition, window)
    wanted = None if among is None else {place_of(xy) for xy in among}
    own = lattice_keys(shapely.get_coordinates(partition.polygons[partition.rows(tiles)])).tolist()
    candidates = sorted({(x, y) for x, y in own if wanted is None or (x, y) in wanted})
    idle = _find_idle(beside, candidates)
    if not idle:
        return Change()
    return judge_change(partition, change_rings(partition, window, lambda xy: _drop(xy, idle)))


def _map_neighbours(partition: Partition, window: BaseGeometry) -> Beside:
    shapes = [
        *partition.polygons[partition.tree.query(window)],
        partition.frame,
        *partition.areas_near(window).values(),
    ]
    beside: Beside = {}
    for ring in shapely.get_rings(shapely.get_parts(np.array(shapes, dtype=object))):
        keys = lattice_keys(shapely.get_coordinates(ring)).tolist()
        for (a, b), (c, d) in pairwise(keys):
            beside.setdefault((a, b), set()).add((c, d))
            beside.setdefault((c, d), set()).add((a, b))
    return beside


def _find_idle(beside: Beside, candidates: list[Place]) -> set[Place]:
    idle: set[Place] = set()
    passed: dict[frozenset[Place], list[Place]] = {}
    for place in candidates:
        if len(beside[place]) != 2:
            continue
        one, other = sorted(beside[place])
        on_the_way = [place, *passed.get(frozenset((one, place)), []), *passed.get(frozenset((place, other)), [])]
        if other in beside[one] or not all(_lies_straight(p, one, other) for p in on_the_way):
            continue
        idle.add(place)
        passed[frozenset((one, other))] = on_the_way
        beside[one] = (beside[one] - {place}) | {other}
        beside[other] = (beside[other] - {place}) | {one}
    return idle


def _lies_straight(place: Place, one: Place, other: Place) -> bool:
    (px, py), (ax, ay), (bx, by) = metres(place), metres(one), metres(other)
    length_m = float(np.hypot(bx - ax, by - ay))
    if not 0 < length_m <= _LONGEST_M:
        return False
    along_m = ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length_m
    across_m = abs((px - ax) * (by - ay) - (py - ay) * (bx - ax)) / length_m
    return 0 < along_m < length_m and across_m <= NODE_OFF_M


def _drop(xy: Floats, idle: set[Place]) -> Floats:
    keys = lattice_keys(xy).tolist()
    keep = np.array([(x, y) not in idle for x, y in keys], dtype=bool)
    if keep.all():
        return xy
    kept = xy[:-1][keep[:-1]]
    return np.vstack([kept, kept[:1]])
