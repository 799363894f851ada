"""One pass of a repair: who gets which ground, tried again until nobody loses more than may go without a question."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.defects.ground import Ground
from tiling.defects.regions import overlaps, overshoot_suspects
from tiling.errors import NotRepairable
from tiling.partition import keep_polygons
from tiling.repair.choosing import LEAVE, MEND, Choices, Question
from tiling.repair.deciding import (
    MOST_SILENT_M2,
    Decision,
    Owners,
    decide_owners,
    decisions_of,
    find_silent_regions,
    list_new_codes,
    measure_spent_m2,
    parts_of,
)
from tiling.repair.faces import Bounds, Faces, Region, faces_of, regions_of
from tiling.repair.fitting import fit_polygons
from tiling.repair.framing import find_left_out, frame_around
from tiling.repair.halving import middle_lines
from tiling.repair.parting import ALLOW, decide_parts
from tiling.repair.snapping import snap_ends
from tiling.repair.splinters import Splinters
from tiling.tolerance import Tolerance

Shapes = NDArray[np.object_]
Rows = NDArray[np.intp]
_NODES = "unmatched_vertex"


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be mended: valid polygons on the lattice in the order of their codes, and within what.

    `spent_m2` is by how much each row has changed before without a question.
    """

    codes: Sequence[str]
    polygons: Shapes
    bounds: Bounds
    tolerance: Tolerance
    choices: Choices
    parts_allowed: Collection[str]
    spent_m2: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Mended:
    """What a pass made of it. `codes` and `polygons` hold new grids at the end; `quiet_m2` is by how much each row
    changed without a question; `allowed` are grids that were said to have several parts."""

    codes: Sequence[str]
    polygons: Shapes
    frame: BaseGeometry | None
    decisions: tuple[Decision, ...]
    parts: tuple[Decision, ...]
    counted: Mapping[str, int]
    quiet_m2: Mapping[int, float]

    @property
    def allowed(self) -> frozenset[str]:
        """The grids whose several parts a person allowed."""
        return frozenset(one.codes[0] for one in self.parts if one.chosen == ALLOW)

    @property
    def chosen(self) -> bool:
        """Whether a person decided anything."""
        return any(decision.chosen != LEAVE for decision in (*self.decisions, *self.parts))


@dataclass(frozen=True)
class _Limits:
    """What rows may not have done to them without a question: by how much less they may change, whose vertices do not
    snap (`stiff`), and which are not touched at all (`kept`), since the nodes alone would bend them by too much."""

    most_m2: Mapping[int, float] = field(default_factory=dict)
    stiff: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class _Scene:
    """The ground of a task under limits: polygons with near vertices made one, the rows concerned, and the faces."""

    task: Task
    limits: _Limits

    def with_limits(self, limits: _Limits, *, choices: Choices | None = None) -> _Scene:
        """The same ground under other limits and choices that concern neither vertices nor rows."""
        fresh = _Scene(self.task if choices is None else replace(self.task, choices=choices), limits)
        kept = ("_met", "moved_m2", "_plain")
        fresh.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return fresh

    @cached_property
    def _met(self) -> tuple[Shapes, Rows]:
        most_m2 = math.inf if self.task.choices.accepts("noise") else MOST_SILENT_M2
        room = np.full(len(self.task.polygons), most_m2)
        for row, spent in self.task.spent_m2.items():
            room[row] = max(room[row] - spent, 0.0)
        room[list(self.limits.stiff)] = 0.0
        met, rows = _select_concerned(self.task, room)
        return met, np.setdiff1d(rows, list(self.limits.kept)).astype(np.intp)

    @property
    def polygons(self) -> Shapes:
        """The polygons after snapping."""
        return self._met[0]

    @property
    def rows(self) -> Rows:
        """The rows that have anything to do with a fault."""
        return self._met[1]

    @cached_property
    def moved_m2(self) -> dict[int, float]:
        """By how much snapping, and passes before, have changed each row."""
        before, after = self.task.polygons, self.polygons
        moved = [row for row in range(len(before)) if before[row] is not after[row]]
        off = shapely.area(shapely.symmetric_difference(before[moved], after[moved])).tolist()
        total = dict(self.task.spent_m2)
        for row, area_m2 in zip(moved, off, strict=True):
            total[row] = total.get(row, 0.0) + area_m2
        return total

    def faces(self, lines: Sequence[BaseGeometry] = ()) -> tuple[Faces, list[Region]]:
        """The faces with these lines noded in, and the faulty regions."""
        if lines:
            return self._faces(lines)
        return self._plain

    @cached_property
    def _plain(self) -> tuple[Faces, list[Region]]:
        return self._faces(())

    def _faces(self, lines: Sequence[BaseGeometry]) -> tuple[Faces, list[Region]]:
        faces = faces_of(self.polygons, self.rows, self.task.bounds, lines)
        return faces, regions_of(faces, self.task.tolerance)


