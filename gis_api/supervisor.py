"""Keeps the service's processes alive: N API processes on one listening socket, and one job process.

A process that ends is started again, with a pause that grows while it keeps ending at once. The private PostgreSQL is
started again when it crashed (its pid file is still there), not when somebody stopped it (pg_ctl removes the file).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from layers import cluster as clusters
from layers.cluster import Cluster

STOP_TIMEOUT_S = 15.0
# A process that lived this long was well; one that did not waits longer before its next start.
WELL_AFTER_S = 10.0
LONGEST_PAUSE_S = 8.0
LOOK_EVERY_S = 0.25
LISTEN_BACKLOG = 2048
# By name, as the application is: this process loads neither.
PROTOCOL = "gis_api.fast_locate.hatch:Hatch"


@dataclass
class Child:
    """One process that must be there."""

    name: str
    command: Sequence[str]
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause_s: float = 0.0
    not_before: float = field(default=0.0)

    def start(self) -> None:
        """Start it; it is told to end when this process dies, however that happens."""
        command = ["setpriv", "--pdeathsig=TERM", *self.command]
        self.process = subprocess.Popen(command, pass_fds=self.pass_fds)  # noqa: S603
        self.started_at = time.monotonic()

    def look_after(self, now: float) -> None:
        """Start it again where it has ended and its pause is over."""
        if self.process is not None and self.process.poll() is not None:
            code, lived_s = self.process.returncode, now - self.started_at
            self.pause_s = 0.0 if lived_s > WELL_AFTER_S else min(max(0.5, self.pause_s * 2), LONGEST_PAUSE_S)
            self.not_before, self.process = now + self.pause_s, None
            print(f"{self.name} ended with status {code} after {lived_s:.1f} s; starting it again", file=sys.stderr)
        if self.process is None and now >= self.not_before:
            self.start()


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket that all API processes share; raises OSError where the port is taken.

    What is accepted on it inherits TCP_NODELAY (Linux). uvicorn opens a descriptor as a socket of another family, so
    asyncio leaves the option alone, and an answer written in two parts would wait 40 ms for the client's delayed
    acknowledgement.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.bind((host, port))
    made.listen(LISTEN_BACKLOG)
    made.set_inheritable(True)
    return made


def api_child(number: int, fd: int, *, tls: tuple[Path, Path] | None = None) -> Child:
    """One API process on the shared socket."""
    command = [sys.executable, "-m", "uvicorn", "gis_api.app:create_app", "--factory", "--fd", str(fd)]
    command += ["--no-access-log", "--log-level", "warning", "--no-server-header"]
    command += ["--timeout-keep-alive", "30", "--timeout-graceful-shutdown", "5", "--backlog", str(LISTEN_BACKLOG)]
    command += ["--http", PROTOCOL]
    if tls is not None:
        command += ["--ssl-certfile", str(tls[0]), "--ssl-keyfile", str(tls[1])]
    return Child(f"API process {number}", command, pass_fds=(fd,))


def job_child() -> Child:
    """The one process for work that nobody waits for."""
    return Child("job process", [sys.executable, "-m", "gis_api.jobs"])


def run(children: Sequence[Child], *, cluster: Cluster | None, when_started: Callable[[], None]) -> None:
    """Run all children until SIGTERM or SIGINT, then stop them, and the cluster last."""
    asked_to_stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda which, _frame: asked_to_stop.append(which))
    for child in children:
        child.start()
    when_started()
    while not asked_to_stop:
        time.sleep(LOOK_EVERY_S)
        now = time.monotonic()
        if cluster is not None and has_crashed(cluster):
            print("PostgreSQL has crashed; starting it again", file=sys.stderr)
            clusters.start(cluster.folder)
        for child in children:
            child.look_after(now)
    stop(children)
    if cluster is not None:
        clusters.stop(cluster)


def has_crashed(cluster: Cluster) -> bool:
    """Whether the server is gone but its pid file is not: nobody stopped it."""
    try:
        pid = int((cluster.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, 0)
    except (FileNotFoundError, IndexError, ValueError, PermissionError):
        return False
    except ProcessLookupError:
        return True
    return False


def stop(children: Sequence[Child]) -> None:
    """Ask every process to end, and end those that do not."""
    alive = [child.process for child in children if child.process is not None and child.process.poll() is None]
    for process in alive:
        process.terminate()
    deadline = time.monotonic() + STOP_TIMEOUT_S
    for process in alive:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
