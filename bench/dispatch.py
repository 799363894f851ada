"""Dispatching: the roster, the nearest worker, report → stored assignment, batches of positions.

    python -m bench.dispatch

Works on a throw-away PostGIS with a made city of 784 grids and 2,386 workers. The peer for *nearest* is the nearest of
those on duty by PostGIS, a geography KNN over a table and index made for nothing else, in the same run, taking turns:
asked as the service asks (SQLAlchemy), and as fast as it can be asked (psycopg, prepared). It names one worker. Ours is
measured alike, naming the nearest on duty who has a hand free, and whole: five by policy, distance and load, in words,
with everybody who was passed over and why.
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
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.access import service_actor
from layers.assignments import Assignment
from layers.candidates import Roster
from layers.db import make_engine, transaction
from layers.dispatch_rules import LIMITS, Policy, Wish
from layers.dispatching import Memory, Report, report
from layers.dispatching import rank_nearest as ranked
from layers.dispatching.at_hand import find_at_hand, find_line
from layers.locating import load_atlas
from layers.positions import Fix, Position, add_fixes
from layers.shifts import Shift
from layers.standings import Measure
from layers.walking import Network, Ways
from layers.workers import Worker
from migrations import cluster as clusters
from migrations import run
from tests.staffed_city import LONG_AGO, Town, staffed_city

GRIDS, WORKERS, REPORTS, TURNS = 784, 2_386, 400, 5
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
PREPARED = """
    SELECT id FROM on_duty
    ORDER BY place <-> CAST(ST_SetSRID(ST_MakePoint(%s, %s), 4326) AS geography) LIMIT 1
"""


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
        on_foot(town, Memory(atlas, roster), spots)
    most = reports(engine, Memory(atlas, roster), spots)
    fixes(engine, town)
    return most


def staff(session: Any, town: Town, *, count: int = WORKERS) -> None:
    """Workers in bulk: one per finest tile and grid, spare ones on top; all on duty, all seen at home."""
    now = datetime.now(UTC)
    codes = [*dict.fromkeys(town.city.codes + town.city.grids)]
    rows = [
        {"number": f"W{i:05d}", "name": f"w{i}", "role": "grid_worker", "area": "130273", "phone": "13812345678"}
        for i in range(count)
    ]
    session.execute(insert(Worker), rows)
    ids = list(session.scalars(select(Worker.id).order_by(Worker.number)))
    served = list(zip(ids, (codes * (1 + count // len(codes)))[: len(ids)], strict=True))
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


def nearest(session: Session, town: Town, roster: Roster, spots: list[tuple[float, float]]) -> None:
    """Who is nearest, and the whole ranking, from memory, against one KNN statement for one name; all take turns."""
    for statement in PEER:
        session.execute(text(statement))
    cursor = session.connection().connection.driver_connection.cursor()  # type: ignore[union-attr]
    places = {town.inside(code): town.place(code) for code in town.city.codes}
    at = datetime.now(UTC)

    def line(spot: tuple[float, float], wish: Wish) -> Callable[[], object]:
        asked: Any = {"lon": spot[0], "lat": spot[1], "at": at, "wish": wish, "limits": LIMITS}
        return lambda: find_line(roster, places[spot], **asked)

    def whole(spot: tuple[float, float]) -> Callable[[], object]:
        asked: Any = {"lon": spot[0], "lat": spot[1], "at": at, "wish": Wish(), "limits": LIMITS}
        return lambda: find_at_hand(roster, places[spot], **asked)

    sides: dict[str, Callable[[tuple[float, float]], Callable[[], object]]] = {
        "alone": lambda spot: line(spot, Wish(policy=Policy.nearest, limit=1)),
        "whole": whole,
        "asked": lambda spot: lambda: session.execute(KNN, {"lon": spot[0], "lat": spot[1]}).scalar(),
        "prepared": lambda spot: lambda: cursor.execute(PREPARED, spot, prepare=True).fetchone(),
    }
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(TURNS + 1):
        for name, side in sides.items():
            taken = [timed(side(spot)) for spot in spots]
            times[name] += taken if turn > 0 else []  # the first turn warms up
    median = {name: statistics.median(taken) for name, taken in times.items()}
    for name, words in (("alone", "nearest on duty"), ("whole", "nearest five, ranked with reasons")):
        for peer, how in (
            ("asked", "a geography KNN of PostGIS"),
            ("prepared", "the same, prepared, psycopg alone"),
        ):
            told = f"{median[name] * 1e6:.1f} us (ratio to {how}: {median[peer] / median[name]:.2f})"
            print(f"{words}: {told}")


def on_foot(town: Town, memory: Memory, spots: list[tuple[float, float]]) -> None:
    """The same five by the way along roads, which are all borders of grids here."""
    borders = [ring.boundary for ring in town.city.polygons_of("grid").values()]
    network = Network.of(borders)
    assert network is not None
    district = town.place(town.city.codes[0]).district or ""
    memory = replace(memory, roster=replace(memory.roster, ways=Ways(("bench",), {district: network})))
    places = {town.inside(code): town.place(code) for code in town.city.codes}
    wish, at = Wish(measure=Measure.walking), datetime.now(UTC)

    def line(spot: tuple[float, float]) -> Callable[[], object]:
        asked: Any = {"lon": spot[0], "lat": spot[1], "at": at, "wish": wish}
        return lambda: ranked(memory, places[spot], **asked)

    taken = [timed(line(spot)) for spot in (*spots[:5], *spots)][5:]
    show(f"nearest five on foot, {len(network.edges)} stretches of road", taken)


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
