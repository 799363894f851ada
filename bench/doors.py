"""Every GET route and the main POSTs over HTTP, as real clients ask: on connections that are kept alive.

    python -m bench.doors [--seconds S] [--only TEXT] [--table FILE] [--address URL --key KEY [--key KEY …]]

Starts the whole service with the demo district (or asks one that runs) and prints the p50 and p99 of each route at 1
and at 32 connections. A route that is not asked is named with its reason, so that none is forgotten. The goals: GETs of
stored things ≤ 10 ms p50 at 1 connection, the nearest worker ≤ 2, a report ≤ 15; what is over is listed at the end.
It ends: a route takes twice the seconds, and where one answer takes long, one answer for each connection at most.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from fastapi.routing import APIRoute

from bench.http_load import Round, measured
from bench.stored_things import AREA, LAT, LON, prepare
from gis_api.app import ROUTERS
from tests.ports import free_port

CONNECTIONS = (1, 32)
GOAL_MS = 10.0
# A route whose one answer takes so long is not asked on all connections at once, which would take half a minute.
SLOW_MS = 1_000.0
GOALS_MS = {"GET /api/v1/workers/nearest": 2.0, "POST /api/v1/incidents": 15.0}
# Reports lie within so many degrees: at one place they would wait for the row of one worker.
SPREAD = 0.03
# What a route has to be asked with, beside what stands in its path.
QUERIES = {
    "/api/v1/locate": f"lon={LON}&lat={LAT}",
    "/api/v1/workers/nearest": f"lon={LON}&lat={LAT}",
    "/api/v1/heat": "layer=hazards&area=130273&cell=community",
    "/api/v1/figures": "area=130273",
    "/api/v1/search": "q=130273",
    "/api/v1/incidents": "limit=50",
    "/api/v1/grids": "limit=100",
    "/api/v1/buildings": "limit=100",
    "/api/v1/plans/{plan_id}/events": "since=0",
    "/api/v1/emergencies/{area}/calls": "grid={code}",
    "/api/v1/plans/{plan_id}/blocks": f"bbox={LON - 0.005},{LAT - 0.005},{LON + 0.005},{LAT + 0.005}",
}
# Streams have no end, and these make documents for seconds: measured where they belong.
NOT_ASKED = {
    "live": "a stream without end",
    "pdf": "a document set in a child process",
    "xlsx": "a workbook",
    "openapi": "made once",
    "language": "it sets a cookie and leads away",
}
# Names that mean something else below these paths than they do elsewhere.
OTHERWISE = {
    "/tiles/{name}": {"name": "grids"},
    "/api/v1/plans/{plan_id}/rebase": {"plan_id": "{draft_id}"},
    "/api/v1/plans/{plan_id}/events": {"plan_id": "{draft_id}"},
    "/api/v1/emergencies/{area}": {"area": "{code}"},
}
# Whoever is not let in by one role is by another.
ROLES = ("admin", "dispatcher", "planner")


@dataclass(frozen=True)
class Door:
    """One route as it is asked: its name in figures and the requests."""

    name: str
    requests: list[bytes]


def main(argv: list[str]) -> int:
    """Print the figures; 1 where a route of stored things is over its goal at one connection."""
    parser = argparse.ArgumentParser(prog="bench doors")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--table", type=Path, help="write the figures as a table of a document")
    parser.add_argument("--address")
    parser.add_argument("--key", action="append", help="several where the first is not let in everywhere")
    options = parser.parse_args(argv)
    found: dict[str, list[Round]] = {}
    with contextlib.ExitStack() as stack:
        address, keys = options.address, options.key
        if address is None:
            address, keys = stack.enter_context(served())
        for door in doors(address, keys):
            if options.only in door.name:
                found[door.name] = ask(urlsplit(address).port or 80, door, seconds=options.seconds)
    if options.table is not None:
        options.table.write_text("\n".join(table(found)) + "\n")
    over = [name for name, rounds in found.items() if rounds and rounds[0].p50_ms > GOALS_MS.get(name, GOAL_MS)]
    print(f"over their goal: {len(over)} routes" + "".join(f"\n  {name}" for name in over))
    return 1 if over else 0


def ask(port: int, door: Door, *, seconds: float) -> list[Round]:
    """The rounds of a route at each number of connections, their lines printed; fewer where it refuses."""
    rounds: list[Round] = []
    for connections in CONNECTIONS:
        if rounds and rounds[0].p50_ms > SLOW_MS:
            print(f"# {door.name} at {connections} is not measured: one answer alone takes {rounds[0].p50_ms:.0f} ms")
            continue
        try:
            rounds.append(measured(port, door.requests, pids=(), connections=connections, seconds=seconds))
        except (RuntimeError, OSError) as refused:
            print(f"# {door.name} at {connections} is not measured: {str(refused)[:160]}")
            continue
        print(f"{door.name} at {connections}, p50: {rounds[-1].p50_ms:.2f} ms")
        print(f"{door.name} at {connections}, p99: {rounds[-1].p99_ms:.2f} ms", flush=True)
    return rounds


def table(found: Mapping[str, list[Round]]) -> Iterator[str]:
    """The figures as lines of a table, in milliseconds."""
    yield "| door | p50 at 1 | p99 at 1 | p50 at 32 | p99 at 32 |"
    yield "|---|---|---|---|---|"
    for name, rounds in found.items():
        figures = [f"{figure:.1f}" for one in rounds for figure in (one.p50_ms, one.p99_ms)]
        yield f"| `{name}` | " + " | ".join([*figures, "–", "–", "–", "–"][:4]) + " |"


def doors(address: str, keys: Sequence[str]) -> Iterator[Door]:
    """Every GET route that answers 200 to one of these keys, and the main POSTs by the first of them."""
    clients = {key: httpx2.Client(base_url=address, headers=_bearer(key), timeout=60) for key in keys}
    known = prepare(clients[keys[0]])
    for path in get_paths():
        reason = next((why for word, why in NOT_ASKED.items() if word in path.replace(".", "/").split("/")), None)
        target = filled(path, known)
        key = keys[0]
        if reason is None and target is not None:
            answers = {one: client.get(target).status_code for one, client in clients.items()}
            key = next((one for one, status in answers.items() if status == 200), key)
            reason = None if answers[key] == 200 else f"it answers {answers[key]} to {target}"
        if reason is not None or target is None:
            print(f"# GET {path} is not asked: {reason or 'nothing of its kind is stored'}")
            continue
        yield Door(f"GET {path}", [_request("GET", target, key)])
    yield from posts(keys[0])


def get_paths() -> list[str]:
    """The paths of all GET routes, in the order in which the application tries them."""
    found = [route.path for route in _routes(ROUTERS) if "GET" in route.methods]
    return list(dict.fromkeys(found))


def _routes(routers: Iterable[Any]) -> Iterator[APIRoute]:
    """The routes of these routers and of those that they include."""
    for router in routers:
        for route in router.routes:
            yield from [route] if isinstance(route, APIRoute) else _routes([route.original_router])


def filled(path: str, known: Mapping[str, str]) -> str | None:
    """The path with stored things in place of its names, and its query; None where one is not stored."""
    meant: Mapping[str, str] = next((names for begin, names in OTHERWISE.items() if path.startswith(begin)), {})
    known = {
        **known,
        **{name: value.format_map({"draft_id": "", "code": "", **known}) for name, value in meant.items()},
    }
    parts = []
    for part in path.split("/"):
        text = part
        for name in [piece.partition("}")[0].partition(":")[0] for piece in part.split("{")[1:]]:
            if name not in known:
                return None
            text = text.replace("{" + name + "}", quote(known[name])).replace("{" + name + ":path}", quote(known[name]))
        parts.append(text)
    query = QUERIES.get(path)
    return "/".join(parts) + (f"?{query.format_map(known)}" if query else "")


def posts(key: str) -> Iterator[Door]:
    """A report (each with a key of its own, somewhere else in the town), one that is only decided, many points."""
    anywhere, marks = random.Random(7), itertools.count(time.monotonic_ns())

    def reports(target: str, number: int) -> list[bytes]:
        told = {"category": "facility", "description": "bench"}
        places = [
            (LON + anywhere.uniform(-SPREAD, SPREAD), LAT + anywhere.uniform(-SPREAD, SPREAD)) for _ in range(number)
        ]
        bodies = [{"lon": lon, "lat": lat, **told} for lon, lat in places]
        return [_request("POST", target, key, body=body, mark=f"bench-{next(marks)}") for body in bodies]

    asked = "/api/v1/incidents?dry_run=true"
    yield Door(f"POST {asked}", reports(asked, 2_000))
    yield Door("POST /api/v1/incidents", reports("/api/v1/incidents", 20_000))
    points = {"lon": [LON] * 100, "lat": [LAT] * 100}
    yield Door("POST /api/v1/locate (100 points)", [_request("POST", "/api/v1/locate", key, body=points)])


def _request(method: str, target: str, key: str, *, body: Any = None, mark: str | None = None) -> bytes:
    sent = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {key}"]
    lines += [] if body is None else ["content-type: application/json", f"content-length: {len(sent)}"]
    lines += [] if mark is None else [f"idempotency-key: {mark}"]
    return "\r\n".join([*lines, "", ""]).encode() + sent


@contextlib.contextmanager
def served() -> Iterator[tuple[str, list[str]]]:
    """The address of a service of its own with the demo district, and a key of each role for it."""
    folder, port = Path(tempfile.mkdtemp(prefix="wangge-doors-")), free_port()
    folder.chmod(0o755)
    surroundings = {**os.environ, "WANGGE_VAR": str(folder), "WANGGE_WEBHOOK_NETWORKS": '["127.0.0.0/8"]'}
    wangge = [sys.executable, "-m", "gis_api.cli"]
    process = subprocess.Popen([*wangge, "serve", "--port", str(port)], env=surroundings, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(lambda: httpx2.get(f"{address}/readyz", timeout=2).json()["writes"])
        keys = [_add_key(wangge, role, surroundings) for role in ROLES]
        _wait(lambda: all(_is_known(address, key) for key in keys for _ in range(9)))
        yield address, keys
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(40)
        shutil.rmtree(folder, ignore_errors=True)


def _add_key(wangge: list[str], role: str, surroundings: Mapping[str, str]) -> str:
    made = [*wangge, "key", "add", f"bench-{role}", "--role", role, "--area", AREA, "--datum", "wgs84"]
    return subprocess.run(made, env=surroundings, capture_output=True, text=True, check=True).stdout.strip()


def _is_known(address: str, key: str) -> bool:
    return httpx2.get(f"{address}/api/v1/session", headers=_bearer(key)).status_code == 200


def _bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def _wait(holds: Any) -> None:
    until_s = time.monotonic() + 300
    while time.monotonic() < until_s:
        with contextlib.suppress(httpx2.HTTPError, KeyError):
            if holds():
                return
        time.sleep(0.2)
    raise TimeoutError("the service did not answer")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
