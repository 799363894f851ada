"""One stored value that Python cannot hold stops nothing: the database refuses it; where it stands it is read past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from starlette.testclient import TestClient

from layers.access import add_key
from layers.db import transaction
from layers.locating.atlas import Term
from layers.locating.loading import leave_out
from tests.gis_api.conftest import AREA, ClientAs
from tests.gis_api.duty import put_on_duty, report
from tests.gis_api.test_replicas import publish_again
from tests.small_city import SmallCity
from tests.waiting import until

WRITES = (
    "UPDATE positions SET fixed_at = '0001-01-01 00:00:00+00 BC'",
    "UPDATE positions SET fixed_at = 'infinity'",
    "UPDATE positions SET fixed_at = received_at + interval '2 days'",
    "UPDATE incidents SET reported_at = '10000-01-01 00:00:00+00'",
    "UPDATE incidents SET occurred_at = '-infinity', due_at = 'infinity'",
    "UPDATE incidents SET due_at = '2101-01-01 00:00:00+00'",
    "UPDATE shifts SET span = tstzrange('10000-01-01 00:00:00+00', '10000-01-01 08:00:00+00')",
    "UPDATE assignments SET span = tstzrange(lower(span), '10000-01-01 00:00:00+00')",
    "UPDATE assignments SET span = tstzrange('-infinity', 'infinity')",
    "UPDATE workers SET last_assigned_at = '10000-01-01 00:00:00+00'",
    "UPDATE keys SET created_at = '10000-01-01 00:00:00+00'",
    "UPDATE users SET created_at = 'infinity'",
    "UPDATE publications SET effective_at = '10000-01-01 00:00:00+00'",
    "UPDATE publications SET effective_at = at + interval '3 years'",
    "UPDATE plans SET published_at = '10000-01-01 00:00:00+00', updated_at = 'infinity'",
    "UPDATE plans SET in_force = tstzrange(lower(in_force), '10000-01-01 00:00:00+00')",
)

CONSTRAINTS = """
    SELECT conrelid::regclass, conname FROM pg_constraint WHERE conname ~ '^moment_in|_within_two|_before_it'
