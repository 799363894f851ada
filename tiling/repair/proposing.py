"""The proposal: who gets which ground, what a person must decide, and what moves for each grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.coverage import CoverageReport, check_polygons
from tiling.defects.ground import Ground
from tiling.defects.regions import overlaps, overshoot_suspects
from tiling.errors import NotRepairable, Stopped
from tiling.partition import Change, Partition, polygonal, same_bytes
from tiling.plane import LATTICE_M, on_lattice
from tiling.repair.deciding import Decision, Owners, decisions_of, new_codes, owned, parts_of, tidied
from tiling.repair.faces import Faces, Region, faces_of, regions_of
from tiling.repair.fitting import fitted, with_corners
from tiling.repair.halving import middle_lines
from tiling.repair.snapping import snapped
from tiling.tolerance import Tolerance

_LARGEST_INVALID = 5_000
"""Vertices of an invalid polygon that is still rebuilt; beyond it takes minutes."""

Shapes = NDArray[np.object_]
Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a repair does to one grid: how far its border moves at most, and the area it gains and loses."""

    code: str
    moved_m: float
    gained_m2: float
    lost_m2: float


@dataclass(frozen=True, kw_only=True)
class Repair:
    """A proposal. `polygons` are all grids after it by code, unchanged ones being the very same objects.

    `frame` may have gained nodes. `differences` lists changed grids only; `decisions` the real faults, decided or
    not; `mended` counts what was mended by class and kind; `report` is what the check says about the proposal.
    """

    polygons: Mapping[str, BaseGeometry]
    frame: BaseGeometry | None
    differences: tuple[Difference, ...]
    decisions: tuple[Decision, ...]
    mended: Mapping[str, int]
    report: CoverageReport

    @property
    def undecided(self) -> tuple[Decision, ...]:
        """The decisions that nobody has made yet."""
        return tuple(decision for decision in self.decisions if decision.chosen == "leave")


@dataclass(frozen=True)
class _Pace:
    should_stop: Callable[[], bool]
    progress: Callable[[float], None]

    def __call__(self, share: float) -> None:
        if self.should_stop():
            raise Stopped
        self.progress(share)


def propose(
    codes: Sequence[str],
    polygons: Sequence[BaseGeometry | None] | Shapes,
    *,
    frame: BaseGeometry | None = None,
    tolerance: Tolerance | None = None,
    options: Mapping[str, str] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda _: None,
) -> Repair:
    """A repair of polygons in metres; nothing is changed in place, nothing lands outside the frame.

    Vertices within `snap_m` meet; noise and slivers go to the neighbour with the longest common border; ground
    outside the frame is trimmed where it is noise or a sliver. `options` holds decisions by id, or by kind for all of
    it (`{"overlap": "split", "gap": "longest_border", "overshoot": "trim"}`). Invalid polygons are rebuilt from their
    structure first. Cost: about a second for 1,000 grids; run foreign data in a child process that can be killed.

    Raises NotRepairable with the place where a grid is missing or would vanish, Stopped when should_stop() says so,
    ValueError for repeated codes and unknown options.
    """
    tolerance, pace = tolerance or Tolerance(), _Pace(should_stop, progress)
    names, given = _sorted(codes, polygons)
    pace(0.0)
    start = _valid(names, given)
    mended = {"invalid": sum(1 for shape in given if not shape.is_valid)}
    start, rows = _concerned(names, start, frame, tolerance)
    pace(0.2)
    faces, regions, decisions = _judged(names, start, rows, frame, tolerance, options or {})
    pace(0.5)
    owners, counted = owned(faces, regions, decisions, names)
    every = [*names, *new_codes(decisions)]
    after, new_frame = _assembled(every, start, rows, faces, owners, frame, tolerance)
    after = _same_where_equal(after, given)
    pace(0.8)
    report = check_polygons(every, after, frame=new_frame, tolerance=tolerance)
    pace(1.0)
    return Repair(
        polygons=dict(zip(every, after, strict=True)),
        frame=new_frame,
        differences=_differences(names, given, after),
        decisions=tuple(decisions[number] for number in sorted(decisions)),
        mended={kind: count for kind, count in {**mended, **counted}.items() if count},
        report=report,
    )


def change_of(partition: Partition, repair: Repair) -> Change:
    """The change that makes a repair of the partition's own finest polygons and frame: one edit.

    Area rings get the nodes that the repair put on them; new grids get the parent of their first neighbour. Grids
    that a node alone reached count as changed.
    """
    pairs = ((code, repair.polygons[code]) for code in partition.codes)
    changed = {code: shape for code, shape in pairs if not same_bytes(shape, partition.polygon(code))}
    added = {code: shape for code, shape in repair.polygons.items() if code not in partition.row_of}
    new = np.array([*changed.values(), *added.values()], dtype=object)
    rings = {code: with_corners(ring, new) for code, ring in partition.areas.items()} if len(new) else {}
    return Change(
        changed=changed,
        added=added,
        parents={code: parent for code, shape in added.items() if (parent := _parent_beside(partition, shape))},
        frame=None if same_bytes(repair.frame, partition.frame) else repair.frame,
        areas={code: ring for code, ring in rings.items() if not same_bytes(ring, partition.areas[code])},
    )


def _parent_beside(partition: Partition, shape: BaseGeometry) -> str | None:
    beside = partition.touching(shape)
    return partition.parents.get(beside[0]) if beside else None


