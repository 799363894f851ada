"""Hot and cold spots: cells that stand, with their neighbours, above or below what chance would give (Getis-Ord Gi*).

    z = (S - m W) / (s sqrt((n W - W W) / (n - 1)))      S: the sum of a cell and its W - 1 neighbours; m, s: of all n

Whether a z is more than chance is told by drawing: a cell keeps its value, its neighbours get those of others, 9,999
times, always from the same seed, so that a question has one answer. Of all cells together only so many are named that
at most one in twenty is named by chance (Benjamini and Hochberg, 1995). Getis and Ord, 1992; Ord and Getis, 1995.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from layers.heat.cells import Cell, HeatQuestion, count_cells
from layers.heat.memory import HeatMemory

SEED, DRAWS, FALSE_SHARE = 20_260_101, 9_999, 0.05
# With fewer cells there is nothing to stand out from.
ENOUGH_CELLS = 8
# Up to so many values all are shuffled; of more a few are drawn, and rows that hold one twice are drawn again.
SHUFFLED = 200
Values = NDArray[np.float64]
Pairs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class HeatSpot:
    """One cell that stands out: its standard score, and how often chance alone gave as much (two-sided)."""

    cell: Cell
    kind: Literal["hot", "cold"]
    z: float
    p: float


@dataclass(frozen=True, slots=True)
class HeatSpots:
    """Spots, the strongest first; how many cells were judged, and which could not be: without neighbours or homes."""

    spots: tuple[HeatSpot, ...]
    judged: int
    islands: tuple[Cell, ...]
    homeless: int


def find_spots(session: Session, asked: HeatQuestion, *, memory: HeatMemory, now: datetime) -> HeatSpots:
    """The spots of a question, of counts or of rates per 1,000 households; raises Unacceptable as `count_cells`."""
    cells = count_cells(session, asked, memory=memory, now=now)
    drawn = [cell for cell in cells if cell.shape is not None and (asked.per != "households" or cell.rate is not None)]
    first, second = find_neighbours([cell.shape for cell in drawn if cell.shape is not None])
    alone = np.bincount(first, minlength=len(drawn)) == 0
    islands = tuple(cell for cell, one in zip(drawn, alone.tolist(), strict=True) if one)
    kept = [cell for cell, one in zip(drawn, alone.tolist(), strict=True) if not one]
    renumbered = np.cumsum(~alone) - 1
    values = np.array([cell.rate if asked.per == "households" else cell.n for cell in kept], dtype=np.float64)
    z, p = judge(values, renumbered[first], renumbered[second])
    named = is_named(p)
    spots = [
        HeatSpot(kept[at], "hot" if z[at] > 0 else "cold", float(z[at]), float(p[at])) for at in np.flatnonzero(named)
    ]
    spots.sort(key=lambda spot: (-abs(spot.z), spot.cell.cell))
    return HeatSpots(tuple(spots), len(kept), islands, len(cells) - len(drawn))


def find_neighbours(shapes: Sequence[BaseGeometry]) -> tuple[Pairs, Pairs]:
    """The pairs of shapes that touch, each both ways round; in a tiling: that share a border or a corner."""
    drawn = np.array(shapes, dtype=object)  # of nothing too, of which a list would make no array of shapes
    first, second = shapely.STRtree(drawn).query(drawn, predicate="intersects")
    other = first != second
    return first[other].astype(np.int64), second[other].astype(np.int64)


def judge(values: Values, first: Pairs, second: Pairs) -> tuple[Values, Values]:
    """The score of each cell, and how often chance gave at least as much to either side.

    `first`, `second` are pairs of neighbours, both ways round. Where all values are alike, or cells fewer than
    `ENOUGH_CELLS`, nothing stands out: 0 and 1.
    """
    n = len(values)
    spread = float(values.std()) if n else 0.0
    if n < ENOUGH_CELLS or spread == 0.0:
        return np.zeros(n), np.ones(n)
    degree = np.bincount(first, minlength=n)
    around = np.bincount(first, weights=values[second], minlength=n)
    whole = degree + 1.0
    within = np.maximum((n * whole - whole**2) / (n - 1), np.finfo(np.float64).tiny)
    z = (values + around - values.mean() * whole) / (spread * np.sqrt(within))
    sums = np.cumsum(values[draw_apart(n, int(degree.max()))], axis=1)
    p = np.ones(n)
    for size in np.unique(degree):
        chance, mine = np.sort(sums[:, size - 1]), degree == size
        # Sums of rates differ in the last digits by the order in which they were added.
        slack = 1e-9 * (1.0 + abs(chance[-1]))
        above = DRAWS - np.searchsorted(chance, around[mine] - slack, side="left")
        below = np.searchsorted(chance, around[mine] + slack, side="right")
        p[mine] = np.minimum(1.0, 2.0 * (np.minimum(above, below) + 1.0) / (DRAWS + 1.0))
    return z, p


def draw_apart(n: int, size: int) -> Pairs:
    """`DRAWS` rows of `size` different numbers below n, in random order, from `SEED`."""
    rng = np.random.default_rng(SEED)
    if n <= SHUFFLED:
        every = np.broadcast_to(np.arange(n), (DRAWS, n))
        return rng.permuted(every, axis=1)[:, :size]
    drawn = rng.integers(0, n, (DRAWS, size))
    while True:
        in_order = np.sort(drawn, axis=1)
        twice = (in_order[:, 1:] == in_order[:, :-1]).any(axis=1)
        if not twice.any():
            return drawn
        drawn[twice] = rng.integers(0, n, (int(twice.sum()), size))


def is_named(p: Values) -> NDArray[np.bool_]:
    """Which of many are more than chance, at most `FALSE_SHARE` of the named ones being so by chance."""
    order = np.argsort(p, kind="stable")
    passed = np.flatnonzero(p[order] <= FALSE_SHARE * (np.arange(len(p)) + 1) / max(len(p), 1))
    named = np.zeros(len(p), dtype=bool)
    if len(passed):
        named[order[: passed[-1] + 1]] = True
    return named
