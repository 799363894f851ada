"""The evaluation as a workbook (xlsx): rows, trend, and the formula of the score."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from gis_api import texts
from gis_api.papers.workbook import make_harmless
from layers.evaluation import FIGURES, LEFT_OUT, NONE, Evaluation, EvaluationAsked, Period, Row, find_rate

Cell = str | int | float | None
_WIDE, _USUAL = 26, 13
# Code, name, rank, score and the score before stand in front of the figures.
_SCORES = 5


@dataclass(frozen=True)
class Part:
    """One question, the period it is held against, and its answer."""

    asked: EvaluationAsked
    held: Period
    found: Evaluation


def evaluation_book(parts: Sequence[Part], weights: Mapping[str, float], *, lang: str) -> bytes:
    """The workbook as bytes: a sheet for each part, the trend of the first one, and the score.

    Counts are numbers, rates are numbers shown as percent.
    """
    book = Workbook()
    book.remove(book.worksheets[0])
    for part in parts:
        _write(book.create_sheet(texts.text(f"evaluation.by_{part.asked.by}", lang)), _rows(part, lang))
    trend = book.create_sheet(texts.text("evaluation.trend", lang))
    _write(trend, _trend(parts[0].found, lang))
    score = book.create_sheet(texts.text("evaluation.score", lang))
    _write(score, _score(weights, lang))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _rows(part: Part, lang: str) -> Iterable[Sequence[Cell]]:
    words = [texts.text(f"evaluation.figure_{name}", lang) for name in FIGURES]
    rate = texts.text("evaluation.rate", lang)
    before = texts.text("evaluation.before", lang, period=part.held.name)
    named = (texts.text(f"evaluation.by_{part.asked.by}", lang), texts.text("evaluation.name", lang))
    score = texts.text("evaluation.score", lang)
    heads = [head for word in words for head in (word, f"{word} {rate}", f"{word} {before}")]
    yield (*named, texts.text("evaluation.rank", lang), score, f"{score} {before}", *heads)
    for row in (part.found.total, *part.found.rows):
        yield (*_names(row, lang), row.rank, _round(row.score), _round(row.score_before), *_figures(row))


def _names(row: Row, lang: str) -> tuple[str, str]:
    if not row.code:
        return texts.text("evaluation.total", lang), ""
    if row.code == NONE:
        return "", texts.text("evaluation.none", lang)
    return row.code, row.name


def _figures(row: Row) -> Iterable[Cell]:
    for name in FIGURES:
        yield from (row.counts[name], find_rate(row.counts, name), None if row.before is None else row.before[name])


def _round(score: float | None) -> float | None:
    return None if score is None else round(score, 2)


def _trend(found: Evaluation, lang: str) -> Iterable[Sequence[Cell]]:
    yield (texts.text("evaluation.period", lang), *(texts.text(f"evaluation.figure_{name}", lang) for name in FIGURES))
    for part, counts in found.trend:
        yield (part.name, *(counts[name] for name in FIGURES))


def _score(weights: Mapping[str, float], lang: str) -> Iterable[Sequence[Cell]]:
    yield (texts.text("evaluation.formula", lang),)
    for name, weight in weights.items():
        way = texts.text(f"evaluation.better_{FIGURES[name].better}", lang)
        yield (texts.text(f"evaluation.figure_{name}", lang), weight, way)
    for name in LEFT_OUT:
        yield (texts.text(f"evaluation.left_out_{name}", lang),)


def _write(sheet: Worksheet, rows: Iterable[Sequence[Cell]]) -> None:
    for at, row in enumerate(rows, start=1):
        sheet.append([make_harmless(cell) if isinstance(cell, str) else cell for cell in row])
        for cell in sheet[at]:
            if isinstance(cell.value, str):
                cell.data_type = "s"
            if isinstance(cell.value, float) and 0.0 <= cell.value <= 1.0 and cell.column > _SCORES:
                cell.number_format = "0.0%"
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column in range(1, sheet.max_column + 1):
        sheet.column_dimensions[get_column_letter(column)].width = _WIDE if column <= 2 else _USUAL
    sheet.freeze_panes = "C2"
