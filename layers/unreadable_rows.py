"""Which stored rows hold a moment that Python cannot read, by table and key: what was read past is mended by name.

The loader of moments (`layers.stored_moments`) sees values only, so the rows are looked for once it has met one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, String, Table, cast, func, or_, select
from sqlalchemy.dialects.postgresql import TSTZRANGE
from sqlalchemy.orm import Session
from sqlalchemy.types import DateTime

from layers.db import Base
from layers.moments import END, FIRST

log = logging.getLogger("wangge.database")
# So many rows of one column are named; whoever mends these is told of the next.
MOST_OF_A_COLUMN = 20
_NUMBERS = re.compile(r"[\d/]+", re.ASCII)


@dataclass(frozen=True, order=True)
class UnreadableRow:
    """A row that is read past: its table, its key as the database writes it, and the column in question."""

    table: str
    key: str
    column: str

    @property
    def public_key(self) -> str:
        """The key where it is made of numbers; `-` for a name, which is not for everybody who may ask."""
        return self.key if _NUMBERS.fullmatch(self.key) else "-"


def find_unreadable_rows(session: Session) -> tuple[UnreadableRow, ...]:
    """The rows with a moment outside 1970 to 2100, in order, at most 20 of each column.

    Reads every table with moments once: some 0.1 s for a district's year of cases.
    """
    found = [
        UnreadableRow(table.fullname, key, column.name)
        for table, column in _columns_of_moments()
        for key in session.scalars(
            select(_key_of(table)).where(_is_out_of_bounds(column)).order_by(_key_of(table)).limit(MOST_OF_A_COLUMN)
        )
    ]
    return tuple(sorted(found))


def tell_new_ones(before: tuple[UnreadableRow, ...], now: tuple[UnreadableRow, ...]) -> None:
    """A line in the log for each row that was not known to be unreadable."""
    for row in sorted(set(now) - set(before)):
        log.error(
            "the moment of a stored row is out of bounds, it is read past: table %s, row %s, column %s",
            row.table,
            row.key,
            row.column,
        )


def _columns_of_moments() -> Iterator[tuple[Table, Column[object]]]:
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, TSTZRANGE | DateTime):
                yield table, column


def _key_of(table: Table) -> ColumnElement[str]:
    return func.concat_ws("/", *(cast(column, String) for column in table.primary_key.columns))


def _is_out_of_bounds(column: Column[object]) -> ColumnElement[bool]:
    if isinstance(column.type, TSTZRANGE):
        return or_(func.lower(column) < FIRST, func.upper(column) > END)
    return or_(column < FIRST, column >= END)
