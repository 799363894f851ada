"""The report of a draft: what its shapes have wrong, what its buildings say, kept up edit by edit.

A report belongs to a board. After an edit only what concerns the changed grids is looked at again; the result is the
same as that of a full check.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.checking import defect_json
from layers.planning.report.counting import (
    Count,
    Houses,
    building_warnings,
    count_tiles,
    load_houses,
    owners_of,
    range_warning,
    tiles_of,
)
from layers.planning.state.board import Board, Geometries, GridRow, objects
from tiling.coverage import KINDS, CoverageReport, Defect, check
from tiling.defects.edges import find_differing
from tiling.defects.report import WARNINGS
from tiling.tolerance import NODE_OFF_M, Tolerance

Key = tuple[str, str]
TOLERANCE = Tolerance()
# An area defect that lies in old defects of its kind, but for this much, is no new one: a square centimetre.
NOISE_M2 = 1e-4
# From here on the whole tiling is checked sooner than what lies about so many edges or grids.
MOST_EDGES = 200
MOST_TOUCHED = 0.2
RANGE, CUT, UNCOVERED = "households_out_of_range", "cut_building", "uncovered_building"
PLACES = frozenset({"gap", "overlap", "overshoot"})


class Shown(dict[str, Any]):
    """A defect as the API gives it. Its text is made once: every answer to an edit holds all defects of the plan."""

    @cached_property
    def text(self) -> bytes:
        """The defect as JSON."""
        return orjson.dumps(self)


@dataclass(frozen=True, eq=False)
class DraftReport:
    """The report of one board: defects of the tiling, warnings by (kind, building or grid), and both as JSON."""

    coverage: CoverageReport
    warnings: Mapping[Key, Defect]
    shown: Mapping[int, Shown] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing blocks publishing."""
        return self.coverage.ok

    @cached_property
    def defects(self) -> tuple[Defect, ...]:
        """Errors first, then warnings, in a fixed order."""
        return (*self.coverage.defects, *(self.warnings[key] for key in sorted(self.warnings)))

    @cached_property
    def by_kind(self) -> dict[str, int]:
        """The number of defects of each kind that occurs."""
        number = Counter(key[0] for key in self.warnings) + Counter(defect.kind for defect in self.coverage.defects)
        return {kind: number[kind] for kind in KINDS if number[kind]}

    def with_coverage(self, coverage: CoverageReport) -> DraftReport:
        """The same defects and warnings of other ground; what was sorted and counted of them stays."""
        newer = replace(self, coverage=coverage)
        newer.__dict__.update(defects=self.defects, by_kind=self.by_kind)
        return newer

    def warning_kinds(self) -> frozenset[str]:
        """The kinds of warnings that a submission must acknowledge."""
        return WARNINGS.intersection(self.by_kind)

    def summary(self, board: Board) -> dict[str, Any]:
        """Numbers of grids, sub-grids, households, buildings, defects by kind, and the area in m²."""
        warnings = sum(number for kind, number in self.by_kind.items() if kind in WARNINGS)
        return {
            **asdict(board.totals),
            "area_m2": round(self.coverage.area_m2, 3),
            "errors": sum(self.by_kind.values()) - warnings,
            "warnings": warnings,
            "by_kind": self.by_kind,
        }

    def as_json(self, board: Board) -> dict[str, Any]:
        """The whole report as the API gives it, places in degrees."""
        defects = [self.shown[id(defect)] for defect in self.defects]
        return {"ok": self.ok, "defects": defects, "summary": self.summary(board)}


@dataclass(frozen=True)
class Review:
    """What a check says: the report, and the rows whose numbers it found different."""

    report: DraftReport
    board: Board
    recounted: tuple[GridRow, ...]


def review_all(session: Session, board: Board) -> Review:
    """The full check of a board, every building counted anew; raises nothing for any shape."""
    partition = board.partition
    coverage = check(partition, tolerance=TOLERANCE)
    codes = partition.codes
    houses, tiles = _read_houses(session, board, codes, box=_box_everything(board))
    counts = count_tiles(session, board, houses, tiles=tiles, wanted=codes)
    recounted = _recount(board, counts)
    fresh = board.with_rows({row.code: row for row in recounted})
    warnings = dict(building_warnings(fresh, houses, tiles=tiles, tolerance=TOLERANCE))
    warnings |= _range_warnings(fresh, (code for code, row in fresh.rows.items() if row.level == "grid"))
    return Review(_report(session, fresh, coverage, warnings), fresh, recounted)


