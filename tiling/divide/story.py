"""The whole way from a site to a proposal, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.borders.nodes import NewNodes
from tiling.divide.assigning import Assignment, assign, sub_labels
from tiling.divide.ground import SiteGround, prepare
from tiling.divide.nodes import add_nodes, find_new_nodes
from tiling.divide.numbering import number_shapes
from tiling.divide.outlines import grid_shapes
from tiling.divide.proposal import Figures, Proposal, ProposedGrid
from tiling.divide.remarking import remarks_on
from tiling.divide.scoring import figures_of, measure_moved_share
from tiling.divide.site import Floats, Geometries, Site, estimate_households
from tiling.divide.units import mark_standing_inside
from tiling.divide.wishes import Wishes
from tiling.errors import CannotDivide
from tiling.tolerance import DUST_M2

Ints = NDArray[np.intp]
Stop = Callable[[], bool]
Progress = Callable[[float], None]


def divide(
    site: Site,
    wishes: Wishes,
    *,
    rng: np.random.Generator,
    should_stop: Stop = lambda: False,
    progress: Progress = lambda _share: None,
    prefixes: Mapping[str, str] | None = None,
) -> Proposal:
    """A complete proposal of grids for the areas of a site.

    The same for the same generator, site and wishes, unless `should_stop` says so in between: then it is the best so
    far, marked as not complete. `prefixes` are what codes begin with, by area; else the area's own code.
    Raises CannotDivide. About 2 ms a building, of which a tenth before the first look at `should_stop`.
    """
    refuse_unusable(site)
    counted, guessed = _add_weights(site, wishes)
    target = wishes.target if wishes.grids is None else float(counted.weights.sum()) / wishes.grids
    ground = prepare(counted, wishes, target=target)
    progress(0.1)
    found = assign(ground, wishes, rng=rng, should_stop=should_stop, progress=lambda share: progress(0.1 + 0.8 * share))
    progress(0.9)
    made = draw_grids(ground, found, wishes, rng=rng, should_stop=should_stop, prefixes=prefixes or {})
    remarks = remarks_on(ground, made.grids, wishes, guessed=guessed, complete=found.complete)
    progress(1.0)
    if counted.buildings is not site.buildings:
        # What stood for buildings to come is nobody's building.
        grid_of, sub_of = (rows_of([g.shape for g in of], site.buildings) for of in (made.grids, made.sub_grids))
        made = replace(made, grid_of=grid_of, sub_grid_of=sub_of)
    return replace(made, remarks=remarks)


def refuse_unusable(site: Site) -> None:
    """Raises CannotDivide for areas without ground or overlapping, and for locked grids that overlap."""
    areas = list(site.areas.values())
    if not areas or any(area.is_empty for area in areas):
        raise CannotDivide("There is no ground to divide.", why="no_ground")
    for code, area in site.areas.items():
        if not area.is_valid or area.geom_type not in ("Polygon", "MultiPolygon"):
            raise CannotDivide(f"The boundary of {code} is not valid.", why="bad_area", area=code)
    _refuse_overlap(site.areas, "bad_area")
    _refuse_overlap(site.locked, "locked_overlap")
    if site.locked:
        left = shapely.union_all(areas).difference(shapely.union_all(list(site.locked.values())))
        if left.area < 1.0:
            raise CannotDivide("Locked grids leave no ground to divide.", why="no_ground")


def _refuse_overlap(shapes: Mapping[str, BaseGeometry], why: str) -> None:
    names, held = list(shapes), np.array(list(shapes.values()), dtype=object)
    if len(held) < 2:
        return
    one, other = shapely.STRtree(held).query(held, predicate="intersects")
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        if a < b:
            shared = held[a].intersection(held[b])
            if shared.area > max(DUST_M2, 0.005 * shared.length):
                raise CannotDivide(
                    f"{names[a]} and {names[b]} overlap.", where=shared, why=why, one=names[a], other=names[b]
                )


def _add_weights(site: Site, wishes: Wishes) -> tuple[Site, bool]:
    """The site with weights, and whether they were guessed: a site without any gets estimates of its buildings.

    What stands elsewhere has none: the target of a number of grids is a share of what is divided.
    """
    standing = mark_standing_inside(site)
    weights = np.where(np.isfinite(site.weights) & standing, np.maximum(site.weights, 0.0), 0.0)
    if weights.sum() > 0:
        return replace(site, weights=weights), False
    if len(site.buildings):
        guessed = standing * estimate_households(site.buildings, np.full(len(site.buildings), math.nan))
        if guessed.sum() > 0:
            return replace(site, weights=guessed, estimated=np.ones(len(guessed), dtype=bool)), True
    if wishes.grids is None:
        raise CannotDivide("There is nothing to count here.", why="nothing_to_count")
    return _fill_by_ground(site), True


def _fill_by_ground(site: Site) -> Site:
    """A site without any building, divided by its ground: a square every 30 m stands for what will be built."""
    ground = shapely.union_all(list(site.areas.values()))
    west, south, east, north = ground.bounds
    step = max(30.0, float(np.sqrt(ground.area / 4000)))
    x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    dots = shapely.box(x.ravel() - 1, y.ravel() - 1, x.ravel() + 1, y.ravel() + 1)
    dots = dots[shapely.within(dots, ground)]
    return replace(site, buildings=np.asarray(dots, dtype=object), weights=np.ones(len(dots)), stairwells=None)


def draw_grids(
    ground: SiteGround,
    found: Assignment,
    wishes: Wishes,
    *,
    rng: np.random.Generator,
    should_stop: Stop,
    prefixes: Mapping[str, str],
) -> Proposal:
    """The grids of an assignment with their shapes, codes and figures, without remarks."""
    label = found.label
    finest = label if wishes.sub_target is None else sub_labels(ground, label, wishes, rng=rng, should_stop=should_stop)
    shapes, tiles = _shapes(ground, label, finest, len(found.roles), wishes)
    names = list(ground.site.areas)
    grids, order = _grids(ground, found, shapes, names, prefixes)
    grid_of = _rows_of_buildings(ground, order[label])
    subs, sub_of = _subs(ground, grids, order[label], finest, tiles) if wishes.sub_target else ((), grid_of * 0 - 1)
    nodes = nodes_between(ground.site, grids)
    areas, locked = add_nodes(ground.site.areas, nodes), add_nodes(ground.site.locked, nodes)
    figures = _figures(ground, grids, grid_of, wishes)
    return Proposal(grids, subs, grid_of, sub_of, areas, locked, nodes, figures, (), found.cost, found.complete)


def _shapes(ground: SiteGround, label: Ints, finest: Ints, count: int, wishes: Wishes) -> tuple[Geometries, Geometries]:
    """The shapes of grids and of the finest level; grids are dissolved from the finest, which makes them nest."""
    faces = ground.faces
    tiles = grid_shapes(
        faces, finest[faces.atom], int(finest.max()) + 1, walls=ground.units.shapes, smooth_m=wishes.smooth_m
    )
    if finest is label:
        return tiles, tiles
    above = np.zeros(len(tiles), dtype=np.intp)
    above[finest] = label
    shapes = np.array([shapely.coverage_union_all(tiles[above == grid]) for grid in range(count)], dtype=object)
    return shapes, tiles


def _grids(
    ground: SiteGround, found: Assignment, shapes: Geometries, names: list[str], prefixes: Mapping[str, str]
) -> tuple[tuple[ProposedGrid, ...], Ints]:
    """The grids in the order of their codes, and the new row of each label."""
    weight = np.bincount(found.label, weights=ground.graph.weight, minlength=len(shapes))
    buildings = _buildings_by(ground, found.label, len(shapes))
    areas = np.zeros(len(shapes), dtype=np.intp)
    areas[found.label] = ground.atoms.area
    made: list[tuple[ProposedGrid, int]] = []
    for area, name in enumerate(names):
        rows = np.flatnonzero(areas == area)
        for code, row in zip(number_shapes(shapes[rows], prefix=prefixes.get(name, name)), rows.tolist(), strict=True):
            made.append(
                (ProposedGrid(code, name, found.roles[row], shapes[row], float(weight[row]), int(buildings[row])), row)
            )
    made.sort(key=lambda one: (names.index(one[0].area), one[0].code))
    order = np.empty(len(shapes), dtype=np.intp)
    order[[row for _, row in made]] = np.arange(len(made))
    return tuple(grid for grid, _ in made), order


def _buildings_by(ground: SiteGround, label: Ints, count: int) -> Ints:
    rows = _rows_of_buildings(ground, label)
    return np.bincount(rows[rows >= 0], minlength=count)


def _rows_of_buildings(ground: SiteGround, label: Ints) -> Ints:
    """For each building of the site the label of the atom it stands on, −1 outside."""
    of_unit = np.full(len(ground.units.shapes), -1, dtype=np.intp)
    held = np.flatnonzero(ground.atoms.unit >= 0)
    of_unit[ground.atoms.unit[held]] = label[held]
    whole = np.flatnonzero(of_unit < 0)
    if len(whole):
        inner = shapely.point_on_surface(ground.units.shapes[whole])
        unit, face = shapely.STRtree(ground.faces.shapes).query(inner, predicate="intersects")
        of_unit[whole[unit]] = label[ground.faces.atom[face]]
    unit_of = ground.units.unit_of
    return np.where(unit_of >= 0, of_unit[np.maximum(unit_of, 0)] if len(of_unit) else -1, -1).astype(np.intp)


def _subs(
    ground: SiteGround, grids: tuple[ProposedGrid, ...], grid_of_atom: Ints, finest: Ints, tiles: Geometries
) -> tuple[tuple[ProposedGrid, ...], Ints]:
    weight = np.bincount(finest, weights=ground.graph.weight, minlength=len(tiles))
    buildings = _buildings_by(ground, finest, len(tiles))
    above = np.zeros(len(tiles), dtype=np.intp)
    above[finest] = grid_of_atom
    made: list[ProposedGrid] = []
    order = np.empty(len(tiles), dtype=np.intp)
    for row, grid in enumerate(grids):
        own = np.flatnonzero(above == row)
        codes = number_shapes(tiles[own], prefix=grid.code, digits=2)
        for code, tile in sorted(zip(codes, own.tolist(), strict=True)):
            order[tile] = len(made)
            held = (float(weight[tile]), int(buildings[tile]), grid.code)
            made.append(ProposedGrid(code, grid.area, grid.role, tiles[tile], *held))
    return tuple(made), _rows_of_buildings(ground, order[finest])


def nodes_between(site: Site, grids: tuple[ProposedGrid, ...]) -> NewNodes:
    """The nodes that the borders of the grids put on edges of the site's areas and locked grids."""
    by_area = {area: [grid.shape for grid in grids if grid.area == area] for area in site.areas}
    outlines = [shapely.coverage_union_all(shapes) for shapes in by_area.values() if shapes]
    return find_new_nodes([*site.areas.values(), *site.locked.values()], outlines)


