"""The server's protocol with a hatch in it: a plain question about a point is answered while its head is being read.

To call an ASGI application a server makes a scope, an event, a task and two messages for every request, which takes
longer than the lookup with all its checks. Here `ShortWay` gets the query and the headers as the parser delivers them,
and its answer is written at once. Whatever is not plain (another route, a body, an older HTTP, a connection that is to
be closed, or one whose last answer is still under way) goes to the application, as if there were no hatch.

Built on `BoundedProtocol`, which is uvicorn's `HttpToolsProtocol` within bounds: with another uvicorn than the tested
one the supervisor serves without both (`gis_api.supervisor.choose_protocol`).
tests/gis_api/test_hatch.py holds the two ways against each other: the same bytes, the same order of answers, the same
ends of connections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from gis_api.connections import BoundedProtocol
from gis_api.envelope import choose_request_id, make_request_id
from gis_api.fast_locate.door import FIXED_HEADERS, PATH, ShortWay

# Under this name the application hands its short way to the server, in the state of its lifespan.
STATE = "short_way"
_ASKED = PATH.encode() + b"?"
# In the order in which FastAPI's answer has them, so that the two ways can be compared byte by byte.
_FIRST, *_OTHERS = (b"%b: %b\r\n" % header for header in FIXED_HEADERS)
_LENGTH = b"%bcontent-length: " % _FIRST
_MORE = b"\r\ncontent-type: application/json\r\n%bx-request-id: " % b"".join(_OTHERS)


class Hatch(BoundedProtocol):
    """One connection."""

    _short_way: ShortWay | None = None
    _answered = False
    _defaults: Sequence[tuple[bytes, bytes]] = ()
    _start = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come. Who logs every request, counts them against a limit or serves below a path asks the
        application."""
        super().connection_made(transport)
        logged = self.access_log and self.access_logger.isEnabledFor(logging.INFO)
        if not (logged or self.root_path or self.limit_concurrency):
            self._short_way = self.app_state.get(STATE)

    def on_message_begin(self) -> None:
        """What the parser is about to fill; the scope is made only where the application is asked."""
        self._begin_head()
        self._answered = False
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """Answer here, or hand the request on as uvicorn would have begun it."""
        if self._short_way is not None and self.url.startswith(_ASKED) and self._is_plain():
            headers = dict(self.headers)
            body = self._short_way.find_body(self.url[len(_ASKED) :], headers)
            if body is not None:
                self._end_head()
                self._write(body, headers.get(b"x-request-id"))
                return
        url, headers_so_far, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers_so_far)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The end of a request; what was answered here has no body and nobody who waits for it."""
        if self._answered:
            self._in_body, self._barren_bytes = False, 0
        else:
            super().on_message_complete()

    def _is_plain(self) -> bool:
        """Whether an answer may be written now, and the connection stays open after it."""
        if self._is_last or self.flow.write_paused or (self.cycle is not None and not self.cycle.response_complete):
            return False
        parser = self.parser
        is_get = bool(parser.get_method() == b"GET" and parser.get_http_version() == "1.1")
        return is_get and parser.should_keep_alive() and not parser.should_upgrade() and not self.transport.is_closing()

    def _write(self, body: bytes, sent_id: bytes | None) -> None:
        if self._defaults is not self.server_state.default_headers:  # a new list each second, as the date is in it
            self._defaults = self.server_state.default_headers
            told = b"".join(b"%b: %b\r\n" % header for header in self._defaults)
            self._start = b"HTTP/1.1 200 OK\r\n%b%b" % (told, _LENGTH)
        request_id = make_request_id() if sent_id is None else choose_request_id(sent_id)
        self.transport.write(b"%b%d%b%b\r\n\r\n%b" % (self._start, len(body), _MORE, request_id, body))
        self._answered = True
        self.on_response_complete()
