"""What happens in a city, as it happens: incidents, positions and publications of each listener's area ([L7], [D12]).

Everybody who listens here stands at one mark (`layers.outbox.news`). Woken by NOTIFY, at the latest after a second, the
feed reads once what came after it, tells each what lies in their area and matters to their role, and moves the mark.
Whoever comes back is first told, in the same turn and from the same moment of the database, what came after their own
mark: so nothing is lost and nothing told twice, whichever process they come back to.

While nobody listens nothing is read. While PostgreSQL is away the streams stay and are told so; the mark waits.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from gis_api.live.broadcast import Broadcast, Crowd
from gis_api.live.city_telling import Audience, render
from gis_api.live.stream import Stream, Visitor
from gis_api.live.telling import render_event
from layers import outbox
from layers.access import Actor, Role
from layers.db import read_one_moment, transaction
from layers.outbox import Bookmark, CityNews

# A wake-up that got lost is made good after this; people who move are told so often.
POLL_S = 1.0
# However much happens, it is read so often at most: fifty reports a second are told in ten pieces.
PAUSE_S = 0.1
# So many events are held at a time, however much somebody missed.
MOST_AT_ONCE = 1_000
PUBLICATION = frozenset(("publication",))
# Which events each role is told of: those of what it may read anyway.
HEARS: Mapping[str, frozenset[str]] = {
    Role.dispatcher: PUBLICATION | {"incident", "positions", "check_in"},
    Role.admin: PUBLICATION | {"incident", "positions", "check_in"},
    Role.auditor: PUBLICATION | {"incident"},
    Role.planner: PUBLICATION,
    Role.leader: PUBLICATION | {"check_in"},
}


class Feed(Broadcast):
    """All who listen to the city in this process, from `start` to `stop`.

    `find_grids` tells by staff number where each worker serves, as this process knows it.
    """

    def __init__(
        self,
        engine: Engine,
        crowd: Crowd,
        *,
        clock: Callable[[], datetime],
        find_grids: Callable[[], Mapping[str, str]],
    ) -> None:
        super().__init__(engine, crowd)
        self._clock, self._find_grids = clock, find_grids
        self._streams: set[Stream] = set()
        self._mark: Bookmark | None = None
        self._turn = asyncio.Lock()
        self._woken = asyncio.Event()
        self._stale = False

    def list_streams(self) -> list[Stream]:
        """Everybody who listens to the city."""
        return list(self._streams)

    def may_hear(self, actor: Actor, stream: Stream) -> bool:  # noqa: ARG002 - what is told follows the actor
        """Whether there is anything that this actor is told of."""
        return actor.role in HEARS

    def list_works(self) -> Iterable[Coroutine[Any, Any, None]]:
        """The look at what has come, when woken and now and then."""
        return (self._follow(),)

    async def join(self, visitor: Visitor, *, since: str | None) -> Stream:
        """The stream of a new listener, who is first told what came after a mark (None: nothing).

        A mark that is none, or from which the way is lost, is answered by `reload`. Where more was missed than fits
        into one piece, the stream ends after it, and the listener comes back with the mark that it ended with. Raises
        Problem 429 for one stream too many, Unavailable while the server stops.
        """
        stream = self.admit(visitor)
        try:
            async with self._turn:
                await self._welcome(stream, since)
        except BaseException:
            self.leave(stream)
            raise
        return stream

    def leave(self, stream: Stream) -> None:
        """Forget a listener."""
        self.crowd.leave(stream)
        self._streams.discard(stream)

    def hear(self, _message: str) -> None:
        """Look soon: something has happened; may be called from any thread."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._woken.set)

    async def _welcome(self, stream: Stream, since: str | None) -> None:
        """Tell a listener what they missed, and let them stand where all others do; in the turn of the feed."""
        actor = stream.visitor.actor
        missed = await self._catch_up(actor.area, outbox.parse_mark(since) if since is not None else None)
        if missed is None:
            stream.put(render_event("reload" if since is not None else "hello", {}, version=self._mark))
        else:
            events = await asyncio.to_thread(self._render, missed, _audience_of(actor))
            stream.put(render_event("hello", {}, version=missed.since) + events)
        if missed is None or missed.whole:
            self._streams.add(stream)
        else:
            stream.end("more is to come")

    async def _catch_up(self, area: str = "", asked: Bookmark | None = None) -> CityNews | None:
        """Bring everybody to the present, and return what came in an area after a mark until that same moment; None
        where none was asked or the way from it is lost."""
        while True:
            news, missed = await asyncio.to_thread(self._read, area, asked)
            await self._tell(news)
            if news.whole:
                return missed

    def _read(self, area: str, asked: Bookmark | None) -> tuple[CityNews, CityNews | None]:
        with transaction(self.engine) as session:
            # The job process numbers events too, but half a second later.
            outbox.spread(session)
        with read_one_moment(self.engine) as session:
            now = self._clock()
            here = self._mark or outbox.read_mark(session)
            news = outbox.read_news(session, here, area="", now=now, most=MOST_AT_ONCE)
            if asked is None or not news.whole or not outbox.is_known(session, asked):
                return news, None
            return news, outbox.read_news(session, asked, area=area, now=now, most=MOST_AT_ONCE)

    async def _tell(self, news: CityNews) -> None:
        """Tell everybody; rendered once for all of the same role and area, beside the loop that answers requests."""
        told: dict[Audience, bytes] = {}
        if news.events or news.fixes:
            for audience in {_audience_of(stream.visitor.actor) for stream in self._streams}:
                told[audience] = await asyncio.to_thread(self._render, news, audience)
        # In one go: whatever fails before this is read and told again, and nothing after it can fail.
        for stream in self.list_streams():
            stream.put(told.get(_audience_of(stream.visitor.actor), b""))
        self._mark = news.mark

    def _render(self, news: CityNews, audience: Audience) -> bytes:
        return render(news, audience, self._find_grids() if news.fixes else {})

    async def _follow(self) -> None:
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), POLL_S)
            self._woken.clear()
            self._say_stale(not await self.attempt(self._look()))
            await asyncio.sleep(PAUSE_S)

    async def _look(self) -> None:
        async with self._turn:
            if self._streams:
                await self._catch_up()
            else:
                self._mark = None  # whoever comes next begins at the present

    def _say_stale(self, stale: bool) -> None:
        """Tell everybody that nothing can be told at the moment, and that it can again: once each."""
        if stale != self._stale:
            self._stale = stale
            for stream in self.list_streams():
                stream.put(render_event("stale", {"stale": stale}))


def _audience_of(actor: Actor) -> Audience:
    return Audience(actor.area, HEARS[actor.role])
