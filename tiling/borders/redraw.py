"""Redrawing the border between two neighbours."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from tiling.borders.cutting import Cut, cut, faces_between, outline_of, prepare_line
from tiling.borders.handover import area_above, hand_faces, locate_faces, rebuild_grids
from tiling.borders.verdict import judge_change
from tiling.errors import FrameVertex, LineDoesNotCross, NotNeighbours, WouldVanish
from tiling.partition import Change, Partition, dissolve
from tiling.tolerance import Tolerance

_ON_M = 1e-6


def redraw_border(
    partition: Partition, left: str, right: str, line: BaseGeometry, *, tolerance: Tolerance | None = None
) -> Change:
    """The change that makes the line the border between two grids, metres; sub-grids give and take as needed.

    The line runs between any two places on the outline of both together, or starts or ends on their common border,
    of which only the stretch between is replaced. Ends within `snap_m` of either are put onto it. Raises
    NotNeighbours, FrameVertex for a border between two areas, LineDoesNotCross with the end that hangs in the air,
    WouldVanish, SplitsGrid.
    """
    snap_m = (tolerance or Tolerance()).snap_m
    drawn = prepare_line(line)
    border = _find_common_border(partition, left, right)
    _refuse_loose_ends(partition, (left, right), drawn, border, snap_m)
    faces = cut(partition, (*partition.list_finest(left), *partition.list_finest(right)), [drawn], snap_m=snap_m)
    new = min(_readings(faces, left, right, drawn, snap_m), key=lambda reading: reading[0], default=None)
    if new is None:
        raise LineDoesNotCross("The line does not part the two grids.", where=drawn)
    return judge_change(partition, rebuild_grids(faces, _owners(faces, left, right, new[1])))


def _find_common_border(partition: Partition, left: str, right: str) -> BaseGeometry:
    one, other = partition.polygon(left), partition.polygon(right)
    if one is None or other is None:
        raise NotNeighbours(f"{left} and {right} share no border.", where=one or other, grids=[left, right])
    shared = shapely.intersection(shapely.boundary(one), shapely.boundary(other))
    if left == right or shared.is_empty or shared.length == 0:
        raise NotNeighbours(f"{left} and {right} share no border.", where=one, grids=[left, right])
    if area_above(partition, partition.list_finest(left)[0]) != area_above(partition, partition.list_finest(right)[0]):
        raise FrameVertex(where=shared)
    lines = [part for part in shapely.get_parts(shared) if part.length > 0]
    return shapely.line_merge(shapely.union_all(lines))


def _refuse_loose_ends(
    partition: Partition, codes: tuple[str, str], line: shapely.LineString, border: BaseGeometry, snap_m: float
) -> None:
    both = dissolve(partition.polygons[partition.rows(f for code in codes for f in partition.list_finest(code))])
    for end in (line.coords[0], line.coords[-1]):
        point = shapely.Point(end)
        fixed = min(point.distance(border), point.distance(shapely.boundary(both)))
        if both.contains(point) and fixed > snap_m:
            raise LineDoesNotCross(where=point)


Reading = tuple[float, NDArray[np.bool_]]


def _readings(cut_: Cut, left: str, right: str, line: shapely.LineString, snap_m: float) -> Iterable[Reading]:
    """The ways to read the line as a new border, each with the area in m² that changes hands."""
    border = _find_common_border(cut_.partition, left, right)
    whose = _mark_left_owned(cut_, left)
    for kept in _keep_stretches(border, line, snap_m):
        pieces = _pieces(cut_, left, right, kept)
        which = locate_faces(cut_.faces, pieces)
        # A line that doubles back within a millimetre may part them so that a face lies in no piece: no reading.
        if len(pieces) >= 2 and (which >= 0).all():
            yield from _sides(cut_, whose, which, len(pieces))


def _mark_left_owned(cut_: Cut, left: str) -> NDArray[np.bool_]:
    own = set(cut_.partition.list_finest(left))
    return np.array([owner in own for owner in cut_.owners], dtype=bool)


def _sides(cut_: Cut, whose: NDArray[np.bool_], which: NDArray[np.intp], count: int) -> Iterable[Reading]:
    area = shapely.area(cut_.faces)
    mine = np.bincount(which[whose], weights=area[whose], minlength=count)[:count]
    total = np.bincount(which, weights=area, minlength=count)[:count]
    two = [np.array([True, False]), np.array([False, True])]
    choices = two if count == 2 else [mine * 2 > total]
    for to_left in choices:
        new = to_left[which]
        if new.any() and not new.all():
            yield float(area[new != whose].sum()), new


def _keep_stretches(border: BaseGeometry, line: shapely.LineString, snap_m: float) -> list[list[BaseGeometry]]:
    """What may be kept of the old border: nothing, or the stretches on either side of where the line leaves it."""
    out: list[list[BaseGeometry]] = [[]]
    ends = [shapely.Point(line.coords[0]), shapely.Point(line.coords[-1])]
    parts = list(shapely.get_parts(border))
    for part in parts:
        others = [other for other in parts if other is not part]
        on = sorted(part.project(end) for end in ends if end.distance(part) <= snap_m)
        if len(on) == 2:
            out += [[*others, *_select_solid(substring(part, 0, on[0]), substring(part, on[1], part.length))]]
            out += [[*others, *_select_solid(substring(part, on[0], on[1]))]] if part.is_ring else []
        elif len(on) == 1:
            out += [
                [*others, *_select_solid(substring(part, 0, on[0]))],
                [*others, *_select_solid(substring(part, on[0], part.length))],
            ]
        if not on:
            out += [others]
    return out


def _select_solid(*lines: BaseGeometry) -> list[BaseGeometry]:
    return [line for line in lines if line.length > _ON_M]


def _pieces(cut_: Cut, left: str, right: str, kept: list[BaseGeometry]) -> NDArray[np.object_]:
    """Both grids together, parted by the line and what is kept of the old border."""
    tiles = cut_.partition.rows((*cut_.partition.list_finest(left), *cut_.partition.list_finest(right)))
    both = dissolve(cut_.partition.polygons[tiles])
    pieces = faces_between(outline_of(both), cut_.seams, _edges_on(cut_, left, kept))
    return np.asarray(pieces[shapely.intersects(both, shapely.point_on_surface(pieces))])


def _edges_on(cut_: Cut, left: str, kept: list[BaseGeometry]) -> list[BaseGeometry]:
    # Stretches are measured along the line, so their ends are not exactly nodes: take the stored edges they cover.
    if not kept:
        return []
    near = shapely.buffer(shapely.union_all(kept), 0.002)
    shape = cut_.partition.polygon(left)
    assert shape is not None
    lines = outline_of(shape)
    return list(lines[shapely.covers(near, lines)])


def _owners(cut_: Cut, left: str, right: str, to_left: NDArray[np.bool_]) -> list[str | None]:
    whose = _mark_left_owned(cut_, left)
    if not to_left.any() or to_left.all():
        raise WouldVanish(where=cut_.partition.polygon(left), grid=left)
    gained = hand_faces(cut_, to_left & ~whose, left)
    lost = hand_faces(cut_, ~to_left & whose, right)
    return [g if mine != ours else own for own, g, mine, ours in _choices(cut_, gained, lost, to_left, whose)]


def _choices(
    cut_: Cut, gained: list[str | None], lost: list[str | None], to_left: NDArray[np.bool_], whose: NDArray[np.bool_]
) -> Iterable[tuple[str | None, str | None, bool, bool]]:
    for k, own in enumerate(cut_.owners):
        yield own, gained[k] if to_left[k] else lost[k], bool(to_left[k]), bool(whose[k])
