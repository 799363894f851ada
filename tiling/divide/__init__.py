"""Dividing ground into grids by households ([S9]): balanced, compact, along roads, no building cut, a valid tiling.

    lines and buildings        blocks           cells of the units      grids
    +---------+------+         +-----+----+     +--+--+----+            +-----+----+
    | [] []   | []   |         |     |    |     |  |  |    |            |  1  | 2  |
    |---------+      |    →    |-----+    |  →  |--+--+    |     →      |     |    |
    | [] [] []| []   |         |     |    |     | | | |----|            +-----+    |
    +---------+------+         +-----+----+     +-+-+-+----+            |  3  |    |

`divide(site, wishes, rng=…)` gives a `Proposal`. In steps: units (`units`), blocks (`blocks`), lines between units
(`cells`), faces of all lines (`faces`), the graph (`graph`), what is settled beforehand (`regions`), the search
(`trees`, `search`, `kernels`), final borders (`outlines`), figures (`scoring`), remarks (`remarking`).

Why it tiles: all lines are noded once and polygonized once, grids are unions of the faces, and a border between two
grids is one chain that both get. Why it is connected: no move that tears a grid apart is ever made.
"""

from tiling.divide.numbering import number_shapes, reading_order
from tiling.divide.proposal import Figures, Proposal, ProposedGrid, Remark
from tiling.divide.regions import Role
from tiling.divide.scoring import figures_of, measure_moved_share
from tiling.divide.site import Kind, Site, combine_weights, estimate_households, road_kind
from tiling.divide.story import divide, nodes_between, rows_of, weights_by
from tiling.divide.wishes import PROFILES, Wishes, weigh_by_profile

__all__ = [
    "PROFILES",
    "Figures",
    "Kind",
    "Proposal",
    "ProposedGrid",
    "Remark",
    "Role",
    "Site",
    "Wishes",
    "combine_weights",
    "divide",
    "estimate_households",
    "figures_of",
    "measure_moved_share",
    "nodes_between",
    "number_shapes",
    "reading_order",
    "road_kind",
    "rows_of",
    "weigh_by_profile",
    "weights_by",
]
