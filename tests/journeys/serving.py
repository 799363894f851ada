"""The service as `script/serve` starts it, in a process of its own with a folder and a port of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrations.cluster import Cluster
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
WANGGE = [sys.executable, "-m", "gis_api.cli"]


@dataclass
class Service:
    """One running `wangge serve` with a folder and a port of its own."""

    var: Path
    port: int
    process: subprocess.Popen[str]
    printed: Path
    started_s: float

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cluster(self) -> Cluster:
        return Cluster((self.var / "postgres").resolve())

    @property
    def passwords(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.var / "demo-passwords.json").read_text())
        return found

    def ask(self, path: str, *, body: Any = None, method: str | None = None, **headers: str) -> tuple[int, Any, Any]:
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.address + path, data=data, method=method, headers=named)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, _read(answer), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, _read(error), error.headers

    def sign_in(self, name: str) -> str:
        status, _, headers = self.ask("/api/v1/session", body={"name": name, "password": self.passwords[name]})
        assert status == 200
        return str(headers["Set-Cookie"]).split(";")[0]

    def run(self, *words: str) -> str:
        done = self.attempt(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def attempt(self, *words: str) -> subprocess.CompletedProcess[str]:
        return command(self.var, *words)


def _read(answer: Any) -> Any:
    content = answer.read()
    try:
        return json.loads(content)
    except ValueError:
        return content


def surroundings(var: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGGE_")}
    return kept | {"WANGGE_VAR": str(var), "PYTHONUNBUFFERED": "1"}


def command(var: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """What a command of the service said and how it ended; `more` are further variables of its environment."""
    environment = surroundings(var) | more
    return subprocess.run([*WANGGE, *words], env=environment, capture_output=True, text=True, timeout=120, cwd=ROOT)


def start(var: Path, *more: str, timeout_s: float = 180.0, inside: Sequence[str] = ()) -> Service:
    """The service in this folder; `inside` are words before its command, which end as that command."""
    port, printed = free_port(), var / f"printed-{time.monotonic_ns()}.txt"
    begun = time.monotonic()
    with printed.open("w") as out:
        process = subprocess.Popen(
            [*inside, *WANGGE, "serve", "--port", str(port), *more],
            env=surroundings(var),
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
    try:
        until(
            lambda: process.poll() is not None or "Ctrl-C stops it" in printed.read_text(),
            printed.read_text,
            most_s=timeout_s,
        )
        assert process.poll() is None, printed.read_text()
    except BaseException:
        process.terminate()
        process.wait(40)
        raise
    return Service(var, port, process, printed, time.monotonic() - begun)


def stop(service: Service) -> None:
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(40)
