"""What a file is, by its content: the name of a file says nothing that can be trusted.

A one-line GDAL VRT named `.geojson` makes a reader open another file of the server, so only the kinds of the list are
read, and each by its own driver.
"""

from __future__ import annotations

import enum
import gzip
import re
import zipfile
import zlib
from pathlib import Path

from layers.errors import Unacceptable

MOST_BYTES = 2**30
_HEAD_BYTES = 8192
_SHAPEFILE_MAGIC = b"\x00\x00\x27\x0a"
_VRT = re.compile(rb"<\s*(OGR)?VRTDataSource|<\s*VRTDataset", re.IGNORECASE)
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg", ".qpj", ".sbn", ".sbx", ".xml", ".cst")


class FileKind(enum.StrEnum):
    """The kinds of file that are read, and nothing else."""

    geopackage = "geopackage"
    geojson = "geojson"
    flatgeobuf = "flatgeobuf"
    kml = "kml"
    shapefile = "shapefile"
    parquet = "parquet"
    csv = "csv"


def kind_of(path: Path) -> FileKind:
    """The kind of this file by its first bytes.

    Raises Unacceptable `file_missing`, `file_too_large` (over 1 GiB, compressed or not), `file_is_vrt`,
    `file_is_empty`, `file_unknown` or, for archives, what `shapefile_in` says.
    """
    if not path.is_file():
        raise Unacceptable("file_missing", file=path.name)
    if path.stat().st_size > MOST_BYTES:
        raise Unacceptable("file_too_large", file=path.name, megabytes=MOST_BYTES // 2**20)
    head = _head(path)
    if not head.strip():
        raise Unacceptable("file_is_empty", file=path.name)
    kind = _binary_kind(head, path) or _text_kind(head, path)
    if kind is None:
        raise Unacceptable("file_unknown", file=path.name)
    return kind


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        with gzip.open(path) as unpacked:
            inner = unpacked.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)) from error
    # Only text is read through gzip; anything else inside would need a copy on disk.
    return inner if b"\x00" not in inner else b"\x00"


def _binary_kind(head: bytes, path: Path) -> FileKind | None:
    if head.startswith(b"SQLite format 3\x00") and head[68:72] in (b"GPKG", b"GP10", b"GP11"):
        return FileKind.geopackage
    if head.startswith(b"fgb\x03"):
        return FileKind.flatgeobuf
    if head.startswith(b"PAR1"):
        return FileKind.parquet
    if head.startswith(b"PK\x03\x04"):
        shapefile_in(path)
        return FileKind.shapefile
    return None


def _text_kind(head: bytes, path: Path) -> FileKind | None:
    if _VRT.search(head):
        raise Unacceptable("file_is_vrt", file=path.name)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\x00" in text:
        return None
    if text.startswith(b"{"):
        return FileKind.geojson
    if text.startswith(b"<"):
        return _xml_kind(text, path)
    first_line = text.splitlines()[0]
    return FileKind.csv if b"," in first_line or b";" in first_line or b"\t" in first_line else None


def _xml_kind(text: bytes, path: Path) -> FileKind | None:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise Unacceptable("file_has_entities", file=path.name)
    return FileKind.kml if re.search(rb"<(\w+:)?kml[\s>]", text) else None


def shapefile_in(path: Path) -> str:
    """The name of the one shapefile inside a zip archive.

    Raises Unacceptable `file_is_broken`, `archive_too_large` (a zip bomb says how large it wants to become),
    `archive_holds_more` (members that are no part of a shapefile) or `archive_without_shapefile`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _only_shapefile(archive, path)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason=str(error)) from error


def _only_shapefile(archive: zipfile.ZipFile, path: Path) -> str:
    members = [member for member in archive.infolist() if not _is_litter(member)]
    if sum(member.file_size for member in members) > MOST_BYTES:
        raise Unacceptable("archive_too_large", file=path.name, megabytes=MOST_BYTES // 2**20)
    foreign = [member.filename for member in members if not member.filename.lower().endswith(_SHAPEFILE_PARTS)]
    if foreign:
        raise Unacceptable("archive_holds_more", file=path.name, member=foreign[0])
    shapes = [member for member in members if member.filename.lower().endswith(".shp")]
    if len(shapes) != 1:
        raise Unacceptable("archive_without_shapefile", file=path.name, found=len(shapes))
    with archive.open(shapes[0]) as shape:
        if shape.read(4) != _SHAPEFILE_MAGIC:
            raise Unacceptable("file_is_broken", file=path.name, reason=f"{shapes[0].filename} is no shapefile")
    return shapes[0].filename


def _is_litter(member: zipfile.ZipInfo) -> bool:
    return member.is_dir() or member.filename.startswith("__MACOSX/") or member.filename.endswith(".DS_Store")