def _sorted(codes: Sequence[str], polygons: Sequence[BaseGeometry | None] | Shapes) -> tuple[list[str], Shapes]:
    if len(set(codes)) != len(codes) or len(codes) != len(polygons):
        raise ValueError("every polygon needs one code of its own")
    order = sorted(range(len(codes)), key=codes.__getitem__)
    given = np.empty(len(order), dtype=object)
    given[:] = [polygons[i] for i in order]
    for i, shape in zip(order, given, strict=True):
        if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise NotRepairable(f"Grid {codes[i]} has no polygon.", where=shape, grid=codes[i])
    return [codes[i] for i in order], given


def _valid(codes: Sequence[str], given: Shapes) -> Shapes:
    """The polygons valid and on the lattice; those that are so already stay the same objects."""
    placed = on_lattice(given)
    out = given.copy()
    for row in np.flatnonzero(~(shapely.equals_identical(placed, given) & shapely.is_valid(given))).tolist():
        shape = (
            placed[row] if shapely.is_valid(placed[row]) and given[row].is_valid else _rebuilt(codes[row], given[row])
        )
        out[row] = shape
    return out


def _rebuilt(code: str, shape: BaseGeometry) -> BaseGeometry:
    xy = shapely.get_coordinates(shape)
    if not np.isfinite(xy).all() or len(xy) > _LARGEST_INVALID:
        raise NotRepairable(f"Grid {code} is invalid beyond repair.", grid=code)
    placed = polygonal(shapely.set_precision(_by_structure(shape), LATTICE_M))
    if placed.is_empty:
        raise NotRepairable(f"Nothing would be left of grid {code}.", where=shapely.MultiPoint(xy), grid=code)
    return placed


def _by_structure(shape: BaseGeometry) -> BaseGeometry:
    # The default method tries every crossing of every line: 13 s for a star of 101 points.
    return polygonal(shapely.make_valid(shape, method="structure", keep_collapsed=False))


def _concerned(
    codes: Sequence[str], polygons: Shapes, frame: BaseGeometry | None, tolerance: Tolerance
) -> tuple[Shapes, Rows]:
    """The polygons with near vertices made one, and the rows that have anything to do with a fault."""
    first = Ground(codes, polygons, STRtree(polygons), frame)
    met = snapped(polygons, *first.all_edges, snap_m=tolerance.snap_m)
    ground = Ground(codes, met, STRtree(met), frame)
    free = ground.all_loose()
    owners = np.unique(free.row[free.row >= 0])
    _, overlapping = overlaps(ground, owners, tolerance)
    outside = overshoot_suspects(ground, free, ground.all_usable)
    return met, np.unique(np.concatenate([owners, overlapping, outside])).astype(np.intp)


def _judged(
    codes: Sequence[str],
    polygons: Shapes,
    rows: Rows,
    frame: BaseGeometry | None,
    tolerance: Tolerance,
    options: Mapping[str, str],
) -> tuple[Faces, list[Region], dict[int, Decision]]:
    """Faces, faulty regions and decisions; where ground is split along its middle, with the middle line noded in."""
    faces = faces_of(polygons, rows, frame, ())
    regions = regions_of(faces, tolerance)
    decisions = decisions_of(faces, regions, codes, options)
    lines: list[BaseGeometry] = []
    for number, decision in decisions.items():
        if decision.chosen == "split":
            lines += middle_lines(parts_of(faces, regions[number]), regions[number].width_m)
    if not lines:
        return faces, regions, decisions
    faces = faces_of(polygons, rows, frame, lines)
    regions = regions_of(faces, tolerance)
    return faces, regions, decisions_of(faces, regions, codes, options)


def _assembled(
    codes: Sequence[str],
    polygons: Shapes,
    rows: Rows,
    faces: Faces,
    owners: Owners,
    frame: BaseGeometry | None,
    tolerance: Tolerance,
) -> tuple[Shapes, BaseGeometry | None]:
    rebuilt = [*rows.tolist(), *range(len(polygons), len(codes))]
    if not rebuilt:
        return polygons, frame
    before = {row: int(shapely.get_num_geometries(polygons[row])) for row in rows.tolist()}
    tidied(faces, owners, rows.tolist(), before, tolerance.sliver_m)
    members: dict[int, list[int]] = {}
    for face, owner in enumerate(owners):
        for row in owner:
            members.setdefault(row, []).append(face)
    out = np.append(polygons, np.empty(len(codes) - len(polygons), dtype=object))
    for row in rebuilt:
        if row not in members:
            where = polygons[row] if row < len(polygons) else None
            raise NotRepairable(f"Nothing would be left of grid {codes[row]}.", where=where, grid=codes[row])
        out[row] = polygonal(shapely.coverage_union_all(faces.shapes[members[row]]))
    return fitted(out, rebuilt, frame)


def _same_where_equal(after: Shapes, given: Shapes) -> Shapes:
    """The polygons, with those whose vertices did not change replaced by the objects given."""
    out = after.copy()
    for row, shape in enumerate(given):
        if shapely.equals_exact(shapely.normalize(after[row]), shapely.normalize(shape), 0.0):
            out[row] = shape
    return out


def _differences(codes: Sequence[str], given: Shapes, after: Shapes) -> tuple[Difference, ...]:
    changed = [row for row in range(len(given)) if not same_bytes(given[row], after[row])]
    return tuple(_difference(codes[row], given[row], after[row]) for row in changed)


def _difference(code: str, before: BaseGeometry, after: BaseGeometry) -> Difference:
    # An invalid polygon has no area to compare; what its structure means is what was meant.
    drawn = (
        before if before.is_valid else polygonal(shapely.make_valid(before, method="structure", keep_collapsed=False))
    )
    return Difference(
        code=code,
        moved_m=float(shapely.hausdorff_distance(shapely.boundary(drawn), shapely.boundary(after))),
        gained_m2=float(after.difference(drawn).area),
        lost_m2=float(drawn.difference(after).area),
    )
