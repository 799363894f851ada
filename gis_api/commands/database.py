"""The database behind one command: started where it is private, migrated, and left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gis_api.settings import Settings
    from migrations.cluster import Cluster


@contextmanager
def open_database(settings: Settings | None = None) -> Iterator[Engine]:
    """An engine without a statement time-out, on the newest revision; a private cluster runs for as long.

    A running service keeps its server: only the last one who uses a cluster stops it (`migrations.cluster.in_use`).
    """
    from gis_api.settings import Settings
    from layers.db import make_engine
    from migrations import run

    chosen = settings or Settings()
    with run_cluster(chosen):
        engine = make_engine(chosen.url(), statement_timeout_ms=0)
        try:
            run.upgrade(engine)
            yield engine
        finally:
            engine.dispose()


@contextmanager
def run_cluster(settings: Settings) -> Iterator[Cluster | None]:
    """The private cluster, running until the end of the block; None where a database address is configured."""
    from migrations import cluster as clusters

    if settings.database_url is not None:
        yield None
        return
    with clusters.in_use(settings.var / "postgres") as cluster:
        clusters.add_database(cluster, "wangge")
        yield cluster
