"""What the index is made from: the tiles of one district, and their rings as flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class DistrictTiles:
    """The finest tiles of one district in stored degrees, with the grid that each belongs to.

    `grids` equals `codes` where a grid has no sub-grids. A polygon may be a MultiPolygon, have holes, overlap others
    (a draft) or be None. `frame` is None where a district has none: then no point is ever in a gap of it.
    """

    code: str
    frame: BaseGeometry | None
    codes: NDArray[Any]
    grids: NDArray[Any]
    polygons: NDArray[Any]
    epsg: int

    def sort_by_bytes(self) -> DistrictTiles:
        """The same tiles sorted by the bytes of their codes, so that the smallest number is the smallest code."""
        codes = np.array([str(code) for code in self.codes], dtype=object)
        grids = np.array([str(grid) for grid in self.grids], dtype=object)
        if len({*codes}) != len(codes):
            raise ValueError(f"district {self.code}: two tiles have the same code")
        # Python orders strings by code point, which is the byte order of UTF-8 and of COLLATE "C".
        order = np.array(sorted(range(len(codes)), key=codes.__getitem__), dtype=np.intp)
        polygons = np.asarray(self.polygons, dtype=object)[order]
        return DistrictTiles(self.code, self.frame, codes[order], grids[order], polygons, self.epsg)


@dataclass(frozen=True, eq=False)
class Outlines:
    """The edges of all tiles, and of the frame under the number after the last tile; shared edges are kept once.

    segments      x, y, x, y of each edge, the western (or southern) end first, without direction or repetition
    edge_segment  segment of each edge, tile by tile
    edge_tile     tile of each edge
    tile_start    edges tile_start[t] to tile_start[t + 1] are those of tile t
    """

    segments: Floats
    edge_segment: Ints
    edge_tile: Ints
    tile_start: Ints

    @property
    def tiles(self) -> int:
        """Number of tiles, the frame not counted."""
        return len(self.tile_start) - 2


def outlines_of(tiles: DistrictTiles) -> Outlines:
    """The edges of the tiles and of the frame, in degrees; 0.5 µs an edge."""
    shapes = np.append(np.asarray(tiles.polygons, dtype=object), np.array([tiles.frame], dtype=object))
    parts, shape_of_part = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part_of_ring = shapely.get_rings(parts[areal], return_index=True)
    xy, ring_of_vertex = shapely.get_coordinates(rings, return_index=True)
    tile_of_vertex = shape_of_part[areal][part_of_ring][ring_of_vertex]
    edge = np.flatnonzero((ring_of_vertex[:-1] == ring_of_vertex[1:]) & (xy[:-1] != xy[1:]).any(axis=1))
    segments, edge_segment = _drop_repetition(_direct_east(xy[edge], xy[edge + 1]))
    tile_start = np.searchsorted(tile_of_vertex[edge], np.arange(len(shapes) + 1))
    return Outlines(segments, edge_segment, tile_of_vertex[edge], tile_start)


def _direct_east(a: Floats, b: Floats) -> Floats:
    swap = (a[:, 0] > b[:, 0]) | ((a[:, 0] == b[:, 0]) & (a[:, 1] > b[:, 1]))
    ends = np.where(swap[:, None], np.hstack([b, a]), np.hstack([a, b]))
    return np.asarray(ends + 0.0)  # no negative zeros: equal segments have equal bytes


def _drop_repetition(segments: Floats) -> tuple[Floats, Ints]:
    """The different segments in order of appearance, and the place of each given one among them.

    Sorted by a hash of their bytes, four times faster than by coordinates. Should two segments ever collide, a
    shared one may be kept twice, which costs its bytes and nothing else.
    """
    mixed = segments.view(np.uint64) * np.array([3, 5, 7, 11], dtype=np.uint64)
    mixed ^= mixed >> np.uint64(29)
    key = (
        mixed
        * np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93], dtype=np.uint64)
    ).sum(axis=1, dtype=np.uint64)
    order = np.argsort(key, kind="stable")
    new = np.append(True, (segments[order[1:]] != segments[order[:-1]]).any(axis=1)) if len(order) else order > 0
    first = order[new]  # a stable sort: the earliest of each run of equals
    rank = np.empty(len(first), dtype=np.int64)
    appearance = np.argsort(first)
    rank[appearance] = np.arange(len(first))
    which = np.empty(len(order), dtype=np.int64)
    which[order] = rank[np.cumsum(new) - 1]
    return segments[first[appearance]], which
