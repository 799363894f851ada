"""Whatever is sent, the answer is a 4xx that says what is wrong, and the service goes on answering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from gis_api.envelope import Envelope
from gis_api.metrics import Metrics
from gis_api.settings import Settings
from tests.gis_api.conftest import ClientAs
from tests.gis_api.reading.test_access_matrix import EXPECTED, ROUTES
from tests.loops import run_apart

MEGABYTE = 1_000_000
JSON = {"content-type": "application/json"}
# One route of each kind: no body read, a pydantic model, a raw body, a path parameter.
WRITES = [name.partition(" ")[2] for name in EXPECTED if name.startswith("POST") and "{" not in name]


def assert_refused(answer: object, *statuses: int) -> None:
    assert answer.status_code in (statuses or (400, 404, 409, 413, 415, 422, 428)), answer.text  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    told = answer.json()  # type: ignore[attr-defined]
    assert told["status"] == answer.status_code and told["type"] and told["title"] and told["detail"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\x00\x01\x02",
        b"\xff\xfe\xfa",
        b"[]",
        b"null",
        b'"text"',
        b"1e999",
        b'{"a": NaN}',
        b"[" * 200_000,
        b'{"a":' * 20_000,
        b'{"name": "\\u0000", "lon": "x"}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_makes_no_sense_is_refused(client_as: ClientAs, path: str, body: bytes) -> None:
    answer = client_as("admin").post(path, content=body, headers=JSON)
    assert_refused(answer)


@pytest.mark.parametrize("path", WRITES)
def test_a_body_of_another_kind_is_refused(client_as: ClientAs, path: str) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded"):
        answer = client_as("admin").post(path, content=b"<a/>", headers={"content-type": kind})
        assert_refused(answer)


def chunks(size: int) -> Iterator[bytes]:
    """A body whose length is not told beforehand."""
    for _ in range(size // 100_000):
        yield b" " * 100_000


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/v1/session", 2 * MEGABYTE),
        ("/api/v1/users", 2 * MEGABYTE),
        ("/api/v1/locate", 8 * MEGABYTE),
    ],
)
def test_a_body_over_its_limit_is_413_whether_or_not_its_length_was_told(
    client_as: ClientAs, path: str, most: int
) -> None:
    client = client_as("admin")
    told = client.post(path, content=b" " * (most + 1), headers=JSON)
    untold = client.post(path, content=chunks(most + 200_000), headers=JSON)
    lying = client.post(path, content=b" " * (most + 1), headers=JSON | {"content-length": "17"})
    for answer in (told, untold, lying):
        assert_refused(answer, 413)
    assert_refused(client.post(path, content=b" " * most, headers=JSON), 400, 415, 422)


def test_a_body_that_is_too_large_is_taken_in_so_that_its_sender_hears_why() -> None:
    left = [{"type": "http.request", "body": b" " * MEGABYTE, "more_body": True} for _ in range(20)]
    left.append({"type": "http.request", "body": b"", "more_body": False})
    told: list[tuple[Any, int]] = []

    async def receive() -> Any:
        return left.pop(0)

    async def send(message: Any) -> None:
        told.append((message, len(left)))

    async def never(*_: Any) -> None:
        raise AssertionError("a body that is too large goes no further")

    headers = [(b"content-length", b"%d" % (20 * MEGABYTE))]
    scope = {"type": "http", "path": "/api/v1/locate", "method": "POST", "headers": headers}
    envelope = Envelope(never, settings=Settings(), metrics=Metrics(), known=never)
    run_apart(envelope(scope, receive, send))
    assert [(message["type"], rest) for message, rest in told] == [
        ("http.response.start", 21),
        ("http.response.body", 21),
        ("http.response.body", 0),
    ]
    assert told[0][0]["status"] == 413 and not told[-1][0]["more_body"]


def test_a_large_body_of_nobody_known_is_not_read(anybody: TestClient, signed_in: ClientAs) -> None:
    large = b'{"grids":' + b"[" * (3 * MEGABYTE)
    forged = JSON | {"authorization": "Bearer wg_forged", "cookie": "wangge_session=forged"}
    for headers in (JSON, forged, JSON | {"cookie": "wangge_session=forged"}):
        assert_refused(anybody.post("/api/v1/coverage", content=large, headers=headers), 401)
    assert_refused(anybody.post("/api/v1/coverage", content=chunks(3 * MEGABYTE), headers=JSON), 401)
    assert_refused(signed_in("planner").post("/api/v1/coverage", content=large, headers=JSON), 400)


def test_a_body_where_none_is_expected_is_limited_too(client_as: ClientAs) -> None:
    answer = client_as("admin").request("GET", "/api/v1/session", content=b" " * (3 * MEGABYTE))
    assert_refused(answer, 413)


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=999999999999999999999999",
        "limit=x",
        "bbox=1,2,3",
        "bbox=a,b,c,d",
        "bbox=nan,0,1,1",
        "next=%00",
        "next=nonsense",
        "area=%00",
        "area=" + "9" * 5_000,
    ],
)
@pytest.mark.parametrize(
    "path", ["/api/v1/grids", "/api/v1/areas", "/api/v1/workers", "/api/v1/incidents", "/api/v1/plans", "/api/v1/users"]
)
def test_odd_parameters_are_ignored_or_refused(client_as: ClientAs, path: str, query: str) -> None:
    answer = client_as("admin").get(f"{path}?{query}")
    if answer.status_code != 200:
        assert_refused(answer, 404, 422)


@pytest.mark.parametrize("identifier", ["0", "-1", "9" * 30, "abc", "%00", "..%2F..", "é", "1;DROP"])
@pytest.mark.parametrize("path", ["plans", "workers", "incidents"])
def test_an_identifier_that_nobody_gave_is_not_found(client_as: ClientAs, path: str, identifier: str) -> None:
    assert_refused(client_as("admin").get(f"/api/v1/{path}/{identifier}"), 404, 422)


def test_an_unknown_address_and_a_wrong_method_are_problem_documents(anybody: TestClient) -> None:
    assert_refused(anybody.get("/api/v1/nothing"), 404)
    wrong = anybody.put("/api/v1/locate")
    assert_refused(wrong, 405)
    assert "GET" in wrong.headers["allow"]


def test_a_version_is_a_quoted_number_and_nothing_else(client_as: ClientAs) -> None:
    client = client_as("planner")
    address, body = "/api/v1/plans/1/undo", {}
    assert_refused(client.post(address, json=body), 428)
    for version in ("*", "12", 'W/"12"', '"1", "2"', '"-1"', '"x"', '""'):
        assert_refused(client.post(address, json=body, headers={"if-match": version}), 422)


def test_the_documentation_names_every_route_and_every_door(anybody: TestClient) -> None:
    document = anybody.get("/api/v1/openapi.json").json()
    pages = {"/", "/planner", "/heat", "/grid/{code}", "/language", "/api/v1/docs", "/imports", "/plans"}
    pages |= {"/figures", "/centre", "/report", "/standards", "/rosters", "/incidents/{incident_id}"}
    pages |= {"/worker", "/worker.js", "/worker.webmanifest"}
    of_a_plan = ("", "/certificate", "/certificate.pdf", "/diff", "/rebase", "/replay")
    pages |= {f"/plans/{{plan_id}}{part}" for part in of_a_plan}
    described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    # "{name:path}" is how a route takes a name with a slash in it; the document calls the parameter by its name.
    wanted = {name.replace(":path}", "}") for name in ROUTES if name.partition(" ")[2] not in pages}
    assert described == wanted
    assert document["openapi"].startswith("3.")


def test_answers_may_not_be_guessed_or_kept(client_as: ClientAs, anybody: TestClient) -> None:
    for answer in (anybody.get("/healthz"), anybody.get("/api/v1/session"), client_as("admin").get("/api/v1/session")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
