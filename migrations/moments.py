"""Every moment in the database lies in 1970 to 2100: a constraint on each column of that kind, made after migrations.

By what stands in the catalogue, so that a new table needs to say nothing. `infinity` and years that Python does not
have are refused with the rest: what no process could read back must not get in by any door. Rows of before must not
keep a database from its new revision: they are told of, and processes read them as out of bounds
(`layers.stored_moments`).
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from layers.moments import END, FIRST

log = logging.getLogger("wangge.migrations")
PREFIX = "moment_in_bounds_"
_UNBOUNDED = text("""
    SELECT c.oid::regclass::text AS name, a.attname AS column, t.typname AS kind
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname IN ('public', 'personal')
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type t ON t.oid = a.atttypid AND t.typname IN ('timestamptz', 'tstzrange')
    WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (
        SELECT 1 FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = :prefix || a.attname
    )
    ORDER BY 1, 2
""")


def bound_moments(connection: Connection) -> int:
    """How many columns got their constraint now, rows of before not judged; nothing is read but the catalogue."""
    columns = connection.execute(_UNBOUNDED, {"prefix": PREFIX}).all()
    for name, column, kind in columns:
        check = _check(connection.dialect.identifier_preparer.quote(column), kind)
        connection.execute(text(f'ALTER TABLE {name} ADD CONSTRAINT "{PREFIX}{column}" CHECK ({check}) NOT VALID'))
    return len(columns)


def _check(column: str, kind: str) -> str:
    first, end = f"'{FIRST.isoformat()}'", f"'{END.isoformat()}'"
    if kind == "timestamptz":
        return f"{column} >= {first} AND {column} < {end}"
    # An open end is no moment; `upper` of one is null, which a check lets pass.
    return f"coalesce(lower({column}) >= {first}, true) AND coalesce(upper({column}) <= {end}, true)"


_UNJUDGED = text("""
    SELECT conrelid::regclass::text AS name, conname AS constraint FROM pg_constraint
    WHERE contype = 'c' AND NOT convalidated ORDER BY 1, 2
""")


def judge_what_is_stored(connection: Connection) -> list[tuple[str, str]]:
    """The tables that hold rows which their new constraints would refuse, with the constraint's name."""
    broken = []
    for name, constraint in connection.execute(_UNJUDGED).all():
        try:
            with connection.begin_nested():
                connection.execute(text(f'ALTER TABLE {name} VALIDATE CONSTRAINT "{constraint}"'))
        except IntegrityError:
            log.warning("%s holds rows that %s would refuse: look at them by hand", name, constraint)
            broken.append((name, constraint))
    return broken
