"""The supervisor keeps processes alive, and ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gis_api import supervisor
from gis_api.supervisor import Child, Guard
from migrations import cluster as clusters
from migrations.cluster import Cluster
from tests.waiting import until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
LEAVER = [sys.executable, "-c", "raise SystemExit(3)"]
PARENT = """
import sys, time
from gis_api.supervisor import Child, Guard
child = Child("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"])
child.start()
print(child.process.pid, flush=True)
time.sleep(60)
"""


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z"
    except FileNotFoundError:
        return True


def test_a_process_that_ends_is_started_again() -> None:
    child = Child("sleeper", SLEEPER)
    child.start()
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    child.process.wait()
    child.look_after(child.started_at + supervisor.WELL_AFTER_S + 1)
    assert child.process is not None
    assert child.process.pid != first
    supervisor.stop([child])


def test_a_process_that_keeps_ending_waits_longer_each_time() -> None:
    child = Child("leaver", LEAVER)
    pauses = []
    for _ in range(4):
        child.start()
        assert child.process is not None
        child.process.wait()
        child.look_after(child.started_at + 0.1)
        pauses.append(child.pause_s)
    assert pauses == [0.5, 1.0, 2.0, 4.0]


def test_stopping_ends_every_process() -> None:
    children = [Child("a", SLEEPER), Child("b", SLEEPER)]
    for child in children:
        child.start()
    supervisor.stop(children)
    assert all(child.process is not None and child.process.poll() is not None for child in children)


def test_children_end_when_the_supervisor_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    # Before that the child has not yet asked to be told of its parent's death; while it becomes another program its
    # command line is empty.
    until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().startswith(os.fsencode(sys.executable)))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: ended(pid))


def test_a_taken_port_is_told_at_once() -> None:
    first = supervisor.open_listening_socket("127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        supervisor.open_listening_socket("127.0.0.1", first.getsockname()[1])
    first.close()


@pytest.mark.slow
@pytest.mark.parametrize("ended", ["killed", "stopped"])
def test_a_server_that_is_gone_is_started_again_whoever_ended_it(tmp_path: Path, ended: str) -> None:
    tmp_path.chmod(0o755)
    cluster: Cluster = clusters.start(tmp_path)
    guard = Guard(cluster)
    guard.look_after(time.monotonic())
    assert not clusters.is_down(cluster)
    if ended == "killed":
        os.kill(int((cluster.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    else:
        clusters.stop(cluster)
    until(lambda: clusters.is_down(cluster))
    guard.look_after(time.monotonic())
    until(lambda: cluster.running, most_s=60.0)
    guard.stop()
    clusters.stop(cluster)


def test_a_server_that_does_not_start_is_told_in_a_line_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "pgdata").write_text("a file where a folder should be")
    guard = Guard(Cluster(tmp_path))
    for _ in range(2):
        guard.look_after(time.monotonic() + supervisor.LONGEST_PAUSE_S)
        guard.stop()
    told = caplog.messages
    assert [line for line in told if "does not start" in line] == told[1::2]
    assert len(told) == 4
