"""Workers, shifts, households and devices: tables of people and things in homes, small enough for row by row."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import shapely
from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import Range, insert
from sqlalchemy.orm import Session

from layers.access import Actor, require_area
from layers.assignments import Assignment
from layers.buildings import Building
from layers.db import WGS84
from layers.devices import Device
from layers.grids import Grid
from layers.households import Household
from layers.importing import bulk, placing
from layers.importing.reading import Sheet, parse_rows
from layers.importing.report import ImportReport
from layers.importing.values import Unreadable, read_one_of, read_whole, require_text
from layers.importing.words import HOUSEHOLD_CLASSES, WORKER_ROLES
from layers.plans import Plan, is_in_force_now
from layers.shifts import Shift
from layers.workers import Worker

_CLASS_MARKS = ";,，、|"


def store_workers(session: Session, sheet: Sheet, *, by: Actor) -> ImportReport:
    """The report of workers, added or written over those of the same staff number.

    A worker with a grid gets the charge of it from now on, unless that charge is there already; a position is the home
    point that stands in for a stale fix ([D2]).
    """
    _refuse_faults(sheet)
    before = set(session.scalars(select(Worker.number)))
    grids = set(session.scalars(select(Grid.code).join(Plan, Plan.id == Grid.plan_id).where(is_in_force_now())))
    seen: set[str] = set()

    def worker(row: int) -> dict[str, Any]:
        number = _mark_seen(require_text(sheet.text("number", row), "number"), seen)
        area = require_text(sheet.text("area", row) or sheet.options.district, "area")
        require_area(by, area)
        grid = sheet.text("grid", row)
        if grid is not None and grid not in grids:
            raise Unreadable("no_such_grid", grid)
        return {
            "number": number,
            "name": require_text(sheet.text("name", row), "name"),
            "role": read_one_of(sheet.text("role", row), WORKER_ROLES, default="grid_worker"),
            "area": area,
            "phone": sheet.text("phone", row),
            "unit_code": sheet.text("unit_code", row),
            "home": _point(sheet, row),
            "grid": grid,
        }

    stored = [values for _, values in parse_rows(sheet, worker)]
    for values in stored:
        _store_worker(session, values)
    changed = sum(values["number"] in before for values in stored)
    return sheet.gathering.report(read=len(sheet), stored=len(stored), changed=changed)


def _store_worker(session: Session, values: dict[str, Any]) -> None:
    grid = values.pop("grid")
    told = {name: value for name, value in values.items() if value is not None and name != "number"}
    statement = insert(Worker).values(values).on_conflict_do_update(index_elements=["number"], set_=told)
    worker_id = session.scalar(statement.returning(Worker.id))
    if grid is None or worker_id is None:
        return
    held = select(Assignment.id).where(
        Assignment.worker_id == worker_id, Assignment.grid_code == grid, Assignment.span.contains(func.now())
    )
    if session.scalar(held) is None:
        now = session.scalar(select(func.now()))
        session.add(Assignment(worker_id=worker_id, grid_code=grid, role=values["role"], span=Range(now, None)))


def store_shifts(session: Session, sheet: Sheet, *, by: Actor) -> ImportReport:
    """The report of shifts [start, end); one that is there already is counted as changed and not doubled."""
    known = select(Worker.number, Worker.id, Worker.area)
    workers = {number: (key, area) for number, key, area in session.execute(known)}

    def shift(row: int) -> tuple[int, datetime, datetime]:
        number = sheet.value("worker", row)
        start, end = sheet.value("start", row), sheet.value("end", row)
        if number not in workers:
            raise Unreadable("no_such_worker", number)
        require_area(by, workers[number][1])
        if not start < end or (end - start).total_seconds() > 48 * 3600:
            raise Unreadable("shift_out_of_range", f"{start} {end}")
        return workers[number][0], start, end

    wanted = dict.fromkeys(values for _, values in parse_rows(sheet, shift))
    lower, upper = func.lower(Shift.span), func.upper(Shift.span)
    there = {tuple(row) for row in session.execute(select(Shift.worker_id, lower, upper))}
    new = [key for key in wanted if key not in there]
    session.add_all(Shift(worker_id=key, span=Range(start, end)) for key, start, end in new)
    session.flush()
    return sheet.gathering.report(read=len(sheet), stored=len(wanted), changed=len(wanted) - len(new))


def store_households(session: Session, sheet: Sheet, *, by: Actor) -> ImportReport:
    """The report of households, found again by building, stairwell and room; the buildings' counts follow."""
    buildings = _Buildings(session, by)
    seen: set[tuple[int, int, str]] = set()

    def household(row: int) -> tuple[tuple[int, int, str], dict[str, Any]]:
        building = buildings.id_of(require_text(sheet.text("building", row), "building"))
        key = (building, read_whole(sheet.text("unit", row), least=1, most=200) or 1, sheet.text("room", row) or "")
        if key in seen and key[2]:
            raise Unreadable("duplicate_id", key[2])
        seen.add(key)
        members = read_whole(sheet.text("members", row), most=100)
        return key, {"classes": _classes(sheet.text("classes", row)), "members": 1 if members is None else members}

    rows = [values for _, values in parse_rows(sheet, household)]
    changed = 0
    for key, values in rows:
        changed += _store_household(session, key, values)
    _recount(session, {key[0] for key, _ in rows})
    return sheet.gathering.report(read=len(sheet), stored=len(rows), changed=changed)


