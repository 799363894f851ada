"""A sheet from a workbook (.xlsx) and into one: eleven columns, a row for each condition, cells merged by sub-class.

    reading = read_workbook(file)
    file = book_of(sheet, lang="en")

What a stranger's workbook holds is looked at in a child process only, as a person sees it: a date as a date, `2` in the
format `0"个工作日"` as "2个工作日", a cell merged over several rows in each of them; of formulas what they came to.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from layers import sandbox
from layers.errors import Unacceptable
from layers.files.cells import text_of
from layers.sandbox import Room, SandboxLimits
from layers.standards.limits import write_limit
from layers.standards.reading import Reading, SheetRows, read_rows
from layers.standards.sheet import StandardSheet, SubClass

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# A city's sheet has some hundred rows; a workbook of this size takes a second and 200 MB.
MOST_BYTES, MOST_CELLS = 4_000_000, 200_000
ROOM = Room(limits=SandboxLimits(memory_bytes=1536 * 2**20, cpu_s=20, wall_s=40.0, answer_bytes=32 * 2**20))
_SUFFIX = re.compile(r'(?:#,##)?0(?:\.0+)?\s*"([^"]+)"|General\s*"([^"]+)"')
_ZEROS = re.compile(r'"?0+"?')
_DANGEROUS = re.compile(r"'*[=+\-@＝＋－＠]")
HEADS = {
    "zh-CN": (
        "类别",
        "大类",
        "小类代码",
        "小类",
        "主管部门",
        "责任部门",
        "立案条件",
        "处置时限",
        "结案条件",
        "法律依据",
    ),
    "en": (
        "Kind",
        "Class",
        "Code",
        "Sub-class",
        "Supervising",
        "Responsible",
        "Condition",
        "Limit",
        "Closes",
        "Legal basis",
    ),
}
_KINDS = {"zh-CN": {"component": "部件", "event": "事件"}, "en": {"component": "Component", "event": "Event"}}
_TITLES = {"zh-CN": "立案结案标准", "en": "Standard sheet"}
_WIDTHS = (8, 16, 11, 18, 16, 16, 44, 14, 40, 34)
# The columns that say something of a sub-class, by place; the others belong to a condition.
_OF_SUB_CLASS = (0, 2, 3, 4, 5, 9)
_CLASS = 1
_HEAD = PatternFill("solid", fgColor="E4EFFC")
_LINE = Side(style="thin", color="C9C5BB")
_EDGE = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)


def read_workbook(file: bytes) -> Reading:
    """The sheet in a workbook, or why not; about a second, in a child process."""
    return read_rows(tables_of(sandbox.run("layers.standards.workbook:rows_of", file, room=ROOM)))


def read_file(path: Path) -> Reading:
    """The same of a file; raises Unacceptable for one that is not there or too large."""
    if not path.is_file():
        raise Unacceptable("file_missing", file=path.name)
    if path.stat().st_size > MOST_BYTES:
        raise Unacceptable("file_too_large", file=path.name, megabytes=MOST_BYTES // 1_000_000)
    return read_workbook(path.read_bytes())


def rows_of(file: bytes) -> bytes:
    """The visible tables of a workbook as JSON, for `tables_of`; runs in the child process only.

    Raises Unacceptable `file_is_broken` for what is no workbook, `file_too_large` for one with too many cells.
    """
    try:
        book = openpyxl.load_workbook(io.BytesIO(file), data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, OSError, EOFError) as error:
        raise Unacceptable("file_is_broken", file="xlsx", reason="the workbook cannot be opened") from error
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if sum((sheet.max_row or 0) * (sheet.max_column or 0) for sheet in shown) > MOST_CELLS:
        raise Unacceptable("file_too_large", file="xlsx", megabytes=MOST_BYTES // 1_000_000)
    return json.dumps([_table(sheet) for sheet in shown]).encode()


def tables_of(answer: bytes) -> list[SheetRows]:
    """The tables that the child process has found."""
    return [
        SheetRows(
            table["title"],
            [(number, cells) for number, cells in enumerate(table["rows"], start=1)],
            {int(number): frozenset(places) for number, places in table["own"].items()},
        )
        for table in json.loads(answer)
    ]


def _table(sheet: Any) -> dict[str, Any]:
    rows = [[_read_cell(cell) for cell in row] for row in sheet.iter_rows(min_row=1, min_col=1)]
    own = {number: [at for at, cell in enumerate(row) if cell] for number, row in enumerate(rows, start=1)}
    for merged in sheet.merged_cells.ranges:
        _spread(rows, merged)
    return {"title": sheet.title, "rows": rows, "own": own}


def _spread(rows: list[list[str | None]], merged: Any) -> None:
    """A cell that is merged down holds for each of its rows; merged across it stays one cell, as a title does."""
    top, left = merged.min_row - 1, merged.min_col - 1
    if top < len(rows) and left < len(rows[top]):
        for row in range(top + 1, min(merged.max_row, len(rows))):
            rows[row][left] = rows[top][left]


def _read_cell(cell: Any) -> str | None:
    value, written = cell.value, cell.number_format or ""
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() and "h" not in written.lower() else str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        if _ZEROS.fullmatch(written) and abs(value) < 2**53:
            return f"{value:.0f}".zfill(written.count("0"))
        found = _SUFFIX.fullmatch(written)
        return f"{text_of(value)}{found[1] or found[2]}" if found else text_of(value)
    return text_of(value)


def book_of(sheet: StandardSheet, *, lang: str) -> bytes:
    """The sheet as a workbook that reads as the same sheet again; its head stands on every printed page."""
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = _TITLES[lang]
    page.append(list(HEADS[lang]))
    for row in _rows(sheet, lang):
        page.append(row)
    _dress(page)
    _merge(page, sheet)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _rows(sheet: StandardSheet, lang: str) -> Iterator[list[str]]:
    for one in sheet.sub_classes:
        kind = _KINDS[lang].get(one.kind, "")
        for condition in one.conditions:
            told = (kind, one.class_name, one.code, one.name, one.supervising, one.responsible, condition.case)
            limit = write_limit(condition.limit, lang)
            yield [_guard(text) for text in (*told, limit, condition.closes, one.basis)]


def _guard(text: str) -> str:
    """A text that no spreadsheet takes for a formula; `reading` takes the apostrophe off again."""
    return f"'{text}" if _DANGEROUS.match(text) else text


def _dress(page: Any) -> None:
    for row in page.iter_rows():
        for cell in row:
            cell.border, cell.number_format = _EDGE, "@"
            cell.alignment = Alignment(vertical="top", wrap_text=True)
    for cell in page[1]:
        cell.font, cell.fill = Font(bold=True), _HEAD
    for at, width in enumerate(_WIDTHS, start=1):
        page.column_dimensions[get_column_letter(at)].width = width
    page.freeze_panes = "A2"
    page.print_title_rows = "1:1"
    page.page_setup.orientation, page.page_setup.paperSize = "landscape", page.PAPERSIZE_A4
    page.page_setup.fitToWidth, page.page_setup.fitToHeight = 1, 0
    page.sheet_properties.pageSetUpPr.fitToPage = True


def _merge(page: Any, sheet: StandardSheet) -> None:
    row = 2
    for one in sheet.sub_classes:
        _join(page, row, len(one.conditions), _OF_SUB_CLASS)
        row += len(one.conditions)
    row = 2
    for rows in _class_rows(sheet.sub_classes):
        _join(page, row, rows, (_CLASS,))
        row += rows


def _class_rows(sub_classes: Sequence[SubClass]) -> Iterator[int]:
    """How many rows each run of one class takes."""
    before, rows = None, 0
    for one in sub_classes:
        if rows and one.class_name != before:
            yield rows
            rows = 0
        before, rows = one.class_name, rows + len(one.conditions)
    yield rows


def _join(page: Any, row: int, rows: int, columns: Sequence[int]) -> None:
    for column in columns if rows > 1 else ():
        page.merge_cells(start_row=row, end_row=row + rows - 1, start_column=column + 1, end_column=column + 1)
