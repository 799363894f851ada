"""The proposal: who gets which ground, what a person must decide, and what moves for each grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

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
from tiling.repair.deciding import (
    MEND,
    MOST_SILENT_M2,
    Decision,
    Owners,
    decisions_of,
    new_codes,
    owned,
    parts_of,
    silent_regions,
    spent_m2,
)
from tiling.repair.faces import Bounds, Faces, Region, faces_of, regions_of
from tiling.repair.fitting import fitted, with_corners
from tiling.repair.halving import middle_lines
from tiling.repair.snapping import snapped
from tiling.repair.splinters import Splinters
from tiling.structure import structure_of
from tiling.tolerance import Tolerance

_NOTHING: Mapping[str, Any] = MappingProxyType({})

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
    `meant` are the invalid polygons as their structure means them, before anything else was done.
    """

    polygons: Mapping[str, BaseGeometry]
    frame: BaseGeometry | None
    differences: tuple[Difference, ...]
    decisions: tuple[Decision, ...]
    mended: Mapping[str, int]
    report: CoverageReport
    meant: Mapping[str, BaseGeometry] = field(default_factory=dict)

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
    areas: Mapping[str, BaseGeometry] = _NOTHING,
    home_of: Mapping[str, str] = _NOTHING,
    tolerance: Tolerance | None = None,
    options: Mapping[str, str] | None = None,
    parts_allowed: Collection[str] = (),
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda _: None,
) -> Repair:
    """A repair of polygons in metres; nothing is changed in place, nothing lands outside the frame.

    Vertices within `snap_m` meet; noise and slivers go to the neighbour with the longest common border, or are
    trimmed outside the frame, unless all that is small would change a grid by more than 1 m²: then they are decisions
    as well. `areas` are area rings and `home_of` the ring in which a grid lies; no grid gains ground outside its own.
    `options` holds decisions by id, by class (`{"sliver": "mend", "noise": "mend"}`), or by kind for all of it
    (`{"overlap": "split", "gap": "longest_border", "overshoot": "trim", "nesting": "longest_border"}`), `nesting` being
    ground of one grid in the ring of another area. `parts_allowed` are the grids whose several parts the report does
    not mind. Invalid polygons are rebuilt from their structure first. Cost:
    about a second for 1,000 grids; run foreign data in a child process that can be killed.

    Raises NotRepairable with the place where a grid is missing or would vanish, Stopped when should_stop() says so,
    ValueError for repeated codes and unknown options.
    """
    tolerance, pace = tolerance or Tolerance(), _Pace(should_stop, progress)
    names, given = _sorted(codes, polygons)
    pace(0.0)
    start = _valid(names, given)
    mended = {"invalid": sum(1 for shape in given if not shape.is_valid)}
    choices = options or {}
    bounds = _bounds(names, frame, areas, home_of)
    met, rows = _concerned(names, start, bounds, tolerance, _most_m2(choices, "noise"))
    pace(0.2)
    task = Task(names, met, rows, bounds, tolerance, choices, _moved_m2(start, met))
    faces, regions, decisions = _judged(task)
    pace(0.5)
    owners, counted = owned(faces, regions, decisions, names)
    every = [*names, *new_codes(decisions)]
    spent = spent_m2(faces, regions, decisions, owners, task.moved_m2)
    Splinters(faces, owners, _parts(met, rows), tolerance.sliver_m, spent, _most_m2(choices, "sliver")).tidy()
    after, new_frame = _assembled(every, met, rows, faces, owners, frame)
    after = _same_where_equal(after, given)
    pace(0.8)
    report = check_polygons(every, after, frame=new_frame, parts_allowed=parts_allowed, tolerance=tolerance)
    pace(1.0)
    return Repair(
        polygons=dict(zip(every, after, strict=True)),
        frame=new_frame,
        differences=_differences(names, given, after),
        decisions=tuple(decisions[number] for number in sorted(decisions)),
        mended={kind: count for kind, count in {**mended, **counted}.items() if count},
        report=report,
        meant={names[row]: start[row] for row, shape in enumerate(given) if not shape.is_valid},
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
    return Change(
        changed=changed,
        added=added,
        parents={code: parent for code, shape in added.items() if (parent := _parent_beside(partition, shape))},
        frame=None if same_bytes(repair.frame, partition.frame) else repair.frame,
        areas=rings_with_nodes(partition.areas, new),
    )


def rings_with_nodes(areas: Mapping[str, BaseGeometry], shapes: Shapes) -> dict[str, BaseGeometry]:
    """Those of the area rings that gain a node from the shapes, with their new nodes."""
    rings = {code: with_corners(ring, shapes) for code, ring in areas.items()} if len(shapes) else {}
    return {code: ring for code, ring in rings.items() if not same_bytes(ring, areas[code])}


def homes_of(partition: Partition) -> dict[str, str]:
    """For each finest grid below an area with a ring of its own the nearest such area."""
    found = {}
    for code in partition.codes:
        home = next((above for above in partition.ancestors(code) if above in partition.areas), None)
        if home is not None:
            found[code] = home
    return found


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
            placed[row] if shapely.is_valid(placed[row]) and given[row].is_valid else rebuilt(codes[row], given[row])
        )
        out[row] = shape
    return out


