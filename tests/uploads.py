"""A working process in a thread, and what tests of imports ask of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from starlette.testclient import TestClient

from gis_api import job_runner
from gis_api.job_runner import Place


def place_of(engine: Engine, folder: Path) -> Place:
    """Where a test's working process works; giving up is what no test does."""
    return Place(engine, folder, threading.Event(), give_up=lambda: None)


@contextmanager
def working_process(engine: Engine, folder: Path) -> Iterator[None]:
    """Long jobs are done while the block runs."""
    place = place_of(engine, folder)
    thread = threading.Thread(target=job_runner.run, args=(place,), daemon=True)
    thread.start()
    yield
    place.stop.set()
    thread.join(30)


def wait_for_end(client: TestClient, job_id: str, *, timeout_s: float = 60.0) -> dict[str, Any]:
    """The job when it is over."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(f"/api/v1/jobs/{job_id}").json()
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job is not over: {job}")
