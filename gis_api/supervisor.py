"""Keeps the service's processes alive: N API processes on one listening socket, and one job process.

A process that ends is started again, with a pause that grows while it keeps ending at once. For an API process a spare
(`gis_api.spare`) stands ready, which has loaded the application. So is the private PostgreSQL started again, whoever
stopped it: a service that runs needs it, and who wants it stopped stops the service.
"""

from __future__ import annotations

import json
import logging
import math
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

from layers.errors import LayerError
from migrations import cluster as clusters
from migrations.cluster import Cluster

log = logging.getLogger("wangge.supervisor")
STOP_TIMEOUT_S = 15.0
# A process that lived this long was well; one that did not waits longer before its next start.
WELL_AFTER_S = 10.0
LONGEST_PAUSE_S = 8.0
LOOK_EVERY_S = 0.25
# The next spare loads only then: what took the last one's place has the processors for itself.
SPARE_AFTER_S = 3.0
LISTEN_BACKLOG = 2048
# By name, as the application is: this process loads neither.
PROTOCOL = "gis_api.fast_locate.hatch:Hatch"
# The protocol is built on insides of uvicorn, which another version may have changed: it is used with this one alone.
TESTED_UVICORN = "0.54.0"
PLAIN_PROTOCOL = "httptools"
SPARE = (sys.executable, "-m", "gis_api.spare", "waits-until-it-is-needed")


@dataclass
class Child:
    """One process that must be there."""

    name: str
    command: Sequence[str]
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    stdin: ClassVar[int | None] = None
    group: ClassVar[int | None] = None
    pause_s: float = 0.0
    not_before: float = field(default=0.0)
    spare: Spare | None = None

    def start(self) -> None:
        """Start it, or have the spare take its place where there is one."""
        found = None if self.spare is None else self.spare.find_stand_in(self.command)
        self.process = found or self._start_process()
        self.started_at = time.monotonic()

    def _start_process(self) -> subprocess.Popen[bytes]:
        """A new process; it is told to end when this one dies, however that happens."""
        command = ["setpriv", "--pdeathsig=TERM", *self.command]
        return subprocess.Popen(  # noqa: S603
            command, pass_fds=self.pass_fds, stdin=self.stdin, process_group=self.group
        )

    def look_after(self, now: float) -> None:
        """Start it again where it has ended and its pause is over."""
        if self.process is not None and self.process.poll() is not None:
            code, lived_s = self.process.returncode, now - self.started_at
            self.pause_s = 0.0 if lived_s > WELL_AFTER_S else min(max(0.5, self.pause_s * 2), LONGEST_PAUSE_S)
            self.not_before, self.process = now + self.pause_s, None
            log.warning("%s ended with status %s after %.1f s; starting it again", self.name, code, lived_s)
        if self.process is None and now >= self.not_before:
            self.start()


class Spare(Child):
    """A process that has loaded the application and waits to become an API process."""

    stdin = subprocess.PIPE
    # A group of its own: Ctrl-C goes to all of the terminal's, and what loads or waits would answer with a traceback.
    group = 0

    def find_stand_in(self, command: Sequence[str]) -> subprocess.Popen[bytes] | None:
        """The spare's process, told to do what this command says; None where there is none. One that still loads is
        taken too: it is further than a new one."""
        process = self.process
        if process is None or process.stdin is None or process.poll() is not None:
            return None
        self.process, self.not_before = None, time.monotonic() + SPARE_AFTER_S
        try:
            with process.stdin as told:
                told.write(json.dumps(list(command)).encode() + b"\n")
        except OSError:
            return None  # it has just ended
        return process


def open_listening_socket(host: str, port: int) -> socket.socket:
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


def spare_child(fd: int) -> Spare:
    """The process that stands ready to take the place of an API process on the shared socket; it is started last."""
    return Spare("spare process", SPARE, pass_fds=(fd,), not_before=math.inf)


def make_api_child(number: int, fd: int, *, spare: Spare | None = None, tls: tuple[Path, Path] | None = None) -> Child:
    """One API process on the shared socket."""
    command = [sys.executable, "-m", "uvicorn", "gis_api.app:create_app", "--factory", "--fd", str(fd)]
    command += ["--no-access-log", "--log-level", "warning", "--no-server-header"]
    command += ["--timeout-keep-alive", "30", "--timeout-graceful-shutdown", "5", "--backlog", str(LISTEN_BACKLOG)]
    # Whose word is believed for whom they speak is a setting of ours; uvicorn would believe everybody on this machine.
    command += ["--http", choose_protocol(), "--no-proxy-headers"]
    if tls is not None:
        command += ["--ssl-certfile", str(tls[0]), "--ssl-keyfile", str(tls[1])]
    return Child(f"API process {number}", command, pass_fds=(fd,), spare=spare)


def choose_protocol() -> str:
    """The name of the server's protocol: ours with the uvicorn that it is tested with, else uvicorn's own, and said so.

    Without ours, lookups take the long way and nothing bounds the head of a request: a proxy has to stand in front.
    """
    found = version("uvicorn")
    if found == TESTED_UVICORN:
        return PROTOCOL
    log.error("uvicorn is %s, tested is %s: served by its plain protocol, without bounds", found, TESTED_UVICORN)
    return PLAIN_PROTOCOL


def job_child() -> Child:
    """The one process for work that nobody waits for."""
    return Child("job process", [sys.executable, "-m", "gis_api.jobs"])


class Guard:
    """Starts the private PostgreSQL again where it is down, in a thread: recovery after a crash may take a minute."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._thread: threading.Thread | None = None
        self._pause_s = 0.0
        self._not_before = 0.0

    def look_after(self, now: float) -> None:
        """Start the server where nobody else does already and the pause is over; pauses grow while it will not."""
        busy = self._thread is not None and self._thread.is_alive()
        if busy or now < self._not_before or not clusters.is_down(self._cluster):
            return
        self._thread = threading.Thread(target=self._start, name="PostgreSQL guard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for a start that is under way."""
        if self._thread is not None:
            self._thread.join(timeout=STOP_TIMEOUT_S)

    def _start(self) -> None:
        ended = "has crashed" if (self._cluster.data / "postmaster.pid").exists() else "was stopped"
        log.warning("PostgreSQL %s; starting it again", ended)
        try:
            clusters.start_as_ours(self._cluster.folder)
        except (LayerError, OSError) as error:
            self._pause_s = min(max(0.5, self._pause_s * 2), LONGEST_PAUSE_S)
            log.warning("PostgreSQL does not start: %s", " ".join(str(error).split())[:400])
        else:
            self._pause_s = 0.0
        self._not_before = time.monotonic() + self._pause_s


def run(children: Sequence[Child], *, spare: Spare, cluster: Cluster | None, when_started: Callable[[], None]) -> None:
    """Run all children until SIGTERM or SIGINT, then stop them; the cluster is kept running meanwhile.

    `when_started` is called beside it: what waits for the first answer must not keep a child from being looked after.
    When it returns the spare may be started, which would only hold up the others before.
    """

    def welcome() -> None:
        when_started()
        spare.not_before = time.monotonic()

    children = [*children, spare]
    asked_to_stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda which, _frame: asked_to_stop.append(which))
    guard = Guard(cluster) if cluster is not None else None
    for child in children:
        child.look_after(time.monotonic())
    threading.Thread(target=welcome, name="welcome", daemon=True).start()
    while not asked_to_stop:
        time.sleep(LOOK_EVERY_S)
        now = time.monotonic()
        if guard is not None:
            guard.look_after(now)
        for child in children:
            child.look_after(now)
    stop(children)
    if guard is not None:
        guard.stop()


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
