"""Areas: districts with the CRS of their city, subdistricts and communities, with or without boundaries.

Official boundaries of neighbouring districts are matched here: they get the 1 mm lattice of the city, nodes of the
neighbour within `snap_m`, points on long edges; one that overlaps a stored district by more than noise is refused with
the place ([S2]).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.areas import Area, AreaLevel, choose_crs, city_of
from layers.db import WGS84
from layers.importing.reading import Sheet, as_multi, parse_rows
from layers.importing.report import ImportReport
from layers.importing.values import Unreadable, read_one_of, read_whole, require_text
from layers.importing.words import AREA_LEVELS, COMMUNITY_KINDS, LEVEL_BY_DIGITS
from layers.specs import POLYGONS
from tiling.coverage import check_polygons
from tiling.partition import dissolve
from tiling.plane import Plane, city_epsg, densify
from tiling.tolerance import Tolerance

_ORDER = {AreaLevel.district: 0, AreaLevel.subdistrict: 1, AreaLevel.community: 2}
_NOISE = "noise"
# A neighbour that is off by a centimetre may not touch; some ten centimetres are looked at.
_NEAR_DEG = 1e-6


@dataclass(frozen=True, kw_only=True)
class AreaRow:
    """One area of a file; `shape` in WGS84 degrees, None where the file has no boundary for it."""

    row: int
    code: str
    name: str
    level: str
    parent: str | None
    kind: str | None
    target: int | None
    phone: str | None
    centre: str | None
    shape: BaseGeometry | None


def store_areas(session: Session, sheet: Sheet, *, by: Actor) -> ImportReport:
    """The report of areas, added or written over those of the same code.

    Several rows of one district (a file of its streets) become one boundary. With a district asked for, rows of other
    districts are left out. A district needs a boundary, or a stored one, to know its CRS.
    """
    _refuse_shapes(sheet)
    rows = _unite_parts(sheet, [area for _, area in parse_rows(sheet, lambda row: _area(sheet, row))])
    rows = [area for area in rows if _is_asked(sheet, area)]
    for area in rows:
        require_area(by, area.code)
    rows = _add_parents(session, sheet, rows)
    planes = _planes(session, sheet, rows)
    stored = 0
    for area in sorted(rows, key=lambda area: (_ORDER[AreaLevel(area.level)], area.row)):
        if area.row not in sheet.gathering.refused:
            stored += _store(session, sheet, area, planes)
    return sheet.gathering.report(read=len(sheet), stored=stored)


def _refuse_shapes(sheet: Sheet) -> None:
    for fault in sheet.columns.table.faults.values():
        sheet.gathering.refuse(fault.row, fault.code, detail=fault.reason, where=fault.where)
    for row in sheet.rows():
        shape = sheet.shape(row)
        if shape is not None and shape.geom_type not in POLYGONS:
            sheet.gathering.refuse(row, "wrong_geometry_type", detail=shape.geom_type, where=shape.centroid)


def _area(sheet: Sheet, row: int) -> AreaRow:
    code = require_text(sheet.text("code", row), "code")
    target = read_whole(sheet.text("households_target", row), least=1)
    return AreaRow(
        row=row,
        code=code,
        name=sheet.text("name", row) or code,
        level=_level(sheet, row, code),
        parent=sheet.text("parent_code", row),
        kind=read_one_of(sheet.text("kind", row), COMMUNITY_KINDS, default="") or None,
        target=target,
        phone=sheet.text("duty_phone", row),
        centre=sheet.text("centre_name", row),
        shape=sheet.shape(row),
    )


def _level(sheet: Sheet, row: int, code: str) -> str:
    told = sheet.options.level or sheet.text("level", row)
    if told is None:
        guessed = LEVEL_BY_DIGITS.get(len(code)) if code.isascii() and code.isdigit() else None
        if guessed is None:
            raise Unreadable("level_missing", code)
        return guessed
    level = AREA_LEVELS.get(told.lower())
    if level is None:
        raise Unreadable("level_not_used", told)
    return level


def _unite_parts(sheet: Sheet, rows: Sequence[AreaRow]) -> list[AreaRow]:
    """One row for each code: repeated districts are the parts of one, another repeated code is refused."""
    by_code: dict[str, list[AreaRow]] = defaultdict(list)
    for area in rows:
        by_code[area.code].append(area)
    united = []
    for same in by_code.values():
        if len(same) > 1 and same[0].level == AreaLevel.district:
            united.append(replace(same[0], shape=_union([area.shape for area in same if area.shape is not None])))
            continue
        united.append(same[0])
        for twin in same[1:]:
            sheet.gathering.refuse(twin.row, "duplicate_code", detail=twin.code, where=twin.shape)
    parts = len(rows) - len(united) - len(sheet.gathering.refused)
    if parts > 0:
        sheet.gathering.note("parts_united", parts=len(rows), areas=len(united))
    return united


def _union(shapes: Sequence[BaseGeometry]) -> BaseGeometry | None:
    """The union, nodes kept: computed on the city's lattice, where matched borders are equal byte for byte."""
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    plane = Plane(city_epsg((west + east) / 2, (south + north) / 2))
    union: BaseGeometry = plane.to_degrees(dissolve(plane.to_metres(np.array(shapes, dtype=object))))
    return union


def _is_asked(sheet: Sheet, area: AreaRow) -> bool:
    district = sheet.options.district
    return district is None or area.code.startswith(district)


