"""Tilings as pictures: each letter is a grid, each place a square cell, blanks and dots are gaps.

draw('''
    AAB
    CCB
''')                      rows from north to south; draw("AAB / CCB") is the same in one line
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import shapely
from shapely.geometry.base import BaseGeometry

from tiling.partition import Partition

ORIGIN_M = (500_000.0, 4_380_000.0)
CELL_M = 10.0
_GAP = " ."


def draw(
    picture: str,
    *,
    cell_m: float = CELL_M,
    origin_m: tuple[float, float] = ORIGIN_M,
    parents: Mapping[str, str] | None = None,
    areas: Mapping[str, BaseGeometry] | None = None,
    frame: BaseGeometry | str | None = "box",
    parts_allowed: frozenset[str] = frozenset(),
) -> Partition:
    """The partition in the picture, its south-west corner at `origin_m`; every cell corner on a border is a vertex.

    `frame` is "box" (the rectangle around the picture, gaps included), "union", a geometry, or None.
    """
    cells = cells_of(picture, cell_m=cell_m, origin_m=origin_m)
    shapes = {letter: shapely.coverage_union_all(boxes) for letter, boxes in cells.items()}
    return Partition.of(
        list(shapes),
        [_plain(shape) for shape in shapes.values()],
        parents=parents or {},
        frame=_frame(frame, picture, cell_m, origin_m, cells),
        areas=areas or {},
        parts_allowed=parts_allowed,
    )


def cells_of(
    picture: str, *, cell_m: float = CELL_M, origin_m: tuple[float, float] = ORIGIN_M
) -> dict[str, list[shapely.Polygon]]:
    """The square cells of each letter."""
    rows = rows_of(picture)
    cells: dict[str, list[shapely.Polygon]] = {}
    for j, row in enumerate(reversed(rows)):
        for i, letter in enumerate(row):
            if letter not in _GAP:
                x, y = origin_m[0] + i * cell_m, origin_m[1] + j * cell_m
                cells.setdefault(letter, []).append(shapely.box(x, y, x + cell_m, y + cell_m))
    return cells


def rows_of(picture: str) -> list[str]:
    """The rows of the picture, north first, padded to one width."""
    if "/" in picture:
        rows = [row.strip() for row in picture.split("/")]
    else:
        rows = [row.rstrip() for row in textwrap.dedent(picture).strip("\n").split("\n")]
    width = max(map(len, rows))
    return [row.ljust(width) for row in rows]


def at(column: float, row_from_south: float, *, cell_m: float = CELL_M) -> tuple[float, float]:
    """The position in metres of a cell corner (or a place between), counted from the picture's south-west."""
    return ORIGIN_M[0] + column * cell_m, ORIGIN_M[1] + row_from_south * cell_m


def line(*places: tuple[float, float], cell_m: float = CELL_M) -> shapely.LineString:
    """A line through places given as (column, row from south)."""
    return shapely.LineString([at(*place, cell_m=cell_m) for place in places])


def area(*places: tuple[float, float], cell_m: float = CELL_M) -> shapely.Polygon:
    """A polygon through places given as (column, row from south)."""
    return shapely.Polygon([at(*place, cell_m=cell_m) for place in places])


def _frame(
    frame: BaseGeometry | str | None,
    picture: str,
    cell_m: float,
    origin_m: tuple[float, float],
    cells: dict[str, list[shapely.Polygon]],
) -> BaseGeometry | None:
    if frame == "union":
        return _plain(shapely.coverage_union_all([box for boxes in cells.values() for box in boxes]))
    if frame == "box":
        # Every cell of the rectangle, so that the frame has the same nodes as the grids along it.
        full = "\n".join("X" * len(row) for row in rows_of(picture))
        return _plain(shapely.coverage_union_all(cells_of(full, cell_m=cell_m, origin_m=origin_m)["X"]))
    assert frame is None or isinstance(frame, BaseGeometry)
    return frame


def _plain(shape: BaseGeometry) -> BaseGeometry:
    return shape.geoms[0] if len(getattr(shape, "geoms", ())) == 1 else shape
