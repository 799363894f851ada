"""What surrounds every request: its id, limits on its body, headers of the answer, and the count of it.

One plain ASGI callable around FastAPI; the hot route has the same built in (see fast_locate).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gis_api.errors import Problem, answer_of, response_of
from gis_api.logs import request_id
from gis_api.metrics import Metrics
from gis_api.settings import Settings
from gis_api.texts import choose_language

# A browser must not guess what an answer is; then what is told as JSON can neither run nor be framed to any use.
HEADERS = ((b"x-content-type-options", b"nosniff"),)
# For whatever a browser might show: pages send a policy of their own, anything else may load and run nothing.
SHOWN_HEADERS = (
    (b"referrer-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
# How much of a body that is too large is still taken in, so that its sender gets to hear why, and for how long.
LINGER_BYTES = 256_000_000
LINGER_S = 10.0
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PREFIX = secrets.token_hex(6).encode()
_numbers = itertools.count(1)


def make_request_id() -> bytes:
    """An id that no other process and no other request has."""
    return b"%b-%x" % (_PREFIX, next(_numbers))


# Whether somebody known stands behind a request.
Known = Callable[[Scope], Awaitable[bool]]


@dataclass(frozen=True)
class BodyLimits:
    """How large a body may be, in bytes, by path."""

    usual: int
    by_pattern: tuple[tuple[re.Pattern[str], int], ...]

    @classmethod
    def of(cls, settings: Settings) -> BodyLimits:
        """The limits of the contract ("Bodies")."""
        patterns = (
            (r"/api/v1/locate", settings.locate_bytes),
            (r"/api/v1/coverage", settings.geometry_bytes),
            (r"/api/v1/plans/[^/]+/edits", settings.geometry_bytes),
            (r"/api/v1/(imports|uploads)", settings.upload_bytes),
            (r"/api/v1/incidents/[^/]+/photos", settings.photo_bytes),
            (r"/api/v1/standards", settings.sheet_bytes),
        )
        return cls(settings.body_bytes, tuple((re.compile(pattern), most) for pattern, most in patterns))

    def limit_of_path(self, path: str) -> int:
        """The limit of one path."""
        return next((most for pattern, most in self.by_pattern if pattern.fullmatch(path)), self.usual)


class Envelope:
    """The application with its surroundings."""

    def __init__(self, app: ASGIApp, *, settings: Settings, metrics: Metrics, known: Known) -> None:
        self._app = app
        self._known = known
        self._limits = BodyLimits.of(settings)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        known_as = choose_request_id(headers.get(b"x-request-id"))
        request_id.set(known_as.decode("ascii"))
        letter = _Letter(scope, send, known_as, self._metrics)
        most = self._limits.limit_of_path(scope["path"])
        body = _Body(receive, most)
        send_on = _drain_after(body, letter.send)
        refusal = await self._find_refusal(scope, headers, most)
        if refusal is not None:
            lang = choose_language(headers.get(b"accept-language", b"").decode("latin-1"))
            await response_of(answer_of(refusal, lang), lang)(scope, body.receive, send_on)
            return
        await self._app(scope, body.receive, send_on)

    async def _find_refusal(self, scope: Scope, headers: dict[bytes, bytes], most: int) -> Problem | None:
        """Why this body is not even read: it is too large, or large and of nobody known; to parse it takes seconds."""
        if _read_stated_length(headers) > most:
            return size_error(most)
        large = _read_stated_length(headers) > self._limits.usual or b"transfer-encoding" in headers
        if most <= self._limits.usual or not large:
            return None
        try:
            known = await self._known(scope)
        except Problem as problem:
            return problem
        return None if known else Problem(401, "not_signed_in", headers={"WWW-Authenticate": 'Bearer realm="wangge"'})


def choose_request_id(sent: bytes | None) -> bytes:
    """The client's id of the request where it is harmless, else a new one."""
    return sent if sent is not None and _SANE_ID.fullmatch(sent) else make_request_id()


def size_error(most: int) -> Problem:
    """The refusal of a body over the limit."""
    return Problem(413, "too_large", most_bytes=most, headers={"Connection": "close"})


class _Letter:
    """One answer on its way out."""

    def __init__(self, scope: Scope, send: Send, request_id: bytes, metrics: Metrics) -> None:
        self._scope, self._send, self._metrics = scope, send, metrics
        self._request_id = request_id
        self._began_s = time.perf_counter()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._dress(message)
            self._count(message["status"])
        await self._send(message)

    def _dress(self, message: Message) -> None:
        headers = [*message.get("headers", ())]
        present = dict(headers)
        extra = [*HEADERS, (b"x-request-id", self._request_id)]
        if present.get(b"content-type", b"").startswith((b"text/html", b"image/svg")):
            extra.extend(SHOWN_HEADERS)
        message["headers"] = headers + [(name, value) for name, value in extra if name not in present]

    def _count(self, status: int) -> None:
        route = self._scope.get("route")
        path = getattr(route, "path", None) or "other"
        self._metrics.observe(self._scope["method"], path, status, time.perf_counter() - self._began_s)


def _read_stated_length(headers: dict[bytes, bytes]) -> int:
    stated = headers.get(b"content-length", b"0")
    return int(stated) if stated.isdigit() else 0


class _Body:
    """The body of a request as it arrives, within a limit."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most = receive, most
        self._seen = 0
        self._ended = False

    async def receive(self) -> Message:
        """The next part; raises Problem 413 when there is more of it than stated and allowed."""
        message = await self._receive_next()
        if self._seen > self._most:
            raise size_error(self._most)
        return message

    async def throw_away(self) -> None:
        """Take in what is still under way, up to a limit of its own."""
        while not self._ended and self._seen < LINGER_BYTES:
            await self._receive_next()

    async def _receive_next(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        self._ended = not message.get("more_body", False)
        return message


def _drain_after(body: _Body, send: Send) -> Send:
    """Sends an answer; behind a 413 or 401 the rest of the body is still taken in and thrown away, for a while.

    A connection that is closed with bytes of the client under way is reset, and then the client most often loses the
    answer with it: it would see a broken pipe instead of "too large".
    """
    refused = False

    async def send_lingering(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start":
            refused = message["status"] in (401, 413)
        if not refused or message["type"] != "http.response.body" or message.get("more_body", False):
            await send(message)
            return
        await send({**message, "more_body": True})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(body.throw_away(), LINGER_S)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_lingering
