"""What a brush paints: every grid cut into road blocks, and every block into the ground of its buildings.

`faces.py` and `shares.py` cut one grid and one block (pure, in metres), `patches.py` serves them for a place and keeps
what it has cut. A patch never crosses the border of a grid: its outer edge is that border, vertex for vertex, so that
giving it away leaves no needle between a road and a border that runs a few metres beside it ([S1], [S10]).
"""

from layers.painting.faces import blocks_of
from layers.painting.patches import By, PatchShelf, list_patches, make_patch_shelf
from layers.painting.shares import shares_of

__all__ = ["By", "PatchShelf", "blocks_of", "list_patches", "make_patch_shelf", "shares_of"]
