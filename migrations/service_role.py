"""The role as which the service works: it reads and writes rows, and owns nothing ([A4]).

Whoever owns a table may switch its triggers off and change what was written for good. Migrations and commands work as
the owner, API and jobs as this role, which is made and given its rights after each migration, tables to come included.
Where the owner may not make roles (a PostgreSQL of somebody else) the service goes on as the owner, and this says so.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from layers.service_role import SERVICE

log = logging.getLogger("wangge.migrations")
SCHEMAS = "public, personal"
_EXISTS = text("SELECT 1 FROM pg_roles WHERE rolname = :role")
# Another database of the same cluster may be migrated at the same moment, and a role belongs to the cluster.
_MAKE = f"""
    DO $$ BEGIN CREATE ROLE {SERVICE} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
"""
_RIGHTS = (
    f"GRANT USAGE ON SCHEMA {SCHEMAS} TO {SERVICE}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMAS} TO {SERVICE}",
    f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {SCHEMAS} TO {SERVICE}",
    f"REVOKE INSERT, UPDATE, DELETE ON alembic_version, spatial_ref_sys FROM {SERVICE}",
    # The sealer moves the head on and drops marks of what it has sealed; it writes no mark.
    f"REVOKE INSERT, UPDATE ON history_marks FROM {SERVICE}",
    f"REVOKE INSERT, DELETE ON history_head FROM {SERVICE}",
)
_APPEND_ONLY = text("""
    SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only' ORDER BY 1
""")
# Whose transaction is the oldest, which the feed of changes waits for, is told of others' sessions only so.
_STATISTICS = f"GRANT pg_read_all_stats TO {SERVICE}"
_HAS_STATISTICS = text("SELECT pg_has_role(:role, 'pg_read_all_stats', 'MEMBER')")


def grant_service(connection: Connection) -> bool:
    """Whether the service has its role with all its rights; a second call changes nothing."""
    if connection.scalar(_EXISTS, {"role": SERVICE}) is None and not _done(connection, _MAKE):
        log.warning("the role %s cannot be made: the service works as the owner of its tables", SERVICE)
        return False
    failed = [right for right in _RIGHTS if not _done(connection, right)]
    for table in connection.scalars(_APPEND_ONLY).all():
        connection.execute(text(f"REVOKE UPDATE, DELETE ON {table} FROM {SERVICE}"))
    # The sealer numbers lines.
    _done(connection, f"GRANT UPDATE (sealed, digest) ON history TO {SERVICE}")
    if not connection.scalar(_HAS_STATISTICS, {"role": SERVICE}):
        failed += [] if _done(connection, _STATISTICS) else [_STATISTICS]
    return not failed


def _done(connection: Connection, statement: str) -> bool:
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement)
    except DBAPIError as error:
        log.warning("%s: %s", " ".join(statement.split())[:80], str(error.orig).splitlines()[0])
        return False
    return True
