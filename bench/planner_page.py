"""The planner's page on a large district, in a real Chromium: how soon it can be used, how it feels under the mouse.

    python -m bench.planner_page [--rounds 5] [--drags 25] [--database URL]

3,000 grids of some 75 vertices, 100,000 buildings, one API process, no graphics card: Chromium draws with the
processor. A calibration runs in the same browser in the same run and is printed beside: a fixed piece of arithmetic, a
fixed drawing on a canvas, and the interval between frames of an empty page while the mouse moves.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Locator, Page, sync_playwright
from sqlalchemy import select, text

from bench.large_district import store_large_district
from gis_api.auth import COOKIE
from layers.access import Actor, User, add_user, open_sign_in
from layers.areas import Area
from layers.db import make_engine, transaction
from layers.planning import create
from migrations import cluster as clusters
from migrations import run
from tests.ports import free_port

CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
DISTRICT, PERSON = "130273", "planner"
STEPS, STEP_S = 90, 1 / 60
POINTER = ("pointermove", "mousemove")
# What is watched from before the page's first script on.
WATCH = """
const seen = (window.__seen = { ready: 0, frames: [], let_go: 0, answered: [] });
const told = new MutationObserver(() => {
  if (!seen.ready && document.querySelector("main[data-test=ready]")) seen.ready = performance.now();
});
told.observe(document, { subtree: true, attributes: true, attributeFilter: ["data-test"] });
let watch = 0;
window.__watch = () => {
  const mine = (watch += 1);
  let last = 0;
  seen.frames.length = 0;
  const frame = (now) => {
    if (mine !== watch) return;
    if (last) seen.frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
};
addEventListener("pointerup", () => { seen.let_go = performance.now(); }, true);
addEventListener("DOMContentLoaded", () => {
  const state = document.getElementById("plan-state");
  if (state) new MutationObserver(() => {
    const { let_go } = seen;
    if (let_go) requestAnimationFrame(() => requestAnimationFrame((now) => seen.answered.push(now - let_go)));
    seen.let_go = 0;
  }).observe(state, { childList: true, characterData: true, subtree: true });
});
"""
RECEIVED = "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)"
ARITHMETIC = """() => {
  const from = performance.now();
  let sum = 0;
  for (let i = 1; i < 3e7; i += 1) sum += Math.sqrt(i) % 7;
  return [performance.now() - from, sum][0];
}"""
DRAWING = """() => {
  const canvas = document.createElement("canvas");
  canvas.width = 1400; canvas.height = 900;
  const context = canvas.getContext("2d");
  const from = performance.now();
  for (let i = 0; i < 3000; i += 1) {
    context.beginPath();
    for (let k = 0; k < 75; k += 1) {
      context.lineTo(700 + 650 * Math.sin(i + k / 9), 450 + 400 * Math.cos(i * 2 + k / 7));
    }
    context.stroke();
  }
  context.getImageData(0, 0, 1, 1);
  return performance.now() - from;
}"""


@dataclass(frozen=True)
class Desk:
    """A running service with a draft, and a browser that looks at it."""

    address: str
    plan: int
    token: str
    browser: Browser

    def context(self) -> BrowserContext:
        """A browser that has been nowhere yet."""
        made = self.browser.new_context(viewport={"width": 1440, "height": 900})
        made.add_cookies([{"name": COOKIE, "value": self.token, "url": self.address}])
        made.add_init_script(WATCH)
        return made

    def opened(self, context: BrowserContext) -> Page:
        """The planner's page on the draft, ready."""
        page = context.new_page()
        self.show(page)
        return page

    def show(self, page: Page) -> None:
        """Go to the draft and wait until it can be drawn on."""
        page.goto(f"{self.address}/planner?plan={self.plan}")
        page.wait_for_selector("main[data-test=ready]", timeout=120_000)


def main(argv: list[str]) -> int:
    """Print one line a figure; 1 when an edit was refused or not answered."""
    options = _options(argv)
    with _database(options.database) as url, _service(url) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        desk = Desk(address, *_draft(url), browser)
        _calibrate(desk)
        _open_often(desk, options.rounds)
        answered = _drag_often(desk, options.drags)
        browser.close()
    return 0 if answered else 1


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="planner")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--drags", type=int, default=25)
    parser.add_argument("--database", help="a database that holds the large district already")
    return parser.parse_args(argv)


