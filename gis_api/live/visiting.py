"""Who listens to a stream, and how to ask again who that is: a stream outlives the request that opened it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import Request

from gis_api.auth import COOKIE, People, bearer_of
from gis_api.dependencies import replicas_of
from gis_api.live.stream import Visitor
from layers.access import Actor, digest_of


def visitor_of(request: Request, by: Actor, *, tab: str = "one") -> Visitor:
    """The listener behind a request, in one of their windows."""
    return Visitor(by, tab, _make_asker(request))


def _make_asker(request: Request) -> Callable[[], Actor | None]:
    """How to ask again: the key from memory, the session from memory or the database."""
    token = bearer_of(request.headers)
    if token is not None:
        replicas, digest = replicas_of(request), digest_of(token)
        return lambda: replicas.keys.get(digest)
    people: People = request.app.state.people
    return partial(_person, people, request.cookies.get(COOKIE, ""))


def _person(people: People, token: str) -> Actor | None:
    return people.find_remembered(token) or people.find(token)
