"""The application, with a short way in for the hot route.

GET /api/v1/locate with a key and a plain `lon`, `lat` and perhaps `datum` is answered here, unless it is to be refused.
Anything else (a cookie, an error, `at=`, `accuracy_m=`) goes the long way through FastAPI to the same desk, so the two
ways cannot differ in what they say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from gis_api.envelope import new_request_id, sane_id
from gis_api.fast_locate.desk import Desk
from gis_api.geojson import in_wgs84
from gis_api.metrics import Series
from gis_api.replicas import Replicas
from layers.access import Actor, Role, digest_of

PATH = "/api/v1/locate"
ROLES = frozenset((Role.dispatcher, Role.planner, Role.leader, Role.worker, Role.admin))
MOST_KEYS = 10_000
_STATED = {f"datum={datum}".encode(): datum for datum in ("wgs84", "cgcs2000", "gcj02", "bd09")}


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
        self._known: dict[bytes, Actor] = {}

    def find_answer(self, scope: Scope) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The two messages of the answer, None where the long way has to be taken."""
        began_s = time.monotonic()
        if self._keys is not self._replicas.state.keys:
            self._keys, self._known = self._replicas.state.keys, {}
        actor, request_id = None, None
        for name, value in scope["headers"]:
            if name == b"authorization":
                actor = self._known.get(value) or self._recognised(value)
            elif name == b"x-request-id":
                request_id = sane_id(value)
            elif name in (b"content-length", b"transfer-encoding"):
                return None
        if actor is None:
            return None
        point = _point_of(scope["query_string"], actor.datum)
        body = self._desk.find_quick(*point, actor.area, began_s) if point is not None else None
        if body is None:
            return None
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            (b"x-request-id", request_id or new_request_id()),
        ]
        self._series.observe(time.monotonic() - began_s)
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        return start, {"type": "http.response.body", "body": body}

    def _recognised(self, header: bytes) -> Actor | None:
        """Whose key this is, if they may locate; remembered, so that its hash is worked out once."""
        scheme, _, token = header.decode("latin-1").partition(" ")
        actor = self._keys.get(digest_of(token.strip())) if scheme.lower() == "bearer" else None
        actor = actor if actor is not None and actor.role in ROLES else None
        if len(self._known) >= MOST_KEYS:
            self._known.clear()
        if actor is not None:
            self._known[header] = actor
        return actor


def _point_of(query: bytes, key_datum: str | None) -> tuple[float, float] | None:
    """The WGS84 point of a plain query `lon=…&lat=…[&datum=…]`; None for any other, which the long way judges."""
    parts = query.split(b"&")
    if len(parts) < 2 or len(parts) > 3 or parts[0][:4] != b"lon=" or parts[1][:4] != b"lat=" or b"_" in query:
        return None
    datum = key_datum
    if len(parts) == 3:
        datum = _STATED.get(parts[2])
        if key_datum is not None and datum != key_datum:
            return None
    if datum is None:
        return None
    try:
        lon, lat = float(parts[0][4:]), float(parts[1][4:])
    except ValueError:
        return None
    return in_wgs84(lon, lat, datum)
