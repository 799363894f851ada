"""Every time at every door is RFC 3339 with an offset, between 1970 and 2100 ([C6])."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.gis_api.conftest import ClientAs
from tests.small_city import SmallCity

ROUTES_FOLDER = Path(__file__).parents[3] / "gis_api" / "routes"
WRONG = {
    "20261129": "not_a_moment",
    "0": "not_a_moment",
    "1764425400000": "not_a_moment",
    "2026-11-29": "not_a_moment",
    "2026-11-29T22:00:00": "offset_missing",
    "0001-01-01T00:00:00Z": "moment_out_of_bounds",
    "9999-12-31T23:59:59Z": "moment_out_of_bounds",
    "9999-12-31T23:59:59-23:59": "moment_out_of_bounds",
    "1969-12-31T23:59:59Z": "moment_out_of_bounds",
    "2101-01-01T00:00:00Z": "moment_out_of_bounds",
}
# What a route needs besides its times.
NEEDED: dict[str, dict[str, Any]] = {
    "/api/v1/locate": {"lon": 118.1, "lat": 39.6},
    "/api/v1/workers/nearest": {"lon": 118.1, "lat": 39.6},
}


def moments_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Path and name of every time in a query, read off the API document."""
    return [
        (path, parameter["name"])
        for path, methods in document["paths"].items()
        for parameter in methods.get("get", {}).get("parameters", [])
        if "name" in parameter and ("'date-time'" in str(parameter["schema"]) or parameter["name"] == "changed_since")
    ]


def test_every_time_of_a_query_is_refused_where_it_is_none(anybody: TestClient, client_as: ClientAs) -> None:
    asked = moments_of(anybody.get("/api/v1/openapi.json").json())
    assert {name for _, name in asked} >= {"at", "since", "until", "changed_since"} and len(asked) >= 10
    client = client_as("admin")
    for path, name in asked:
        for text, code in WRONG.items():
            answer = client.get(path, params={**NEEDED.get(path, {}), name: text})
            told = answer.json()
            assert answer.status_code == 422, (path, name, text, answer.text)
            assert told["type"] == f"urn:wangge:problem:{code}" and told["errors"][0]["loc"] == [name]
            assert told["errors"][0]["msg"] == told["detail"] != code


def test_a_time_that_is_one_is_taken_at_every_door(
    anybody: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    client = client_as("admin")
    now = datetime.now(UTC).replace(microsecond=0)
    china = (now + timedelta(hours=8 + 1)).isoformat().replace("+00:00", "+08:00")
    for path, name in moments_of(anybody.get("/api/v1/openapi.json").json()):
        early = (now - timedelta(days=1)).isoformat() if name == "since" else china
        for query in (f"{name}={early.replace('+', '%2B')}", f"{name}={early}"):
            place = small_city.inside(small_city.codes[0])
            needed = f"lon={place[0]}&lat={place[1]}&" if path in NEEDED else ""
            answer = client.get(f"{path}?{needed}{query}")
            assert answer.status_code == 200, (path, query, answer.text)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "20261129", "0", "2026-02-30", "1969-12-31", "2101-01-01"])
def test_a_day_that_is_none_is_refused(client_as: ClientAs, day: str) -> None:
    answer = client_as("admin").get("/api/v1/shifts", params={"day": day})
    assert answer.status_code == 422 and answer.json()["errors"][0]["loc"] == ["day"], answer.text


