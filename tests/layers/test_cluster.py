"""The private PostGIS: starts anywhere, restarts over the traces of a crash, several side by side."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from layers import cluster as clusters
from layers.cluster import Cluster
from layers.db import make_engine


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wangge-cluster-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
        clusters.stop(Cluster(Path(name)))


def answer(cluster: Cluster, statement: str) -> object:
    engine = make_engine(cluster.url("postgres"))
    with engine.connect() as connection:
        found = connection.execute(text(statement)).scalar()
    engine.dispose()
    return found


def server_pid(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def test_a_killed_server_starts_again_over_its_stale_pid_file(folder: Path) -> None:
    cluster = clusters.start(folder)
    os.kill(server_pid(cluster), signal.SIGKILL)
    while Path(f"/proc/{server_pid(cluster)}").exists():
        pass
    assert clusters.start(folder).running


def test_a_pid_file_that_names_an_unrelated_process_does_not_stop_the_start(folder: Path) -> None:
    cluster = clusters.start(folder)
    clusters.stop(cluster)
    lines = [str(os.getpid()), str(cluster.data), "0", "5432", str(cluster.socket_folder), "", "0", "ready"]
    (cluster.data / "postmaster.pid").write_text("\n".join(lines))
    assert clusters.start(folder).running


def test_a_second_start_finds_the_running_server(folder: Path) -> None:
    first = server_pid(clusters.start(folder))
    assert server_pid(clusters.start(folder)) == first


def test_it_listens_on_no_network(cluster: Cluster) -> None:
    assert answer(cluster, "SHOW listen_addresses") == ""


def test_two_clusters_live_side_by_side(cluster: Cluster, folder: Path) -> None:
    other = clusters.start(folder)
    assert answer(other, "SHOW data_directory") != answer(cluster, "SHOW data_directory")


def test_a_folder_with_a_very_long_name_gets_a_short_socket(folder: Path) -> None:
    deep = folder / ("long" * 20) / ("name" * 10)
    cluster = clusters.start(deep)
    assert cluster.running
    assert not cluster.socket_folder.is_relative_to(deep)
    clusters.stop(cluster)


def test_it_is_durable(folder: Path) -> None:
    cluster = clusters.start(folder)
    assert (answer(cluster, "SHOW fsync"), answer(cluster, "SHOW synchronous_commit")) == ("on", "on")
