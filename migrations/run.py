"""Bring a database to the newest revision, or ask whether the models still match it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection, Engine, text

from layers.tables import metadata
from migrations.moments import bound_moments, judge_what_is_stored
from migrations.service_role import grant_service

# Two starts at once migrate one after the other: an advisory lock with a number of our own.
MIGRATION_LOCK = 0x57414E4747450002 % 2**63


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the database to the newest revision; a second call changes nothing."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        command.upgrade(_config(connection), "head")
        bound_moments(connection)
        judge_what_is_stored(connection)
        grant_service(connection)


def make_revision(engine: Engine, message: str) -> None:
    """Write a new revision with what the models have and the database lacks; read it before you commit it."""
    with engine.begin() as connection:
        command.revision(_config(connection), message=message, autogenerate=True)


def list_differences(engine: Engine) -> list[object]:
    """What the models and the migrated database disagree about; empty when they match."""
    options = {
        "include_schemas": True,
        "include_name": lambda name, kind, _: kind != "schema" or name in {None, "public", "personal"},
        "include_object": _is_ours,
    }
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, metadata))


def _is_ours(thing: object, name: str, kind: str, reflected: bool, compare_to: object) -> bool:
    if kind == "table" and reflected and compare_to is None and name in {"spatial_ref_sys", "alembic_version"}:
        return False
    return bool(alembic_helpers.include_object(thing, name, kind, reflected, compare_to))
