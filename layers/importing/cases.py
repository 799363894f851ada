"""Hazards and incidents: points with a category and times; their grid is found at once, so heat never joins."""

from __future__ import annotations

from collections import Counter
from typing import Any

import shapely
from sqlalchemy import Table, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.access import Actor
from layers.categories import ensure_defaults, list_categories
from layers.ground.components import Component
from layers.hazards import Hazard
from layers.importing import bulk, placing
from layers.importing.reading import Identities, Sheet, parse_rows, refuse_faulty
from layers.importing.report import ImportReport
from layers.importing.values import Unreadable, read_one_of
from layers.importing.words import CHANNELS, INCIDENT_STATES, OTHER, URGENCIES, Categories
from layers.incidents import Incident, IncidentStep, is_living
from tiling import datums

KEYS = ("source", "external_id")
PLACE = ("district", "grid_code", "sub_grid_code", "current_code", "plan_version")
HAZARD = (
    "source", "external_id", "category", "state", "severity", "description", "found_at", "rectified_at",
    "component_code", "geom", "raw_lon", "raw_lat", "datum",
)  # fmt: skip
INCIDENT = (
    "source", "external_id", "category", "state", "urgency", "description", "channel", "occurred_at", "reported_at",
    "closed_at", "geom", "raw_lon", "raw_lat", "datum",
)  # fmt: skip
# What an incident that is known here keeps, whatever the other system says.
OURS = ("state", "urgency", "channel", "reported_at", "geom", "raw_lon", "raw_lat", "datum", "relation")
# How many foreign words for categories are named in a remark.
MOST_WORDS = 12


def store_hazards(session: Session, sheet: Sheet) -> ImportReport:
    """The report of hazards, added or written over those of the same source and id, each with its grid as of now."""
    refuse_faulty(sheet, kinds=sheet.layer.shapes)
    categories = _categories(session, kind="hazard")
    identities = Identities(sheet, "category", "found_at")
    components = _components(session, sheet)

    def copy_row(row: int) -> tuple[Any, ...]:
        found_at, rectified_at = sheet.value("found_at", row), sheet.value("rectified_at", row)
        if rectified_at and rectified_at < found_at:
            raise Unreadable("closed_before_opened", str(rectified_at))
        state = sheet.value("state", row) or ("rectified" if rectified_at else "found")
        start = (row, sheet.source, identities.get(row), categories.code_of(sheet.text("category", row)), state)
        component = sheet.value("component_code", row)
        if component is not None and component not in components:
            raise Unreadable("no_such_component", component)
        words = (sheet.value("severity", row), _words(sheet, row, categories), found_at, rectified_at, component)
        return (*start, *words, *_position(sheet, row))

    with bulk.stage(session, Hazard, [*HAZARD, *PLACE]) as table:
        _fill(session, sheet, table, copy_row)
        _place(session, table, sheet, names=PLACE)
        unsaid = () if sheet.says("component_code") else ("component_code",)
        written = bulk.upsert(session, Hazard, table, keys=KEYS, kept=unsaid)
    _note_categories(sheet, categories)
    return sheet.gathering.report(read=len(sheet), stored=written.stored, changed=written.changed)


def store_incidents(session: Session, sheet: Sheet, *, by: Actor) -> ImportReport:
    """The report of incidents, with their grid and plan version as of now and one step each that says where from.

    Open cases come in as `reported`: another system's dispatch says nothing about our workers. On a second import a
    case keeps its place, the grid of its acceptance ([P5]) and what was done about it here; its words are written again
    and it is closed when the file says so.
    """
    refuse_faulty(sheet, kinds=sheet.layer.shapes)
    categories = _categories(session, kind="incident")
    identities = Identities(sheet, "category", "occurred_at")

    def copy_row(row: int) -> tuple[Any, ...]:
        occurred_at, closed_at = sheet.value("occurred_at", row), sheet.value("closed_at", row)
        reported_at = sheet.value("reported_at", row) or occurred_at
        if closed_at and closed_at < reported_at:
            raise Unreadable("closed_before_opened", str(closed_at))
        category = categories.code_of(sheet.text("category", row))
        state = read_one_of(sheet.text("state", row), INCIDENT_STATES, default="closed" if closed_at else "reported")
        urgency = read_one_of(sheet.text("urgency", row), URGENCIES, default=categories.urgency.get(category, "normal"))
        channel = read_one_of(sheet.text("channel", row), CHANNELS, default="hotline")
        start = (row, sheet.source, identities.get(row), category, state, urgency, _words(sheet, row, categories))
        return (*start, channel, occurred_at, reported_at, closed_at, *_position(sheet, row))

    with bulk.stage(session, Incident, [*INCIDENT, "relation", *PLACE]) as table:
        _fill(session, sheet, table, copy_row)
        _place(session, table, sheet, names=("relation", *PLACE))
        written = bulk.upsert(session, Incident, table, keys=KEYS, kept=OURS, filled=PLACE)
        _close(session, table)
        _add_first_steps(session, table, by=by)
    _note_categories(sheet, categories)
    return sheet.gathering.report(read=len(sheet), stored=written.stored, changed=written.changed)


