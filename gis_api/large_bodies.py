"""Large JSON bodies, read beside the event loop, so that nobody else waits for somebody's 60 MB.

    router = APIRouter(route_class=PatientRoute)

A thread alone would not help: the parser of the standard library works on a whole document without letting go of the
interpreter, some 3 s for 60 MB. Here a document is read in steps of some thousand numbers, between which others get
their turn, one large document at a time, and without the collector of garbage, which would look through millions of
new lists again and again. What comes out, errors and their places included, is what `json.loads` would give.
"""

from __future__ import annotations

import gc
import json
import re
from json import JSONDecodeError, JSONDecoder
from typing import Any

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

from gis_api import gc_tuning, memory
from gis_api.strict_routes import StrictRequest, StrictRoute, refuse_lone_surrogates

# Below this a body is parsed at once, in some 10 ms.
LARGE_BYTES = 500_000
# Where numbers and flat lists of numbers follow each other: up to so many are parsed in one step, in about 1 ms.
# Without possessive quantifiers, which Python 3.11.2 (Debian 12) gets wrong; no two neighbours share a character.
_RUN = re.compile(
    r"""(?:[ \t\n\r]* (?:\[[^\[\]{}"]{0,200}\] | [-+.\w]{1,40}) [ \t\n\r]* ,){1,2000}""", re.VERBOSE
).match
_BLANK = re.compile(r"[ \t\n\r]*").match
# A parsed document takes some fifteen times the memory of its text: one at a time.
_AT_ONCE = 1
# So many are there at the same time; others wait with their text, a fifteenth of it.
_HELD_AT_ONCE = 2
# Texts, numbers and words, by the documented door of the standard library.
_PLAIN = JSONDecoder()
_limiter: RunVar[CapacityLimiter] = RunVar("large_bodies")
_holders: RunVar[CapacityLimiter] = RunVar("large_documents")


class PatientRoute(StrictRoute):
    """A route that reads large JSON bodies beside the event loop."""

    @property
    def request_class(self) -> type[StrictRequest]:
        """One that reads patiently."""
        return PatientRequest


class PatientRequest(StrictRequest):
    """A request whose `json` gives others their turn."""

    _froze = _holds = False

    async def json(self) -> Any:
        """The body as a document; raises JSONDecodeError as `json.loads` does."""
        body = await self.body()
        if len(body) < LARGE_BYTES:
            return await super().json()
        if not hasattr(self, "_json"):
            await _get_holders().acquire_on_behalf_of(self)
            self._holds = True
            self._json = await run_sync(parse_in_steps, body, limiter=_get_limiter())
            self._froze = True
            await run_sync(refuse_lone_surrogates, self._json, body)
        return self._json

    def let_go(self) -> None:
        """Forget the document, and let the collector see again what was hidden from it."""
        if self._froze:
            self._json = None
            gc_tuning.show()
            memory.note_peak()
        if self._holds:
            _get_holders().release_on_behalf_of(self)


def parse_in_steps(body: bytes) -> Any:
    """The document, as `json.loads` gives it, without keeping the interpreter for long; hidden from the collector."""
    gc.disable()
    try:
        document = _document(body.decode(json.detect_encoding(body), "surrogatepass"))
        gc_tuning.hide()
    finally:
        gc.enable()
    return document


def _get_limiter() -> CapacityLimiter:
    try:
        return _limiter.get()
    except LookupError:
        made = CapacityLimiter(_AT_ONCE)
        _limiter.set(made)
        return made


def _get_holders() -> CapacityLimiter:
    try:
        return _holders.get()
    except LookupError:
        made = CapacityLimiter(_HELD_AT_ONCE)
        _holders.set(made)
        return made


def _document(text: str) -> Any:
    """The document that a text is, and nothing behind it."""
    document, end = _value(text, _skip_blank(text, 0), {})
    end = _skip_blank(text, end)
    if end != len(text):
        raise JSONDecodeError("Extra data", text, end)
    return document


def _value(text: str, at: int, names: dict[str, str]) -> tuple[Any, int]:
    """The value that begins at a place, and the place behind it; `names` of members are kept once each."""
    sign = text[at : at + 1]
    if sign == "[":
        return _list(text, at + 1, names)
    if sign == "{":
        return _object(text, at + 1, names)
    return _PLAIN.raw_decode(text, at)


def _object(text: str, end: int, names: dict[str, str]) -> tuple[dict[str, Any], int]:
    """The object that begins before a place, and the place behind it."""
    members: dict[str, Any] = {}
    end = _skip_blank(text, end)
    if text[end : end + 1] == "}":
        return members, end + 1
    while True:
        if text[end : end + 1] != '"':
            raise JSONDecodeError("Expecting property name enclosed in double quotes", text, end)
        name, end = _PLAIN.raw_decode(text, end)
        end = _skip_blank(text, end)
        if text[end : end + 1] != ":":
            raise JSONDecodeError("Expecting ':' delimiter", text, end)
        members[names.setdefault(name, name)], end = _value(text, _skip_blank(text, end + 1), names)
        end = _skip_blank(text, end)
        sign = text[end : end + 1]
        if sign == "}":
            return members, end + 1
        if sign != ",":
            raise JSONDecodeError("Expecting ',' delimiter", text, end)
        end = _skip_blank(text, end + 1)


def _list(text: str, end: int, names: dict[str, str]) -> tuple[list[Any], int]:
    """The list that begins before a place, and the place behind it."""
    values: list[Any] = []
    end = _skip_blank(text, end)
    if text[end : end + 1] == "]":
        return values, end + 1
    while True:
        end = _take_run(text, end, values)
        value, end = _value(text, end, names)
        values.append(value)
        end = _skip_blank(text, end)
        sign = text[end : end + 1]
        if sign == "]":
            return values, end + 1
        if sign != ",":
            raise JSONDecodeError("Expecting ',' delimiter", text, end)
        end = _skip_blank(text, end + 1)


def _take_run(text: str, end: int, values: list[Any]) -> int:
    """Take what can be parsed in larger steps; the place where the next value begins."""
    while run := _RUN(text, end):
        try:
            values += json.loads(f"[{text[end : run.end() - 1]}]")
        except JSONDecodeError as wrong:
            raise JSONDecodeError(wrong.msg, text, end + wrong.pos - 1) from None
        end = run.end()
    return _skip_blank(text, end)


def _skip_blank(text: str, end: int) -> int:
    blank = _BLANK(text, end)
    return blank.end() if blank else end
