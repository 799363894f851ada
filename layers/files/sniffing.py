"""What a file is, by its content: the name of a file says nothing that can be trusted.

A one-line GDAL VRT named `.geojson` makes a reader open another file of the server, so only the kinds of the list are
read, and each by its own driver.
"""

from __future__ import annotations

import enum
import gzip
import re
import zlib
from pathlib import Path

from layers.errors import Unacceptable
from layers.files.archives import MOST_BYTES, find_kml, head_of, list_shapefiles
from layers.files.delimited import SEPARATORS
from layers.files.encodings import find_marked_codec
from layers.files.workbooks import is_workbook

_HEAD_BYTES = 8192
_VRT = re.compile(rb"<\s*(OGR)?VRTDataSource|<\s*VRTDataset", re.IGNORECASE)
# Kinds that are sent by mistake, by their first bytes, and the words for what to do.
_RELATIVES = (
    (b"\xd0\xcf\x11\xe0", "workbook_of_another_kind"),
    (b"Rar!", "archive_of_another_kind"),
    (b"7z\xbc\xaf", "archive_of_another_kind"),
    (b"\x00\x00\x27\x0a", "shapefile_alone"),
)
# A drawing begins with comments (group 999) or at once with its first section.
_DXF = re.compile(rb"(?:\s*999\r?\n[^\n]*\n)*\s*0\r?\n\s*SECTION\b")


class FileKind(enum.StrEnum):
    """The kinds of file that are read, and nothing else."""

    geopackage = "geopackage"
    geojson = "geojson"
    flatgeobuf = "flatgeobuf"
    kml = "kml"
    kmz = "kmz"
    dxf = "dxf"
    shapefile = "shapefile"
    parquet = "parquet"
    csv = "csv"
    workbook = "workbook"


def kind_of(path: Path) -> FileKind:
    """The kind of this file by its first bytes.

    Raises Unacceptable `file_missing`, `file_too_large` (over 1 GiB, compressed or not), `file_is_vrt`,
    `file_is_empty`, `file_unknown` or, for archives, what `archives` says.
    """
    if not path.is_file():
        raise Unacceptable("file_missing", file=path.name)
    if path.stat().st_size > MOST_BYTES:
        raise Unacceptable("file_too_large", file=path.name, megabytes=MOST_BYTES // 2**20)
    head = _head(path)
    for magic, code in _RELATIVES:
        if head.startswith(magic):
            raise Unacceptable(code, file=path.name)
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
    return inner if b"\x00" not in inner or find_marked_codec(inner) else b"\x00"


def _binary_kind(head: bytes, path: Path) -> FileKind | None:
    if head.startswith(b"SQLite format 3\x00") and head[68:72] in (b"GPKG", b"GP10", b"GP11"):
        return FileKind.geopackage
    if head.startswith(b"fgb\x03"):
        return FileKind.flatgeobuf
    if head.startswith(b"PAR1"):
        return FileKind.parquet
    if head.startswith(b"PK\x03\x04"):
        return _archive_kind(path)
    return None


def _archive_kind(path: Path) -> FileKind:
    if is_workbook(path):
        return FileKind.workbook
    if list_shapefiles(path):
        return FileKind.shapefile
    document = find_kml(path)
    if document is None:
        raise Unacceptable("archive_without_shapefile", file=path.name, found=0)
    if _sniff_xml_kind(head_of(path, document, size=_HEAD_BYTES), path) is not FileKind.kml:
        raise Unacceptable("file_unknown", file=path.name)
    return FileKind.kmz


def _text_kind(head: bytes, path: Path) -> FileKind | None:
    codec = find_marked_codec(head)
    if codec is not None:
        head = head.decode(codec, "ignore").encode()
    if _VRT.search(head):
        raise Unacceptable("file_is_vrt", file=path.name)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\x00" in text:
        return None
    if text.startswith(b"{"):
        return FileKind.geojson
    if text.startswith(b"<"):
        return _sniff_xml_kind(text, path)
    if _DXF.match(text):
        return FileKind.dxf
    # A title may stand above the header.
    first_lines = text.splitlines()[:5]
    return FileKind.csv if any(sign.encode() in line for line in first_lines for sign in SEPARATORS) else None


def _sniff_xml_kind(text: bytes, path: Path) -> FileKind | None:
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise Unacceptable("file_has_entities", file=path.name)
    return FileKind.kml if re.search(rb"<(\w+:)?kml[\s>]", text) else None
