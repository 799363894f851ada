"""The application, with a short way in for the hot route.

GET /api/v1/locate with a key and a plain `lon`, `lat` and perhaps `datum` is answered here, unless it is to be refused.
Anything else (a cookie, an error, `at=`, `accuracy_m=`) goes the long way through FastAPI to the same desk, so the two
ways cannot differ in what they say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from time import monotonic
from typing import Any, NamedTuple

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from gis_api.envelope import new_request_id, sane_id
from gis_api.fast_locate.desk import Desk
from gis_api.geojson import in_wgs84
from gis_api.metrics import Series
from gis_api.replicas import Replicas
from layers.access import DATUMS, Actor, Role, digest_of

PATH = "/api/v1/locate"
ROLES = frozenset((Role.dispatcher, Role.planner, Role.leader, Role.worker, Role.admin))
MOST_KEYS = 10_000
# The plain form only: exponents, NaN, digit groups, blanks and other orders are left to the long way.
_QUERY = re.compile(
    rb"lon=(-?[0-9]{1,3}(?:\.[0-9]{1,30})?)&lat=(-?[0-9]{1,3}(?:\.[0-9]{1,30})?)(?:&datum=([a-z0-9]+))?"
).fullmatch


class Caller(NamedTuple):
    """What the short way needs to know of a key: the area it may ask about, and its datum."""

    area: str
    datum: str | None


class Service(FastAPI):
    """FastAPI, asked only where the short way has no answer."""

    short_way: ShortWay

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "GET":
            answer = self.short_way.find_answer(scope)
            if answer is not None:
                await send(answer[0])
                await send(answer[1])
                return
        await super().__call__(scope, receive, send)


class ShortWay:
    """From the bytes of a request to the messages of its answer, without a request object in between."""

    def __init__(self, desk: Desk, replicas: Replicas, series: Series) -> None:
        self._desk = desk
        self._replicas = replicas
        self._series = series
        self._keys: Mapping[bytes, Actor] = {}
        self._known: dict[bytes, Caller] = {}

    def find_answer(self, scope: Scope) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The two messages of the answer, None where the long way has to be taken."""
        began_s = monotonic()
        headers = dict(scope["headers"])
        if self._keys is not self._replicas.state.keys:
            self._keys, self._known = self._replicas.state.keys, {}
        key = headers.get(b"authorization", b"")
        caller = self._known.get(key) or self._recognised(key)
        asked = _QUERY(scope["query_string"])
        if caller is None or asked is None or b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        lon, lat = float(asked[1]), float(asked[2])
        if asked[3] is not None or caller.datum != "wgs84":
            datum = caller.datum if asked[3] is None else asked[3].decode()
            if datum not in DATUMS or caller.datum not in (None, datum):
                return None
            lon, lat = in_wgs84(lon, lat, datum)
        body = self._desk.find_quick(lon, lat, caller.area, began_s)
        if body is None:
            return None
        sent_id = headers.get(b"x-request-id")
        told = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", new_request_id() if sent_id is None else sane_id(sent_id)),
        ]
        self._series.observe(monotonic() - began_s)
        start = {"type": "http.response.start", "status": 200, "headers": told}
        return start, {"type": "http.response.body", "body": body}

    def _recognised(self, header: bytes) -> Caller | None:
        """Whose key this is, if they may locate; remembered, so that its hash is worked out once."""
        scheme, _, token = header.decode("latin-1").partition(" ")
        actor = self._keys.get(digest_of(token.strip())) if scheme.lower() == "bearer" else None
        if actor is None or actor.role not in ROLES:
            return None
        if len(self._known) >= MOST_KEYS:
            self._known.clear()
        caller = self._known[header] = Caller(actor.area, actor.datum)
        return caller
