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


def snapped(polygons: NDArray[np.object_], free: Edges, *, snap_m: float) -> NDArray[np.object_]:
    """The polygons with ends of loose edges that lie within `snap_m` of each other made one, where all stay valid.

    Vertices of the frame never move; others go to the frame's, else to the smallest position of the pair.
    """
    moves = _moves(free, snap_m)
    if not moves:
        return polygons
    out = polygons.copy()
    hit = np.array([_has_any(shape, moves) for shape in polygons], dtype=bool)
    for row in np.flatnonzero(hit).tolist():
        out[row] = _moved(polygons[row], moves)
    bad = _spoiled(polygons, out)
    while bad.any():  # whoever shares a vertex with a spoiled polygon must keep it as well
        moves = {xy: to for xy, to in moves.items() if not _has_any_of(polygons[bad], xy)}
        out = polygons.copy()
        for row in np.flatnonzero(hit).tolist():
            out[row] = _moved(polygons[row], moves)
        bad = _spoiled(polygons, out)
    return out


def _moves(free: Edges, snap_m: float) -> dict[XY, XY]:
    points = np.unique(np.concatenate([free.low, free.high]), axis=0)
    border = free.where(free.row == FRAME_ROW)
    fixed = {tuple(xy) for xy in np.concatenate([border.low, border.high]).tolist()}
    geometries = np.asarray(shapely.points(points), dtype=object)
    pairs = STRtree(geometries).query(geometries, predicate="dwithin", distance=snap_m)
    moves: dict[XY, XY] = {}
    targets: set[XY] = set(fixed)
    for a, b in pairs.T[pairs[0] < pairs[1]].tolist():
        one, other = (tuple(points[a].tolist()), tuple(points[b].tolist()))
        keep, move = (other, one) if other in targets and one not in targets else (one, other)
        if move in targets or move in moves or keep in moves:
            continue
        moves[move] = keep
        targets.add(keep)
    return moves


def _has_any(shape: BaseGeometry, moves: dict[XY, XY]) -> bool:
    return any((x, y) in moves for x, y in shapely.get_coordinates(shape).tolist())


def _has_any_of(shapes: NDArray[np.object_], xy: XY) -> bool:
    return bool((shapely.get_coordinates(shapes) == xy).all(axis=1).any())


def _moved(shape: BaseGeometry, moves: dict[XY, XY]) -> BaseGeometry:
    def change(xy: Floats) -> Floats:
        new = np.array([moves.get((x, y), (x, y)) for x, y in xy.tolist()])
        keep = np.append(True, (new[1:] != new[:-1]).any(axis=1))
        # A ring that would collapse keeps its vertices; noding will sort it out.
        return new[keep] if keep.sum() >= 4 else xy

    return map_rings(shape, change)


def _spoiled(before: NDArray[np.object_], after: NDArray[np.object_]) -> NDArray[np.bool_]:
    same_parts = shapely.get_num_geometries(before) == shapely.get_num_geometries(after)
    return np.asarray(~(shapely.is_valid(after) & same_parts))
