"""Documents of text (GeoJSON, KML) made ready for a reader that knows UTF-8 only; runs in the child process only."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

from layers.errors import Unacceptable
from layers.files import encodings
from layers.files.archives import MOST_BYTES, content_of, find_kml

_XML_ENCODING = re.compile(rb'^\s*<\?xml[^>]*?encoding\s*=\s*["\']([^"\']+)["\']', re.IGNORECASE)
_PATH = re.compile(r"['\"]?/(?:vsi\w+/)?[^\s'\"]*/[^\s'\"]*['\"]?:?")
_DRIVER = re.compile(r"^(?:\w*(?:Error|Exception)|[A-Z][\w ]{2,20}|\w+Driver)\s*:\s+")


def unpack_file(path: Path) -> bytes:
    """The bytes of a file, unpacked where gzip packed it; raises Unacceptable `file_too_large`."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if not packed:
        return path.read_bytes()
    with gzip.open(path) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise Unacceptable("file_too_large", file=path.name, megabytes=MOST_BYTES // 2**20)
    return content


def as_utf8(content: bytes, file: str, *, asked: str | None = None, stated: str | None = None) -> bytes:
    """The same text in UTF-8 without a mark in front; raises Unacceptable `encoding_unknown`."""
    marked = encodings.find_marked_codec(content[:4096])
    if marked is None and asked is None and content.isascii():
        return content
    codec = marked or encodings.choose([content], file=file, asked=asked, stated=(stated,)).codec
    if codec == "utf-8":
        return content
    try:
        return content.decode(codec).removeprefix("\ufeff").encode()
    except UnicodeError as error:
        raise Unacceptable("encoding_unknown", file=file, tried=codec) from error


def decode_kml(content: bytes, file: str) -> bytes:
    """A KML document in UTF-8 that says so: its reader knows few other encodings."""
    told = _XML_ENCODING.match(content)
    stated = told[1].decode("ascii", "replace") if told else None
    text = as_utf8(content, file, stated=stated)
    head = _XML_ENCODING.match(text)
    return text if head is None else text[: head.start(1)] + b"UTF-8" + text[head.end(1) :]


def read_kmz(path: Path) -> bytes:
    """The document of a KMZ as `decode_kml` gives it."""
    document = find_kml(path)
    if document is None:
        raise Unacceptable("archive_without_shapefile", file=path.name, found=0)
    return decode_kml(content_of(path, document), path.name)


def parse_object(content: bytes) -> dict[str, Any]:
    """A JSON object; empty where it is none."""
    try:
        told = json.loads(content)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def simplify_error(error: Exception) -> str:
    """What a library says of a file, without its drivers and classes and without places on this machine."""
    words = _PATH.sub("", " ".join(str(error).split()))
    return _DRIVER.sub("", words).strip(" :;,-'\"")[:200] or "its reader refuses it"
