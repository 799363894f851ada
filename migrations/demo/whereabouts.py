"""Places within the demo's tiles, and the last known positions of its workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import shapely
from numpy.typing import NDArray

from migrations.demo.model import Town
from migrations.demo.people import DemoPeople, DemoWorker

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Off every border, so that no rounding can carry a place into the next grid.
INSIDE_M = 0.4
FRESH_S, AGEING_S = 300, 1_800


@dataclass(frozen=True)
class Tiles:
    """The finest tiles with their codes, and shapes a little smaller than they are, in metres."""

    codes: tuple[str, ...]
    grids: tuple[str, ...]
    shapes: NDArray[np.object_]

    @classmethod
    def of(cls, town: Town) -> Tiles:
        """The tiles of a town in the order of their codes."""
        tiles = town.tiles
        shapes = shapely.buffer([tile.polygon for tile in tiles], -INSIDE_M, join_style="mitre")
        return cls(tuple(t.code for t in tiles), tuple(t.code[:15] for t in tiles), np.asarray(shapes, dtype=object))

    def places(self, which: Ints, rng: np.random.Generator) -> Floats:
        """One place inside each of the named tiles, x and y in metres."""
        shapes = self.shapes[which]
        bounds = shapely.bounds(shapes)
        xy = np.zeros((len(which), 2))
        open_ = np.arange(len(which))
        for _ in range(200):
            box = bounds[open_]
            xy[open_] = box[:, :2] + rng.random((len(open_), 2)) * (box[:, 2:] - box[:, :2])
            open_ = open_[~shapely.contains_xy(shapes[open_], xy[open_, 0], xy[open_, 1])]
            if not len(open_):
                return xy
        xy[open_] = shapely.get_coordinates(shapely.point_on_surface(shapes[open_]))
        return xy


@dataclass(frozen=True)
class Fixes:
    """Last positions: the worker's place in the list, x and y in metres, age in seconds, accuracy in metres."""

    worker: Ints
    xy: Floats
    age_s: Ints
    accuracy_m: Ints


def make_fixes(
    town: Town, tiles: Tiles, *, workers: list[DemoWorker], roster: DemoPeople, now: datetime, rng: np.random.Generator
) -> Fixes:
    """Fresh, ageing and stale fixes: those on duty in or near their grid, some of the others at home."""
    on_duty = roster.on_duty(now)
    off = np.setdiff1d(np.arange(len(workers)), on_duty)
    off = np.sort(rng.choice(off, int(len(off) * 0.55), replace=False))
    at_work = tiles.places(_tiles_of(tiles, workers, on_duty, rng), rng)
    homes = shapely.get_coordinates([town.buildings[workers[int(w)].home].inner_point for w in off])
    kind = rng.choice(3, len(on_duty), p=(0.72, 0.17, 0.11))
    spans = np.array([(5, FRESH_S - 60), (FRESH_S + 30, AGEING_S - 60), (AGEING_S + 60, 4 * 3600)])[kind]
    ages = np.concatenate([rng.integers(spans[:, 0], spans[:, 1]), rng.integers(3 * 3600, 30 * 3600, len(off))])
    accuracy = rng.choice([5, 8, 10, 15, 20, 35], len(ages))
    return Fixes(np.concatenate([on_duty, off]), np.concatenate([at_work, homes]), ages, accuracy)


def _tiles_of(tiles: Tiles, workers: list[DemoWorker], which: Ints, rng: np.random.Generator) -> Ints:
    """A tile for each worker: the own one, one of the own grid, or any for those who serve the whole district."""
    first: dict[str, list[int]] = {}
    for at, (code, grid) in enumerate(zip(tiles.codes, tiles.grids, strict=True)):
        for key in {code, grid, grid[:12]}:
            first.setdefault(key, []).append(at)
    everywhere = list(range(len(tiles.codes)))
    chosen = []
    for at in which:
        worker = workers[int(at)]
        choices = first.get(worker.charge or worker.area, everywhere)
        chosen.append(choices[int(rng.integers(len(choices)))])
    return np.array(chosen, dtype=np.int64)
