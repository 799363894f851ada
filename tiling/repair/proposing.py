"""The proposal: what a repair would do, what a person must decide, and what moves for each grid."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.coverage import CoverageReport, check
from tiling.errors import NotRepairable, Stopped
from tiling.partition import Change, Partition, have_same_bytes, keep_polygons
from tiling.plane import LATTICE_M, put_on_lattice
from tiling.repair.choosing import LEAVE, Choices, Rule
from tiling.repair.deciding import MOST_SILENT_M2, Decision
from tiling.repair.faces import Bounds
from tiling.repair.fitting import add_corners
from tiling.repair.framing import find_left_out
from tiling.repair.mending import Mended, Task, bounds_with, mend
from tiling.structure import structure_of
from tiling.tolerance import Tolerance

FrameFrom = Literal["given", "grids"]
_INVALID = 10
"""An invalid polygon hides what is wrong about it: read, it may show several faults, and is better for it."""
MOST_PASSES = 4
"""A pass may leave noise of its own, nodes beside slanted edges: another one mends it, seldom a third."""
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

    `frame` may have gained nodes; one made of the grids follows them. `differences` lists changed grids only;
    `decisions` the real faults, decided or not; `mended` counts what was mended by class and kind; `report` is what
    the check says about the proposal. `meant` are the invalid polygons as their structure means them, before anything
    else was done. `parts` are the decisions about grids in several parts that nobody allowed, `allowed` are the grids
    that a person said to have them. `quiet_m2` is by how much each grid has changed unasked, repairs before included.
    """

    polygons: Mapping[str, BaseGeometry]
    frame: BaseGeometry | None
    differences: tuple[Difference, ...]
    decisions: tuple[Decision, ...]
    mended: Mapping[str, int]
    report: CoverageReport
    meant: Mapping[str, BaseGeometry] = field(default_factory=dict)
    parts: tuple[Decision, ...] = ()
    allowed: frozenset[str] = frozenset()
    quiet_m2: Mapping[str, float] = field(default_factory=dict)

    @property
    def undecided(self) -> tuple[Decision, ...]:
        """The decisions about ground that nobody has made yet."""
        return tuple(decision for decision in self.decisions if decision.chosen == LEAVE)


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
    frame_from: FrameFrom = "given",
    areas: Mapping[str, BaseGeometry] = _NOTHING,
    home_of: Mapping[str, str] = _NOTHING,
    tolerance: Tolerance | None = None,
    options: Mapping[str, str] | None = None,
    rules: Sequence[Rule] = (),
    parts_allowed: Collection[str] = (),
    spent_m2: Mapping[str, float] = _NOTHING,
    should_stop: Callable[[], bool] = lambda: False,
    progress: Callable[[float], None] = lambda _: None,
) -> Repair:
    """A repair of polygons in metres; nothing is changed in place, nothing lands outside the frame.

    Vertices within `snap_m` meet; noise and slivers go to the neighbour with the longest common border, or are
    trimmed outside the frame, unless all that is small would change a grid by more than 1 m²: then they are decisions
    as well. `areas` are area rings and `home_of` the ring in which a grid lies; no grid gains ground outside its own.
    `options` holds decisions by id, by class (`{"sliver": "mend", "noise": "mend"}`), or by kind for all of it
    (`{"overlap": "split", "gap": "longest_border", "overshoot": "trim", "nesting": "longest_border"}`), `nesting` being
    ground of one grid in the ring of another area; `rules` answer the others. `parts_allowed` are the grids whose
    several parts nobody minds; `spent_m2` is by how much repairs have changed grids unasked already: it counts for the
    square metre. A frame from the `grids` themselves is made again from them when they match. Invalid
    polygons are rebuilt from their structure first. Where nothing was chosen and nothing would be better, nothing is
    proposed. Cost: about a second for 1,000 grids; run foreign data in a child process that can be killed.

    Raises NotRepairable with the place where a grid is missing or would vanish, Stopped when should_stop() says so,
    ValueError for repeated codes and unknown options.
    """
    tolerance, pace = tolerance or Tolerance(), _Pace(should_stop, progress)
    names, given = _sort(codes, polygons)
    pace(0.0)
    start = _make_valid(names, given)
    bounds = _bounds(names, frame, areas, home_of, frame_from)
    task = Task(
        codes=names,
        polygons=start,
        bounds=bounds,
        tolerance=tolerance,
        choices=Choices(options or {}, rules),
        parts_allowed=parts_allowed,
        spent_m2={row: min(spent_m2[code], MOST_SILENT_M2) for row, code in enumerate(names) if code in spent_m2},
    )
    before = _check(task, names, given, frame)
    pace(0.1)
    made, report = _mend_best(task, before, pace)
    after = _keep_equal(made.polygons, given)
    invalid = sum(1 for shape in given if not shape.is_valid)
    pace(1.0)
    return Repair(
        polygons=dict(zip(made.codes, after, strict=True)),
        frame=made.frame,
        differences=_differences(names, given, after),
        decisions=made.decisions,
        mended={kind: count for kind, count in {"invalid": invalid, **made.counted}.items() if count},
        report=report,
        meant={names[row]: start[row] for row, shape in enumerate(given) if not shape.is_valid},
        parts=made.parts,
        allowed=made.allowed,
        quiet_m2={names[row]: area_m2 for row, area_m2 in sorted(made.quiet_m2.items()) if area_m2 > 0},
    )


