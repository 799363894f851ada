"""What a process keeps between requests: no more than there is room for, what was used last stays."""

from __future__ import annotations

from layers.shelf import Shelf


def test_what_was_not_used_for_longest_makes_room() -> None:
    shelf: Shelf[str, int] = Shelf(2)
    shelf.keep("a", 1)
    shelf.keep("b", 2)
    assert shelf.find("a") == 1
    shelf.keep("c", 3)
    assert [shelf.find(key) for key in "abc"] == [1, None, 3]


def test_a_newer_thing_takes_the_place_of_the_older_one() -> None:
    shelf: Shelf[str, int] = Shelf(2)
    for thing in (1, 2):
        shelf.keep("a", thing)
    shelf.keep("b", 3)
    assert [shelf.find(key) for key in "ab"] == [2, 3]


def test_a_cleared_shelf_is_empty() -> None:
    shelf: Shelf[str, int] = Shelf(2)
    shelf.keep("a", 1)
    shelf.clear()
    assert shelf.find("a") is None
