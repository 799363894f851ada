"""Cells as values: what is read, and what is refused instead of guessed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from layers.errors import Unacceptable
from layers.importing.values import Unreadable, moment, read_one_of, read_real, read_whole, require_text, zone_of
from layers.importing.words import CHANNELS

NEW_YORK = zone_of("America/New_York")


def reason(call: object, *arguments: object, **options: object) -> str:
    assert callable(call)
    with pytest.raises(Unreadable) as caught:
        call(*arguments, **options)
    return caught.value.reason


def test_numbers_are_read_within_their_limits() -> None:
    assert (read_whole("12"), read_whole("12.0"), read_whole(None)) == (12, 12, None)
    assert read_real(" 3.5 ", least=0, most=10) == 3.5
    assert reason(read_whole, "12.5") == "not_a_whole_number"
    assert reason(read_whole, "-1") == "out_of_range"
    assert reason(read_real, "nan", least=0, most=1) == "out_of_range"
    assert reason(read_real, "三", least=0, most=1) == "not_a_number"


def test_a_time_without_an_offset_is_taken_in_the_zone_that_was_given() -> None:
    assert moment("2026-02-27T23:30:00", NEW_YORK) == datetime(2026, 2, 28, 4, 30, tzinfo=UTC)
    assert moment("2026-02-27T23:30:00+08:00", NEW_YORK) == datetime(2026, 2, 27, 15, 30, tzinfo=UTC)
    assert reason(moment, "2026-02-27T23:30:00", None) == "time_without_offset"
    assert reason(moment, "yesterday", NEW_YORK) == "not_a_time"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2026-11-29T22:00:00+08:00",
            "2026-11-29t14:00:00z",
            "2026-11-29 22:00:00+08",
            "2026-11-29T22:00:00.000+0800",
        ),
        *("2026/11/29 22:00", "2026/11/29 22:00:00", "2026-11-29T22:00", "2026年11月29日 22:00", "2026.11.29 22:00"),
    ],
)
def test_a_time_is_read_as_programs_and_spreadsheets_write_it(text: str) -> None:
    assert moment(text, zone_of("Asia/Shanghai")) == datetime(2026, 11, 29, 14, tzinfo=UTC)


def test_a_day_alone_begins_at_midnight_of_the_zone() -> None:
    assert moment("2026/1/9", zone_of("Asia/Shanghai")) == datetime(2026, 1, 8, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        *((text, "not_a_time") for text in ("20261129", "20261129T220000", "2026-W48-7", "2026-02-30", "46355.9")),
        *((text, "not_a_time") for text in ("2026/11/29 10:00 PM", "2026-11-29T24:30", "29/11/2026", "２０２６-11-29")),
        *((text, "out_of_range") for text in ("1969-12-31T00:00:00Z", "2101-01-01T00:00", "9999-12-31T00:00:00Z")),
        ("2100-12-31T22:00:00", "out_of_range"),
    ],
)
def test_what_is_no_time_is_refused(text: str, why: str) -> None:
    assert reason(moment, text, NEW_YORK) == why


def test_the_hour_that_clocks_skip_is_refused_and_the_repeated_one_is_the_first() -> None:
    assert reason(moment, "2026-03-08T02:30:00", NEW_YORK) == "time_skipped_by_clocks"
    assert moment("2026-11-01T01:30:00", NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_an_unknown_zone_is_refused() -> None:
    assert zone_of(None) is None
    for name in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(Unacceptable, match="zone_unknown"):
            zone_of(name)


def test_words_are_found_without_case_and_unknown_ones_refused() -> None:
    assert read_one_of("PHONE", CHANNELS, default="app") == "hotline"
    assert read_one_of(None, CHANNELS, default="app") == "app"
    assert reason(read_one_of, "pigeon", CHANNELS, default="app") == "unknown_word"
    assert reason(require_text, None, "name") == "field_missing"
