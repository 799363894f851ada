"""Grids of a file as draft plans, one for each district in it: never a published plan, never a silent repair.

The frame is the stored boundary of the district, a file, or the union of the layer's own polygons. Plans of different
districts whose frames share most of their ground are *independent* plans: two ways to divide the same ground, such as
police precincts and community districts, which do not nest and therefore cannot be two levels of one plan. That is
allowed and remarked on; the answer for a point names the smallest code and lists the other one ([L2]). Frames that
overlap only in part are neighbours that do not fit, and the import is refused with the place ([S2]).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from layers import planning
from layers.access import Actor, require_area
from layers.areas import Area, AreaLevel, choose_crs, city_of
from layers.checking import refuse_crowded
from layers.errors import Unacceptable
from layers.grids import GridKind, GridLevel
from layers.importing.boundaries import middle_of, overlap_of
from layers.importing.columns import grid_code
from layers.importing.levels import Misfit, find_misfits
from layers.importing.polygons import read_frame
from layers.importing.reading import Sheet, parse_rows
from layers.importing.report import UNION, ImportOptions, ImportReport
from layers.importing.values import Unreadable, read_one_of
from layers.importing.words import GRID_KINDS, YES_NO
from layers.planning import Frame, ImportedGrid
from layers.plans import Plan, is_in_force_now
from layers.specs import POLYGONS
from tiling.plane import Plane

GRID_DIGITS, SUB_GRID_DIGITS, COMMUNITY_DIGITS = 15, 17, 12
CODE_DIGITS = (9, COMMUNITY_DIGITS, GRID_DIGITS, SUB_GRID_DIGITS)
# A draft with less than nine tenths of its file is a draft of something else: a wrong column, most likely.
WHOLE = 0.9
DRAFT_IS_PART = "draft_is_part"
# From half of the smaller frame on, two frames mean the same ground; neighbours that do not fit share a strip.
SAME_GROUND = 0.5
# Pairs of independent plans beyond these are counted, not named.
MOST_PAIRS = 5
# Every border of 16,000 grids: what overlaps more often is no map of grids (a district of Manhattan has 16).
MOST_OVERLAPS = 50_000
# Codes of sub-grids that found no place are named up to this many; all of them are counted.
MOST_NAMED = 20


@dataclass(frozen=True)
class DraftRow:
    """One grid of the file, its row, and the district that it belongs to."""

    row: int
    district: str
    district_name: str
    grid: ImportedGrid


def store_grids(session: Session, sheet: Sheet, *, by: Actor) -> ImportReport:
    """The report of an import of grids; `plans` names the draft of each district.

    Invalid polygons come in as imperfect grids, for a draft may hold them and its report shows where; rows without a
    polygon or a code and repeated codes are refused. Raises Unacceptable where a row's district is not told, where the
    district or its boundary is not stored and no frame is given, and where a frame overlaps a neighbour's.
    """
    _refuse_shapes(sheet)
    areas = _area_codes(session)
    rows = _make_codes_unique(
        sheet, [draft for _, draft in parse_rows(sheet, lambda row: _draft_row(sheet, row, areas))]
    )
    _refuse_crowded(rows)
    rows = _add_parents(sheet, rows)
    districts: dict[str, list[DraftRow]] = defaultdict(list)
    for draft in rows:
        districts[draft.district].append(draft)
    for district, own in sorted(districts.items()):
        require_area(by, district)
        _ensure_district(session, sheet, own, rows)
    frames = _frames_of(session, sheet.options, districts)
    for number, (district, own) in enumerate(sorted(districts.items())):
        sheet.progress("drafting", number / len(districts))
        _make_draft(session, sheet, own, frames[district], by=by)
    _remark_on_frames(session, sheet)
    _remark_on_columns(sheet, stored=len(rows))
    return sheet.gathering.report(read=len(sheet), stored=len(rows))


def _remark_on_columns(sheet: Sheet, *, stored: int) -> None:
    """Which columns were taken for what, which were not, and whether the draft holds the file or a part of it."""
    names = sheet.columns.names
    taken = ", ".join(f"{', '.join(columns)} → {field}" for field, columns in names.items())
    used = {name for columns in names.values() for name in columns}
    left = [name for name in sheet.columns.table.names if name not in used and name != "geometry"]
    sheet.gathering.note("columns_taken", taken=taken or "-", left=", ".join(left) or "-")
    if stored < WHOLE * len(sheet):
        sheet.gathering.note(DRAFT_IS_PART, stored=stored, read=len(sheet), code=", ".join(names.get("code", ("-",))))


def _refuse_shapes(sheet: Sheet) -> None:
    table = sheet.columns.table
    if table.geometries is None:
        raise Unacceptable("file_has_no_positions", columns=", ".join(table.names))
    for fault in table.faults.values():
        if fault.code != "invalid_geometry":
            sheet.gathering.refuse(fault.row, fault.code, detail=fault.reason, where=fault.where)
    for row in sheet.rows():
        shape = sheet.shape(row)
        if shape is not None and shape.geom_type not in POLYGONS:
            sheet.gathering.refuse(row, "wrong_geometry_type", detail=shape.geom_type, where=shape.centroid)


def _refuse_crowded(rows: list[DraftRow]) -> None:
    """A set that nobody could mend ends here, in words, and not after the minutes that its report would take."""
    for level in GridLevel:
        own = [draft.grid.polygon for draft in rows if draft.grid.level is level and draft.grid.exclusive]
        refuse_crowded(np.array(own, dtype=object), most=MOST_OVERLAPS)


def _area_codes(session: Session) -> dict[str, str]:
    """The code of every area below the districts, by its code and, where no other one is called so, by its name."""
    rows = session.execute(select(Area.code, Area.name).where(Area.level != AreaLevel.district)).all()
    called = Counter(name for _, name in rows)
    named = {name: code for code, name in rows if called[name] == 1}
    return {**named, **{code: code for code, _ in rows}}


def _draft_row(sheet: Sheet, row: int, areas: Mapping[str, str]) -> DraftRow:
    district = sheet.options.district or sheet.text("district", row)
    if district is None:
        raise Unacceptable("district_missing", row=row)
    own = grid_code(sheet.columns, row)
    if own is None:
        raise Unreadable("no_code", "")
    code = code_of(district, own)
    level = _level(sheet, row, code)
    shape = sheet.shape(row)
    grid = ImportedGrid(
        code=code,
        name=sheet.text("name", row) or own,
        polygon=shape,
        parent=_parent(sheet, row, code, level=level, areas=areas),
        level=level,
        kind=GridKind(read_one_of(sheet.text("kind", row), GRID_KINDS, default="base")),
        exclusive=read_one_of(sheet.text("exclusive", row), YES_NO, default="yes") == "yes",
        group=sheet.text("group_name", row),
        parts_allowed=shape is not None and len(shapely.get_parts(shape)) > 1,
    )
    return DraftRow(row, district, sheet.text("district_name", row) or district, grid)


def code_of(district: str, own: str) -> str:
    """The code of a grid whose file calls it `own`: itself for a code of the numbered scheme, else district-own.

    Either way it scopes by prefix ([S8]); statistical codes of a street or community and the 15 and 17 digits of grids
    below the district stay what everybody knows them as.
    """
    numbered = own.isascii() and own.isdigit() and len(own) in CODE_DIGITS and bool(city_of(district))
    known = own.startswith(f"{district}-") or (numbered and own.startswith(district))
    return own if known else f"{district}-{own}"


def _level(sheet: Sheet, row: int, code: str) -> GridLevel:
    told = sheet.text("level", row)
    if told in (GridLevel.grid, GridLevel.sub_grid):
        return GridLevel(told)
    numbered = code.isascii() and code.isdigit()
    return GridLevel.sub_grid if numbered and len(code) == SUB_GRID_DIGITS else GridLevel.grid


def _parent(sheet: Sheet, row: int, code: str, *, level: GridLevel, areas: Mapping[str, str]) -> str | None:
    told = sheet.text("parent_code", row)
    if level is GridLevel.sub_grid:
        district = sheet.options.district or sheet.text("district", row) or ""
        return code_of(district, told) if told else code[:GRID_DIGITS]
    return areas.get(told or code[:COMMUNITY_DIGITS])


def _make_codes_unique(sheet: Sheet, rows: list[DraftRow]) -> list[DraftRow]:
    """The rows with a code each: a repeated code is refused, or numbered where it plainly means another place.

    Tables joined by name give one code to a town and to the street of the same name; losing either would leave a gap.
    """
    names: dict[str, list[str]] = defaultdict(list)
    kept: list[DraftRow] = []
    shared: list[dict[str, Any]] = []
    for draft in rows:
        code, name = draft.grid.code, draft.grid.name
        if name in names[code]:
            sheet.gathering.refuse(draft.row, "duplicate_code", detail=code, where=_find_centre(draft))
            continue
        names[code].append(name)
        if len(names[code]) > 1:
            numbered = f"{code}-{len(names[code])}"
            shared.append({"code": code, "names": ", ".join(names[code]), "row": draft.row, "stored": numbered})
            kept.append(replace(draft, grid=replace(draft.grid, code=numbered)))
            continue
        kept.append(draft)
    if len(shared) == 1:
        sheet.gathering.note("code_shared", **shared[0])
    elif shared:
        codes = _name_first([f"{one['code']}: {one['names']}" for one in shared])
        sheet.gathering.note("codes_shared", count=len(shared), codes=codes, rows=[one["row"] for one in shared])
    _remark_on_shapes(sheet, kept)
    return kept


def _name_first(named: list[str]) -> str:
    """The first of many, and how many more there are: what concerns many rows is said once."""
    more = f" (+{len(named) - MOST_PAIRS})" if len(named) > MOST_PAIRS else ""
    return ", ".join(named[:MOST_PAIRS]) + more


def _remark_on_shapes(sheet: Sheet, kept: list[DraftRow]) -> None:
    several = sum(draft.grid.parts_allowed for draft in kept)
    if several:
        sheet.gathering.note("parts_declared", count=several)
    invalid = sum(draft.row in sheet.columns.table.faults for draft in kept)
    if invalid:
        sheet.gathering.note("kept_imperfect", count=invalid)


def _find_centre(draft: DraftRow) -> BaseGeometry | None:
    return None if draft.grid.polygon is None else draft.grid.polygon.centroid


def _add_parents(sheet: Sheet, rows: list[DraftRow]) -> list[DraftRow]:
    grids = {draft.grid.code for draft in rows if draft.grid.level is GridLevel.grid}
    kept = []
    for draft in rows:
        if draft.grid.level is GridLevel.sub_grid and draft.grid.parent not in grids:
            sheet.gathering.refuse(
                draft.row, "no_such_parent", detail=draft.grid.parent or "", where=_find_centre(draft)
            )
            continue
        kept.append(draft)
    return _keep_within_grids(sheet, kept)


def _keep_within_grids(sheet: Sheet, rows: list[DraftRow]) -> list[DraftRow]:
    """The rows without sub-grids that lie in another grid than the one they name; what else does not fit is told."""
    shapes = {draft.grid.code: shape for draft in rows if (shape := draft.grid.polygon) is not None}
    parents = {
        draft.grid.code: draft.grid.parent
        for draft in rows
        if draft.grid.level is GridLevel.sub_grid and draft.grid.parent is not None
    }
    misfits = find_misfits({code: shape for code, shape in shapes.items() if not shape.is_empty}, parents)
    _remark_on_misfits(sheet, misfits)
    wrong = {other: misfit for misfit in misfits if misfit.elsewhere for other in misfit.others}
    for draft in rows:
        if (found := wrong.get(draft.grid.code)) is not None:
            detail = f"{draft.grid.code}: {found.area_m2:,.0f} m² outside {found.grid}."
            sheet.gathering.refuse(draft.row, "nesting", detail=detail, where=_find_centre(draft))
    return [draft for draft in rows if draft.grid.code not in wrong]


def _remark_on_misfits(sheet: Sheet, misfits: list[Misfit]) -> None:
    """Say once, for each way in which they differ, which grids and sub-grids of the file do not fit."""
    for how in dict.fromkeys(misfit.how for misfit in misfits):
        same = sorted((one for one in misfits if one.how == how), key=lambda one: (-one.area_m2, one.grid))
        most, area_m2 = same[0], round(sum(one.area_m2 for one in same))
        others = ", ".join(most.others)
        values: dict[str, Any] = {"how": how, "area_m2": area_m2, "count": len(same)}
        if len(same) == 1:
            sheet.gathering.note("nesting", where=most.where, grid=most.grid, others=others, **values)
        else:
            grids = _name_first([f"{one.grid}: {', '.join(one.others)}" for one in same])
            sheet.gathering.note("nesting_several", where=most.where, grids=grids, **values)


def _frames_of(session: Session, options: ImportOptions, districts: Mapping[str, list[DraftRow]]) -> dict[str, Frame]:
    if options.frame is None:
        return dict.fromkeys(districts)
    if options.frame != UNION:
        return dict.fromkeys(districts, read_frame(Path(options.frame), crs=options.crs, datum=options.datum))
    shapes = {district: [draft.grid.polygon for draft in own] for district, own in districts.items()}
    framed = planning.frames_around(session, shapes)
    return {district: framed.get(district, "union") for district in districts}


def _ensure_district(session: Session, sheet: Sheet, own: list[DraftRow], rows: list[DraftRow]) -> None:
    """Make sure that the district is stored; one that only a frame tells of comes in with its name and CRS."""
    district = own[0].district
    if session.scalar(select(Area.code).where(Area.code == district)) is not None:
        return
    if sheet.options.frame is None:
        raise Unacceptable("district_not_stored", district=district)
    city = [draft.grid.polygon for draft in rows if city_of(draft.district) == city_of(district)]
    epsg = choose_crs(session, district, **middle_of(city))
    values = {"code": district, "name": own[0].district_name, "level": AreaLevel.district, "crs_epsg": epsg}
    session.execute(insert(Area).values(values))
    sheet.gathering.note("district_added", district=district, name=own[0].district_name, crs=f"EPSG:{epsg}")


def _make_draft(
    session: Session,
    sheet: Sheet,
    own: list[DraftRow],
    frame: Frame,
    *,
    by: Actor,
) -> None:
    district = own[0].district
    left = _find_left_out(session, district, own)
    if left and sheet.options.sub_grids == "ask":
        errors = [(["sub_grids"], "sub_grids_unsaid")]
        raise Unacceptable(
            "sub_grids_unsaid", errors=errors, district=district, sub_grids=left.sub_grids, overlays=left.overlays
        )
    below: planning.Below = "keep" if sheet.options.sub_grids == "keep" else "none"
    rows = [draft.grid for draft in own]
    made = planning.import_over(session, district, rows=rows, frame=frame, below=below, by=by, title=sheet.source)
    plan = made.plan
    sheet.gathering.plans[district], sheet.gathering.coverages[district] = plan.id, made.report
    report = plan.report or {}
    summary: Mapping[str, int] = report.get("summary", {}).get("by_kind", {})
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(summary.items()))
    grids, by_kind = len(own), dict(summary)
    sheet.gathering.note(
        "draft_made", district=district, plan=plan.id, grids=grids, defects=kinds or "-", by_kind=by_kind
    )
    if left:
        _tell_left_out(sheet, left, made.carried)


def _find_left_out(session: Session, district: str, own: list[DraftRow]) -> planning.LeftOut:
    """What is in force there and the file does not hold."""
    parts = any(draft.grid.level is GridLevel.sub_grid for draft in own)
    over = any(not draft.grid.exclusive for draft in own)
    return planning.find_left_out(session, district, sub_grids=parts, overlays=over)


def _tell_left_out(sheet: Sheet, left: planning.LeftOut, carried: planning.Carried) -> None:
    if sheet.options.sub_grids != "keep":
        sheet.gathering.note("left_out", sub_grids=left.sub_grids, overlays=left.overlays)
        return
    if left.sub_grids:
        sheet.gathering.note(
            "sub_grids_carried",
            kept=carried.kept,
            recut=carried.recut,
            recoded=carried.recoded,
            gone=len(carried.gone),
            codes=", ".join(carried.gone[:MOST_NAMED]) or "-",
        )
    if left.overlays:
        sheet.gathering.note("overlays_carried", kept=carried.overlays, gone=left.overlays - carried.overlays)


def _remark_on_frames(session: Session, sheet: Sheet) -> None:
    frames = _frames(session, sheet.gathering.plans)
    independent: dict[tuple[str, ...], int] = {}
    for district in sheet.gathering.plans:
        for other, other_frame in frames.items():
            if other == district or not frames[district].intersects(other_frame):
                continue
            percent = _judge_overlap(session, district, other, frames)
            if percent is not None:
                independent[tuple(sorted((district, other)))] = percent
    if independent:
        pairs = [f"{one} / {two} {percent}%" for (one, two), percent in sorted(independent.items())]
        sheet.gathering.note("independent_plans", count=len(pairs), pairs=_name_first(pairs))


def _judge_overlap(session: Session, district: str, other: str, frames: Mapping[str, BaseGeometry]) -> int | None:
    """The percentage of ground that two independent plans share; None for frames that are neighbours."""
    epsg = session.scalar(select(Area.crs_epsg).where(Area.code == district))
    assert epsg is not None, "the database demands that districts name their CRS"
    plane = Plane(epsg)
    one, two = plane.to_metres(frames[district]), plane.to_metres(frames[other])
    share = one.intersection(two).area / min(one.area, two.area)
    if share >= SAME_GROUND:
        return round(100 * share)
    common = overlap_of(one, two)
    if common is not None:
        where = plane.to_degrees(common)
        raise Unacceptable("frame_overlaps", where=where, district=district, other=other, area_m2=round(common.area))
    return None


def _frames(session: Session, own: Mapping[str, int]) -> dict[str, BaseGeometry]:
    """The frames that count: of the plans in force, and of the drafts just made, by district."""
    counted = is_in_force_now() | Plan.id.in_(list(own.values()))
    rows = session.execute(
        select(Plan.district, func.ST_AsBinary(Plan.frame)).where(counted, Plan.frame.is_not(None)).order_by(Plan.id)
    )
    return {district: shapely.from_wkb(bytes(wkb)) for district, wkb in rows}