def _mend_best(task: Task, before: CoverageReport, pace: _Pace) -> tuple[Mended, CoverageReport]:
    """The task mended, pass after pass while one makes it better; as it was where nothing was chosen and none does."""
    made = mend(task)
    report = _check(task, made.codes, made.polygons, made.frame, made.allowed)
    if not made.chosen and _weight(report) >= _weight(before):
        same = replace(made, polygons=task.polygons, frame=task.bounds.frame, counted={}, quiet_m2=task.spent_m2)
        return same, before
    for number in range(1, MOST_PASSES):
        pace(number / MOST_PASSES)
        again = mend(_make_next_task(task, made))
        fresh = _check(task, again.codes, again.polygons, again.frame, made.allowed)
        if _weight(fresh) >= _weight(report):
            break
        made, report = replace(made, polygons=again.polygons, frame=again.frame, quiet_m2=again.quiet_m2), fresh
    return made, report


def _make_next_task(task: Task, made: Mended) -> Task:
    """The task of the next pass: what the last one made, nothing decided, and what was spent is spent."""
    return replace(
        task,
        codes=made.codes,
        polygons=made.polygons,
        bounds=bounds_with(task.bounds, made.frame),
        choices=Choices(),
        parts_allowed=frozenset(task.parts_allowed) | made.allowed,
        spent_m2=made.quiet_m2,
    )


def _check(
    task: Task,
    codes: Sequence[str],
    polygons: Shapes,
    frame: BaseGeometry | None,
    allowed: Collection[str] = (),
) -> CoverageReport:
    rings = task.bounds.rings
    homes = {codes[row]: home for row, home in task.bounds.home_of.items()}
    partition = Partition.of(
        codes,
        polygons,
        parents=homes,
        frame=frame,
        areas={**rings, **rings_with_nodes(rings, polygons)},
        parts_allowed=frozenset(task.parts_allowed) | frozenset(allowed),
    )
    return check(partition, tolerance=task.tolerance)


def _weight(report: CoverageReport) -> tuple[int, float]:
    """How bad a report is: faults that have no ground of their own and places first, then square metres."""
    errors = [defect for defect in report.defects if defect.severity == "error"]
    places = sum(_INVALID if defect.kind == "invalid" else defect.count for defect in errors)
    return places, round(sum(defect.area_m2 for defect in errors), 6)


def change_of(partition: Partition, repair: Repair) -> Change:
    """The change that makes a repair of the partition's own finest polygons and frame: one edit.

    Area rings get the nodes that the repair put on them; new grids get the parent of their first neighbour. Grids
    that a node alone reached count as changed.
    """
    pairs = ((code, shape) for code, shape in repair.polygons.items() if code in partition.row_of)
    changed = {code: shape for code, shape in pairs if not have_same_bytes(shape, partition.polygon(code))}
    added = {code: shape for code, shape in repair.polygons.items() if code not in partition.row_of}
    new = np.array([*changed.values(), *added.values()], dtype=object)
    return Change(
        changed=changed,
        added=added,
        parents={code: parent for code, shape in added.items() if (parent := _parent_beside(partition, shape))},
        frame=None if have_same_bytes(repair.frame, partition.frame) else repair.frame,
        areas=rings_with_nodes(partition.areas, new),
    )


