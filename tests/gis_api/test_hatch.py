"""The hatch in the server's protocol: whatever is sent, and however it is cut up, it changes no byte of the answers."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from uvicorn.importer import import_from_string

from gis_api import supervisor
from gis_api.app import create_app
from gis_api.fast_locate import Hatch, Service
from gis_api.settings import Settings
from layers.access import add_key
from layers.db import make_engine, transaction
from migrations.cluster import Cluster
from tests.databases import passing_database
from tests.gis_api.conftest import AREA, Prepared
from tests.gis_api.raw_server import connected, port_of, read_to_end, serving
from tests.small_city import SmallCity

ROOT = Path(__file__).parents[2]

IDLE_S = 1
LAST = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
# What differs from one answer to the next, whoever gives it.
MOMENTS = re.compile(rb'date: [^\r]+|x-request-id: [0-9a-f]{12}-[0-9a-f]+|"(?:updated_at|time)":"[^"]+"')


@dataclass(frozen=True)
class Ways:
    """One application behind two servers: one with the hatch, one as uvicorn is."""

    app: Service
    hatch: int
    plain: int
    key: str
    roaming_key: str
    city: SmallCity

    def ask(self, lon: float, lat: float, *, more: str = "", query: str = "", method: str = "GET") -> bytes:
        """The bytes of a question."""
        line = f"{method} /api/v1/locate?lon={lon!r}&lat={lat!r}{query} HTTP/1.1"
        return f"{line}\r\nhost: x\r\nauthorization: Bearer {self.key}\r\n{more}\r\n".encode()

    def inside(self, number: int = 0) -> tuple[float, float]:
        """A point of some sub-grid."""
        return self.city.inside(self.city.codes[number])


@pytest.fixture(scope="module")
def ways(cluster: Cluster, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    with passing_database(cluster, prepared.url) as url:
        engine = make_engine(url)
        with transaction(engine) as session:
            key = add_key(session, "hatch", role="dispatcher", area=AREA, datum="wgs84")
            roaming = add_key(session, "roaming", role="dispatcher", area=AREA)
        engine.dispose()
        app = create_app(Settings(database_url=url, var=tmp_path_factory.mktemp("var"), poll_s=0.05))
        with (
            serving(app, http=Hatch, timeout_keep_alive=IDLE_S) as hatch,
            serving(app, http="httptools", lifespan="off", timeout_keep_alive=IDLE_S) as plain,
        ):
            yield Ways(app, port_of(hatch), port_of(plain), key, roaming, prepared.city)


def _told(port: int, parts: Sequence[bytes]) -> bytes:
    """All that comes back for what is sent, part by part, until the server closes."""
    with connected(port) as link:
        for part in parts:
            try:
                link.sendall(part)
            except OSError:  # closed by the server in the middle of it
                break
            if len(parts) > 1:
                time.sleep(0.0005)
        return MOMENTS.sub(b"*", read_to_end(link))


def _answer(link: socket.socket) -> bytes:
    """One whole answer whose length is stated."""
    told = b""
    while b"\r\n\r\n" not in told:
        told += link.recv(1)
    missing = int(re.search(rb"content-length: (\d+)", told)[1])  # type: ignore[index]
    while missing:
        told += (part := link.recv(missing))
        missing -= len(part)
    return told


def _kinds(ways: Ways) -> dict[str, bytes]:
    """Requests of all sorts, most of them to the hot route."""
    lon, lat = ways.inside()
    west, south, _, _ = ways.city.shapes.frame.bounds
    corner = ways.city.shapes.frame.exterior.coords[0]
    batch = b'{"datum":"wgs84","lon":[%r],"lat":[%r]}' % (lon, lat)
    return {
        "plain": ways.ask(lon, lat),
        "another": ways.ask(*ways.inside(-1)),
        "named": ways.ask(lon, lat, more="X-Request-ID: case-7\r\n"),
        "badly named": ways.ask(lon, lat, more="x-request-id: a b\r\n"),
        "corner": ways.ask(corner[0], corner[1]),
        "outside": ways.ask(west - 0.001, south - 0.001),
        "nowhere": ways.ask(0.0, 0.0),
        "own datum": ways.ask(lon, lat, query="&datum=wgs84"),
        "refused datum": ways.ask(lon, lat, query="&datum=gcj02"),
        "other datum": ways.ask(lon, lat, query="&datum=gcj02").replace(ways.key.encode(), ways.roaming_key.encode()),
        "accuracy": ways.ask(lon, lat, query="&accuracy_m=30"),
        "exponent": ways.ask(lon, lat).replace(b"lon=", b"lon=1e0&lon="),
        "fragment": ways.ask(lon, lat, query="#there"),
        "stranger": ways.ask(lon, lat).replace(b"Bearer ", b"Bearer x"),
        "nobody": ways.ask(lon, lat).replace(b"authorization", b"x-authorization"),
        "head": ways.ask(lon, lat, method="HEAD"),
        "with no body": ways.ask(lon, lat, more="content-length: 0\r\n"),
        "with a body": ways.ask(lon, lat, more="content-length: 3\r\n") + b"abc",
        "in chunks": ways.ask(lon, lat, more="transfer-encoding: chunked\r\n") + b"1\r\na\r\n0\r\n\r\n",
        "expecting": ways.ask(lon, lat, more="expect: 100-continue\r\n"),
        "upgrading": ways.ask(lon, lat, more="connection: upgrade\r\nupgrade: h2c\r\n"),
        "closing": ways.ask(lon, lat, more="connection: close\r\n"),
        "old": ways.ask(lon, lat).replace(b"HTTP/1.1", b"HTTP/1.0"),
        "garbage": b"GET\r\n\r\n",
        "batch": ways.ask(lon, lat, method="POST", more=f"content-length: {len(batch)}\r\n") + batch,
        "health": LAST.replace(b"connection: close\r\n", b""),
        "unknown": b"GET /api/v1/locate/x?lon=1.0&lat=1.0 HTTP/1.1\r\nhost: x\r\n\r\n",
    }


NAMES = (
    *("plain", "another", "named", "badly named", "corner", "outside", "nowhere", "own datum", "refused datum"),
    *(
        "other datum",
        "accuracy",
        "exponent",
        "fragment",
        "stranger",
        "nobody",
        "head",
        "with no body",
        "with a body",
        "in chunks",
    ),
    *("in chunks", "expecting", "upgrading", "closing", "old", "garbage", "batch", "health", "unknown"),
)
# uvicorn forgets the questions that came in one packet with garbage behind them; the hatch has answered them by then.
IN_A_ROW = [name for name in NAMES if name not in ("garbage", "upgrading")]
CUTS = st.lists(st.integers(min_value=1, max_value=2_000), max_size=6)


def test_the_names_of_the_kinds_are_all_there_are(ways: Ways) -> None:
    assert set(NAMES) == set(_kinds(ways))


@pytest.mark.parametrize("name", NAMES)
def test_one_request_is_answered_in_the_same_bytes(ways: Ways, name: str) -> None:
    sent = [_kinds(ways)[name] + LAST]
    told = _told(ways.hatch, sent)
    assert told == _told(ways.plain, sent) and told.startswith(b"HTTP/1.1 ")


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(IN_A_ROW), min_size=1, max_size=6), CUTS)
@example(["plain"] * 6, list(range(1, 400, 3)))
@example(["accuracy", "plain", "batch", "another"], [])
@example(["plain", "accuracy", "plain", "closing", "plain"], [])
@example(["plain", "upgrading", "plain"], [])
@example(["plain", "with a body", "plain", "in chunks", "plain"], [])
def test_requests_in_a_row_are_answered_in_the_same_bytes_however_they_are_cut(
    ways: Ways, names: list[str], cuts: list[int]
) -> None:
    kinds = _kinds(ways)
    sent = b"".join(kinds[name] for name in names) + LAST
    marks = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    parts = [sent[begin:end] for begin, end in pairwise(marks)]
    assert _told(ways.hatch, parts) == _told(ways.plain, parts)


def test_a_plain_question_never_reaches_the_application(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    call = Service.__call__

    async def listening(self: Service, scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])
        await call(self, scope, receive, send)

    monkeypatch.setattr(Service, "__call__", listening)
    counted = sum(ways.app.short_way._series.counts)
    kinds = _kinds(ways)
    _told(ways.hatch, [kinds["plain"] + kinds["corner"] + kinds["outside"] + kinds["other datum"] + LAST])
    assert asked == ["/healthz"]
    assert sum(ways.app.short_way._series.counts) == counted + 4
    _told(ways.plain, [kinds["plain"] + LAST])
    assert asked == ["/healthz", "/api/v1/locate", "/healthz"]


def test_a_fault_of_the_short_way_is_made_good_by_the_long_way_counted_and_logged(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent = [_kinds(ways)["plain"] + LAST]
    before = _told(ways.hatch, sent).split(b"\r\n\r\n")[1]

    def fail(*_: object) -> None:
        raise RuntimeError("torn")

    monkeypatch.setattr(ways.app.state.desk, "find_quick", fail)
    monkeypatch.setattr(ways.app.short_way, "_told_s", -1e9)
    faults = ways.app.state.metrics.faults["short_way_get"]
    assert _told(ways.hatch, sent).split(b"\r\n\r\n")[1] == before
    counted = ways.app.state.metrics.faults["short_way_get"]
    assert counted > faults
    assert f'wangge_faults_total{{name="short_way_get"}} {counted}' in list(ways.app.state.metrics.lines())
    assert any("short_way_get" in record.getMessage() and record.exc_info for record in caplog.records)


def test_a_question_is_answered_though_garbage_follows_it(ways: Ways) -> None:
    kinds = _kinds(ways)
    told = _told(ways.hatch, [kinds["plain"] + kinds["garbage"]])
    assert re.findall(rb"HTTP/1.1 (\d+)", told) == [b"200", b"400"]


def test_a_client_that_asks_much_before_it_reads_gets_every_answer_in_order(ways: Ways) -> None:
    lon, lat = ways.inside()
    number = 5_000
    sent = b"".join(ways.ask(lon, lat, more=f"x-request-id: r{at}\r\n") for at in range(number)) + LAST
    with connected(ways.hatch) as link:
        sending = threading.Thread(target=link.sendall, args=(sent,))
        sending.start()
        time.sleep(0.5)  # so long that the server's buffers are full
        told = read_to_end(link)
        sending.join()
    assert re.findall(rb"x-request-id: r(\d+)", told) == [b"%d" % at for at in range(number)]


def test_an_idle_connection_is_closed_and_a_busy_one_is_not(ways: Ways) -> None:
    question = _kinds(ways)["plain"]
    with connected(ways.hatch) as link:
        began_s = time.monotonic()
        while time.monotonic() - began_s < 1.5 * IDLE_S:
            link.sendall(question)
            assert _answer(link).startswith(b"HTTP/1.1 200")
            time.sleep(IDLE_S / 4)
        assert link.recv(1) == b"", "the server closes it after the last answer"


def test_who_is_to_log_every_request_hears_of_each(ways: Ways, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="uvicorn.access"), serving(ways.app, http=Hatch) as server:
        logger = logging.getLogger("uvicorn.access")
        logger.setLevel(logging.INFO)
        logger.addHandler(caplog.handler)
        try:
            _told(port_of(server), [_kinds(ways)["plain"] + LAST])
        finally:
            logger.removeHandler(caplog.handler)
    assert any("/api/v1/locate" in record.getMessage() for record in caplog.records)


def test_the_service_is_started_with_the_hatch() -> None:
    command = supervisor.make_api_child(1, 3).command
    assert import_from_string(command[command.index("--http") + 1]) is Hatch


def test_another_uvicorn_than_the_tested_one_is_told_and_served_plainly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert f"uvicorn=={supervisor.TESTED_UVICORN} " in (ROOT / "requirements.txt").read_text()
    monkeypatch.setattr(supervisor, "version", lambda _name: "99.0.0")
    command = supervisor.make_api_child(1, 3).command
    assert command[command.index("--http") + 1] == "httptools"
    assert any("99.0.0" in record.getMessage() for record in caplog.records)
