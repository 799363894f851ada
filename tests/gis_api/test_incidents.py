"""Incidents over HTTP: reported once however often they are sent, dispatched or waiting, read by who may."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, func, select
from starlette.testclient import TestClient

from layers.access import User
from layers.db import transaction
from layers.incidents import OPEN_TASK_STATES, IdempotencyKey, Incident
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.small_city import SmallCity
from tests.waiting import until


def count(engine: Engine, table: Any = Incident) -> int:
    with transaction(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_report_is_answered_with_the_worker_of_the_place(desk: TestClient, small_city: SmallCity) -> None:
    code = small_city.codes[3]
    answer = report(desk, small_city.inside(code))
    told = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/api/v1/incidents/{told['id']}"
    assert (told["state"], told["plan_version"], told["replayed"]) == ("dispatched", 1, False)
    assert told["location"]["grid"]["code"] == code[:15]
    assert told["assignment"]["worker"] == small_city.worker_of[code]
    assert told["assignment"]["phone_masked"] == "138******" + told["assignment"]["worker"][-2:]
    assert told["assignment"]["candidates"][0]["worker"] == told["assignment"]["worker"]
    assert all(one["reason"] for one in told["assignment"]["candidates"])


def test_the_same_key_and_body_gives_the_stored_answer(desk: TestClient, small_city: SmallCity, engine: Engine) -> None:
    spot = small_city.inside(small_city.codes[0])
    first = report(desk, spot, key="k1")
    again = report(desk, spot, key="k1")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "replayed": True}
    assert count(engine) == 1


def test_the_same_key_with_another_body_is_refused(desk: TestClient, small_city: SmallCity, engine: Engine) -> None:
    spot = small_city.inside(small_city.codes[0])
    report(desk, spot, key="k1")
    answer = report(desk, spot, key="k1", description="something else")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["type"].endswith("key_used_with_another_body")
    assert count(engine) == 1


def test_two_clients_may_use_the_same_key(desk: TestClient, client_as: ClientAs, small_city: SmallCity) -> None:
    spot = small_city.inside(small_city.codes[0])
    other = client_as("dispatcher")
    assert [report(client, spot, key="k1").status_code for client in (desk, other)] == [201, 201]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": " "}])
def test_a_report_without_a_key_is_refused(
    desk: TestClient, small_city: SmallCity, engine: Engine, headers: dict[str, str]
) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    answer = desk.post("/api/v1/incidents", json={"lon": lon, "lat": lat, "category": "fire"}, headers=headers)
    assert answer.status_code == 400
    assert count(engine) == 0


def test_a_key_of_more_than_200_characters_is_refused(desk: TestClient, small_city: SmallCity) -> None:
    spot = small_city.inside(small_city.codes[0])
    assert [report(desk, spot, key="k" * length).status_code for length in (200, 201)] == [201, 422]


def test_ten_posts_at_once_make_one_incident(desk: TestClient, small_city: SmallCity, engine: Engine) -> None:
    spot = small_city.inside(small_city.codes[0])
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: report(desk, spot, key="k"), range(10)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 9}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum(answer.json()["replayed"] for answer in answers) == 9
    assert count(engine) == 1


def test_nobody_gets_more_than_three_tasks_however_many_reports_come_at_once(
    desk: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    spot = small_city.inside(small_city.codes[0])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: report(desk, spot), range(20)))
    assert {answer.status_code for answer in answers} == {201}
    with transaction(engine) as session:
        tasks = session.execute(
            select(Incident.worker_id, func.count())
            .where(Incident.state.in_(OPEN_TASK_STATES), Incident.worker_id.is_not(None))
            .group_by(Incident.worker_id)
        ).all()
    assert max(number for _, number in tasks) == 3
    assert sum(number for _, number in tasks) == 20


def test_an_incident_whose_commit_fails_is_not_acknowledged(
    app: FastAPI, desk: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the disk is full")

    event.listen(app.state.engine, "commit", fail)
    try:
        answer = report(desk, small_city.inside(small_city.codes[0]), key="k")
    finally:
        event.remove(app.state.engine, "commit", fail)
    assert answer.status_code == 500
    assert (count(engine), count(engine, IdempotencyKey)) == (0, 0)
    assert report(desk, small_city.inside(small_city.codes[0]), key="k").status_code == 201


def test_a_place_outside_every_frame_is_201_and_waits_with_the_phone_of_the_desk(
    desk: TestClient, small_city: SmallCity
) -> None:
    answer = report(desk, small_city.outside)
    told = answer.json()
    assert answer.status_code == 201
    assert (told["state"], told["waiting_reason"], told["assignment"]) == ("waiting", "outside", None)
    assert told["duty_desk"]["phone"] == "0315-1"
    assert desk.get(f"/api/v1/incidents/{told['id']}").json()["state"] == "waiting"


def test_nobody_on_duty_is_201_and_waits(client_as: ClientAs, small_city: SmallCity, engine: Engine) -> None:
    from layers import categories

    with transaction(engine) as session:
        categories.ensure_defaults(session)
    told = report(client_as("dispatcher"), small_city.inside(small_city.codes[0]))
    assert told.status_code == 201
    assert (told.json()["state"], told.json()["waiting_reason"]) == ("waiting", "nobody_on_duty")
    assert told.json()["rejected"][0]["reason"] == "off_duty"
    assert told.json()["duty_desk"]["phone"] == "0315-1"


def test_a_dry_run_decides_and_stores_nothing(desk: TestClient, small_city: SmallCity, engine: Engine) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    body = {"lon": lon, "lat": lat, "category": "sanitation"}
    answer = desk.post("/api/v1/incidents?dry_run=true", json=body, headers={"Idempotency-Key": "k"})
    told = answer.json()
    assert (answer.status_code, told["id"], told["state"]) == (200, None, "dispatched")
    assert told["assignment"]["worker"] == small_city.worker_of[small_city.codes[0]]
    assert (count(engine), count(engine, IdempotencyKey)) == (0, 0)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"category": "dragons"}, 422),
        ({"lon": "118.1"}, 422),
        ({"lon": True}, 422),
        ({"lon": None}, 422),
        ({"lat": 95.0}, 422),
        ({"lon": 0, "lat": 0}, 422),
        ({"datum": "mars"}, 422),
        ({"datum": "gcj02"}, 422),
        ({"urgency": "very"}, 422),
        ({"channel": "pigeon"}, 422),
        ({"occurred_at": "2026-01-01T10:00:00"}, 422),
        ({"description": "x" * 4001}, 422),
        ({"description": "a\u0000b"}, 422),
        ({"accuracy_m": -1}, 422),
        ({"reporter": {"kind": "ghost"}}, 422),
        ({"reporter": {"kind": "worker", "worker": "nobody"}}, 422),
        ({"unheard": 1}, 422),
    ],
)
def test_a_wrong_report_is_refused_with_the_place_of_the_mistake_and_leaves_no_trace(
    desk: TestClient, small_city: SmallCity, engine: Engine, wrong: dict[str, Any], status: int
) -> None:
    answer = report(desk, small_city.inside(small_city.codes[0]), key="k", **wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["errors"]
    assert (count(engine), count(engine, IdempotencyKey)) == (0, 0)


@pytest.mark.parametrize(
    "body", ['{"lon": NaN, "lat": 39.65, "category": "fire"}', '{"lon": 1e999, "lat": 39.65}', "{", "[]"]
)
def test_a_broken_body_is_refused(desk: TestClient, body: str) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = desk.post("/api/v1/incidents", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_swapped_coordinates_are_refused_with_a_hint(desk: TestClient, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    answer = report(desk, (lat, lon))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:wangge:problem:swapped")


def test_a_key_of_gcj02_is_understood_in_gcj02(staffed: None, client_as: ClientAs, small_city: SmallCity) -> None:
    from tiling.datums import from_wgs84

    code = small_city.codes[0]
    lon, lat = from_wgs84(*small_city.inside(code), "gcj02")
    told = report(client_as("dispatcher", datum="gcj02"), (float(lon), float(lat))).json()
    assert told["location"]["grid"]["code"] == code[:15]


def test_a_report_in_a_foreign_area_is_forbidden(staffed: None, client_as: ClientAs, small_city: SmallCity) -> None:
    foreign = client_as("dispatcher", area="110101")
    assert report(foreign, small_city.inside(small_city.codes[0])).status_code == 403


def test_an_incident_is_taken_to_its_end_step_by_step(desk: TestClient, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    told = report(desk, (lon, lat)).json()
    path = f"/api/v1/incidents/{told['id']}/steps"
    skipped = desk.post(path, json={"step": "close"})
    assert (skipped.status_code, skipped.json()["state"]) == (409, "dispatched")
    assert "accept" in skipped.json()["allowed"]
    for step, more in (
        ("accept", {}),
        ("arrive", {}),
        ("handle", {"note": "已清运"}),
        ("verify", {"lon": lon, "lat": lat}),
    ):
        answer = desk.post(path, json={"step": step, **more})
        assert answer.status_code == 200, answer.text
    for step in ("feed_back", "close"):
        answer = desk.post(path, json={"step": step})
    assert answer.json()["state"] == "closed"
    timeline = desk.get(f"/api/v1/incidents/{told['id']}").json()["timeline"]
    assert [line["step"] for line in timeline] == [
        *("report", "triage", "dispatch", "accept", "arrive", "handle", "verify", "feed_back", "close"),
    ]
    assert timeline[5]["note"] == "已清运"


def test_an_unknown_step_or_incident_is_told_apart(desk: TestClient, small_city: SmallCity) -> None:
    told = report(desk, small_city.inside(small_city.codes[0])).json()
    assert desk.post(f"/api/v1/incidents/{told['id']}/steps", json={"step": "teleport"}).status_code == 422
    for nothing in ("999999", "x", "9" * 30, "-1"):
        assert desk.post(f"/api/v1/incidents/{nothing}/steps", json={"step": "note"}).status_code == 404
        assert desk.get(f"/api/v1/incidents/{nothing}").status_code == 404


def test_another_area_sees_neither_the_list_nor_the_single_incident(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    told = report(desk, small_city.inside(small_city.codes[0])).json()
    foreign = client_as("dispatcher", area="110101")
    assert foreign.get("/api/v1/incidents").json()["incidents"] == []
    assert foreign.get(f"/api/v1/incidents/{told['id']}").status_code == 404
    assert foreign.post(f"/api/v1/incidents/{told['id']}/steps", json={"step": "note"}).status_code == 404


def test_the_list_is_filtered_and_paged(desk: TestClient, small_city: SmallCity) -> None:
    spots = [small_city.inside(code) for code in small_city.codes[:5]]
    ids = [report(desk, spot, category=c).json()["id"] for spot, c in zip(spots, ["fire", *["other"] * 4], strict=True)]

    def listed(**asked: Any) -> list[str]:
        answer = desk.get("/api/v1/incidents", params=asked)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["incidents"]]

    assert listed() == ids[::-1]
    assert listed(category="fire") == ids[:1]
    assert listed(state="waiting") == []
    assert listed(state="dispatched,waiting") == ids[::-1]
    assert listed(area=small_city.codes[0]) == ids[:1]
    assert listed(overdue="true") == []
    assert listed(since="2099-01-01T00:00:00Z") == []
    lon, lat = spots[2]
    assert ids[2] in listed(bbox=f"{lon - 1e-6},{lat - 1e-6},{lon + 1e-6},{lat + 1e-6}")
    assert listed(bbox="10,10,11,11") == []
    seen, link = [], "/api/v1/incidents?limit=2"
    while link:
        page = desk.get(link).json()
        seen += [one["id"] for one in page["incidents"]]
        link = page["next"]
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    "asked", [{"bbox": "1,2,3"}, {"after": "x"}, {"changed_since": "yesterday"}, {"state": "gone"}, {"limit": 0}]
)
def test_a_wrong_question_is_refused(desk: TestClient, asked: dict[str, Any]) -> None:
    answer = desk.get("/api/v1/incidents", params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_the_feed_of_changes_misses_nothing_and_repeats_nothing(desk: TestClient, small_city: SmallCity) -> None:
    first, second = (report(desk, small_city.inside(code)).json()["id"] for code in small_city.codes[:2])
    page = desk.get("/api/v1/incidents", params={"changed_since": "2026-01-01T00:00:00+08:00", "limit": 1}).json()
    assert [one["id"] for one in page["incidents"]] == [first]
    page = desk.get(page["next"]).json()
    assert [one["id"] for one in page["incidents"]] == [second]
    page = desk.get(page["next"]).json()
    assert page["incidents"] == []
    desk.post(f"/api/v1/incidents/{first}/steps", json={"step": "accept"})
    # Told once everything that began before it has ended, which something else of the service may be late with.
    onwards = page["next"]
    until(lambda: desk.get(onwards).json()["incidents"])
    assert [(one["id"], one["state"]) for one in desk.get(onwards).json()["incidents"]] == [(first, "accepted")]


@pytest.mark.parametrize(
    ("role", "reports", "reads"),
    [
        ("planner", 403, 403),
        ("dispatcher", 201, 200),
        ("leader", 403, 403),
        ("worker", 201, 200),
        ("unit", 403, 200),
        ("admin", 201, 200),
        ("auditor", 403, 200),
    ],
)
def test_each_role_may_what_it_needs(
    staffed: None, client_as: ClientAs, small_city: SmallCity, role: str, reports: int, reads: int
) -> None:
    client = client_as(role)
    assert report(client, small_city.inside(small_city.codes[0])).status_code == reports
    assert client.get("/api/v1/incidents").status_code == reads


def test_nobody_in_particular_is_asked_to_sign_in(anybody: TestClient) -> None:
    assert anybody.get("/api/v1/incidents").status_code == 401
    assert anybody.post("/api/v1/incidents", json={}).status_code == 401


def test_a_worker_sees_own_tasks_and_takes_their_steps(
    desk: TestClient, signed_in: ClientAs, small_city: SmallCity, engine: Engine
) -> None:
    mine, other = small_city.codes[0], small_city.codes[-1]
    ids = {code: report(desk, small_city.inside(code)).json()["id"] for code in (mine, other)}
    with transaction(engine) as session:
        number = small_city.worker_of[mine]
        session.get_one(User, "worker").worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
    worker = signed_in("worker", area=mine)
    assert [one["id"] for one in worker.get("/api/v1/incidents").json()["incidents"]] == [ids[mine]]
    headers = {"origin": str(worker.base_url)}
    taken = worker.post(f"/api/v1/incidents/{ids[mine]}/steps", json={"step": "accept"}, headers=headers)
    assert (taken.status_code, taken.json()["state"]) == (200, "accepted")
    assert worker.get(f"/api/v1/incidents/{ids[other]}").status_code == 404
    wrong = worker.post(f"/api/v1/incidents/{ids[mine]}/steps", json={"step": "cancel"}, headers=headers)
    assert wrong.status_code == 403


def test_the_reporter_is_told_in_full_to_those_who_answer_back_only(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    who = {"kind": "resident", "name": "王五", "phone": "13900001234"}
    told = report(desk, small_city.inside(small_city.codes[0]), reporter=who).json()
    path = f"/api/v1/incidents/{told['id']}"
    assert desk.get(path).json()["reporter"]["phone"] == "13900001234"
    auditor = client_as("auditor").get(path)
    assert auditor.json()["reporter"] == {"kind": "resident", "phone_masked": "139******34"}
    assert "13900001234" not in auditor.text
    assert "13900001234" not in desk.get("/api/v1/incidents").text


def test_reasons_are_told_in_the_language_asked(desk: TestClient, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    body = {"lon": lon, "lat": lat, "category": "sanitation"}
    words = {
        lang: desk.post("/api/v1/incidents?dry_run=true", json=body, headers={"Accept-Language": lang}).json()
        for lang in ("en", "zh-CN")
    }
    code = small_city.codes[0]
    assert words["en"]["assignment"]["reason_text"] == (
        "Responsible for the sub-grid" if len(code) == 17 else "Responsible for the grid"
    )
    assert words["zh-CN"]["assignment"]["reason_text"] in ("负责本子网格", "负责本网格")


def test_an_external_id_sent_again_under_another_key_is_a_conflict(desk: TestClient, small_city: SmallCity) -> None:
    spot = small_city.inside(small_city.codes[0])
    first = report(desk, spot, external_id="12345-7")
    again = report(desk, spot, external_id="12345-7", key=uuid4().hex)
    assert (again.status_code, again.json()["incident"]) == (409, first.json()["id"])