@pytest.mark.parametrize("day", ["1970-01-01", "2026-11-29", "2100-12-31"])
def test_every_day_within_bounds_is_answered(client_as: ClientAs, day: str) -> None:
    assert client_as("admin").get("/api/v1/shifts", params={"day": day}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "at"),
    [
        ("POST", "/api/v1/shifts", {"worker": "W", "start": "{}", "end": "2026-11-29T22:00:00Z"}, "start"),
        ("POST", "/api/v1/shifts", {"shifts": [{"worker": "W", "start": "{}", "end": "{}"}]}, "end"),
        ("POST", "/api/v1/assignments", {"worker": "W", "grid": "130273", "since": "{}"}, "since"),
        ("POST", "/api/v1/assignments", {"worker": "W", "grid": "130273", "until": "{}"}, "until"),
        ("PATCH", "/api/v1/assignments/1", {"until": "{}"}, "until"),
        (
            "POST",
            "/api/v1/positions",
            {"fixes": [{"worker": "W", "lon": 1.5, "lat": 2.5, "fixed_at": "{}"}]},
            "fixed_at",
        ),
        (
            "POST",
            "/api/v1/incidents",
            {"lon": 1.5, "lat": 2.5, "category": "other", "occurred_at": "{}"},
            "occurred_at",
        ),
        ("POST", "/api/v1/plans/1/publish", {"effective_at": "{}"}, "effective_at"),
        ("POST", "/api/v1/plans/1/replay", {"since": "{}"}, "since"),
        ("POST", "/api/v1/plans/1/replay", {"since": "2026-11-29T22:00:00Z", "until": "{}"}, "until"),
    ],
)
def test_every_time_of_a_body_is_refused_where_it_is_none(
    client_as: ClientAs, method: str, path: str, body: dict[str, Any], at: str
) -> None:
    client = client_as("admin")
    headers = {"If-Match": '"1"', "Idempotency-Key": "times"}
    for wrong in (*WRONG, 20_261_129, 0, 1.5, True, [], {}):
        sent = _filled(body, wrong)
        answer = client.request(method, path, json=sent, headers=headers)
        assert answer.status_code == 422, (path, wrong, answer.text)
        assert at in [error["loc"][-1] for error in answer.json()["errors"]], answer.text


def _filled(body: Any, value: Any) -> Any:
    if isinstance(body, dict):
        return {name: _filled(one, value) for name, one in body.items()}
    if isinstance(body, list):
        return [_filled(one, value) for one in body]
    return value if body == "{}" else body


@pytest.mark.parametrize(
    "told", [{"from": 8, "to": 9}, {"from": "8", "to": "09:00"}, {"from": "08:00Z", "to": "09:00"}]
)
def test_a_time_of_the_day_is_no_number(client_as: ClientAs, told: dict[str, Any]) -> None:
    body = {"worker": "W", "day": "2026-11-29", **told}
    answer = client_as("admin").post("/api/v1/shifts", json=body)
    assert answer.status_code == 422 and "from" in str(answer.json()["errors"])


def test_no_route_has_a_time_of_another_type() -> None:
    other = re.compile(r"AwareDatetime|NaiveDatetime|fromisoformat|PastDatetime|FutureDatetime")
    assert [path.name for path in ROUTES_FOLDER.rglob("*.py") if other.search(path.read_text())] == []


def test_a_time_must_make_sense_besides(client_as: ClientAs, small_city: SmallCity) -> None:
    client = client_as("admin")
    now = datetime.now(UTC)
    soon, later, long_ago = (
        (now + far).isoformat() for far in (timedelta(minutes=2), timedelta(days=735), timedelta(days=-8))
    )
    worker, (lon, lat) = small_city.worker_of[small_city.codes[0]], small_city.inside(small_city.codes[0])
    told = {"lon": lon, "lat": lat, "category": "other"}
    ahead = client.post("/api/v1/incidents?dry_run=true", json={**told, "occurred_at": soon})
    assert ahead.status_code == 422 and ahead.json()["type"].endswith("in_the_future")
    forgiven = (now + timedelta(seconds=30)).isoformat()
    forgiven_answer = client.post("/api/v1/incidents?dry_run=true", json={**told, "occurred_at": forgiven})
    assert forgiven_answer.json()["type"].endswith("unknown_category")  # this city has none; the time was believed
    for path, body in (
        ("/api/v1/shifts", {"worker": worker, "start": later, "end": (now + timedelta(days=735.3)).isoformat()}),
        ("/api/v1/assignments", {"worker": worker, "grid": small_city.codes[0], "since": later}),
    ):
        answer = client.post(path, json=body)
        assert answer.status_code == 422 and answer.json()["type"].endswith("too_far_ahead"), answer.text
    fixes = [{"worker": worker, "lon": lon, "lat": lat, "fixed_at": at} for at in (soon, long_ago)]
    assert client.post("/api/v1/positions", json={"fixes": fixes}).json() == {
        "stored": 0,
        "late": 0,
        "refused": [{"index": 0, "reason": "in_the_future"}, {"index": 1, "reason": "too_long_ago"}],
    }
