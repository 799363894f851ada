"""The types of every time at the HTTP doors ([C6]): there is no other, neither pydantic's nor Python's.

    at: AskedMoment | None = None          in a query
    occurred_at: Moment | None = None      in a body
    day: Day | None = None                 a day of the city
    from_: TimeOfDay                       by the clock of the city

pydantic's own `datetime`, `date` and `time` take digits as seconds. What is a moment is said in `layers.moments`;
what a moment must mean besides (a plan comes into force within two years) is said where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from layers.moments import WrongMoment, read_asked_moment, read_day, read_moment, read_month, read_time_of_day

T = TypeVar("T")


def _read_by(read: Callable[[str], T], otherwise: str) -> BeforeValidator:
    """Take texts by a reader of `layers.moments`; whatever is no text is refused with that code."""

    def take(sent: object) -> T:
        try:
            if isinstance(sent, str):
                return read(sent)
        except WrongMoment as wrong:
            raise PydanticCustomError(wrong.code, "{code}", {"code": wrong.code}) from None
        raise PydanticCustomError(otherwise, "{code}", {"code": otherwise})

    return BeforeValidator(take)


def _as(form: str, words: str, example: str) -> WithJsonSchema:
    schema: dict[str, Any] = {"type": "string", "format": form, "description": words, "examples": [example]}
    return WithJsonSchema(schema)


_MOMENT = _as("date-time", "RFC 3339 with an offset, of the years 1970 to 2100.", "2026-11-29T22:00:00+08:00")

Moment = Annotated[datetime, _read_by(read_moment, "not_a_moment"), _MOMENT]
AskedMoment = Annotated[datetime, _read_by(read_asked_moment, "not_a_moment"), _MOMENT]
Day = Annotated[date, _read_by(read_day, "not_a_day"), _as("date", "A day of the city, of 1970 to 2100.", "2026-11-29")]
AskedMonth = Annotated[date, _read_by(read_month, "not_a_month"), _as("month", "A month of the city.", "2026-10")]
TimeOfDay = Annotated[
    time, _read_by(read_time_of_day, "not_a_time_of_day"), _as("time", "By the clock of the city.", "22:00")
]
