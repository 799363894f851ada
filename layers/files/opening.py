"""Opening a file of a known kind; runs in the child process only.

What comes out are texts by column, raw shapes, and what the file states about its coordinates. GDAL reads through
Arrow, so that whole numbers stay whole numbers, and archives are packed anew in memory, under plain names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow
import pyarrow.parquet
import pyogrio
import shapely
from numpy.typing import NDArray

from layers.errors import Unacceptable
from layers.files import choosing, documents, statements, workbooks
from layers.files.archives import list_shapefiles
from layers.files.cells import as_texts, texts_of
from layers.files.delimited import open_delimited
from layers.files.drawings import read_drawing
from layers.files.shapefiles import read_shapefile
from layers.files.sniffing import FileKind

Note = tuple[str, dict[str, Any]]
# Tables of programs, not of anybody's data.
_OF_PROGRAMS = ("layer_styles", "qgis_projects", "sqlite_sequence")
# What a .gpkg or .kml may hold at most, so that no reader has to look at more columns than any table of a city has.
MOST_COLUMNS = 1_000
_IN_MEMORY = re.compile(r"pyogrio_[0-9a-f]{32}")


@dataclass(frozen=True)
class Opened:
    """The rows of one table: texts by column (Arrow), raw shapes or None, and what is known beside them.

    `crs` is what the file states (None when it states nothing), `unread` a statement that nobody can read, `faults` the
    rows that could not be parsed, by index.
    """

    columns: Mapping[str, Any]
    shapes: NDArray[np.object_] | None
    count: int
    crs: Any = None
    unread: str | None = None
    encoding: str | None = None
    notes: tuple[Note, ...] = ()
    faults: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which tables of a file are wanted, which one is taken where nothing is said, and the encoding that was named."""

    tables: str | None = None
    preferred: str = ""
    encoding: str | None = None


def open_file(path: Path, kind: FileKind, wanted: Wanted) -> Opened:
    """The content of the file. Raises Unacceptable `file_is_broken` when its reader refuses it.

    `wanted.tables` names what is wanted where a file holds several: a name, several a line each, or `*` for all.
    Without it a table called `preferred` is taken. Several are read as one.
    """
    opener: Callable[[], Opened] = {
        FileKind.parquet: lambda: _parquet(path),
        FileKind.csv: lambda: _open_csv(path, wanted),
        FileKind.workbook: lambda: _workbook(path, wanted),
        FileKind.dxf: lambda: _drawing(path, wanted),
        FileKind.shapefile: lambda: _open_shapefile(path, wanted),
        FileKind.kml: lambda: _layers(path, documents.decode_kml(path.read_bytes(), path.name), wanted, labelled=True),
        FileKind.kmz: lambda: _layers(path, documents.read_kmz(path), wanted, labelled=True),
        FileKind.geojson: lambda: _open_geojson(path, wanted),
    }.get(kind, lambda: _layers(path, str(path), wanted))
    opened: Opened = _call_opener(opener, path)
    return opened


def list_tables(path: Path, kind: FileKind) -> list[str]:
    """The names of the tables to choose from: layers of a drawing, shapefiles of an archive; one empty name elsewhere.

    Raises Unacceptable `file_is_broken` as `open_file` does.
    """
    lister: Callable[[], list[str]] = {
        FileKind.dxf: lambda: read_drawing(path).layers,
        FileKind.shapefile: lambda: sorted(list_shapefiles(path)),
        FileKind.workbook: lambda: workbooks.list_sheets(path),
        FileKind.kml: lambda: _tables_of(_list_tables(path, documents.decode_kml(path.read_bytes(), path.name))),
        FileKind.kmz: lambda: _tables_of(_list_tables(path, documents.read_kmz(path))),
        FileKind.geopackage: lambda: _tables_of(_list_tables(path, str(path))),
    }.get(kind, lambda: [""])
    found: list[str] = _call_opener(lister, path)
    return found


def _call_opener(opener: Callable[[], Any], path: Path) -> Any:
    """What an opener gives; what its library says when it refuses, without its own names and places."""
    try:
        return opener()
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=documents.simplify_error(error)) from error
    except (shapely.errors.GEOSException, pyarrow.ArrowException, ValueError, OSError, EOFError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=documents.simplify_error(error)) from error


def _tables_of(listed: Mapping[str, bool]) -> list[str]:
    """The tables with shapes; those without, but for the tables of programs, where none has any."""
    with_shapes = [name for name, has_shapes in listed.items() if has_shapes]
    return with_shapes or [name for name in listed if name not in _OF_PROGRAMS]


