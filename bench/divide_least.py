"""Least change: after 5 % of the households moved, how many stay in their grid, and is the balance within tolerance."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from tiling.divide import Role, Site, Wishes, divide, measure_moved_share, rows_of

MOVED, STAY = 0.05, 0.90


def least_change(name: str, site: Site, target: float) -> int:
    """Prints the figures; 1 where fewer than nine tenths stay."""
    first = divide(site, Wishes(target=target), rng=np.random.default_rng(1))
    today = {grid.code: grid.shape for grid in first.grids if grid.role is Role.base}
    others = {grid.code: grid.shape for grid in first.grids if grid.role is not Role.base}
    moved = replace(site, weights=_after_moves(site), today=today, locked=others)
    start = time.perf_counter()
    made = divide(moved, Wishes(target=target, keep_today=0.5, empty_m2=0.0), rng=np.random.default_rng(1))
    took_s = time.perf_counter() - start
    fresh = divide(replace(moved, today={}), Wishes(target=target, empty_m2=0.0), rng=np.random.default_rng(2))
    stayed = 1 - measure_moved_share(rows_of(list(today.values()), site.buildings), fresh.grid_of, moved.weights)
    print(f"{name} {target:.0f} least change, stay in their grid: {100 * (1 - made.figures.moved):.1f} %")
    print(f"{name} {target:.0f} least change, in tolerance: {100 * made.figures.in_tolerance:.1f} %")
    print(f"{name} {target:.0f} least change, CV: {made.figures.cv:.3f} ratio")
    print(f"{name} {target:.0f} least change, time: {took_s:.1f} s")
    print(f"{name} {target:.0f} divided from nothing, stay in their grid: {100 * stayed:.1f} %")
    return int(1 - made.figures.moved < STAY)


def _after_moves(site: Site) -> np.ndarray:
    """Every twentieth household moved to another building, which becomes as much heavier as it has room."""
    rng = np.random.default_rng(3)
    gone = rng.binomial(np.rint(site.weights).astype(int), MOVED)
    left = site.weights - gone
    homes = rng.choice(len(left), size=int(gone.sum()), p=left / left.sum())
    # Not into the same buildings evenly: one end of the ground grows, the other shrinks.
    came = np.bincount(np.minimum(homes, np.roll(homes, 1)), minlength=len(left))
    return np.asarray(left + came, dtype=float)
