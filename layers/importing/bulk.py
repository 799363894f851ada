"""Many rows at once: COPY into a temporary table, then one statement that adds new rows and changes known ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import shapely
from geoalchemy2 import Geometry
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Column, Integer, MetaData, Table, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.db import WGS84, Base, copy_rows

ROW = "import_row"


@dataclass(frozen=True)
class Written:
    """How many rows were written, and how many of them had been there before."""

    stored: int
    changed: int


@contextmanager
def stage(session: Session, model: type[Base], columns: Sequence[str]) -> Iterator[Table]:
    """A temporary table with some columns of a layer and the number of the file's row; gone at the end of the block.

    When the block raises, the rollback of the import takes the table away: an aborted transaction drops nothing.
    """
    source = model.__table__
    assert isinstance(source, Table)
    kept = [Column(name, _drop_index(source.c[name].type)) for name in columns]
    table = Table(f"import_{source.name}", MetaData(), Column(ROW, Integer), *kept, prefixes=["TEMPORARY"])
    session.flush()
    table.create(session.connection())
    yield table
    table.drop(session.connection())


def _drop_index(kind: Any) -> Any:
    """The same type without an index of its own."""
    if isinstance(kind, Geometry):
        return Geometry(geometry_type=kind.geometry_type, srid=kind.srid, spatial_index=False)
    return kind


def fill(session: Session, table: Table, rows: Iterator[tuple[Any, ...]]) -> int:
    """The number of rows copied into a staged table; each is the row number and the columns' values in order.

    All rows are made before the first is copied: making one may ask the database, which during COPY waits for ever.
    """
    made = list(rows)
    count = copy_rows(session, table.name, columns=[column.name for column in table.c], rows=iter(made))
    session.execute(text(f"ANALYZE {table.name}"))
    return count


def to_hex(shape: BaseGeometry) -> str:
    """A geometry as COPY takes it."""
    return str(shapely.to_wkb(shapely.set_srid(shape, WGS84), hex=True, include_srid=True))


def take_invalid(session: Session, table: Table) -> list[tuple[int, str]]:
    """The rows (and reasons) that PostGIS, whose GEOS may be another one, calls invalid: out of the staged table."""
    wrong = select(table.c[ROW], func.ST_IsValidReason(table.c.geom)).where(~func.ST_IsValid(table.c.geom))
    found = [(int(row), str(reason)) for row, reason in session.execute(wrong)]
    if found:
        session.execute(delete(table).where(table.c[ROW].in_([row for row, _ in found])))
    return found


def upsert(
    session: Session,
    model: type[Base],
    table: Table,
    *,
    keys: Sequence[str],
    kept: Collection[str] = (),
    filled: Collection[str] = (),
) -> Written:
    """Everything staged, written over the rows of the same keys.

    Of a row that is there already, the columns of `kept` stay as they are and those of `filled` are written only where
    they are null.
    """
    names = [column.name for column in table.c if column.name != ROW]
    statement = insert(model).from_select(names, select(*(table.c[name] for name in names)).order_by(table.c[ROW]))
    fresh: dict[str, Any] = {name: statement.excluded[name] for name in names if name not in keys and name not in kept}
    fresh |= {name: func.coalesce(getattr(model, name), statement.excluded[name]) for name in filled}
    # xmax is zero for a row that this statement made, and the row's locker where it was there before.
    returned = statement.on_conflict_do_update(index_elements=list(keys), set_=fresh).returning(text("xmax = 0 AS new"))
    new = [bool(row[0]) for row in session.execute(returned)]
    return Written(len(new), len(new) - sum(new))
