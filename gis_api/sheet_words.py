"""Why a row of a standard sheet cannot be read, in words: for the page, the interface and the command line."""

from __future__ import annotations

from gis_api import texts
from layers.standards import RowRefusal


def words_of_refusal(one: RowRefusal, lang: str) -> str:
    """Row, column and what is wrong there, in one sentence."""
    why = texts.text(f"standards.why_{one.code}", lang, words=one.words)
    if not one.row:
        return why
    column = texts.text(f"standards.column_{one.column}", lang)
    return texts.text("standards.at", lang, row=one.row, column=column, why=why)
