"""What could not be had, where, and the ways out: the part of an answer that a planner reads first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import shapely

from tiling.divide.ground import SiteGround
from tiling.divide.proposal import ProposedGrid, Remark
from tiling.divide.regions import Role
from tiling.divide.site import Kind
from tiling.divide.wishes import Wishes


def remarks_on(
    ground: SiteGround, grids: Sequence[ProposedGrid], wishes: Wishes, *, guessed: bool, complete: bool
) -> tuple[Remark, ...]:
    """All remarks, those about the whole first."""
    return (*_remark_on_whole(ground, guessed, complete), *_remark_on_grids(ground, grids, wishes))


def _remark_on_whole(ground: SiteGround, guessed: bool, complete: bool) -> Iterator[Remark]:
    site = ground.site
    if not complete:
        yield Remark("stopped", ways=("longer",))
    if not (site.kinds <= Kind.wall).any():
        yield Remark("no_roads", ways=("import_roads", "accept"))
    if guessed:
        yield Remark("no_weights", ways=("import_households", "accept"))
    elif site.estimated is not None and site.estimated.any():
        share = float(site.weights[site.estimated].sum() / max(site.weights.sum(), 1e-9))
        yield Remark("estimated", ways=("import_households", "accept"), details={"share": round(share, 4)})


def _remark_on_grids(ground: SiteGround, grids: Sequence[ProposedGrid], wishes: Wishes) -> Iterator[Remark]:
    target, tolerance = ground.target, wishes.tolerance
    for grid in grids:
        told = {"grid": grid.code, "weight": round(grid.weight, 1), "target": round(target, 1)}
        if grid.role is Role.oversize:
            yield Remark(
                "oversize", grid.shape, ("cut_stairwells", "accept"), {**told, **_describe_heaviest(ground, grid)}
            )
        elif grid.role is Role.cut_off:
            yield Remark("cut_off", grid.shape, ("join_across", "accept"), told)
        elif grid.role is Role.base and abs(grid.weight / target - 1) > tolerance + 1e-9:
            yield _remark_out_of_range(ground, grid, target, told)
        if grid.role is Role.base:
            width_m = _width_m(grid)
            if width_m < wishes.min_width_m:
                yield Remark("thin", grid.shape, ("merge", "accept"), {**told, "width_m": round(width_m, 1)})


def _describe_heaviest(ground: SiteGround, grid: ProposedGrid) -> dict[str, object]:
    """The building that makes a grid heavy: its row in the site and its weight."""
    site = ground.site
    rows = shapely.STRtree(site.buildings).query(grid.shape, predicate="contains")
    if not len(rows):
        return {}
    row = int(rows[np.argmax(site.weights[rows])])
    return {"building": row, "building_weight": float(site.weights[row])}


def _remark_out_of_range(ground: SiteGround, grid: ProposedGrid, target: float, told: dict[str, object]) -> Remark:
    """Out of tolerance because of one building, or because the ground holds no whole number of grids."""
    heavy = _describe_heaviest(ground, grid)
    if float(heavy.get("building_weight", 0.0)) > 0.4 * target:  # type: ignore[arg-type]
        return Remark("lumpy", grid.shape, ("cut_stairwells", "accept"), {**told, **heavy})
    return Remark("out_of_range", grid.shape, ("other_target", "accept"), told)


def _width_m(grid: ProposedGrid) -> float:
    """The diameter of the largest circle inside the grid."""
    radius = shapely.maximum_inscribed_circle(np.array([grid.shape], dtype=object), 1.0)
    return 2 * float(shapely.length(radius)[0])
