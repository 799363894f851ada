"""The kernel compiled by numba; importing this module fails where numba is not installed.

The signatures are fixed, so that the first call costs as little as the hundredth: importing takes a third of a second
from numba's cache and some two seconds where nothing is cached yet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from tiling.locate import crossing
from tiling.locate.crossing import BORDER, INSIDE, UNDECIDED, Lookup


def _make_read_only(kind: types.Type) -> types.Array:
    # A snapshot mapped from a file is read-only; writable arrays are accepted as well.
    return types.Array(kind, 1, "C", readonly=True)


_FLOATS, _INTS = _make_read_only(types.float64), _make_read_only(types.int32)
_LOOKUP = types.NamedTuple(
    [types.float64] * 4 + [types.int64] * 3 + [types.boolean] + [_FLOATS] + [_INTS] * 3,
    crossing.Lookup,
)
_SIGNATURE = types.void(_LOOKUP, _FLOATS, _FLOATS, types.uint8[::1], types.int32[::1])

# Without reference counts (`_nrt`) and with everything in one piece the loop runs nine times faster: nothing in it
# allocates, but numba would count references to all arrays for each point.
_OPTIONS = {"_nrt": False, "forceinline": True}

for _inner in (
    crossing.product_error,
    crossing.difference_is_exact,
    crossing.side,
    crossing.meets,
    crossing.locate_in_slab,
    crossing.locate_in_frame,
    crossing.locate_in_list,
):
    register_jitable(**_OPTIONS)(_inner)


def _compile(signature: Any, function: Callable[..., Any], **options: Any) -> Any:
    try:
        return numba.njit(signature, cache=True, **options)(function)
    except RuntimeError:
        # No folder is writable for the cache: compile in every process.
        return numba.njit(signature, **options)(function)


locate_many = _compile(_SIGNATURE, crossing.locate_many, nogil=True, _nrt=False)


# Handing four arrays to compiled code takes a microsecond, more than the test itself. For one point the arrays are
# handed over as addresses, which `tester_of` collects and keeps valid.


def _pointer(_typing: Any, address: Any) -> Any:
    def cast(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], cgutils.voidptr_t)

    return types.voidptr(address), cast


_pointer_to = intrinsic(_pointer)


def _locate_in_list(address: int, place: int, lon: float, lat: float) -> int:
    head = numba.carray(_pointer_to(address), 8, np.int64)
    segments = numba.carray(_pointer_to(head[0]), head[1], np.float64)
    lists = numba.carray(_pointer_to(head[2]), head[3], np.int32)
    slabs = numba.carray(_pointer_to(head[4]), head[5], np.int32)
    data = Lookup(0.0, 0.0, 0.0, 0.0, 0, 0, head[6], head[7] != 0, segments, lists, lists, slabs)
    relation, tile = crossing.locate_in_list(data, place, lon, lat)
    if relation == INSIDE:
        return tile
    if relation == BORDER:
        return crossing.SEVERAL
    return crossing.UNDECIDED_YET if relation == UNDECIDED else crossing.NONE


_one = _compile(types.int64(types.int64, types.int64, types.float64, types.float64), _locate_in_list)


def tester_of(data: Lookup) -> crossing.Tester:
    """A function (place of a list, lon, lat) → tile, NONE, SEVERAL or UNDECIDED_YET; 0.3 µs a call."""
    arrays = (data.segments, data.lists, data.slabs)
    sizes = [number for array in arrays for number in (array.ctypes.data, len(array))]
    head = np.array([*sizes, data.tiles, data.has_frame], dtype=np.int64)
    test = partial(_one, head.ctypes.data)
    # The addresses are valid as long as the arrays are: they live as long as the function does.
    test.__dict__["kept"] = (arrays, head)
    return test
