"""Moments as people and programs send them: RFC 3339 with an offset, of the years 1970 to 2100 ([C6]).

    read_moment("2026-11-29T22:00:00+08:00")

One reader for queries, bodies, cursors, files and the command line (the HTTP types made of it stand in
`gis_api.moments`). Digits alone are no moment: read as seconds, `20261129` is a day of August 1970. The years are
bounded for all that is done with a moment afterwards: a year 9999 cannot be moved to another zone, and one stored
value that no process can read back stops all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from layers.errors import Unacceptable

FIRST_YEAR, LAST_YEAR = 1970, 2100
FIRST = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
# The first moment that is too late.
END = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
# How far a clock may be ahead of ours before what it says is no longer believed ([D2]).
CLOCK_ERROR = timedelta(seconds=60)
# [D2]: how long the fix of somebody's place is believed.
FRESH_S = 5 * 60
AGEING_S = 30 * 60
# How far ahead anything is planned, a publication, a shift, a new charge: what is further away is a wrong year.
PLANNED_AHEAD = timedelta(days=731)

_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,20})?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
_TIME_OF_DAY = re.compile(r"\d{2}:\d{2}(?::\d{2})?", re.ASCII)
_UNESCAPED_PLUS = re.compile(r"(?<=\d) (?=\d{2}:\d{2}\Z)", re.ASCII)


_clocks: list[Callable[[], datetime]] = [partial(datetime.now, UTC)]


def read_clock() -> datetime:
    """This moment, in UTC: the one place of the product that asks the machine what time it is."""
    return _clocks[-1]()


@contextmanager
def set_clock(clock: Callable[[], datetime]) -> Iterator[None]:
    """Have every part of this process go by another clock for a while: for tests, and for what is played again."""
    _clocks.append(clock)
    try:
        yield
    finally:
        _clocks.remove(clock)


class WrongMoment(ValueError):
    """What was sent is no moment, day or time of day; `code` names the sentence that says so."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_moment(text: str) -> datetime:
    """The moment, in the offset that it was sent in.

    Raises WrongMoment: `not_a_moment` for anything but RFC 3339 (a leap second cannot be told either),
    `offset_missing`, `moment_out_of_bounds` before 1970 and after 2100 (UTC). More than six digits of a second are cut.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise WrongMoment("not_a_moment")
    if found["offset"] is None:
        raise WrongMoment("offset_missing")
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        raise WrongMoment("not_a_moment") from None
    if not is_in_bounds(moment):
        raise WrongMoment("moment_out_of_bounds")
    return moment


def read_asked_moment(text: str) -> datetime:
    """The same from the query of an address, where a plus that nobody escaped has become a blank."""
    return read_moment(_UNESCAPED_PLUS.sub("+", text))


def is_in_bounds(moment: datetime) -> bool:
    """Whether a moment with an offset lies in the years that the service knows."""
    return FIRST <= moment < END


def require_past(moment: datetime, *at: str | int, now: datetime) -> None:
    """Raise Unacceptable `in_the_future` for what can only have happened; `at` is its place in the input."""
    if moment > now + CLOCK_ERROR:
        raise Unacceptable("in_the_future", errors=[(at, "in_the_future")])


def require_soon(moment: datetime, *at: str | int, now: datetime) -> None:
    """Raise Unacceptable `too_far_ahead` for what is planned for more than two years from now."""
    if moment > now + PLANNED_AHEAD:
        raise Unacceptable("too_far_ahead", errors=[(at, "too_far_ahead")])


def read_day(text: str) -> date:
    """The day `2026-11-29`; raises WrongMoment `not_a_day`, `day_out_of_bounds`."""
    if _DAY.fullmatch(text) is None:
        raise WrongMoment("not_a_day")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise WrongMoment("not_a_day") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise WrongMoment("day_out_of_bounds")
    return day


def read_month(text: str) -> date:
    """The first day of the month `2026-11`; raises WrongMoment `not_a_month`, `day_out_of_bounds`."""
    if _MONTH.fullmatch(text) is None:
        raise WrongMoment("not_a_month")
    try:
        return read_day(f"{text}-01")
    except WrongMoment as wrong:
        raise WrongMoment("not_a_month" if wrong.code == "not_a_day" else wrong.code) from None


def span_of_month(month: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """[start, end) of the month that holds a day, by the clock of a zone."""
    first = datetime(month.year, month.month, 1, tzinfo=zone)
    return first, datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=zone)


def read_time_of_day(text: str) -> time:
    """The time `22:00` or `22:00:00` by the clock of the city; raises WrongMoment `not_a_time_of_day`."""
    if _TIME_OF_DAY.fullmatch(text) is None:
        raise WrongMoment("not_a_time_of_day")
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise WrongMoment("not_a_time_of_day") from None
