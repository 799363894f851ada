"""Whether a published plan makes anybody wait: GET /locate while one process changes its index, and while it does not.

    python -m bench.swapping [--grids 3000] [--rounds 15] [--seconds 2] [--connections 32]

Rounds take turns: all of them keep the connections busy with one question after the other, every second one has a
publication committed in it, which the process reads and swaps in while it answers. The publication is made ready before
the round, in a process of its own; only its COMMIT falls into it. The server runs on one core; load, database and
whatever publishes on the other. Told are the median over the rounds of each kind, and their ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import numpy as np
from sqlalchemy.orm import Session

from bench.http_load import drive
from bench.http_locate import product
from bench.publishing import filled, prepared_publication
from bench.served import database
from layers.db import make_engine
from tests.city import City, synthetic_city

POINTS = 2_000
COMMITTED_AFTER_S = 0.2


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when the new plan was not answered by the end of a round it was published in."""
    parser = argparse.ArgumentParser(prog="swapping")
    parser.add_argument("--grids", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args(argv)
    city = synthetic_city(options.grids, sub_grids=(1,), vertices=75, seed=1)
    with database("swapping") as (url, engine, folder), contextlib.ExitStack() as stack:
        _keep_to_last_core(int((folder / "pgdata" / "postmaster.pid").read_text().split()[0]))
        key = filled(engine, city)
        environment = {"WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(folder / "var")}
        server = stack.enter_context(product(environment))
        _keep_to_last_core(0)
        publisher = stack.enter_context(_publishing(url, city))
        return _measure(server.port, _questions(city, key), publisher, options)


def _keep_to_last_core(pid: int) -> None:
    os.sched_setaffinity(pid, {max(os.sched_getaffinity(pid))})


def _questions(city: City, key: str) -> list[bytes]:
    west, south, east, north = city.frame.bounds
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(west, east, POINTS), rng.uniform(south, north, POINTS)
    rest = f" HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n"
    return [
        f"GET /api/v1/locate?lon={x!r}&lat={y!r}{rest}".encode()
        for x, y in zip(lon.tolist(), lat.tolist(), strict=True)
    ]


@contextlib.contextmanager
def _publishing(url: str, city: City) -> Iterator[Connection]:
    """Another process, which is told to prepare a publication and then to commit it."""
    here, there = multiprocessing.Pipe()
    work = multiprocessing.get_context("spawn").Process(target=_publish_when_told, args=(there, url, city.district))
    work.start()
    try:
        yield here
        here.send("end")
    finally:
        work.join(30)


def _publish_when_told(line: Connection, url: str, district: str) -> None:
    engine = make_engine(url, statement_timeout_ms=0)
    with Session(engine) as session:
        while line.recv() == "prepare":
            line.send(prepared_publication(session, district))
            line.recv()
            session.commit()
            line.send("committed")
    engine.dispose()


def _measure(port: int, questions: list[bytes], publisher: Connection, options: argparse.Namespace) -> int:
    quiet_ms: list[list[float]] = []
    swapped_ms: list[list[float]] = []
    drive(port, questions, connections=options.connections, until_s=time.perf_counter() + 1.0)
    for number in range(2 * options.rounds):
        publisher.send("prepare")
        publisher.recv()
        committing = threading.Timer(COMMITTED_AFTER_S, publisher.send, ("commit",))
        if number % 2:
            committing.start()
        took_s = drive(port, questions, connections=options.connections, until_s=time.perf_counter() + options.seconds)
        if not number % 2:
            publisher.send("commit")
            time.sleep(options.seconds)
        publisher.recv()
        (swapped_ms if number % 2 else quiet_ms).append([1e3 * took for took in took_s])
    _tell(quiet_ms, swapped_ms)
    return 0


def _tell(quiet_ms: list[list[float]], swapped_ms: list[list[float]]) -> None:
    for name, share in (("median", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("worst", 1.0)):
        quiet, swapped = (
            statistics.median(float(np.quantile(round_ms, share)) for round_ms in rounds)
            for rounds in (quiet_ms, swapped_ms)
        )
        print(f"GET /locate, {name}, nothing published: {quiet:.2f} ms")
        print(
            f"GET /locate, {name}, while a plan is swapped in: {swapped:.2f} ms (ratio to quiet: {swapped / quiet:.2f})"
        )
    print(f"requests a round: {statistics.median(map(len, quiet_ms)):.0f} requests")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
