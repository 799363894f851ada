"""Texts of a file as values: numbers, moments, words of a list. What cannot be read is refused, never guessed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from layers.errors import Unacceptable


class Unreadable(ValueError):
    """A cell that cannot be read: the reason's code and the text in question."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def whole(text: str | None, *, least: int = 0, most: int = 1_000_000) -> int | None:
    """The whole number; None for nothing. Raises Unreadable for anything else."""
    number = real(text, least=least, most=most)
    if number is not None and not number.is_integer():
        raise Unreadable("not_a_whole_number", text or "")
    return None if number is None else int(number)


def real(text: str | None, *, least: float, most: float) -> float | None:
    """The number within the limits; None for nothing. Raises Unreadable."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        raise Unreadable("not_a_number", text) from None
    if not math.isfinite(number) or not least <= number <= most:
        raise Unreadable("out_of_range", text)
    return number


def required(text: str | None, field: str) -> str:
    """The text; raises Unreadable where there is none."""
    if text is None:
        raise Unreadable("field_missing", field)
    return text


def zone_of(name: str | None) -> ZoneInfo | None:
    """The time zone of this name, None for none; raises Unacceptable for an unknown one."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Unacceptable("zone_unknown", zone=name) from error


def moment(text: str | None, zone: ZoneInfo | None) -> datetime | None:
    """The moment in UTC; None for nothing.

    A time without an offset is taken in `zone`; in the hour that a clock repeats in autumn it is the first of the two.
    Raises Unreadable for no time, for a time that the clocks of the zone skipped, and without a zone
    `time_without_offset`.
    """
    if text is None:
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise Unreadable("not_a_time", text) from None
    if told.tzinfo is not None:
        return told.astimezone(UTC)
    if zone is None:
        raise Unreadable("time_without_offset", text)
    local = told.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != told:
        raise Unreadable("time_skipped_by_clocks", text)
    return local.astimezone(UTC)


def one_of(text: str | None, words: Mapping[str, str], *, default: str) -> str:
    """The word of ours for a word of the file, compared without case; the default for nothing. Raises Unreadable."""
    if text is None:
        return default
    found = words.get(text.strip().lower())
    if found is None:
        raise Unreadable("unknown_word", text)
    return found
