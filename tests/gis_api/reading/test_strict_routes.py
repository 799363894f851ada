"""What no door knows is refused in words: parameters, addresses, half characters, numbers without end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from gis_api.large_bodies import LARGE_BYTES
from gis_api.strict_routes import StrictRoute
from tests.gis_api.conftest import ClientAs
from tests.gis_api.reading.test_access_matrix import EXPECTED, ROUTES

JSON = {"content-type": "application/json"}
OF_CONTRACT = sorted(name for name in EXPECTED if ROUTES[name].include_in_schema)
FORMS = ("POST /api/v1/uploads", "POST /api/v1/imports")
WITH_BODY = [name for name in OF_CONTRACT if ROUTES[name].body_field is not None or name in FORMS]
HALF = "half \ud800 a character"


def address(name: str) -> tuple[str, str]:
    method, path = name.split()
    for part in ("{plan_id}", "{assignment_id}", "{incident_id}", "{z}", "{x}", "{y}", "{job_id}", "{upload_id}"):
        path = path.replace(part, "1")
    return method, path.replace("{name:path}", "grids").replace("{name}", "grids").replace("{number}", "W0001")


def test_every_route_of_the_contract_is_strict() -> None:
    assert [name for name in OF_CONTRACT if not isinstance(ROUTES[name], StrictRoute)] == []


@pytest.mark.parametrize("name", OF_CONTRACT)
def test_an_unknown_parameter_is_refused_and_the_known_ones_are_named(client_as: ClientAs, name: str) -> None:
    method, path = address(name)
    answer = client_as("admin").request(
        method, path, params={"no_such": "x", "lang": "en"}, headers={"If-Match": '"1"'}
    )
    told = answer.json()
    assert answer.status_code == 422 and told["type"].endswith(":unknown_parameter"), answer.text
    assert told["errors"][0]["loc"] == ["no_such"] and "lang" in told["known"]
    known = {field.alias for field in ROUTES[name].dependant.query_params}
    assert known <= set(told["known"]) and all(word in told["detail"] for word in known)


@pytest.mark.parametrize("path", ["/api/v1/figures", "/api/v1/incidents", "/api/v1/grids", "/api/v1/workers/nearest"])
def test_a_parameter_may_be_given_once(client_as: ClientAs, path: str) -> None:
    name = "area" if "nearest" not in path else "lon"
    answer = client_as("admin").get(path, params=[(name, "130273"), (name, "130274")])
    assert answer.status_code == 422 and [name] in [error["loc"] for error in answer.json()["errors"]]
    several = client_as("admin").get("/api/v1/incidents", params=[("state", "closed"), ("state", "reported")])
    assert several.status_code == 200


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v2/locate", "/nothing", "/api/v1/plans/1/nothing", "/tiles/x"]
)
def test_an_unknown_address_says_so(client_as: ClientAs, anybody: TestClient, path: str) -> None:
    for client in (client_as("planner"), anybody):
        for method in ("GET", "POST", "DELETE"):
            answer = client.request(method, path)
            told = answer.json()
            assert answer.status_code == 404 and told["type"] == "urn:wangge:problem:unknown_route"
            assert "地址" in told["detail"] and "辖区" not in told["detail"]


def test_a_method_that_an_address_does_not_know_is_405_with_those_that_it_does(client_as: ClientAs) -> None:
    answer = client_as("admin").request("PUT", "/api/v1/figures")
    assert answer.status_code == 405 and answer.headers["allow"] == "GET"


@pytest.mark.parametrize("name", WITH_BODY)
@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"name": HALF}).encode(),
        json.dumps({HALF: 1}).encode(),
        json.dumps({"a": [{"b": {"c": [1, "\udfff"]}}]}).encode(),
        b'{"name": "\xed\xa0\x80"}',
        json.dumps({"name": HALF}).encode("utf-16"),
        json.dumps(HALF).encode(),
    ],
    ids=["value", "name", "deep", "bytes", "utf-16", "alone"],
)
def test_half_a_character_is_refused_at_every_door(client_as: ClientAs, name: str, body: bytes) -> None:
    method, path = address(name)
    headers = {**JSON, "If-Match": '"1"', "Idempotency-Key": "half"}
    answer = client_as("admin").request(method, path, content=body, headers=headers)
    assert answer.status_code == 422, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["errors"]


def test_half_a_character_in_a_large_document_is_named_where_it_stands(client_as: ClientAs) -> None:
    ring = [[118.0 + at * 1e-5, 39.0] for at in range(LARGE_BYTES // 20)]
    feature: dict[str, Any] = {"type": "Feature", "properties": {"code": "\ud83d"}, "geometry": None, "ring": ring}
    body = {"grids": {"type": "FeatureCollection", "features": [feature]}}
    answer = client_as("planner").post("/api/v1/coverage", content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["grids", "features", 0, "properties", "code"]
    whole = json.loads(json.dumps(body).replace("\\ud83d", "\\ud83d\\ude00"))
    answer = client_as("planner").post("/api/v1/coverage", content=json.dumps(whole), headers=JSON)
    assert answer.status_code == 200, answer.text  # a pair of surrogates is one character


def test_half_a_character_in_a_locate_body_is_refused(client_as: ClientAs) -> None:
    answer = client_as("admin").post(
        "/api/v1/locate", content=b'{"datum":"\\ud800","lon":[118.1],"lat":[39.6]}', headers=JSON
    )
    assert answer.status_code in (400, 422) and answer.json()["type"]


@pytest.mark.parametrize("number", ["99999999999999999999", "-99999999999999999999", "9" * 300, "9" * 5_000, "1e400"])
def test_numbers_without_end_are_refused_in_words(client_as: ClientAs, number: str) -> None:
    client = client_as("admin")
    addresses = [
        *(f"/tiles/hazards/{place}.mvt" for place in (f"{number}/1/1", f"14/{number}/1", f"14/13567/{number}")),
        *(f"/api/v1/{kind}/{number}" for kind in ("plans", "incidents", "jobs", "workers")),
        f"/api/v1/plans/{number}/grids",
        f"/api/v1/plans/1/diff?against={number}",
        f"/api/v1/plans/1/events?since={number}",
        f"/api/v1/assignments?after={number}",
        f"/api/v1/history?before={number}",
        f"/api/v1/incidents?limit={number}",
        f"/api/v1/workers/nearest?lon=118.1&lat=39.6&limit={number}",
        f"/api/v1/locate?lon={number}&lat=39.6",
        f"/api/v1/locate?lon=118.1&lat=39.6&accuracy_m={number}",
        f"/api/v1/search?q=x&plan={number}",
        f"/api/v1/plans?after={number}",
    ]
    for path in addresses:
        answer = client.get(path)
        assert answer.status_code in (404, 422), (path, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
    for body in (f'{{"lon": {number}, "lat": 39.6, "category": "other"}}', f'{{"lon": 118.1, "lat": [{number}]}}'):
        answer = client.post("/api/v1/incidents?dry_run=true", content=body, headers=JSON)
        assert answer.status_code in (400, 422), answer.text
