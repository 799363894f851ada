"""A new version of the sheet, whole: earlier ones stay for the cases that were opened under them."""

from __future__ import annotations

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.db import table_of
from layers.history import note
from layers.standards.reads import get_last_version, get_standard
from layers.standards.sheet import StandardSheet
from layers.standards.table import Standard, StandardCondition, StandardSubClass


def put_sheet(session: Session, sheet: StandardSheet, *, remark: str = "", by: Actor) -> Standard:
    """The stored version with its number; it counts for every case that is given a condition from now on."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("standards"))))
    version = get_last_version(session) + 1
    counts = {"sub_classes": len(sheet.sub_classes), "conditions": sheet.count}
    session.execute(insert(table_of(Standard)).values(version=version, note=remark, by=by.name, **counts))
    session.execute(insert(table_of(StandardSubClass)), _sub_classes(sheet, version))
    session.execute(insert(table_of(StandardCondition)), _conditions(sheet, version))
    note(session, "standard.put", subject=str(version), area=by.area, by=by, version=version, **counts)
    session.flush()
    return get_standard(session, version)


def _sub_classes(sheet: StandardSheet, version: int) -> list[dict[str, object]]:
    names = ("code", "kind", "class_name", "name", "supervising", "responsible", "basis")
    return [
        {name: getattr(one, name) for name in names} | {"version": version, "position": position}
        for position, one in enumerate(sheet.sub_classes)
    ]


def _conditions(sheet: StandardSheet, version: int) -> list[dict[str, object]]:
    rows = [
        {"sub_class": one.code, "code": condition.code, "case": condition.case, "closes": condition.closes}
        | {"amount": condition.limit.amount, "kind": str(condition.limit.kind)}
        for one in sheet.sub_classes
        for condition in one.conditions
    ]
    return [row | {"version": version, "position": position} for position, row in enumerate(rows)]
