"""A server in a thread and plain sockets to it, for what happens below HTTP clients."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.waiting import until

HOST = "127.0.0.1"


@contextmanager
def serving(app: Any, **options: object) -> Iterator[uvicorn.Server]:
    """A server of this application until the end of the block."""
    told = {"port": 0, "log_level": "warning", "access_log": False} | options
    server = uvicorn.Server(uvicorn.Config(app, **told))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield server
    server.should_exit = True
    thread.join(timeout=15)
    assert not thread.is_alive(), "the server does not stop"


def port_of(server: uvicorn.Server) -> int:
    return int(server.servers[0].sockets[0].getsockname()[1])


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((HOST, port), timeout=15) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield link


def read_to_end(link: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    try:
        while part := link.recv(1 << 16):
            received += part
    except ConnectionResetError:  # what was sent after the end was not read
        pass
    return received
