"""The door to PostgreSQL: the declarative base, column types, engines and sessions.

Verbs of this package get a session and never commit: whoever opened the transaction closes it.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, cast

import psycopg
from geoalchemy2 import Geometry
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Engine,
    Identity,
    MetaData,
    Table,
    Text,
    and_,
    create_engine,
    event,
    func,
    not_,
    or_,
    text,
)
from sqlalchemy import select as select_of
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from layers.service_role import lower_rights
from layers.stored_moments import read_any_moment

# A request that takes longer has gone wrong; long work (import, demo, publish) asks for more by itself.
STATEMENT_TIMEOUT_MS = 15_000
WGS84 = 4326
PERSONAL = "personal"

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all stored things; its metadata is what migrations are compared with."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


def table_of(model: type[Base]) -> Table:
    """The table itself: a plain insert into it costs a third of one that goes through the model."""
    return cast(Table, model.__table__)


# Codes sort by bytes, whatever the database's locale: the smallest code owns a border, in Python and in SQL alike.
CODE = Text(collation="C")


def code_column(**options: Any) -> Mapped[Any]:
    """A column of codes, sorted by bytes."""
    return mapped_column(CODE, **options)


def id_column() -> Mapped[int]:
    """The primary key of things that people never name."""
    return mapped_column(BigInteger, Identity(), primary_key=True)


def geometry_column(kind: str, *, nullable: bool = False, spatial_index: bool = True) -> Mapped[Any]:
    """A column of geometries of one type in lon/lat, SRID 4326; the type and the SRID are checked by PostGIS."""
    column_type = Geometry(geometry_type=kind, srid=WGS84, spatial_index=spatial_index)
    return mapped_column(column_type, nullable=nullable)


def now_column() -> Mapped[datetime]:
    """The moment at which the row was written, by the database's clock."""
    return mapped_column(DateTime(timezone=True), server_default=func.now())


def make_service_engine(url: str, *, pool_size: int = 10) -> Engine:
    """An engine for API and jobs, whose connections work as the service's role, which owns no table."""
    engine = make_engine(url, pool_size=pool_size)
    event.listen(engine, "connect", lower_rights)
    return engine


def make_engine(url: str, *, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS, pool_size: int = 10) -> Engine:
    """An engine on psycopg 3 whose statements are ended by the server after the time-out (0 = never)."""
    options = f"-c statement_timeout={statement_timeout_ms} -c timezone=UTC -c search_path=public"
    engine = create_engine(
        name_driver(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=3,
        connect_args={"options": options, "connect_timeout": 3},
    )
    event.listen(engine, "connect", read_any_moment)
    event.listen(engine, "checkout", _refuse_dead)
    return engine


def _refuse_dead(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Have a pooled connection replaced whose server went away.

    The usual ping before every transaction costs a round trip. A server that ended, or was ended, has closed its end,
    which shows without asking: there is something to read. Only then it is asked. One that vanished with its machine
    is found by neither; both wait for the time-out.
    """
    try:
        if connection.closed or not _is_silent(connection):
            connection.execute("SELECT 1")
            connection.rollback()
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _is_silent(connection: psycopg.Connection[Any]) -> bool:
    """Whether nothing has arrived that nobody asked for."""
    asking = select.poll()
    asking.register(connection.fileno(), select.POLLIN)
    return not asking.poll(0)


def is_writable(session: Session) -> bool:
    """Whether this server lets rows be changed: not where it is a standby or was made read-only."""
    # Not `transaction_read_only`: a pooled connection that was read-only before says what it was set to.
    usual = func.current_setting("default_transaction_read_only") == "off"
    return bool(session.scalar(select_of(and_(not_(func.pg_is_in_recovery()), usual))))


def wait_longer(session: Session, seconds: float) -> None:
    """Give the statements of this transaction more time than those of a request; 0 is without end."""
    session.execute(select_of(func.set_config("statement_timeout", f"{seconds * 1000:.0f}", True)))


def wait_as_usual(session: Session) -> None:
    """Give the statements of this transaction what they get anyway."""
    session.execute(text("SET LOCAL statement_timeout TO DEFAULT"))


def stay_idle(session: Session) -> None:
    """Let this transaction wait between two statements for as long as something is computed."""
    session.execute(select_of(func.set_config("idle_in_transaction_session_timeout", "0", True)))


def name_driver(url: str) -> str:
    """The same address with the driver named, whichever of the usual spellings was given."""
    for scheme in ("postgresql+psycopg://", "postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def covers_exactly(shape: Any, point: Any) -> ColumnElement[bool]:
    """Whether a stored shape covers a stored point, edges included, by exact arithmetic, as the index answers ([L4]).

    PostGIS's shortcuts for points use plain floats: `ST_Covers` takes in some points that lie just off an edge (1 of
    100,000 near borders) and `ST_Contains` misses some that lie just inside, so where they differ `ST_Relate`, which
    has no shortcut, decides. The first condition uses the spatial index.
    """
    beside = func.ST_Relate(shape, point, "FF*FF****")
    return and_(func.ST_Covers(shape, point), or_(func.ST_Contains(shape, point), not_(beside)))


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that reads: whatever it did is rolled back at the end of the block."""
    with Session(engine) as session:
        yield session


@contextmanager
def read_one_moment(engine: Engine) -> Iterator[Session]:
    """A session that reads one moment of the database, however many statements it takes."""
    with reading(engine) as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        yield session


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end of the block and rolls back when the block raises."""
    with Session(engine) as session, session.begin():
        yield session


def copy_rows(session: Session, table: str, *, columns: list[str], rows: Iterator[tuple[Any, ...]]) -> int:
    """The number of rows written by COPY, the fastest way in; takes part in the session's transaction.

    `table` and `columns` are names of this package, never a person's input. Geometries go in as hex EWKB.
    """
    connection = session.connection().connection.driver_connection
    assert connection is not None
    count = 0
    with connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count