def _add_parents(session: Session, sheet: Sheet, rows: Sequence[AreaRow]) -> list[AreaRow]:
    known = set(session.scalars(select(Area.code))) | {area.code for area in rows}
    kept = []
    for area in rows:
        parent = None if area.level == AreaLevel.district else area.parent or area.code[:-3]
        if parent is not None and parent not in known:
            sheet.gathering.refuse(area.row, "no_such_parent", detail=parent, where=area.shape)
            continue
        kept.append(replace(area, parent=parent))
    return kept


def _planes(session: Session, sheet: Sheet, rows: Sequence[AreaRow]) -> dict[str, Plane]:
    """The plane of each district, by its code; districts of which nothing tells the place are refused."""
    cities: dict[str, list[AreaRow]] = defaultdict(list)
    for area in rows:
        if area.level == AreaLevel.district:
            cities[city_of(area.code)].append(area)
    stored = select(Area.code, Area.crs_epsg).where(Area.level == AreaLevel.district)
    planes = {code: Plane(epsg) for code, epsg in session.execute(stored) if epsg is not None}
    for city in cities.values():
        shapes = [area.shape for area in city if area.shape is not None]
        for area in city:
            if area.code in planes:
                continue
            if not shapes:
                sheet.gathering.refuse(area.row, "district_without_place", detail=area.code)
                continue
            planes[area.code] = Plane(choose_crs(session, area.code, **middle_of(shapes)))
    return planes


def middle_of(shapes: Iterable[BaseGeometry | None]) -> dict[str, float]:
    """lon and lat of the middle of the box around shapes in degrees."""
    west, south, east, north = shapely.total_bounds([shape for shape in shapes if shape is not None]).tolist()
    return {"lon": (west + east) / 2, "lat": (south + north) / 2}


def _store(session: Session, sheet: Sheet, area: AreaRow, planes: dict[str, Plane]) -> int:
    plane = planes.get(area.code) or _plane_above(session, area, planes)
    values: dict[str, Any] = {
        "code": area.code,
        "name": area.name,
        "level": area.level,
        "parent_code": area.parent,
        "kind": area.kind,
        "households_target": area.target,
        "duty_phone": area.phone,
        "centre_name": area.centre,
        "crs_epsg": plane.epsg if plane is not None and area.level == AreaLevel.district else None,
    }
    if area.shape is not None and plane is not None:
        ring = _match_stored(session, sheet, area, plane)
        if ring is None:
            return 0
        values["geom"] = func.ST_GeomFromWKB(shapely.to_wkb(as_multi(plane.to_degrees(ring))), WGS84)
    if area.level == AreaLevel.district and values["crs_epsg"] is None:
        sheet.gathering.refuse(area.row, "district_without_place", detail=area.code)
        return 0
    fresh = {name: value for name, value in values.items() if name != "code" and value is not None}
    session.execute(insert(Area).values(values).on_conflict_do_update(index_elements=["code"], set_=fresh))
    return 1


def _plane_above(session: Session, area: AreaRow, planes: dict[str, Plane]) -> Plane | None:
    code = area.parent
    while code is not None and code not in planes:
        code = session.scalar(select(Area.parent_code).where(Area.code == code))
    return None if code is None else planes[code]


def _match_stored(session: Session, sheet: Sheet, area: AreaRow, plane: Plane) -> BaseGeometry | None:
    """The boundary in metres as it is stored; None, and the row refused, where it overlaps a stored district."""
    assert area.shape is not None, "areas without a boundary are not matched"
    ring = plane.to_metres(area.shape)
    if area.level == AreaLevel.district:
        for code, other in _neighbours(session, area):
            beside = plane.to_metres(other)
            ring = shapely.snap(ring, beside, Tolerance().snap_m)
            common = overlap_of(ring, beside)
            if common is not None:
                sheet.gathering.refuse(area.row, "frame_overlaps", detail=code, where=plane.to_degrees(common))
                return None
    ring = densify(ring)
    if not ring.is_valid:
        sheet.gathering.refuse(area.row, "invalid_geometry", detail=area.code, where=area.shape)
        return None
    return ring


def _neighbours(session: Session, area: AreaRow) -> list[tuple[str, BaseGeometry]]:
    assert area.shape is not None, "only a boundary has neighbours"
    west, south, east, north = area.shape.bounds
    box = func.ST_MakeEnvelope(west - _NEAR_DEG, south - _NEAR_DEG, east + _NEAR_DEG, north + _NEAR_DEG, WGS84)
    stored = select(Area.code, func.ST_AsBinary(Area.geom)).where(
        Area.level == AreaLevel.district, Area.code != area.code, func.ST_Intersects(Area.geom, box)
    )
    return [(code, shapely.from_wkb(bytes(wkb))) for code, wkb in session.execute(stored.order_by(Area.code))]


def overlap_of(one: BaseGeometry, other: BaseGeometry) -> BaseGeometry | None:
    """The ground in metres that two frames share where it is more than noise (thicker than 1 cm), else None."""
    report = check_polygons(["one", "other"], [one, other], parts_allowed=("one", "other"))
    kinds = ("overlap", "contained", "duplicate")
    places = [d.where for d in report.defects if d.kind in kinds and d.class_ != _NOISE and d.where is not None]
    return shapely.union_all(places) if places else None