def mend(task: Task) -> Mended:
    """The task mended as it was decided; what is small is mended as long as no grid changes by more than 1 m².

    How much the nodes bend a grid shows only when all is put together: who changed by too much is given less to
    change until it fits, then keeps its own vertices, and is left as it was drawn in the end, which is then asked.
    Raises NotRepairable where a grid would vanish by what a person chose for that very place.
    """
    scene = _Scene(task, _Limits())
    while True:
        try:
            made, spent = _attempt(scene)
        except NotRepairable as lost:
            scene = _spare(scene, lost)
            continue
        limits = _tighten(scene, made, spent)
        if limits is None:
            return made
        same = (limits.stiff, limits.kept) == (scene.limits.stiff, scene.limits.kept)
        scene = scene.with_limits(limits) if same else _Scene(scene.task, limits)


def _spare(scene: _Scene, lost: NotRepairable) -> _Scene:
    """The scene in which a grid that would vanish is left out of answers for many; raises where that is done."""
    code = str(lost.details.get("grid"))
    choices = scene.task.choices
    if code in choices.spared or code not in scene.task.codes:
        raise lost
    limits = replace(scene.limits, most_m2={**scene.limits.most_m2, scene.task.codes.index(code): 0.0})
    return scene.with_limits(limits, choices=replace(choices, spared=choices.spared | {code}))


def _attempt(scene: _Scene) -> tuple[Mended, Mapping[int, float]]:
    task = scene.task
    faces, regions, decisions = _judge(scene)
    owners, counted = decide_owners(faces, regions, decisions, task.codes)
    every = [*task.codes, *list_new_codes(decisions)]
    spent = measure_spent_m2(faces, regions, decisions, owners, scene.moved_m2)
    most_m2 = math.inf if task.choices.accepts("sliver") else MOST_SILENT_M2
    parts = {row: int(shapely.get_num_geometries(scene.polygons[row])) for row in scene.rows.tolist()}
    Splinters(faces, owners, parts, task.tolerance.sliver_m, spent, most_m2).tidy()
    about_parts = decide_parts(
        faces, owners, every, parts_allowed=task.parts_allowed, chosen=task.choices, tolerance=task.tolerance
    )
    polygons, frame = _assemble(scene, every, faces, owners, list(decisions.values()))
    told = (*(decisions[number] for number in sorted(decisions)), *_decide_about_nodes(scene))
    made = Mended(
        codes=every,
        polygons=polygons,
        frame=frame,
        decisions=told,
        parts=tuple(about_parts),
        counted=counted,
        quiet_m2=_measure_quiet_m2(task, polygons, (*told, *about_parts)),
    )
    return made, spent


def _judge(scene: _Scene) -> tuple[Faces, list[Region], dict[int, Decision]]:
    """Faces, faulty regions and decisions; where ground is split along its middle, with the middle line noded in."""
    faces, regions, decisions = _judge_with(scene, ())
    lines: list[BaseGeometry] = []
    for number, decision in decisions.items():
        if decision.chosen == "split":
            lines += middle_lines(parts_of(faces, regions[number]), regions[number].width_m)
    return _judge_with(scene, lines) if lines else (faces, regions, decisions)


def _judge_with(scene: _Scene, lines: Sequence[BaseGeometry]) -> tuple[Faces, list[Region], dict[int, Decision]]:
    task = scene.task
    faces, regions = scene.faces(lines)
    silent = find_silent_regions(faces, regions, task.codes, scene.moved_m2, scene.limits.most_m2)
    return faces, regions, decisions_of(faces, regions, task.codes, task.choices, silent)


def _select_concerned(task: Task, most_m2: NDArray[np.float64]) -> tuple[Shapes, Rows]:
    """The polygons with near vertices made one, and the rows that have anything to do with a fault."""
    bounds, tolerance = task.bounds, task.tolerance
    first = Ground(task.codes, task.polygons, STRtree(task.polygons), bounds.frame)
    fixed = shapely.get_coordinates(list(bounds.rings.values()))
    met = snap_ends(task.polygons, *first.all_edges, snap_m=tolerance.snap_m, fixed=fixed, most_m2=most_m2)
    ground = Ground(task.codes, met, STRtree(met), bounds.frame)
    free = ground.list_loose()
    owners = np.unique(free.row[free.row >= 0])
    _, overlapping = overlaps(ground, owners, tolerance)
    outside = overshoot_suspects(ground, free, ground.all_usable)
    astray = _find_astray(met, bounds)
    parted = np.flatnonzero(shapely.get_num_geometries(met) > 1)
    parted = parted[[task.codes[row] not in task.parts_allowed for row in parted.tolist()]]
    apart = np.union1d(astray, parted).astype(np.intp)
    beside = ground.find_near(apart, tolerance.snap_m) if len(apart) else apart
    return met, np.unique(np.concatenate([owners, overlapping, outside, beside])).astype(np.intp)


