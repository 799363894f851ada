"""Connections within bounds: heads and trailers without end, letters that trickle, answers that nobody takes in."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gis_api import supervisor
from gis_api.connections import BoundedProtocol
from gis_api.fast_locate import Hatch
from tests.gis_api.raw_server import connected, port_of, read_to_end, serving
from tests.waiting import until

GET = b"GET /x HTTP/1.1\r\nhost: x\r\n"
POST = b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
CHUNKED = b"POST /x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
LARGE = 30_000_000


async def counting(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers with the length of the body, or with very much."""
    if scope["type"] != "http":
        return
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        length, more = length + len(message["body"]), message["more_body"]
    body = b"x" * LARGE if scope["path"] == "/large" else b"%d" % length
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module", params=[Hatch, BoundedProtocol])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A server with either protocol, whose patience is a tenth of the usual."""
    hasty = {"HEAD_S": 1.0, "BODY_WINDOW_S": 1.0, "UNREAD_S": 1.0}
    protocol = type(f"Hasty{request.param.__name__}", (request.param,), hasty)
    with serving(counting, http=protocol, lifespan="off", log_level="error", timeout_keep_alive=30) as server:
        yield port_of(server)


def pour(link: socket.socket, piece: bytes, *, most: int) -> int:
    """How much of something without end the server took, up to a limit."""
    sent = 0
    try:
        while sent < most:
            link.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


def trickle(link: socket.socket, piece: bytes, *, most_s: float = 8.0) -> float:
    """How long the server bore one piece each tenth of a second."""
    began_s = time.monotonic()
    try:
        while time.monotonic() - began_s < most_s:
            link.sendall(piece)
            time.sleep(0.1)
            link.setblocking(False)
            try:
                link.recv(1 << 16, socket.MSG_PEEK)
                break
            except BlockingIOError:
                pass
            finally:
                link.settimeout(10)
    except OSError:
        pass
    return time.monotonic() - began_s


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (GET, b"a: " + b"b" * 1_000 + b"\r\n"),
        (GET, b"a:b\r\n" * 200),
        (GET + b"a: ", b"b" * 1_000),
        (GET, b"b" * 1_000),
        (b"GET /", b"b" * 1_000),
        (b"", b"\r\n" * 500),
        (CHUNKED + b"1;", b"b" * 1_000),
        (CHUNKED + b"1\r\na\r\n0\r\n", b"a: " + b"b" * 1_000 + b"\r\n"),
    ],
    ids=["headers", "short headers", "one value", "one name", "address", "empty lines", "chunk size", "trailers"],
)
def test_what_has_no_end_is_cut_soon_after_the_limit(port: int, start: bytes, piece: bytes) -> None:
    with connected(port) as link:
        link.sendall(start)
        taken = pour(link, piece, most=20_000_000)
        answer = read_to_end(link)
    # Beside what the server read there is what lies in the buffers of the kernel.
    assert taken < 8_000_000
    assert not answer or re.match(rb"HTTP/1.1 (431|400) ", answer)


def test_a_head_just_over_the_limit_is_told_so_and_one_below_it_is_served(port: int) -> None:
    for size, status in ((60_000, b"200"), (66_000, b"431")):
        with connected(port) as link:
            link.sendall(GET + b"a: " + b"b" * size + b"\r\nconnection: close\r\n\r\n")
            answer = read_to_end(link)
        assert answer.startswith(b"HTTP/1.1 " + status), answer[:300]
    assert b"urn:wangge:problem:head_too_large" in answer and b"problem+json" in answer


@pytest.mark.parametrize(
    ("start", "piece"),
    [(GET, b"a"), (GET + b"a: ", b"b"), (POST, b"b"), (CHUNKED, b"1\r\na\r\n"), (b"", b"\r\n")],
    ids=["header", "value", "body", "chunks", "empty lines"],
)
def test_a_letter_at_a_time_is_not_borne_for_long(port: int, start: bytes, piece: bytes) -> None:
    with connected(port) as link:
        link.sendall(start)
        assert 0.5 < trickle(link, piece) < 4.0
        answer = read_to_end(link)
    assert not answer or answer.startswith(b"HTTP/1.1 4")


def test_the_same_holds_behind_an_answer_on_a_connection_that_is_kept(port: int) -> None:
    with connected(port) as link:
        link.sendall(GET + b"\r\n")
        assert link.recv(1 << 16).startswith(b"HTTP/1.1 200")
        link.sendall(GET)
        assert 0.5 < trickle(link, b"a") < 4.0
        assert read_to_end(link).startswith(b"HTTP/1.1 408")


def test_a_silent_connection_is_closed_without_a_word_and_half_a_word_is_told_so(port: int) -> None:
    for said, answer in ((b"", b""), (b"G", b"HTTP/1.1 408 ")):
        with connected(port) as link:
            link.sendall(said)
            assert read_to_end(link)[:13] == answer


def test_a_slow_body_that_gets_on_is_taken_in(port: int) -> None:
    with connected(port) as link:
        link.sendall(POST)
        for _ in range(10):
            link.sendall(b"b" * 10_000)
            time.sleep(0.2)
        link.settimeout(5)
        assert link.recv(1 << 16).endswith(b"100000")


def test_who_takes_nothing_in_is_cut_off(port: int) -> None:
    with connected(port) as link:
        link.sendall(GET.replace(b"/x", b"/large") + b"\r\n")
        time.sleep(2.0)
        assert len(read_to_end(link)) < LARGE


def test_the_service_is_started_within_bounds() -> None:
    command = supervisor.make_api_child(1, 3).command
    assert command[command.index("--http") + 1] == "gis_api.fast_locate.hatch:Hatch" and issubclass(
        Hatch, BoundedProtocol
    )


@pytest.mark.parametrize("protocol", [Hatch, BoundedProtocol])
def test_a_server_that_ends_still_answers_what_is_under_way(protocol: type[BoundedProtocol]) -> None:
    """A connection that was just opened, one that was answered before, and one in the middle of a head."""
    patient = type(f"Patient{protocol.__name__}", (protocol,), {"LAST_WORD_S": 2.0})
    with (
        serving(counting, http=patient, lifespan="off", timeout_graceful_shutdown=10) as server,
        connected(port_of(server)) as new,
        connected(port_of(server)) as kept,
        connected(port_of(server)) as begun,
        connected(port_of(server)) as idle,
    ):
        for link in (kept, idle):
            link.sendall(GET + b"\r\n")
            assert b"connection: close" not in link.recv(1 << 16).lower()
        begun.sendall(GET)
        until(lambda: len(server.server_state.connections) == 4)
        listening = server.servers[0]
        server.should_exit = True
        until(lambda: not listening.is_serving())
        for link, rest in ((new, GET + b"\r\n"), (kept, GET + b"\r\n"), (begun, b"\r\n")):
            link.sendall(rest)
            answer = read_to_end(link)
            assert answer.startswith(b"HTTP/1.1 200") and b"connection: close" in answer.lower()
        assert read_to_end(idle) == b""
