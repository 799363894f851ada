"""Layers that their spec tells wholly: shapes with a few words, written in bulk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from layers.areas import Area
from layers.importing import bulk
from layers.importing.reading import Identities, Sheet, as_multi, parse_rows, refuse_faulty
from layers.importing.report import ImportReport
from layers.importing.values import Unreadable, require_text
from layers.registry import get_spec

_Start = Callable[[int], tuple[Any, ...]]


def store_plain(session: Session, sheet: Sheet) -> ImportReport:
    """The report of the rows of a layer, added or written over those of the same key.

    The district of a row is the one that its code begins with, else the one asked for, else the smallest code of those
    whose boundary covers the row's inner point. Invalid shapes are refused, never mended. What the file says nothing of
    stays as it is known. About 6 s for 50,000 buildings.
    """
    layer, model = sheet.layer, get_spec(sheet.gathering.layer).table
    refuse_faulty(sheet, kinds=layer.shapes)
    fields = [field.name for field in layer.fields if field.stored]
    start = _start_coded(sheet) if layer.district_digits else _start_identified(sheet, fields)
    places = ["geom", *(["inner_point"] if "inner_point" in model.__table__.c else [])]
    begin = ["district"] if layer.district_digits else ["source", "external_id", "district"]

    def copy_row(row: int) -> tuple[Any, ...]:
        shape = sheet.shape(row)
        assert shape is not None, "rows without a shape were refused"
        stored = [as_multi(shape), *([find_inner_point(shape)] if len(places) > 1 else [])]
        values = (sheet.value(field, row) for field in fields)
        return (row, *start(row), *values, *(bulk.to_hex(one) for one in stored))

    with bulk.stage(session, model, [*begin, *fields, *places]) as table:
        bulk.fill(session, table, (values for _, values in parse_rows(sheet, copy_row)))
        for row, reason in bulk.take_invalid(session, table):
            sheet.gathering.refuse(row, "invalid_geometry", detail=reason, where=sheet.shape(row))
        if sheet.options.district is None and not layer.district_digits:
            _find_districts(session, table)
        sheet.progress("storing", 1.0)
        unsaid = {field for field in fields if not sheet.says(field)}
        written = bulk.upsert(session, model, table, keys=layer.key, kept=unsaid)
    return sheet.gathering.report(read=len(sheet), stored=written.stored, changed=written.changed)


def find_inner_point(shape: Any) -> shapely.Point:
    """The point by which a building belongs to a grid ([S7]), rounded as all positions are stored."""
    point = shapely.point_on_surface(shape)
    return shapely.Point(np.round([point.x, point.y], 9))


def _start_identified(sheet: Sheet, fields: list[str]) -> _Start:
    """Source, id and district of a row that other systems know by an id, or nobody does."""
    identities = Identities(sheet, *fields)
    return lambda row: (sheet.source, identities.get(row), sheet.options.district)


def _start_coded(sheet: Sheet) -> _Start:
    """The district of a row whose code begins with it; one of another district than the one asked for is refused."""
    asked, digits, seen = sheet.options.district, sheet.layer.district_digits, set[str]()

    def start(row: int) -> tuple[Any, ...]:
        code = require_text(sheet.value("code", row), "code")
        if asked is not None and code[:digits] != asked:
            raise Unreadable("code_of_another_district", code)
        if code in seen:
            raise Unreadable("duplicate_code", code)
        seen.add(code)
        return (code[:digits],)

    return start


def _find_districts(session: Session, table: Table) -> None:
    inner = func.ST_PointOnSurface(table.c.geom)
    holding = (
        select(func.min(Area.code))
        .where(Area.level == "district", Area.geom.is_not(None), func.ST_Covers(Area.geom, inner))
        .scalar_subquery()
    )
    session.execute(update(table).values(district=holding))