def _store_household(session: Session, key: tuple[int, int, str], values: dict[str, Any]) -> int:
    """1 when the household was there before, else 0; one without a room number is always a new one."""
    building_id, unit, room = key
    same = tuple_(Household.building_id, Household.unit, Household.room) == tuple_(building_id, unit, room)
    if room and session.execute(update(Household).where(same).values(values).returning(Household.id)).first():
        return 1
    session.add(Household(building_id=building_id, unit=unit, room=room, **values))
    session.flush()
    return 0


def _recount(session: Session, buildings: set[int]) -> None:
    count = select(func.count(Household.id)).where(Household.building_id == Building.id).scalar_subquery()
    session.execute(update(Building).where(Building.id.in_(buildings)).values(households=count))


def _classes(text: str | None) -> list[str]:
    for mark in _CLASS_MARKS:
        text = None if text is None else text.replace(mark, " ")
    words = [] if text is None else text.split()
    return sorted({read_one_of(word, HOUSEHOLD_CLASSES, default="resident") for word in words})


def store_devices(session: Session, sheet: Sheet, *, by: Actor) -> ImportReport:
    """The report of devices, added or written over those of the same serial number, each with its grid as of now.

    A device without a position of its own stands at the inner point of its building.
    """
    _refuse_faults(sheet, but=("no_geometry",))
    buildings = _Buildings(session, by)
    seen: set[str] = set()

    def device(row: int) -> tuple[Any, ...]:
        serial = _mark_seen(sheet.value("serial", row), seen)
        told = sheet.text("building", row)
        building = None if told is None else buildings.id_of(told)
        shape = sheet.shape(row) or (None if building is None else buildings.point_of(building))
        if shape is None:
            raise Unreadable("no_geometry", serial)
        words = (sheet.value(field, row) for field in ("kind", "state"))
        return (row, serial, *words, building, sheet.value("checked_at", row), bulk.to_hex(shape), None)

    columns = ["serial", "kind", "state", "building_id", "checked_at", "geom", "grid_code"]
    with bulk.stage(session, Device, columns) as table:
        bulk.fill(session, table, (values for _, values in parse_rows(sheet, device)))
        found = placing.owner_columns(table, district=sheet.options.district)
        places = select(table.c[bulk.ROW], found["grid_code"].label("grid")).select_from(found["from"]).subquery()
        same = table.c[bulk.ROW] == places.c[bulk.ROW]
        session.execute(update(table).values(grid_code=places.c.grid).where(same))
        for code in session.scalars(select(table.c.grid_code).distinct()):
            require_area(by, code)
        written = bulk.upsert(session, Device, table, keys=("serial",))
    return sheet.gathering.report(read=len(sheet), stored=written.stored, changed=written.changed)


class _Buildings:
    """Buildings by the id that foreign systems know them by, within the area of who imports."""

    def __init__(self, session: Session, by: Actor) -> None:
        self._session = session
        self._by = by
        self._ids: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._areas: dict[str, str | None] = {}
        known = select(Building.external_id, Building.id, Building.district)
        for told, key, district in session.execute(known.where(Building.external_id.is_not(None))):
            assert told is not None, "the statement leaves them out"
            self._ids[told] = key
            self._areas[told] = district
            self._counts[told] += 1

    def id_of(self, told: str) -> int:
        """The building; raises Unreadable where there is none or where two files use the same id."""
        if told not in self._ids:
            raise Unreadable("no_such_building", told)
        if self._counts[told] > 1:
            raise Unreadable("ambiguous_building", told)
        require_area(self._by, self._areas[told])
        return self._ids[told]

    def point_of(self, building: int) -> shapely.Point | None:
        """The inner point of a building."""
        wkb = self._session.scalar(select(func.ST_AsBinary(Building.inner_point)).where(Building.id == building))
        return None if wkb is None else shapely.from_wkb(bytes(wkb))  # type: ignore[return-value]


def _refuse_faults(sheet: Sheet, *, but: tuple[str, ...] = ()) -> None:
    for fault in sheet.columns.table.faults.values():
        if fault.code not in but:
            sheet.gathering.refuse(fault.row, fault.code, detail=fault.reason, where=fault.where)


def _point(sheet: Sheet, row: int) -> Any:
    shape = sheet.shape(row)
    if shape is None:
        return None
    if not isinstance(shape, shapely.Point):
        raise Unreadable("wrong_geometry_type", shape.geom_type)
    return func.ST_SetSRID(func.ST_MakePoint(shape.x, shape.y), WGS84)


def _mark_seen(told: str, seen: set[str]) -> str:
    if told in seen:
        raise Unreadable("duplicate_id", told)
    seen.add(told)
    return told
