"""Which districts may hold a point: a coarse raster over all of them, and the quick probe into each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tiling.locate.crossing import NONE, SEVERAL
from tiling.locate.index import DistrictIndex
from tiling.locate.tiles import Floats

Probe: TypeAlias = Callable[[float, float], int]
_BLOCKS = 128


@dataclass(frozen=True, eq=False)
class DistrictMap:
    """A raster of blocks; `members[block]` are the places of the districts whose bounds meet the block."""

    west: float
    south: float
    per_lon: float
    per_lat: float
    members: tuple[tuple[int, ...], ...]
    meets: NDArray[np.bool_]  # district x block

    @classmethod
    def over(cls, indexes: Sequence[DistrictIndex]) -> DistrictMap:
        """The map of these districts, which are known by their place in the sequence from here on."""
        if not indexes:
            return cls(0.0, 0.0, 0.0, 0.0, ((),) * _BLOCKS**2, np.zeros((0, _BLOCKS**2), dtype=bool))
        bounds = np.array([index.bounds for index in indexes])
        west, south = bounds[:, :2].min(axis=0).tolist()
        # Slightly fewer than the blocks there are, so that the eastern and northern rims fall into the last ones.
        per_lon, per_lat = ((_BLOCKS - 0.01) / (bounds[:, 2:].max(axis=0) - [west, south])).tolist()
        low = np.floor((bounds[:, :2] - [west, south]) * [per_lon, per_lat]).astype(int)
        high = np.floor((bounds[:, 2:] - [west, south]) * [per_lon, per_lat]).astype(int)
        meets = np.zeros((len(indexes), _BLOCKS, _BLOCKS), dtype=bool)
        for place, ((column, row), (last_column, last_row)) in enumerate(zip(low, high, strict=True)):
            meets[place, row : last_row + 1, column : last_column + 1] = True
        blocks = meets.reshape(len(indexes), _BLOCKS * _BLOCKS)
        members = tuple(tuple(np.flatnonzero(block).tolist()) for block in blocks.T)
        return cls(west, south, per_lon, per_lat, members, blocks)

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

    def points_by_district(self, lon: Floats, lat: Floats) -> Iterator[tuple[int, Any]]:
        """Each district with the places of the points that its bounds may hold."""
        column, row = (lon - self.west) * self.per_lon, (lat - self.south) * self.per_lat
        on_map = np.flatnonzero((column >= 0.0) & (column < _BLOCKS) & (row >= 0.0) & (row < _BLOCKS))
        block = row[on_map].astype(np.intp) * _BLOCKS + column[on_map].astype(np.intp)
        for place, meets in enumerate(self.meets):
            points = on_map[meets[block]]
            if len(points):
                yield place, points
