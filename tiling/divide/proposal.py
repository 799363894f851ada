"""What a division answers: grids with their figures, what they were made of, and remarks on what could not be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import NewNodes
from tiling.divide.regions import Role


@dataclass(frozen=True, eq=False)
class ProposedGrid:
    """One grid in metres: its code, the area (community) it lies in, why it is there, what it holds."""

    code: str
    area: str
    role: Role
    shape: BaseGeometry
    weight: float
    buildings: int
    parent: str | None = None


@dataclass(frozen=True, eq=False)
class Remark:
    """Something a planner has to know, by a stable `code`, with the place in metres and the ways out of it.

    Codes: `oversize` (a building heavier than a grid may be), `cut_off` (ground with people that nobody can reach on
    foot), `lumpy` (a region whose weight is no whole number of grids within tolerance), `thin`, `no_roads`,
    `estimated`, `no_weights`, `stopped`, `out_of_range`. `ways` are stable words, of which texts are made.
    """

    code: str
    where: BaseGeometry | None = None
    ways: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Figures:
    """How good a proposal is. Oversize, dedicated and cut-off grids are left out of `cv` and `in_tolerance`.

    Shares are 0 … 1; `along_lines` is the share of borders between grids (not of communities) on roads, walls, water
    or rails; `compactness` the median of 4π area / outline² (Polsby and Popper 1991); `moved` the share of weight
    that changes hands against today's grids (NaN where there are none).
    """

    grids: int
    target: float
    smallest: float
    largest: float
    cv: float
    in_tolerance: float
    oversize: int
    oversize_share: float
    dedicated: int
    cut_off: int
    along_lines: float
    compactness: float
    border_m: float
    buildings_cut: int
    stairwell_cuts: int
    moved: float


@dataclass(frozen=True, eq=False)
class Proposal:
    """A complete tiling of the areas (without locked grids), coverage by construction.

    `grid_of` is for each building the row of its grid in `grids`, −1 outside or in a locked grid. `areas` and `locked`
    are the given shapes with the nodes that the new borders put on their edges; `nodes` lists them by edge, for other
    rings that share these edges. `sub_grids` tile `grids` exactly.
    """

    grids: tuple[ProposedGrid, ...]
    sub_grids: tuple[ProposedGrid, ...]
    grid_of: NDArray[np.intp]
    sub_grid_of: NDArray[np.intp]
    areas: Mapping[str, BaseGeometry]
    locked: Mapping[str, BaseGeometry]
    nodes: NewNodes
    figures: Figures
    remarks: tuple[Remark, ...]
    cost: float
    complete: bool
