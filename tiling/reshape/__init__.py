"""Changing the shape of grids: split by a line, merge, carve, add, give, remove, fill a gap.

Every edit is a pure function of a partition and arguments in metres and returns a Change, which `Partition.replace`
makes. The ground is only handed from one to another; whoever shares a cut edge gets the node.
"""

from tiling.reshape.joining import merge, remove
from tiling.reshape.recutting import recut
from tiling.reshape.splitting import choose_sub_code, split
from tiling.reshape.taking import add, carve, fill_gap, give

__all__ = ["add", "carve", "choose_sub_code", "fill_gap", "give", "merge", "recut", "remove", "split"]
