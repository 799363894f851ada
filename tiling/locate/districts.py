"""Which districts may hold a point: a coarse raster over all of them, and the quick probe into each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tiling.locate.crossing import NONE, SEVERAL
from tiling.locate.distances import degrees_around
from tiling.locate.index import DistrictIndex
from tiling.locate.tiles import Floats

Probe: TypeAlias = Callable[[float, float], int]
Places: TypeAlias = NDArray[np.intp]
_BLOCKS = 128
# Of a cell of the index: how far a block's edge may be off by rounding.
_PAD = 1e-3


@dataclass(frozen=True, eq=False)
class DistrictMap:
    """A raster of blocks, each with the places of the districts that may hold a point of it.

    bounds   west, south, east, north of each district
    members  the places, block by block
    first    where each block's places begin in `places`, and where the last one's end
    places   the same as `members` in one array
    """

    west: float
    south: float
    per_lon: float
    per_lat: float
    bounds: Floats
    members: tuple[tuple[int, ...], ...]
    first: Places
    places: Places

    @classmethod
    def build(cls, indexes: Sequence[DistrictIndex]) -> DistrictMap:
        """The map of these districts, which are known by their place in the sequence from here on; 0.1 ms each."""
        bounds = np.array([index.bounds for index in indexes]).reshape(-1, 4)
        around = bounds if len(bounds) else np.array([(0.0, 0.0, 1.0, 1.0)])
        corner = around[:, :2].min(axis=0)
        # Slightly fewer than the blocks there are, so that the eastern and northern rims fall into the last ones.
        scale = (_BLOCKS - 0.01) / (around[:, 2:].max(axis=0) - corner)
        met = [_blocks_met(index, corner, scale) for index in indexes]
        block = np.concatenate([*met, np.zeros(0, dtype=np.intp)])
        place = np.repeat(np.arange(len(indexes)), [len(blocks) for blocks in met])
        order = np.argsort(block, kind="stable")
        first = np.searchsorted(block[order], np.arange(_BLOCKS * _BLOCKS + 1))
        listed = place[order].tolist()
        members = tuple(tuple(listed[begin:end]) for begin, end in pairwise(first.tolist()))
        (west, south), (per_lon, per_lat) = corner.tolist(), scale.tolist()
        return cls(west, south, per_lon, per_lat, bounds, members, first, place[order])

    def places_at(self, lon: float, lat: float) -> tuple[int, ...]:
        """The districts whose bounds may hold the point."""
        column, row = (lon - self.west) * self.per_lon, (lat - self.south) * self.per_lat
        if not (0.0 <= column < _BLOCKS and 0.0 <= row < _BLOCKS):
            return ()
        return self.members[int(row) * _BLOCKS + int(column)]

    def places_near(self, lon: float, lat: float, *, radius_m: float) -> list[int]:
        """The districts whose bounds come within the radius of the point."""
        return [int(place) for place in np.flatnonzero(_lies_within(self.bounds.T, lon, lat, radius_m))]

    def points_near(self, place: int, lon: Floats, lat: Floats, *, radius_m: float) -> Places:
        """Which of the points come within the radius of one district's bounds."""
        return np.flatnonzero(_lies_within(self.bounds[place], lon, lat, radius_m))

    def probe(self, probes: Sequence[Probe], offsets: Sequence[int]) -> Probe:
        """One probe over all districts: the tile's number where exactly one tile holds the point, else below 0.

        A district's tiles are numbered from its offset.
        """
        if len(probes) == 1:
            return probes[0]
        west, south, per_lon, per_lat = self.west, self.south, self.per_lon, self.per_lat
        chains = {places: tuple((probes[at], offsets[at]) for at in places) for places in set(self.members)}
        blocks = tuple(chains[places] for places in self.members)

        def probe_one(lon: float, lat: float) -> int:
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

        return probe_one

    def points_by_district(self, lon: Floats, lat: Floats) -> Iterator[tuple[int, Places, int]]:
        """Each district with the points it may hold: first those that only it may hold, and the number of these.

        One sort by district whatever their number is; districts without a point are left out.
        """
        point, place, shared = self._pairs(lon, lat)
        key = (2 * place + shared).astype(np.min_scalar_type(2 * len(self.bounds)))  # sorted by counting if 16 bits do
        order = np.argsort(key, kind="stable")
        ends = np.searchsorted(key[order], np.arange(2 * len(self.bounds) + 1))
        point = point[order]
        for at in np.flatnonzero(ends[2::2] > ends[:-2:2]).tolist():
            begin, middle, end = ends[2 * at : 2 * at + 3].tolist()
            yield at, point[begin:end], middle - begin

    def _pairs(self, lon: Floats, lat: Floats) -> tuple[Places, Places, NDArray[np.bool_]]:
        """Pairs (point, district that may hold it), and whether other districts may hold the point too."""
        column, row = (lon - self.west) * self.per_lon, (lat - self.south) * self.per_lat
        on_map = np.flatnonzero((column >= 0.0) & (column < _BLOCKS) & (row >= 0.0) & (row < _BLOCKS))
        block = row[on_map].astype(np.intp) * _BLOCKS + column[on_map].astype(np.intp)
        begin, counts = self.first[block], self.first[block + 1] - self.first[block]
        owner = np.repeat(np.arange(len(block)), counts)
        step = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
        return on_map[owner], self.places[begin[owner] + step], counts[owner] > 1


def _lies_within(bounds: Floats, lon: Floats | float, lat: Floats | float, radius_m: float) -> NDArray[np.bool_]:
    west, south, east, north = bounds
    d_lon, d_lat = degrees_around(np.maximum(np.abs(south), np.abs(north)), radius_m)
    inside = (west - d_lon <= lon) & (lon <= east + d_lon) & (south - d_lat <= lat) & (lat <= north + d_lat)
    return np.asarray(inside)


def _blocks_met(index: DistrictIndex, corner: Floats, scale: Floats) -> Places:
    """The blocks, numbered row by row, that share a point with a patch of the index that is not wholly outside."""
    rows, columns, used = index.patches
    it = index.lookup
    row, in_row = _find_overlapping(it.south + rows / it.per_lat, _PAD / it.per_lat, corner[1], scale[1])
    column, in_column = _find_overlapping(it.west + columns / it.per_lon, _PAD / it.per_lon, corner[0], scale[0])
    met = in_row @ used @ in_column.T
    return np.asarray((row[:, None] * _BLOCKS + column)[met])


def _find_overlapping(edges: Floats, pad: float, corner: float, scale: float) -> tuple[Places, NDArray[np.bool_]]:
    """In one direction, in degrees: the blocks that overlap any patch, and (block, patch) which ones."""
    block = corner + np.arange(_BLOCKS + 1) / scale
    low, high = block[:-1, None] - pad, block[1:, None] + pad
    overlap = (edges[None, :-1] <= high) & (edges[None, 1:] >= low)
    some = np.flatnonzero(overlap.any(axis=1))
    return some, overlap[some]
