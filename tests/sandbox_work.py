"""Work for the sandbox to try: well-behaved, slow, greedy, and deadly. Named by tests, run in children only."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import shapely

from layers.errors import NotFound


def echo(task: bytes) -> bytes:
    print("words on standard output are not part of the answer")
    return task


def call_out(task: bytes) -> bytes:
    """What comes of connecting to a port of this machine, by each way of making a socket."""
    told = []
    for make in (lambda: socket.create_connection(("127.0.0.1", int(task)), 1), socket.socketpair):
        try:
            make()
            told.append("connected")
        except OSError as refused:
            told.append(refused.strerror or str(refused))
    return ", ".join(told).encode()


def sleep(task: bytes) -> bytes:
    time.sleep(60)
    return task


def spin(task: bytes) -> bytes:
    while True:
        pass


def hoard(task: bytes) -> bytes:
    return bytes(int(task))


def crash(task: bytes) -> bytes:
    os.kill(os.getpid(), signal.SIGSEGV)
    return task


def miss(task: bytes) -> bytes:
    raise NotFound("no_such_grid", where=shapely.Point(118.1, 39.6), grid=task.decode())


def stumble(task: bytes) -> bytes:
    raise KeyError("height")


def fill_the_disk(task: bytes) -> bytes:
    Path(task.decode()).write_bytes(bytes(1_000_000))
    return b""
