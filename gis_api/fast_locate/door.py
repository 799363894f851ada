"""The application, with a short way in for the hot route.

GET /api/v1/locate with a key and a plain `lon`, `lat` and perhaps `datum` is answered here where the hatch asks, unless
it is to be refused; many points at once are answered before FastAPI wakes up. Anything else (a cookie, an error, `at=`,
`accuracy_m=`) goes the long way through FastAPI to the same desk, so the two ways cannot differ in what they say.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute, iter_route_contexts
from orjson import dumps, loads
from starlette.types import Message, Receive, Scope, Send

from gis_api.api_document import describe
from gis_api.envelope import HEADERS, choose_request_id, make_request_id
from gis_api.errors import Problem
from gis_api.fast_locate.batch import ARROW, LARGE_BYTES, answer_batch
from gis_api.fast_locate.desk import Desk
from gis_api.geojson import convert_to_wgs84
from gis_api.metrics import Metrics
from gis_api.replicas import Replicas
from layers.access import DATUMS, Actor, Role, digest_of
from layers.errors import LayerError
from layers.moments import read_clock

PATH = "/api/v1/locate"
JSON = "application/json"
Messages: TypeAlias = tuple[dict[str, Any], dict[str, Any]]
ROLES = frozenset((Role.dispatcher, Role.planner, Role.leader, Role.worker, Role.admin))
MOST_KEYS = 10_000
TOLD_EVERY_S = 60.0
log = logging.getLogger("wangge.locate")
# The plain form only, which is a number in JSON too, so that the answer can give the position back letter for letter:
# exponents, NaN, digit groups, leading zeros, blanks and other orders are left to the long way.
_NUMBER = rb"(-?(?:0|[1-9][0-9]{0,2})\.[0-9]{1,17})"
_QUERY = re.compile(rb"lon=%b&lat=%b(?:&datum=([a-z0-9]+))?" % (_NUMBER, _NUMBER)).fullmatch
# Parts of messages that are made once. The hatch writes the same ones.
FIXED_HEADERS = ((b"cache-control", b"no-store"), *HEADERS)
_LENGTHS = [(b"content-length", b"%d" % length) for length in range(4_096)]


class Caller(NamedTuple):
    """What the short way needs to know of a key: the area it may ask about, and its datum."""

    area: str
    datum: str | None
    actor: Actor


class Service(FastAPI):
    """FastAPI, asked only where the short way has no answer."""

    short_way: ShortWay

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._document: dict[str, Any] | None = None
        self._told: bytes | None = None
        self._turn = Lock()

    def openapi(self) -> dict[str, Any]:
        """The API document, which says what FastAPI cannot know of doors and errors."""
        if self._document is None:
            contexts = iter_route_contexts(self.routes)
            routes = [one.original_route for one in contexts if isinstance(one.original_route, APIRoute)]
            self._document = describe(super().openapi(), routes)
        return self._document

    def tell_document(self, _: Request) -> Response:
        """The API document as an answer; made once, by one thread."""
        with self._turn:
            if self._told is None:
                self._told = dumps(self.openapi())
        return Response(self._told, media_type=JSON)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            answer, receive = await self.short_way.find_batch(scope, receive)
            if answer is not None:
                await send(answer[0])
                await send(answer[1])
                return
        await super().__call__(scope, receive, send)


class ShortWay:
    """From the bytes of a request to the messages of its answer, without a request object in between."""

    def __init__(self, desk: Desk, replicas: Replicas, metrics: Metrics) -> None:
        self._desk = desk
        self._replicas = replicas
        self._series = metrics.series("GET", PATH, 200)
        self._observe = self._series.observe
        self._batch_series = metrics.series("POST", PATH, 200)
        self._faults = metrics.faults
        self._told_s = -1e9
        self._keys: Mapping[bytes, Actor] = {}
        self._known: dict[bytes, Caller] = {}

    def find_body(self, query: bytes, headers: Mapping[bytes, bytes]) -> bytes | None:
        """The answer itself, counted, from the query and the headers; None where the long way has to be taken."""
        began_s = monotonic()
        caller = self._caller(headers)
        asked = _QUERY(query)
        if caller is None or asked is None or b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        lon_text, lat_text, stated = asked.groups()
        lon, lat = loads(lon_text), loads(lat_text)
        area, datum, _ = caller
        if stated is not None or datum != "wgs84":
            named = datum if stated is None else stated.decode()
            if named not in DATUMS or datum not in (None, named):
                return None
            lon, lat = convert_to_wgs84(lon, lat, named)
            lon_text, lat_text = dumps(lon), dumps(lat)
        try:
            pieces = self._desk.find_quick(lon, lat, area, began_s)
        except Exception:
            self._note_fault("short_way_get", began_s)
            return None
        if pieces is None:
            return None
        head, foot, tail = pieces
        body = b"".join((head, lon_text, b',"lat":', lat_text, foot, tail))
        self._observe(monotonic() - began_s)
        return body

    async def find_batch(self, scope: Scope, receive: Receive) -> tuple[Messages | None, Receive]:
        """The answer to many points, None where the long way has to be taken, and a body that can still be read.

        Whatever is wrong with the body is told by the long way, which reads it again.
        """
        began_s = monotonic()
        headers = dict(scope["headers"])
        caller, kind = self._caller(headers), headers.get(b"content-type", b"").decode("latin-1")
        length = headers.get(b"content-length", b"")
        plain = kind in (JSON, ARROW) and not scope["query_string"] and length.isdigit() and int(length) < LARGE_BYTES
        atlas, now = self._replicas.state.atlas, read_clock()
        if not plain or caller is None or atlas is None or atlas.list_missing(now):
            return None, receive
        body, again = await _read_whole(receive)
        try:
            page = atlas.page(now)
            age = self._replicas.age
            answer = answer_batch(kind, body, None, by=caller.actor, atlas=atlas, page=page, age=age, partial=False)
        except (LayerError, Problem):  # the body is wrong: the long way tells how
            return None, again
        except Exception:
            self._note_fault("short_way_post", began_s)
            return None, again
        self._batch_series.observe(monotonic() - began_s)
        return (
            _head(headers.get(b"x-request-id"), (b"content-type", kind.encode()), len(answer)),
            {"type": "http.response.body", "body": answer},
        ), again

    def _note_fault(self, name: str, now_s: float) -> None:
        """Count a fault that the long way makes good, and log it with its place, once a minute at most."""
        self._faults[name] += 1
        if now_s - self._told_s > TOLD_EVERY_S:
            self._told_s = now_s
            log.exception("%s failed and is made good by the long way (%d so far)", name, self._faults[name])

    def _caller(self, headers: Mapping[bytes, bytes]) -> Caller | None:
        if self._keys is not self._replicas.state.keys:
            self._keys, self._known = self._replicas.state.keys, {}
        key = headers.get(b"authorization", b"")
        return self._known.get(key) or self._recognise(key)

    def _recognise(self, header: bytes) -> Caller | None:
        """Whose key this is, if they may locate; remembered, so that its hash is worked out once."""
        scheme, _, token = header.decode("latin-1").partition(" ")
        actor = self._keys.get(digest_of(token.strip())) if scheme.lower() == "bearer" else None
        if actor is None or actor.role not in ROLES:
            return None
        if len(self._known) >= MOST_KEYS:
            self._known.clear()
        caller = self._known[header] = Caller(actor.area, actor.datum, actor)
        return caller


def _head(sent_id: bytes | None, kind: tuple[bytes, bytes], length: int) -> dict[str, Any]:
    """The first message of an answer."""
    told = [
        kind,
        _LENGTHS[length] if length < len(_LENGTHS) else (b"content-length", b"%d" % length),
        *FIXED_HEADERS,
        (b"x-request-id", make_request_id() if sent_id is None else choose_request_id(sent_id)),
    ]
    return {"type": "http.response.start", "status": 200, "headers": told}


async def _read_whole(receive: Receive) -> tuple[bytes, Receive]:
    """A body whose length was told and is small enough, and a way to read it once more."""
    parts: list[bytes] = []
    last: Message = {"type": "http.request", "body": b"", "more_body": True}
    while last["type"] == "http.request" and last.get("more_body", False):
        last = await receive()
        parts.append(last.get("body", b""))
    body = b"".join(parts)
    # A client that went away is told of again; a whole body is handed out once, then what comes after it.
    waiting = [last if last["type"] != "http.request" else {"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return body, receive_again