@contextlib.contextmanager
def _database(url: str | None) -> Iterator[str]:
    """The address of a database with the large district: the one given, else one of this run's own."""
    if url is not None:
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    cluster = clusters.start(folder)
    try:
        made = clusters.add_database(cluster, "bench")
        engine = make_engine(made, statement_timeout_ms=0)
        run.upgrade(engine)
        with transaction(engine) as session:
            store_large_district(session)
        engine.dispose()
        yield made
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)


def _draft(url: str) -> tuple[int, str]:
    """The number of a new draft of the district, and a session of its planner."""
    engine = make_engine(url, statement_timeout_ms=0)
    by = Actor(PERSON, "planner", DISTRICT)
    with transaction(engine) as session:
        if session.get(User, PERSON) is None:
            add_user(session, PERSON, role="planner", area=DISTRICT, password_hash="!")
        assert session.scalar(select(Area.code).where(Area.code == DISTRICT))
        plan = create(session, DISTRICT, based_on="published", by=by)
        answer = plan.id, open_sign_in(session, PERSON)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    engine.dispose()
    return answer


@contextlib.contextmanager
def _service(url: str) -> Iterator[str]:
    """The address of one API process on this database."""
    port = free_port()
    folder = tempfile.mkdtemp(prefix="wangge-bench-var-")
    surroundings = {**os.environ, "WANGGE_DATABASE_URL": url, "WANGGE_VAR": folder}
    command = [sys.executable, "-m", "uvicorn", "--factory", "gis_api.app:create_app", "--port", str(port)]
    service = subprocess.Popen([*command, "--log-level", "warning"], env=surroundings)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/readyz")
        yield address
    finally:
        service.terminate()
        service.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(address: str) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise SystemExit("the service did not come up")


def _calibrate(desk: Desk) -> None:
    context = desk.context()
    page = context.new_page()
    page.goto(f"{desk.address}/healthz")
    _show("calibration, arithmetic", [page.evaluate(ARITHMETIC) for _ in range(5)])
    _show("calibration, 3,000 polylines on a canvas", [page.evaluate(DRAWING) for _ in range(5)])
    page.evaluate("__watch()")
    _move(page, (300, 300), (700, 500))
    frames = page.evaluate("__seen.frames")
    _show("calibration, interval between frames of an empty page", frames, p99=True)
    context.close()


def _open_often(desk: Desk, rounds: int) -> None:
    """From the start of the navigation until the page is ready, with nothing cached in the browser."""
    times, first, work, sizes = [], [], [], 0
    for _ in range(rounds + 1):
        context = desk.context()
        page = context.new_page()
        metrics = context.new_cdp_session(page)
        metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        desk.show(page)
        work.append(_processor_ms(metrics))
        times.append(page.evaluate("__seen.ready"))
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
        first.append(painted)
        sizes = page.evaluate(RECEIVED)
        _settled(page)
        context.close()
    # The first one also warms up the process of the service.
    print(f"page ready, first of a new process: {times[0]:.0f} ms")
    _show("page ready, cold cache", times[1:])
    _show("page ready, first paint", first[1:])
    _show("page ready, processor time of the page's thread", work[1:])
    print(f"page ready, bytes received: {sizes / 1e6:.2f} MB")


def _processor_ms(metrics: CDPSession) -> float:
    """Milliseconds that the page's thread has computed so far; other processes of the machine do not count."""
    told = {one["name"]: one["value"] for one in metrics.send("Performance.getMetrics")["metrics"]}
    return 1000 * float(told["TaskDuration"])


