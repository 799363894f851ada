"""Polygons of a file on their own: frames, and sets to be checked without a database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers import files
from layers.errors import Unacceptable
from layers.importing.columns import choose_columns
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


# A sub-grid's code is that of its grid with two digits more ([S8]).
GRID_DIGITS, SUB_GRID_DIGITS = 15, 17


@dataclass(frozen=True)
class PolygonRows:
    """The rows of a file that can be checked, with their codes (row numbers where it has none), and all others.

    `parents` names the grid above a sub-grid where both are in the file; `repeated` the rows of codes given twice.
    """

    codes: list[str]
    polygons: list[BaseGeometry | None]
    refused: tuple[Refusal, ...]
    notes: tuple[Note, ...]
    parents: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, list[int]] = field(default_factory=dict)


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
    told: dict[str, str] = {}
    places: dict[str, list[int]] = {}
    for row, shape in enumerate(table.geometries, start=1):
        fault = table.faults.get(row)
        if fault is not None and fault.code != "invalid_geometry":
            refused.append(Refusal(row, fault.code, fault.reason, fault.where))
            continue
        try:
            rows.codes.append(code(columns.text("code", row)) or f"row {row}")
            rows.polygons.append(shape)
            places.setdefault(rows.codes[-1], []).append(row)
            told[rows.codes[-1]] = columns.text("parent_code", row) or _grid_of(rows.codes[-1])
        except Unreadable as damage:
            refused.append(Refusal(row, damage.reason, damage.detail, shape if shape is None else shape.centroid))
    parents = {own: above for own, above in told.items() if above in places and above != own}
    repeated = {code: numbers for code, numbers in places.items() if len(numbers) > 1}
    return replace(rows, refused=tuple(refused), parents=parents, repeated=repeated)


def _grid_of(code: str) -> str:
    return code[:GRID_DIGITS] if code.isascii() and code.isdigit() and len(code) == SUB_GRID_DIGITS else ""
