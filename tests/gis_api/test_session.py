"""Signing in and out, and what a browser's cookie may do."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.gis_api.conftest import ClientAs


def sign_in(client: TestClient, name: str, password: str, **headers: str) -> TestClient:
    return client.post("/api/v1/session", json={"name": name, "password": password}, headers=headers)


def test_a_person_signs_in_and_is_known_by_a_cookie_that_scripts_cannot_read(
    anybody: TestClient, people: dict[str, str]
) -> None:
    answer = sign_in(anybody, "planner", people["planner"])
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    assert anybody.get("/api/v1/session").json() == {
        "name": "planner",
        "role": "planner",
        "area": "130273",
        "language": "zh-CN",
        "kind": "person",
    }


def test_a_wrong_password_and_a_wrong_name_are_told_the_same(anybody: TestClient, people: dict[str, str]) -> None:
    wrong = sign_in(anybody, "planner", people["leader"])
    nobody = sign_in(anybody, "no such person", "x")
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()
    assert wrong.headers["content-type"] == "application/problem+json"


def test_signing_out_ends_the_session_even_for_who_kept_the_cookie(
    app: FastAPI, anybody: TestClient, signed_in: ClientAs
) -> None:
    client = signed_in("leader")
    assert client.get("/api/v1/session").status_code == 200
    assert client.delete("/api/v1/session").status_code == 204
    assert client.get("/api/v1/session").status_code == 401


def test_too_many_attempts_are_told_to_wait(anybody: TestClient, people: dict[str, str]) -> None:
    statuses = [sign_in(anybody, "auditor", "wrong").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    refused = sign_in(anybody, "auditor", people["auditor"])
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_a_page_of_another_site_cannot_write_with_the_cookie(signed_in: ClientAs) -> None:
    client = signed_in("planner")
    foreign = client.delete("/api/v1/session", headers={"origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert foreign.json()["type"].endswith("foreign_origin")
    assert client.get("/api/v1/session").status_code == 200
    assert client.delete("/api/v1/session", headers={"origin": "http://testserver"}).status_code == 204


def test_a_page_of_another_site_cannot_sign_somebody_in(anybody: TestClient, people: dict[str, str]) -> None:
    answer = sign_in(anybody, "planner", people["planner"], origin="null")
    assert answer.status_code == 403


def test_an_unknown_key_is_401_and_says_how_to_ask(anybody: TestClient) -> None:
    answer = anybody.get("/api/v1/session", headers={"authorization": "Bearer wg_nothing"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_errors_are_told_in_the_language_asked_for(anybody: TestClient) -> None:
    chinese = anybody.get("/api/v1/session")
    english = anybody.get("/api/v1/session", headers={"accept-language": "en"})
    assert chinese.json()["title"] == "请先登录"
    assert english.json()["title"] == "Please sign in"
    assert chinese.json()["type"] == english.json()["type"]


def test_a_key_is_known_from_memory_with_its_role_and_area(client_as: ClientAs) -> None:
    known = client_as("unit", area="130273001").get("/api/v1/session").json()
    assert (known["role"], known["area"], known["kind"]) == ("unit", "130273001", "key")


def test_health_needs_no_key(anybody: TestClient) -> None:
    assert anybody.get("/healthz").json() == {"status": "ok"}
    assert anybody.get("/readyz").status_code == 200
    assert "wangge_request_seconds_count" in anybody.get("/metrics").text


def change_password(client: TestClient, old: str, new: str) -> Any:
    return client.put("/api/v1/session/password", json={"old": old, "new": new})


def test_a_person_changes_the_password_and_is_signed_out_everywhere_else(
    app: FastAPI, anybody: TestClient, signed_in: ClientAs, people: dict[str, str]
) -> None:
    here, elsewhere = signed_in("leader"), signed_in("leader")
    old, new = people["leader"], "correct horse battery"
    answer = change_password(here, old, new)
    assert (answer.status_code, answer.content) == (204, b"")
    del here.headers["cookie"]  # that of before; the answer's own is kept as by a browser
    assert here.get("/api/v1/session").json()["name"] == "leader"
    assert elsewhere.get("/api/v1/session").status_code == 401
    assert sign_in(anybody, "leader", old).status_code == 401
    assert sign_in(anybody, "leader", new).status_code == 200


def test_a_wrong_or_unchanged_or_short_password_changes_nothing(
    anybody: TestClient, signed_in: ClientAs, people: dict[str, str]
) -> None:
    client, old = signed_in("leader"), people["leader"]
    refused = [change_password(client, *pair) for pair in (("nonsense", "x" * 12), (old, old), (old, "short"))]
    assert [one.status_code for one in refused] == [422] * 3
    told = [one.json()["errors"][0]["loc"][-1] for one in refused]
    assert told == ["old", "new", "new"]
    assert client.get("/api/v1/session").status_code == 200
    assert sign_in(anybody, "leader", old).status_code == 200


def test_guessing_the_present_password_has_to_wait_like_guessing_at_the_door(
    signed_in: ClientAs, people: dict[str, str]
) -> None:
    client = signed_in("auditor")
    statuses = [change_password(client, "nonsense", "x" * 12).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]
    assert change_password(client, people["auditor"], "x" * 12).status_code == 429


def test_a_key_has_no_password_and_another_site_cannot_change_one(
    client_as: ClientAs, signed_in: ClientAs, people: dict[str, str]
) -> None:
    key = change_password(client_as("admin"), "a", "x" * 12)
    assert (key.status_code, key.json()["type"].rpartition(":")[2]) == (403, "keys_have_no_password")
    told = {"old": people["planner"], "new": "x" * 12}
    foreign = signed_in("planner").put(
        "/api/v1/session/password", json=told, headers={"origin": "https://elsewhere.example"}
    )
    assert foreign.status_code == 403
