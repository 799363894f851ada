"""Every route under garbage: the answer is a problem document below 500, and the service goes on answering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.settings import Settings
from layers.db import make_engine
from migrations.cluster import Cluster
from tests.databases import passing_database
from tests.gis_api.conftest import AREA, Prepared, client_of_key
from tests.gis_api.contract import TruthfulClient
from tests.gis_api.reading.test_access_matrix import ENDLESS, routes

PATH_WORDS = ("x", "0", "-1", "9" * 30, "%00", "%2e%2e%2f", "%F0%9F%92%A9", "a" * 3_000, "1%27%20OR%201=1--")
QUERY_WORDS = ("", "x", "nan", "1e999", "-1", "9" * 30, "\x00", "💩", "0,0,0", "2026-13-01", "' OR 1=1 --", "a" * 3_000)
DEEP = "[" * 100_000 + "]" * 100_000
NESTED = '{"type":"GeometryCollection","geometries":[' * 2_000 + "]}" * 2_000
BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b"0",
    b'"\\ud800"',
    b"\xff\xfe\x00",
    b'{"lon": NaN, "lat": 1e999}',
    b'{"a": {"a": {"a": null}}}',
    DEEP.encode(),
    NESTED.encode(),
    b'{"grids": ' + NESTED.encode() + b"}",
)
# What a body is filled with, member by member, where the OpenAPI document names its members.
VALUES: tuple[Any, ...] = (None, True, -1, 1e308, "", "\x00", "💩" * 50, [], {}, [[[[[]]]]], {"type": "Point"})


def cases() -> list[Any]:
    """Every route, but streams, which do not end: what those refuse stands in tests of their own."""
    found = {(method, route.path) for route in routes() for method in route.methods}
    found -= {tuple(name.split(" ")) for name in (*ENDLESS, "GET /api/v1/plans/{plan_id}/live")}
    return [pytest.param(method, path, id=f"{method} {path}") for method, path in sorted(found)]


@pytest.fixture(scope="module")
def client(cluster: Cluster, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """An administrator of one service, which has to outlive all of it."""
    with passing_database(cluster, prepared.url) as url:
        app = create_app(Settings(database_url=url, var=tmp_path_factory.mktemp("var")))
        engine = make_engine(url)
        with TruthfulClient(app, raise_server_exceptions=False) as anybody:
            yield client_of_key(app, anybody, engine, role="admin", area=AREA, datum="wgs84")
        engine.dispose()


def assert_refused_or_answered(answer: Any, sent: object) -> None:
    shown = repr(sent)[:200]
    assert answer.status_code < 500 or answer.status_code == 503, (answer.status_code, shown, answer.text[:500])
    if answer.status_code >= 400 and "text/html" not in answer.headers.get("content-type", ""):
        assert answer.headers["content-type"].startswith("application/problem+json"), shown
        assert {"type", "title", "status", "detail"} <= set(answer.json()), shown


def filled(path: str, word: str) -> str:
    while "{" in path:
        path = path[: path.index("{")] + word + path[path.index("}") + 1 :]
    return path


def headers(method: str) -> dict[str, str]:
    if method in {"GET", "HEAD"}:
        return {}
    return {"content-type": "application/json", "if-match": '"1"', "idempotency-key": "hostile"}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), cases())
def test_a_route_survives_garbage(client: TestClient, method: str, path: str) -> None:
    assert isinstance(client.app, FastAPI)
    for address, body in requests(client.app, method, path):
        answer = client.request(method, address, content=body, headers=headers(method), follow_redirects=False)
        assert_refused_or_answered(answer, (method, address[:200], (body or b"")[:200]))


def resolved(app: FastAPI, told: dict[str, Any]) -> dict[str, Any]:
    """A parameter of the document, also where it stands among those that all routes share."""
    name = told.get("$ref", "").rpartition("/")[2]
    return app.openapi()["components"]["parameters"][name] if name else told


def requests(app: FastAPI, method: str, path: str) -> Iterator[tuple[str, bytes | None]]:
    """Garbage in the path, in every declared query parameter, and in the body."""
    from urllib.parse import quote

    import orjson

    for word in PATH_WORDS if "{" in path else ():
        yield filled(path, word), None
    described = app.openapi()["paths"].get(path, {}).get(method.lower(), {})
    for told in described.get("parameters", ()):
        parameter = resolved(app, told)
        if parameter["in"] == "query":
            for word in QUERY_WORDS:
                yield f"{filled(path, '1')}?{parameter['name']}={quote(word)}", None
    if method in {"POST", "PATCH", "PUT"}:
        for body in BODIES:
            yield filled(path, "1"), body
        for value in VALUES:
            for name in members(app, described):
                yield filled(path, "1"), orjson.dumps({name: value})


def members(app: FastAPI, described: dict[str, Any]) -> list[str]:
    schema = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rsplit("/", 1)[-1]
    return list(app.openapi()["components"]["schemas"].get(name, {}).get("properties", {}))
