"""Racing planners: a thousand pairs of edits that saw one version, sent to two API processes at the same moment.

    python -m bench.races [--pairs 1000] [--grids 300] [--seed 1]

One edit of each pair is accepted, the other told 412; every accepted edit is in the history; the plan is valid by a
full check at the end. One planner alone is the calibration: the same edits, one after the other, and how soon each of
them is heard by somebody who looks on in the other process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from sqlalchemy import Engine

from bench.served import database, served, signed_in
from layers.access import add_user, open_sign_in
from layers.db import transaction
from tests.racing import Racers, faults_of, free_places
from tests.small_city import SmallCity, load_small_city

PLANS = "/api/v1/plans"
PEOPLE = ("first", "second")


def main(argv: list[str]) -> int:
    """Runs the races and prints one line a figure; 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="races")
    parser.add_argument("--pairs", type=int, default=1_000)
    parser.add_argument("--grids", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    with database("races") as (url, engine, folder):
        return _race(url, engine, folder, options)


def _race(url: str, engine: Engine, folder: Path, options: argparse.Namespace) -> int:
    with transaction(engine) as session:
        city = load_small_city(session, options.grids)
        for person in PEOPLE:
            add_user(session, person, role="planner", area=city.district, password_hash="x")
    with transaction(engine) as session:
        tokens = [open_sign_in(session, person) for person in PEOPLE]
    with served(url, folder / "a") as one, served(url, folder / "b") as other:
        clients = [signed_in(address, token) for address, token in zip((one, other), tokens, strict=True)]
        alone = _racers(clients[:1], city, options.seed)
        with _listening(clients[1], alone.path) as heard_s:
            alone.run(max(20, options.pairs // 10))
            _until(lambda: alone.version in heard_s)
        racers = _racers(clients, city, options.seed)
        began_s = time.perf_counter()
        racers.run(options.pairs)
        took_s = time.perf_counter() - began_s
    faults = faults_of(racers, engine, int(racers.path.rsplit("/", 1)[1]))
    _show(racers, alone, took_s, faults)
    _show_heard(alone, heard_s)
    return 1 if faults else 0


def _racers(clients: list[httpx2.Client], city: SmallCity, seed: int) -> Racers:
    made = clients[0].post(PLANS, json={"district": city.district, "based_on": "published"})
    made.raise_for_status()
    codes = [code for code in city.codes if len(code) == 15]
    return Racers(clients, f"{PLANS}/{made.json()['id']}", free_places(city.shapes, 200), codes, seed=seed)


def _show(racers: Racers, alone: Racers, took_s: float, faults: list[str]) -> None:
    own_ms, raced_ms = (1000 * statistics.median(one.waits_s) for one in (alone, racers))
    print(f"racing pairs: {sum(racers.pairs.values())} pairs")
    print(f"racing pairs with one 200 and one 412: {racers.pairs[200, 412]} pairs")
    print(f"racing edits accepted and in the history: {len(racers.accepted)} edits")
    print(f"racing wins of the first planner: {sum(by == PEOPLE[0] for _, by in racers.accepted)} edits")
    print(f"racing edit alone, median: {own_ms:.1f} ms")
    print(f"racing edit, median: {raced_ms:.1f} ms (ratio to alone: {raced_ms / own_ms:.2f})")
    print(f"racing all: {took_s:.1f} s")
    print(f"racing faults: {len(faults)} faults")
    for fault in faults:
        print("fault", fault)


def _show_heard(alone: Racers, heard_s: dict[int, float]) -> None:
    """How long after its answer an edit is with somebody who looks on in the other process."""
    late_ms = sorted(1000 * (heard_s[version] - at) for version, at in alone.answered_s.items() if version in heard_s)
    print(f"edits heard in the other process: {len(late_ms)} edits")
    print(f"edit heard after its answer, median: {statistics.median(late_ms):.1f} ms")
    print(f"edit heard after its answer, p99: {late_ms[int(0.99 * len(late_ms))]:.1f} ms")


@contextmanager
def _listening(client: httpx2.Client, path: str) -> Iterator[dict[int, float]]:
    """The moment at which each version of a plan was heard, as it fills up."""
    heard_s: dict[int, float] = {}
    begun = threading.Event()

    def listen() -> None:
        with client.stream("GET", f"{path}/live", timeout=None) as answer:
            for line in answer.iter_lines():
                begun.set()
                if line.startswith("id: "):
                    heard_s[int(line[4:])] = time.perf_counter()

    threading.Thread(target=listen, daemon=True).start()
    begun.wait(30)
    yield heard_s


def _until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not holds() and time.monotonic() < until_s:
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
