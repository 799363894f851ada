"""Dispatching: the roster, the nearest worker, report → stored assignment, batches of positions.

    python -m bench.dispatch

Works on a throw-away PostGIS with a made city of 784 grids and 2,386 workers. The peer for *nearest* is the nearest of
those on duty by PostGIS, a geography KNN over a table and index made for nothing else, in the same run, taking turns:
it names one worker; ours ranks by policy, distance and load and gives every reason.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, text
from sqlalchemy.dialects.postgresql import Range

from layers import cluster as clusters
from layers.access import service_actor
from layers.assignments import Assignment
from layers.candidates import Roster, near
from layers.db import make_engine, transaction
from layers.dispatch_rules import Wish, rank
from layers.dispatching import Memory, Report, report
from layers.locating import load_atlas
from layers.positions import Fix, Position, add_fixes
from layers.shifts import Shift
from layers.workers import Worker
from migrations import run
from tests.staffed_city import LONG_AGO, Town, staffed_city

GRIDS, WORKERS, REPORTS = 784, 2_386, 400
ADMIN = service_actor("bench")
PEER = (
    """CREATE TEMPORARY TABLE on_duty AS
    SELECT w.id, CAST(ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326) AS geography) AS place
    FROM positions p JOIN workers w ON w.id = p.worker_id
    WHERE EXISTS (SELECT 1 FROM shifts s WHERE s.worker_id = w.id AND s.span @> now())""",
    "CREATE INDEX on_duty_place ON on_duty USING gist (place)",
    "ANALYZE on_duty",
)
KNN = text("""
    SELECT id FROM on_duty
    ORDER BY place <-> CAST(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geography) LIMIT 1
""")


def main(argv: list[str]) -> int:
    """Print one line per figure; 1 when a worker got more than three tasks."""
    del argv
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    cluster = clusters.start(folder)
    try:
        engine = make_engine(clusters.add_database(cluster, "bench"))
        run.upgrade(engine)
        most = measure(engine)
        engine.dispose()
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if most > 3 else 0


def measure(engine: Engine) -> int:
    """All figures on one city; the most open tasks that one worker got."""
    with transaction(engine) as session:
        town = staffed_city(session, grids=GRIDS, staff=False)
        staff(session, town)
    spots = [town.inside(code) for code in random.Random(3).sample(town.city.codes, 200)]
    with transaction(engine) as session:
        now = datetime.now(UTC)
        atlas, roster = load_atlas(session), Roster.load(session, now)
        show("roster load", [timed(lambda: Roster.load(session, now, previous=roster)) for _ in range(9)])
        nearest(session, town, roster, spots)
    most = reports(engine, Memory(atlas, roster), spots)
    fixes(engine, town)
    return most


def staff(session: Any, town: Town) -> None:
    """Workers in bulk: one per finest tile and grid, spare ones on top; all on duty, all seen at home."""
    now = datetime.now(UTC)
    codes = [*dict.fromkeys(town.city.codes + town.city.grids)]
    rows = [
        {"number": f"W{i:05d}", "name": f"w{i}", "role": "grid_worker", "area": "130273", "phone": "13812345678"}
        for i in range(WORKERS)
    ]
    session.execute(insert(Worker), rows)
    ids = list(session.scalars(select(Worker.id).order_by(Worker.number)))
    served = list(zip(ids, (codes * 2)[: len(ids)], strict=True))
    forever, duty = Range(LONG_AGO, None, bounds="[)"), Range(now - timedelta(hours=4), now + timedelta(hours=8))
    session.execute(
        insert(Assignment),
        [{"worker_id": one, "grid_code": code, "role": "grid_worker", "span": forever} for one, code in served],
    )
    session.execute(insert(Shift), [{"worker_id": one, "span": duty} for one in ids])
    seen = [(one, *town.inside(code)) for one, code in served]
    session.execute(
        insert(Position),
        [
            {"worker_id": one, "lon": lon, "lat": lat, "raw_lon": lon, "raw_lat": lat, "fixed_at": now}
            for one, lon, lat in seen
        ],
    )


def nearest(session: Any, town: Town, roster: Roster, spots: list[tuple[float, float]]) -> None:
    """The whole ranking from memory against one KNN statement for one name."""
    at, place = datetime.now(UTC), town.place(town.city.codes[0])
    for statement in PEER:
        session.execute(text(statement))

    def ours(lon: float, lat: float) -> None:
        standings = near(roster, place, lon=lon, lat=lat, at=at)
        assert standings is not None
        rank(standings, Wish())

    mine, theirs = [], []
    for lon, lat in spots:
        mine.append(timed(lambda lon=lon, lat=lat: ours(lon, lat)))
        theirs.append(timed(lambda lon=lon, lat=lat: session.execute(KNN, {"lon": lon, "lat": lat}).scalar()))
    ratio = statistics.median(theirs) / statistics.median(mine)
    print(
        f"nearest, ranked with reasons: {statistics.median(mine) * 1e6:.0f} us"
        f" (ratio to one geography KNN of PostGIS: {ratio:.2f})"
    )


def reports(engine: Engine, memory: Memory, spots: list[tuple[float, float]]) -> int:
    """Report → stored assignment, the commit included, alone and eight at a time; the most tasks of one worker."""

    def one(turn: int) -> float:
        lon, lat = spots[turn % len(spots)]
        sent = Report(lon=lon, lat=lat, raw_lon=lon, raw_lat=lat, datum="wgs84", category="sanitation")

        def whole() -> None:
            with transaction(engine) as session:
                report(session, memory, sent, now=datetime.now(UTC), by=ADMIN)

        return timed(whole)

    show("report to stored assignment", [one(turn) for turn in range(REPORTS)])
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))  # every thread gets its connection
        started = time.perf_counter()
        times = list(pool.map(one, range(REPORTS)))
    show("report to stored assignment, eight at once", times)
    print(f"reports per second, eight at once: {REPORTS / (time.perf_counter() - started):.0f} 1/s")
    with transaction(engine) as session:
        most = int(
            session.scalar(
                text(
                    "SELECT max(n) FROM (SELECT count(*) AS n FROM incidents WHERE worker_id IS NOT NULL"
                    " AND state IN ('dispatched','accepted','arrived') GROUP BY worker_id) AS t"
                )
            )
        )
    print(f"most open tasks of one worker: {most} tasks")
    return most


def fixes(engine: Engine, town: Town) -> None:
    """Batches of 1,000 fixes of known workers, the commit included."""
    lon, lat = town.inside(town.city.codes[0])

    def batch(turn: int) -> float:
        now = datetime.now(UTC)
        sent = [
            Fix(i, f"W{(turn * 700 + i) % WORKERS:05d}", lon, lat, lon, lat, "wgs84", 5.0, now) for i in range(1_000)
        ]

        def whole() -> None:
            with transaction(engine) as session:
                add_fixes(session, sent, now=now, by=ADMIN)

        return timed(whole)

    times = [batch(turn) for turn in range(20)]
    print(f"positions in batches of 1,000: {1_000 / statistics.median(times):.0f} 1/s")


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def show(name: str, times_s: list[float]) -> None:
    """One line: the median and the 99th percentile in milliseconds."""
    ordered = sorted(times_s)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(f"{name}: {statistics.median(ordered) * 1000:.3f} ms")
    print(f"{name}, p99: {p99 * 1000:.3f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
