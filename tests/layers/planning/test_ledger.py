"""An edit is written into four books at once: for undo, for the city, for those who look on, and on the plan itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import shapely
from sqlalchemy import Engine, event, select

from layers import planning
from layers.chronicle import PlanEvent
from layers.db import transaction
from layers.history import HistoryEntry
from layers.planning.edits import operations
from layers.plans import Plan, PlanEdit
from tests.city import synthetic_city
from tests.drafts import DRAFTS, DRAWER, add_buildings, add_draft
from tests.racing import free_places

CITY = synthetic_city(9, sub_grids=(1,), seed=2)


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """What is sent to the database within the block."""
    seen: list[str] = []

    def note(*sent: object) -> None:
        seen.append(str(sent[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def pushed(place: tuple[float, float]) -> operations.MoveVertex:
    lon, lat = place
    return operations.MoveVertex(at=place, to=(round(lon + 1e-6, 9), lat))


def test_every_change_of_a_draft_stands_in_all_books_under_one_version(engine: Engine) -> None:
    with transaction(engine) as session:
        plan_id = add_draft(session, CITY).id
    rename = operations.SetAttributes(code=CITY.codes[0], values={"name": "甲"})
    with transaction(engine) as session:
        planning.edit(session, DRAFTS, plan_id, rename, version=1, by=DRAWER)
    with transaction(engine) as session:
        planning.undo(session, DRAFTS, plan_id, version=2, by=DRAWER)
    with transaction(engine) as session:
        planning.redo(session, DRAFTS, plan_id, version=3, by=DRAWER)
    with transaction(engine) as session:
        plan = session.get_one(Plan, plan_id)
        assert plan.version == 4 and plan.report is not None and plan.report["version"] == 4
        told = select(PlanEvent.version, PlanEvent.action, PlanEvent.op).where(PlanEvent.plan_id == plan_id)
        assert [tuple(row) for row in session.execute(told.order_by(PlanEvent.version))] == [
            (2, "edit", "set"),
            (3, "undo", "set"),
            (4, "redo", "set"),
        ]
        noted = select(HistoryEntry.action).where(HistoryEntry.subject == f"plan:{plan_id}").order_by(HistoryEntry.id)
        assert list(session.scalars(noted))[-3:] == ["plan.edit", "plan.undo", "plan.redo"]
        kept = select(PlanEdit.seq, PlanEdit.version, PlanEdit.undone).where(PlanEdit.plan_id == plan_id)
        assert [tuple(row) for row in session.execute(kept)] == [(1, 4, False)]


def test_an_edit_goes_to_the_database_six_times(engine: Engine) -> None:
    """The plan's lock, the buildings, the moved households, the rows before, the rows after, the books."""
    with transaction(engine) as session:
        plan_id = add_draft(session, CITY).id
        add_buildings(session, CITY, number=60)
    places = free_places(CITY, 2)
    with transaction(engine) as session:
        planning.edit(session, DRAFTS, plan_id, pushed(places[0]), version=1, by=DRAWER)
    with transaction(engine) as session, statements(engine) as seen:
        done = planning.edit(session, DRAFTS, plan_id, pushed(places[1]), version=2, by=DRAWER)
        assert len(seen) == 6, seen
    assert len(done.changed) == 2
    assert all(shapely.from_wkb(wkb).is_valid for _, wkb in done.changed)
