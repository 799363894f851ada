"""The figures of a set of grids, measured on the finished shapes, the same way for ours and for anybody's."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from tiling.divide.proposal import Figures, ProposedGrid
from tiling.divide.regions import Role
from tiling.divide.site import Floats, Geometries, Kind, Site
from tiling.tolerance import Tolerance

STEP_M = 5.0
NEAR_M = 4.0
"""A border runs along a line where it is this near: straightened borders stay within 3 m, lanes are 3.5 m wide."""
CUT_DEPTH_M = 0.02
"""How deep inside a building a border must run to cut it: twice what counts as noise."""


def figures_of(
    grids: Sequence[ProposedGrid],
    site: Site,
    *,
    target: float,
    tolerance: float,
    moved: float = math.nan,
    sliced: NDArray[np.bool_] | None = None,
) -> Figures:
    """All figures of a proposal; NaN where there is nothing to measure. `sliced` buildings were to be cut."""
    shapes = np.array([grid.shape for grid in grids], dtype=object)
    weights = np.array([grid.weight for grid in grids])
    roles = np.array([grid.role for grid in grids])
    base = roles == Role.base
    usual = weights[base]
    total = max(float(weights.sum()), 1e-9)
    border = find_inner_borders(shapes, site)
    apart = shapely.boundary(shapes[roles == Role.oversize])
    chosen = shapely.difference(border, shapely.union_all(apart)) if len(apart) else border
    return Figures(
        grids=len(grids),
        target=target,
        smallest=float(usual.min()) if base.any() else math.nan,
        largest=float(usual.max()) if base.any() else math.nan,
        cv=float(usual.std() / usual.mean()) if base.any() and usual.mean() > 0 else math.nan,
        in_tolerance=float((abs(usual / target - 1) <= tolerance + 1e-9).mean()) if base.any() else math.nan,
        oversize=int((roles == Role.oversize).sum()),
        oversize_share=float(weights[roles == Role.oversize].sum() / total),
        dedicated=int((roles == Role.dedicated).sum()),
        cut_off=int((roles == Role.cut_off).sum()),
        along_lines=share_along(chosen, site.lines[site.kinds != Kind.path], site.water),
        compactness=float(np.median(compactness(shapes[base]))) if base.any() else math.nan,
        border_m=float(shapely.length(border)),
        buildings_cut=buildings_cut(border, site.buildings if sliced is None else site.buildings[~sliced]),
        stairwell_cuts=0 if sliced is None else buildings_cut(border, site.buildings[sliced]),
        moved=moved,
    )


def compactness(shapes: Geometries) -> Floats:
    """4π area / outline² of each shape: 1 for a disc, 0.785 for a square."""
    return np.asarray(4 * np.pi * shapely.area(shapes) / np.maximum(shapely.length(shapes), 1e-9) ** 2)


def find_inner_borders(shapes: Geometries, site: Site) -> shapely.Geometry:
    """All borders between grids that are not borders of the areas or of locked grids, as lines, each once."""
    all_lines = shapely.union_all(shapely.boundary(shapes))
    given = shapely.boundary(np.array([*site.areas.values(), *site.locked.values()], dtype=object))
    # The nodes of new borders lie up to 0.7 mm off the given ones.
    return shapely.difference(all_lines, shapely.buffer(shapely.union_all(given), Tolerance().snap_m / 2))


def share_along(border: shapely.Geometry, lines: Geometries, water: Geometries) -> float:
    """The share of a border within NEAR_M of lines or banks, by points every STEP_M; NaN where there is no border."""
    parts = shapely.get_parts(shapely.segmentize(border, STEP_M))
    xy, index = shapely.get_coordinates(parts, return_index=True)
    same = index[1:] == index[:-1]
    middle, length = (xy[1:] + xy[:-1])[same] / 2, np.hypot(*(xy[1:] - xy[:-1])[same].T)
    if not length.sum():
        return math.nan
    near = np.zeros(len(middle), dtype=bool)
    along = np.concatenate([lines, shapely.boundary(water)]) if len(water) else lines
    if len(along):
        near[STRtree(along).query(shapely.points(middle), predicate="dwithin", distance=NEAR_M)[0]] = True
    return float(length[near].sum() / length.sum())


def buildings_cut(border: shapely.Geometry, buildings: Geometries) -> int:
    """How many buildings a border runs through, deeper than CUT_DEPTH_M."""
    parts = shapely.get_parts(border)
    if not len(parts) or not len(buildings):
        return 0
    inside = shapely.buffer(buildings, -CUT_DEPTH_M)
    return len(np.unique(STRtree(parts).query(inside, predicate="intersects")[0]))


def measure_moved_share(before: NDArray[np.intp], after: NDArray[np.intp], weights: Floats) -> float:
    """The share of weight whose grid is another than before, when grids are matched by their largest common weight.

    `before` and `after` number the grids; −1 stands outside and is left out. NaN without any weight.
    """
    both = (before >= 0) & (after >= 0)
    if not weights[both].sum():
        return math.nan
    width = int(after[both].max()) + 1
    pair, row = np.unique(before[both] * width + after[both], return_inverse=True)
    shared = np.bincount(row.ravel(), weights=weights[both])
    stayed, taken_before, taken_after = 0.0, set[int](), set[int]()
    for k in np.argsort(-shared, kind="stable").tolist():
        one, other = divmod(int(pair[k]), width)
        if one not in taken_before and other not in taken_after:
            stayed += float(shared[k])
            taken_before.add(one)
            taken_after.add(other)
    return 1.0 - stayed / float(weights[both].sum())
