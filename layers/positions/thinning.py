"""Which points of a track say something: Douglas-Peucker in place and time.

The plain rule drops where somebody stood for an hour, as that lies on the line. Here a point may go only where walking
evenly from its neighbour before to the one after gives its place at its moment (Meratnia and de By, 2004: "top-down
time ratio"), so both the shape and the stops stay. Silence is kept as silence: both ends of a gap stay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def list_begins(at: Floats, *, thinned: Flags, begun: Flags, gap_s: float) -> Flags:
    """Which of these points, in the order of time, begin a part: nothing came for over `gap_s` before them.

    Between points that were thinned before one may have walked for an hour: there `begun` tells, also of what comes
    late and falls between them.
    """
    begins = np.append(True, np.diff(at) > gap_s)
    # The next thinned point from each one on; those after the last one have none.
    known = np.flatnonzero(thinned)
    after = np.searchsorted(known, np.arange(len(at)))
    inside = (after > 0) & (after < len(known))
    begins[inside] &= begun[known[after[inside]]]
    return begins


def list_kept(x: Floats, y: Floats, at: Floats, *, fixed: Flags, begins: Flags, within_m: float) -> Flags:
    """Which of these points, in the order of time, stay; `fixed` do, and the ends of each part.

    At its moment each of the others lies within `within_m` metres of where one is between those that stay.
    """
    kept = fixed | begins
    if len(at) == 0:
        return kept
    kept[np.flatnonzero(begins[1:])] = kept[-1] = True
    ends = np.flatnonzero(kept)
    todo = list(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
    while todo:
        first, last = todo.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        share = (at[inner] - at[first]) / (at[last] - at[first])
        off_x = x[inner] - x[first] - share * (x[last] - x[first])
        off_m = np.hypot(off_x, y[inner] - y[first] - share * (y[last] - y[first]))
        worst = int(off_m.argmax())
        if off_m[worst] > within_m:
            middle = first + 1 + worst
            kept[middle] = True
            todo += [(first, middle), (middle, last)]
    return kept
