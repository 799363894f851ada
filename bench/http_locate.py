"""The lookup over HTTP against what else could be built: ratios of one run, the sides taking turns.

    python -m bench.http_locate [--grids N] [--rounds N] [--seconds S] [--no-asyncpg]

The peers: the same server answering a fixed 300 bytes (raw ASGI), FastAPI with two parameters and nothing to do, and
FastAPI + asyncpg + ST_Covers, installed into var/bench-venv. Everything listens on 127.0.0.1. Servers run on one core
and the load on another, where there are two. Processor time per request, the database's included, is steadier than
requests a second.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from bench.http_load import Round, measured
from gis_api.settings import Settings
from layers import cluster as clusters
from layers.access import add_key
from layers.db import make_engine, transaction
from layers.locating import build_index
from layers.plans import Publication
from migrations import run
from tests.small_city import SmallCity, load_small_city

ROOT = Path(__file__).parent.parent
CONNECTIONS = 32
POINTS = 10_000
PEER_PACKAGES = ("asyncpg", "fastapi", "uvicorn", "uvloop", "httptools", "orjson")


@dataclass(frozen=True)
class Server:
    """One side: where it listens and which processes to watch, its database's included."""

    name: str
    port: int
    pids: tuple[int, ...]


@dataclass(frozen=True)
class Scene:
    """What all sides are asked: single points and one batch of them."""

    gets: Sequence[bytes]
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
            servers = {server.name: server for server in started(stack, url, folder, options)}
            database = int((cluster.data / "postmaster.pid").read_text().split()[0])
            for name in {"wangge", "asyncpg"} & set(servers):
                servers[name] = replace(servers[name], pids=(*servers[name].pids, database))
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
    parser.add_argument("--no-asyncpg", action="store_true")
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
    return Scene(
        [_get(f"lon={x!r}&lat={y!r}", key) for x, y in zip(lon[:2_000].tolist(), lat[:2_000].tolist(), strict=True)],
        _post(body, "application/json", key),
        _post(_arrow(lon, lat), "application/vnd.apache.arrow.stream", key),
    )


def _get(query: str, key: str) -> bytes:
    head = f"GET /api/v1/locate?{query} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
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
    ours = {"WANGGE_DATABASE_URL": url, "WANGGE_VAR": str(folder / "var")}
    yield stack.enter_context(server("wangge", "gis_api.app:create_app", sys.executable, ours, factory=("--factory",)))
    yield stack.enter_context(server("raw_asgi", "bench.http_servers:raw", sys.executable, {}))
    yield stack.enter_context(server("fastapi_noop", "bench.http_servers:noop", sys.executable, {}))
    if not options.no_asyncpg:
        dsn = {"BENCH_DSN": url}
        yield stack.enter_context(server("asyncpg", "bench.peers.asyncpg_server:app", str(peer_python()), dsn))


def peer_python() -> Path:
    """The Python of the bench's own environment, made and filled first where it is missing."""
    folder = Settings().var.resolve() / "bench-venv"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    probe = [str(python), "-c", f"import {', '.join(PEER_PACKAGES)}"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEER_PACKAGES], check=True)
    return python


@contextlib.contextmanager
def server(
    name: str,
    app: str,
    python: str,
    environment: dict[str, str],
    *,
    factory: Sequence[str] = (),
    cores: frozenset[int] | None = None,
) -> Iterator[Server]:
    port = _free_port()
    command = [python, "-m", "uvicorn", app, *factory, "--port", str(port), "--no-access-log"]
    command += ["--log-level", "warning", "--loop", "uvloop", "--http", "httptools"]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
    os.sched_setaffinity(process.pid, cores or {min(os.sched_getaffinity(0))})
    try:
        _wait_for(port, process)
        yield Server(name, port, (process.pid,))
    finally:
        process.terminate()
        process.wait(20)


def _to_last_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"the server on port {port} did not start")


def compare(servers: dict[str, Server], scene: Scene, options: argparse.Namespace) -> None:
    """All sides in turns, and the lines of what came out."""
    _to_last_core()
    gets = _in_turns(servers, scene.gets, options, names=list(servers))
    _told_gets(gets)
    batchers = [name for name in ("wangge", "asyncpg") if name in servers]
    posts = _in_turns(servers, [scene.post], options, names=batchers, connections=2)
    arrows = _in_turns(servers, [scene.arrow], options, names=["wangge"], connections=2)
    _told_posts(posts, arrows["wangge"])


def _in_turns(
    servers: dict[str, Server],
    requests: Sequence[bytes],
    options: argparse.Namespace,
    *,
    names: Sequence[str],
    connections: int = CONNECTIONS,
) -> dict[str, list[Round]]:
    rounds: dict[str, list[Round]] = {name: [] for name in names}
    for turn in range(options.rounds + 1):
        for name in names:
            side = servers[name]
            done = measured(side.port, requests, pids=side.pids, connections=connections, seconds=options.seconds)
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
        speed = _median(ours, "per_s") / _median(theirs, "per_s")
        cpu = _median(theirs, "cpu_us") / _median(ours, "cpu_us")
        _tell("GET /locate, wall", _median(ours, "per_s"), "requests/s", ratio=speed, peer=name)
        _tell("GET /locate, CPU", _median(ours, "cpu_us"), "us", ratio=cpu, peer=name)
    p99 = _median(ours, "p99_ms")
    _tell("GET /locate, p99", p99, "ms", ratio=p99 / _median(rounds["raw_asgi"], "p99_ms"), peer="raw_asgi")


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


def _median(rounds: Sequence[Round], name: str) -> float:
    return statistics.median(getattr(one, name) for one in rounds)


def _tell(name: str, value: float, unit: str, *, ratio: float | None = None, peer: str = "") -> None:
    told = f" (ratio to {peer}: {ratio:.3f})" if ratio is not None else ""
    print(f"{name}: {value:.4g} {unit}{told}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