def _components(session: Session, sheet: Sheet) -> set[str]:
    """The codes of stored components, where the file names any."""
    named = sheet.says("component_code")
    return set(session.scalars(select(Component.code))) if named else set()


def _categories(session: Session, *, kind: str) -> Categories:
    ensure_defaults(session)
    return Categories(list(list_categories(session)), kind=kind)


def _words(sheet: Sheet, row: int, categories: Categories) -> str:
    """What was said, with the foreign category in front where it is not one of ours: nothing is lost in translation."""
    category, words = sheet.text("category", row), sheet.text("description", row)
    foreign = None if category is None or categories.knows(category) else category
    return ": ".join(filter(None, (foreign, words)))


def _position(sheet: Sheet, row: int) -> tuple[str, float, float, str]:
    point = sheet.shape(row)
    assert isinstance(point, shapely.Point), "rows without a place were refused"
    # A file in a projected CRS has no longitude of its own: its raw position is the one in WGS84.
    datum = sheet.options.datum or "wgs84"
    raw_lon, raw_lat = datums.from_wgs84(point.x, point.y, datum)
    return bulk.to_hex(point), round(raw_lon, 9), round(raw_lat, 9), datum


def _fill(session: Session, sheet: Sheet, table: Table, copied: Any) -> None:
    places = [column.name for column in table.c if column.name in (*PLACE, "relation")]
    empty = tuple("outside" if name == "relation" else None for name in places)
    bulk.fill(session, table, ((*values, *empty) for _, values in parse_rows(sheet, copied)))


def _place(session: Session, table: Table, sheet: Sheet, *, names: tuple[str, ...]) -> None:
    sheet.progress("locating", 1.0)
    found = placing.owner_columns(table, district=sheet.options.district)
    columns = [found[name].label(name) for name in names]
    places = select(table.c[bulk.ROW], found["relation"].label("how"), *columns).select_from(found["from"]).subquery()
    values = {name: places.c[name] for name in names}
    session.execute(update(table).values(values).where(table.c[bulk.ROW] == places.c[bulk.ROW]))
    without = int(session.scalar(select(func.count()).select_from(table).where(table.c.current_code.is_(None))) or 0)
    if without:
        sheet.gathering.note("in_no_grid", count=without)


def _close(session: Session, table: Table) -> None:
    same = (table.c.source == Incident.source) & (table.c.external_id == Incident.external_id)
    open_here = is_living() & (table.c.state == "closed")
    session.execute(update(Incident).where(same, open_here).values(state="closed", waiting_reason=None))


def _add_first_steps(session: Session, table: Table, *, by: Actor) -> None:
    """One step for each incident that has none yet."""
    new = (
        select(Incident.id, literal("report"), literal("reported"), Incident.reported_at, literal(by.name))
        .join(table, (table.c.source == Incident.source) & (table.c.external_id == Incident.external_id))
        .where(~select(IncidentStep.id).where(IncidentStep.incident_id == Incident.id).exists())
    )
    session.execute(insert(IncidentStep).from_select(["incident_id", "step", "state", "at", "by"], new))


def _note_categories(sheet: Sheet, categories: Categories) -> None:
    words = Counter(sheet.text("category", row) for row in sheet.rows() if row not in sheet.gathering.refused)
    foreign = {word: n for word, n in words.items() if word and not categories.knows(word)}
    if foreign:
        sheet.gathering.note("categories_translated", count=sum(foreign.values()), words=len(foreign))
    other = sorted(word for word in foreign if categories.code_of(word) == OTHER)
    if other:
        sheet.gathering.note("categories_other", words=", ".join(other[:MOST_WORDS]))
