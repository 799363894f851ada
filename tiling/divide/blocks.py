"""Blocks: the ground between roads, walls, water and the borders of communities, as one noded set of lines.

Lines stop at buildings instead of cutting them, and dead ends are drawn on to the next line: a path that ends ten
metres before the wall does divide the estate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.divide.site import Geometries, Kind, Site
from tiling.plane import LATTICE_M, lattice_keys, put_on_lattice
from tiling.tolerance import DUST_M2, Tolerance

REACH_M = 40.0
"""How far a dead end is drawn on: the depth of a row of houses with its yard."""
ON_LINE_M = 0.02
"""An edge of a face this close to a line lies on it: the lattice moves it by less than a millimetre a time."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """The faces between the lines, the area each lies in, whether it is water, and the lines with their kinds."""

    shapes: Geometries
    areas: NDArray[np.intp]
    water: NDArray[np.bool_]
    lines: Geometries
    kinds: NDArray[np.intp]


def build_blocks(site: Site, buildings: Geometries) -> Blocks:
    """The blocks of all areas; locked grids are left out, their borders are lines. Needs no order of the input."""
    areas = np.array(list(site.areas.values()), dtype=object)
    ground = shapely.union_all(areas)
    free = _drop_dust(ground.difference(shapely.union_all(list(site.locked.values())))) if site.locked else ground
    lines, kinds = _collect_lines(site, free, buildings)
    frame = _frame_lines(areas, site)
    noded = _node_lines([*lines, *frame])
    dead = _extend_dead_ends(noded, STRtree(buildings))
    if len(dead):
        noded = _node_lines([noded, *dead])
    shapes = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = shapely.point_on_surface(shapes)
    owner = _area_of(inner, areas)
    shapely.prepare(free)
    kept = (owner >= 0) & shapely.intersects(free, inner)
    wet = np.zeros(len(shapes), dtype=bool)
    if len(site.water):
        wet[np.unique(STRtree(site.water).query(inner, predicate="intersects")[0])] = True
    all_lines = np.concatenate([lines, frame, dead])
    all_kinds = np.concatenate([kinds, np.full(len(frame), Kind.frame), np.full(len(dead), Kind.path)])
    return Blocks(shapes[kept], owner[kept], wet[kept], all_lines, all_kinds.astype(np.intp))


def _drop_dust(free: BaseGeometry) -> BaseGeometry:
    """The ground without slivers that stand alone: a node of a locked grid lies up to 0.7 mm off the edge of the area,
    and what is between them is no ground for a grid of its own."""
    parts = shapely.get_parts(free)
    wide = shapely.area(parts) > np.maximum(DUST_M2, Tolerance().snap_m / 2 * shapely.length(parts))
    return free if wide.all() else shapely.MultiPolygon(parts[wide].tolist())


def _collect_lines(site: Site, free: BaseGeometry, buildings: Geometries) -> tuple[Geometries, NDArray[np.intp]]:
    today = np.array([shape.boundary for shape in site.today.values()], dtype=object)
    banks = shapely.boundary(site.water) if len(site.water) else np.empty(0, dtype=object)
    lines = np.concatenate([site.lines, today, banks])
    kinds = np.concatenate([site.kinds, np.full(len(today), Kind.today), np.full(len(banks), Kind.barrier)])
    shapely.prepare(free)
    lines = shapely.intersection(lines, free)
    lines = _cut_out_buildings(lines, buildings)
    parts, index = shapely.get_parts(lines, return_index=True)
    usable = (shapely.get_type_id(parts) == 1) & (shapely.length(parts) > LATTICE_M)
    return np.asarray(put_on_lattice(parts[usable]), dtype=object), kinds[index[usable]].astype(np.intp)


def _cut_out_buildings(lines: Geometries, buildings: Geometries) -> Geometries:
    """The lines without what lies inside of buildings: a road on the map often runs through a corner or a passage."""
    if not len(buildings) or not len(lines):
        return lines
    which, hit = STRtree(buildings).query(lines, predicate="intersects")
    out = lines.copy()
    for row in np.unique(which).tolist():
        out[row] = lines[row].difference(shapely.union_all(buildings[hit[which == row]]))
    return out


def _frame_lines(areas: Geometries, site: Site) -> Geometries:
    rings = [*areas, *site.locked.values()]
    parts: Geometries = shapely.get_parts(shapely.boundary(np.array(rings, dtype=object)))
    return parts


def _node_lines(lines: list[BaseGeometry]) -> BaseGeometry:
    return shapely.union_all(np.array(lines, dtype=object), grid_size=LATTICE_M)


def _extend_dead_ends(noded: BaseGeometry, buildings: STRtree) -> Geometries:
    """A segment for each dead end that reaches another line within REACH_M without touching a building."""
    lines = shapely.get_parts(noded)
    ends, before = _find_dead_ends(lines)
    if not len(ends):
        return np.empty(0, dtype=object)
    step = ends - before
    length = np.hypot(*step.T)
    rays = np.asarray(
        shapely.linestrings(np.stack([ends, ends + step / length[:, None] * REACH_M], axis=1)), dtype=object
    )
    meets = _find_first_meeting(rays, ends, lines)
    found = np.flatnonzero(np.isfinite(meets[:, 0]))
    drawn = np.asarray(shapely.linestrings(np.stack([ends[found], meets[found]], axis=1)), dtype=object)
    drawn = drawn[shapely.length(drawn) > LATTICE_M]
    blocked = np.unique(buildings.query(drawn, predicate="intersects")[0])
    return np.asarray(put_on_lattice(np.delete(drawn, blocked)), dtype=object)


def _find_dead_ends(lines: Geometries) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    xy, index = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
    last = np.r_[first[1:] - 1, len(index) - 1]
    ends = np.concatenate([xy[first], xy[last]])
    before = np.concatenate([xy[first + 1], xy[last - 1]])
    _, inverse, counts = np.unique(lattice_keys(ends), axis=0, return_inverse=True, return_counts=True)
    alone = counts[inverse.ravel()] == 1
    return ends[alone], before[alone]


def _find_first_meeting(rays: Geometries, ends: NDArray[np.float64], lines: Geometries) -> NDArray[np.float64]:
    """Where each ray meets the first other line, NaN where it meets none."""
    out = np.full((len(rays), 2), np.nan)
    which, hit = STRtree(lines).query(rays, predicate="intersects")
    points, index = shapely.get_coordinates(shapely.intersection(rays[which], lines[hit]), return_index=True)
    ray = which[index]
    far = np.hypot(*(points - ends[ray]).T)
    ahead = far > 10 * LATTICE_M
    order = np.lexsort((far[ahead], ray[ahead]))[::-1]
    out[ray[ahead][order]] = points[ahead][order]
    return out


def _area_of(points: Geometries, areas: Geometries) -> NDArray[np.intp]:
    owner = np.full(len(points), -1, dtype=np.intp)
    point, area = STRtree(areas).query(points, predicate="intersects")
    owner[point] = area
    return owner