"""


@pytest.fixture
def filled(client_as: ClientAs, engine: Engine, app: FastAPI, small_city: SmallCity) -> TestClient:
    """A desk, with people on duty and an incident in the database."""
    put_on_duty(engine)
    app.state.replicas.refresh()
    desk = client_as("admin")
    assert report(desk, small_city.inside(small_city.codes[0])).status_code == 201
    return desk


def test_the_database_refuses_each_of_them(filled: TestClient, engine: Engine) -> None:
    for write in WRITES:
        with pytest.raises(IntegrityError), transaction(engine) as session:
            assert session.execute(text(write)).rowcount > 0, write  # type: ignore[attr-defined]
            pytest.fail(f"the database took {write}")


def test_every_column_of_moments_is_bounded_in_the_database(engine: Engine) -> None:
    with engine.connect() as connection:
        unbounded = connection.execute(
            text("""
                SELECT table_schema, table_name, column_name FROM information_schema.columns c
                WHERE udt_name IN ('timestamptz', 'timestamp', 'tstzrange') AND table_schema IN ('public', 'personal')
                AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conname = 'moment_in_bounds_' || column_name
                    AND k.conrelid = format('%I.%I', table_schema, table_name)::regclass AND k.convalidated)
            """)
        ).all()
    assert unbounded == []


def test_rows_that_stand_there_all_the_same_stop_no_process(
    filled: TestClient, anybody: TestClient, engine: Engine, app: FastAPI, small_city: SmallCity
) -> None:
    with transaction(engine) as session:
        for name, constraint in session.execute(text(CONSTRAINTS)).all():
            session.execute(text(f'ALTER TABLE {name} DROP CONSTRAINT "{constraint}"'))
        for write in WRITES:
            if not write.startswith(("UPDATE shifts", "UPDATE plans SET in_force")):
                session.execute(text(write))
    lon, lat = small_city.inside(small_city.codes[0])
    app.state.replicas.refresh()
    for path in (
        *("/plans", "/incidents", "/incidents?changed_since=2020-01-01T00:00:00Z", "/workers", "/assignments"),
        *("/users", "/keys", "/on-duty", f"/locate?lon={lon}&lat={lat}", f"/workers/nearest?lon={lon}&lat={lat}"),
        *("/figures", "/heat", "/history"),
    ):
        assert filled.get(f"/api/v1{path}").status_code == 200, path
    assert filled.get("/api/v1/incidents").json()["incidents"] != []
    with transaction(engine) as session:
        token = add_key(session, "late", role="dispatcher", area=AREA, datum="wgs84")
    headers = {"authorization": f"Bearer {token}"}
    address = f"/api/v1/locate?lon={lon!r}&lat={lat!r}"
    until(lambda: anybody.get(address, headers=headers).status_code == 200, most_s=5.0)
    assert anybody.get(address, headers=headers).json()["stale"] is False
    (told,) = [line for line in anybody.get("/metrics").text.splitlines() if '{what="moment"}' in line]
    assert int(told.split()[1]) > 0


def test_a_row_that_is_read_past_is_named_until_it_is_mended(
    filled: TestClient, anybody: TestClient, engine: Engine, app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with transaction(engine) as session:
        session.execute(text('ALTER TABLE incidents DROP CONSTRAINT "moment_in_bounds_reported_at"'))
        session.execute(text('ALTER TABLE users DROP CONSTRAINT "moment_in_bounds_created_at"'))
        session.execute(text("UPDATE incidents SET reported_at = '10000-01-01 00:00:00+00'"))
        session.execute(text("UPDATE users SET created_at = '10000-01-01 00:00:00+00' WHERE name = 'planner'"))
        (incident,) = session.execute(text("SELECT id FROM incidents")).scalars()
    assert filled.get("/api/v1/incidents").status_code == 200
    app.state.replicas.refresh()
    until(lambda: anybody.get("/readyz").json()["unreadable"] == {"incidents": 1, "users": 1}, most_s=20.0)
    told = anybody.get("/metrics").text
    assert f'wangge_unreadable_row{{table="incidents",row="{incident}",column="reported_at"}} 1' in told
    assert 'wangge_unreadable_row{table="users",row="-",column="created_at"} 1' in told
    assert f"table incidents, row {incident}, column reported_at" in caplog.text
    assert "table users, row planner, column created_at" in caplog.text
    with transaction(engine) as session:
        session.execute(text("UPDATE incidents SET reported_at = now()"))
        session.execute(text("UPDATE users SET created_at = now()"))
    app.state.replicas._named_s = -1e9  # a minute later
    app.state.replicas.refresh()
    until(lambda: anybody.get("/readyz").json()["unreadable"] == {}, most_s=20.0)


def test_a_roster_that_cannot_be_read_keeps_neither_plans_nor_keys_waiting(
    filled: TestClient, anybody: TestClient, engine: Engine, small_city: SmallCity
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    address = f"/api/v1/locate?lon={lon!r}&lat={lat!r}"
    with transaction(engine) as session:
        # There is no such CRS, so that no metres of this city can be worked out.
        session.execute(text("UPDATE areas SET crs_epsg = 1 WHERE level = 'district'"))
    publish_again(engine, small_city, at=datetime.now(UTC) - timedelta(seconds=1))
    with transaction(engine) as session:
        token = add_key(session, "late", role="dispatcher", area=AREA, datum="wgs84")
    headers = {"authorization": f"Bearer {token}"}
    until(lambda: anybody.get(address, headers=headers).status_code == 200, most_s=5.0)
    until(lambda: 'wangge_unreadable{what="roster"} 1' in anybody.get("/metrics").text, most_s=5.0)
    told = anybody.get(address, headers=headers).json()
    assert (told["plan_version"], told["stale"], told["grid"] is None) == (2, False, False)


def test_the_plan_before_an_unreadable_one_goes_on_in_its_place() -> None:
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 5)]
    terms = tuple(Term(number, AREA, number, *days[number - 1 : number + 1]) for number in (1, 2, 3))
    other = Term(9, "130999", 1, days[0], days[3])
    kept = leave_out((*terms, other), (2, 9))
    assert [(term.plan_id, term.since, term.until) for term in kept] == [(1, days[0], days[2]), (3, days[2], days[3])]
