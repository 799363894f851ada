"""Which tile holds a point: `PointLocator` over one `DistrictIndex` per district.

    tiles of a district  →  DistrictIndex.build  →  to_bytes / from_buffer (a file that every process maps)
                                   ↓
    point(s)  →  PointLocator.one · explain · many  →  relation and codes

A uniform raster names the tile for nine points of ten; the tenth is tested against the few edges in its row of cells,
exactly. `crossing.py` is the test, `raster.py` the raster, `compiled.py` and `vectorised.py` the two ways to run it
over many points. Areas and overlays (`areas.py`) are few and live in a tree.
"""

from tiling.locate.answers import RELATIONS, Located, LocatedMany, Near, Relation
from tiling.locate.areas import AreaLookup, OverlayLookup
from tiling.locate.index import DistrictIndex
from tiling.locate.kernels import PLAIN, Kernel, choose_fastest
from tiling.locate.locator import PointLocator
from tiling.locate.snapshot import SnapshotDamaged
from tiling.locate.tiles import DistrictTiles

__all__ = [
    "PLAIN",
    "RELATIONS",
    "AreaLookup",
    "DistrictIndex",
    "DistrictTiles",
    "Kernel",
    "Located",
    "LocatedMany",
    "Near",
    "OverlayLookup",
    "PointLocator",
    "Relation",
    "SnapshotDamaged",
    "choose_fastest",
]
