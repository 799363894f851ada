"""Files for import tests, and one call that imports them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas
import pandas
import shapely
from sqlalchemy.orm import Session

from layers.access import Actor, service_actor
from layers.importing import ImportOptions, ImportReport, import_layer

OPERATOR = service_actor("operator")


def geo_file(folder: Path, shapes: Sequence[Any], *, file_name: str = "rows.parquet", **columns: Sequence[Any]) -> Path:
    """A GeoParquet file in WGS84 with these shapes and columns."""
    path = folder / file_name
    geopandas.GeoDataFrame(dict(columns), geometry=list(shapes), crs=4326).to_parquet(path)
    return path


def csv_file(folder: Path, *, file_name: str = "rows.csv", **columns: Sequence[Any]) -> Path:
    """A CSV file with these columns."""
    path = folder / file_name
    pandas.DataFrame(dict(columns)).to_csv(path, index=False)
    return path


def imported(session: Session, layer: str, file: Path, *, by: Actor = OPERATOR, **options: Any) -> ImportReport:
    """The report of an import."""
    return import_layer(session, layer, file=file, options=ImportOptions(**options), by=by)


def boxes(*, count: int = 2, lon: float = 118.1, lat: float = 39.6, side: float = 0.002) -> list[shapely.Polygon]:
    """Squares in a row, from west to east, sharing their borders."""
    edges = [round(lon + side * number, 9) for number in range(count + 1)]
    return [shapely.box(west, lat, east, lat + side) for west, east in pairwise(edges)]


BOW_TIE = shapely.Polygon([(118.1, 39.6), (118.11, 39.61), (118.11, 39.6), (118.1, 39.61)])
