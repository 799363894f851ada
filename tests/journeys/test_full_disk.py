"""A disk that runs full while the service runs: what it answers and logs, and that it goes on when there is room."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.journeys.serving import ROOT, WANGGE, Service, start, stop, surroundings
from tests.waiting import until

pytestmark = pytest.mark.slow
FULL_S = 10.0
# Makes PostgreSQL ask for the next file of its own log.
LOG_ON = """
import contextlib, psycopg
with contextlib.suppress(psycopg.Error), psycopg.connect("{url}", autocommit=True) as store:
    for _ in range(8):
        store.execute("SELECT pg_logical_emit_message(true, 'x', repeat('y', 4000000)), pg_switch_wal()")
"""
# In a name space of its own, where a small disk is mounted; what runs in it is reached by its process.
MOUNTED = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=200m,mode=755 none "$0" && exec "$@"')


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Service]:
    """A service without a city on a disk of 200 MB; skipped where this user may not mount one."""
    tmp_path.chmod(0o755)
    disk = tmp_path / "disk"
    (disk / "var").mkdir(parents=True)
    if subprocess.run([*MOUNTED, str(disk), "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing may be mounted here")
    service = start(disk / "var", "--no-demo", "--workers", "1", inside=[*MOUNTED, str(disk)])
    yield service
    stop(service)


def within(service: Service, *command: str) -> str:
    """What a command prints that sees the service's disk."""
    entered = ["nsenter", "-t", str(service.process.pid), "-m", "--wd=" + str(ROOT)]
    done = subprocess.run(
        [*entered, *command], env=surroundings(service.var), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def report(service: Service, key: str) -> tuple[int, Any, Any]:
    body = {"lon": 118.1, "lat": 39.6, "category": "fire", "description": "x" * 4_000}
    named = {"Authorization": f"Bearer {key}", "Idempotency_Key": uuid4().hex}
    return service.ask("/api/v1/incidents", body=body, **named)


def test_a_full_disk_is_told_reading_goes_on_and_so_does_writing_once_there_is_room(small: Service) -> None:
    key = within(small, *WANGGE, "key", "add", "machine", "--role", "admin", "--datum", "wgs84")
    until(lambda: report(small, key)[0] == 201, most_s=20.0)
    told_before = len(small.printed.read_text().splitlines())
    fill = Path(f"/proc/{small.process.pid}/root{small.var.parent}/fill")
    with fill.open("wb") as file, contextlib.suppress(OSError):
        while True:
            os.write(file.fileno(), bytes(65_536))
    # What PostgreSQL had room for in its pages is still stored.
    until(lambda: report(small, key)[0] != 201, most_s=30.0)
    named = {"Authorization": f"Bearer {key}"}
    begun = time.monotonic()
    while time.monotonic() - begun < FULL_S:
        status, refusal, headers = report(small, key)
        assert (status, headers["Content-Type"], headers["Retry-After"]) == (503, "application/problem+json", "60")
        assert refusal["type"].endswith("no_room_to_write") and "磁盘空间已满" in refusal["detail"]
        assert small.ask("/api/v1/locate?lon=118.1&lat=39.6", **named)[0] == 200
        assert small.ask("/api/v1/incidents?limit=1", **named)[0] == 200
        time.sleep(0.5)
    end_for_want_of_log(small)
    assert report(small, key)[0] == 503 and small.ask("/api/v1/locate?lon=118.1&lat=39.6", **named)[0] == 200
    fill.unlink()
    until(lambda: report(small, key)[0] == 201, most_s=20.0)
    lines = small.printed.read_text().splitlines()[told_before:]
    assert len(lines) <= 25 and not any("Traceback" in line for line in lines), lines
    assert any("no_room_to_write" in line for line in lines)


def end_for_want_of_log(small: Service) -> None:
    """PostgreSQL ends where it cannot go on with its own log, and cannot start: it is said why."""
    within(small, sys.executable, "-c", LOG_ON.format(url=small.cluster.url()))
    until(lambda: "does not start" in small.printed.read_text(), most_s=30.0)
    told = [line for line in small.printed.read_text().splitlines() if "does not start" in line]
    assert all("No space left on device" in line for line in told), told
