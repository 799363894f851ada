"""The handover list as a workbook (xlsx), to be read and printed by whoever takes over a grid.

Names come from data: one that begins with = + - @ or a control character would be a formula in a spreadsheet, or in
the CSV that somebody makes of it. Such a text is stored as text and begins with an apostrophe.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from gis_api import texts
from layers.planning import Handover

Cell = str | int | None
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_HEAD = PatternFill("solid", fgColor="E4EFFC")
_LINE = Side(style="thin", color="C9C5BB")
_EDGE = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_WIDEST = 42


@dataclass(frozen=True)
class _Words:
    lang: str

    def __call__(self, key: str, **values: object) -> str:
        return texts.text(f"handover.{key}", self.lang, **values)


def build_handover_book(handover: Handover, *, lang: str) -> bytes:
    """The workbook as bytes: a sheet of duties, one of what passes from grid to grid, one of buildings, and one of
    grids that nobody serves. Header rows stay when scrolled and are printed on every page."""
    words = _Words(lang)
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, columns, rows in (
        ("duties", ("worker", "name", "direction", "grid", "grid_name", "level", "role", "households"), _duties),
        ("passings", _PASSINGS, _list_passings),
        ("houses", _HOUSES, _houses),
        ("unserved", ("grid", "grid_name", "households"), _list_unserved),
    ):
        if name != "unserved" or handover.unserved:
            sheet = book.create_sheet(words(name))
            _write(sheet, [words(f"column_{column}") for column in columns], rows(handover, words))
            _furnish(sheet, title=_title(handover, words))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


_PASSINGS = (
    *("worker", "name", "direction", "from", "from_name", "to", "to_name", "others"),
    *("buildings", "households", "incidents", "hazards", "devices"),
)
_HOUSES = ("worker", "name", "direction", "compound", "building", "address", "households", "from", "to")


def _title(handover: Handover, words: _Words) -> str:
    plan = handover.title or handover.district
    if handover.effective_at is None:
        return words("title", plan=plan)
    return words("title_from", plan=plan, day=f"{handover.effective_at:%Y-%m-%d}")


def _duties(handover: Handover, words: _Words) -> Iterable[Sequence[Cell]]:
    for one in handover.duties:
        role = texts.text(f"roles_in_grid.{one.role}", words.lang)
        yield (
            *(one.worker, one.worker_name, words(one.direction), one.grid, one.grid_name),
            *(words(one.level), role, one.households),
        )


def _list_passings(handover: Handover, words: _Words) -> Iterable[Sequence[Cell]]:
    for one in handover.passings:
        move = one.move
        yield (
            *(move.worker, one.worker_name, words(move.direction), move.origin, one.origin_name, move.target),
            *(one.target_name, words("and").join(one.others), one.buildings, one.households, one.incidents),
            *(one.hazards, words("few") if one.devices is None else one.devices),
        )


def _houses(handover: Handover, words: _Words) -> Iterable[Sequence[Cell]]:
    for one in handover.houses:
        move = one.move
        yield (
            *(move.worker, one.worker_name, words(move.direction), one.compound, one.name, one.address),
            *(one.households, move.origin, move.target),
        )


def _list_unserved(handover: Handover, _: _Words) -> Iterable[Sequence[Cell]]:
    yield from handover.unserved


def _write(sheet: Worksheet, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    sheet.append(list(head))
    for row in rows:
        sheet.append([make_harmless(cell) for cell in row])
        for cell in sheet[sheet.max_row]:
            cell.border = _EDGE
            if isinstance(cell.value, str):
                # openpyxl takes a text that begins with = for a formula.
                cell.data_type = "s"
                cell.alignment = Alignment(vertical="top", wrap_text=True)
    for cell in sheet[1]:
        cell.font, cell.fill, cell.border = Font(bold=True), _HEAD, _EDGE


def make_harmless(cell: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula, without characters that no workbook may hold."""
    if not isinstance(cell, str):
        return cell
    clean = ILLEGAL_CHARACTERS_RE.sub("", cell)
    return f"'{clean}" if clean.startswith(_DANGEROUS) else clean


def _furnish(sheet: Worksheet, *, title: str) -> None:
    """Widths by content, the header frozen and repeated, one page wide on A4 across."""
    for at, column in enumerate(sheet.iter_cols(), start=1):
        longest = max((_width(cell.value) for cell in column), default=0)
        sheet.column_dimensions[get_column_letter(at)].width = min(longest + 3, _WIDEST)
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    # & begins a code in headers and footers.
    sheet.oddHeader.center.text = title.replace("&", "&&")[:200]
    sheet.oddFooter.center.text = "&P / &N"


def _width(value: object) -> int:
    """The width of a text in columns: a Chinese character takes two."""
    return sum(2 if ord(letter) > 0x2E80 else 1 for letter in str(value if value is not None else ""))