def rings_with_nodes(areas: Mapping[str, BaseGeometry], shapes: Shapes) -> dict[str, BaseGeometry]:
    """Those of the area rings that gain a node from the shapes, with their new nodes."""
    rings = {code: add_corners(ring, shapes) for code, ring in areas.items()} if len(shapes) else {}
    return {code: ring for code, ring in rings.items() if not have_same_bytes(ring, areas[code])}


def homes_of(partition: Partition) -> dict[str, str]:
    """For each finest grid below an area with a ring of its own the nearest such area."""
    found = {}
    for code in partition.codes:
        home = next((above for above in partition.ancestors(code) if above in partition.areas), None)
        if home is not None:
            found[code] = home
    return found


def _parent_beside(partition: Partition, shape: BaseGeometry) -> str | None:
    beside = partition.find_touching(shape)
    return partition.parents.get(beside[0]) if beside else None


def _sort(codes: Sequence[str], polygons: Sequence[BaseGeometry | None] | Shapes) -> tuple[list[str], Shapes]:
    if len(set(codes)) != len(codes) or len(codes) != len(polygons):
        raise ValueError("every polygon needs one code of its own")
    order = sorted(range(len(codes)), key=codes.__getitem__)
    given = np.empty(len(order), dtype=object)
    given[:] = [polygons[i] for i in order]
    for i, shape in zip(order, given, strict=True):
        if shape is None or shape.is_empty or shape.geom_type not in ("Polygon", "MultiPolygon"):
            raise NotRepairable(f"Grid {codes[i]} has no polygon.", where=shape, grid=codes[i])
    return [codes[i] for i in order], given


def _make_valid(codes: Sequence[str], given: Shapes) -> Shapes:
    """The polygons valid and on the lattice; those that are so already stay the same objects."""
    placed = put_on_lattice(given)
    out = given.copy()
    for row in np.flatnonzero(~(shapely.equals_identical(placed, given) & shapely.is_valid(given))).tolist():
        shape = (
            placed[row]
            if shapely.is_valid(placed[row]) and given[row].is_valid
            else rebuild_shape(codes[row], given[row])
        )
        out[row] = shape
    return out


def rebuild_shape(code: str, shape: BaseGeometry) -> BaseGeometry:
    """What the structure of an invalid polygon means, on the lattice; raises NotRepairable where nothing is left."""
    meant = structure_of(shape)
    if meant is None:
        raise NotRepairable(f"Grid {code} is invalid beyond repair.", grid=code)
    placed = keep_polygons(shapely.set_precision(meant, LATTICE_M))
    if placed.is_empty:
        raise NotRepairable(f"Nothing would be left of grid {code}.", where=meant, grid=code)
    return placed


def _bounds(
    codes: Sequence[str],
    frame: BaseGeometry | None,
    areas: Mapping[str, BaseGeometry],
    home_of: Mapping[str, str],
    frame_from: FrameFrom,
) -> Bounds:
    rings = {name: ring for name, ring in areas.items() if ring.is_valid and not ring.is_empty}
    homes = {row: home_of[code] for row, code in enumerate(codes) if home_of.get(code) in rings}
    outside = find_left_out(frame) if frame_from == "grids" and frame is not None else None
    return Bounds(frame, rings, homes, outside)


def _keep_equal(after: Shapes, given: Shapes) -> Shapes:
    """The polygons, with those whose vertices did not change replaced by the objects given."""
    out = after.copy()
    for row, shape in enumerate(given):
        if shapely.equals_exact(shapely.normalize(after[row]), shapely.normalize(shape), 0.0):
            out[row] = shape
    return out


def _differences(codes: Sequence[str], given: Shapes, after: Shapes) -> tuple[Difference, ...]:
    changed = [row for row in range(len(given)) if not have_same_bytes(given[row], after[row])]
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
