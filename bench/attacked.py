"""A whole service of its own over a small city, as the benches of attacks need it, and who asks it beside."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench.served import database
from layers.access import add_key
from layers.db import transaction
from tests.gis_api.duty import put_on_duty
from tests.ports import free_port
from tests.small_city import load_small_city

PAUSE_S = 0.01
LONGEST_START_S = 300.0


@dataclass(frozen=True)
class Attacked:
    """A running service: where it listens, its API processes, and a question of the duty desk."""

    port: int
    pids: tuple[int, ...]
    nearest: httpx2.Request

    def memory_mb(self, name: str = "VmRSS") -> list[float]:
        """Resident memory of each API process, or its peak (`VmHWM`), in MB."""
        return [_status_kb(pid, name) / 1e3 for pid in self.pids]

    @contextmanager
    def asked(self) -> Iterator[list[float]]:
        """How long each of another client's questions took until the block ends, in milliseconds: one connection, a
        hundredth of a second between answer and question."""
        took_ms: list[float] = []
        enough = threading.Event()
        asking = threading.Thread(target=self._ask, args=(took_ms, enough))
        asking.start()
        try:
            yield took_ms
        finally:
            enough.set()
            asking.join()

    def _ask(self, took_ms: list[float], enough: threading.Event) -> None:
        with httpx2.Client(timeout=60) as client:
            while not enough.wait(PAUSE_S):
                began_s = time.perf_counter()
                client.send(self.nearest).raise_for_status()
                took_ms.append((time.perf_counter() - began_s) * 1e3)


@contextmanager
def attacked(*, workers: int) -> Iterator[Attacked]:
    """A service with so many API processes until the end of the block, and people on duty in it."""
    with database("attacks") as (url, engine, folder):
        with transaction(engine) as session:
            city = load_small_city(session, 300)
            token = add_key(session, "bench", role="dispatcher", area=city.district, datum="wgs84")
        put_on_duty(engine)
        lon, lat = city.inside(city.codes[0])
        port = free_port()
        asked = f"http://127.0.0.1:{port}/api/v1/workers/nearest?lon={lon!r}&lat={lat!r}"
        question = httpx2.Request("GET", asked, headers={"authorization": f"Bearer {token}"})
        process = _started(url, folder / "service", port, workers)
        try:
            _wait(question, workers)
            yield Attacked(port, _api_pids(process.pid), question)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def show_waits(name: str, took_ms: list[float]) -> None:
    """Print how long another client waited."""
    cuts = statistics.quantiles(took_ms, n=100)
    print(f"{name}, p50: {cuts[49]:.1f} ms")
    print(f"{name}, p99: {cuts[98]:.1f} ms")
    print(f"{name}, longest: {max(took_ms):.1f} ms")


def _started(url: str, var: Path, port: int, workers: int) -> subprocess.Popen[bytes]:
    surroundings = {**os.environ, "WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(var)}
    command = [sys.executable, "-m", "gis_api.cli", "serve", "--no-demo", "--port", str(port)]
    return subprocess.Popen([*command, "--workers", str(workers)], env=surroundings, stdout=subprocess.DEVNULL)


def _wait(question: httpx2.Request, workers: int) -> None:
    """Until every process has answered: an id of a request begins with what names its process."""
    until_s, seen = time.monotonic() + LONGEST_START_S, set[str]()
    while time.monotonic() < until_s:
        with contextlib.suppress(httpx2.HTTPError), httpx2.Client(timeout=5) as client:
            answer = client.send(question)
            if answer.status_code == 200:
                seen.add(answer.headers["x-request-id"].partition("-")[0])
        if len(seen) == workers:
            time.sleep(3.0)  # what they load beside their first answers
            return
        time.sleep(0.1)
    raise TimeoutError(f"of {workers} processes {len(seen)} have answered")


def _api_pids(parent: int) -> tuple[int, ...]:
    """The API processes among a supervisor's children."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return tuple(int(pid) for pid in children if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes())


def _status_kb(pid: int, name: str) -> int:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(name + ":")]
    return int(line.split()[1])
