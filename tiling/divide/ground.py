"""What a division knows of its site before it searches: units, blocks, faces, the graph."""

from __future__ import annotations

from dataclasses import dataclass

from tiling.divide.blocks import Blocks, build_blocks
from tiling.divide.cells import blocks_of, cell_lines, split_blocks
from tiling.divide.faces import FaceSet, build_faces
from tiling.divide.graph import Atoms, Graph, build_graph
from tiling.divide.site import Site
from tiling.divide.units import Units, build_units
from tiling.divide.wishes import Wishes

WHOLE_BELOW = 0.12
"""Blocks lighter than this share of a grid stay whole: within a tolerance of 20 % nothing finer is needed."""


@dataclass(frozen=True, eq=False)
class SiteGround:
    """Everything about a site that does not depend on the search: computed once, used by every proposal."""

    site: Site
    units: Units
    blocks: Blocks
    faces: FaceSet
    graph: Graph
    atoms: Atoms
    target: float


def prepare(site: Site, wishes: Wishes, *, target: float) -> SiteGround:
    """Blocks, cells, faces and the graph of a site. About 1 ms a building."""
    units = build_units(site, wishes, target)
    blocks = build_blocks(site, units.shapes)
    home = blocks_of(units, blocks)
    finest = wishes.sub_target or target
    opened = split_blocks(units, home, len(blocks.shapes), whole_below=WHOLE_BELOW * finest)
    if wishes.streets_only:
        opened[:] = False
    faces = build_faces(blocks, units, home=home, opened=opened, inner_lines=cell_lines(units, home, blocks, opened))
    graph, atoms = build_graph(faces, units, blocks, home)
    return SiteGround(site, units, blocks, faces, graph, atoms, target)
