"""A tiling with its levels, read-only, and what an edit changed; shapes of tiles taken together."""

from tiling.partition.index import Index
from tiling.partition.partition import Change, Partition
from tiling.partition.shapes import Geometries, dissolve, have_same_bytes, keep_polygons

__all__ = ["Change", "Geometries", "Index", "Partition", "dissolve", "have_same_bytes", "keep_polygons"]
