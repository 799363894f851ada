"""Databases that are gone when their test is: copied from a template in 15 ms, dropped again.

    with passing_database(cluster, template_url) as url: ...

A whole run makes some four hundred. Kept to its end they were 11 GB, and a machine of 24 GB was short of memory.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

from migrations import cluster as clusters
from migrations.cluster import Cluster

# What a power cut would lose is thrown away here. (tests/migrations/test_cluster.py sees that others are durable.)
HASTY = {
    **{"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"},
    **{"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "256MB", "min_wal_size": "32MB"},
}
PLENTY_BYTES = 6_000_000_000
PREFIX = "wangge-test-"


@contextmanager
def passing_cluster() -> Iterator[Cluster]:
    """A PostGIS of this test run's own. What a run that was killed left behind is cleared away first."""
    base = _quick_folder() or Path(tempfile.gettempdir())
    clear_orphans(base)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=base))
    folder.chmod(0o755)
    try:
        started = clusters.start(folder, settings=HASTY)
        yield started
        clusters.stop(started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def passing_database(cluster: Cluster, template_url: str) -> Iterator[str]:
    """The address of a copy of the template, dropped afterwards whoever is still connected to it."""
    name, template = f"test_{uuid4().hex}", str(make_url(template_url).database)
    _command(cluster, "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
    yield cluster.url(name)
    _command(cluster, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _command(cluster: Cluster, statement: str, *names: str) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(SQL(statement).format(*map(Identifier, names)))


def _quick_folder() -> Path | None:
    """Memory instead of the disk where there is plenty of both it and its file system."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < PLENTY_BYTES:
        return None
    return memory if _available_bytes() > PLENTY_BYTES else None


def _available_bytes() -> int:
    facts = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    return int(facts["MemAvailable"].split()[0]) * 1024


def clear_orphans(base: Path) -> None:
    """What killed runs left in this folder is gone; another run may end, or clear the same, between any two lines."""
    for folder in base.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists() and _is_mine(folder):
            clusters.stop(Cluster(folder))
            shutil.rmtree(folder, ignore_errors=True)


def _is_mine(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False
