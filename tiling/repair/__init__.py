"""Repairing an imported set of grids: a proposal, never a silent change ([S6]).

All borders are noded together on the lattice, so the ground falls into faces; each face that has one owner stays with
it. Noise and slivers go to the neighbour with the longest common border. What is real, and what is small but would
add up to more than 1 m² for a grid, is a person's choice among options, place by place or by rules; until it is made,
the ground stays as it was drawn. Ground goes to nobody whose area ring it lies outside of. A frame that is made of the
grids follows them. What a repair leaves of its own making is mended by another pass, so that a proposal applied and
proposed again has nothing to do. Grids whose ground and nodes do not change are the very same objects.
"""

from tiling.repair.choosing import LEAVE, MEND, VERBS, Rule
from tiling.repair.deciding import Decision
from tiling.repair.framing import frame_around, is_thin
from tiling.repair.proposing import (
    Difference,
    FrameFrom,
    Repair,
    change_of,
    homes_of,
    propose,
    rebuild_shape,
    rings_with_nodes,
)

__all__ = [
    "LEAVE",
    "MEND",
    "VERBS",
    "Decision",
    "Difference",
    "FrameFrom",
    "Repair",
    "Rule",
    "change_of",
    "frame_around",
    "homes_of",
    "is_thin",
    "propose",
    "rebuild_shape",
    "rings_with_nodes",
]
