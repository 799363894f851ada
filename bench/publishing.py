"""How soon a published plan answers everywhere: from the commit to the last of the API processes.

    python -m bench.publishing [--grids 3000] [--rounds 200] [--processes 4]

Each round is a whole publication by the service's own verbs (a draft, its submission, its full check, its snapshot);
the clock runs from the call of COMMIT until each process has answered GET /locate with the new `plan_version`, over a
connection of its own that asks every few milliseconds. A fixed piece of work, timed in between, says how fast the
machine was.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench.http_locate import Server, product
from layers import planning
from layers.access import add_key
from layers.db import make_engine, transaction
from migrations import cluster as clusters
from migrations import run
from tests.city import City, synthetic_city
from tests.drafts import DRAFTS, DRAWER, REVIEWER, WARNINGS, add_published

ASK_EVERY_S = 0.01
GIVE_UP_S = 60.0
GOAL_MS = 1_000.0


@dataclass
class Asker(threading.Thread):
    """Asks one process again and again, and notes when it first answered each plan version."""

    port: int
    path: str
    key: str
    seen: dict[int, float] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=GIVE_UP_S)
        headers = {"authorization": f"Bearer {self.key}"}
        while not self.stopping.wait(ASK_EVERY_S):
            link.request("GET", self.path, headers=headers)
            answer = json.loads(link.getresponse().read())
            version = answer.get("plan_version")
            if version is not None and version not in self.seen:
                self.seen[version] = time.perf_counter()
        link.close()


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when a publication was not answered by all processes in time."""
    options = _options(argv)
    city = synthetic_city(options.grids, sub_grids=(1,), vertices=75, seed=1)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wangge-bench-")))
        folder.chmod(0o755)
        cluster = clusters.start(folder / "pg")
        stack.callback(clusters.stop, cluster)
        url = clusters.add_database(cluster, "publishing")
        engine = make_engine(url, statement_timeout_ms=0)
        stack.callback(engine.dispose)
        key = filled(engine, city)
        servers = [stack.enter_context(_served(url, folder, number)) for number in range(options.processes)]
        took_ms, calibration_ms = _rounds(engine, city, key, servers, options.rounds)
    _tell(took_ms, calibration_ms, options)
    return 0 if len(took_ms) == options.rounds else 1


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="publishing")
    parser.add_argument("--grids", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--processes", type=int, default=4)
    return parser.parse_args(argv)


def filled(engine: Engine, city: City) -> str:
    """A key for a city that is stored with one published plan."""
    run.upgrade(engine)
    with transaction(engine) as session:
        add_published(session, city)
        return add_key(session, "bench", role="dispatcher", area=city.district, datum="wgs84")


def _served(url: str, folder: Path, number: int) -> contextlib.AbstractContextManager[Server]:
    environment = {"WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(folder / f"var{number}")}
    cores = frozenset(os.sched_getaffinity(0))
    return product(environment, cores=cores)


def _rounds(
    engine: Engine, city: City, key: str, servers: Sequence[Server], rounds: int
) -> tuple[list[float], list[float]]:
    """From COMMIT to the last answer, in ms, for each round, and the calibration beside it."""
    point = city.polygons[0].representative_point()
    path = f"/api/v1/locate?lon={point.x!r}&lat={point.y!r}"
    askers = [Asker(server.port, path, key) for server in servers]
    took_ms: list[float] = []
    calibration_ms: list[float] = []
    for asker in askers:
        asker.start()
    with Session(engine) as session:
        for _ in range(rounds):
            version, committed_s = _publish(session, city)
            last_s = _last_answer(askers, version)
            if last_s is None:
                break
            took_ms.append((last_s - committed_s) * 1e3)
            calibration_ms.append(_calibration_ms())
    for asker in askers:
        asker.stopping.set()
        asker.join(timeout=10)
    return took_ms, calibration_ms


def prepared_publication(session: Session, district: str) -> int:
    """The version of a plan that is published but for the COMMIT."""
    plan = planning.create(session, district, based_on="published", by=DRAWER)
    planning.submit(session, DRAFTS, plan.id, version=plan.version, acknowledged=WARNINGS, by=DRAWER)
    planning.publish(session, plan.id, version=plan.version, by=REVIEWER)
    session.flush()
    assert plan.plan_version is not None
    return plan.plan_version


def _publish(session: Session, city: City) -> tuple[int, float]:
    """The new plan version, and the moment at which COMMIT was called."""
    version = prepared_publication(session, city.district)
    committed_s = time.perf_counter()
    session.commit()
    return version, committed_s


def _last_answer(askers: Sequence[Asker], version: int) -> float | None:
    until_s = time.perf_counter() + GIVE_UP_S
    while time.perf_counter() < until_s:
        if all(version in asker.seen for asker in askers):
            return max(asker.seen[version] for asker in askers)
        time.sleep(0.001)
    return None


def _calibration_ms() -> float:
    """A fixed piece of work of the kind that a switch is made of: sorting and adding a million numbers."""
    numbers = np.random.default_rng(1).random(1_000_000)
    began_s = time.perf_counter()
    float(np.cumsum(np.sort(numbers))[-1])
    return (time.perf_counter() - began_s) * 1e3


def _tell(took_ms: list[float], calibration_ms: list[float], options: argparse.Namespace) -> None:
    if len(took_ms) < 2:
        print("publication answered by all processes: 0 rounds")
        return
    p99 = float(np.quantile(took_ms, 0.99, method="higher"))
    name = f"publication of {options.grids} grids, commit to the last of {options.processes} processes"
    print(f"{name}, rounds: {len(took_ms)} publications")
    print(f"{name}, median: {statistics.median(took_ms):.0f} ms")
    print(f"{name}, p99: {p99:.0f} ms (ratio to goal of {GOAL_MS:.0f} ms: {p99 / GOAL_MS:.3f})")
    print(f"{name}, worst: {max(took_ms):.0f} ms")
    calibration = statistics.median(calibration_ms)
    print(f"calibration (sort a million numbers), median: {calibration:.1f} ms")
    ratio = statistics.median(took_ms) / calibration
    print(f"{name}, median in calibrations: {ratio:.1f} (ratio to calibration: {ratio:.3f})")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
