"""What all streams of events have in common: who is let in, looking again at their rights, the end, and a loop that
outlives a database that is away."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import exc as sql

from gis_api.errors import Problem
from gis_api.live.stream import Stream, Visitor
from gis_api.live.telling import render_event
from layers.access import Actor
from layers.errors import Unavailable

log = logging.getLogger("wangge.live")
# How long somebody who signed out, or lost the role, may go on listening.
CHECK_EVERY_S = 5.0
# A browser opens six connections to one host, and each window's stream holds one of them.
MOST_PER_PERSON = 4
MOST_STREAMS = 1_000
AWAY = (sql.OperationalError, sql.InterfaceError, sql.TimeoutError)


class Crowd:
    """Everybody who listens to anything in this process: so many streams a person or key, so many in all."""

    def __init__(self) -> None:
        self._streams: set[Stream] = set()

    def __len__(self) -> int:
        return len(self._streams)

    def admit(self, visitor: Visitor) -> Stream:
        """The stream of a new listener; raises Problem 429 for one too many."""
        own = sum(stream.visitor.name == visitor.name for stream in self._streams)
        if own >= MOST_PER_PERSON or len(self._streams) >= MOST_STREAMS:
            raise Problem(429, "too_many_streams", headers={"Retry-After": "5"}, most=MOST_PER_PERSON)
        stream = Stream(visitor)
        self._streams.add(stream)
        return stream

    def leave(self, stream: Stream) -> None:
        """Forget a listener."""
        self._streams.discard(stream)


class Broadcast(ABC):
    """Streams of one kind, from `start` to `stop`; everything but reads of the database is done in the event loop."""

    def __init__(self, engine: Engine, crowd: Crowd) -> None:
        self.engine, self.crowd = engine, crowd
        self.loop: asyncio.AbstractEventLoop | None = None
        self.closing = False
        self._working: set[asyncio.Task[None]] = set()

    # What each kind says of itself

    @abstractmethod
    def list_streams(self) -> list[Stream]:
        """Everybody who listens here."""

    @abstractmethod
    def may_hear(self, actor: Actor, stream: Stream) -> bool:
        """Whether this actor may still listen to what the stream tells."""

    @abstractmethod
    def list_works(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What runs in the background from start to stop."""

    # Start and end

    def start(self) -> None:
        """Begin; called in the event loop that answers requests."""
        self.loop, self.closing = asyncio.get_running_loop(), False
        for work in (*self.list_works(), self._check()):
            self.do(work)

    def close(self) -> None:
        """End all streams and let nobody in any more; may be called from any thread, and from a signal."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._close)

    async def stop(self) -> None:
        """Close, and end what runs in the background."""
        self._close()
        for task in list(self._working):
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    @property
    def streams(self) -> int:
        """How many listen."""
        return len(self.list_streams())

    def admit(self, visitor: Visitor) -> Stream:
        """The stream of a new listener; raises Problem 429 for one too many, Unavailable while the server stops."""
        if self.closing or self.loop is None:
            raise Unavailable("not_ready", retry_after_s=1)
        return self.crowd.admit(visitor)

    def _close(self) -> None:
        self.closing = True
        for stream in self.list_streams():
            stream.end("the server stops")

    # Rights

    async def _check(self) -> None:
        while not self.closing:
            await asyncio.sleep(CHECK_EVERY_S)
            for stream in self.list_streams():
                await self.attempt(self._check_one(stream))

    async def _check_one(self, stream: Stream) -> None:
        actor = await asyncio.to_thread(_reread_actor, stream.visitor)
        if actor is None or not self.may_hear(actor, stream):
            stream.put(render_event("over", {"reason": "signed_out" if actor is None else "wrong_role"}))
            stream.end("no right any more")
        elif (actor.area, actor.role) != (stream.visitor.actor.area, stream.visitor.actor.role):
            stream.end("another area")  # it comes back with the new one

    # The database and the background

    async def attempt(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether something went well that may find the database away: then it is done again soon anyway."""
        try:
            await work
        except AWAY:
            log.debug("PostgreSQL does not answer; listeners wait")
        except Exception:
            log.exception("a listener could not be told")
        else:
            return True
        return False

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Begin something in the background, and hold on to it: a task that nobody holds may be collected."""
        task = asyncio.ensure_future(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)


def _reread_actor(visitor: Visitor) -> Actor | None:
    """Who the listener is now; while nobody can be asked, who it was."""
    try:
        return visitor.ask_again()
    except Problem:
        return visitor.actor