def _settled(page: Page) -> None:
    """The report comes after the page is ready; what follows is not to wait for it."""
    page.locator('[data-test="planner-defects"] .skeleton').first.wait_for(state="detached", timeout=120_000)


def _drag_often(desk: Desk, drags: int) -> bool:
    """Drags of one shared vertex there and back, each released as an edit; whether all were answered."""
    context = desk.context()
    page = desk.opened(context)
    _settled(page)
    page.wait_for_timeout(3_000)
    handle = _shared_vertex(page)
    frames: list[float] = []
    desk.browser.start_tracing(page=page, categories=["devtools.timeline", "disabled-by-default-devtools.timeline"])
    _drag(page, handle, 40, -25, frames)
    trace = json.loads(desk.browser.stop_tracing())
    for turn in range(drags):
        away = 14 if turn % 2 else -14
        _drag(page, _shared_vertex(page), away, away / 2, frames)
    answered = page.evaluate("__seen.answered")
    context.close()
    _show("dragging, interval between frames", frames, p99=True)
    _show("dragging, script per pointer event", _scripts(trace, POINTER), p99=True)
    _show("dragging, script per frame", _frames(trace), p99=True)
    _show("answer of an edit on screen", answered, p95=True)
    print(f"edits answered: {len(answered)} edits")
    return len(answered) >= drags


def _shared_vertex(page: Page) -> Locator:
    """A vertex in the middle of the map that three grids share and that may be moved."""
    if page.locator('[data-test="planner-vertex"]').count() == 0:
        page.keyboard.press("/")
        page.keyboard.type("130273001021004")
        page.keyboard.press("Enter")
        page.wait_for_timeout(1_500)
        page.keyboard.press("e")
        page.locator('[data-test="planner-vertex"]').first.wait_for()
    return page.locator('[data-test="planner-vertex"].node:not(.fixed)').first


def _drag(page: Page, handle: Locator, right: float, down: float, frames: list[float]) -> None:
    box = handle.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = page.evaluate("__seen.answered.length")
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("__watch()")
    _move(page, (x, y), (x + right, y + down))
    frames.extend(page.evaluate("__seen.frames")[2:])
    page.mouse.up()
    until = time.monotonic() + 10
    while page.evaluate("__seen.answered.length") == before and time.monotonic() < until:
        page.wait_for_timeout(50)
    page.wait_for_timeout(150)


def _move(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """The mouse on its way at sixty steps a second, as a hand would move it."""
    began = time.perf_counter()
    for step in range(1, STEPS + 1):
        share = step / STEPS
        page.mouse.move(start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        time.sleep(max(0.0, began + step * STEP_S - time.perf_counter()))


def _scripts(trace: Any, kinds: Sequence[str]) -> list[float]:
    """Milliseconds of script for each move of the mouse: the events of one position taken together."""
    moves: dict[float, float] = {}
    for event in trace["traceEvents"]:
        if event.get("name") == "EventDispatch" and event["args"]["data"]["type"] in kinds:
            at = round(event["ts"] / 8_000)
            moves[at] = moves.get(at, 0.0) + _processor_of(event)
    return list(moves.values())


def _frames(trace: Any) -> list[float]:
    found = [event for event in trace["traceEvents"] if event.get("name") == "FireAnimationFrame"]
    return [_processor_of(event) for event in found]


def _processor_of(event: Any) -> float:
    """Milliseconds of the thread's own time, where the trace has it: what the machine did meanwhile does not count."""
    return float(event.get("tdur", event.get("dur", 0))) / 1000


def _show(name: str, times_ms: Sequence[float], *, p95: bool = False, p99: bool = False) -> None:
    ordered = sorted(times_ms) or [float("nan")]
    print(f"{name}: {statistics.median(ordered):.1f} ms")
    for wanted, share in ((p95, 0.95), (p99, 0.99)):
        if wanted:
            print(f"{name}, p{share * 100:.0f}: {ordered[min(len(ordered) - 1, int(len(ordered) * share))]:.1f} ms")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
