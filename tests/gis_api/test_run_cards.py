"""Run cards over HTTP: who is called beside whoever is sent, level by level, and what is short."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, event, select, update
from starlette.testclient import TestClient

from layers.access import add_user
from layers.db import transaction
from layers.run_cards import choose_card
from layers.workers import Worker, announce
from tests.gis_api.conftest import WEAK, ClientAs, client_of_person
from tests.gis_api.duty import report
from tests.small_city import SmallCity
from tests.waiting import until

CASES, CARDS = "/api/v1/incidents", "/api/v1/settings/run-cards"
Told = dict[str, Any]
AsWorker = Callable[[str], TestClient]


def people(**roles: int) -> list[Told]:
    return [{"role": role, "people": n} for role, n in roles.items()]


FIRE = {"category": "fire", "levels": [people(grid_worker=3), people(grid_worker=1, patrol_team=2)]}


@pytest.fixture
def cards(client_as: ClientAs) -> Callable[..., Told]:
    def put(*told: Told, status: int = 200) -> Told:
        answer = client_as("admin").put(CARDS, json={"cards": list(told)})
        assert answer.status_code == status, answer.text
        body: Told = answer.json()
        return body

    return put


@pytest.fixture
def as_worker(engine: Engine, app: FastAPI, anybody: TestClient) -> AsWorker:
    """A client of the worker with this number, whose account has no ground of its own."""

    def made(number: str) -> TestClient:
        with transaction(engine) as session:
            worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
            about = {"worker_id": worker_id, "password_hash": WEAK.hash("x")}
            add_user(session, f"person {number}", role="worker", area="130273999", **about)
        client = client_of_person(app, anybody, engine, person=f"person {number}")
        client.headers["origin"] = str(client.base_url)
        return client

    return made


def take(client: TestClient, case: str, step: str, *, status: int = 200, **more: Any) -> Told:
    answer = client.post(f"{CASES}/{case}/steps", json={"step": step, **more})
    assert answer.status_code == status, answer.text
    told: Told = answer.json()
    return told


def fire(desk: TestClient, small_city: SmallCity) -> tuple[Told, Told]:
    """The answer to the report of a fire, and the incident."""
    answer = report(desk, small_city.inside(small_city.codes[0]), category="fire")
    assert answer.status_code == 201, answer.text
    return answer.json(), desk.get(f"{CASES}/{answer.json()['id']}").json()


def helpers(told: Told, *states: str) -> list[str]:
    return [one["worker"] for one in told["calls"]["helpers"] if not states or one["state"] in states]


def test_who_is_wanted_beside_whoever_is_sent_is_called_with_the_report(
    desk: TestClient, cards: Callable[..., Told], as_worker: AsWorker, small_city: SmallCity
) -> None:
    cards(FIRE)
    answer, told = fire(desk, small_city)
    lead = answer["assignment"]["worker"]
    assert told["assignment"]["worker"] == lead and lead not in helpers(told)
    assert (told["calls"]["level"], len(helpers(told, "called")), told["calls"]["short"]) == (1, 2, [])
    called = [line["to"] for line in told["timeline"] if line["step"] == "call"]
    assert called == helpers(told)
    distances = [one["distance_m"] for one in told["calls"]["helpers"]]
    assert distances == sorted(distances), "the nearest first"
    replayed = desk.post(f"{CASES}/{told['id']}/decision/replay").json()
    assert replayed["same"] and desk.get(f"{CASES}/{told['id']}/decision").json()["chosen"] == lead
    mine = as_worker(helpers(told)[0])
    [listed] = mine.get(CASES, params={"mine": "true", "living": "true"}).json()["incidents"]
    assert listed["id"] == told["id"] and {"come", "cannot_come"} <= {one["step"] for one in listed["may"]}
    assert {"accept", "handle", "raise_call"}.isdisjoint({one["step"] for one in listed["may"]})
    assert helpers(take(mine, told["id"], "come"), "coming") == [helpers(told)[0]]
    stranger = as_worker(small_city.worker_of[small_city.codes[-1]])
    assert take(stranger, told["id"], "come", status=404)


def test_who_cannot_come_is_followed_by_the_next_and_their_hand_is_free(
    desk: TestClient, cards: Callable[..., Told], as_worker: AsWorker, small_city: SmallCity
) -> None:
    cards(FIRE)
    _, told = fire(desk, small_city)
    first = helpers(told)[0]
    loads = lambda: {  # noqa: E731
        one["number"]: one["open_tasks"] for one in desk.get("/api/v1/positions").json()["workers"]
    }
    until(lambda: loads()[first] == 1, most_s=20.0)
    mine = as_worker(first)
    after = take(mine, told["id"], "cannot_come")
    assert desk.get(f"{CASES}/{told['id']}").status_code == 200
    assert first in helpers(after, "declined") and len(helpers(after, "called")) == 2
    assert after["timeline"][-1]["step"] == "call" and after["timeline"][-1]["to"] not in helpers(told)
    until(lambda: loads()[first] == 0, most_s=20.0)
    assert mine.get(f"{CASES}/{told['id']}").status_code == 404, "it is none of theirs any more"


def test_who_leaves_is_called_no_more_and_the_case_is_short_of_one(
    desk: TestClient, client_as: ClientAs, cards: Callable[..., Told], small_city: SmallCity
) -> None:
    cards(FIRE)
    _, case = fire(desk, small_city)
    gone = helpers(case)[0]
    told = {"reason": "离职", "confirm": True}
    answer = client_as("admin").post(f"/api/v1/workers/{gone}/leaving", json=told)
    assert answer.status_code == 200, answer.text
    after = desk.get(f"{CASES}/{case['id']}").json()
    assert gone not in helpers(after, "called", "coming")
    assert after["calls"]["short"] == people(grid_worker=1)


def test_a_level_is_raised_one_by_one_with_a_reason_and_what_is_short_is_said(
    desk: TestClient, cards: Callable[..., Told], small_city: SmallCity, engine: Engine
) -> None:
    patrol = small_city.worker_of[small_city.codes[-1]]
    with transaction(engine) as session:
        session.execute(update(Worker).where(Worker.number == patrol).values(role="patrol_team"))
        announce(session)
    until(
        lambda: (
            [
                one["worker"]
                for one in desk.get(
                    "/api/v1/workers/nearest",
                    params=dict(zip(("lon", "lat"), small_city.inside(small_city.codes[0]), strict=True))
                    | {"role": "patrol_team"},
                ).json()["candidates"]
            ]
            == [patrol]
        ),
        most_s=20.0,
    )
    cards(FIRE)
    _, told = fire(desk, small_city)
    assert take(desk, told["id"], "raise_call", status=422)["errors"][0]["loc"] == ["note"]
    after = take(desk, told["id"], "raise_call", note="火势蔓延")
    assert after["calls"]["level"] == 2 and patrol in helpers(after)
    assert after["calls"]["short"] == [{"role": "patrol_team", "people": 1}]
    steps = [(line["step"], line["note"]) for line in after["timeline"]][-4:]
    assert steps[0] == ("raise_call", "火势蔓延") and steps[-1] == ("call_short", "patrol_team 1")
    assert len(helpers(after)) == 4
    assert take(desk, told["id"], "raise_call", status=409, note="x")["type"].endswith("no_further_level")
    cards()
    assert desk.get(f"{CASES}/{told['id']}").json()["calls"]["short"], "what was wanted stays wanted"
    calm = report(desk, small_city.inside(small_city.codes[3])).json()["id"]
    assert desk.get(f"{CASES}/{calm}").json()["calls"] is None
    assert take(desk, calm, "raise_call", status=409, note="x")["type"].endswith("no_further_level")


def test_nobody_has_more_than_they_can_carry_through_calls(
    desk: TestClient, cards: Callable[..., Told], small_city: SmallCity
) -> None:
    cards({"category": "fire", "levels": [people(grid_worker=4)]})
    told = [fire(desk, small_city)[1] for _ in range(4)]
    sent = [name for one in told for name in (one["assignment"]["worker"], *helpers(one))]
    assert len(sent) == len(set(sent)) == 16, "of critical ones nobody has two, whoever called them"


def test_a_case_that_waited_calls_its_first_level_when_somebody_is_sent(
    desk: TestClient, cards: Callable[..., Told], small_city: SmallCity
) -> None:
    told = report(desk, small_city.inside(small_city.codes[0]), category="fire").json()
    take(desk, told["id"], "hand_up", note="请街道处理")
    cards(FIRE)
    after = take(desk, told["id"], "dispatch")
    assert after["calls"]["level"] == 1 and len(helpers(after)) == 2
    again = take(desk, told["id"], "reassign")
    assert helpers(again) == helpers(after), "called once"


def test_without_a_card_a_report_asks_for_nothing_more(
    desk: TestClient, cards: Callable[..., Told], small_city: SmallCity, app: FastAPI
) -> None:
    seen: list[str] = []
    event.listen(app.state.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    for rules in ((), ({"category": "medical", "levels": [people(grid_worker=2)]},)):
        cards(*rules)
        seen.clear()
        fire(desk, small_city)
        asked = [one for one in seen if "incident_call" in one and "INSERT" in one]
        assert asked == [] and sum("FROM run_cards" in one for one in seen) <= 1


SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("hour", "minute", "level"), [(21, 59, 1), (22, 0, 2), (3, 0, 2), (5, 59, 2), (6, 0, 1)], ids=str
)
def test_the_most_particular_card_counts_by_the_clock_of_the_city(hour: int, minute: int, level: int) -> None:
    night = {"category": "fire", "since": "22:00", "until": "06:00", "levels": [people(grid_worker=2)]}
    told = [night, {"levels": [people(grid_worker=9)]}, {"category": "fire", "levels": [people(grid_worker=1)]}]
    at = datetime(2026, 12, 1, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
    card = choose_card(told, category="fire", urgency="critical", at=at, zone=SHANGHAI)
    assert card is not None and card.levels == ({"grid_worker": level},)
    other = choose_card(told, category="medical", urgency="critical", at=at, zone=SHANGHAI)
    assert other is not None and other.levels == ({"grid_worker": 9},)
    assert choose_card([night], category="medical", urgency="low", at=at, zone=SHANGHAI) is None


@pytest.mark.parametrize(
    "told",
    [
        {"category": "nothing", "levels": [people(grid_worker=1)]},
        {"since": "22:00", "levels": [people(grid_worker=1)]},
        {"since": "22:00", "until": "22:00", "levels": [people(grid_worker=1)]},
        {"since": "24:00", "until": "25:00", "levels": [people(grid_worker=1)]},
        {"levels": []},
        {"levels": [[]]},
        {"levels": [people(grid_worker=0)]},
        {"levels": [people(firemen=1)]},
        {"levels": [[*people(grid_worker=1), *people(grid_worker=2)]]},
        {"levels": [people(grid_worker=1)] * 6},
    ],
    ids=str,
)
def test_a_card_that_means_nothing_is_refused_and_nothing_is_stored(
    cards: Callable[..., Told], client_as: ClientAs, staffed: None, told: Told
) -> None:
    assert cards(told, status=422)["errors"]
    assert client_as("leader").get(CARDS).json() == {"version": 0, "cards": [], "by": None, "at": None}


def test_of_two_who_change_the_cards_one_is_told(client_as: ClientAs, staffed: None) -> None:
    admin = client_as("admin")
    first = admin.put(CARDS, json={"cards": [FIRE]}, headers={"If-Match": '"0"'})
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    assert admin.put(CARDS, json={"cards": []}, headers={"If-Match": '"0"'}).status_code == 412
    assert admin.put(CARDS, json={"cards": [FIRE, FIRE]}).status_code == 422
    assert client_as("dispatcher").put(CARDS, json={"cards": []}).status_code == 403
