"""Is a change fit to be made: the last look before an edit is handed out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tiling.defects.edges import Edges
from tiling.defects.ground import ground_of
from tiling.defects.shapes import place_of_invalidity
from tiling.errors import CrossesAlready, SplitsGrid, WouldBreak, WouldVanish
from tiling.partition import Change, Partition
from tiling.tolerance import MATCH_M

_LEAST_M2 = 1e-4
"""A square centimetre: less ground than this is no grid."""


def judge_change(partition: Partition, change: Change) -> Change:
    """The change itself when it leaves every changed grid valid and in one piece, and breaks no border.

    Where the surroundings were perfect they must stay so: every edge of a changed grid is met by a neighbour or the
    frame. Where a draft was imperfect before, borders must still form a coverage if they did; the rest is for the
    caller's comparison of reports. Raises WouldVanish, WouldBreak or SplitsGrid with the place.
    """
    _refuse_bad_shapes(partition, change)
    after = partition.replace(change)
    broken = _find_unmet(after, change.touched)
    if broken is None:
        return change
    beside = _select_before(partition, after, change)
    if not beside:
        return change  # a grid drawn in the middle of a gap breaks no border: there is none
    if _find_unmet(partition, beside) is None or (
        _is_coverage(partition, beside) and not _keeps(partition, after, change)
    ):
        raise WouldBreak(where=broken)
    return change


def merge_changes(*changes: Change) -> Change:
    """One change from several that concern different things; later ones win where they concern the same."""
    out = Change()
    for change in changes:
        added = {**out.added, **change.added}
        out = Change(
            changed={**out.changed, **{c: g for c, g in change.changed.items() if c not in added}},
            added={**added, **{c: g for c, g in change.changed.items() if c in added}},
            removed=tuple(sorted({*out.removed, *change.removed})),
            parents={**out.parents, **change.parents},
            frame=out.frame if change.frame is None else change.frame,
            areas={**out.areas, **change.areas},
        )
    kept = {code: shape for code, shape in out.changed.items() if code not in out.removed}
    return dataclasses.replace(out, changed=kept)


def _refuse_bad_shapes(partition: Partition, change: Change) -> None:
    for code, shape in (*change.changed.items(), *change.added.items()):
        before = partition.polygon(code) if code in partition.row_of else None
        if shape is None or shape.is_empty or shape.area < _LEAST_M2:
            raise WouldVanish(f"Nothing would be left of grid {code}.", where=before, grid=code)
        if not shape.is_valid:
            point, reason = place_of_invalidity(shape)
            if before is not None and not before.is_valid:
                raise CrossesAlready(f"Grid {code} crosses itself ({reason}).", where=point, grid=code)
            raise WouldBreak(f"Grid {code} would cross itself ({reason}).", where=point, grid=code)
        _refuse_parts(partition, code, shape, before)


def _refuse_parts(partition: Partition, code: str, shape: BaseGeometry, before: BaseGeometry | None) -> None:
    parts = shapely.get_parts(shape)
    had = 1 if before is None else max(int(shapely.get_num_geometries(before)), 1)
    if len(parts) <= had or code in partition.parts_allowed:
        return
    pieces = sorted(parts, key=lambda part: (-part.area, part.bounds))[1:]
    raise SplitsGrid(
        f"Grid {code} would fall into {len(parts)} parts.",
        where=shapely.MultiPolygon(pieces),
        pieces=pieces,
        grid=code,
    )


def _find_unmet(partition: Partition, codes: Iterable[str]) -> BaseGeometry | None:
    """The loose edges of these grids as one geometry; None where all are met."""
    ground = ground_of(partition)
    rows = ground.select_usable(np.sort(partition.rows(codes)))
    if not len(rows):
        return None
    free: Edges = ground.list_loose_about(rows)
    own = free.select(free.row >= 0)
    return shapely.union_all(own.lines()) if len(own) else None


def _select_before(partition: Partition, after: Partition, change: Change) -> list[str]:
    shapes = [after.polygon(code) for code in change.touched]
    window = shapely.box(*shapely.total_bounds(shapes))
    near = {partition.codes[row] for row in partition.tree.query(window)}
    return sorted(near | set(change.changed))


def _is_coverage(partition: Partition, codes: list[str]) -> bool:
    shapes = partition.polygons[partition.rows(codes)]
    return bool(shapely.is_valid(shapes).all() and shapely.coverage_is_valid(shapes))


def _keeps(partition: Partition, after: Partition, change: Change) -> bool:
    near = sorted({*_select_before(partition, after, change), *change.touched} & set(after.row_of))
    if not _is_coverage(after, near):
        return False
    if after.frame is not None:
        return True  # beside a gap a border may move: whether the gap grew is the comparison of reports
    before_m2 = sum(shapely.area(partition.polygon(code)) for code in (*change.changed, *_tiles(partition, change)))
    shapes = [after.polygon(code) for code in change.touched]
    after_m2, outline_m = float(np.sum(shapely.area(shapes))), float(np.sum(shapely.length(shapes)))
    return abs(after_m2 - before_m2) <= MATCH_M * outline_m


def _tiles(partition: Partition, change: Change) -> list[str]:
    return [code for code in change.removed if code in partition.row_of]
