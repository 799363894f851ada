"""The database behind one command: started where it is private, migrated, and left as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from gis_api.settings import Settings
    from layers.cluster import Cluster


@contextmanager
def opened_database(settings: Settings | None = None) -> Iterator[Engine]:
    """An engine without a statement time-out, on the newest revision.

    A private cluster that did not run is started, and stopped again at the end of the block.
    """
    from gis_api.settings import Settings
    from layers import cluster as clusters
    from layers.db import make_engine
    from migrations import run

    chosen = settings or Settings()
    cluster = None if chosen.database_url is not None else chosen.cluster
    was_running = cluster is None or cluster.running
    started_cluster(chosen)
    engine = make_engine(chosen.url(), statement_timeout_ms=0)
    try:
        run.upgrade(engine)
        yield engine
    finally:
        engine.dispose()
        if cluster is not None and not was_running:
            clusters.stop(cluster)


def started_cluster(settings: Settings) -> Cluster | None:
    """The private cluster, running; None where a database address is configured."""
    from layers import cluster as clusters

    if settings.database_url is not None:
        return None
    cluster = clusters.start(settings.var / "postgres")
    clusters.add_database(cluster, "wangge")
    return cluster
