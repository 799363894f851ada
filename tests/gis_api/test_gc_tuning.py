"""What the collector of garbage passes over, and for how long."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from gis_api import gc_tuning


class Knot:
    """Something that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _aside() -> Iterator[None]:
    """As in a service that has begun; nothing stays hidden behind a test."""
    gc_tuning.set_aside()
    yield
    while gc_tuning.is_hiding():
        gc_tuning.show()
    gc.collect()


def _dropped_knot() -> weakref.ref[Knot]:
    return weakref.ref(Knot())


def test_what_is_hidden_is_passed_over_until_it_is_shown() -> None:
    gc.collect()
    knot = _dropped_knot()
    gc_tuning.hide()
    gc.collect()
    assert knot() is not None
    gc_tuning.show()
    gc.collect()
    assert knot() is None


def test_what_two_have_hidden_is_seen_when_both_have_shown_it() -> None:
    gc_tuning.hide()
    knot = _dropped_knot()
    gc_tuning.hide()
    gc_tuning.show()
    gc.collect()
    assert knot() is not None and gc_tuning.is_hiding()
    gc_tuning.show()
    gc.collect()
    assert knot() is None and not gc_tuning.is_hiding()


def test_what_stays_is_set_aside_again_by_the_next_full_collection() -> None:
    gc_tuning.hide()
    gc_tuning.show()
    assert gc.get_freeze_count() == 0
    gc.collect(0)
    assert gc.get_freeze_count() == 0, "a small collection leaves garbage behind"
    gc.collect()
    assert gc.get_freeze_count() > 1_000
    knot = _dropped_knot()
    gc.collect()
    assert knot() is None, "what came later is seen"


def test_what_was_loaded_is_set_aside_once() -> None:
    before = len(gc.callbacks)
    gc_tuning.set_aside()
    assert len(gc.callbacks) == before