def review_change(
    session: Session,
    board: Board,
    older: Board,
    report: DraftReport,
    *,
    touched: Collection[str],
    removed: Collection[str],
) -> Review:
    """The report after a change, from the older one: only the touched tiles and the buildings in them are looked at.

    `touched` are finest tiles of the new board, `removed` codes of any level that are no longer there.
    """
    coverage = _coverage_after(board, older, report.coverage, touched=touched, removed=removed)
    before = [code for code in (*touched, *removed) if code in older.partition.row_of]
    houses, tiles = _read_houses(session, board, touched, box=_box(board, touched, older, before))
    recounted = _recount(board, count_tiles(session, board, houses, tiles=tiles, wanted=touched))
    fresh = board.with_rows({row.code: row for row in recounted})
    grids = {fresh.grid_of(code) for code in touched}
    found = dict(building_warnings(fresh, houses, tiles=tiles, tolerance=TOLERANCE)) | _range_warnings(fresh, grids)
    stale = [(kind, str(number)) for number in houses.ids.tolist() for kind in (CUT, UNCOVERED)]
    stale += [(RANGE, code) for code in (*grids, *removed)]
    return Review(_keep_up(session, fresh, report, coverage, found=found, stale=stale), fresh, recounted)


def _coverage_after(
    board: Board, older: Board, before: CoverageReport, *, touched: Collection[str], removed: Collection[str]
) -> CoverageReport:
    """The report of the tiling after a change; of much of it anew, where a frame or ring took another way."""
    bounds = _find_moved_bounds(board, older)
    if bounds is None or len(touched) > MOST_TOUCHED * len(board.partition):
        return check(board.partition, tolerance=TOLERANCE)
    beside = {board.partition.codes[row] for row in np.unique(board.partition.tree.query(bounds)[1]).tolist()}
    concerned = {*touched, *beside, *_find_beside_comings_and_goings(board, older, touched, removed)}
    local = check(board.partition, tolerance=TOLERANCE, only=concerned)
    return before.with_local(local, removed=removed)


def _find_moved_bounds(board: Board, older: Board) -> Geometries | None:
    """The edges that the frame or a ring of an area did not have before, or has no more; None for many of them.

    A grid that nobody touched has another frame there: what it reached out of, or left bare, may be gone.
    """
    new, old = board.partition, older.partition
    pairs = [] if new.frame is old.frame else [(new.frame, old.frame)]
    pairs += [(ring, old.areas.get(code)) for code, ring in new.areas.items() if ring is not old.areas.get(code)]
    edges = [line for now, before in pairs for line in find_differing(now, before).lines().tolist()]
    return None if len(edges) > MOST_EDGES else objects(edges)


def _find_beside_comings_and_goings(
    board: Board, older: Board, touched: Collection[str], removed: Collection[str]
) -> set[str]:
    """The tiles about new and removed ones: a gap between them opens or closes without a change of their own shapes."""
    come = [board.shape(code) for code in touched if code not in older.partition.row_of]
    gone = [older.shape(code) for code in removed if code in older.partition.row_of]
    rows = board.partition.tree.query(objects([*come, *gone]))[1] if come or gone else []
    return {board.partition.codes[row] for row in rows}


def find_worse(
    now: CoverageReport, before: CoverageReport, *, alias: Mapping[str, str], scope: Collection[str]
) -> tuple[Defect, ...]:
    """The errors that appear or grow by more than noise ([P2]).

    `alias` names the grid from which a new one was cut, or into which an old one was merged: they count as the same,
    else every merge beside an old defect would be refused. `scope` are the grids of the change.
    """
    concerned = frozenset(scope) | frozenset(alias) | frozenset(alias.values())
    new = [d for d in now.defects if d.severity == "error" and not concerned.isdisjoint(d.codes)]
    new += [d for d in now.defects if d.severity == "error" and not d.codes]
    named = [_rename_codes(defect, alias) for defect in new]
    old = replace(before, defects=tuple(_rename_codes(defect, alias) for defect in before.defects))
    worse = {d.key for d in replace(now, defects=tuple(named)).find_added_since(old)}
    suspects = [d for d, alike in zip(new, named, strict=True) if alike.key in worse]
    return tuple(d for d in suspects if not _was_there(d, before))


