"""Positions of workers over HTTP, in batches of 1,000, the commit included, against one row and one commit each.

    python -m bench.positions [--rounds N] [--seconds S] [--datum gcj02]

A made city of 784 grids and 2,386 workers in a throw-away PostGIS. Both sides take turns; every fix is newer than the
one before, so that every one is stored. The peer upserts prepared single rows over a socket, without HTTP.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import psycopg
from sqlalchemy import make_url

from bench.dispatch import GRIDS, WORKERS, staff
from bench.http_load import Round, measured
from bench.http_locate import product
from layers.access import add_key
from layers.db import make_engine, transaction
from migrations import cluster as clusters
from migrations import run
from tests.staffed_city import Town, staffed_city

BATCH, SENDERS = 1_000, 2
# More batches than one round can take, so that none is sent twice.
MOST_A_SECOND = 120
ONE_ROW = """
    INSERT INTO positions AS old (worker_id, lon, lat, raw_lon, raw_lat, datum, accuracy_m, fixed_at)
    SELECT id, %(lon)s, %(lat)s, %(lon)s, %(lat)s, 'wgs84', 5, %(at)s FROM workers WHERE number = %(worker)s
    ON CONFLICT (worker_id) DO UPDATE SET (lon, lat, fixed_at) = (excluded.lon, excluded.lat, excluded.fixed_at)
    WHERE old.fixed_at < excluded.fixed_at
"""


def main(argv: list[str]) -> int:
    """Prints the figures; the exit status is 0 when every batch was taken."""
    parser = argparse.ArgumentParser(prog="bench positions")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--datum", default="wgs84")
    options = parser.parse_known_args(argv)[0]
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    cluster = clusters.start(folder)
    try:
        url = clusters.add_database(cluster, "bench")
        town, key = filled(url, options.datum)
        ours = {"WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(folder / "var")}
        database = int((cluster.data / "postmaster.pid").read_text().split()[0])
        with product(ours) as side:
            compare(side.port, (*side.pids, database), url, Bodies(town, key), options)
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def filled(url: str, datum: str) -> tuple[Town, str]:
    """A staffed city, and the key of a system that reports positions in a datum."""
    engine = make_engine(url)
    run.upgrade(engine)
    with transaction(engine) as session:
        town = staffed_city(session, grids=GRIDS, staff=False)
        staff(session, town)
        key = add_key(session, "bench", role="dispatcher", area="130273", datum=datum)
    engine.dispose()
    return town, key


class Bodies:
    """Requests made beforehand, each with fixes a millisecond newer than those of the one before."""

    def __init__(self, town: Town, key: str) -> None:
        self.spot = town.inside(town.city.codes[0])
        self._key = key
        self._turns = itertools.count()
        # After everything that is stored; a few seconds ahead of the clock are forgiven.
        self._since = datetime.now(UTC)

    def at(self, turn: int) -> datetime:
        """The moment of a turn."""
        return self._since + timedelta(milliseconds=turn)

    def next(self) -> int:
        """The number of the next turn."""
        return next(self._turns)

    def requests(self, count: int) -> list[bytes]:
        """So many batches."""
        return [self._request(self.next()) for _ in range(count)]

    def _request(self, turn: int) -> bytes:
        lon, lat = self.spot
        at = self.at(turn).isoformat()
        numbers = (f"W{(turn * 700 + n) % WORKERS:05d}" for n in range(BATCH))
        fixes = [
            {"worker": number, "lon": lon + n * 1e-6, "lat": lat, "accuracy_m": 5.0, "fixed_at": at}
            for n, number in enumerate(numbers)
        ]
        body = orjson.dumps({"fixes": fixes})
        head = f"POST /api/v1/positions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {self._key}\r\n"
        return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def compare(port: int, pids: tuple[int, ...], url: str, bodies: Bodies, options: argparse.Namespace) -> None:
    """Both sides in turns, and the lines of what came out."""
    rounds: list[Round] = []
    singles: list[float] = []
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)) as peer:
        for turn in range(options.rounds + 1):
            requests = bodies.requests(int(options.seconds * MOST_A_SECOND))
            done = measured(port, requests, pids=pids, connections=SENDERS, seconds=options.seconds)
            alone = sum(1 for _ in one_by_one(peer, bodies, seconds=options.seconds / 2)) / (options.seconds / 2)
            if turn > 0:  # the first turn warms up
                rounds.append(done)
                singles.append(alone)
    check_stored(url, bodies)
    per_s = statistics.median(one.per_s for one in rounds) * BATCH
    ratio = statistics.median(one.per_s * BATCH / alone for one, alone in zip(rounds, singles, strict=True))
    cpu_us = statistics.median(one.cpu_us for one in rounds) / BATCH
    print(f"positions over HTTP in batches of 1,000: {per_s:.0f} fixes/s (ratio to single-row commits: {ratio:.1f})")
    print(f"positions over HTTP, CPU with the database: {cpu_us:.1f} us/fix")
    print(f"positions over HTTP, a batch: {statistics.median(one.p50_ms for one in rounds):.1f} ms")


def one_by_one(peer: psycopg.Connection, bodies: Bodies, *, seconds: float) -> Iterator[None]:
    """One statement and one commit for each fix, for so long."""
    until, (lon, lat) = time.perf_counter() + seconds, bodies.spot
    turn = bodies.next()
    for n in itertools.count():
        if time.perf_counter() >= until:
            return
        values = {"worker": f"W{n % WORKERS:05d}", "lon": lon, "lat": lat, "at": bodies.at(turn)}
        peer.execute(ONE_ROW, values, prepare=True)
        peer.commit()
        yield


def check_stored(url: str, bodies: Bodies) -> None:
    """Raise RuntimeError unless the last fix of every worker is one of those that were sent."""
    engine = make_engine(url)
    with engine.connect() as connection:
        told = connection.exec_driver_sql("SELECT fixed_at FROM positions").scalars().all()
    engine.dispose()
    if sum(at >= bodies.at(0) for at in told) != WORKERS:
        raise RuntimeError("the batches were answered, but not stored")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
