"""The table beside a shapefile (.dbf), cell by cell as it was written; runs in the child process only.

Read here and not by GDAL for two reasons: GDAL turns numbers of 19 digits into floating point, and it decodes names and
cells by one statement (an unknown one as Latin-1), while the encoding is to be decided from all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layers.errors import Unacceptable
from layers.files import encodings
from layers.files.encodings import Choice

_ENTRY_BYTES = 32
_LONGEST_HEADER = 65_535
_DELETED = ord("*")
_TEXT = "C"
# A memo's cell is the number of a block in another file, a binary one no text at all.
_NO_TEXT = "GBMPO"


@dataclass(frozen=True)
class _Field:
    name: bytes
    kind: str
    begin: int
    width: int


@dataclass(frozen=True)
class DbfTable:
    """The columns with their cells as text (None for nothing), which records are alive, and the encoding chosen."""

    columns: dict[str, list[str | None]]
    alive: np.ndarray[tuple[int], np.dtype[np.bool_]]
    choice: Choice


def read_dbf(content: bytes, *, file: str, asked: str | None, side: str | None) -> DbfTable:
    """The table of a .dbf; `asked` is the encoding that a person named, `side` what a .cpg beside it says.

    Raises Unacceptable `file_is_broken` for a table that is cut off, `encoding_unknown` as `encodings.choose`.
    """
    if len(content) < _ENTRY_BYTES:
        raise Unacceptable("file_is_broken", file=file, reason="the table (.dbf) is cut off")
    count, header, width = (
        int.from_bytes(content[4:8], "little"),
        int.from_bytes(content[8:10], "little"),
        int.from_bytes(content[10:12], "little"),
    )
    fields = _fields(content[_ENTRY_BYTES:header])
    rows = _records(content[header : header + count * width], count, width, file)
    alive = rows[:, 0] != _DELETED if count else np.zeros(0, dtype=bool)
    cells = {number: _cells(rows[alive], field) for number, field in enumerate(fields) if field.kind not in _NO_TEXT}
    texts = [cell for number, column in cells.items() if fields[number].kind == _TEXT for cell in column if cell]
    stated = (side, encodings.find_driver_codec(content[29]))
    choice, of_names = _choices([field.name for field in fields], texts, file=file, asked=asked, stated=stated)
    columns: dict[str, list[str | None]] = {}
    for number, column in cells.items():
        name = _find_free_name(
            encodings.decode(fields[number].name, of_names.codec).strip() or f"field {number + 1}", columns
        )
        columns[name] = _decode(column, fields[number], choice.codec)
    return DbfTable(columns, alive, choice)


def _choices(
    names: list[bytes], texts: list[bytes], *, file: str, asked: str | None, stated: tuple[str | None, ...]
) -> tuple[Choice, Choice]:
    """The encoding of the cells and that of the names: one for both, but GDAL itself has written two in one table."""
    try:
        both = encodings.choose([*names, *texts], file=file, asked=asked, stated=stated)
    except Unacceptable:
        of_cells = encodings.choose(texts, file=file, asked=asked, stated=stated)
        return of_cells, encodings.choose(names, file=file, stated=stated)
    return both, both


def _fields(entries: bytes) -> list[_Field]:
    """The fields in their order; the list of entries ends with a carriage return."""
    fields, begin = [], 1
    for at in range(0, min(len(entries), _LONGEST_HEADER) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        entry = entries[at : at + _ENTRY_BYTES]
        if entry[0] == 0x0D:
            break
        kind = chr(entry[11])
        # A text's width may use the byte of the decimals too: widths over 255 are written so.
        width = entry[16] + (entry[17] << 8 if kind == _TEXT else 0)
        fields.append(_Field(entry[:11].split(b"\x00")[0], kind, begin, width))
        begin += width
    return fields


def _records(body: bytes, count: int, width: int, file: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    if count and (not width or len(body) < count * width - 1):
        raise Unacceptable(
            "file_is_broken", file=file, reason=f"{len(body) // max(width, 1)} of {count} rows are there"
        )
    # Some writers leave out the last blank.
    whole = body.ljust(count * width, b" ")
    return np.frombuffer(whole, dtype=np.uint8).reshape(count, width or 1)[:, : width or 1]


def _cells(rows: np.ndarray[tuple[int, int], np.dtype[np.uint8]], field: _Field) -> list[bytes]:
    part = np.ascontiguousarray(rows[:, field.begin : field.begin + field.width])
    if not part.shape[1]:
        return [b""] * len(rows)
    return [cell.split(b"\x00")[0].strip() for cell in part.view(f"V{part.shape[1]}").ravel().tolist()]


def _decode(cells: Sequence[bytes], field: _Field, codec: str) -> list[str | None]:
    if field.kind == _TEXT:
        known = {cell: encodings.decode(cell, codec).strip() or None for cell in set(cells)}
        return [known[cell] for cell in cells]
    return [_value(cell.decode("ascii", "replace"), field.kind) for cell in cells]


def _value(text: str, kind: str) -> str | None:
    """A number, a date or a truth as text; blanks, stars (too wide for the column) and zero dates are nothing."""
    if not text or set(text) <= {"*", "?"}:
        return None
    if kind == "D":
        return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdigit() and text != "0" * 8 else None
    if kind == "L":
        return {"t": "true", "y": "true", "f": "false", "n": "false"}.get(text.lower())
    whole, dot, decimals = text.partition(".")
    if dot and decimals and not decimals.strip("0") and whole.lstrip("-").isdigit():
        return text if len(whole.lstrip("-")) > 15 else whole
    return text


def _find_free_name(name: str, taken: dict[str, list[str | None]]) -> str:
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free
