"""The rooms of this process: one for each plan that somebody looks at, and all who listen there.

A room knows the version up to which its listeners have been told. It is woken by NOTIFY or by the poll, reads once what
happened since, however many listen, and tells them all. Everything here lives in the event loop; only reads of the
database are done in threads.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from sqlalchemy import Engine

from gis_api.live.broadcast import Broadcast, Crowd
from gis_api.live.presence import MOST_PER_MESSAGE, REPEATED_EVERY_S, Presence, limit_to_area
from gis_api.live.stream import Stream, Visitor
from gis_api.live.telling import events_of, hello, render_event
from layers.access import Actor, Role
from layers.chronicle import announce
from layers.db import read_one_moment, transaction
from layers.planning import News, list_standings, news_since, read_news
from layers.plans import get_plan, reaches

# A wake-up that got lost is made good after this.
POLL_S = 1.0
# People move about quickly; the list of who is here goes out this often at most.
HERE_PAUSE_S = 0.2
ROLES = frozenset((Role.planner, Role.admin))


class Room:
    """One plan, its listeners, and how far they have been told."""

    def __init__(self, news: News) -> None:
        self.plan_id, self.district = news.plan_id, news.district
        self.version, self.state = news.version, news.state
        self.streams: set[Stream] = set()
        self.turn = asyncio.Lock()
        self.here_is_due = False

    def tell(self, news: News) -> None:
        """Bring everybody who listens to the version of the news."""
        by_area: dict[str, bytes] = {}
        for stream in list(self.streams):
            area = stream.visitor.actor.area
            if area not in by_area:
                by_area[area] = events_of(news.limit_to_area(area), state_before=self.state)
            stream.put(by_area[area])
        self.version, self.state = news.version, news.state


class Hub(Broadcast):
    """All rooms of this process, from `start` to `stop`."""

    def __init__(self, engine: Engine, crowd: Crowd) -> None:
        super().__init__(engine, crowd)
        self._rooms: dict[int, Room] = {}
        self._room_of: dict[Stream, Room] = {}
        self._presence = Presence()

    def list_streams(self) -> list[Stream]:
        """Everybody who looks at a plan."""
        return list(self._room_of)

    def may_hear(self, actor: Actor, stream: Stream) -> bool:
        """Whether this actor may still look on while the plan is drawn."""
        room = self._room_of.get(stream)
        return room is not None and actor.role in ROLES and reaches(actor, room.district)

    def list_works(self) -> Iterable[Coroutine[Any, Any, None]]:
        """The poll of versions, and the word about who is here."""
        return self._poll(), self._repeat()

    async def join(self, visitor: Visitor, plan_id: int, *, since: int | None) -> Stream:
        """The stream of a new listener, who is first told what was missed since a version.

        Raises NotFound, Problem 429 for one window too many, Unavailable while the server stops.
        """
        stream = self.admit(visitor)
        try:
            room = await self._enter(stream, plan_id, since)
        except BaseException:
            self.crowd.leave(stream)
            raise
        self._say(plan_id, here=[_window(stream)])
        self._show_here(room)
        return stream

    async def _enter(self, stream: Stream, plan_id: int, since: int | None) -> Room:
        actor = stream.visitor.actor
        news = await asyncio.to_thread(self._read_for, actor, plan_id, since)
        room = self._rooms.setdefault(plan_id, Room(news))
        # In the room's turn, so that nothing is told to the others between the reading and the joining.
        async with room.turn:
            if room.version > news.version:
                news = await asyncio.to_thread(self._read_for, actor, plan_id, since)
            self._rooms[plan_id] = self._room_of[stream] = room
            room.streams.add(stream)
            stream.put(hello(news) + events_of(news, state_before=None))
        return room

    def leave(self, stream: Stream) -> None:
        """Forget a listener; an empty room is closed."""
        self.crowd.leave(stream)
        room = self._room_of.pop(stream, None)
        if room is None:
            return
        room.streams.discard(stream)
        if not room.streams:
            del self._rooms[room.plan_id]
        if all(_window(other) != _window(stream) for other in room.streams):
            self._say(room.plan_id, gone=_window(stream))

    def hear(self, message: str) -> None:
        """Take in what another process, or this one, told over NOTIFY; may be called from any thread."""
        if self.loop is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._take_in, message)

    def _take_in(self, message: str) -> None:
        told = json.loads(message)
        plan_id = int(told["plan"])
        room = self._rooms.get(plan_id)
        if "version" in told and room is not None and told["version"] > room.version:
            self.do(self.attempt(self._refresh(room, up_to=told["version"])))
        if self._hear_people(plan_id, told) and room is not None:
            self._show_here(room)

    def _hear_people(self, plan_id: int, told: Mapping[str, Any]) -> bool:
        if "here" in told:
            return self._presence.hear_of(plan_id, told["here"])
        if "doing" in told:
            return self._presence.hear_doing(plan_id, told["person"], told["tab"], told["doing"])
        return "gone" in told and self._presence.hear_gone(plan_id, told["gone"]["person"], told["gone"]["tab"])

    # Edits

    def _read_for(self, by: Actor, plan_id: int, since: int | None) -> News:
        """What somebody missed since a version (None: nothing that matters to them)."""
        with read_one_moment(self.engine) as session:
            plan = get_plan(session, plan_id, by=by)
            return news_since(session, plan_id, plan.version if since is None else since, by=by)

    def _read(self, plan_id: int, since: int) -> News:
        with read_one_moment(self.engine) as session:
            return read_news(session, plan_id, since)

    async def _refresh(self, room: Room, *, up_to: int | None = None) -> None:
        async with room.turn:
            if up_to is not None and room.version >= up_to:
                return  # several edits at once were told at once
            news = await asyncio.to_thread(self._read, room.plan_id, room.version)
            if (news.version, news.state) != (room.version, room.state):
                room.tell(news)

    async def _poll(self) -> None:
        while not self.closing:
            await asyncio.sleep(POLL_S)
            if self._rooms:
                await self.attempt(self._poll_once())

    async def _poll_once(self) -> None:
        standings = await asyncio.to_thread(self._standings, list(self._rooms))
        for plan_id, standing in standings.items():
            room = self._rooms.get(plan_id)
            if room is not None and (standing.version, standing.state) != (room.version, room.state):
                await self._refresh(room)

    def _standings(self, plan_ids: list[int]) -> Mapping[int, Any]:
        with transaction(self.engine) as session:
            return list_standings(session, plan_ids)

    # People

    async def _repeat(self) -> None:
        while not self.closing:
            await asyncio.sleep(REPEATED_EVERY_S)
            for plan_id, room in list(self._rooms.items()):
                doing = {(one["person"], one["tab"]): one for one in self._presence.list_people(plan_id)}
                windows = {key: doing.get(key, window) for key, window in map(_describe_window, room.streams)}
                for part in _portions(list(windows.values()), MOST_PER_MESSAGE):
                    self._say(plan_id, here=part)
            for plan_id in self._presence.forget_old() & self._rooms.keys():
                self._show_here(self._rooms[plan_id])

    def _say(self, plan_id: int, **told: Any) -> None:
        """Take a message in here at once, and tell it to the other processes."""
        message = {"plan": plan_id, **told}
        self._take_in(json.dumps(message))
        if not self.closing:
            self.do(self.attempt(asyncio.to_thread(self._announce, message)))

    def _announce(self, message: Mapping[str, Any]) -> None:
        with transaction(self.engine) as session:
            announce(session, message)

    def _show_here(self, room: Room) -> None:
        """Tell a room who is here, soon: several changes at once are told together."""
        if room.here_is_due or self.loop is None:
            return
        room.here_is_due = True
        self.loop.call_later(HERE_PAUSE_S, self._show_here_now, room)

    def _show_here_now(self, room: Room) -> None:
        room.here_is_due = False
        people = self._presence.list_people(room.plan_id)
        for stream in list(room.streams):
            area = stream.visitor.actor.area
            stream.put(
                render_event("here", {"people": [limit_to_area(area, one, district=room.district) for one in people]})
            )


def _window(stream: Stream) -> dict[str, str]:
    return {"person": stream.visitor.actor.name, "tab": stream.visitor.tab}


def _describe_window(stream: Stream) -> tuple[tuple[str, str], dict[str, Any]]:
    window = _window(stream)
    return (window["person"], window["tab"]), {**window}


def _portions(items: list[Any], size: int) -> Iterable[list[Any]]:
    return (items[start : start + size] for start in range(0, len(items), size))