def _rename_codes(defect: Defect, alias: Mapping[str, str]) -> Defect:
    if alias.keys().isdisjoint(defect.codes):
        return defect
    return replace(defect, codes=tuple(dict.fromkeys(sorted(alias.get(code, code) for code in defect.codes))))


def _was_there(defect: Defect, before: CoverageReport) -> bool:
    """Whether old defects of this kind hold its ground: half a gap is filled and the rest has other neighbours."""
    if defect.kind not in PLACES or defect.where is None:
        return False
    places = [d.where for d in before.defects if d.kind == defect.kind and d.where is not None]
    near = [place for place in places if place.intersects(defect.where)]
    fresh_m2 = float(defect.where.difference(shapely.union_all(near)).area) if near else math.inf
    return fresh_m2 <= NOISE_M2 + NODE_OFF_M * defect.where.length


def difference(now: DraftReport, before: DraftReport) -> tuple[list[Shown], list[Shown]]:
    """The defects that an edit added and those that it cleared, as JSON."""
    if now.shown is before.shown:
        return [], []
    fresh = [now.shown[number] for number in now.shown.keys() - before.shown.keys()]
    gone = [before.shown[number] for number in before.shown.keys() - now.shown.keys()]
    old, new = ({_name(shown) for shown in defects} for defects in (gone, fresh))
    added = sorted((shown for shown in fresh if _name(shown) not in old), key=_name)
    return added, sorted((shown for shown in gone if _name(shown) not in new), key=_name)


def changes(now: DraftReport, before: DraftReport) -> tuple[list[Shown], list[str]]:
    """The defects that are new or other than before, and the ids of those that are no longer as they were."""
    if now.shown is before.shown:
        return [], []
    fresh = {now.shown[number]["id"]: now.shown[number] for number in now.shown.keys() - before.shown.keys()}
    gone = {before.shown[number]["id"] for number in before.shown.keys() - now.shown.keys()}
    return [fresh[key] for key in sorted(fresh.keys() - gone)], sorted(gone - fresh.keys())


def _name(shown: Mapping[str, Any]) -> tuple[str, tuple[str, ...], str]:
    return shown["kind"], tuple(shown["codes"]), shown["detail"]


def _read_houses(
    session: Session, board: Board, codes: Collection[str], *, box: BaseGeometry
) -> tuple[Houses, list[str | None]]:
    """All buildings that reach into a box or were put into these tiles by hand, and the tile of each."""
    houses = load_houses(session, box, codes=board.find_borne({*codes, *(board.grid_of(code) for code in codes)}))
    near = _tiles_about(board, codes, houses)
    polygons = np.asarray(board.plane.to_degrees(board.partition.polygons[board.partition.rows(near)]), dtype=object)
    return houses, tiles_of(board, houses, owners_of(houses.points, polygons), near)


def _tiles_about(board: Board, codes: Collection[str], houses: Houses) -> tuple[str, ...]:
    """The tiles that may own one of these buildings, sorted: all under their points, for the smallest owns a border."""
    if len(codes) == len(board.partition) or not len(houses):
        return tuple(sorted(codes))
    points = np.asarray(board.plane.to_metres(houses.points), dtype=object)
    rows = np.unique(board.partition.tree.query(points)[1])
    return tuple(sorted({*codes, *(board.partition.codes[row] for row in rows)}))


def _recount(board: Board, counts: Mapping[str, Count]) -> tuple[GridRow, ...]:
    """The rows, tiles and the grids above them, whose numbers or areas differ from what they say."""
    rows = {code: _put_count(board, board.rows[code], count) for code, count in counts.items()}
    for grid in sorted({board.grid_of(code) for code in counts} - counts.keys()):
        parts = [rows.get(code, board.rows[code]) for code in board.partition.list_finest(grid)]
        total = Count(sum(part.households for part in parts), sum(part.buildings for part in parts))
        rows[grid] = _put_count(board, board.rows[grid], total)
    return tuple(row for code, row in rows.items() if row != board.rows[code])


def _put_count(board: Board, row: GridRow, count: Count) -> GridRow:
    shape = board.shape(row.code)
    area_m2 = 0.0 if shape is None else round(float(shape.area), 3)
    return replace(row, households=count.households, buildings=count.buildings, area_m2=area_m2)


