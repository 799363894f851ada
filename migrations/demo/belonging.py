"""Which tile holds a building: the one that covers its inner point in stored degrees, the smallest code on a border.

The same rule as everywhere ([S7], [L2]): a building that sub-grids share stairwell by stairwell often has its inner
point exactly on the border between them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely

from migrations.demo.model import TownBuilding, TownGrid
from tiling.plane import Plane


def inner_tiles(grids: Sequence[TownGrid], buildings: Sequence[TownBuilding], *, plane: Plane) -> list[str]:
    """The code of the finest tile of each building."""
    divided = {grid.parent for grid in grids if grid.level == "sub_grid"}
    tiles = sorted((g for g in grids if g.exclusive and g.code not in divided), key=lambda grid: grid.code)
    shapes = plane.to_degrees(np.array([tile.polygon for tile in tiles], dtype=object))
    points = plane.to_degrees(np.array([building.inner_point for building in buildings], dtype=object))
    which, tile = shapely.STRtree(shapes).query(points, predicate="intersects")
    first = np.full(len(points), len(tiles), dtype=np.int64)
    np.minimum.at(first, which, tile)
    return [tiles[int(at)].code for at in first]


def counted(grids: Sequence[TownGrid], buildings: Sequence[TownBuilding], *, plane: Plane) -> tuple[TownGrid, ...]:
    """The grids with their numbers of buildings."""
    numbers = Counter(inner_tiles(grids, buildings, plane=plane))
    for code, number in list(numbers.items()):
        if len(code) > 15:
            numbers[code[:15]] += number
    return tuple(replace(grid, buildings=numbers[grid.code]) for grid in grids)
