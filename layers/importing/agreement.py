"""How well a published plan agrees with what a file states: the proof that imported points land where they should."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers import files
from layers.access import Actor, require_visible
from layers.areas import get_district
from layers.errors import NotFound, Unacceptable
from layers.grids import Grid, GridLevel
from layers.importing.drafts import code_of
from layers.importing.report import ImportOptions
from layers.plans import Plan, is_in_force_now
from tiling.plane import Plane


@dataclass(frozen=True, kw_only=True)
class StatedAs:
    r"""How a file names grids: "11 MANHATTAN" by pattern `(\d+) MANHATTAN` and grid `1\1` is the district's grid 111.

    `pattern` must fit the whole text; `grid` is the grid's id as its import called it, with `\1` for the first group.
    Texts that `nothing` fits state no grid.
    """

    district: str
    pattern: str = "(.+)"
    grid: str = r"\1"
    nothing: str = r"(?i)(unspecified|unknown|n/?a)\b.*"


@dataclass(frozen=True)
class Miss:
    """One row whose point is not in the grid that the file states; `found` is None in no grid.

    `distance_m` is the distance from the point to the border of the stated grid, in metres of the city; to the nearest
    border of any grid where the plan has no such grid.
    """

    row: int
    stated: str
    found: str | None
    distance_m: float
    where: BaseGeometry


@dataclass(frozen=True)
class Agreement:
    """How many located rows state a grid, how many of them lie in it, and each one that does not."""

    stating: int
    agreeing: int
    misses: tuple[Miss, ...]


def compare_stated(
    session: Session, file: Path, *, column: str, stated_as: StatedAs, options: ImportOptions, by: Actor
) -> Agreement:
    """How the file's points agree with the grids that its column states, under the district's plan in force.

    A statement that the pattern does not fit counts as a miss. Rows without a point or without a statement are left
    out. On a border the smallest code owns the point ([L1]).
    """
    district = stated_as.district
    require_visible(by, district)
    plane = Plane(get_district(session, district).crs_epsg or 0)
    table = files.read(files.Source(path=file, crs=options.crs, datum=options.datum, table=options.table))
    if table.geometries is None or column not in table.columns:
        raise Unacceptable("file_has_no_such_column", column=column, columns=", ".join(table.names))
    codes, polygons = _grids_in_force(session, district)
    stated = _read_stated(table.columns[column], stated_as)
    rows = [row for row, shape in enumerate(table.geometries) if shape is not None and stated[row] is not None]
    points = np.asarray(table.geometries[rows], dtype=object)
    found = _owners(points, codes, polygons)
    borders = dict(zip(codes, shapely.boundary(plane.to_metres(polygons)), strict=True))
    misses = [
        Miss(row + 1, stated[row] or "", owner, _distance_m(plane.to_metres(point), borders, stated[row]), point)
        for row, point, owner in zip(rows, points, found, strict=True)
        if owner != stated[row]
    ]
    return Agreement(len(rows), len(rows) - len(misses), tuple(misses))


def _grids_in_force(session: Session, district: str) -> tuple[list[str], NDArray[np.object_]]:
    rows = session.execute(
        select(Grid.code, func.ST_AsBinary(Grid.geom))
        .join(Plan, Plan.id == Grid.plan_id)
        .where(Plan.district == district, is_in_force_now())
        .where(Grid.level == GridLevel.grid, Grid.exclusive)
        .order_by(Grid.code)
    ).all()
    if not rows:
        raise NotFound("nothing_published", district=district)
    return [code for code, _ in rows], np.asarray(shapely.from_wkb([bytes(wkb) for _, wkb in rows]), dtype=object)


def _read_stated(texts: Any, stated_as: StatedAs) -> list[str | None]:
    try:
        pattern = re.compile(stated_as.pattern)
        nothing = re.compile(stated_as.nothing)
        silent = (text is None or nothing.fullmatch(text) for text in texts)
        return [None if none else _code(text, pattern, stated_as) for text, none in zip(texts, silent, strict=True)]
    except (re.error, IndexError) as error:
        raise Unacceptable("pattern_is_wrong", pattern=stated_as.pattern, reason=str(error)) from error


def _code(text: str, pattern: re.Pattern[str], stated_as: StatedAs) -> str:
    match = pattern.fullmatch(text)
    return text if match is None else code_of(stated_as.district, match.expand(stated_as.grid))


def _owners(points: NDArray[np.object_], codes: list[str], polygons: NDArray[np.object_]) -> list[str | None]:
    """The smallest code whose polygon covers each point; codes come sorted."""
    owners: list[str | None] = [None] * len(points)
    numbers, holding = STRtree(polygons).query(points, predicate="covered_by")
    for number, grid in sorted(zip(numbers.tolist(), holding.tolist(), strict=True), reverse=True):
        owners[number] = codes[grid]
    return owners


def _distance_m(point: BaseGeometry, borders: Mapping[str, BaseGeometry], stated: str | None) -> float:
    if stated is not None and stated in borders:
        return float(point.distance(borders[stated]))
    return float(np.min(shapely.distance(point, np.array(list(borders.values()), dtype=object))))
