"""The lookup over HTTP against what else could be built: ratios of one run, the sides taking turns.

    python -m bench.http_locate [--grids N] [--rounds N] [--seconds S] [--only NAME,NAME]

The peers: the same server answering a fixed 300 bytes (raw ASGI), FastAPI with two parameters and nothing to do, and,
each in an environment of its own under var/, FastAPI + asyncpg + ST_Covers, tipg (items of the table of grids at a
point, without geometry) and MapIt (Django, gunicorn). Before anything is measured every peer that locates is asked for
points of known grids, and a wrong answer ends the bench. Everything listens on 127.0.0.1, and all ASGI servers run with
the flags of the product. Servers run on one core and the load on another, where there are two. Processor time per
request, the database's included, is steadier than requests a second.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import orjson

from bench.http_load import Round, measured
from bench.http_peers import (
    fill_mapit,
    mapit_environment,
    mapit_python,
    peer_python,
    tipg_environment,
    tipg_python,
    words_of,
)
from gis_api.supervisor import PROTOCOL
from layers.access import add_key
from layers.db import make_engine, transaction
from layers.locating import build_index
from layers.plans import Publication
from migrations import cluster as clusters
from migrations import run
from tests.ports import free_port
from tests.small_city import SmallCity, load_small_city

ROOT = Path(__file__).parent.parent
CONNECTIONS = 32
POINTS = 10_000
ASYNCPG = ("asyncpg", "fastapi", "uvicorn", "uvloop", "httptools", "orjson")
# How the product starts its processes; the loop and the parser are what uvicorn chooses by itself.
FLAGS = (
    *("--no-access-log", "--log-level", "warning", "--no-server-header", "--timeout-keep-alive", "30"),
    *("--loop", "uvloop"),
)
USUAL = "/api/v1/locate?lon={lon!r}&lat={lat!r}"
# How each peer that locates is asked for a point.
ADDRESSES = {
    "asyncpg": USUAL,
    "tipg": "/collections/public.grids/items?f=json&geom-column=none&properties=code,name,level"
    "&filter-lang=cql2-text&filter=S_INTERSECTS(geom,POINT({lon!r}%20{lat!r}))",
    "mapit": "/point/4326/{lon!r},{lat!r}",
}
SURE_POINTS = 50


@dataclass(frozen=True)
class Server:
    """One side: where it listens and which processes to watch, its database's included."""

    name: str
    port: int
    pids: tuple[int, ...]


@dataclass(frozen=True)
class Scene:
    """What all sides are asked: single points and one batch of them."""

    gets: Mapping[str, Sequence[bytes]]
    post: bytes
    arrow: bytes


def main(argv: list[str]) -> int:
    """Prints the figures; the exit status is 0 when every answer came."""
    options = _options(argv)
    folder = Path(tempfile.mkdtemp(prefix="wangge-bench-"))
    folder.chmod(0o755)
    cluster = clusters.start(folder)
    try:
        url = clusters.add_database(cluster, "bench")
        city, key = filled(url, options.grids)
        with contextlib.ExitStack() as stack:
            database = int((cluster.data / "postmaster.pid").read_text().split()[0])
            # One core for whatever answers: a database on the other one would be a second server.
            os.sched_setaffinity(database, {min(os.sched_getaffinity(0))})
            servers = {one.name: one for one in started(stack, url, folder, options)}
            for name in ("wangge", *ADDRESSES):
                if name in servers:
                    servers[name] = replace(servers[name], pids=(*servers[name].pids, database))
            check_answers(servers, city)
            compare(servers, scene_of(city, key), options)
    finally:
        clusters.stop(cluster)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench http_locate")
    parser.add_argument("--grids", type=int, default=784)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--only", default="", help="peers to compare with, separated by commas; all without it")
    # What other benches of the same name are asked is not our concern.
    return parser.parse_known_args(argv)[0]


def filled(url: str, grids: int) -> tuple[SmallCity, str]:
    """A database with one published district, and a key for it."""
    engine = make_engine(url, statement_timeout_ms=0)
    run.upgrade(engine)
    with transaction(engine) as session:
        city = load_small_city(session, grids)
        session.query(Publication).update({"snapshot": build_index(session, city.plan_id).to_bytes()})
        key = add_key(session, "bench", role="dispatcher", area=city.district, datum="wgs84")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()
    return city, key


