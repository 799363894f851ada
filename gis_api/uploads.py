"""A form with a file, written to disk as it comes in: nothing of the file is ever held in memory.

    form = await receive(request, folder=settings.upload_folder)

The file lies under a random name, readable by nobody else; what its sender calls it is only ever shown. Whatever goes
wrong, a broken connection included, no part of a file stays behind.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from gis_api.errors import Problem
from layers.errors import Unavailable
from layers.jobs import make_id

_EXTENDED_NAME = re.compile(rb"""(?:^|;)\s*filename\*\s*=\s*"?([\w.:-]+)'[\w-]*'([^;"\s]+)""", re.IGNORECASE)
MOST_PARTS = 40
MOST_FIELD_BYTES = 64_000
# What must stay free on the disk beside the file itself.
SPARE_BYTES = 200_000_000


@dataclass(frozen=True)
class Received:
    """A file on disk: the id that it lies under, what its sender calls it, its size and digest."""

    id: str
    path: Path
    name: str
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True)
class Form:
    """The fields of a form, the last value of each, and the file where there was one."""

    fields: Mapping[str, str]
    file: Received | None


def is_form(request: Request) -> bool:
    """Whether a request carries a form that may hold a file."""
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


async def receive(request: Request, *, folder: Path) -> Form:
    """The form of a request, its file in the folder; raises Problem for a form that cannot be read, and for two files.

    The limit on the body is the envelope's (413). Raises Unavailable `no_room` where the disk is full.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if not boundary:
        raise Problem(400, "form_broken")
    _require_room(folder, int(request.headers.get("content-length", "0") or 0))
    reader = _Reader(folder)
    try:
        await _read_all(request, MultipartParser(boundary, reader.callbacks()), reader)
    except BaseException as failure:
        reader.drop()
        if isinstance(failure, MultipartParseError):
            raise Problem(400, "form_broken") from failure
        if isinstance(failure, OSError) and failure.errno == errno.ENOSPC:
            raise Unavailable("no_room", retry_after_s=600) from failure
        raise
    return reader.form()


async def _read_all(request: Request, parser: MultipartParser, reader: _Reader) -> None:
    async for chunk in request.stream():
        parser.write(chunk)
        if reader.waiting_bytes:
            await run_in_threadpool(reader.flush)
    parser.finalize()
    if not reader.ended:
        raise Problem(400, "form_broken")


def _require_room(folder: Path, coming_bytes: int) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free < coming_bytes + SPARE_BYTES:
        raise Unavailable("no_room", retry_after_s=600)


def _file_name(options: Mapping[bytes, bytes], disposition: bytes) -> str | None:
    """What the sender calls the file; `filename*=` (RFC 5987: charset, language, percent signs) before `filename=`."""
    extended = _EXTENDED_NAME.search(disposition)
    if extended is not None:
        try:
            return unquote_to_bytes(extended[2]).decode(extended[1].decode("ascii"))
        except (LookupError, UnicodeError):
            return unquote_to_bytes(extended[2]).decode("utf-8", errors="replace")
    told = options.get(b"filename")
    return None if told is None else told.decode("utf-8", errors="replace")


@dataclass
class _Reader:
    """What has come in so far; the parser calls it for every part."""

    folder: Path
    fields: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    waiting_bytes: int = 0
    _header: bytearray = field(default_factory=bytearray)
    _value: bytearray = field(default_factory=bytearray)
    _disposition: bytes = b""
    _name: str = ""
    _filename: str | None = None
    _content: bytearray = field(default_factory=bytearray)
    _file: Any = None
    _file_id: str = ""
    _file_name: str = ""
    _size_bytes: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)
    _parts: int = 0

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._keep_header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._close,
            "on_end": self._finish,
        }

    def flush(self) -> None:
        """Write to disk what has come in of the file."""
        self._digest.update(self._content)
        self._file.write(self._content)
        self._size_bytes += len(self._content)
        self._content.clear()
        self.waiting_bytes = 0

    def drop(self) -> None:
        """Leave nothing behind."""
        if self._file is not None:
            self._file.close()
            (self.folder / self._file_id).unlink(missing_ok=True)

    def form(self) -> Form:
        """What came in."""
        if self._file is None:
            return Form(self.fields, None)
        path = self.folder / self._file_id
        file = Received(self._file_id, path, self._file_name, self._size_bytes, self._digest.digest())
        return Form(self.fields, file)

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Problem(400, "form_broken")
        self._header.clear()
        self._value.clear()
        self._disposition = b""

    def _keep_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", errors="replace")[:100]
        self._filename = _file_name(options, self._disposition)
        self._content.clear()
        if self._filename is not None:
            self._open_file(self._filename)

    def _open_file(self, name: str) -> None:
        if self._file is not None:
            raise Problem(422, "upload_twice", errors=[(["file"], "upload_twice")])
        self._file_id = make_id()
        # Only what stands behind the last separator: browsers of old sent whole paths.
        self._file_name = name.replace("\\", "/").rsplit("/", 1)[-1][:200] or "-"
        fd = os.open(self.folder / self._file_id, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file = os.fdopen(fd, "wb")

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._content.extend(data[start:end])
        if self._filename is not None:
            self.waiting_bytes = len(self._content)
        elif len(self._content) > MOST_FIELD_BYTES:
            raise Problem(422, "field_too_long", field=self._name)

    def _close(self) -> None:
        if self._filename is None:
            self.fields[self._name] = self._content.decode("utf-8", errors="replace")
            self._content.clear()
            return
        self.flush()

    def _finish(self) -> None:
        self.ended = True
        if self._file is not None:
            self._file.close()
