"""Opening a file of a known kind with geopandas; runs in the child process only.

What comes out is a frame whose geometry column is called `geometry` (or is absent), and the CRS that the file states.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas
import pandas
import pyarrow.parquet
import pyogrio
import shapely

from layers.errors import Unacceptable
from layers.files.archives import MOST_BYTES, find_kml, shapefiles_in
from layers.files.drawings import read_drawing
from layers.files.sniffing import FileKind

DRIVERS = {
    FileKind.geopackage: "GPKG",
    FileKind.geojson: "GeoJSON",
    FileKind.flatgeobuf: "FlatGeobuf",
    FileKind.kml: "LIBKML",
    FileKind.kmz: "LIBKML",
    FileKind.dxf: "DXF",
    FileKind.shapefile: "ESRI Shapefile",
}
# Chinese offices write .dbf and .csv in GBK without saying so; GB18030 holds GBK. UTF-8 goes first: GBK text is almost
# never valid UTF-8, while any UTF-8 text may pass for GB18030.
ENCODINGS = ("utf-8-sig", "gb18030")


@dataclass(frozen=True)
class Opened:
    """A frame as it was in the file, the CRS that the file states (None when it states none), encoding, remarks."""

    frame: Any
    crs: Any
    encoding: str | None = None
    notes: tuple[tuple[str, dict[str, Any]], ...] = ()


def open_file(path: Path, kind: FileKind, *, table: str | None, preferred: str) -> Opened:
    """The content of the file. Raises Unacceptable `file_is_broken` when its reader refuses it.

    `table` names the one wanted where a file holds several; without it a table called `preferred` is taken.
    """
    opener: Callable[[], Opened] = {
        FileKind.parquet: lambda: _parquet(path),
        FileKind.csv: lambda: _csv(path),
        FileKind.dxf: lambda: _drawing(path, table, preferred),
        FileKind.shapefile: lambda: _shapefile(path, table, preferred),
        FileKind.kmz: lambda: _vector(path, f"/vsizip/{{{path}}}/{find_kml(path)}", table, preferred),
    }.get(kind, lambda: _vector(path, str(path), table, preferred))
    try:
        return opener()
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)[:200]) from error
    except (shapely.errors.GEOSException, pyarrow.ArrowException, ValueError, OSError, EOFError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)[:200]) from error


def list_tables(path: Path, kind: FileKind) -> list[str]:
    """The names of the tables to choose from: layers of a drawing, shapefiles of an archive; one empty name elsewhere.

    Raises Unacceptable `file_is_broken` as `open_file` does.
    """
    if kind is FileKind.dxf:
        return read_drawing(path).layers
    if kind is FileKind.shapefile:
        return sorted(shapefiles_in(path))
    if kind in (FileKind.parquet, FileKind.csv):
        return [""]
    try:
        return _tables_of(f"/vsizip/{{{path}}}/{find_kml(path)}" if kind is FileKind.kmz else str(path))
    except pyogrio.errors.DataSourceError as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)[:200]) from error


def _tables_of(name: str) -> list[str]:
    return [str(row[0]) for row in pyogrio.list_layers(name)]


def _vector(path: Path, name: str, table: str | None, preferred: str) -> Opened:
    return _read_layer(path, name, _chosen_table(_tables_of(name), path, table, preferred), encoding=None)


def _shapefile(path: Path, table: str | None, preferred: str) -> Opened:
    inner = shapefiles_in(path)
    member = inner[_chosen_table(list(inner), path, table, preferred)]
    name, encoding = f"/vsizip/{{{path}}}/{member}", _dbf_encoding(path, member)
    return _read_layer(path, name, _tables_of(name)[0], encoding=encoding)


def _read_layer(path: Path, name: str, layer: str, *, encoding: str | None) -> Opened:
    frame = pyogrio.read_dataframe(name, layer=layer, encoding=encoding)
    _require_all(len(frame), pyogrio.read_info(name, layer=layer, encoding=encoding)["features"], path)
    return Opened(frame, getattr(frame, "crs", None), encoding)


def _drawing(path: Path, table: str | None, preferred: str) -> Opened:
    drawing = read_drawing(path)
    layer = _chosen_table(drawing.layers, path, table, preferred)
    return Opened(drawing.of_layer(layer), None, notes=drawing.notes)


def _require_all(read: int, promised: int, path: Path) -> None:
    # GDAL reads a truncated file as far as it goes and calls it a warning.
    if promised > read:
        raise Unacceptable("file_is_broken", file=path.name, reason=f"{read} of {promised} rows can be read")


def _chosen_table(names: list[str], path: Path, table: str | None, preferred: str) -> str:
    if table is not None and table not in names:
        raise Unacceptable("file_has_no_such_table", file=path.name, table=table, tables=", ".join(names))
    if not names:
        raise Unacceptable("file_is_broken", file=path.name, reason="no table can be read")
    wanted = table or (preferred if preferred in names else None)
    if wanted is None and len(names) != 1:
        raise Unacceptable("file_has_several_tables", file=path.name, tables=", ".join(names))
    return wanted or names[0]


def _dbf_encoding(path: Path, inner: str) -> str | None:
    """The encoding of the texts beside a shapefile; None where a .cpg file says it."""
    with zipfile.ZipFile(path) as archive:
        members = {member.lower(): member for member in archive.namelist()}
        stem = inner[:-4].lower()
        if stem + ".cpg" in members or stem + ".dbf" not in members:
            return None
        content = archive.read(members[stem + ".dbf"])
    header_bytes = int.from_bytes(content[8:10], "little")
    return _encoding_of(content[header_bytes:], path)


def _encoding_of(content: bytes, path: Path) -> str:
    for encoding in ENCODINGS:
        try:
            content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding.removesuffix("-sig")
    raise Unacceptable("encoding_unknown", file=path.name, tried=", ".join(ENCODINGS))


def _parquet(path: Path) -> Opened:
    with path.open("rb") as file:
        schema = pyarrow.parquet.read_schema(file)
    if b"geo" in (schema.metadata or {}):
        frame = geopandas.read_parquet(path)
        if frame.geometry.name != "geometry":
            frame = frame.rename_geometry("geometry")
        return Opened(frame, frame.crs)
    return Opened(pandas.read_parquet(path), None)


def _csv(path: Path) -> Opened:
    content = _unpacked(path)
    encoding = _encoding_of(content, path)
    first_line = content[:8192].splitlines()[0]
    separator = max((b",", b";", b"\t"), key=first_line.count).decode()
    text = io.StringIO(content.decode(encoding).removeprefix("\ufeff"))
    frame = pandas.read_csv(text, sep=separator, dtype=str, keep_default_na=False, na_values=[""])
    return Opened(frame, None, encoding)


def _unpacked(path: Path) -> bytes:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if not packed:
        return path.read_bytes()
    with gzip.open(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unacceptable("file_too_large", file=path.name, megabytes=MOST_BYTES // 2**20)
    return content
