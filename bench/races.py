"""Racing planners: a thousand pairs of edits that saw one version, sent to two API processes at the same moment.

    python -m bench.races [--pairs 1000] [--grids 300] [--seed 1]

One edit of each pair is accepted, the other told 412; every accepted edit is in the history; the plan is valid by a
full check at the end. One planner alone is the calibration: the same edits, one after the other, nobody beside them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
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
        alone.run(max(20, options.pairs // 10))
        racers = _racers(clients, city, options.seed)
        began_s = time.perf_counter()
        racers.run(options.pairs)
        took_s = time.perf_counter() - began_s
    faults = faults_of(racers, engine, int(racers.path.rsplit("/", 1)[1]))
    _show(racers, alone, took_s, faults)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