def scene_of(city: SmallCity, key: str) -> Scene:
    """Random points of the district, most of them inside a tile; the key goes with each request."""
    west, south, east, north = city.shapes.frame.bounds
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(west, east, POINTS), rng.uniform(south, north, POINTS)
    body = orjson.dumps({"datum": "wgs84", "lon": lon.tolist(), "lat": lat.tolist()})
    spots = list(zip(lon[:2_000].tolist(), lat[:2_000].tolist(), strict=True))
    addresses = dict.fromkeys(("wangge", "raw_asgi", "fastapi_noop"), USUAL) | ADDRESSES
    return Scene(
        {name: [_get(address.format(lon=x, lat=y), key) for x, y in spots] for name, address in addresses.items()},
        _post(body, "application/json", key),
        _post(_arrow(lon, lat), "application/vnd.apache.arrow.stream", key),
    )


def _get(address: str, key: str) -> bytes:
    head = f"GET {address} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
    return f"{head}accept: */*\r\nuser-agent: bench\r\n\r\n".encode()


def _post(body: bytes, kind: str, key: str) -> bytes:
    head = f"POST /api/v1/locate HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
    return f"{head}content-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


def _arrow(lon: Any, lat: Any) -> bytes:
    import pyarrow as pa

    table = pa.table({"lon": lon, "lat": lat})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def started(stack: contextlib.ExitStack, url: str, folder: Path, options: argparse.Namespace) -> Iterator[Server]:
    """All sides, running until the stack is closed."""
    chosen = options.only.split(",") if options.only else ["raw_asgi", "fastapi_noop", *ADDRESSES]
    ours = {"WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(folder / "var")}
    yield stack.enter_context(product(ours))
    if "raw_asgi" in chosen:
        yield stack.enter_context(server("raw_asgi", "bench.http_servers:raw", sys.executable, {}))
    if "fastapi_noop" in chosen:
        yield stack.enter_context(server("fastapi_noop", "bench.http_servers:noop", sys.executable, {}))
    if "asyncpg" in chosen:
        python = str(peer_python("bench-venv", ASYNCPG, probes=ASYNCPG))
        yield stack.enter_context(server("asyncpg", "bench.peers.asyncpg_server:app", python, {"BENCH_DSN": url}))
    if "tipg" in chosen:
        yield stack.enter_context(server("tipg", "tipg.main:app", str(tipg_python()), tipg_environment(url)))
    if "mapit" in chosen:
        environment = mapit_environment(url)
        fill_mapit(url, environment)
        yield stack.enter_context(_gunicorn("mapit", mapit_python(), environment))


def product(
    environment: dict[str, str], *, cores: frozenset[int] | None = None
) -> contextlib.AbstractContextManager[Server]:
    """One API process as the supervisor starts it."""
    app, more = "gis_api.app:create_app", ("--factory", "--http", PROTOCOL)
    return server("wangge", app, sys.executable, environment, more=more, cores=cores)


def server(
    name: str,
    app: str,
    python: str,
    environment: dict[str, str],
    *,
    more: Sequence[str] = ("--http", "httptools"),
    cores: frozenset[int] | None = None,
) -> contextlib.AbstractContextManager[Server]:
    """An ASGI application with the flags of the product, on the first core unless others are named."""
    port = free_port()
    command = [python, "-m", "uvicorn", app, *more, *FLAGS, "--port", str(port)]
    return _running(Server(name, port, ()), command, environment, cores=cores)


def _gunicorn(name: str, python: Path, environment: dict[str, str]) -> contextlib.AbstractContextManager[Server]:
    """One process with eight threads, as a database is waited for; the sync worker would close every connection."""
    port = free_port()
    command = [str(python), "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "-b", f"127.0.0.1:{port}"]
    command += ["--worker-class", "gthread", "--threads", "8", "--keep-alive", "30", "--log-level", "warning"]
    return _running(Server(name, port, ()), command, environment, cores=None)


@contextlib.contextmanager
def _running(
    side: Server, command: Sequence[str], environment: dict[str, str], *, cores: frozenset[int] | None
) -> Iterator[Server]:
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
    os.sched_setaffinity(process.pid, cores or {min(os.sched_getaffinity(0))})
    try:
        _wait_for(side.port, process)
        yield replace(side, pids=(process.pid,))
    finally:
        process.terminate()
        process.wait(20)


def _to_last_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server on port {port} did not start")


def check_answers(servers: dict[str, Server], city: SmallCity) -> None:
    """Every peer that locates names the finest grid of known points; raises RuntimeError where one does not."""
    for name, address in ADDRESSES.items():
        for code in city.codes[:: max(1, len(city.codes) // SURE_POINTS)] if name in servers else ():
            lon, lat = city.inside(code)
            spot = address.format(lon=lon, lat=lat)
            with urlopen(f"http://127.0.0.1:{servers[name].port}{spot}", timeout=30) as answer:
                if code not in words_of(orjson.loads(answer.read())):
                    raise RuntimeError(f"{name} does not find {code} at {spot}")


def compare(servers: dict[str, Server], scene: Scene, options: argparse.Namespace) -> None:
    """All sides in turns, and the lines of what came out."""
    _to_last_core()
    _told_gets(_in_turns(servers, scene.gets, options, names=list(servers)))
    batchers = [name for name in ("wangge", "asyncpg") if name in servers]
    posts = _in_turns(servers, {name: [scene.post] for name in batchers}, options, names=batchers, connections=2)
    arrows = _in_turns(servers, {"wangge": [scene.arrow]}, options, names=["wangge"], connections=2)
    _told_posts(posts, arrows["wangge"])


def _in_turns(
    servers: dict[str, Server],
    requests: Mapping[str, Sequence[bytes]],
    options: argparse.Namespace,
    *,
    names: Sequence[str],
    connections: int = CONNECTIONS,
) -> dict[str, list[Round]]:
    rounds: dict[str, list[Round]] = {name: [] for name in names}
    for turn in range(options.rounds + 1):
        for name in names:
            side = servers[name]
            done = measured(side.port, requests[name], pids=side.pids, connections=connections, seconds=options.seconds)
            if turn > 0:  # the first turn warms up
                rounds[name].append(done)
    return rounds


def _told_gets(rounds: dict[str, list[Round]]) -> None:
    ours = rounds["wangge"]
    for name, theirs in rounds.items():
        _tell(f"GET /locate {name}, CPU per request", _median(theirs, "cpu_us"), "us")
        _tell(f"GET /locate {name}, wall", _median(theirs, "per_s"), "requests/s")
        _tell(f"GET /locate {name}, p50", _median(theirs, "p50_ms"), "ms")
        _tell(f"GET /locate {name}, p99", _median(theirs, "p99_ms"), "ms")
    for name, theirs in rounds.items():
        if name == "wangge":
            continue
        speed = _median_ratio(ours, theirs, "per_s")
        cpu = 1 / _median_ratio(ours, theirs, "cpu_us")
        _tell("GET /locate, wall", _median(ours, "per_s"), "requests/s", ratio=speed, peer=name)
        _tell("GET /locate, CPU", _median(ours, "cpu_us"), "us", ratio=cpu, peer=name)
    if "raw_asgi" in rounds:
        ratio = _median_ratio(ours, rounds["raw_asgi"], "p99_ms")
        _tell("GET /locate, p99", _median(ours, "p99_ms"), "ms", ratio=ratio, peer="raw_asgi")


def _told_posts(posts: dict[str, list[Round]], arrows: list[Round]) -> None:
    """Points per second of one core: from the processor time of the server, not of the load."""
    per_core = {name: POINTS / _median(rounds, "cpu_us") for name, rounds in posts.items()}
    for name, value in per_core.items():
        _tell(f"POST /locate {name}, JSON", value, "million_points/s_per_core")
    if "asyncpg" in per_core:
        ratio = per_core["wangge"] / per_core["asyncpg"]
        _tell("POST /locate, JSON", per_core["wangge"], "million_points/s_per_core", ratio=ratio, peer="asyncpg")
    arrow = POINTS / _median(arrows, "cpu_us")
    ratio = arrow / per_core["wangge"]
    _tell("POST /locate, Arrow", arrow, "million_points/s_per_core", ratio=ratio, peer="JSON")


def _median_ratio(ours: Sequence[Round], theirs: Sequence[Round], name: str) -> float:
    """The median of the ratios of neighbouring rounds: what disturbs the machine for longer disturbs both sides."""
    pairs = zip(ours, theirs, strict=True)
    return float(statistics.median(getattr(one, name) / getattr(other, name) for one, other in pairs))


def _median(rounds: Sequence[Round], name: str) -> float:
    return float(statistics.median(getattr(one, name) for one in rounds))


def _tell(name: str, value: float, unit: str, *, ratio: float | None = None, peer: str = "") -> None:
    told = f" (ratio to {peer}: {ratio:.3f})" if ratio is not None else ""
    print(f"{name}: {value:.4g} {unit}{told}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
