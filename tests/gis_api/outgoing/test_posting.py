"""One request ends in its time whatever its receiver does, and trusts nobody whose certificate it does not know."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from gis_api.outgoing.posting import post
from layers.outbox import Parcel

HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
Serve = Callable[[socket.socket], None]


@contextmanager
def listening(serve: Serve) -> Iterator[int]:
    """The port of a server that does this with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def accept() -> None:
            while not done.is_set():
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve_one, args=(link,), daemon=True).start()

        def serve_one(link: socket.socket) -> None:
            with link:
                try:
                    serve(link)
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        done.set()
        server.shutdown(socket.SHUT_RDWR)


def sent(url: str, *, timeout_s: float = 1.0) -> tuple[int | None, str | None, float]:
    began_s = time.monotonic()
    parcel = Parcel(7, 1, url, "secret", 3, "ping", NOW, "1", "130273", {})
    status, error = post(parcel, now=NOW, allowed=HERE, timeout_s=timeout_s)
    return status, error, time.monotonic() - began_s


def read_request(link: socket.socket) -> bytes:
    read = b""
    while b'"data":{}}' not in read:
        read += link.recv(65_536)
    return read


def trickle_head(link: socket.socket) -> None:
    read_request(link)
    link.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    for _ in range(200):
        link.sendall(b"y")
        time.sleep(0.1)


def say_nothing(link: socket.socket) -> None:
    while link.recv(65_536):
        continue


def send_without_end(link: socket.socket) -> None:
    read_request(link)
    while True:
        link.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000)


@pytest.mark.parametrize("serve", [trickle_head, say_nothing, send_without_end])
def test_a_request_ends_in_its_time_whatever_comes_back(serve: Serve) -> None:
    with listening(serve) as port:
        status, error, took_s = sent(f"http://127.0.0.1:{port}/")
    assert (status, error) == (None, "timed out")
    assert took_s < 3.0


def test_a_handshake_that_does_not_come_ends_in_its_time() -> None:
    with listening(say_nothing) as port:
        status, error, took_s = sent(f"https://localhost:{port}/")
    assert (status, error) == (None, "timed out")
    assert took_s < 3.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that nobody has signed but itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here, which makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-out", str(cert), "-keyout", str(key)]
    subprocess.run([*made, *names], check=True, capture_output=True)
    return cert, key


def test_tls_is_by_the_name_and_by_certificates_that_are_known(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    heads: list[bytes] = []

    def serve(link: socket.socket) -> None:
        with context.wrap_socket(link, server_side=True) as secured:
            heads.append(read_request(secured))
            secured.sendall(ANSWER)

    with listening(serve) as port:
        status, error, _ = sent(f"https://localhost:{port}/told")
        assert status is None and "certificate verify failed" in str(error) and heads == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert sent(f"https://localhost:{port}/told")[:2] == (204, None)
        status, error, _ = sent(f"https://127.0.0.1:{port}/told")
        assert status is None and "certificate verify failed" in str(error), "another name than the certificate's"
    assert heads[0].startswith(b"POST /told HTTP/1.1\r\n") and f"Host: localhost:{port}".encode() in heads[0]
