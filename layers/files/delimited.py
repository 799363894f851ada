"""Tables of text, separated by commas, semicolons, tabs or bars: one reader for imports and for `wangge batch`.

    with open_delimited(path) as table:
        table.names, table.choice              what the header says, and the encoding that was decided
        for cells, fault in table.rows(): …    every row as it was written, as many cells as names

A row that cannot be parsed (a quote that nobody closes, more cells than the header) has a fault and stops nobody else.
Memory does not grow with the file.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from layers.errors import Unacceptable
from layers.files import encodings
from layers.files.archives import MOST_BYTES
from layers.files.encodings import Choice

SEPARATORS = (",", ";", "\t", "|")
_BLOCK = 1 << 22
# So many blocks of text that is not ASCII tell which encoding it is.
_MOST_BLOCKS = 4
_HEAD_ROWS = 20
# A shape as text may be long; a cell of many lines is a note, one of hundreds a quote that nobody closed.
_MOST_LINES = 200
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))

Row = tuple[list[str], str | None]


@dataclass(frozen=True)
class Delimited:
    """An open table: its column names, the encoding, the separator, and how many lines stood above the header."""

    names: list[str]
    choice: Choice
    separator: str
    above: int
    _lines: Iterator[str]
    _file: str

    def rows(self) -> Iterator[Row]:
        """The rows below the header, each with as many cells as there are names, and its fault or None."""
        count = len(self.names)
        try:
            for cells, fault in _records(self._lines, self.separator):
                surplus = any(cell.strip() for cell in cells[count:])
                yield (cells + [""] * count)[:count], fault or ("too_many_cells" if surplus else None)
        except UnicodeDecodeError as error:
            raise Unacceptable("encoding_unknown", file=self._file, tried=self.choice.codec) from error


@contextmanager
def open_delimited(path: Path, *, asked: str | None = None) -> Iterator[Delimited]:
    """The table in a text file (or one packed with gzip); `asked` is the encoding that a person named.

    Raises Unacceptable `encoding_unknown`, `encoding_not_known`, `file_is_empty`.
    """
    choice = _choice(path, asked)
    with _unpacked(path) as file, io.TextIOWrapper(file, encoding=choice.codec, newline="") as text:
        head = [line for _, line in zip(range(_HEAD_ROWS * 10), text, strict=False)]
        if head:
            head[0] = head[0].removeprefix("\ufeff")
        separator, head = _separator(head)
        lines = _Lines(head, text)
        above, header = _header(lines, separator, path.name)
        yield Delimited(unique_names(header), choice, separator, above, lines, path.name)


class _Lines:
    """Lines of a text that can be put back."""

    def __init__(self, head: Iterable[str], text: Iterable[str]) -> None:
        self._back = deque(head)
        self._text = iter(text)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        return self._back.popleft() if self._back else next(self._text)

    def put_back(self, lines: list[str]) -> None:
        """The lines that come next."""
        self._back.extendleft(reversed(lines))


def _records(lines: Any, separator: str) -> Iterator[Row]:
    """The records of these lines; one that cannot be parsed is its first line alone, with a fault."""
    taken: list[str] = []

    def feed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            if len(taken) > _MOST_LINES:
                return
            yield line

    reader = csv.reader(feed(), delimiter=separator, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            if not taken:
                return
            cells = None
        except csv.Error:
            cells = None
        if cells is None:
            lines.put_back(taken[1:])
            yield taken[0].rstrip("\r\n").split(separator), "quotes_do_not_match"
            reader = csv.reader(feed(), delimiter=separator, strict=True)
        elif cells:
            yield cells, None
        taken.clear()


def _choice(path: Path, asked: str | None) -> Choice:
    """The encoding of the whole file, decided before the first row is read: a sign on the last line counts too."""
    if asked is not None:
        return Choice(encodings.asked_codec(asked) or "utf-8")
    proof = codecs.getincrementaldecoder("utf-8")()
    telling: list[bytes] = []
    with _unpacked(path) as file:
        head = file.read(_BLOCK)
        marked = encodings.marked_codec(head)
        if marked is not None:
            return Choice(marked)
        block, proven = head, True
        while block and (proven or len(telling) < _MOST_BLOCKS):
            if not block.isascii():
                telling.append(block if block is head else block.partition(b"\n")[2])
            try:
                proof.decode(block) if proven else None
            except UnicodeDecodeError:
                proven = False
            block = file.read(_BLOCK)
    return encodings.choose(telling[-_MOST_BLOCKS:], file=path.name)


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not packed:
            yield file
            return
        with gzip.open(file) as inner, io.BufferedReader(_Counted(inner, path.name), _BLOCK) as counted:
            yield counted


class _Counted(io.RawIOBase):
    """What a packed file unpacks to, up to the size that a file may have: a few packed megabytes hold any number."""

    def __init__(self, inner: IO[bytes] | gzip.GzipFile, file: str) -> None:
        self._inner, self._file, self._left = inner, file, MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        """Fill the buffer; raises Unacceptable `file_too_large`."""
        block = self._inner.read(len(target))
        self._left -= len(block)
        if self._left < 0:
            raise Unacceptable("file_too_large", file=self._file, megabytes=MOST_BYTES // 2**20)
        target[: len(block)] = block
        return len(block)


def _separator(head: list[str]) -> tuple[str, list[str]]:
    """What parts the cells: as Excel's own line `sep=;` says, else the sign by which the first rows agree best."""
    if head and head[0].strip().lower().startswith("sep=") and len(head[0].strip()) in (4, 5):
        return head[0].rstrip("\r\n")[4:5] or "\t", head[1:]
    return max(SEPARATORS, key=lambda sign: _agreement(head, sign)), head


def _agreement(head: list[str], separator: str) -> tuple[int, int]:
    """How many of the first rows have the most frequent number of cells above one, and that number."""
    reader = csv.reader(head, delimiter=separator)
    counts = [len(cells) for cells, _ in zip(reader, range(_HEAD_ROWS), strict=False) if len(cells) > 1]
    if not counts:
        return (0, 0)
    usual = max(set(counts), key=lambda count: (counts.count(count), count))
    return counts.count(usual), usual


def _header(lines: Any, separator: str, file: str) -> tuple[int, list[str]]:
    """The first row with more than one filled cell, and how many stood above it: titles and blanks."""
    above: list[list[str]] = []
    for cells, _ in _records(lines, separator):
        if is_header(cells):
            return len(above), cells
        above.append(cells)
        if len(above) >= _HEAD_ROWS:
            break
    if not above:
        raise Unacceptable("file_is_empty", file=file)
    raise Unacceptable("file_has_no_header", file=file)


def is_header(cells: Iterable[str | None]) -> bool:
    """Whether a row names columns: a title above a table fills one cell only."""
    return sum(bool(cell and cell.strip()) for cell in cells) > 1


def unique_names(header: Iterable[str | None]) -> list[str]:
    """Column names that differ, none of them empty: `name`, `name_2`, `column 3`."""
    names: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = wanted = (cell or "").strip().strip("\ufeff") or f"column {number}"
        same = 2
        while name in names:
            name, same = f"{wanted}_{same}", same + 1
        names.append(name)
    return names
