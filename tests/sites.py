"""Sites to divide as pictures: each digit is a building of so many tens of households, blanks and dots are empty land.

site('''
    12
    .3
''', roads=[((0, 1), (2, 1))])     squares of 20 m, a building 10 m wide in the middle of each; roads by corners
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import shapely
import shapely.affinity
from shapely.geometry.base import BaseGeometry

from tests.drawing import ORIGIN_M, rows_of
from tiling.divide import Kind, Site
from tiling.plane import put_on_lattice

CELL_M = 20.0
Place = tuple[float, float]


def at(column: float, row_from_south: float) -> tuple[float, float]:
    """The position in metres of a corner of the picture."""
    return ORIGIN_M[0] + column * CELL_M, ORIGIN_M[1] + row_from_south * CELL_M


def line(*places: Place) -> shapely.LineString:
    """A line through corners of the picture."""
    return shapely.LineString([at(*place) for place in places])


def area(*places: Place) -> shapely.Polygon:
    """A polygon through corners of the picture."""
    return shapely.Polygon([at(*place) for place in places])


def site(
    picture: str,
    *,
    roads: Sequence[tuple[Place, ...]] = (),
    kind: Kind = Kind.road,
    barriers: Sequence[tuple[Place, ...]] = (),
    areas: Mapping[str, BaseGeometry] | None = None,
    **others: Any,
) -> Site:
    """The site in the picture; its area is the whole rectangle, by the code "C", unless `areas` says otherwise."""
    rows = rows_of(picture)
    buildings, weights = [], []
    for j, row in enumerate(reversed(rows)):
        for i, letter in enumerate(row):
            if letter.isdigit():
                buildings.append(shapely.box(*at(i + 0.25, j + 0.25), *at(i + 0.75, j + 0.75)))
                weights.append(10.0 * int(letter))
    lines = [*(line(*road) for road in roads), *(line(*barrier) for barrier in barriers)]
    return Site(
        areas=areas or {"C": shapely.box(*at(0, 0), *at(len(rows[0]), len(rows)))},
        buildings=as_objects(buildings),
        weights=np.array(weights),
        lines=as_objects(lines),
        kinds=np.array([kind] * len(roads) + [Kind.barrier] * len(barriers), dtype=np.intp),
        **others,
    )


def turned(ground: Site, degrees: float) -> Site:
    """The same ground turned about its corner: no edge lies on the lattice any more but for its ends."""

    def turn(shape: BaseGeometry) -> BaseGeometry:
        return put_on_lattice(shapely.affinity.rotate(shape, degrees, origin=ORIGIN_M))

    return replace(
        ground,
        areas={code: turn(shape) for code, shape in ground.areas.items()},
        buildings=as_objects([turn(shape) for shape in ground.buildings]),
        lines=as_objects([turn(shape) for shape in ground.lines]),
    )


def as_objects(items: Sequence[Any]) -> Any:
    """An array of geometries, empty or not."""
    out = np.empty(len(items), dtype=object)
    out[:] = list(items)
    return out
