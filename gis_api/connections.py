"""One connection within bounds: how large the head of a request may be, how slowly it may be sent and read, and how it
ends when the process does.

uvicorn keeps whatever arrives of a head, and waits for the rest for ever: 150 MB of headers make a process of 2 GB, and
connections that send a letter a second hold it until nobody else gets in. A proxy in front would see to both, but the
service has to stand without one.

Built on uvicorn's `HttpToolsProtocol`, whose version is locked. `gis_api.fast_locate.hatch` builds on this.
"""

from __future__ import annotations

import asyncio
import enum
from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gis_api import texts
from gis_api.errors import MEDIA_TYPE, Answer, document_of


class Awaited(enum.Enum):
    """What a connection waits for from its client."""

    nothing = enum.auto()
    head = enum.auto()
    body = enum.auto()


class TooLarge(Exception):
    """The head of a request is over the limit; raised for the parser, which ends."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection whose client must get on."""

    HEAD_BYTES = 65_536
    """Most bytes of request line and headers (with trailers); 431 beyond. nginx allows 32 kB."""
    HEAD_S = 10.0
    """How long a head may take from its first byte, and how long a new connection may stay silent; 408 then."""
    BODY_WINDOW_S = 20.0
    BODY_WINDOW_BYTES = 10_000
    """So much of a body must come in each window: a telephone at the edge of the net still sends ten times that."""
    UNREAD_S = 60.0
    """How long a client may leave an answer lying, with our buffer full, until the connection is cut."""
    LAST_WORD_S = 0.5
    """How long an idle connection stays open when the process is told to end: what is under way is still answered."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = self._in_body = self._is_last = False
        self._head_bytes = self._body_bytes = 0
        # Bytes that were no part of a body and ended no head: a header, a trailer or a chunk's size without end.
        self._barren_bytes = 0
        self._awaited = Awaited.nothing
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None

    # What the transport tells

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come, and is to say something."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone; nothing is waited for."""
        super().connection_lost(exc)
        for timer in (self._reading, self._writing):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take in some bytes, as long as they lead somewhere."""
        self._barren_bytes += len(data)
        super().data_received(data)
        if self._barren_bytes > self.HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
        self._watch()

    def pause_writing(self) -> None:
        """The client does not take in what it is sent: it gets a while."""
        super().pause_writing()
        self._writing = self.loop.call_later(self.UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken in enough of it."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()

    def shutdown(self) -> None:
        """The process is to end: what was asked is answered, as the last answer here, and so is what comes in at this
        very moment. uvicorn would close an idle connection at once, and a request under way would be lost with it."""
        self._is_last = True
        if self.cycle is not None and not self.cycle.response_complete:
            super().shutdown()
        else:
            self.loop.call_later(self.LAST_WORD_S, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self._in_head and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that the parser gave up on."""
        if self._head_bytes > self.HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
        else:
            super().send_400_response(msg)

    # What the parser tells

    def on_message_begin(self) -> None:
        """A request begins."""
        self._begin_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer behind a body."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole; a body may follow."""
        self._end_head()
        super().on_headers_complete()
        if self._is_last and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._barren_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._in_body, self._barren_bytes = False, 0
        super().on_message_complete()

    # Bounds

    def _begin_head(self) -> None:
        self._in_head, self._head_bytes = True, 0

    def _end_head(self) -> None:
        self._in_head, self._in_body, self._barren_bytes = False, True, 0

    def _count(self, number: int) -> None:
        # Four for the colon, the blank and the end of the line.
        self._head_bytes += number + 4
        if self._head_bytes > self.HEAD_BYTES:
            raise TooLarge(self._head_bytes)

    def _watch(self) -> None:
        """Have a timer for what is waited for now; a request that came whole in one piece needs none."""
        awaited = self._find_awaited()
        if awaited is self._awaited:
            return
        self._awaited = awaited
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if awaited is not Awaited.nothing:
            self._body_bytes = 0
            self._reading = self.loop.call_later(self._patience_s(), self._end_late)

    def _find_awaited(self) -> Awaited:
        if self.transport.is_closing():
            return Awaited.nothing
        if self._in_body:
            return Awaited.body
        answered = self.cycle is None or self.cycle.response_complete
        return Awaited.head if self._in_head or (answered and self.timeout_keep_alive_task is None) else Awaited.nothing

    def _patience_s(self) -> float:
        return self.HEAD_S if self._awaited is Awaited.head else self.BODY_WINDOW_S

    def _end_late(self) -> None:
        """The time is over: close, unless it is we who do not read, or enough of a body has come."""
        if self.transport.is_closing():
            return
        came = self._awaited is Awaited.body and self._body_bytes >= self.BODY_WINDOW_BYTES
        if came or self.flow.read_paused:
            self._body_bytes = 0
            self._reading = self.loop.call_later(self._patience_s(), self._end_late)
        elif self._in_head or self._in_body:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "too_slow")
        else:
            self.transport.close()  # it never said a word: browsers open connections that they may need later

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        """Say why, where no answer is under way, and close."""
        cycle = self.cycle
        free = cycle is None or cycle.response_complete or (self._in_body and not cycle.response_started)
        if free and not (self._in_body and cycle is not None and cycle.response_complete):
            self.transport.write(_refusal(status, code))
        self.transport.close()


def _refusal(status: HTTPStatus, code: str) -> bytes:
    """A whole answer; nobody knows yet which language it should be in."""
    told = document_of(Answer(status, code, {"most_bytes": BoundedProtocol.HEAD_BYTES}), texts.DEFAULT)
    body = orjson.dumps(told)
    lines = (f"HTTP/1.1 {status.value} {status.phrase}", f"content-type: {MEDIA_TYPE}", "connection: close")
    return "\r\n".join((*lines, f"content-length: {len(body)}", "", "")).encode() + body
