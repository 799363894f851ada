from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.moments import (
    WrongMoment,
    is_in_bounds,
    read_asked_moment,
    read_day,
    read_moment,
    read_time_of_day,
)

OFFSETS = st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1970, 1, 3), datetime(2100, 12, 29)), OFFSETS)
def test_every_moment_told_by_a_program_is_read_as_it_is(moment: datetime, offset: timezone) -> None:
    told = moment.replace(tzinfo=offset)
    assert read_moment(told.isoformat()) == told
    assert read_asked_moment(told.isoformat().replace("+", " ")) == told


@given(st.datetimes(), OFFSETS)
def test_whatever_is_read_can_be_moved_to_any_zone(moment: datetime, offset: timezone) -> None:
    told = moment.replace(tzinfo=offset)
    try:
        read = read_moment(told.isoformat())
    except WrongMoment as wrong:
        assert wrong.code == "moment_out_of_bounds" and not is_in_bounds(told)
    else:
        assert read.astimezone(UTC).year in range(1970, 2101)
        assert read + timedelta(days=10_000) > read > read - timedelta(days=10_000)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("20261129", "not_a_moment"),
        ("1764425400", "not_a_moment"),
        ("2026-11-29", "not_a_moment"),
        ("2026-11-29T22:00Z", "not_a_moment"),
        ("20261129T220000Z", "not_a_moment"),
        ("2026-W48-7T22:00:00Z", "not_a_moment"),
        ("2026-02-30T00:00:00Z", "not_a_moment"),
        ("2026-11-29T24:00:00Z", "not_a_moment"),
        ("2026-11-29T23:59:60Z", "not_a_moment"),
        ("2026-11-29T22:00:00+24:00", "not_a_moment"),
        ("2026-11-29T22:00:00+0800", "not_a_moment"),
        ("٢٠٢٦-11-29T22:00:00Z", "not_a_moment"),
        (" 2026-11-29T22:00:00Z", "not_a_moment"),
        ("2026-11-29T22:00:00Z\n", "not_a_moment"),
        ("\ud800", "not_a_moment"),
        ("", "not_a_moment"),
        ("2026-11-29T22:00:00 08:00", "not_a_moment"),
        ("2026-11-29T22:00:00", "offset_missing"),
        ("0001-01-01T00:00:00+23:59", "moment_out_of_bounds"),
        ("1969-12-31T23:59:59.999999Z", "moment_out_of_bounds"),
        ("2101-01-01T00:00:00Z", "moment_out_of_bounds"),
        ("9999-12-31T23:59:59-23:59", "moment_out_of_bounds"),
    ],
)
def test_what_is_no_moment_says_why(text: str, code: str) -> None:
    with pytest.raises(WrongMoment) as refused:
        read_moment(text)
    assert refused.value.code == code


def test_the_forms_that_rfc_3339_allows_are_read() -> None:
    ten = datetime(2026, 11, 29, 22, tzinfo=UTC)
    for text in (
        "2026-11-29T22:00:00Z",
        "2026-11-29t22:00:00z",
        "2026-11-29 22:00:00-00:00",
        "2026-11-30T06:00:00+08:00",
    ):
        assert read_moment(text) == ten
    assert read_moment("2026-11-29T22:00:00.1234567899Z") == ten + timedelta(microseconds=123_456)


def test_days_and_times_of_day_are_texts_of_one_form() -> None:
    assert read_day("2026-11-29").isoformat() == "2026-11-29"
    assert read_time_of_day("22:00").isoformat() == "22:00:00"
    for text, code in (("20261129", "not_a_day"), ("2026-02-29", "not_a_day"), ("9999-12-31", "day_out_of_bounds")):
        with pytest.raises(WrongMoment, match=code):
            read_day(text)
    for text in ("8", "28800", "24:00", "22:00+08:00", "22:00:00.5"):
        with pytest.raises(WrongMoment, match="not_a_time_of_day"):
            read_time_of_day(text)
