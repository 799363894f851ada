"""Workbooks (.xlsx) as tables of text, as a person sees them; runs in the child process only.

A date is written as a date, a number formatted `000000` with its zeros, a merged cell counts for all rows that it
covers, empty rows and titles above the header are left out. What a formula came to is taken as it was stored; one that
was never computed, and an error such as #N/A, stay what they are, and no field takes them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl

from layers.errors import Unacceptable
from layers.files.archives import decode_name, members_of
from layers.files.cells import text_of
from layers.files.delimited import is_header, make_names_unique

_CONTENT = "xl/workbook.xml"
_ZEROS = re.compile(r'"?0+"?')
# Full sheets are kept in memory, some 200 bytes a cell.
MOST_CELLS = 5_000_000


@dataclass(frozen=True)
class SheetTable:
    """One sheet: its column names, its columns as texts, and how many rows stood above the header."""

    columns: dict[str, list[str | None]]
    count: int
    above: int


def is_workbook(path: Path) -> bool:
    """Whether an archive is a workbook of the kind that is read; raises Unacceptable for its relatives that are not."""
    names = {decode_name(member) for member in members_of(path)}
    if "xl/workbook.bin" in names or "Index/Document.iwa" in names or "content.xml" in names:
        raise Unacceptable("workbook_of_another_kind", file=path.name)
    return _CONTENT in names


def list_sheets(path: Path) -> list[str]:
    """The sheets that a person sees and that hold something."""
    book = _open_workbook(path, values=True)
    return [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible" and _is_filled(sheet)]


def read_sheet(path: Path, sheet: str) -> SheetTable:
    """The table of a sheet; raises Unacceptable `file_has_no_header` for one without a row that names columns."""
    shown, written = _open_workbook(path, values=True)[sheet], _open_workbook(path, values=False)[sheet]
    if (shown.max_row or 0) * (shown.max_column or 0) > MOST_CELLS:
        raise Unacceptable("file_too_large", file=path.name, megabytes=MOST_CELLS // 1_000_000)
    rows = _texts(shown, written)
    begin = next((number for number, row in enumerate(rows) if is_header(row)), None)
    if begin is None:
        raise Unacceptable("file_has_no_header", file=path.name)
    width = max(len([*_trim_end(row)]) for row in rows[begin:])
    names = make_names_unique((rows[begin] + [None] * width)[:width])
    filled = [row for row in rows[begin + 1 :] if any(row)]
    columns = {
        name: [row[number] if number < len(row) else None for row in filled] for number, name in enumerate(names)
    }
    return SheetTable(columns, len(filled), begin)


def _open_workbook(path: Path, *, values: bool) -> Any:
    try:
        with path.open("rb") as file:
            return openpyxl.load_workbook(file, data_only=values)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, OSError, EOFError) as error:
        raise Unacceptable("file_is_broken", file=path.name, reason="the workbook cannot be opened") from error


def _is_filled(sheet: Any) -> bool:
    return any(cell is not None for row in sheet.iter_rows(values_only=True, max_row=50) for cell in row)


def _texts(shown: Any, written: Any) -> list[list[str | None]]:
    rows = [
        [_show_cell(cell, formula.value) for cell, formula in zip(row, formulas, strict=False)]
        for row, formulas in zip(shown.iter_rows(), written.iter_rows(), strict=False)
    ]
    for merged in shown.merged_cells.ranges:
        _spread(rows, merged)
    return rows


def _spread(rows: list[list[str | None]], merged: Any) -> None:
    """A cell that is merged down holds for each of its rows; merged across it stays one cell, as a title does."""
    top, left = merged.min_row - 1, merged.min_col - 1
    value = rows[top][left]
    for row in range(top + 1, min(merged.max_row, len(rows))):
        rows[row][left] = value


def _show_cell(cell: Any, formula: Any) -> str | None:
    """A cell as a person sees it; a formula that was never computed as its own text."""
    value = cell.value
    if value is None:
        return str(formula) if isinstance(formula, str) and formula.startswith("=") else None
    if isinstance(value, datetime):
        return (
            value.isoformat(sep=" ")
            if value.time() != time() or "h" in cell.number_format.lower()
            else str(value.date())
        )
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool) and _ZEROS.fullmatch(cell.number_format):
        return f"{value:.0f}".zfill(cell.number_format.count("0")) if abs(value) < 2**53 else text_of(value)
    return text_of(value)


def _trim_end(row: Sequence[str | None]) -> Sequence[str | None]:
    """The row without the empty cells at its end."""
    last = max((number for number, cell in enumerate(row) if cell), default=-1)
    return row[: last + 1]
