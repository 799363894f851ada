"""The private PostGIS: starts anywhere, restarts over the traces of a crash, several side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from layers.db import make_engine
from migrations import cluster as clusters
from migrations.cluster import Cluster

ROOT = Path(__file__).parent.parent.parent


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


def test_the_last_user_stops_what_a_user_has_started(folder: Path) -> None:
    with clusters.in_use(folder) as first:
        with clusters.in_use(folder):
            assert first.running
        assert first.running, "somebody still uses it"
    assert not first.running


def test_a_server_that_somebody_else_started_is_left_running(folder: Path) -> None:
    by_hand = clusters.start(folder)
    with clusters.in_use(folder) as used:
        assert used.running
    assert by_hand.running


def test_who_started_it_may_leave_before_the_others(folder: Path) -> None:
    first, second = clusters.in_use(folder), clusters.in_use(folder)
    cluster = first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert cluster.running
    second.__exit__(None, None, None)
    assert not cluster.running


def test_the_next_user_stops_what_a_killed_one_had_started(folder: Path) -> None:
    held = f"held = clusters.in_use(Path({str(folder)!r})); held.__enter__(); os._exit(9)"
    script = f"import os; from pathlib import Path; from migrations import cluster as clusters; {held}"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 9
    assert Cluster(folder).running
    with clusters.in_use(folder):
        pass
    assert not Cluster(folder).running
