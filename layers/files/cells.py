"""Cells of any kind as text, exactly: whole numbers never become floating point. In the child process only.

A floating number is written as the shortest text that means it; one beyond 2^53 keeps its exponent, because the whole
numbers around it cannot be told apart: whoever wants a code of it is refused.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow
import pyarrow.compute
from numpy.typing import NDArray

# Above this, floating point skips whole numbers.
MOST_EXACT = 2**53


def texts_of(column: Any) -> Any:
    """A column of Arrow as texts, empty ones and missing values null; lists and records as JSON, binary left out."""
    if isinstance(column, pyarrow.ChunkedArray):
        column = column.combine_chunks()
    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        return texts_of(column.dictionary_decode())
    if pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind):
        return _trim(column.cast(pyarrow.large_string()))
    if pyarrow.types.is_integer(kind) or pyarrow.types.is_boolean(kind):
        return column.cast(pyarrow.large_string())
    if pyarrow.types.is_null(kind) or pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
        return pyarrow.nulls(len(column), pyarrow.large_string())
    return as_texts([text_of(value) for value in column.to_pylist()])


def as_texts(values: Sequence[str | None]) -> Any:
    """Texts as a column of Arrow, trimmed, empty ones null."""
    return _trim(pyarrow.array(values, type=pyarrow.large_string()))


def _trim(column: Any) -> Any:
    trimmed = pyarrow.compute.utf8_trim_whitespace(column)
    empty = pyarrow.compute.equal(pyarrow.compute.binary_length(trimmed), 0)
    return pyarrow.compute.if_else(empty, pyarrow.scalar(None, pyarrow.large_string()), trimmed)


def text_of(value: Any) -> str | None:
    """A value as text, None for nothing."""
    if isinstance(value, str):
        return value.strip() or None
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= MOST_EXACT else repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def numbers_of(texts: Any) -> NDArray[np.float64]:
    """Numbers of a column of texts (or numbers), NaN for what is none."""
    if isinstance(texts, pyarrow.ChunkedArray):
        texts = texts.combine_chunks()
    if pyarrow.types.is_string(texts.type) or pyarrow.types.is_large_string(texts.type):
        texts = _trim(texts.cast(pyarrow.large_string()))
    try:
        told = texts.cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        # All at once where all are plain, one by one where a cell is none: it spoils its own row only.
        told = pyarrow.array([number_of(text) for text in texts.to_pylist()], type=pyarrow.float64())
    filled: NDArray[np.float64] = told.fill_null(np.nan).to_numpy(zero_copy_only=False)
    return filled


def number_of(text: str | None) -> float | None:
    """A cell as a number; None for what is none, digits of other scripts and of programs (`1_0`) included."""
    try:
        return float(text) if text and text.isascii() and "_" not in text else None
    except ValueError:
        return None
