"""One listener: events that wait for it, and the answer that carries them out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gis_api.live.telling import BEAT, RETRY
from layers.access import Actor

log = logging.getLogger("wangge.live")
# A listener that lets so many events, or so much, lie is dropped; it comes back and is told what it missed.
MOST_WAITING = 64
MOST_BYTES = 4_000_000
BEAT_S = 10.0
# Longer than this nobody waits for a listener to take in one event.
SLOWEST_S = 10.0
HEADERS = {
    "Cache-Control": "no-store",
    # nginx would hold events back until its buffer is full.
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True)
class Visitor:
    """Who listens in which window; `ask_again` says who that is now (None: nobody any more) and may block."""

    actor: Actor
    tab: str
    ask_again: Callable[[], Actor | None]

    @property
    def name(self) -> str:
        """The person or the key, as one word for counting."""
        return f"{self.actor.kind}:{self.actor.name}"


class Stream:
    """The events that wait for one listener; lives in the event loop."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.ended_for: str | None = None
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING + 1)
        self._bytes = 0

    def put(self, events: bytes) -> None:
        """Let events wait for the listener; one who does not keep up is dropped."""
        if self.ended_for is not None or not events:
            return
        # One that waits for nothing takes any: what is large is told in one piece.
        too_much = self._bytes > 0 and self._bytes + len(events) > MOST_BYTES
        if too_much or self._waiting.qsize() >= MOST_WAITING:
            self.end("slow")
            return
        self._bytes += len(events)
        self._waiting.put_nowait(events)

    def end(self, reason: str) -> None:
        """No more events after those that wait; of a slow listener even those are dropped."""
        if self.ended_for is not None:
            return
        self.ended_for = reason
        while reason == "slow" and not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes to send, with a comment now and then where nothing happens, until the end."""
        yield RETRY
        while True:
            try:
                events = await asyncio.wait_for(self._waiting.get(), BEAT_S)
            except TimeoutError:
                events = BEAT
            if events is None:
                return
            # Counted until it is sent: the next one is asked for when the listener has taken this one in.
            yield events
            self._bytes = max(0, self._bytes - len(events)) if events is not BEAT else self._bytes


class EventStream(Response):
    """The answer that goes on as long as the listener stays and the hub lets it."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, leave: Callable[[Stream], None]) -> None:
        super().__init__(headers=HEADERS)
        # There is no length to tell, and a length of 0 would end it at once.
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        self._stream = stream
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the events; whoever goes away, or does not take them in, is forgotten."""
        watching = asyncio.create_task(self._watch(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for chunk in self._stream.chunks():
                await asyncio.wait_for(self._send_part(send, chunk), SLOWEST_S)
            await asyncio.wait_for(self._send_part(send, b"", more=False), SLOWEST_S)
        except (TimeoutError, OSError):
            log.info("the listener %s went away or was too slow", self._stream.visitor.name)
        finally:
            watching.cancel()
            self._leave(self._stream)

    async def _send_part(self, send: Send, body: bytes, *, more: bool = True) -> None:
        await send({"type": "http.response.body", "body": body, "more_body": more})

    async def _watch(self, receive: Receive) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while (await receive())["type"] != "http.disconnect":
                continue
            self._stream.end("gone")
