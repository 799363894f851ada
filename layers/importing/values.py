"""Texts of a file as values: numbers, moments, words of a list. What cannot be read is refused, never guessed."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from layers.errors import Unacceptable
from layers.moments import WrongMoment, is_in_bounds, read_moment
from layers.specs import Code, Moment, Real, Rule, Text, Whole, Word

# From so many digits on, floating point (and a spreadsheet, which keeps fifteen) may have changed the last ones.
EXACT_DIGITS = 15
_WITH_ZEROS = re.compile(r"(\d+)\.0+")
_WITH_COMMAS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+[eE][+-]?|[eE]\+)\d+")
_ERRORS = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|#+)")
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_SHOWN = re.compile(
    r"(\d{4})\s*[/.年-]\s*(\d{1,2})\s*[/.月-]\s*(\d{1,2})\s*日?"
    r"(?:(?:[Tt]|\s+)(\d{1,2}):(\d{2})(:\d{2}(?:\.\d+)?)?\s*(\S*))?",
    re.ASCII,
)


class Unreadable(ValueError):
    """A cell that cannot be read: the reason's code and the text in question."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def sound(text: str | None) -> str | None:
    """The text of a cell without signs that nobody sees; None for nothing.

    Raises Unreadable for a control character, an error of a spreadsheet and a formula that was never computed.
    """
    if text is None:
        return None
    clean = text.translate(_UNSEEN).strip()
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\r\t" for sign in clean):
        raise Unreadable("control_character", clean.encode("unicode_escape").decode()[:80])
    if _ERRORS.fullmatch(clean):
        raise Unreadable("cell_is_an_error", clean)
    literal = re.fullmatch(r'="([^"]*)"', clean)
    if clean.startswith("=") and literal is None:
        raise Unreadable("formula_not_computed", clean[:80])
    return (literal[1] if literal else clean) or None


def code(text: str | None) -> str | None:
    """A code as it was before a spreadsheet got hold of it: without `.0`, a leading `'`, commas or full-width digits.

    Raises Unreadable `digits_lost` where digits are gone (`1.30273E+14`) or may be (17 digits with `.0`), and for line
    breaks, which no code has.
    """
    clean = sound(text)
    if clean is None:
        return None
    if any("\uff01" <= sign <= "\uff5e" for sign in clean):
        clean = unicodedata.normalize("NFKC", clean)
    clean = clean.removeprefix("'").strip()
    if re.search(r"[\n\r\t]", clean):
        raise Unreadable("control_character", " ".join(clean.split()))
    if _SCIENTIFIC.fullmatch(clean):
        raise Unreadable("digits_lost", clean)
    if _WITH_COMMAS.fullmatch(clean):
        clean = clean.replace(",", "")
    zeros = _WITH_ZEROS.fullmatch(clean)
    if zeros and len(zeros[1]) > EXACT_DIGITS:
        raise Unreadable("digits_lost", clean)
    return (zeros[1] if zeros else clean) or None


def read_whole(text: str | None, *, least: int = 0, most: int = 1_000_000) -> int | None:
    """The whole number; None for nothing. Raises Unreadable for anything else."""
    number = read_real(text, least=least, most=most)
    if number is not None and not number.is_integer():
        raise Unreadable("not_a_whole_number", text or "")
    return None if number is None else int(number)


def read_real(text: str | None, *, least: float, most: float) -> float | None:
    """The number within the limits; None for nothing. Raises Unreadable."""
    if text is None:
        return None
    try:
        number = float(text.replace(",", "") if _WITH_COMMAS.fullmatch(text) else text)
    except ValueError:
        raise Unreadable("not_a_number", text) from None
    if not math.isfinite(number) or not least <= number <= most:
        raise Unreadable("out_of_range", text)
    return number


def require_text(text: str | None, field: str) -> str:
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
    told = _read_time(text)
    if told.tzinfo is not None:
        return told.astimezone(UTC)
    if zone is None:
        raise Unreadable("time_without_offset", text)
    local = told.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != told:
        raise Unreadable("time_skipped_by_clocks", text)
    if not is_in_bounds(local):
        raise Unreadable("out_of_range", text)
    return local.astimezone(UTC)


def _read_time(text: str) -> datetime:
    """A time as written, in RFC 3339 or as spreadsheets show it (`2026/11/29 22:00`); naive without an offset."""
    written = _as_rfc3339(text.strip())
    try:
        try:
            return read_moment(written)
        except WrongMoment as wrong:
            if wrong.code != "offset_missing":
                raise
        return read_moment(f"{written}Z").replace(tzinfo=None)
    except WrongMoment as wrong:
        reason = "out_of_range" if wrong.code == "moment_out_of_bounds" else "not_a_time"
        raise Unreadable(reason, text) from None


def _as_rfc3339(text: str) -> str:
    """The time with all its figures: a day alone begins at midnight, `8:05` has seconds, `+08` is `+08:00`."""
    found = _SHOWN.fullmatch(text)
    if found is None:
        return text
    year, month, day, hours, minutes, seconds, offset = found.groups(default="")
    if re.fullmatch(r"[+-]\d{2}(\d{2})?", offset):
        offset = f"{offset[:3]}:{offset[3:] or '00'}"
    clock = f"{hours or '00':0>2}:{minutes or '00'}{seconds or ':00'}"
    return f"{year}-{month:0>2}-{day:0>2}T{clock}{offset}"


def read_one_of(text: str | None, words: Mapping[str, str], *, default: str) -> str:
    """The word of ours for a word of the file, compared without case; the default for nothing. Raises Unreadable."""
    if text is None:
        return default
    found = words.get(text.strip().lower())
    if found is None:
        raise Unreadable("unknown_word", text)
    return found


def value_of(text: str | None, rule: Rule, *, zone: ZoneInfo | None) -> Any:
    """What a cell (None for an empty one) is by the rule of its field; raises Unreadable.

    A cell of a `Code` comes in as it was before a spreadsheet got hold of it (`code`).
    """
    if text is None:
        return rule.default if isinstance(rule, Text | Whole | Word) else None
    match rule:
        case Text():
            return text
        case Code():
            if rule.pattern and not re.fullmatch(rule.pattern, text):
                raise Unreadable(rule.wrong, text)
            return text
        case Whole():
            return read_whole(text, least=rule.least, most=rule.most)
        case Real():
            return read_real(text, least=rule.least, most=rule.most)
        case Word():
            return read_one_of(text, rule.words, default="")
        case Moment():
            return moment(text, zone)
