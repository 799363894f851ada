"""Where a place lies among the tiles."""

from __future__ import annotations

import math


def tile_of(place: tuple[float, float], *, z: int) -> tuple[int, int]:
    """Column and row of the tile of a zoom that holds a place in degrees."""
    lon, lat = place
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return int((lon + 180) / 360 * 2**z), int(y)


def tile_at(place: tuple[float, float], layer: str, *, z: int) -> str:
    """The address of a layer's tile at a place."""
    x, y = tile_of(place, z=z)
    return f"/tiles/{layer}/{z}/{x}/{y}.mvt"
