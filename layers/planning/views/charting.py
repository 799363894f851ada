"""The map of a plan for paper: outlines in metres from its south-west corner, simplified together so that borders stay
shared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.grids import GridKind
from layers.planning.state.board import Board, Geometries, objects
from layers.planning.state.loading import load_board
from layers.plans import get_plan

# What a page of A4 can show: the longer side in so many steps.
STEPS = 3000.0


@dataclass(frozen=True)
class Outline:
    """One grid or area: its rings as arrays of x, y in metres, y upwards, and a place for its name."""

    code: str
    name: str
    kind: str
    rings: tuple[tuple[tuple[float, float], ...], ...]
    label: tuple[float, float]


@dataclass(frozen=True)
class PlanChart:
    """A plan on paper: its extent in metres and its outlines, grids first."""

    width_m: float
    height_m: float
    grids: tuple[Outline, ...]
    communities: tuple[Outline, ...]


def chart_of(session: Session, plan_id: int, *, by: Actor) -> PlanChart:
    """The map of a plan; raises NotFound. About 1 s for 3,000 grids; overlays are left out."""
    plan = get_plan(session, plan_id, by=by)
    board = load_board(session, plan)
    tiles = board.partition.polygons
    if not len(tiles):
        return PlanChart(1.0, 1.0, (), ())
    west, south, east, north = shapely.total_bounds(tiles).tolist()
    size = max(east - west, north - south)
    moved = shapely.transform(_simplify(tiles, tolerance=size / STEPS), lambda xy: xy - (west, south))
    grids = _outlines(board, moved, [board.grid_of(code) for code in board.partition.codes])
    above = [board.community_of(code) or "" for code in board.partition.codes]
    return PlanChart(east - west, north - south, grids, _outlines(board, moved, above))


def _simplify(tiles: Geometries, *, tolerance: float) -> Geometries:
    sound = shapely.is_valid(tiles).all() and shapely.coverage_is_valid(tiles)
    return np.asarray(shapely.coverage_simplify(tiles, tolerance) if sound else tiles, dtype=object)


def _outlines(board: Board, tiles: Geometries, owners: list[str]) -> tuple[Outline, ...]:
    members: dict[str, list[BaseGeometry]] = {}
    for owner, tile in zip(owners, tiles, strict=True):
        members.setdefault(owner, []).append(tile)
    return tuple(_outline(board, code, parts) for code, parts in sorted(members.items()))


def _outline(board: Board, code: str, parts: list[BaseGeometry]) -> Outline:
    shape = shapely.union_all(objects(parts)) if len(parts) > 1 else parts[0]
    row, area = board.rows.get(code), board.areas.get(code)
    named = row.name if row is not None else area.name if area is not None else code
    place = shapely.point_on_surface(shape)
    kind = row.kind if row is not None else str(GridKind.base)
    return Outline(code, named, kind, tuple(_rings(shape)), (round(place.x, 1), round(place.y, 1)))


def _rings(shape: BaseGeometry) -> Iterable[tuple[tuple[float, float], ...]]:
    for part in shapely.get_parts(shape):
        if isinstance(part, shapely.Polygon):
            for ring in (part.exterior, *part.interiors):
                yield tuple((round(x, 1), round(y, 1)) for x, y in shapely.get_coordinates(ring).tolist())
