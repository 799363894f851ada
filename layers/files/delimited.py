"""Tables of text, separated by commas, semicolons, tabs or bars: one reader for imports and for `wangge batch`.

    with open_delimited(path) as table:
        table.names, table.choice          what the header says, and the encoding that was decided
        for block in table.blocks(): …     rows as they were written, as many cells as names, and their faults

A row that cannot be parsed (a quote that nobody closes, more cells than the header) has a fault and stops nobody else.
Memory does not grow with the file. A block in which everything fits is parsed at one go (`swift`), faster than a bare
`csv.reader`; only a block in which something does not is parsed with care, record by record.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, Any

import pyarrow

from layers.errors import Unacceptable
from layers.files import encodings, swift
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

# Signs that are parsed at one go: enough that a block costs nothing, few enough that a fault spoils little.
_BLOCK_SIGNS = 1 << 19
# Where a block has a fault, only so many lines around it are parsed one by one.
_FEW_LINES = 500

Row = tuple[list[str], str | None]


@dataclass(frozen=True)
class Portion:
    """Some rows in their order: texts by column (Arrow) as they were written, and faults by the place in here."""

    columns: Mapping[str, Any]
    count: int
    faults: Mapping[int, str]


@dataclass(frozen=True)
class Delimited:
    """An open table: its column names, the encoding, the separator, and how many lines stood above the header."""

    names: list[str]
    choice: Choice
    separator: str
    above: int
    _lines: _Lines
    _file: str

    def blocks(self) -> Iterator[Portion]:
        """The rows below the header, some thousands at a time."""
        try:
            while text := self._lines.take(_BLOCK_SIGNS):
                columns = swift.parse(text, self.names, self.separator)
                if columns is not None:
                    yield Portion(columns, len(columns[self.names[0]]), {})
                else:
                    yield self._fit(self._read_again(text))
        except UnicodeDecodeError as error:
            raise Unacceptable("encoding_unknown", file=self._file, tried=self.choice.codec) from error

    def _read_again(self, text: str) -> Iterator[Row]:
        """The records of a text in which something does not fit; the last one may go on beyond it."""
        self._lines.put_back(list(io.StringIO(text, newline="")))
        while lines := self._lines.take_back(_FEW_LINES):
            records = _parse_at_once(lines, self.separator)
            if records is not None:
                yield from ((cells, None) for cells in records)
            else:
                self._lines.put_back(lines)
                yield from islice(_records(self._lines, self.separator), _FEW_LINES)

    def _fit(self, records: Iterable[Row]) -> Portion:
        """The records with as many cells as there are names; one with more that say something has a fault."""
        count, rows, faults = len(self.names), [], {}
        for at, (cells, fault) in enumerate(records):
            if fault is None and len(cells) == count:
                rows.append(cells)
                continue
            surplus = any(cell.strip() for cell in cells[count:])
            if told := fault or ("too_many_cells" if surplus else None):
                faults[at] = told
            rows.append((cells + [""] * count)[:count])
        cells_of = zip(*rows, strict=True) if rows else [()] * count
        columns = {
            name: pyarrow.array(cells, pyarrow.large_string()) for name, cells in zip(self.names, cells_of, strict=True)
        }
        return Portion(columns, len(rows), faults)


@contextmanager
def open_delimited(path: Path, *, asked: str | None = None) -> Iterator[Delimited]:
    """The table in a text file (or one packed with gzip); `asked` is the encoding that a person named.

    Raises Unacceptable `encoding_unknown`, `encoding_not_known`, `file_is_empty`.
    """
    choice = _choice(path, asked)
    with _open_unpacked(path) as file, io.TextIOWrapper(file, encoding=choice.codec, newline="") as text:
        head = [line for _, line in zip(range(_HEAD_ROWS * 10), text, strict=False)]
        if head:
            head[0] = head[0].removeprefix("\ufeff")
        separator, head = _separator(head)
        lines = _Lines(head, text)
        above, header = _header(lines, separator, path.name)
        yield Delimited(make_names_unique(header), choice, separator, above, lines, path.name)


class _Lines:
    """Lines of a text that can be put back."""

    def __init__(self, head: Iterable[str], text: io.TextIOWrapper) -> None:
        self._back = deque(head)
        self._text = text

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._text.readline()
        if not line:
            raise StopIteration
        return line

    def take_back(self, most: int) -> list[str]:
        """The next lines of those that were put back, up to so many."""
        return [self._back.popleft() for _ in range(min(most, len(self._back)))]

    def take(self, signs: int) -> str:
        """The next lines, of some so many signs, as one text; empty at the end."""
        text = "".join(self._back) or self._text.read(signs)
        self._back.clear()
        return text + self._text.readline() if text else ""

    def put_back(self, lines: list[str]) -> None:
        """The lines that come next."""
        self._back.extendleft(reversed(lines))


def _parse_at_once(lines: list[str], separator: str) -> list[list[str]] | None:
    """The records of these lines; None where one cannot be parsed, goes on beyond them, or has too many lines."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        records = list(reader)
    except csv.Error:
        return None
    if len(records) < len(lines) and _measure_longest_record(lines, separator) > _MOST_LINES:
        return None
    return records if all(records) else [cells for cells in records if cells]


def _measure_longest_record(lines: list[str], separator: str) -> int:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    ends = [reader.line_num for _ in reader]
    return max((end - begun for begun, end in pairwise([0, *ends])), default=0)


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
        return Choice(encodings.find_asked_codec(asked) or "utf-8")
    proof = codecs.getincrementaldecoder("utf-8")()
    telling: list[bytes] = []
    with _open_unpacked(path) as file:
        head = file.read(_BLOCK)
        marked = encodings.find_marked_codec(head)
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
def _open_unpacked(path: Path) -> Iterator[IO[bytes]]:
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


def make_names_unique(header: Iterable[str | None]) -> list[str]:
    """Column names that differ, none of them empty: `name`, `name_2`, `column 3`."""
    names: list[str] = []
    for number, cell in enumerate(header, start=1):
        name = wanted = (cell or "").strip().strip("\ufeff") or f"column {number}"
        same = 2
        while name in names:
            name, same = f"{wanted}_{same}", same + 1
        names.append(name)
    return names
