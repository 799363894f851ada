"""People, keys and the history over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from gis_api import auth
from layers import history
from layers.access import User, service_actor
from layers.db import transaction
from layers.workers import add_worker

ClientAs = Callable[..., TestClient]
NEW = {"name": "王工", "role": "planner", "area": "130273", "password": "correct horse"}


def test_an_admin_adds_somebody_who_can_sign_in(client_as: ClientAs, anybody: TestClient) -> None:
    assert client_as("admin").post("/api/v1/users", json=NEW).status_code == 201
    answer = anybody.post("/api/v1/session", json={"name": NEW["name"], "password": NEW["password"]})
    assert (answer.status_code, answer.json()["role"]) == (200, "planner")


def test_a_name_is_given_once(client_as: ClientAs) -> None:
    admin = client_as("admin")
    admin.post("/api/v1/users", json=NEW)
    assert admin.post("/api/v1/users", json=NEW).status_code == 409


@pytest.mark.parametrize("called", ["planner", "PLANNER", "ｐlanner"])
def test_a_key_may_not_bear_the_name_of_a_person_nor_a_person_that_of_a_key(client_as: ClientAs, called: str) -> None:
    admin = client_as("admin")
    key = {"name": called, "role": "leader", "area": "130273"}
    assert admin.post("/api/v1/keys", json=key).status_code == 409
    assert admin.post("/api/v1/keys", json=key | {"name": "hotline"}).status_code == 201
    assert admin.delete("/api/v1/keys/hotline").status_code == 204
    for name in ("hotline", "Hotline"):
        assert admin.post("/api/v1/users", json=NEW | {"name": name}).status_code == 409, "also after it was revoked"


def test_a_person_of_a_department_belongs_to_one_that_there_is(client_as: ClientAs) -> None:
    admin = client_as("admin")
    told = admin.post("/api/v1/users", json=NEW | {"role": "unit", "unit": "nowhere"})
    assert (told.status_code, told.json()["errors"][0]["loc"]) == (422, ["unit"])
    assert admin.post("/api/v1/users", json=NEW | {"role": "unit", "unit": "water"}).json()["unit"] == "water"
    key = admin.post("/api/v1/keys", json={"name": "k", "role": "unit", "area": "130273", "unit": "water"})
    assert key.json()["unit"] == "water"


@pytest.mark.parametrize(
    "wrong", [{"role": "king"}, {"password": "short"}, {"name": ""}, {"name": "a\x00b"}, {"area": "13;--"}, {"x": 1}]
)
def test_a_wrong_person_is_refused(client_as: ClientAs, wrong: dict[str, Any]) -> None:
    assert client_as("admin").post("/api/v1/users", json=NEW | wrong).status_code == 422


def test_an_admin_gives_no_rights_outside_the_area(client_as: ClientAs) -> None:
    local = client_as("admin", area="130273001")
    assert local.post("/api/v1/users", json=NEW).status_code == 403
    assert local.post("/api/v1/keys", json={"name": "k", "role": "leader", "area": ""}).status_code == 403
    assert local.patch("/api/v1/users/planner", json={"active": False}).status_code == 404


def test_a_locked_person_is_out(client_as: ClientAs, signed_in: ClientAs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REMEMBERED_S", 0.0)
    leader = signed_in("leader")
    assert leader.get("/api/v1/session").status_code == 200
    assert client_as("admin").patch("/api/v1/users/leader", json={"active": False}).status_code == 200
    assert leader.get("/api/v1/session").status_code == 401


def test_no_answer_tells_a_password_or_its_hash(client_as: ClientAs) -> None:
    admin = client_as("admin")
    told = admin.post("/api/v1/users", json=NEW).text + admin.get("/api/v1/users").text
    assert "argon2" not in told
    assert NEW["password"] not in told


def test_a_key_is_told_once_and_works_until_it_is_revoked(client_as: ClientAs, anybody: TestClient, app: Any) -> None:
    admin = client_as("admin")
    made = admin.post("/api/v1/keys", json={"name": "hotline", "role": "leader", "area": "130273"})
    assert made.status_code == 201
    key = made.json()["key"]
    assert key not in admin.get("/api/v1/keys").text
    app.state.replicas.refresh()
    header = {"Authorization": f"Bearer {key}"}
    assert anybody.get("/api/v1/session", headers=header).status_code == 200
    assert admin.delete("/api/v1/keys/hotline").status_code == 204
    app.state.replicas.refresh()
    assert anybody.get("/api/v1/session", headers=header).status_code == 401


@pytest.mark.parametrize("role", ["planner", "dispatcher", "leader", "worker", "unit", "auditor"])
def test_only_admins_see_accounts(client_as: ClientAs, role: str) -> None:
    client = client_as(role)
    assert client.get("/api/v1/users").status_code == 403
    assert client.get("/api/v1/keys").status_code == 403


def test_an_auditor_sees_what_was_done_and_that_the_chain_holds(client_as: ClientAs, engine: Engine) -> None:
    client_as("admin").post("/api/v1/users", json=NEW)
    with transaction(engine) as session:
        history.seal(session)
    auditor = client_as("auditor")
    entries = auditor.get("/api/v1/history", params={"action": "add_user"}).json()["entries"]
    assert [(entry["subject"], entry["sealed"]) for entry in entries] == [("user:王工", True)]
    assert auditor.get("/api/v1/history/chain").json()["holds"] is True


def test_the_history_of_a_foreign_area_is_not_shown(client_as: ClientAs) -> None:
    client_as("admin").post("/api/v1/users", json=NEW)
    foreign = client_as("auditor", area="999999")
    assert foreign.get("/api/v1/history").json()["entries"] == []
    assert foreign.get("/api/v1/history", params={"area": "130273"}).status_code == 404


def test_a_planner_does_not_read_the_history(client_as: ClientAs) -> None:
    assert client_as("planner").get("/api/v1/history").status_code == 403


def test_an_account_is_tied_to_a_staff_number_and_untied(
    client_as: ClientAs, signed_in: ClientAs, engine: Engine
) -> None:
    with transaction(engine) as session:
        add_worker(session, "W-1", name="甲", role="grid_worker", area="130273001", by=service_actor("test"))
    admin = client_as("admin")
    assert admin.get("/api/v1/users/worker").json()["worker"] is None
    assert admin.patch("/api/v1/users/worker", json={"worker": "W-1"}).json()["worker"] == "W-1"
    assert admin.get("/api/v1/users/worker").json()["worker"] == "W-1"
    assert {one["name"]: one["worker"] for one in admin.get("/api/v1/users").json()["users"]}["worker"] == "W-1"
    with transaction(engine) as session:
        assert session.get_one(User, "worker").worker_id is not None
    assert admin.patch("/api/v1/users/worker", json={"worker": "nobody"}).status_code == 422
    assert admin.patch("/api/v1/users/worker", json={"language": "en"}).json()["worker"] == "W-1", "left as it was"
    assert admin.patch("/api/v1/users/worker", json={"worker": None}).json()["worker"] is None
    made = admin.post("/api/v1/users", json=NEW | {"name": "new worker", "role": "worker", "worker": "W-1"})
    assert (made.status_code, made.json()["worker"]) == (201, "W-1")
    assert client_as("admin", area="130273002").get("/api/v1/users/worker").status_code == 404
