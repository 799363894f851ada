"""A defect, and the report that lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import shapely
from shapely.geometry.base import BaseGeometry

from tiling.tolerance import NODE_OFF_M

KINDS = (
    "empty",
    "not_polygon",
    "invalid",
    "multipart",
    "duplicate",
    "contained",
    "overlap",
    "gap",
    "overshoot",
    "unmatched_vertex",
    "nesting",
    "cut_building",
    "uncovered_building",
    "households_out_of_range",
)
WARNINGS = frozenset({"cut_building", "uncovered_building", "households_out_of_range"})
# Which problems `tiling.repair` mends, or asks about; of them those that no single edit mends, and those that go with
# the noise whatever their size, for they are a node that is missing.
REPAIRABLE = frozenset(
    {"overlap", "gap", "overshoot", "unmatched_vertex", "contained", "duplicate", "invalid", "nesting"}
)
BY_REPAIR_ALONE = frozenset({"overshoot", "unmatched_vertex", "nesting"})
MENDED_AS_NOISE = frozenset({"unmatched_vertex"})

_GROWTH_M2 = 1e-4
"""A square centimetre: what a node moved by half a millimetre can add to an old defect."""

_WORDS = {
    "unmatched_vertex": "unmatched vertices",
    "not_polygon": "not a polygon",
    "households_out_of_range": "households out of range",
    "multipart": "in several parts",
}


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One defect: its kind ([S4]), how bad it is, whom it concerns, how large it is and where, in metres.

    `class_` is noise, sliver or real for areas, else None. `length_m` is half the outline of an area, that is how far
    it runs along a border. `width_m` is twice the radius of the largest inscribed circle. `codes` are sorted, but for
    `contained` (the contained grid first) and `nesting` (the parent first). `count` tells how many places `where` has.
    """

    kind: str
    codes: tuple[str, ...]
    where: BaseGeometry | None = None
    class_: str | None = None
    area_m2: float = 0.0
    length_m: float = 0.0
    width_m: float = 0.0
    count: int = 1
    detail: str = ""

    @property
    def severity(self) -> str:
        """`error` (blocks publishing) or `warning` (to be acknowledged)."""
        return "warning" if self.kind in WARNINGS else "error"

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """What makes it the same defect before and after an edit ([P2])."""
        return self.kind, self.codes

    def sentence(self) -> str:
        """The defect in a few English words, sizes in metres."""
        words = _WORDS.get(self.kind, self.kind.replace("_", " "))
        if self.kind == "unmatched_vertex":
            return f"{self.count} {words}"
        if self.class_ is None:
            return f"{words}: {self.detail}" if self.detail else words
        return f"{words} of {self.area_m2:.4g} m² ({self.class_}, {self.width_m:.3g} m wide)"


@dataclass(frozen=True, kw_only=True)
class CoverageReport:
    """The defects of a tiling in a fixed order, with the number of grids looked at and their area in m².

    `scope` names the grids that an incremental check looked at (None: all), `window` their surroundings.
    """

    defects: tuple[Defect, ...]
    grids: int
    area_m2: float
    scope: frozenset[str] | None = None
    window: BaseGeometry | None = field(default=None, repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing blocks publishing; warnings do not."""
        return not any(defect.severity == "error" for defect in self.defects)

    def summary(self) -> dict[str, object]:
        """`grids`, `area_m2` and `by_kind`, the number of defects of each kind that occurs."""
        counted = Counter(defect.kind for defect in self.defects)
        by_kind = {kind: counted[kind] for kind in KINDS if counted[kind]}
        return {"grids": self.grids, "area_m2": self.area_m2, "by_kind": by_kind}

    def group_by_pair(self) -> dict[tuple[str, ...], tuple[Defect, ...]]:
        """The defects grouped by the grids concerned (a gap by all around it), largest total area first."""
        groups: dict[tuple[str, ...], list[Defect]] = {}
        for defect in self.defects:
            groups.setdefault(tuple(sorted(defect.codes)), []).append(defect)
        order = sorted(groups, key=lambda codes: (-sum(d.area_m2 for d in groups[codes]), codes))
        return {codes: tuple(groups[codes]) for codes in order}

    def lines(self) -> tuple[str, ...]:
        """The report for a person, one line for each pair of grids."""
        return tuple(
            f"{' and '.join(codes) or 'nobody'}: {', '.join(d.sentence() for d in defects)}"
            for codes, defects in self.group_by_pair().items()
        )

    def find_added_since(self, older: CoverageReport) -> tuple[Defect, ...]:
        """The defects whose (kind, codes) are new, or that grew by more than noise, since the older report ([P2])."""
        before, now = _totals(older.defects), _totals(self.defects)
        worse = {key for key, total in now.items() if key not in before or _has_grown(before[key], total)}
        return tuple(defect for defect in self.defects if defect.key in worse)

    def with_local(self, local: CoverageReport, *, removed: Collection[str] = ()) -> CoverageReport:
        """This report of a whole plan with the part replaced that an incremental check looked at anew.

        `removed` are codes that no longer exist. Exact, because an incremental check finds every defect that
        concerns one of its grids. `grids` and `area_m2` are taken from the local report, which counts all.
        """
        if local.scope is None:
            return local
        stale = local.scope | frozenset(removed)
        kept = [d for d in self.defects if not stale.intersection(d.codes) and not _is_ownerless(d, local.window)]
        return CoverageReport(defects=put_in_order([*kept, *local.defects]), grids=local.grids, area_m2=local.area_m2)


def put_in_order(defects: Iterable[Defect]) -> tuple[Defect, ...]:
    """The defects by kind, codes, class and place, so that equal tilings give equal reports."""
    rank = {kind: number for number, kind in enumerate(KINDS)}
    return tuple(sorted(defects, key=lambda d: (rank[d.kind], d.codes, d.class_ or "", _place(d.where), d.detail)))


def _place(where: BaseGeometry | None) -> tuple[float, ...]:
    return () if where is None or where.is_empty else tuple(where.bounds)


def _is_ownerless(defect: Defect, window: BaseGeometry | None) -> bool:
    # A gap that no grid borders can only be told by its place.
    if defect.codes or defect.where is None or window is None:
        return False
    return bool(shapely.intersects(defect.where, window))


@dataclass
class _Total:
    """The defects of one key taken together."""

    area_m2: float = 0.0
    outline_m: float = 0.0
    count: int = 0


def _totals(defects: Iterable[Defect]) -> Mapping[tuple[str, tuple[str, ...]], _Total]:
    totals: dict[tuple[str, tuple[str, ...]], _Total] = {}
    for defect in defects:
        total = totals.setdefault(defect.key, _Total())
        total.area_m2 += defect.area_m2
        total.outline_m += 2 * defect.length_m
        total.count += defect.count
    return totals


def _has_grown(before: _Total, now: _Total) -> bool:
    points_only = now.area_m2 == before.area_m2 == 0.0
    # A node that a neighbour needs lies up to 0.7 mm beside the slanted edge it is put on.
    noise_m2 = _GROWTH_M2 + NODE_OFF_M * now.outline_m
    return now.area_m2 > before.area_m2 + noise_m2 or (points_only and now.count > before.count)
