"""Moments as they come back from the database, whatever stands there.

Doors and constraints keep moments within 1970 to 2100. A row from before them, or put in by hand, may hold `infinity`
or a year 10000, for which Python has no value: psycopg would raise, and one such row would keep every process from
reading all others. Here it is read as the end of the bounds that it lies beyond, counted and told.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format

from layers.moments import END, FIRST

log = logging.getLogger("wangge.database")
TIMESTAMPTZ = 1184
_PLAIN: type[Any] = psycopg.adapters.get_loader(TIMESTAMPTZ, Format.TEXT)  # type: ignore[assignment]


class StoredMomentLoader(Loader):
    """Reads `timestamptz`; `out_of_bounds` is how many this process has met that it could not read."""

    format = Format.TEXT
    out_of_bounds = 0

    def __init__(self, oid: int, context: psycopg.abc.AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        self._load = _PLAIN(oid, context).load

    def load(self, data: Buffer) -> datetime:
        """The moment; the first or the last of the bounds for one that Python cannot hold."""
        try:
            found: datetime = self._load(data)
            return found
        except (psycopg.DataError, ValueError, OverflowError):
            told = bytes(data).decode()
        StoredMomentLoader.out_of_bounds += 1
        log.error("a stored moment cannot be read and is taken as out of bounds: %s", told)
        return FIRST if told.startswith("-") or told.endswith("BC") else END


def read_any_moment(connection: psycopg.Connection[Any], _record: object) -> None:
    """Have a new connection of a pool read moments this way."""
    connection.adapters.register_loader(TIMESTAMPTZ, StoredMomentLoader)
