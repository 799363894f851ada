"""Counts per cell, folded up along the plan in force, from the memory of the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import repeat
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.categories import Category
from layers.errors import Unacceptable
from layers.heat.counted import SQUARE_M, CountedCases, Counts, HeatSquares
from layers.heat.ground import Ladder
from layers.heat.memory import HeatMemory
from tiling.plane import Plane

CELLS = ("sub_grid", "grid", "community", "subdistrict", "250m", "500m")
PERS = ("count", "households", "change")
SQUARES_M = {"250m": 250.0, "500m": 500.0}


@dataclass(frozen=True)
class HeatQuestion:
    """What is asked: a layer, a place, a period, a category, a cell and a measure."""

    layer: str
    area: str
    since: datetime
    until: datetime
    category: str | None = None
    cell: str = "grid"
    per: str = "count"

    def step_back(self) -> HeatQuestion:
        """The same of the period of the same length before."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)


class Cell(NamedTuple):
    """One cell's answer; `rate` is None where there is nothing to divide by, `shape` is in lon/lat degrees.

    A tuple, as thousands are made for one answer: frozen dataclasses took longer to be made than all else together.
    """

    cell: str
    name: str
    n: int
    rate: float | None
    households: int
    shape: BaseGeometry | None = None


def count_cells(
    session: Session, asked: HeatQuestion, *, memory: HeatMemory, now: datetime, shapes: bool = True
) -> list[Cell]:
    """Every cell of the area with its count, zeros included, in the order of their codes.

    `rate` is the count per 1,000 households (`per="households"`) or the relative change to the period of the same
    length before (`per="change"`, None where that one was 0). Raises Unacceptable for an unknown category and for one
    that derives from residents. Without `shapes` none is made: the counts alone take some ms.
    """
    if is_resident_derived(session, asked.category):
        raise Unacceptable("resident_period", errors=[(["month"], "resident_period")])
    found = memory.read(session, asked.layer, now=now)
    cases, ground = found.cases[asked.layer], found.ground
    if asked.cell in SQUARES_M:
        return _count_squares(cases, asked, epsg=ground.find_epsg(asked.area), shapes=shapes)
    ladder = ground.find_ladder(asked.area, asked.cell)
    counts = fold_counts(cases, ladder, asked)
    rates = _rate(counts, cases, ladder, asked)
    drawn: Sequence[BaseGeometry | None] | repeat[None] = ladder.read_shapes() if shapes else repeat(None)
    rows = zip(ladder.cells, ladder.names, counts.tolist(), rates, ladder.households, drawn, strict=False)
    return [Cell(*row) for row in rows]


def fold_counts(cases: CountedCases, ladder: Ladder, asked: HeatQuestion) -> NDArray[np.int64]:
    """The count of each cell of a ladder in the asked period."""
    counts = cases.count_by_code(asked.since, asked.until, category=asked.category)
    return ladder.fold(cases.codes, counts)


def is_resident_derived(session: Session, code: str | None) -> bool:
    """Whether a category derives from residents; False for None. Raises Unacceptable for an unknown one."""
    category = None if code is None else session.get(Category, code)
    if code is not None and category is None:
        raise Unacceptable("unknown_category", errors=[(["category"], "unknown_category")], category=code[:60])
    return category is not None and category.resident_derived


def require_countable(session: Session, code: str) -> None:
    """Raise Unacceptable for an unknown category, and for one derived from residents: those are never exact."""
    if is_resident_derived(session, code):
        raise Unacceptable("category_of_residents", errors=[(["category"], "category_of_residents")], category=code)


def _rate(
    counts: NDArray[np.int64], cases: CountedCases, ladder: Ladder, asked: HeatQuestion
) -> Sequence[float | None]:
    if asked.per == "households":
        return [1000.0 * n / of if of else None for n, of in zip(counts.tolist(), ladder.households, strict=True)]
    if asked.per == "change":
        before = fold_counts(cases, ladder, asked.step_back()).tolist()
        return [n / was - 1.0 if was else None for n, was in zip(counts.tolist(), before, strict=True)]
    return [None] * len(ladder.cells)


def _count_squares(cases: CountedCases, asked: HeatQuestion, *, epsg: int | None, shapes: bool) -> list[Cell]:
    """The squares that hold a case, from south to north and in each row from west to east."""
    if epsg is None or not cases.categories:
        return []
    side_m = SQUARES_M[asked.cell]
    column, row, counts = _fold_squares(cases, asked, cases.find_squares(epsg), int(side_m // SQUARE_M))
    west, south = column * side_m, row * side_m
    drawn = Plane(epsg).to_degrees(shapely.box(west, south, west + side_m, south + side_m)) if shapes else repeat(None)
    rows = zip(column.tolist(), row.tolist(), counts.tolist(), drawn, strict=False)
    return [Cell(f"{east}_{north}", "", n, None, 0, shape) for east, north, n, shape in rows]


def _fold_squares(cases: CountedCases, asked: HeatQuestion, squares: HeatSquares, times: int) -> tuple[Counts, ...]:
    """Column, row and count of the squares `times` as wide that hold a case of the period."""
    by_category = squares.tally.count(cases.find_span(asked.since, asked.until)).reshape(-1, len(cases.categories))
    of_place = (
        by_category[:, cases.select_categories(asked.category)].sum(axis=1)
        * cases.select_codes(asked.area)[squares.code]
    )
    counts = np.bincount(squares.square, weights=of_place, minlength=len(squares.column))
    held = counts > 0
    row, column = squares.row[held] // times, squares.column[held] // times
    south, west = row.min(initial=0), column.min(initial=0)
    width = column.max(initial=0) - west + 1
    keys, which = np.unique((row - south) * width + column - west, return_inverse=True)
    folded = np.bincount(which, weights=counts[held], minlength=len(keys))
    return keys % width + west, keys // width + south, folded.astype(np.int64)