def _figures(ground: SiteGround, grids: tuple[ProposedGrid, ...], grid_of: Ints, wishes: Wishes) -> Figures:
    site = ground.site
    moved = math.nan
    if site.today:
        moved = measure_moved_share(rows_of(list(site.today.values()), site.buildings), grid_of, site.weights)
    sliced = ground.units.unit_of >= 0
    sliced[sliced] = ground.units.sliced[ground.units.unit_of[sliced]]
    return figures_of(grids, site, target=ground.target, tolerance=wishes.tolerance, moved=moved, sliced=sliced)


def rows_of(shapes: list[BaseGeometry], buildings: Geometries) -> Ints:
    """For each building the row of the first shape that its inner point lies in, −1 where there is none."""
    out = np.full(len(buildings), -1, dtype=np.intp)
    if len(buildings) and shapes:
        points = shapely.point_on_surface(buildings)
        building, row = shapely.STRtree(np.array(shapes, dtype=object)).query(points, predicate="intersects")
        order = np.argsort(-row, kind="stable")
        out[building[order]] = row[order]
    return out


def weights_by(proposal: Proposal, weights: Floats) -> Floats:
    """What each grid of a proposal holds of another weight, given for every building."""
    held = proposal.grid_of >= 0
    return np.bincount(proposal.grid_of[held], weights=weights[held], minlength=len(proposal.grids)).astype(float)
