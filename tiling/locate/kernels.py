"""The two ways to run the exact test: plain Python and numpy, or compiled by numba where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from tiling.locate import crossing, vectorised
from tiling.locate.crossing import Lookup, Tester


@dataclass(frozen=True)
class Kernel:
    """How many points are looked up, and how one point is tested in a cell with a border."""

    name: str
    many: Callable[[Lookup, Any, Any, Any, Any], None]
    tester_of: Callable[[Lookup], Tester]


PLAIN = Kernel("numpy", vectorised.locate_many, crossing.tester_of)


@cache
def choose_fastest() -> Kernel:
    """The compiled kernel, or the plain one where numba is missing; both give the same answers.

    The first call imports numba (a third of a second, two seconds more on a machine where nothing is cached): a
    service makes it at its start, a command that looks up one point never needs to.
    """
    try:
        from tiling.locate import compiled
    except ImportError:
        return PLAIN
    return Kernel("numba", compiled.locate_many, compiled.tester_of)
