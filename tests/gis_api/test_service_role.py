"""The service works as a role that owns no table: it cannot switch off what guards the history ([A4])."""

from __future__ import annotations

import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import ProgrammingError

from layers.db import make_service_engine, transaction
from layers.service_role import SERVICE
from migrations.cluster import Cluster
from tests.gis_api.conftest import ClientAs

FORBIDDEN = (
    "ALTER TABLE history DISABLE TRIGGER append_only",
    "ALTER TABLE history DISABLE TRIGGER USER",
    "SET session_replication_role = replica",
    "DROP TRIGGER append_only ON history",
    "DROP TABLE history",
    "TRUNCATE history",
    "DELETE FROM history",
    "UPDATE history SET actor = 'nobody'",
    "UPDATE history SET area = ''",
    "DELETE FROM history_head",
    "INSERT INTO history_marks VALUES (1, '')",
    "UPDATE history_marks SET sha256 = ''",
    "CREATE OR REPLACE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "DELETE FROM releases",
    "UPDATE alembic_version SET version_num = '0001'",
    "ALTER ROLE wangge_service SUPERUSER",
)


@pytest.fixture
def written(client_as: ClientAs) -> None:
    """A line in the history."""
    told = client_as("admin").post("/api/v1/keys", json={"name": "k", "role": "leader", "area": "130273"})
    assert told.status_code == 201


def test_the_service_may_not_touch_what_guards_the_history(app: FastAPI, written: None) -> None:
    with transaction(app.state.engine) as session:
        assert session.scalar(text("SELECT current_user")) == SERVICE
    for statement in FORBIDDEN:
        with pytest.raises(ProgrammingError) as refused, transaction(app.state.engine) as session:
            session.execute(text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege), statement


def test_signed_in_as_the_role_there_is_no_way_back_to_the_owner(cluster: Cluster, database_url: str) -> None:
    name = make_url(database_url).database
    assert name is not None
    engine = make_service_engine(cluster.url(name, user=SERVICE))
    with engine.connect() as connection:
        connection.execute(text("RESET ROLE"))
        assert connection.execute(text("SELECT session_user, current_user")).one() == (SERVICE, SERVICE)
    with pytest.raises(ProgrammingError), engine.begin() as connection:
        connection.execute(text("SET ROLE wangge"))
    engine.dispose()


def test_the_private_service_signs_in_as_the_role(app: FastAPI) -> None:
    private = app.state.settings.model_copy(update={"database_url": None})
    assert make_url(private.service_url()).username == SERVICE
    assert make_url(private.url()).username == "wangge"


def test_who_may_not_be_the_role_goes_on_as_before(cluster: Cluster, database_url: str, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE ROLE somebody LOGIN"))
    try:
        name = make_url(database_url).database
        assert name is not None
        other = make_service_engine(cluster.url(name, user="somebody"))
        with other.connect() as connection:
            assert connection.scalar(text("SELECT current_user")) == "somebody"
        other.dispose()
    finally:
        with engine.begin() as connection:
            connection.execute(text("DROP ROLE somebody"))
