"""The two field tasks over HTTP: a collector looks before a case is filed and before it is closed ([D10])."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from PIL import Image
from sqlalchemy import Engine, select, update
from starlette.testclient import TestClient

from layers.access import add_user
from layers.candidates import Roster
from layers.categories import Category
from layers.db import transaction
from layers.dispatching import Memory, follow_overdue
from layers.incidents import Incident
from layers.locating import load_atlas
from layers.positions import Position
from layers.shifts import Shift
from layers.workers import Worker, announce
from tests.gis_api.conftest import WEAK, ClientAs, client_of_person
from tests.gis_api.duty import report
from tests.small_city import SmallCity
from tests.waiting import until

CASES = "/api/v1/incidents"
BOTH = {"category": "sanitation", "confirm_first": True, "inspect_last": True}
Told = dict[str, Any]


@pytest.fixture
def asked_for(client_as: ClientAs) -> Callable[..., None]:
    """Has the city ask for the field tasks of sanitation: `asked_for(field_photos=True)`."""

    def put(**more: Any) -> None:
        answer = client_as("admin").put("/api/v1/settings/dispatch", json={"rules": [{**BOTH, **more}]})
        assert answer.status_code == 200, answer.text

    return put


@pytest.fixture
def as_worker(engine: Engine, app: FastAPI, anybody: TestClient) -> Callable[[str], TestClient]:
    """A client of the worker with this number, who has no ground of their own."""

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


def there(place: tuple[float, float]) -> Told:
    return {"proof": {"lon": place[0], "lat": place[1], "datum": "wgs84"}}


def sent(desk: TestClient, place: tuple[float, float], **more: Any) -> Told:
    answer = report(desk, place, **more)
    assert answer.status_code == 201, answer.text
    told: Told = answer.json()
    return told


def test_the_nearest_looks_whether_it_exists_and_then_it_is_filed_and_dispatched(
    desk: TestClient, asked_for: Callable[..., None], as_worker: Callable[[str], TestClient], small_city: SmallCity
) -> None:
    asked_for()
    place = small_city.inside(small_city.codes[0])
    told = sent(desk, place)
    looks = told["field_task"]
    assert (told["state"], told["assignment"], looks["task"]) == ("reported", None, "confirm")
    case, mine = told["id"], as_worker(looks["worker"])
    listed = mine.get(CASES, params={"mine": "true", "living": "true"}).json()["incidents"]
    assert [one["id"] for one in listed] == [case], "it is among their tasks"
    assert {one["step"] for one in listed[0]["may"]} == {"confirm", "deny", "decline", "note"}
    assert listed[0]["clock"]["step"] == "confirm", "it has a limit"
    assert mine.get(f"{CASES}/{case}/decision").status_code in (200, 403)
    far = (place[0] + 0.01, place[1])
    assert take(mine, case, "confirm", status=422, **there(far))["type"].endswith("not_on_the_spot")
    assert take(mine, case, "confirm", status=422)["type"].endswith("position_missing")
    done = take(mine, case, "confirm", **there(place))
    assert done["state"] == "dispatched" and done["assignment"] and done["field_task"] is None
    assert [line["step"] for line in done["timeline"]] == ["report", "send_to_confirm", "confirm", "dispatch"]
    assert done["timeline"][2]["proof"]["how"] == "device"


def test_what_is_not_there_comes_to_the_desk_with_what_was_found(
    desk: TestClient, asked_for: Callable[..., None], as_worker: Callable[[str], TestClient], small_city: SmallCity
) -> None:
    asked_for()
    place = small_city.inside(small_city.codes[0])
    told = sent(desk, place)
    case, mine = told["id"], as_worker(told["field_task"]["worker"])
    done = take(mine, case, "deny", note="只有一块空地", **there(place))
    assert (done["state"], done["waiting_reason"]) == ("waiting", "not_found")
    assert desk.get(f"{CASES}/{case}").json()["waiting_text"]
    assert take(desk, case, "void", note="现场未发现")["state"] == "void"


def test_somebody_else_than_who_did_it_looks_whether_it_is_done(
    desk: TestClient, asked_for: Callable[..., None], as_worker: Callable[[str], TestClient], small_city: SmallCity
) -> None:
    asked_for(confirm_first=False)
    place = small_city.inside(small_city.codes[0])
    told = sent(desk, place)
    case, number = told["id"], told["assignment"]["worker"]
    holder = as_worker(number)
    for step in ("accept", "arrive", "handle"):
        done = take(holder, case, step)
    looks = done["field_task"]
    assert (done["state"], looks["task"]) == ("handled", "inspect") and looks["worker"] != number
    assert done["timeline"][-1]["step"] == "send_to_inspect"
    assert {one["step"] for one in done["may"]}.isdisjoint({"verify", "send_back"}), "not by who did it"
    assert take(holder, case, "verify", status=403, **there(place))
    mine = as_worker(looks["worker"])
    back = take(mine, case, "send_back", note="还有一半没清")
    assert (back["state"], back["assignment"]["worker"], back["field_task"]) == ("dispatched", number, None)
    for step in ("accept", "arrive", "handle"):
        done = take(holder, case, step)
    assert done["field_task"]["worker"] == looks["worker"], "a new round: the nearest once more"
    done = take(mine, case, "verify", **there(place))
    assert (done["state"], done["field_task"]) == ("verified", None)
    assert [take(desk, case, step)["state"] for step in ("feed_back", "close")] == ["fed_back", "closed"]


def test_a_desk_that_was_called_takes_the_step_by_the_fix_of_who_looks(
    desk: TestClient, asked_for: Callable[..., None], small_city: SmallCity, engine: Engine
) -> None:
    asked_for()
    place = small_city.inside(small_city.codes[0])
    told = sent(desk, place)
    case, number = told["id"], told["field_task"]["worker"]
    worker_id = _id_of(engine, number)

    def stand(lon: float, lat: float) -> None:
        with transaction(engine) as session:
            here = {"lon": lon, "lat": lat, "first_hand": True}
            session.execute(update(Position).where(Position.worker_id == worker_id).values(**here))

    stand(place[0] + 0.01, place[1])
    refused = take(desk, case, "confirm", status=422, **there(place))
    assert refused["type"].endswith("worker_not_on_the_spot") and number in refused["detail"]
    stand(*place)
    done = take(desk, case, "confirm")
    assert done["timeline"][2]["proof"]["whose"] == number


def test_who_declines_or_is_silent_is_followed_by_the_next_and_at_last_by_the_desk(
    desk: TestClient, asked_for: Callable[..., None], small_city: SmallCity, engine: Engine, app: FastAPI
) -> None:
    asked_for()
    told = sent(desk, small_city.inside(small_city.codes[0]))
    case, first = told["id"], told["field_task"]["worker"]
    after = take(desk, case, "decline")
    second = after["field_task"]["worker"]
    assert after["state"] == "reported" and second != first
    late = datetime.now(UTC) + timedelta(days=3)
    with transaction(engine) as session:
        memory = Memory(load_atlas(session), Roster.load(session, late))
    assert follow_overdue(engine, memory, clock=lambda: late) == 1
    told = desk.get(f"{CASES}/{case}").json()
    assert told["timeline"][-1]["step"] == "timeout" and told["timeline"][-1]["note"] == second
    # In three days nobody's shift of today lasts any more: with nobody left the desk has it, and says why.
    assert (told["state"], told["field_task"]) == ("waiting", None) and told["waiting_text"]


def test_a_field_task_fills_a_hand(
    desk: TestClient, asked_for: Callable[..., None], small_city: SmallCity, engine: Engine, app: FastAPI
) -> None:
    asked_for(open_tasks=1)
    place = small_city.inside(small_city.codes[0])
    sent_to = [sent(desk, place)["field_task"]["worker"] for _ in range(6)]
    assert len(set(sent_to)) == 6, "nobody is asked for two at once"
    seen = lambda: {  # noqa: E731
        one["number"]: one["open_tasks"] for one in desk.get("/api/v1/positions").json()["workers"]
    }
    until(lambda: all(seen().get(number) == 1 for number in sent_to), most_s=20.0)
    refused = take(desk, sent(desk, place)["id"], "send_to_confirm", status=409, to=sent_to[0])
    assert refused["type"].endswith("at_capacity")


def test_photos_are_asked_for_where_the_city_asks_for_them(
    desk: TestClient, asked_for: Callable[..., None], as_worker: Callable[[str], TestClient], small_city: SmallCity
) -> None:
    asked_for(field_photos=True)
    place = small_city.inside(small_city.codes[0])
    told = sent(desk, place)
    case, mine = told["id"], as_worker(told["field_task"]["worker"])
    refused = take(mine, case, "confirm", status=422, **there(place))
    assert refused["type"].endswith("photos_missing") and refused["missing"] == "near, far"
    for at, kind in enumerate(("near", "far")):
        out = io.BytesIO()
        Image.new("RGB", (64, 48), (at * 200, 90, 90)).save(out, "JPEG")
        files = {"file": ("a.jpg", out.getvalue(), "image/jpeg")}
        assert mine.post(f"{CASES}/{case}/photos", files=files, data={"kind": kind}).status_code == 201
    assert take(mine, case, "confirm", **there(place))["state"] == "dispatched"


def test_who_reported_it_as_a_worker_needs_nobody_to_look_and_looks_themselves(
    desk: TestClient, asked_for: Callable[..., None], as_worker: Callable[[str], TestClient], small_city: SmallCity
) -> None:
    asked_for()
    place = small_city.inside(small_city.codes[0])
    reporter = small_city.worker_of[small_city.codes[5]]
    told = sent(desk, place, reporter={"kind": "worker", "worker": reporter})
    assert told["state"] == "dispatched" and told["field_task"] is None
    case, holder = told["id"], as_worker(told["assignment"]["worker"])
    for step in ("accept", "arrive", "handle"):
        done = take(holder, case, step)
    assert done["field_task"] is None
    assert take(as_worker(reporter), case, "verify", **there(place))["state"] == "verified"


def test_where_nobody_can_look_the_case_says_so_and_a_desk_sends_somebody_later(
    desk: TestClient, asked_for: Callable[..., None], small_city: SmallCity, engine: Engine, app: FastAPI
) -> None:
    asked_for(confirm_first=False)
    place = small_city.inside(small_city.codes[0])
    told = sent(desk, place)
    case, number = told["id"], told["assignment"]["worker"]
    other = small_city.worker_of[small_city.codes[4]]
    with transaction(engine) as session:
        session.query(Shift).filter(Shift.worker_id != _id_of(engine, number)).delete()
        announce(session)
    until(lambda: len(desk.get("/api/v1/positions").json()["workers"]) == 1, most_s=20.0)
    for step in ("accept", "arrive", "handle"):
        done = take(desk, case, step)
    assert done["state"] == "handled" and done["field_task"] is None
    assert done["timeline"][-1]["note"] == "all_declined" or done["timeline"][-1]["note"] == "nobody_on_duty"
    assert take(desk, case, "send_to_inspect", status=409)["type"].endswith("nobody_to_look")
    assert take(desk, case, "send_to_inspect", status=409, to=number)["type"].endswith("own_work")
    assert take(desk, case, "send_to_inspect", status=409, to=other)["type"].endswith("worker_off_duty")
    done = take(desk, case, "send_to_inspect", to=other, confirm=True)
    assert done["field_task"]["worker"] == other
    decision = desk.get(f"{CASES}/{case}/decision").json()
    assert decision["chosen"] == other
    replayed = desk.post(f"{CASES}/{case}/decision/replay").json()
    assert replayed["same"]


def test_a_category_that_a_person_triages_is_looked_at_before_the_desk_decides(
    desk: TestClient,
    asked_for: Callable[..., None],
    as_worker: Callable[[str], TestClient],
    small_city: SmallCity,
    engine: Engine,
) -> None:
    with transaction(engine) as session:
        session.get_one(Category, "sanitation").triage = "manual"
    asked_for()
    place = small_city.inside(small_city.codes[0])
    told = sent(desk, place)
    assert told["state"] == "reported"
    done = take(as_worker(told["field_task"]["worker"]), told["id"], "confirm", **there(place))
    assert (done["state"], done["waiting_reason"]) == ("waiting", "manual_triage")


def test_nobody_is_on_the_way_any_more_when_the_desk_sends_somebody_to_settle_it(
    desk: TestClient, asked_for: Callable[..., None], small_city: SmallCity, engine: Engine
) -> None:
    asked_for()
    case = sent(desk, small_city.inside(small_city.codes[0]))["id"]
    done = take(desk, case, "dispatch")
    assert done["state"] == "dispatched" and done["field_task"] is None
    with transaction(engine) as session:
        assert session.get_one(Incident, int(case)).collector_id is None


def _id_of(engine: Engine, number: str) -> int:
    with transaction(engine) as session:
        found = session.scalar(select(Worker.id).where(Worker.number == number))
    assert found is not None
    return found
