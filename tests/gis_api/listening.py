"""Two real servers on one database, and listeners that take in server-sent events in threads of their own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import uvicorn
from sqlalchemy import Engine

from gis_api.app import create_app
from gis_api.auth import COOKIE
from gis_api.fast_locate import Hatch, Service
from gis_api.settings import Settings
from layers.access import add_key, open_sign_in
from layers.db import transaction
from tests.waiting import until

WAIT_S = 15.0


@dataclass
class Served:
    """One API process (here: one application in a thread), and how its people reach it."""

    app: Service
    address: str
    engine: Engine

    def client_of_key(self, role: str, area: str) -> httpx2.Client:
        """A client with a new key, which this process knows at once."""
        with transaction(self.engine) as session:
            token = add_key(session, f"{role} {uuid4().hex[:8]}", role=role, area=area, datum="wgs84")
        self.app.state.replicas.refresh()
        headers = {"authorization": f"Bearer {token}"}
        return httpx2.Client(base_url=self.address, headers=headers, timeout=30)

    def client(self, person: str, **more: str) -> httpx2.Client:
        with transaction(self.engine) as session:
            token = open_sign_in(session, person)
        headers = {"cookie": f"{COOKIE}={token}", "origin": self.address, **more}
        return httpx2.Client(base_url=self.address, headers=headers, timeout=30)


@contextmanager
def served(database_url: str, engine: Engine, var: Path, *, port: int = 0) -> Iterator[Served]:
    """A service of its own on a port, a free one where none is said."""
    app = create_app(Settings(database_url=database_url, var=var, poll_s=0.05))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", access_log=False, http=Hatch))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, most_s=WAIT_S)
    host, used = server.servers[0].sockets[0].getsockname()[:2]
    yield Served(app, f"http://{host}:{used}", engine)
    app.state.hub.close()
    app.state.feed.close()
    server.should_exit = True
    thread.join(timeout=WAIT_S)
    assert not thread.is_alive(), "the server does not stop"


@dataclass
class Listener:
    """The events of one stream so far."""

    client: httpx2.Client
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    events: list[tuple[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    comments: int = 0
    ended: bool = False
    answer: httpx2.Response | None = None

    def start(self) -> Listener:
        threading.Thread(target=self._read, daemon=True).start()
        until(lambda: self.answer is not None, most_s=WAIT_S)
        return self

    def _read(self) -> None:
        try:
            with self.client.stream("GET", self.path, headers=self.headers, timeout=60) as answer:
                self.answer = answer
                name = ""
                for line in answer.iter_lines():
                    name = self._take(line, name)
        except httpx2.HTTPError:
            pass
        self.ended = True

    def _take(self, line: str, name: str) -> str:
        word, _, rest = line.partition(": ")
        if word == "event":
            return rest
        if word == "id":
            self.ids.append(rest)
        elif word == "data":
            self.events.append((name, json.loads(rest)))
        elif line.startswith(":"):
            self.comments += 1
        return name

    def named(self, name: str) -> list[Any]:
        return [told for event, told in list(self.events) if event == name]

    def wait(self, name: str, *, number: int = 1) -> Any:
        """The so-manieth event of this name."""
        until(lambda: len(self.named(name)) >= number, lambda: f"{name}: {self}", most_s=WAIT_S)
        return self.named(name)[number - 1]
