"""Writes the demo's workers, their charges, shifts and last positions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray

from migrations.demo.model import Town
from migrations.demo.people import DemoPeople, DemoWorker
from migrations.demo.rows import Writer, instants, points
from migrations.demo.whereabouts import Fixes

CHARGED_D = 400
# So many charges changed hands within the last year: a spare worker had them before.
HANDED_OVER = 40


def write_workers(
    writer: Writer, town: Town, *, workers: list[DemoWorker], last_assigned: dict[int, int], now: datetime
) -> int:
    """The id of the first worker; the others follow in order."""
    first = writer.reserve("workers", len(workers))
    homes = shapely.get_coordinates(np.array([town.buildings[worker.home].inner_point for worker in workers]))
    since = now - timedelta(days=CHARGED_D)
    moments = {at: datetime.fromtimestamp(second, now.tzinfo) for at, second in last_assigned.items()}
    rows = (
        (first + n, w.number, w.name, w.role, w.area, w.phone, home, moments.get(n), since)
        for n, (w, home) in enumerate(zip(workers, points(writer.lonlat(homes)), strict=True))
    )
    writer.copy("workers", "id number name role area phone home last_assigned_at created_at", rows=rows)
    return first


def write_charges(
    writer: Writer, workers: list[DemoWorker], *, first: int, now: datetime, rng: np.random.Generator
) -> int:
    """The number of charges: one per worker that has one, and some that ended when they changed hands."""
    return writer.copy("assignments", "worker_id grid_code role span", rows=_charges(workers, first, now, rng))


def _charges(
    workers: list[DemoWorker], first: int, now: datetime, rng: np.random.Generator
) -> Iterator[tuple[int, str, str, str]]:
    since = now - timedelta(days=CHARGED_D)
    charged = [n for n, worker in enumerate(workers) if worker.charge and worker.role != "patrol_team"]
    spare = [n for n, worker in enumerate(workers) if worker.charge is None]
    handed = {
        int(n): int(d)
        for n, d in zip(
            rng.choice(charged, HANDED_OVER, replace=False), rng.integers(20, 340, HANDED_OVER), strict=True
        )
    }
    for n, worker in enumerate(workers):
        if worker.charge is None:
            continue
        start = now - timedelta(days=handed[n]) if n in handed else since
        yield first + n, worker.charge, worker.role, f"[{start.isoformat()},)"
        if n in handed:
            before = first + spare[n % len(spare)]
            yield before, worker.charge, worker.role, f"[{since.isoformat()},{start.isoformat()})"


def write_shifts(writer: Writer, roster: DemoPeople, *, first: int) -> int:
    """The number of shifts."""
    start, end = instants(roster.start), instants(roster.end)
    rows = ((first + w, f"[{a},{b})") for w, a, b in zip(roster.worker.tolist(), start, end, strict=True))
    return writer.copy("shifts", "worker_id span", rows=rows)


def write_fixes(writer: Writer, fixes: Fixes, *, first: int, now: datetime) -> int:
    """The number of last positions."""
    lonlat: NDArray[np.float64] = writer.lonlat(fixes.xy)
    rows = (
        (
            first + worker,
            lon,
            lat,
            lon,
            lat,
            float(accuracy),
            now - timedelta(seconds=age),
            now - timedelta(seconds=age),
        )
        for worker, (lon, lat), age, accuracy in zip(
            fixes.worker.tolist(), lonlat.tolist(), fixes.age_s.tolist(), fixes.accuracy_m.tolist(), strict=True
        )
    )
    return writer.copy("positions", "worker_id lon lat raw_lon raw_lat accuracy_m fixed_at received_at", rows=rows)
