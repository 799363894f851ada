"""The errors: one key each, a hint each, and a drawing that shows them all."""

import inspect

import pytest
import shapely

from tiling import errors
from tiling.errors import SplitsGrid, SplitsNeighbour, TilingError, WouldBreak

CHILDREN = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, TilingError) and kind is not TilingError
]


def test_every_error_has_a_key_of_its_own() -> None:
    keys = {kind.code for kind in CHILDREN}
    assert len(keys) == len(set(CHILDREN))
    assert TilingError.code not in keys
    assert all(key == key.lower() and " " not in key for key in keys)


@pytest.mark.parametrize("kind", CHILDREN, ids=lambda kind: kind.__name__)
def test_every_error_says_what_to_do_and_stands_in_the_drawing(kind: type[TilingError]) -> None:
    assert kind.hint.endswith(".")
    assert kind.__name__ in (errors.__doc__ or "")
    assert str(kind()) == kind.hint


def test_an_error_carries_the_place_and_the_values_of_its_message() -> None:
    error = WouldBreak("Grid A would cross itself.", where=shapely.Point(1, 2), grid="A")
    assert error.where == shapely.Point(1, 2)
    assert error.details == {"grid": "A"}
    assert str(error) == "Grid A would cross itself."


def test_the_pieces_of_a_split_grid_are_told() -> None:
    assert SplitsNeighbour is SplitsGrid
    assert SplitsGrid(pieces=[shapely.box(0, 0, 1, 1)]).pieces == (shapely.box(0, 0, 1, 1),)
