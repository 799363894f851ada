"""Migrations and models say the same."""

from __future__ import annotations

import pytest
from alembic import command
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from migrations import run


def test_the_migrated_database_is_what_the_models_say(engine: Engine) -> None:
    assert run.list_differences(engine) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    run.upgrade(engine)
    assert run.list_differences(engine) == []


def test_two_plans_of_one_district_are_never_in_force_at_one_moment(engine: Engine) -> None:
    plan = (
        "INSERT INTO plans (district, state, plan_version, created_by, in_force) "
        "VALUES ('1', 'published', {}, 'x', '{}')"
    )
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO areas (code, name, level, crs_epsg) VALUES ('1', 'a', 'district', 4548)"))
        connection.execute(text(plan.format(1, "[2026-01-01,2026-02-01)")))
        connection.execute(text(plan.format(2, "[2026-02-01,)")))
    with pytest.raises(IntegrityError, match="one_plan_in_force"), engine.begin() as connection:
        connection.execute(text(plan.format(3, "[2026-03-01,2026-04-01)")))


@pytest.mark.parametrize("change", ["UPDATE history SET action = 'x'", "DELETE FROM history", "TRUNCATE history"])
def test_history_cannot_be_changed(engine: Engine, change: str) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO history (actor, role, action, subject, details) VALUES ('a', 'admin', 'b', 'c', '{}')")
        )
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(change))


@pytest.mark.parametrize(
    ("geometry", "constraint"),
    [
        ("POLYGON((0 0,1 0,1 1,0 0))", "type"),
        ("MULTIPOLYGON(((0 0,1 1,1 0,0 1,0 0)))", "geom_is_valid"),
    ],
)
def test_a_grid_must_be_a_valid_multipolygon(engine: Engine, geometry: str, constraint: str) -> None:
    with pytest.raises(DBAPIError, match=constraint), engine.begin() as connection:
        connection.execute(text("INSERT INTO areas (code, name, level, crs_epsg) VALUES ('1', 'a', 'district', 4548)"))
        plan = connection.execute(
            text("INSERT INTO plans (district, state, created_by) VALUES ('1', 'draft', 'x') RETURNING id")
        ).scalar_one()
        connection.execute(
            text(
                "INSERT INTO grids (plan_id, code, level, name, geom) "
                "VALUES (:plan, '1-1', 'grid', 'g', ST_GeomFromText(:geometry, 4326))"
            ),
            {"plan": plan, "geometry": geometry},
        )


def test_minutes_that_were_set_become_hours_of_day_and_night_and_running_deadlines_stay(engine: Engine) -> None:
    with engine.begin() as connection:
        command.downgrade(run._config(connection), "0018")
        connection.execute(text("INSERT INTO categories (code, name) VALUES ('x', 'x')"))
        connection.execute(text("INSERT INTO category_clocks VALUES ('x', 'grid', 'accept', 30)"))
        connection.execute(
            text(
                "INSERT INTO incidents (state, category, occurred_at, reported_at, due_at, geom, raw_lon, raw_lat) "
                "SELECT 'dispatched', 'x', at, at, at + interval '30 minutes', "
                "ST_SetSRID(ST_MakePoint(118, 39), 4326), 118, 39 "
                "FROM (VALUES (timestamptz '2026-11-30 08:00+08')) AS reported (at)"
            )
        )
    run.upgrade(engine)
    with engine.begin() as connection:
        clock = connection.execute(text("SELECT amount, kind FROM category_clocks WHERE category = 'x'")).one()
        spans = "due_at - reported_at, yellow_at - reported_at, late_thrice_at - reported_at"
        told = connection.execute(text(f"SELECT {spans}, clock FROM incidents")).one()
    assert tuple(clock) == (0.5, "urgent_hours")
    assert [span.total_seconds() / 60 for span in told[:3]] == [30, 24, 90]
    assert (told[3]["step"], told[3]["amount"], told[3]["kind"]) == ("accept", 0.5, "urgent_hours")