def _range_warnings(board: Board, grids: Iterable[str]) -> dict[Key, Defect]:
    found = ((grid, range_warning(board, grid)) for grid in grids)
    return {(RANGE, grid): defect for grid, defect in found if defect is not None}


def _report(session: Session, board: Board, coverage: CoverageReport, warnings: Mapping[Key, Defect]) -> DraftReport:
    return DraftReport(coverage, warnings, _render(session, board, [*coverage.defects, *warnings.values()]))


def _keep_up(
    session: Session,
    board: Board,
    older: DraftReport,
    coverage: CoverageReport,
    *,
    found: Mapping[Key, Defect],
    stale: Iterable[Key],
) -> DraftReport:
    """The older report with its stale warnings replaced by those found; what stays is not rendered again."""
    warnings = dict(older.warnings)
    was = {key: warnings.pop(key) for key in stale if key in warnings}
    warnings |= {key: was[key] if was.get(key) == defect else defect for key, defect in found.items()}
    looked_at = [*coverage.defects, *(warnings[key] for key in found)]
    fresh = [defect for defect in looked_at if id(defect) not in older.shown]
    kept = {id(defect) for defect in looked_at}
    gone = [id(defect) for defect in (*older.coverage.defects, *was.values()) if id(defect) not in kept]
    if not fresh and not gone:
        return older.with_coverage(coverage)
    shown = dict(older.shown)
    for number in gone:
        del shown[number]
    return DraftReport(coverage, warnings, {**shown, **_render(session, board, fresh)})


def _render(session: Session, board: Board, defects: list[Defect]) -> dict[int, Shown]:
    places = shapely.to_geojson(board.plane.to_degrees(objects(defect.where for defect in defects)))
    held = {id(d): _count_held(session, board, d) for d in defects if d.kind == "gap"}
    return {
        id(defect): _render_defect(defect, place, held.get(id(defect)))
        for defect, place in zip(defects, np.asarray(places).tolist(), strict=True)
    }


def _render_defect(defect: Defect, place: str | None, held: Count | None) -> Shown:
    number = (None, None) if held is None else (held.households, held.buildings)
    told = defect_json(defect, place) | dict(zip(("households", "buildings"), number, strict=True))
    # By what it says: in every process, and after every start, the same defect has the same id.
    return Shown({"id": blake2b(orjson.dumps(told), digest_size=9).hexdigest(), **told})


def _count_held(session: Session, board: Board, gap: Defect) -> Count:
    """Households and buildings on the ground of a gap."""
    if gap.where is None or gap.class_ == "noise":
        return Count(0, 0)
    place = board.plane.to_degrees(gap.where)
    houses = load_houses(session, shapely.box(*place.bounds), codes=())
    inside = np.asarray(shapely.intersects(place, houses.points), dtype=bool)
    return Count(int(houses.households[inside].sum()), int(inside.sum()))


def _box_everything(board: Board) -> BaseGeometry:
    shapes = [board.partition.frame, *board.partition.polygons]
    return _degree_box(board, objects(shapes))


def _box(board: Board, codes: Collection[str], older: Board, before: Collection[str]) -> BaseGeometry:
    new = board.partition.polygons[board.partition.rows(codes)]
    old = older.partition.polygons[older.partition.rows(before)]
    return _degree_box(board, objects([*new, *old]))


def _degree_box(board: Board, shapes: Any) -> BaseGeometry:
    """A box in degrees around shapes in metres, a metre wider: a straight edge bows when it is turned into degrees."""
    bounds = shapely.bounds(shapes).reshape(-1, 4)
    bounds = bounds[~np.isnan(bounds[:, 0])]
    if not len(bounds):
        return shapely.Polygon()
    (west, south), (east, north) = bounds[:, :2].min(axis=0).tolist(), bounds[:, 2:].max(axis=0).tolist()
    # In between, too: the plane's edges bow in degrees.
    edge = shapely.get_coordinates(shapely.segmentize(shapely.box(west - 1, south - 1, east + 1, north + 1), 1000.0))
    lon, lat = board.plane.to_lonlat(edge[:, 0], edge[:, 1])
    return shapely.Polygon(shapely.box(lon.min(), lat.min(), lon.max(), lat.max()))
