"""From a planner's edit to the server's answer, in a district of 3,000 grids and 100,000 buildings.

    python -m bench.answers [--edits 300] [--grids 3000] [--buildings 100000]

Over HTTP to one API process, vertices pushed by up to two metres, one edit after the other: the edit itself, the
check about it, households and buildings counted anew, the stored rows, the history, the changes of the report in the
answer, as the planner's page asks for them; `--whole` asks for the whole report, 240 kB of it. Told beside it is the
part of the edit itself as the answer says it (without commit and JSON), and what the server counts from a request's
arrival to the first byte of the answer (with both). The calibration is a fixed piece of work of the same kind in this
process: `coverage_is_valid` of all grids.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import httpx2
import numpy as np
import shapely
from sqlalchemy import Engine

from bench.large_district import BUILDINGS, GRIDS, store_large_district
from bench.served import database, served, signed_in
from layers.access import add_user, open_sign_in
from layers.db import transaction
from tests.racing import free_places
from tests.small_city import SmallCity

PLANNER = "planner"
PLANS = "/api/v1/plans"
STEP_DEG = 1e-6
_EDITS = 'method="POST",path="/api/v1/plans/[^"]*/edits",status="200"'
WARM = 30


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when fewer than nine in ten edits were accepted."""
    parser = argparse.ArgumentParser(prog="answers")
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("--grids", type=int, default=GRIDS)
    parser.add_argument("--buildings", type=int, default=BUILDINGS)
    parser.add_argument("--whole", action="store_true", help="ask for the whole report with every edit")
    options = parser.parse_args(argv)
    with database("answers") as (url, engine, folder):
        city, token = _stored(engine, options)
        return _measure(url, folder, city, token, options)


def _stored(engine: Engine, options: argparse.Namespace) -> tuple[SmallCity, str]:
    with transaction(engine) as session:
        city = store_large_district(session, grids=options.grids, buildings=options.buildings)
        add_user(session, PLANNER, role="planner", area=city.district, password_hash="x")
    with transaction(engine) as session:
        return city, open_sign_in(session, PLANNER)


def _measure(url: str, folder: Path, city: SmallCity, token: str, options: argparse.Namespace) -> int:
    edits, door = options.edits, "edits" if options.whole else "edits?report=changes"
    with served(url, folder / "var") as address, signed_in(address, token) as client:
        _push(client, city, WARM, door)
        seen, told_ms, waited_ms, handled_ms, in_time = _push(client, city, edits, door)
    probe_ms = [_calibrated_ms(city) for _ in range(5)]
    print(f"calibration, coverage_is_valid of {len(city.shapes.polygons)} grids: {statistics.median(probe_ms):.1f} ms")
    _show("edit, checked and answered over HTTP", waited_ms)
    print(f"on the server, arrival to first byte, mean: {handled_ms:.1f} ms")
    print(f"on the server, first byte within 10 ms: {100 * in_time:.0f} %")
    _show("the server's own share", told_ms)
    print(f"edits accepted: {seen[200]} of {edits}")
    return 0 if seen[200] >= 0.9 * edits else 1


def _push(
    client: httpx2.Client, city: SmallCity, edits: int, door: str
) -> tuple[Counter[int], list[float], list[float], float, float]:
    made = client.post(PLANS, json={"district": city.district, "based_on": "published"})
    made.raise_for_status()
    plan, version, rng = made.json()["id"], 1, random.Random(1)
    places = free_places(city.shapes, 500)
    seen: Counter[int] = Counter()
    told_ms, waited_ms, opened = [], [], _counted(client)
    for number in range(edits):
        which = rng.randrange(len(places))
        lon, lat = places[which]
        to = (round(lon + rng.choice((-1, 1)) * rng.randint(1, 20) * STEP_DEG, 9), lat)
        body = {"op": "move_vertex", "from": [lon, lat], "to": list(to)}
        began_s = time.perf_counter()
        answer = client.post(f"{PLANS}/{plan}/{door}", json=body, headers={"If-Match": f'"{version}"'})
        waited_ms.append(1000 * (time.perf_counter() - began_s))
        seen[answer.status_code] += 1
        if answer.status_code == 200:
            version = answer.json()["version"]
            told_ms.append(answer.json()["took_ms"])
            places[which] = _stored_place(answer.json()["changed"], to)
        if number == 0:
            opened = _counted(client)  # the first one reads and checks the whole plan
    sum_s, count, in_time = np.subtract(_counted(client), opened).tolist()
    return seen, told_ms, waited_ms, 1000 * sum_s / count, in_time / count


def _counted(client: httpx2.Client) -> tuple[float, float, float]:
    """Seconds from arrival to first byte of all edits accepted so far, their number, and that of those within 10 ms."""
    told = client.get("/metrics").text
    sums, counts = (re.findall(rf"_{what}{{{_EDITS}}} (\S+)", told) for what in ("sum", "count"))
    in_time = re.findall(rf'_bucket{{{_EDITS},le="0.01"}} (\S+)', told)
    return sum(map(float, sums)), sum(map(float, counts)), sum(map(float, in_time))


def _stored_place(changed: list[dict[str, object]], to: tuple[float, float]) -> tuple[float, float]:
    """Where the vertex came to lie: the lattice moves it by up to 0.7 mm."""
    xy = shapely.get_coordinates([shapely.geometry.shape(feature["geometry"]) for feature in changed])
    nearest = int(((xy - to) ** 2).sum(axis=1).argmin())
    return float(xy[nearest, 0]), float(xy[nearest, 1])


def _calibrated_ms(city: SmallCity) -> float:
    began_s = time.perf_counter()
    shapely.coverage_is_valid(city.shapes.polygons_m)
    return 1000 * (time.perf_counter() - began_s)


def _show(name: str, times_ms: list[float]) -> None:
    ordered = sorted(times_ms)
    print(f"{name}, median: {statistics.median(ordered):.1f} ms")
    print(f"{name}, p95: {ordered[int(0.95 * len(ordered))]:.1f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
