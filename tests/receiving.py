"""Another system: a server on this machine that keeps what it is told, and answers as the test wants it to."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    def is_signed_with(self, secret: str) -> bool:
        """Whether the signature is what its description says, worked out here by that description."""
        parts = dict(part.split("=", 1) for part in self.headers["wangge-signature"].split(","))
        signed = hmac.HMAC(bytes(secret, "ascii"), digestmod=hashlib.sha256)
        for piece in (parts["t"].encode("ascii"), b".", self.body):
            signed.update(piece)
        return hmac.compare_digest(parts["v1"], signed.hexdigest()) and abs(time.time() - int(parts["t"])) < 300


@dataclass
class Receiver:
    """Where it listens, what it has received, and how it answers the n-th request."""

    port: int
    received: list[Received] = field(default_factory=list)
    answer: Callable[[int], int] = lambda number: 204
    pause_s: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/told"

    def wait_for(self, number: int, *, seconds: float = 20.0) -> list[Received]:
        """What was received once it is so many requests."""
        until_s = time.monotonic() + seconds
        while len(self.received) < number and time.monotonic() < until_s:
            time.sleep(0.02)
        assert len(self.received) >= number, f"{len(self.received)} of {number} came"
        return list(self.received)


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver that runs until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            known.received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status = known.answer(len(known.received))
            time.sleep(known.pause_s)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{known.url}/elsewhere")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
