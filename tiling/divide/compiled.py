"""The inner loops compiled by numba; importing this module fails where numba is not installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.extending import register_jitable

from tiling.divide import kernels

for _inner in (
    kernels.part_cost,
    kernels.stays_connected,
    kernels.move_atom,
    kernels._pick_other_part,
    kernels._counterpart,
    kernels._touches,
    kernels._may_go,
    kernels._root_of,
    kernels._visit,
):
    register_jitable(_inner)


def _compile(function: Callable[..., Any]) -> Any:
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # No folder is writable for the cache: compile in every process.
        return numba.njit(nogil=True)(function)


anneal = _compile(kernels.anneal)
grow_tree = _compile(kernels.grow_tree)
weights_below = _compile(kernels.weights_below)
