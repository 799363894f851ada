"""Which districts may hold a point: a coarse raster over all of them, and the quick probe into each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tiling.locate.crossing import NONE, OUTSIDE_CELL, SEVERAL
from tiling.locate.index import DistrictIndex
from tiling.locate.tiles import Floats

Probe: TypeAlias = Callable[[float, float], int]
Places: TypeAlias = NDArray[np.intp]
_BLOCKS = 128


@dataclass(frozen=True, eq=False)
class DistrictMap:
    """A raster of blocks, each with the places of the districts that may hold a point of it.

    members  the places, block by block
    meets    the same as a table, district x block
    sole     the place where there is one, else NONE or SEVERAL
    """

    west: float
    south: float
    per_lon: float
    per_lat: float
    members: tuple[tuple[int, ...], ...]
    meets: NDArray[np.bool_]
    sole: NDArray[np.int16]

    @classmethod
    def over(cls, indexes: Sequence[DistrictIndex]) -> DistrictMap:
        """The map of these districts, which are known by their place in the sequence from here on."""
        bounds = np.array([index.bounds for index in indexes] or [(0.0, 0.0, 1.0, 1.0)])
        west, south = bounds[:, :2].min(axis=0).tolist()
        # Slightly fewer than the blocks there are, so that the eastern and northern rims fall into the last ones.
        per_lon, per_lat = ((_BLOCKS - 0.01) / (bounds[:, 2:].max(axis=0) - [west, south])).tolist()
        meets = np.zeros((len(indexes), _BLOCKS * _BLOCKS), dtype=bool)
        for place, index in enumerate(indexes):
            meets[place] = _blocks_met(index, (west, south), (per_lon, per_lat)).ravel()
        members = tuple(tuple(np.flatnonzero(block).tolist()) for block in meets.T)
        count = meets.sum(axis=0)
        sole = np.where(count == 1, meets.argmax(axis=0) if len(indexes) else NONE, np.where(count > 1, SEVERAL, NONE))
        return cls(west, south, per_lon, per_lat, members, meets, sole.astype(np.int16))

    def places_at(self, lon: float, lat: float) -> tuple[int, ...]:
        """The districts whose bounds may hold the point."""
        column, row = (lon - self.west) * self.per_lon, (lat - self.south) * self.per_lat
        if not (0.0 <= column < _BLOCKS and 0.0 <= row < _BLOCKS):
            return ()
        return self.members[int(row) * _BLOCKS + int(column)]

    def probe(self, probes: Sequence[Probe], offsets: Sequence[int]) -> Probe:
        """One probe over all districts: the tile's number where exactly one tile holds the point, else below 0.

        A district's tiles are numbered from its offset.
        """
        if len(probes) == 1:
            return probes[0]
        west, south, per_lon, per_lat = self.west, self.south, self.per_lon, self.per_lat
        blocks = tuple(tuple((probes[place], offsets[place]) for place in places) for places in self.members)

        def one(lon: float, lat: float) -> int:
            column = (lon - west) * per_lon
            row = (lat - south) * per_lat
            if not (0.0 <= column < _BLOCKS and 0.0 <= row < _BLOCKS):
                return NONE
            found = NONE
            for probe, offset in blocks[int(row) * _BLOCKS + int(column)]:
                tile = probe(lon, lat)
                if tile != NONE:
                    if found != NONE or tile == SEVERAL:
                        return SEVERAL
                    found = offset + tile
            return found

        return one

    def points_by_district(self, lon: Floats, lat: Floats) -> Iterator[tuple[int, Places, Places]]:
        """Each district with the places of the points that only it may hold, and of those that others may hold too."""
        column, row = (lon - self.west) * self.per_lon, (lat - self.south) * self.per_lat
        on_map = np.flatnonzero((column >= 0.0) & (column < _BLOCKS) & (row >= 0.0) & (row < _BLOCKS))
        block = row[on_map].astype(np.intp) * _BLOCKS + column[on_map].astype(np.intp)
        sole = self.sole[block]
        order = np.argsort(sole, kind="stable")  # by counting: sixteen bits
        starts = np.searchsorted(sole[order], np.arange(SEVERAL, len(self.meets) + 1))
        several = order[: starts[1]]
        for place, meets in enumerate(self.meets):
            alone = order[starts[place + 2] : starts[place + 3]]
            yield place, on_map[alone], on_map[several[meets[block[several]]]]


def _blocks_met(
    index: DistrictIndex, corner: tuple[float, float], per_degree: tuple[float, float]
) -> NDArray[np.bool_]:
    """The blocks (row, column) that share a point with a cell of the index that is not wholly outside."""
    it = index.lookup
    used = it.cells.reshape(it.rows, it.columns) != OUTSIDE_CELL
    rows = _blocks_of(it.south, it.per_lat, it.rows, corner[1], per_degree[1])
    columns = _blocks_of(it.west, it.per_lon, it.columns, corner[0], per_degree[0])
    by_row = np.stack([used[first:last].any(axis=0) for first, last in rows])
    return np.stack([by_row[:, first:last].any(axis=1) for first, last in columns], axis=1)


def _blocks_of(start: float, per_cell: float, cells: int, corner: float, per_block: float) -> list[tuple[int, int]]:
    """For each block in one direction the cells [first, last) that reach into it."""
    # A thousandth of a cell more on each side, so that rounding never loses a point on the edge of a block.
    edges = (np.arange(_BLOCKS + 1) / per_block + corner - start) * per_cell
    first = np.clip(np.floor(edges[:-1] - 1e-3), 0, cells).astype(int)
    last = np.clip(np.ceil(edges[1:] + 1e-3), 0, cells).astype(int)
    return list(zip(first.tolist(), last.tolist(), strict=True))
