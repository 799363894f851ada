"""The centre's page while everybody moves: the interval between frames, in a real Chromium.

    python -m bench.centre [--seconds 15] [--workers 5000] [--cases 500]

A made city of 784 grids with so many workers on duty and living cases, in a throw-away PostGIS. A gateway tells each
second where all of them are, some metres on, in batches of 1,000; a new call comes every two seconds. The page is open
on the whole district with a case chosen. Chromium draws with the processor, on the cores that service, PostgreSQL and
gateway compute on too: the interval between frames of an empty page in the same browser is printed beside, at rest and
under that load, and the longest task of the page's own thread.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import numpy as np
from playwright.sync_api import Page, sync_playwright

from bench.dispatch import GRIDS, staff
from bench.http_locate import product
from bench.planner_page import CHROMIUM, FLAGS, WATCH
from gis_api.auth import COOKIE
from layers.access import add_key, add_user, open_sign_in, service_actor
from layers.candidates import Roster
from layers.db import make_engine, transaction
from layers.dispatching import Memory, Report, report
from layers.locating import load_atlas
from migrations import cluster as clusters
from migrations import run
from tests.staffed_city import Town, staffed_city

DISTRICT, BATCH = "130273", 1_000
ADMIN = service_actor("bench")
STEP_DEG = 2e-5
# Whatever keeps the page's thread for over 50 ms.
LONG = """
window.__long = [];
new PerformanceObserver((list) => list.getEntries().forEach((one) => window.__long.push(one.duration)))
  .observe({ type: "longtask" });
"""


def main(argv: list[str]) -> int:
    """Prints the figures; 1 when the page was not told of those who moved."""
    parser = argparse.ArgumentParser(prog="centre")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--workers", type=int, default=5_000)
    parser.add_argument("--cases", type=int, default=500)
    options = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    cluster = clusters.start(folder)
    try:
        url = clusters.add_database(cluster, "bench")
        town, key, cookie = filled(url, options)
        ours = {"WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(folder / "var")}
        with product(ours) as side:
            address = f"http://127.0.0.1:{side.port}"
            told = look(address, cookie, City(address, town, key, options.workers), options.seconds)
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if told else 1


def filled(url: str, options: argparse.Namespace) -> tuple[Town, str, str]:
    """The city with its people and cases, the key of a gateway and the session of a dispatcher."""
    engine = make_engine(url, statement_timeout_ms=0)
    run.upgrade(engine)
    with transaction(engine) as session:
        town = staffed_city(session, grids=GRIDS, staff=False)
        staff(session, town, count=options.workers)
        key = add_key(session, "gateway", role="dispatcher", area=DISTRICT, datum="wgs84", gateway=True)
        add_user(session, "desk", role="dispatcher", area=DISTRICT, password_hash="!")
        cookie = open_sign_in(session, "desk")
    with transaction(engine) as session:
        memory = Memory(load_atlas(session), Roster.load(session, datetime.now(UTC)))
        codes = town.city.codes
        for turn in range(options.cases):
            lon, lat = town.inside(codes[(turn * 37) % len(codes)])
            sent = Report(lon=lon, lat=lat, raw_lon=lon, raw_lat=lat, datum="wgs84", category="sanitation")
            report(session, memory, sent, now=datetime.now(UTC), by=ADMIN)
    engine.dispose()
    return town, key, cookie


class City:
    """Everybody on the move, told by a gateway."""

    def __init__(self, address: str, town: Town, key: str, workers: int) -> None:
        codes = [*dict.fromkeys(town.city.codes + town.city.grids)]
        homes = [town.inside(codes[n % len(codes)]) for n in range(workers)]
        rng = np.random.default_rng(7)
        self.at = np.asarray(homes) + rng.uniform(-4e-4, 4e-4, (workers, 2))
        self.way = rng.uniform(-STEP_DEG, STEP_DEG, (workers, 2))
        self.client = httpx2.Client(base_url=address, headers={"authorization": f"Bearer {key}"}, timeout=30)
        self.spot = homes[0]
        self.turns = itertools.count()

    def tell(self) -> None:
        """Where all are now, a step on."""
        self.at += self.way
        now = datetime.now(UTC).isoformat()
        fixes = [
            {"worker": f"W{n:05d}", "lon": lon, "lat": lat, "fixed_at": now}
            for n, (lon, lat) in enumerate(self.at.tolist())
        ]
        for first in range(0, len(fixes), BATCH):
            self.client.post("/api/v1/positions", json={"fixes": fixes[first : first + BATCH]}).raise_for_status()

    def call(self, turn: int) -> None:
        """One more call."""
        told = {"lon": self.spot[0], "lat": self.spot[1], "category": "sanitation", "description": f"call {turn}"}
        self.client.post(
            "/api/v1/incidents", json=told, headers={"Idempotency-Key": f"bench {turn}"}
        ).raise_for_status()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Told each second, until the block ends."""
        over = threading.Event()

        def walk() -> None:
            turn, due = next(self.turns), time.monotonic()
            while not over.is_set():
                self.tell()
                if turn % 2 == 0:
                    self.call(turn)
                turn, due = next(self.turns), due + 1.0
                over.wait(max(0.0, due - time.monotonic()))

        thread = threading.Thread(target=walk, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def look(address: str, cookie: str, city: City, seconds: float) -> bool:
    """The frames of an empty page, and of the centre while all move; whether it was told of them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": COOKIE, "value": cookie, "url": address}])
        context.add_init_script(WATCH + LONG)
        page = context.new_page()
        page.goto(f"{address}/healthz")
        show("calibration, interval between frames of an empty page", frames(page, 3.0))
        with city.moving():
            show("calibration, an empty page while the service is told of all", frames(page, seconds / 2))
        page.goto(f"{address}/centre")
        page.wait_for_selector("main[data-test=ready]", timeout=120_000)
        page.keyboard.press("ArrowDown")
        page.locator('[data-test="why"]').wait_for()
        with city.moving():
            page.wait_for_timeout(2_000)
            page.evaluate("__long.length = 0")
            metrics = context.new_cdp_session(page)
            metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
            before = busy_ms(metrics)
            show("centre, interval between frames while all move", frames(page, seconds))
            print(f"centre, the page's thread: {(busy_ms(metrics) - before) / seconds:.0f} ms/s")
        print(f"centre, longest task of the page: {max(page.evaluate('__long'), default=0.0):.0f} ms")
        people = page.locator('[data-test="centre-live"]').inner_text()
        print(f"centre says: {people}")
        browser.close()
    return any(mark.isdigit() for mark in people)


def busy_ms(metrics: object) -> float:
    """Milliseconds that the page's thread has computed so far."""
    told = metrics.send("Performance.getMetrics")["metrics"]  # type: ignore[attr-defined]
    return 1000 * float({one["name"]: one["value"] for one in told}["TaskDuration"])


def frames(page: Page, seconds: float) -> list[float]:
    """The intervals between frames, in milliseconds."""
    page.evaluate("__watch()")
    page.wait_for_timeout(seconds * 1000)
    return [float(one) for one in page.evaluate("__seen.frames")]


def show(name: str, intervals: list[float]) -> None:
    """Median, 99th percentile and the longest."""
    ordered = sorted(intervals)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    print(f"{name}: {statistics.median(ordered):.1f} ms")
    print(f"{name}, p99: {p99:.1f} ms")
    print(f"{name}, longest: {ordered[-1]:.1f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
