"""The same thing reported twice: offered, joined without losing a reporter, and both hear the answer ([D6])."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update
from starlette.testclient import TestClient

from layers.db import transaction
from layers.incidents import Incident
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.small_city import SmallCity

METRE = 1 / 111_000  # of latitude, in degrees


def tell(desk: TestClient, at: tuple[float, float], *, north_m: float = 0.0, **told: Any) -> dict[str, Any]:
    reporter = {"kind": "resident", "name": told.pop("name", "张"), "phone": told.pop("phone", "13800000000")}
    answer = report(desk, (at[0], at[1] + north_m * METRE), reporter=reporter, **told)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


def step(client: TestClient, case: str, name: str, **more: Any) -> Any:
    return client.post(f"/api/v1/incidents/{case}/steps", json={"step": name, "note": "because", **more})


def offered(client: TestClient, case: str) -> list[str]:
    answer = client.get(f"/api/v1/incidents/{case}/duplicates")
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["incidents"]]


def read(client: TestClient, case: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/api/v1/incidents/{case}").json()
    return told


def put(engine: Engine, case: str, **columns: Any) -> None:
    with transaction(engine) as session:
        session.execute(update(Incident).where(Incident.id == int(case)).values(**columns))


@pytest.fixture
def place(small_city: SmallCity) -> tuple[float, float]:
    return small_city.inside(small_city.codes[0])


def test_what_was_reported_near_by_is_offered_with_the_report_and_on_the_incident(
    desk: TestClient, place: tuple[float, float]
) -> None:
    first = tell(desk, place, category="water_leak", description="跑水")
    far = tell(desk, place, category="water_leak", north_m=400)
    other = tell(desk, place, category="dispute", north_m=5)
    second = tell(desk, place, category="water_leak", north_m=40)
    assert (first["duplicates"], far["duplicates"], other["duplicates"]) == ([], [], [])
    (found,) = second["duplicates"]
    assert (found["id"], found["description"]) == (first["id"], "跑水")
    assert 38 < found["distance_m"] < 42
    assert offered(desk, second["id"]) == [first["id"]]
    assert offered(desk, first["id"]) == [second["id"]]
    body = {"lon": place[0], "lat": place[1], "category": "water_leak"}
    trial = desk.post("/api/v1/incidents?dry_run=true", json=body)
    assert {one["id"] for one in trial.json()["duplicates"]} == {first["id"], second["id"]}


def test_the_same_department_counts_and_a_poor_position_reaches_farther(
    desk: TestClient, place: tuple[float, float]
) -> None:
    vending = tell(desk, place, category="street_vending")
    parking = tell(desk, place, category="parking", north_m=10)
    assert [one["id"] for one in parking["duplicates"]] == [vending["id"]]
    sharp = tell(desk, place, category="parking", north_m=150)
    assert parking["id"] not in offered(desk, sharp["id"])
    vague = tell(desk, place, category="parking", north_m=150, accuracy_m=80)
    assert parking["id"] in offered(desk, vague["id"])


def test_lately_closed_ones_are_offered_and_old_or_void_ones_are_not(
    engine: Engine, desk: TestClient, place: tuple[float, float]
) -> None:
    now = datetime.now(UTC)
    ended = [tell(desk, place)["id"] for _ in range(4)]
    fates = [
        {"state": "closed", "closed_at": now - timedelta(hours=2)},
        {"state": "closed", "closed_at": now - timedelta(hours=25)},
        {"state": "void", "closed_at": now},
        {"reported_at": now - timedelta(days=8)},
    ]
    for case, fate in zip(ended, fates, strict=True):
        put(engine, case, **fate)
    assert [one["id"] for one in tell(desk, place)["duplicates"]] == ended[:1]


def test_nobody_is_offered_what_they_may_not_see(
    desk: TestClient, client_as: ClientAs, place: tuple[float, float], small_city: SmallCity
) -> None:
    tell(desk, place)
    case = tell(desk, place)["id"]
    far = small_city.codes[-1][:15]
    assert client_as("dispatcher", area=far).get(f"/api/v1/incidents/{case}/duplicates").status_code == 404


def test_joining_keeps_both_reporters_and_both_hear_the_answer(
    engine: Engine, desk: TestClient, place: tuple[float, float]
) -> None:
    first, second, third = (
        tell(desk, place, name=name, phone=f"1380000000{n}")["id"] for n, name in enumerate("甲乙丙")
    )
    # The third was joined to the second before the second was joined to the first.
    assert step(desk, third, "duplicate", to=second).status_code == 200
    joined = step(desk, second, "duplicate", to=first).json()
    assert (joined["state"], joined["joined_to"]) == ("duplicate", first)
    assert joined["reporter"]["name"] == "乙"
    main = read(desk, first)
    assert [(one["id"], one["reporter"]["name"], one["fed_back_at"]) for one in main["joined"]] == [
        (second, "乙", None),
        (third, "丙", None),
    ]
    assert [line["to"] for line in main["timeline"] if line["step"] == "joined"] == [second]
    put(engine, first, state="verified")
    answer = step(desk, first, "feed_back", note="已修好").json()
    assert all(one["fed_back_at"] for one in answer["joined"])
    for case in (second, third):
        line = read(desk, case)["timeline"][-1]
        assert (line["step"], line["state"], line["note"], line["to"]) == ("feed_back", "duplicate", "已修好", first)


def test_who_is_joined_after_the_answer_hears_it_at_once(
    engine: Engine, desk: TestClient, place: tuple[float, float]
) -> None:
    first = tell(desk, place)["id"]
    put(engine, first, state="verified")
    step(desk, first, "feed_back", note="已修好")
    step(desk, first, "close")
    late = tell(desk, place)["id"]
    told = step(desk, late, "duplicate", to=first).json()
    assert [(line["step"], line["note"]) for line in told["timeline"][-2:]] == [
        ("duplicate", "because"),
        ("feed_back", "已修好"),
    ]
    assert read(desk, first)["state"] == "closed"


def test_the_worker_who_reported_a_joined_one_sees_the_answer(
    engine: Engine, desk: TestClient, client_as: ClientAs, place: tuple[float, float], small_city: SmallCity
) -> None:
    first = tell(desk, place)["id"]
    number = small_city.worker_of[small_city.codes[0]]
    reporter = {"kind": "worker", "worker": number}
    second = report(desk, place, reporter=reporter).json()["id"]
    step(desk, second, "duplicate", to=first)
    put(engine, first, state="verified")
    step(desk, first, "feed_back", note="好了")
    assert read(desk, second)["timeline"][-1]["note"] == "好了"
    # Phones of joined reporters are for those who answer back.
    told = client_as("auditor").get(f"/api/v1/incidents/{first}").json()["joined"]
    assert [one["reporter"].get("phone") for one in told] == [None]


@pytest.mark.parametrize(("state", "code"), [("void", "nothing_to_join"), ("cancelled", "nothing_to_join")])
def test_what_came_to_nothing_takes_nobody_in(
    engine: Engine, desk: TestClient, place: tuple[float, float], state: str, code: str
) -> None:
    first, second = tell(desk, place)["id"], tell(desk, place)["id"]
    put(engine, first, state=state)
    answer = step(desk, second, "duplicate", to=first)
    assert (answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]) == (409, code)
    assert read(desk, second)["state"] == "dispatched"


def test_joining_to_a_duplicate_names_what_that_was_joined_to(desk: TestClient, place: tuple[float, float]) -> None:
    first, second, third = (tell(desk, place)["id"] for _ in range(3))
    step(desk, second, "duplicate", to=first)
    answer = step(desk, third, "duplicate", to=second)
    assert (answer.status_code, first in answer.json()["detail"]) == (409, True)


def test_a_duplicate_that_is_reopened_stands_for_itself(desk: TestClient, place: tuple[float, float]) -> None:
    first, second = tell(desk, place)["id"], tell(desk, place)["id"]
    step(desk, second, "duplicate", to=first)
    assert step(desk, second, "reopen").json()["joined_to"] is None
    assert read(desk, first)["joined"] == []


def test_two_who_join_two_incidents_to_each_other_make_no_circle(
    app: FastAPI, desk: TestClient, place: tuple[float, float]
) -> None:
    for _ in range(4):
        one, other = tell(desk, place)["id"], tell(desk, place)["id"]
        begin, got = threading.Barrier(2), []

        def join(case: str, to: str, begin: threading.Barrier = begin, got: list[int] = got) -> None:
            begin.wait()
            got.append(step(desk, case, "duplicate", to=to).status_code)

        pair = [threading.Thread(target=join, args=both) for both in ((one, other), (other, one))]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
        states = sorted(read(desk, case)["state"] for case in (one, other))
        assert set(got) <= {200, 409}
        assert states in (["dispatched", "duplicate"], ["dispatched", "dispatched"])