def _list_tables(path: Path, source: Any) -> dict[str, bool]:
    """The tables in their order and whether they have shapes; one that nobody named is called as its file.

    A document in memory is called by another name at each reading, and so is a table that takes its name from it.
    """
    listed = [(str(name), kind is not None) for name, kind in pyogrio.list_layers(source)]
    own = path.name if any(name == path.stem for name, _ in listed) else path.stem
    return {own if _IN_MEMORY.fullmatch(name) else name: has_shapes for name, has_shapes in listed}


def _layers(path: Path, source: Any, wanted: Wanted, *, labelled: bool = False) -> Opened:
    listed = _list_tables(path, source)
    names = choosing.choose_tables(_tables_of(listed), path, wanted.tables, wanted.preferred, known=list(listed))
    opened = [_layer(path, source, list(listed).index(name)) for name in names]
    if labelled:
        opened = [_drop_labels(one) for one in opened]
    return _as_one(path, names, opened)


def _layer(path: Path, source: Any, layer: str | int) -> Opened:
    promised = pyogrio.read_info(source, layer=layer)
    if (count := len(promised["fields"])) > MOST_COLUMNS:  # told before its cells are read, which takes a minute
        raise Unacceptable("file_has_too_many_columns", file=path.name, count=count, most=MOST_COLUMNS)
    meta, table = pyogrio.read_arrow(source, layer=layer, datetime_as_string=True)
    _require_all(len(table), promised["features"], path)
    at = meta["geometry_name"] or "wkb_geometry"
    shapes = _shapes(table.column(at)) if meta["geometry_type"] is not None and at in table.column_names else None
    columns = {name: texts_of(table.column(name)) for name in table.column_names if name != at or shapes is None}
    return Opened(columns, shapes, len(table), meta["crs"])


def _shapes(column: Any) -> NDArray[np.object_]:
    """Shapes from well-known binary; what cannot be read at all is an empty collection, which no layer takes."""
    wkb = column.to_pylist()
    shapes = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    for row in np.flatnonzero(shapely.is_missing(shapes)):
        if wkb[row] is not None:
            shapes[row] = shapely.GeometryCollection([shapely.Point(), shapely.LineString()])
    return shapes


def _require_all(read: int, promised: int, path: Path) -> None:
    # GDAL reads a truncated file as far as it goes and calls it a warning.
    if promised > read:
        raise Unacceptable("file_is_broken", file=path.name, reason=f"{read} of {promised} rows can be read")


def _drop_labels(opened: Opened) -> Opened:
    """The polygons of placemarks that hold a point for their label beside it, with a remark."""
    if opened.shapes is None:
        return opened
    shapes, count = opened.shapes.copy(), 0
    for row in np.flatnonzero(shapely.get_type_id(shapes) == 7):
        parts = shapely.get_parts(shapes[row])
        polygons = [part for part in parts if part.geom_type in ("Polygon", "MultiPolygon")]
        if polygons and all(part.geom_type == "Point" or part in polygons for part in parts):
            whole = shapely.get_parts(np.array(polygons, dtype=object)).tolist()
            shapes[row] = whole[0] if len(whole) == 1 else shapely.MultiPolygon(whole)
            count += 1
    notes = (("labels_left_out", {"count": count}),) if count else ()
    return Opened(opened.columns, shapes, opened.count, opened.crs, notes=(*opened.notes, *notes))


def _open_geojson(path: Path, wanted: Wanted) -> Opened:
    content = documents.as_utf8(documents.unpack_file(path), path.name, asked=wanted.encoding)
    said = statements.find_statement(content)
    if wanted.tables not in (None, "", choosing.ALL, path.stem):
        raise Unacceptable("file_has_no_such_table", file=path.name, table=wanted.tables, tables=path.stem)
    # By its place: a table from memory has a name of its own every time.
    opened = _layer(path, statements.hide_members(content), 0)
    crs = said.name if said.name or said.unread else opened.crs
    return Opened(opened.columns, opened.shapes, opened.count, crs, said.unread, notes=opened.notes)


def _open_shapefile(path: Path, wanted: Wanted) -> Opened:
    inner = list_shapefiles(path)
    names = choosing.choose_tables(list(inner), path, wanted.tables, wanted.preferred)
    read = [read_shapefile(path, inner[name], encoding=wanted.encoding) for name in names]
    return _as_one(
        path,
        names,
        [Opened(one.columns, one.shapes, len(one.shapes), one.crs, None, one.encoding, one.notes) for one in read],
    )


