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

    def in_byte_order(self) -> DistrictTiles:
        """The same tiles sorted by the bytes of their codes, so that the smallest number is the smallest code."""
        codes = np.array([str(code) for code in self.codes], dtype=object)
        grids = np.array([str(grid) for grid in self.grids], dtype=object)
        if len({*codes}) != len(codes):
            raise ValueError(f"district {self.code}: two tiles have the same code")
        # Python orders strings by code point, which is the byte order of UTF-8 and of COLLATE "C".
        order = np.array(sorted(range(len(codes)), key=codes.__getitem__), dtype=np.intp)
        polygons = np.asarray(self.polygons, dtype=object)[order]
        return DistrictTiles(self.code, self.frame, codes[order], grids[order], polygons, self.epsg)


@dataclass(frozen=True)
class Outlines:
    """All rings of all tiles as one run of vertices; the frame comes last, under the number after the last tile.

    Vertex i and i+1 are an edge unless i is the last of its ring. `tile_start[t]` is the first vertex of tile t,
    `ring_start` the first vertex of every ring.
    """

    x: Floats
    y: Floats
    edges: Ints
    edge_tile: Ints
    ring_start: Ints
    tile_start: Ints

    @property
    def tiles(self) -> int:
        """Number of tiles, the frame not counted."""
        return len(self.tile_start) - 2


def outlines_of(tiles: DistrictTiles) -> Outlines:
    """The rings of the tiles and of the frame as flat arrays, in degrees."""
    shapes = np.append(np.asarray(tiles.polygons, dtype=object), np.array([tiles.frame], dtype=object))
    parts, shape_of_part = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part_of_ring = shapely.get_rings(parts[areal], return_index=True)
    xy, ring_of_vertex = shapely.get_coordinates(rings, return_index=True)
    tile_of_vertex = shape_of_part[areal][part_of_ring][ring_of_vertex]
    edges = np.flatnonzero(ring_of_vertex[:-1] == ring_of_vertex[1:])
    ring_start = np.searchsorted(ring_of_vertex, np.arange(len(rings)))
    tile_start = np.searchsorted(tile_of_vertex, np.arange(len(shapes) + 1))
    x, y = np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1])
    return Outlines(x, y, edges, tile_of_vertex[edges], ring_start, tile_start)
