"""Rows for COPY: ids reserved ahead, geometries as hex EWKB in degrees, ranges and arrays in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.db import WGS84, copy_rows
from tiling.plane import Plane

SOURCE = "demo"


@dataclass(frozen=True)
class Writer:
    """Writes the demo's rows in one transaction; shapes come in metres and go out in degrees."""

    session: Session
    plane: Plane

    def reserve(self, table: str, count: int) -> int:
        """The first of `count` ids that nobody else will get."""
        statement = text(
            "SELECT setval(s, (SELECT CASE WHEN is_called THEN last_value ELSE 0 END "  # noqa: S608 - names of this package
            f"FROM {self._sequence(table)}) + :count) - :count + 1 "
            "FROM (SELECT CAST(pg_get_serial_sequence(:name, 'id') AS regclass) AS s) AS sequence"
        )
        return int(self.session.execute(statement, {"name": table, "count": max(count, 1)}).scalar_one())

    def _sequence(self, table: str) -> str:
        name = self.session.execute(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table}).scalar_one()
        return str(name)

    def copy(self, table: str, columns: str, *, rows: Iterable[tuple[Any, ...]]) -> int:
        """The number of rows written; `columns` are names with blanks between."""
        return copy_rows(self.session, table, columns=columns.split(), rows=_iterated(rows))

    def polygons(self, shapes: Sequence[shapely.Polygon | shapely.MultiPolygon]) -> list[str]:
        """Each polygon as a MultiPolygon in degrees."""
        degrees = self.plane.to_degrees(np.array(shapes, dtype=object))
        return _hex(np.array([shapely.MultiPolygon(list(shapely.get_parts(shape))) for shape in degrees], dtype=object))

    def lines(self, shapes: Sequence[shapely.LineString]) -> list[str]:
        """Each line as a MultiLineString in degrees."""
        degrees = self.plane.to_degrees(np.array(shapes, dtype=object))
        return _hex(np.array([shapely.MultiLineString([shape]) for shape in degrees], dtype=object))

    def lonlat(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """lon and lat of places in metres, rounded to 9 decimals."""
        lonlat: NDArray[np.float64] = np.column_stack(self.plane.to_lonlat(xy[:, 0], xy[:, 1]))
        return np.round(lonlat, 9)


def points(lonlat: NDArray[np.float64]) -> list[str]:
    """Each place in degrees as a point."""
    return _hex(np.asarray(shapely.points(lonlat), dtype=object))


def instants(seconds: NDArray[np.int64]) -> list[str]:
    """Moments since 1970 as PostgreSQL reads them."""
    return [f"{word}Z" for word in np.datetime_as_string(seconds.astype("datetime64[s]"))]


def _hex(shapes: NDArray[np.object_]) -> list[str]:
    return [str(word) for word in shapely.to_wkb(shapely.set_srid(shapes, WGS84), hex=True, include_srid=True)]


def _iterated(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    yield from rows