def _find_astray(polygons: Shapes, bounds: Bounds) -> Rows:
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


def _assemble(
    scene: _Scene, codes: Sequence[str], faces: Faces, owners: Owners, decisions: Sequence[Decision]
) -> tuple[Shapes, BaseGeometry | None]:
    polygons, frame, bounds = scene.polygons, scene.task.bounds.frame, scene.task.bounds
    rebuilt = [*scene.rows.tolist(), *range(len(polygons), len(codes))]
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
        out[row] = keep_polygons(shapely.coverage_union_all(faces.shapes[members[row]]))
    if bounds.outside is None:
        return fit_polygons(out, rebuilt, frame, kept=scene.limits.kept)
    out, _ = fit_polygons(out, rebuilt, None, kept=scene.limits.kept)
    return out, _make_frame(scene, out, faces, owners, decisions)


def _make_frame(
    scene: _Scene, polygons: Shapes, faces: Faces, owners: Owners, decisions: Sequence[Decision]
) -> BaseGeometry:
    """The frame made again from the grids as they are now, each piece of ground once."""
    assert scene.task.bounds.outside is not None, "only a frame that is made of the grids follows them"
    held = np.array([bool(owner) for owner in owners], dtype=bool)
    untouched = np.setdiff1d(np.arange(len(scene.polygons)), scene.rows)
    pieces = np.concatenate([faces.shapes[held], polygons[untouched]])
    beyond = [decision.where for decision in decisions if decision.chosen == "outside"]
    made = frame_around(pieces, shapely.union_all([scene.task.bounds.outside, *beyond]))
    before = scene.task.bounds.frame
    if before is not None and shapely.equals_exact(shapely.normalize(made), shapely.normalize(before), 0.0):
        return before
    return made


def _decide_about_nodes(scene: _Scene) -> list[Decision]:
    """A decision for each row that is left as it was drawn, since the nodes that it lacks would bend it by too much."""
    found = []
    for row in sorted(scene.limits.kept):
        asked, where = _nodes_asked(scene.task.codes[row]), shapely.boundary(scene.task.polygons[row])
        plain = Decision(
            id=asked.id,
            kind=asked.kind,
            codes=asked.codes,
            where=where,
            area_m2=0.0,
            width_m=0.0,
            options=asked.options,
        )
        found.append(replace(plain, class_=asked.class_))
    return found


def _measure_quiet_m2(task: Task, polygons: Shapes, decisions: Sequence[Decision]) -> dict[int, float]:
    """By how much each row changed where nobody decided, in m²."""
    places = np.array([d.where for d in decisions if d.chosen != LEAVE], dtype=object)
    tree = STRtree(places)
    quiet = dict(task.spent_m2)
    for row, (before, after) in enumerate(zip(task.polygons, polygons[: len(task.polygons)], strict=True)):
        if before is after:
            continue
        off = shapely.symmetric_difference(before, after)
        near = places[tree.query(off)] if len(places) and off.area > 0 else places[:0]
        if len(near):
            off = shapely.difference(off, shapely.union_all(near))
        quiet[row] = quiet.get(row, 0.0) + float(off.area)
    return quiet


def _tighten(scene: _Scene, made: Mended, spent: Mapping[int, float]) -> _Limits | None:
    """Tighter limits for those rows that changed by too much; None where none did, or all may."""
    choices, limits = scene.task.choices, scene.limits
    if choices.accepts("noise"):
        return None
    most_m2, stiff, kept = dict(limits.most_m2), set(limits.stiff), set(limits.kept)
    for row, area_m2 in made.quiet_m2.items():
        if area_m2 <= MOST_SILENT_M2 or row in kept or _may_bend(scene.task, row):
            continue
        counted, moved = spent.get(row, 0.0), scene.moved_m2.get(row, 0.0)
        if counted > moved and most_m2.get(row, MOST_SILENT_M2) > 0.0:
            most_m2[row] = 0.0 if row in most_m2 else max(MOST_SILENT_M2 - (area_m2 - counted), 0.0)
        elif row not in stiff and moved > scene.task.spent_m2.get(row, 0.0):
            stiff.add(row)
        else:
            kept.add(row)
    fresh = _Limits(most_m2, frozenset(stiff), frozenset(kept))
    return None if fresh == limits else fresh


def _may_bend(task: Task, row: int) -> bool:
    """Whether a person said that a grid may get all its nodes."""
    return task.choices.answer(_nodes_asked(task.codes[row])) == MEND


def _nodes_asked(code: str) -> Question:
    return Question(id=f"{_NODES}/{code}/1", kind=_NODES, class_="noise", codes=(code,), area_m2=0.0, options=(MEND,))


def bounds_with(bounds: Bounds, frame: BaseGeometry | None) -> Bounds:
    """The same bounds with another frame; of one that follows the grids, what it leaves out is found anew."""
    return replace(bounds, frame=frame, outside=None if bounds.outside is None else find_left_out(frame))
