"""Faults put into a clean tiling on purpose: which kinds of defects each must bring, at which grids, and nothing else.

injured = harmed(city, 96, seed=1)
report = check(injured.partition)
assert injured.missed(report) == [] and injured.invented(report) == []
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from tiling.coverage import CoverageReport
from tiling.partition import Change, Partition
from tiling.plane import put_on_lattice

APART_M = 5.0
"""How far from the frame a grid lies whose surroundings are to be harmed on all sides."""


def shape_of(city: Partition, code: str) -> BaseGeometry:
    shape = city.polygon(code)
    assert shape is not None
    return shape


def shifted_by(by_m: float) -> Callable[[Partition, str, random.Random], Change]:
    def harm(city: Partition, code: str, rng: random.Random) -> Change:
        angle = rng.uniform(0, 2 * np.pi)
        moved = affinity.translate(shape_of(city, code), by_m * np.cos(angle), by_m * np.sin(angle))
        return Change(changed={code: put_on_lattice(moved)})

    return harm


def scaled_by(share: float) -> Callable[[Partition, str, random.Random], Change]:
    return lambda city, code, _: Change(
        changed={code: put_on_lattice(affinity.scale(shape_of(city, code), share, share))}
    )


def dropped(_city: Partition, code: str, _: random.Random) -> Change:
    return Change(removed=(code,))


def missing(_city: Partition, code: str, _: random.Random) -> Change:
    return Change(changed={code: None})


def a_line(city: Partition, code: str, _: random.Random) -> Change:
    return Change(changed={code: shapely.boundary(shape_of(city, code))})


def knotted(city: Partition, code: str, _: random.Random) -> Change:
    xy = shapely.get_coordinates(shape_of(city, code))
    xy[[3, len(xy) // 2]] = xy[[len(xy) // 2, 3]]
    return Change(changed={code: shapely.Polygon(xy)})


def doubled(city: Partition, code: str, _: random.Random) -> Change:
    return Change(added={f"{code}-2": shape_of(city, code)})


def an_island(city: Partition, code: str, _: random.Random) -> Change:
    inner = shapely.box(*shapely.point_on_surface(shape_of(city, code)).buffer(2).bounds)
    return Change(added={f"{code}-i": put_on_lattice(inner)})


def in_two_parts(city: Partition, code: str, _: random.Random) -> Change:
    shape = shape_of(city, code)
    west, south, east, north = shape.bounds
    strip = shapely.box((west + east) / 2 - 2, south - 1, (west + east) / 2 + 2, north + 1)
    return Change(changed={code: put_on_lattice(shape.difference(strip))})


def a_bend_lost(city: Partition, code: str, _: random.Random) -> Change:
    xy = shapely.get_coordinates(shape_of(city, code))
    bends = [k for k in range(1, len(xy) - 1) if _off_m(xy, k) > 0.05]
    return Change(changed={code: shapely.Polygon(np.delete(xy, bends[len(bends) // 2], axis=0))})


def _off_m(xy: np.ndarray, k: int) -> float:
    return shapely.distance(shapely.Point(xy[k]), shapely.LineString([xy[k - 1], xy[k + 1]]))


def a_node_too_many(city: Partition, code: str, _: random.Random) -> Change:
    xy = shapely.get_coordinates(shape_of(city, code))
    middle = np.round((xy[4] + xy[5]) / 2, 3)
    return Change(changed={code: shapely.Polygon(np.insert(xy, 5, middle, axis=0))})


def beyond_the_frame(city: Partition, code: str, _: random.Random) -> Change:
    shape, frame = shape_of(city, code), shapely.boundary(city.frame)
    edge = max(shapely.get_parts(shapely.intersection(shapely.boundary(shape), frame)), key=shapely.length)
    bay = shapely.buffer(shapely.line_interpolate_point(edge, 0.5, normalized=True), edge.length / 4)
    return Change(changed={code: put_on_lattice(shape.union(bay.difference(city.frame)))})


def listed_elsewhere(city: Partition, code: str, rng: random.Random) -> Change:
    home = city.parents[code]
    return Change(parents={code: rng.choice(sorted(set(city.areas) - {home}))})


@dataclass(frozen=True)
class Harm:
    """How a grid is harmed, the kinds of defects of which all (or of `either` one) must be reported of it."""

    harm: Callable[[Partition, str, random.Random], Change]
    kinds: frozenset[str] = frozenset()
    either: frozenset[str] = frozenset()
    at_the_frame: bool = False

    def is_told(self, told: frozenset[str]) -> bool:
        return self.kinds <= told and (not self.either or bool(self.either & told))


BOTH = frozenset({"overlap", "gap"})
HARMS = {
    "noise shift": Harm(shifted_by(0.004), BOTH),
    "sliver shift": Harm(shifted_by(0.2), BOTH),
    "real shift": Harm(shifted_by(3.0), BOTH),
    "swollen": Harm(scaled_by(1.1), frozenset({"overlap"})),
    "shrunk": Harm(scaled_by(0.9), frozenset({"gap"})),
    "dropped": Harm(dropped, frozenset({"gap"})),
    "missing": Harm(missing, frozenset({"empty", "gap"})),
    "a line": Harm(a_line, frozenset({"not_polygon", "gap"})),
    "knotted": Harm(knotted, frozenset({"invalid"})),
    "doubled": Harm(doubled, frozenset({"duplicate"})),
    "an island": Harm(an_island, frozenset({"contained"})),
    "in two parts": Harm(in_two_parts, frozenset({"multipart", "gap"})),
    "a bend lost": Harm(a_bend_lost, either=BOTH),
    "a node of one side only": Harm(a_node_too_many, frozenset({"unmatched_vertex"})),
    "beyond the frame": Harm(beyond_the_frame, frozenset({"overshoot"}), at_the_frame=True),
    "listed elsewhere": Harm(listed_elsewhere, frozenset({"nesting"})),
}


@dataclass(frozen=True)
class Injured:
    """A tiling with faults in places whose surroundings do not meet, and what a report must say of them."""

    partition: Partition
    harms: tuple[tuple[str, str], ...]
    near: dict[str, frozenset[str]]
    areas: frozenset[str]

    def missed(self, report: CoverageReport) -> list[tuple[str, str]]:
        """The harms, by name and code, of which the report tells not all that it must."""
        told: dict[str, set[str]] = {}
        for defect in report.defects:
            for code in defect.codes:
                told.setdefault(code, set()).add(defect.kind)
        return [(name, code) for name, code in self.harms if not HARMS[name].is_told(self._told_near(code, told))]

    def _told_near(self, code: str, told: dict[str, set[str]]) -> frozenset[str]:
        return frozenset(kind for other in self.near[code] for kind in told.get(other, ()))

    def invented(self, report: CoverageReport) -> list[tuple[str, tuple[str, ...]]]:
        """The defects, by kind and codes, that concern a grid where nothing was harmed."""
        touched = frozenset().union(*self.near.values())
        return [d.key for d in report.defects if not touched.issuperset(set(d.codes) - self.areas)]


def harmed(city: Partition, count: int, *, seed: int) -> Injured:
    """The city with so many harms, kinds taking turns; fewer where no more fit apart from each other."""
    rng = random.Random(seed)
    names = [list(HARMS)[(number + seed) % len(HARMS)] for number in range(count)]
    draft, done, near_of = city, [], {}
    free = _Free(city, rng)
    for name in names:
        code = free.place(at_the_frame=HARMS[name].at_the_frame)
        if code is None:
            continue
        near_of[code] = city.find_around([code], rings=2) | {f"{code}-2", f"{code}-i"}
        draft = draft.replace(HARMS[name].harm(city, code, rng))
        done.append((name, code))
    return Injured(draft, tuple(done), near_of, frozenset(city.areas))


class _Free:
    """The grids of a city in a random order, handed out as long as their surroundings do not meet."""

    def __init__(self, city: Partition, rng: random.Random) -> None:
        assert city.frame is not None
        inner = shapely.distance(city.polygons, shapely.boundary(city.frame)) > APART_M
        order = rng.sample(range(len(city)), len(city))
        self._left = {edge: iter([city.codes[row] for row in order if inner[row] != edge]) for edge in (False, True)}
        self._city, self._taken = city, set[str]()

    def place(self, *, at_the_frame: bool) -> str | None:
        for code in self._left[at_the_frame]:
            near = self._city.find_around([code])
            if not self._taken & near:
                self._taken |= near
                return code
        return None
