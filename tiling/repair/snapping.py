"""Making vertices meet that were meant to be one, before any ground is judged."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.defects.edges import FRAME_ROW, Edges
from tiling.plane import Floats, map_rings

XY = tuple[float, float]
_FRAME_WORTH = 1000.0
"""More than any number of polygons that meet in a point."""


def snap_ends(
    polygons: NDArray[np.object_],
    edges: Edges,
    met_by: NDArray[np.intp],
    *,
    snap_m: float,
    fixed: Floats,
    most_m2: Floats,
) -> NDArray[np.object_]:
    """The polygons with ends of loose edges that lie within `snap_m` of each other made one, where all stay valid.

    Vertices of the frame and `fixed` ones never move. Of two others the one stays that more polygons have, or whose
    polygon is better matched all around, since that one was drawn with care; else the smaller position. A polygon
    that would change by more than its `most_m2` keeps its vertices.
    """
    moves = _moves(edges, met_by, snap_m, fixed)
    if not moves:
        return polygons
    hit = np.flatnonzero([_has_any(shape, moves) for shape in polygons]).tolist()
    out = _move_all(polygons, hit, moves)
    while (bad := _mark_spoiled(polygons, out, most_m2)).any():
        # Whoever shares a vertex with a spoiled polygon must keep it as well.
        kept = {tuple(xy) for xy in shapely.get_coordinates(polygons[bad]).tolist()}
        moves = {xy: to for xy, to in moves.items() if xy not in kept}
        out = _move_all(polygons, hit, moves)
    return out


def _move_all(polygons: NDArray[np.object_], rows: list[int], moves: dict[XY, XY]) -> NDArray[np.object_]:
    out = polygons.copy()
    for row in rows:
        out[row] = _move(polygons[row], moves)
    return out


def _moves(edges: Edges, met_by: NDArray[np.intp], snap_m: float, fixed: Floats) -> dict[XY, XY]:
    free = edges.select(met_by < 0)
    points = np.unique(np.concatenate([free.low, free.high, fixed.reshape(-1, 2)]), axis=0)
    worth = _worth(edges, met_by)
    for x, y in fixed.tolist():
        count, best = worth.get((x, y), (0.0, 0.0))
        worth[x, y] = (count + _FRAME_WORTH, best)
    geometries = np.asarray(shapely.points(points), dtype=object)
    pairs = STRtree(geometries).query(geometries, predicate="dwithin", distance=snap_m)
    moves: dict[XY, XY] = {}
    targets: set[XY] = set()
    for a, b in pairs.T[pairs[0] < pairs[1]].tolist():
        one, other = (points[a][0].item(), points[a][1].item()), (points[b][0].item(), points[b][1].item())
        keep, move = (other, one) if worth[other] > worth[one] else (one, other)
        if move in targets or move in moves or keep in moves or worth[move][0] >= _FRAME_WORTH:
            continue
        moves[move] = keep
        targets.add(keep)
    return moves


def _worth(edges: Edges, met_by: NDArray[np.intp]) -> dict[XY, tuple[float, float]]:
    """For each vertex how many polygons have it, and how much of the best of them is matched."""
    owners = edges.row + 1  # the frame is 0
    share = np.bincount(owners, weights=met_by >= 0) / np.maximum(np.bincount(owners), 1)
    places, whose = np.concatenate([edges.low, edges.high]), np.concatenate([owners, owners])
    table = np.unique(np.column_stack([places, whose.astype(float)]), axis=0)
    worth: dict[XY, tuple[float, float]] = {}
    for x, y, owner in table.tolist():
        count, best = worth.get((x, y), (0.0, 0.0))
        weight = _FRAME_WORTH if owner == FRAME_ROW + 1 else 1.0
        worth[x, y] = (count + weight, max(best, float(share[int(owner)])))
    return worth


def _has_any(shape: BaseGeometry, moves: dict[XY, XY]) -> bool:
    return any((x, y) in moves for x, y in shapely.get_coordinates(shape).tolist())


def _move(shape: BaseGeometry, moves: dict[XY, XY]) -> BaseGeometry:
    def change(xy: Floats) -> Floats:
        new = np.array([moves.get((x, y), (x, y)) for x, y in xy.tolist()])
        keep = np.append(True, (new[1:] != new[:-1]).any(axis=1))
        # A ring that would collapse keeps its vertices; noding will sort it out.
        return new[keep] if keep.sum() >= 4 else xy

    return map_rings(shape, change)


def _mark_spoiled(before: NDArray[np.object_], after: NDArray[np.object_], most_m2: Floats) -> NDArray[np.bool_]:
    moved = np.array([old is not new for old, new in zip(before, after, strict=True)], dtype=bool)
    bad = np.zeros(len(before), dtype=bool)
    old, new = before[moved], after[moved]
    fit = shapely.is_valid(new) & (shapely.get_num_geometries(old) == shapely.get_num_geometries(new))
    fit[fit] = shapely.area(shapely.symmetric_difference(old[fit], new[fit])) <= most_m2[moved][fit]
    bad[moved] = ~fit
    return bad
