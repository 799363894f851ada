"""Polygons of a file on their own: frames, and sets to be checked without a database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers import files
from layers.checking import NamedRow, Naming, judge_names
from layers.errors import Unacceptable
from layers.importing.columns import choose_columns, grid_code
from layers.importing.report import ImportOptions, Note, Refusal
from layers.importing.values import Unreadable, code
from layers.specs import POLYGONS


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


@dataclass(frozen=True)
class PolygonRows:
    """The rows of a file that can be checked, with their codes (row numbers where it has none), and all others."""

    codes: list[str]
    polygons: list[BaseGeometry | None]
    refused: tuple[Refusal, ...]
    notes: tuple[Note, ...]
    naming: Naming = field(default_factory=lambda: judge_names([]))


def read_polygons(path: Path, options: ImportOptions) -> PolygonRows:
    """A file's rows with their shapes in WGS84 degrees as they are; invalid polygons are kept: a check shall say so.

    Rows that cannot be used at all are refused with the reader's own reason.
    """
    table = files.read(
        files.Source(
            path=path, crs=options.crs, datum=options.datum, table=options.table, encoding=options.encoding,
            geometry=next((column for column, field in options.mapping.items() if field == "geometry"), None),
        )
    )  # fmt: skip
    if table.geometries is None:
        raise Unacceptable("file_has_no_positions", columns=", ".join(table.names))
    columns = choose_columns("grids", table, options.mapping)
    rows = PolygonRows([], [], (), tuple(Note(code, values) for code, values in table.notes))
    refused: list[Refusal] = []
    named: list[NamedRow] = []
    for row, shape in enumerate(table.geometries, start=1):
        fault = table.faults.get(row)
        if fault is not None and fault.code != "invalid_geometry":
            refused.append(Refusal(row, fault.code, fault.reason, fault.where))
            continue
        try:
            own = NamedRow(
                row,
                grid_code(columns, row) or f"row {row}",
                code(columns.text("parent_code", row)),
                columns.text("level", row),
            )
        except Unreadable as damage:
            refused.append(Refusal(row, damage.reason, damage.detail, shape if shape is None else shape.centroid))
            continue
        named.append(own)
        rows.codes.append(own.code)
        rows.polygons.append(shape)
    return replace(rows, refused=tuple(refused), naming=judge_names(named))