def rebuilt(code: str, shape: BaseGeometry) -> BaseGeometry:
    """What the structure of an invalid polygon means, on the lattice; raises NotRepairable where nothing is left."""
    meant = structure_of(shape)
    if meant is None:
        raise NotRepairable(f"Grid {code} is invalid beyond repair.", grid=code)
    placed = polygonal(shapely.set_precision(meant, LATTICE_M))
    if placed.is_empty:
        raise NotRepairable(f"Nothing would be left of grid {code}.", where=meant, grid=code)
    return placed


@dataclass(frozen=True)
class Task:
    """What is judged: polygons with near vertices made one, the rows concerned, and what snapping changed."""

    codes: Sequence[str]
    polygons: Shapes
    rows: Rows
    bounds: Bounds
    tolerance: Tolerance
    options: Mapping[str, str]
    moved_m2: Mapping[int, float]


def _bounds(
    codes: Sequence[str], frame: BaseGeometry | None, areas: Mapping[str, BaseGeometry], home_of: Mapping[str, str]
) -> Bounds:
    rings = {name: ring for name, ring in areas.items() if ring.is_valid and not ring.is_empty}
    homes = {row: home_of[code] for row, code in enumerate(codes) if home_of.get(code) in rings}
    return Bounds(frame, rings, homes)


def _concerned(
    codes: Sequence[str], polygons: Shapes, bounds: Bounds, tolerance: Tolerance, most_m2: float
) -> tuple[Shapes, Rows]:
    """The polygons with near vertices made one, and the rows that have anything to do with a fault."""
    first = Ground(codes, polygons, STRtree(polygons), bounds.frame)
    fixed = shapely.get_coordinates(list(bounds.rings.values()))
    met = snapped(polygons, *first.all_edges, snap_m=tolerance.snap_m, fixed=fixed, most_m2=most_m2)
    ground = Ground(codes, met, STRtree(met), bounds.frame)
    free = ground.all_loose()
    owners = np.unique(free.row[free.row >= 0])
    _, overlapping = overlaps(ground, owners, tolerance)
    outside = overshoot_suspects(ground, free, ground.all_usable)
    astray = _astray(met, bounds)
    beside = ground.near(astray, tolerance.snap_m) if len(astray) else astray
    return met, np.unique(np.concatenate([owners, overlapping, outside, beside])).astype(np.intp)


def _astray(polygons: Shapes, bounds: Bounds) -> Rows:
    """The rows that reach out of the ring of their own area."""
    rows: dict[str, list[int]] = {}
    for row, home in sorted(bounds.home_of.items()):
        rows.setdefault(home, []).append(row)
    found: list[int] = []
    for home, members in rows.items():
        ring = bounds.rings[home]
        shapely.prepare(ring)
        found += np.array(members)[~shapely.covers(ring, polygons[members])].tolist()
    return np.array(sorted(found), dtype=np.intp)


def _moved_m2(before: Shapes, after: Shapes) -> dict[int, float]:
    moved = [row for row in range(len(before)) if before[row] is not after[row]]
    off = shapely.area(shapely.symmetric_difference(before[moved], after[moved])).tolist()
    return dict(zip(moved, off, strict=True))


def _most_m2(choices: Mapping[str, str], class_: str) -> float:
    return math.inf if choices.get(class_) == MEND else MOST_SILENT_M2


def _parts(polygons: Shapes, rows: Rows) -> dict[int, int]:
    return {row: int(shapely.get_num_geometries(polygons[row])) for row in rows.tolist()}


def _judged(task: Task) -> tuple[Faces, list[Region], dict[int, Decision]]:
    """Faces, faulty regions and decisions; where ground is split along its middle, with the middle line noded in."""
    faces, regions, decisions = _judged_with(task, ())
    lines: list[BaseGeometry] = []
    for number, decision in decisions.items():
        if decision.chosen == "split":
            lines += middle_lines(parts_of(faces, regions[number]), regions[number].width_m)
    return _judged_with(task, lines) if lines else (faces, regions, decisions)


def _judged_with(task: Task, lines: Sequence[BaseGeometry]) -> tuple[Faces, list[Region], dict[int, Decision]]:
    faces = faces_of(task.polygons, task.rows, task.bounds, lines)
    regions = regions_of(faces, task.tolerance)
    silent = silent_regions(faces, regions, task.codes, task.moved_m2)
    return faces, regions, decisions_of(faces, regions, task.codes, task.options, silent)


def _assembled(
    codes: Sequence[str],
    polygons: Shapes,
    rows: Rows,
    faces: Faces,
    owners: Owners,
    frame: BaseGeometry | None,
) -> tuple[Shapes, BaseGeometry | None]:
    rebuilt = [*rows.tolist(), *range(len(polygons), len(codes))]
    if not rebuilt:
        return polygons, frame
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
    drawn = before if before.is_valid else structure_of(before) or shapely.Polygon()
    return Difference(
        code=code,
        moved_m=float(shapely.hausdorff_distance(shapely.boundary(drawn), shapely.boundary(after))),
        gained_m2=float(after.difference(drawn).area),
        lost_m2=float(drawn.difference(after).area),
    )
