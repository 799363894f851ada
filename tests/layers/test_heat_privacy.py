"""What may be told of counts that derive from residents."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import Unacceptable
from layers.heat import SMALLEST_COUNT, suppress
from layers.heat.privacy import check_period

SHANGHAI = ZoneInfo("Asia/Shanghai")


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_a_cell_under_eleven_is_hidden() -> None:
    assert {"a", "b"} <= suppress({"a": 10, "b": 3, "c": 11}, parents={})


def test_an_empty_cell_is_hidden_too() -> None:
    assert "a" in suppress({"a": 0, "b": 0, "c": 30}, parents={})


def test_a_single_hidden_cell_takes_the_smallest_shown_one_with_it() -> None:
    counts = {"a": 5, "b": 40, "c": 20}
    assert suppress(counts, parents=dict.fromkeys(counts, "p")) == {"a", "c"}


def test_parents_are_looked_at_one_by_one() -> None:
    counts = {"a": 5, "b": 40, "c": 20, "d": 60}
    parents = {"a": "p", "b": "p", "c": "q", "d": "q"}
    assert suppress(counts, parents=parents) == {"a", "b"}


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 60), min_size=1, max_size=12))
def test_what_is_hidden_cannot_be_had_by_subtraction(counts: dict[str, int]) -> None:
    hidden = suppress(counts, parents={})
    shown = set(counts) - hidden
    assert all(counts[cell] >= SMALLEST_COUNT for cell in shown)
    if hidden and shown:
        # A reader can only subtract what is shown from the total: that leaves two cells or more, and eleven people.
        assert len(hidden) >= 2
        assert sum(counts[cell] for cell in hidden) >= SMALLEST_COUNT


@pytest.mark.parametrize(("since", "until"), [("2026-11-02", "2026-11-16"), ("2026-10-01", "2026-12-01")])
def test_whole_weeks_and_whole_months_are_allowed(since: str, until: str) -> None:
    check_period(day(since), day(until))


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("2026-11-03", "2026-11-10"),
        ("2026-11-02", "2026-11-05"),
        ("2026-11-02", "2026-11-02"),
        ("2026-11-02T08:00", "2026-11-09T08:00"),
        ("2026-10-01", "2026-11-02"),
    ],
)
def test_other_periods_are_refused(since: str, until: str) -> None:
    with pytest.raises(Unacceptable, match="resident_period"):
        check_period(day(since), day(until))
