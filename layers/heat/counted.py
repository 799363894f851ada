"""Every case that heat and figures may count, as arrays in the order of time: any period is a slice."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tiling.plane import Plane

OPEN, DONE, ENDED = 0, 1, 2
Counts = NDArray[np.int64]
# The smaller side of a square; a larger square is a whole number of these wide.
SQUARE_M = 250.0
# Sums are kept after every so many cases, and rarer where they would take more than this.
SUMMED_EVERY = 32_768
MOST_SUM_BYTES = 32_000_000


class Tally:
    """How often each of `size` keys occurs in a slice of cases.

    Sums are kept at marks along the way, so that a year costs what is left at its two ends: 0.2 ms, not 3 for a
    million.
    """

    def __init__(self, keys: Counts, size: int) -> None:
        self._keys, self._size = keys, size
        self._every = max(SUMMED_EVERY, -(-len(keys) * size * 4 // MOST_SUM_BYTES))
        marks = len(keys) // self._every
        self._sums = np.zeros((marks + 1, size), dtype=np.int32)
        for at in range(marks):
            self._sums[at + 1] = self._sums[at] + self._count(at * self._every, (at + 1) * self._every)

    @property
    def nbytes(self) -> int:
        """The bytes of the keys and the sums."""
        return self._keys.nbytes + self._sums.nbytes

    def count(self, span: slice) -> Counts:
        """How often each key occurs in a slice."""
        first, last = -(-span.start // self._every), span.stop // self._every
        if first >= last:
            return self._count(span.start, span.stop)
        ends = self._count(span.start, first * self._every) + self._count(last * self._every, span.stop)
        return np.asarray(ends + self._sums[last] - self._sums[first])

    def _count(self, start: int, stop: int) -> Counts:
        return np.bincount(self._keys[start:stop], minlength=self._size)


@dataclass(frozen=True, eq=False)
class HeatSquares:
    """The squares of `SQUARE_M` that hold a case, and how many lie in each, by code and category.

    column, row     of each square
    square, code    what each place is: the part of a square that lies under one code
    tally           of place * number of categories + category
    """

    column: Counts
    row: Counts
    square: Counts
    code: Counts
    tally: Tally


@dataclass(frozen=True, eq=False)
class CountedCases:
    """Every case with a code whose category does not derive from residents, in the order of `at_us`.

    codes, categories  what the arrays point into
    at_us              the moment in microseconds since 1970
    pair               code * len(categories) + category
    standing           OPEN, DONE or ENDED
    lon, lat           degrees WGS 84
    """

    mark: tuple[object, ...]
    codes: tuple[str, ...]
    categories: tuple[str, ...]
    at_us: NDArray[np.int64]
    pair: NDArray[np.int64]
    standing: NDArray[np.int8]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    id: NDArray[np.int64]
    _squares: dict[int, HeatSquares] = field(default_factory=dict, repr=False)

    def find_span(self, since: datetime, until: datetime) -> slice:
        """The cases of [since, until)."""
        first, last = np.searchsorted(self.at_us, [microseconds_of(since), microseconds_of(until)])
        return slice(int(first), int(last))

    @cached_property
    def _tally(self) -> Tally:
        return Tally(self.pair, len(self.codes) * len(self.categories))

    def count(self, since: datetime, until: datetime, *, standing: int | None = None) -> Counts:
        """How many cases of a period there are, by code (row) and category (column)."""
        span = self.find_span(since, until)
        shape = len(self.codes), len(self.categories)
        if standing is None:
            return self._tally.count(span).reshape(shape)
        pairs = self.pair[span][self.standing[span] == standing]
        return np.bincount(pairs, minlength=shape[0] * shape[1]).reshape(shape)

    def count_by_code(
        self, since: datetime, until: datetime, *, category: str | None = None, standing: int | None = None
    ) -> Counts:
        """The same by code alone, of one category or of all."""
        counts = self.count(since, until, standing=standing)
        return np.asarray(counts[:, self.select_categories(category)].sum(axis=1))

    def select_categories(self, category: str | None) -> NDArray[np.bool_]:
        """Which categories are meant: one, none where no case is of it, all where none is named."""
        return np.array([category in (None, name) for name in self.categories], dtype=bool)

    def select_codes(self, area: str) -> NDArray[np.bool_]:
        """Which codes lie in an area."""
        return np.fromiter((code.startswith(area) for code in self.codes), dtype=bool, count=len(self.codes))

    def select_cases(self, span: slice, *, area: str, category: str | None = None) -> NDArray[np.bool_]:
        """Which cases of a slice lie in an area and are of a category."""
        wanted = self.select_codes(area)[:, None] & self.select_categories(category)
        return np.asarray(wanted.ravel()[self.pair[span]])

    def find_squares(self, epsg: int) -> HeatSquares:
        """The squares in the metres of a plane; worked out once, some 0.5 s for a million cases."""
        found = self._squares.get(epsg)
        if found is None:
            found = self._squares[epsg] = self._make_squares(Plane(epsg))
        return found

    def _make_squares(self, plane: Plane) -> HeatSquares:
        code, category = np.divmod(self.pair, max(len(self.categories), 1))
        x_m, y_m = plane.to_xy(self.lon, self.lat)
        column, row = (np.floor(along / SQUARE_M).astype(np.int64) for along in (x_m, y_m))
        # One whole number for each square sorts ten times faster than pairs do.
        south = int(row.min(initial=0))
        height = int(row.max(initial=0)) - south + 1
        keys, of_case = np.unique(column * height + row - south, return_inverse=True)
        places, place_of_case = np.unique(of_case * len(self.codes) + code, return_inverse=True)
        square, code_of_place = np.divmod(places, max(len(self.codes), 1))
        tally = Tally(place_of_case * len(self.categories) + category, len(places) * len(self.categories))
        return HeatSquares(keys // height, keys % height + south, square, code_of_place, tally)


def microseconds_of(moment: datetime) -> int:
    """A moment as whole microseconds since 1970."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond
