"""Units: what a border never cuts. One building, several that overlap, or one slice between two stairwells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.divide.site import Floats, Geometries, Site
from tiling.divide.wishes import Wishes
from tiling.plane import put_on_lattice
from tiling.tolerance import DUST_M2, Tolerance


@dataclass(frozen=True, eq=False)
class Units:
    """Shapes with their weight; `unit_of` says for each building its (first) unit, −1 where it is outside."""

    shapes: Geometries
    weights: Floats
    unit_of: NDArray[np.intp]
    sliced: NDArray[np.bool_]


def build_units(site: Site, wishes: Wishes, target: float) -> Units:
    """The units inside the areas and outside locked grids; a building counts where its inner point lies ([S7])."""
    rows = np.flatnonzero(mark_standing_inside(site))
    group = _number_overlapping(site.buildings[rows])
    unit_of = np.full(len(site.buildings), -1, dtype=np.intp)
    shapes: list[BaseGeometry] = []
    weights: list[float] = []
    sliced: list[bool] = []
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) > 0]) if len(rows) else np.empty(0, np.intp)
    for members in np.split(rows[order], starts[1:]) if len(rows) else ():
        unit_of[members] = len(shapes)
        weight = float(site.weights[members].sum())
        slices = _slices(site, wishes, members, weight, target)
        shapes += slices
        weights += [weight / len(slices)] * len(slices)
        sliced += [len(slices) > 1] * len(slices)
    for part in _parts_elsewhere(site, rows):
        shapes.append(part)
        weights.append(0.0)
        sliced.append(False)
    out = np.empty(len(shapes), dtype=object)
    out[:] = shapes
    return Units(out, np.array(weights, dtype=float), unit_of, np.array(sliced, dtype=bool))


def mark_standing_inside(site: Site) -> NDArray[np.bool_]:
    """Which buildings stand in the areas and in no locked grid; those without a usable shape do not."""
    usable = shapely.is_valid(site.buildings) & (shapely.area(site.buildings) > 0)
    inside = np.zeros(len(site.buildings), dtype=bool)
    if not usable.any():
        return inside
    rows = np.flatnonzero(usable)
    points = shapely.point_on_surface(site.buildings[rows])
    areas = STRtree(np.array(list(site.areas.values()), dtype=object))
    inside[rows[np.unique(areas.query(points, predicate="intersects")[0])]] = True
    if site.locked:
        locked = STRtree(np.array(list(site.locked.values()), dtype=object))
        inside[rows[np.unique(locked.query(points, predicate="intersects")[0])]] = False
    return inside


def _parts_elsewhere(site: Site, rows: NDArray[np.intp]) -> Iterator[BaseGeometry]:
    """What stands of these buildings in another area than their inner point: no households, but nothing cuts it."""
    areas = np.array(list(site.areas.values()), dtype=object)
    if len(areas) < 2 or not len(rows):
        return
    tree = STRtree(site.buildings[rows])
    astride, area = np.unique(tree.query(shapely.boundary(areas), predicate="intersects")[1]), STRtree(areas)
    for building in site.buildings[rows[astride]]:
        home = area.query(shapely.point_on_surface(building), predicate="intersects")
        for other in np.setdiff1d(area.query(building, predicate="intersects"), home).tolist():
            for part in shapely.get_parts(put_on_lattice(building.intersection(areas[other]))):
                if part.geom_type == "Polygon" and part.is_valid and part.area > DUST_M2:
                    yield part


def _number_overlapping(shapes: Geometries) -> NDArray[np.intp]:
    """A number for each shape, the same for those that overlap by more than noise, directly or through others."""
    one, other = STRtree(shapes).query(shapes, predicate="intersects") if len(shapes) else (np.empty(0, int),) * 2
    pair = one < other
    one, other = one[pair], other[pair]
    shared = shapely.intersection(shapes[one], shapes[other])
    thick = shapely.area(shared) > Tolerance().snap_m * shapely.length(shared) / 2
    return number_groups(len(shapes), one[thick], other[thick])


def number_groups(count: int, one: NDArray[np.intp], other: NDArray[np.intp]) -> NDArray[np.intp]:
    """The number of the connected group of each of `count` nodes, in the order of their first nodes."""
    label = np.arange(count, dtype=np.intp)
    while len(one):
        low = np.minimum(label[one], label[other])
        before = label.copy()
        np.minimum.at(label, one, low)
        np.minimum.at(label, other, low)
        np.minimum.at(label, before, label)
        label = label[label]
        if (label == before).all():
            break
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.intp).ravel()


def _slices(site: Site, wishes: Wishes, members: NDArray[np.intp], weight: float, target: float) -> list[BaseGeometry]:
    whole = [shapely.union_all(site.buildings[members])] if len(members) > 1 else [site.buildings[members[0]]]
    if not wishes.cut_stairwells or site.stairwells is None or len(members) > 1 or weight <= target / 2:
        return whole
    count = int(site.stairwells[members[0]])
    return _cut_across(whole[0], count) if count > 1 else whole


def _cut_across(building: BaseGeometry, count: int) -> list[BaseGeometry]:
    """The building in `count` slices of equal length across its long side, or whole where that tears one apart."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(building))
    if len(corners) < 5:
        return [building]
    sides = np.diff(corners[:3], axis=0)
    along, across = (sides[0], sides[1]) if np.hypot(*sides[0]) >= np.hypot(*sides[1]) else (sides[1], -sides[0])
    start = corners[0] if along is sides[0] else corners[1]
    slices = [
        put_on_lattice(building.intersection(_slice_box(start, along, across, share / count, (share + 1) / count)))
        for share in range(count)
    ]
    good = all(part.geom_type == "Polygon" and part.is_valid and part.area > 1.0 for part in slices)
    return slices if good else [building]


def _slice_box(start: Floats, along: Floats, across: Floats, low: float, high: float) -> BaseGeometry:
    # A little more than the rectangle across, so that rounding loses nothing.
    corners = [
        start + along * share + across * side for share, side in ((low, -0.1), (high, -0.1), (high, 1.1), (low, 1.1))
    ]
    return shapely.Polygon(corners)
