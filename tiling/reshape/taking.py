"""Ground that changes hands by a polygon: carve, give, add, and filling a gap."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.borders.cutting import Cut, cut, faces_between, prepare_polygon
from tiling.borders.handover import (
    Owners,
    area_above,
    choose_neighbour,
    hand_faces,
    locate_faces,
    rebuild_grids,
    refuse_other_area,
    unite,
)
from tiling.borders.verdict import judge_change, merge_changes
from tiling.defects.ground import Ground
from tiling.defects.regions import gap_shapes
from tiling.errors import CodeTaken, NoSuchGrid, NotNeighbours, NotNested, OutsideFrame, SplitsGrid, WouldVanish
from tiling.partition import Change, Partition
from tiling.plane import put_on_lattice
from tiling.reshape.pieces import pieces_given, tiles_with
from tiling.tolerance import Tolerance

# Deeper than any grid: where no parent is named, the finest grids are the ones that lose pieces.
_FINEST = 99


def carve(
    partition: Partition,
    polygon: BaseGeometry,
    *,
    code: str,
    parent: str | None = None,
    pieces_to: str | None = None,
    tolerance: Tolerance | None = None,
) -> Change:
    """The change that makes a new grid of a polygon in metres, taking its ground from those below.

    Ground in no grid is not taken. `parent` defaults to the lowest one that all grids below have in common; a
    sub-grid that is covered whole is removed as long as its grid keeps ground. `pieces_to` names the grid (the new
    one, or a neighbour) that gets what a neighbour would lose contact with; without it such a carve is refused.

    Raises OutsideFrame, InvalidShape, CodeTaken, WouldVanish for a grid covered whole, SplitsGrid with the pieces,
    NotNested across areas.
    """
    drawn = prepare_polygon(polygon)
    _refuse_taken(partition, code)
    depth = 1 + len(partition.ancestors(parent)) if parent else _FINEST
    cut_, taken = _cut_out(partition, drawn, tolerance, _find_concerned(partition, drawn, pieces_to, depth))
    if not taken.any():
        raise OutsideFrame("The polygon lies in no grid.", where=drawn)
    below = sorted({owner for owner, hit in zip(cut_.owners, taken, strict=True) if hit and owner})
    home = _home(partition, below, parent, drawn)
    owners: Owners = [code if hit else owner for owner, hit in zip(cut_.owners, taken, strict=True)]
    change = rebuild_grids(cut_, pieces_given(cut_, owners, pieces_to, depth))
    _refuse_vanished(partition, change, 1 + len(partition.ancestors(home)) if home else 0)
    return judge_change(partition, merge_changes(change, Change(parents={code: home} if home else {})))


def give(
    partition: Partition,
    polygon: BaseGeometry,
    *,
    to: str,
    pieces_to: str | None = None,
    tolerance: Tolerance | None = None,
) -> Change:
    """The change that gives a polygon's ground, as far as it belongs to others, to a grid beside it; metres.

    For a grid with sub-grids each piece goes to the sub-grid with the longest common border. Where grids overlap, all
    others lose the ground that they claim, so an overlap is settled by giving it to one of them. Raises OutsideFrame
    where nothing changes hands, NotNeighbours, WouldVanish, SplitsGrid with the pieces (see `carve`), NotNested.
    """
    drawn = prepare_polygon(polygon)
    targets, depth = partition.list_finest(to), len(partition.ancestors(to))
    cut_, taken = _cut_out(
        partition, drawn, tolerance, (*targets, *_find_concerned(partition, drawn, pieces_to, depth))
    )
    foreign = np.array([owner not in targets for owner in cut_.owners], dtype=bool)
    others = _find_other_claims(cut_, taken, targets)
    if not (taken & foreign).any() and not others:
        raise OutsideFrame("Nothing in the polygon belongs to another grid.", where=drawn)
    owners = hand_faces(cut_, taken & foreign, to)
    change = merge_changes(rebuild_grids(cut_, pieces_given(cut_, owners, pieces_to, depth)), Change(changed=others))
    _refuse_apart(partition, change, targets)
    _refuse_vanished(partition, change, len(partition.ancestors(to)))
    return judge_change(partition, change)


def add(
    partition: Partition,
    polygon: BaseGeometry,
    *,
    code: str,
    parent: str | None = None,
    tolerance: Tolerance | None = None,
) -> Change:
    """The change that makes a new grid of that part of a polygon that is in the frame and in no grid; metres.

    Raises OutsideFrame where there is no such ground, SplitsGrid where it is in several parts, CodeTaken, NotNested
    with the ground outside the area of `parent`.
    """
    drawn, tolerance = prepare_polygon(polygon), tolerance or Tolerance()
    _refuse_taken(partition, code)
    cut_, bare = _cut_bare(partition, drawn, tolerance, ())
    if not bare.any():
        raise OutsideFrame("There is no empty ground in the polygon.", where=drawn)
    _refuse_strange(cut_.partition, parent, cut_.faces[bare], tolerance)
    owners = [code if hit else owner for owner, hit in zip(cut_.owners, bare, strict=True)]
    return judge_change(
        partition, merge_changes(rebuild_grids(cut_, owners), Change(parents={code: parent} if parent else {}))
    )


def fill_gap(partition: Partition, where: BaseGeometry, *, into: str, tolerance: Tolerance | None = None) -> Change:
    """The change that gives the gap at a point (within `sliver_m`) to a grid that borders on it; metres.

    Raises OutsideFrame where there is no gap, NotNeighbours where the grid does not border on it, NotNested with the
    ground of the gap that lies in another area.
    """
    tolerance = tolerance or Tolerance()
    targets = partition.list_finest(into)
    gap = _gap_at(partition, where, tolerance)
    cut_, bare = _cut_bare(partition, gap, tolerance, targets)
    if not bare.any():
        raise OutsideFrame("The gap is thinner than the lattice; repair the border instead.", where=gap)
    _refuse_strange(cut_.partition, into, cut_.faces[bare], tolerance)
    owners = list(cut_.owners)
    for piece in shapely.get_parts(unite(cut_.faces[bare])):
        target = choose_neighbour(cut_.partition, piece, targets)
        for face in np.flatnonzero(bare & (locate_faces(cut_.faces, np.array([piece])) == 0)).tolist():
            owners[face] = target
    return judge_change(partition, rebuild_grids(cut_, owners))


def _refuse_taken(partition: Partition, code: str) -> None:
    if code in partition:
        raise CodeTaken(f"The code {code} is in use.", grid=code)


def _cut_out(
    partition: Partition, drawn: BaseGeometry, tolerance: Tolerance | None, more: Collection[str] = ()
) -> tuple[Cut, NDArray[np.bool_]]:
    """The grids in touch with the polygon, cut along its outline, and which faces lie in it."""
    snap_m = (tolerance or Tolerance()).snap_m
    codes = {*partition.find_touching(drawn.buffer(2 * snap_m)), *more}
    codes = {code for code in codes if _is_solid(partition.polygon(code))}
    cut_ = cut(partition, codes, [drawn], snap_m=snap_m)
    return cut_, _mark_within(cut_, drawn)


def _find_other_claims(cut_: Cut, taken: NDArray[np.bool_], targets: Sequence[str]) -> dict[str, BaseGeometry | None]:
    """The grids, without the ground taken, that claim some of it although a face has but one owner: overlaps."""
    centres = shapely.point_on_surface(cut_.faces)
    lost: dict[str, BaseGeometry | None] = {}
    if not taken.any():
        return lost
    for code in cut_.partition.find_touching(shapely.MultiPoint(list(centres[taken]))):
        shape = cut_.partition.polygon(code)
        if code in targets or not _is_solid(shape):
            continue
        held = np.asarray(shapely.intersects(shape, centres), dtype=bool)
        owned = np.array([owner == code for owner in cut_.owners], dtype=bool)
        if (held & taken & ~owned).any():
            rest = cut_.faces[held & ~taken]
            lost[code] = unite(rest) if len(rest) else None
    return lost


def _find_concerned(partition: Partition, drawn: BaseGeometry, pieces_to: str | None, depth: int) -> tuple[str, ...]:
    """The finest grids that may gain or lose pieces: those of `pieces_to`, and all of each grid that is touched."""
    to = partition.list_finest(pieces_to) if pieces_to is not None and pieces_to in partition else ()
    return (*to, *tiles_with(partition, partition.find_touching(drawn), depth))


def _is_solid(shape: BaseGeometry | None) -> bool:
    return shape is not None and not shape.is_empty and shape.is_valid


def _mark_within(cut_: Cut, drawn: BaseGeometry) -> NDArray[np.bool_]:
    # The outline as it was noded, since snapping may have moved it by a centimetre.
    rings = faces_between(cut_.seams)
    if not len(rings):
        return np.zeros(len(cut_.faces), dtype=bool)
    centres = shapely.point_on_surface(rings)
    filled = rings[shapely.intersects(drawn, centres)]
    return locate_faces(cut_.faces, filled) >= 0 if len(filled) else np.zeros(len(cut_.faces), dtype=bool)


def _home(partition: Partition, below: Sequence[str], parent: str | None, where: BaseGeometry) -> str | None:
    """The parent of a new grid over these; raises NotNested where they are not all under it."""
    for code in below[1:]:
        refuse_other_area(partition, code, below[0], where)
    if parent is None:
        common = [a for a in partition.ancestors(below[0]) if all(a in partition.ancestors(c) for c in below)]
        return common[0] if common else None
    if parent not in partition:
        raise NoSuchGrid(f"There is no grid {parent}.", grid=parent)
    ring = (parent, *partition.ancestors(parent))
    if tuple(a for a in ring if a in partition.areas) != area_above(partition, below[0]):
        raise NotNested(where=where, areas=[parent])
    return parent


def _refuse_vanished(partition: Partition, change: Change, depth: int) -> None:
    """Raises WouldVanish unless what vanishes is below the level that gains the ground and its own grid stays."""
    for code in change.removed:
        grid = partition.parents.get(code, "")
        stays = len(partition.ancestors(code)) > depth and set(partition.list_finest(grid)) - set(change.removed)
        if not stays:
            raise WouldVanish(f"Nothing would be left of grid {code}.", where=partition.polygon(code), grid=code)


def _refuse_apart(partition: Partition, change: Change, targets: Sequence[str]) -> None:
    for code in targets:
        shape = change.changed.get(code)
        had = shapely.get_num_geometries(partition.polygon(code))
        if shape is not None and shapely.get_num_geometries(shape) > had and code not in partition.parts_allowed:
            pieces = sorted(shapely.get_parts(shape), key=lambda part: -part.area)[1:]
            raise NotNeighbours("The ground given does not border on the grid.", where=shapely.MultiPolygon(pieces))


def _cut_bare(
    partition: Partition, drawn: BaseGeometry, tolerance: Tolerance, more: Collection[str]
) -> tuple[Cut, NDArray[np.bool_]]:
    """The ground about a polygon cut along its outline, and which faces lie in it, in the frame and in no grid."""
    codes = {*partition.find_touching(drawn.buffer(1.0)), *more}
    codes = {code for code in codes if _is_solid(partition.polygon(code))}
    cut_ = cut(partition, codes, [drawn], snap_m=tolerance.snap_m, bare_ground="frame")
    bare = np.array([owner is None for owner in cut_.owners], dtype=bool) & _mark_within(cut_, drawn)
    if cut_.partition.frame is not None:
        bare &= shapely.intersects(cut_.partition.frame, shapely.point_on_surface(cut_.faces))
    return cut_, bare


def _refuse_strange(partition: Partition, code: str | None, faces: NDArray[np.object_], tolerance: Tolerance) -> None:
    """Raises NotNested where bare ground lies, by more than noise, out of the area ring of the grid that gets it."""
    above = (code, *partition.ancestors(code)) if code is not None else ()
    home = next((area for area in above if area in partition.areas), None)
    if home is None or not partition.areas[home].is_valid:
        return
    strange = shapely.difference(unite(faces), partition.areas[home])
    if not shapely.is_empty(shapely.buffer(strange, -tolerance.snap_m / 2)):
        raise NotNested(where=strange, areas=[home])


def _gap_at(partition: Partition, where: BaseGeometry, tolerance: Tolerance) -> BaseGeometry:
    ground = Ground(partition.codes, partition.polygons, partition.tree, partition.frame)
    gaps = gap_shapes(ground, ground.list_loose())
    off_m = shapely.distance(gaps, where)
    if not len(gaps) or off_m.min() > tolerance.sliver_m:
        raise OutsideFrame("There is no gap at this place.", where=where)
    nearest: BaseGeometry = gaps[int(np.argmin(off_m))]
    gap = put_on_lattice(nearest)
    if not gap.is_valid or gap.area == 0:
        raise SplitsGrid("The gap is thinner than the lattice; repair the border instead.", where=gap)
    return gap


__all__ = ["add", "carve", "fill_gap", "give"]
