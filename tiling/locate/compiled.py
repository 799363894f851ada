"""`crossing.many` compiled by numba; importing this module fails where numba is not installed.

The signature is fixed, so that the first call costs as little as the hundredth: importing takes half a second from
numba's cache and some two seconds where nothing is cached yet.
"""

from __future__ import annotations

import numba
from numba import types
from numba.extending import register_jitable

from tiling.locate import crossing


def _read_only(kind: types.Type) -> types.Array:
    # A snapshot mapped from a file is read-only; writable arrays are accepted as well.
    return types.Array(kind, 1, "C", readonly=True)


_FLOATS, _INTS = _read_only(types.float64), _read_only(types.int32)
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
    crossing.in_slab,
    crossing.in_frame,
    crossing.in_list,
):
    register_jitable(**_OPTIONS)(_inner)

try:
    many = numba.njit(_SIGNATURE, cache=True, nogil=True, _nrt=False)(crossing.many)
except RuntimeError:
    # No folder is writable for the cache: compile in every process.
    many = numba.njit(_SIGNATURE, nogil=True, _nrt=False)(crossing.many)
