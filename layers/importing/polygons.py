"""Polygons of a file on their own: frames, and sets to be checked without a database."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers import files
from layers.errors import Unacceptable
from layers.importing.columns import choose_columns
from layers.importing.reading import POLYGONS
from layers.importing.report import ImportOptions


def read_frame(path: Path, *, crs: str | None = None, datum: str | None = None) -> BaseGeometry:
    """The union of a file's polygons in WGS84 degrees; raises Unacceptable where one is no valid polygon.

    The file's own CRS counts; `crs` is for one that states none.
    """
    try:
        table = files.read(files.Source(path=path, datum=datum))
    except Unacceptable as refused:
        if refused.code != "crs_missing" or crs is None:
            raise
        table = files.read(files.Source(path=path, crs=crs))
    for fault in table.faults.values():
        raise Unacceptable("frame_is_invalid", where=fault.where, row=fault.row, reason=fault.reason or fault.code)
    shapes = [] if table.geometries is None else list(table.geometries)
    if not shapes or any(shape.geom_type not in POLYGONS for shape in shapes):
        raise Unacceptable("frame_is_invalid", row=1, reason="no polygon")
    union: BaseGeometry = shapely.union_all(np.array(shapes, dtype=object))
    return union


def read_polygons(path: Path, options: ImportOptions) -> tuple[list[str], list[BaseGeometry | None]]:
    """The codes of a file's rows (their numbers where it has none) and their shapes in WGS84 degrees as they are.

    Shapes that cannot be used at all are None, invalid ones are kept: a check shall say so.
    """
    table = files.read(files.Source(path=path, crs=options.crs, datum=options.datum, table=options.table))
    if table.geometries is None:
        raise Unacceptable("file_has_no_positions", columns=", ".join(table.names))
    columns = choose_columns("grids", table, options.mapping)
    codes = [columns.text("code", row) or f"row {row}" for row in range(1, len(table) + 1)]
    return codes, list(table.geometries)
