"""One API process of its own over a private database, for the benches that ask it as a browser does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from sqlalchemy import Engine

from gis_api.auth import COOKIE
from layers.db import make_engine
from migrations import cluster as clusters
from migrations import run
from tests.ports import free_port


@contextmanager
def database(name: str) -> Iterator[tuple[str, Engine, Path]]:
    """A migrated database in a cluster that is thrown away: its address, an engine, a folder to work in."""
    folder = Path(tempfile.mkdtemp(prefix=f"wangge-{name}-"))
    folder.chmod(0o755)
    cluster = clusters.start(folder)
    try:
        url = clusters.add_database(cluster, name)
        engine = make_engine(url)
        run.upgrade(engine)
        yield url, engine, folder
        engine.dispose()
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def served(url: str, var: Path) -> Iterator[str]:
    """The address of an API process that runs until the end of the block."""
    port = free_port()
    environment = {**os.environ, "WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(var)}
    command = [sys.executable, "-m", "uvicorn", "gis_api.app:create_app", "--factory", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "warning", "--no-access-log"], env=environment)
    try:
        _wait(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def signed_in(address: str, token: str) -> httpx2.Client:
    """A client with a person's session."""
    return httpx2.Client(base_url=address, headers={"cookie": f"{COOKIE}={token}", "origin": address}, timeout=60)


def _wait(address: str) -> None:
    until_s = time.monotonic() + 120
    while time.monotonic() < until_s:
        try:
            if httpx2.get(f"{address}/readyz", timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise TimeoutError(address)
