"""One shapefile of an archive: shapes by GDAL from memory, the table by our own reader; in the child process only."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray

from layers.errors import Unacceptable
from layers.files.archives import Shapefile, content_of, strangers_in
from layers.files.cells import as_texts
from layers.files.dbf import read_dbf

# Winding is often wrong in shapefiles, so holes are found by what lies in what.
_OPTIONS = {"OGR_ORGANIZE_POLYGONS": "DEFAULT"}
_HEADER_BYTES = 100
_MOST_TOLD = 5


@dataclass(frozen=True)
class ReadShapefile:
    """Texts by column, raw shapes, the CRS that the .prj states, the encoding, remarks."""

    columns: Mapping[str, Any]
    shapes: NDArray[np.object_]
    crs: Any
    encoding: str | None
    notes: tuple[tuple[str, dict[str, Any]], ...]


def read_shapefile(path: Path, inner: Shapefile, *, encoding: str | None) -> ReadShapefile:
    """The rows of a shapefile; raises Unacceptable as `dbf.read_dbf` does, and where table and shapes do not agree."""
    crs, shapes = _shapes(path, inner)
    strangers = strangers_in(path)
    more = f" (+{len(strangers) - _MOST_TOLD})" if len(strangers) > _MOST_TOLD else ""
    names = ", ".join(strangers[:_MOST_TOLD]) + more
    notes = (("members_left_out", {"members": names}),) if strangers else ()
    if ".dbf" not in inner.parts:
        return ReadShapefile({}, shapes, crs, None, notes)
    side = content_of(path, inner.parts[".cpg"]) if ".cpg" in inner.parts else b""
    told = side[:100].decode("utf-8", "replace").strip("\ufeff\x00 \r\n\t")
    table = read_dbf(content_of(path, inner.parts[".dbf"]), file=path.name, asked=encoding, side=told or None)
    if len(table.alive) != len(shapes):
        reason = f"{len(shapes)} shapes and {len(table.alive)} rows do not belong together"
        raise Unacceptable("file_is_broken", file=path.name, reason=reason)
    columns = {name: as_texts(cells) for name, cells in table.columns.items()}
    return ReadShapefile(columns, shapes[table.alive], crs, table.choice.codec, (*notes, *table.choice.notes))


def _shapes(path: Path, inner: Shapefile) -> tuple[Any, NDArray[np.object_]]:
    """The stated CRS and the shapes, from an archive in memory that holds nothing else and bears plain names."""
    shape = content_of(path, inner.parts[".shp"])
    index = content_of(path, inner.parts[".shx"]) if ".shx" in inner.parts else _index_of(shape)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("s.shp", shape)
        archive.writestr("s.shx", index)
        if ".prj" in inner.parts:
            archive.writestr("s.prj", content_of(path, inner.parts[".prj"]))
    pyogrio.set_gdal_config_options(_OPTIONS)
    meta, table = pyogrio.read_arrow(packed.getvalue(), columns=[])
    promised = pyogrio.read_info(packed.getvalue())["features"]
    if promised > len(table):
        reason = f"{len(table)} of {promised} rows can be read"
        raise Unacceptable("file_is_broken", file=path.name, reason=reason)
    wkb = table.column(meta["geometry_name"] or "wkb_geometry").to_pylist()
    return meta["crs"], np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)


def _index_of(shape: bytes) -> bytes:
    """The index (.shx) of these shapes, for one that was not packed: where each begins and how long it is, in words."""
    entries, at = [], _HEADER_BYTES
    while at + 8 <= len(shape):
        words = int.from_bytes(shape[at + 4 : at + 8], "big")
        entries.append((at // 2).to_bytes(4, "big") + words.to_bytes(4, "big"))
        at += 8 + 2 * words
    length = (_HEADER_BYTES // 2 + 4 * len(entries)).to_bytes(4, "big")
    return shape[:24] + length + shape[28:_HEADER_BYTES] + b"".join(entries)