def _drawing(path: Path, wanted: Wanted) -> Opened:
    drawing = read_drawing(path, asked=wanted.encoding)
    names = choosing.choose_tables(drawing.layers, path, wanted.tables, wanted.preferred)
    rows = drawing.select_layers(names)
    return Opened(
        {name: as_texts(list(column)) for name, column in rows.columns.items()},
        rows.shapes,
        len(rows.shapes),
        encoding=drawing.encoding,
        notes=drawing.notes,
    )


def _as_one(path: Path, names: Sequence[str], tables: Sequence[Opened]) -> Opened:
    """Several tables as one: their rows after each other, a column wherever one has it."""
    if len(tables) == 1:
        return tables[0]
    if len({str(one.crs) for one in tables}) > 1:
        raise Unacceptable("tables_differ_in_crs", file=path.name, tables=", ".join(names))
    every = dict.fromkeys(name for one in tables for name in one.columns)
    missing = {id(one): pyarrow.nulls(one.count, pyarrow.large_string()) for one in tables}
    columns = {
        name: pyarrow.concat_arrays([one.columns.get(name, missing[id(one)]) for one in tables]) for name in every
    }
    with_shapes = any(one.shapes is not None for one in tables)
    shapes = [np.full(one.count, None, dtype=object) if one.shapes is None else one.shapes for one in tables]
    notes = dict.fromkeys((code, tuple(values.items())) for one in tables for code, values in one.notes)
    joined = ("tables_joined", {"tables": ", ".join(names), "rows": ", ".join(str(one.count) for one in tables)})
    return Opened(
        columns,
        np.concatenate(shapes) if with_shapes else None,
        sum(one.count for one in tables),
        tables[0].crs,
        encoding=tables[0].encoding,
        notes=(*((code, dict(values)) for code, values in notes), joined),
    )


def _parquet(path: Path) -> Opened:
    with path.open("rb") as file:
        schema = pyarrow.parquet.read_schema(file)
    if len(schema.names) > MOST_COLUMNS:
        raise Unacceptable("file_has_too_many_columns", file=path.name, count=len(schema.names), most=MOST_COLUMNS)
    if b"geo" not in (schema.metadata or {}):
        table = pyarrow.parquet.read_table(path)
        return Opened({name: texts_of(table.column(name)) for name in table.column_names}, None, len(table))
    frame = geopandas.read_parquet(path, columns=_geometry_columns(schema))
    plain = [name for name in schema.names if name not in _geometry_columns(schema)]
    table = pyarrow.parquet.read_table(path, columns=plain)
    columns = {name: texts_of(table.column(name)) for name in plain}
    return Opened(columns, np.asarray(frame.geometry.values, dtype=object), len(frame), frame.crs)


def _geometry_columns(schema: Any) -> list[str]:
    told = documents.parse_object(schema.metadata[b"geo"])
    return [name for name in told.get("columns", {}) if name in schema.names]


def _open_csv(path: Path, wanted: Wanted) -> Opened:
    with open_delimited(path, asked=wanted.encoding) as table:
        faults: dict[int, str] = {}
        count, parts = 0, {name: [pyarrow.array([], pyarrow.large_string())] for name in table.names}
        for block in table.blocks():
            faults |= {count + at: fault for at, fault in block.faults.items()}
            count += block.count
            for name, cells in block.columns.items():
                parts[name].append(texts_of(cells))
    columns = {name: pyarrow.concat_arrays(column) for name, column in parts.items()}
    notes = (*table.choice.notes, *_note_rows_above(table.above))
    named = table.choice.codec.removesuffix("-sig")
    return Opened(columns, None, count, encoding=named, notes=notes, faults=faults)


def _workbook(path: Path, wanted: Wanted) -> Opened:
    sheets = choosing.choose_tables(workbooks.list_sheets(path), path, wanted.tables, wanted.preferred)
    tables = [workbooks.read_sheet(path, sheet) for sheet in sheets]
    opened = [
        Opened(
            {name: as_texts(c) for name, c in one.columns.items()}, None, one.count, notes=_note_rows_above(one.above)
        )
        for one in tables
    ]
    return _as_one(path, sheets, opened)


def _note_rows_above(count: int) -> tuple[Note, ...]:
    return (("rows_above_header_left_out", {"count": count}),) if count else ()
