"""The clock of an incident over HTTP: limits of four kinds by the city's calendar, lights, pauses and extensions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.testclient import TestClient

from layers import categories
from layers.db import transaction
from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.small_city import SmallCity

# A Friday; offices are open 08:30-12:00 and 13:30-17:30, Monday to Friday.
FRIDAY_FIVE = datetime.fromisoformat("2026-11-27T17:00:00+08:00")
LIMIT = "/api/v1/categories/sanitation/clocks/grid/dispatch"


@pytest.fixture
def desk(app: FastAPI, engine: Engine, client_as: ClientAs) -> TestClient:
    """A desk at a time when nobody is on duty: every case waits to be dispatched, for two hours of work."""
    with transaction(engine) as session:
        categories.ensure_defaults(session)
    app.state.clock = lambda: FRIDAY_FIVE
    set_limit(client_as("admin"), 2, "work_hours")
    return client_as("dispatcher")


def set_limit(admin: TestClient, amount: float, kind: str) -> None:
    assert admin.put(LIMIT, json={"amount": amount, "kind": kind}).status_code == 200


def at(app: FastAPI, words: str) -> None:
    app.state.clock = lambda: datetime.fromisoformat(f"{words}+08:00")


def clock_of(client: TestClient, case: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/api/v1/incidents/{case}").json()["clock"]
    return told


def deadline(client: TestClient, case: str) -> str:
    """The deadline by the wall clock of the city."""
    told = datetime.fromisoformat(clock_of(client, case)["deadline"])
    return told.astimezone(FRIDAY_FIVE.tzinfo).strftime("%a %d %H:%M")


def new_case(desk: TestClient, city: SmallCity) -> str:
    return str(report(desk, city.inside(city.codes[0])).json()["id"])


def step(client: TestClient, case: str, name: str, **more: Any) -> Any:
    return client.post(f"/api/v1/incidents/{case}/steps", json={"step": name, "note": "because", **more})


def test_each_kind_of_limit_is_counted_by_the_calendar(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    admin, found = client_as("admin"), {}
    limits = ((2, "work_hours"), (1, "work_days"), (1, "natural_days"), (2, "urgent_hours"), (0.5, "urgent_hours"))
    for amount, kind in limits:
        set_limit(admin, amount, kind)
        case = new_case(desk, small_city)
        found[amount, kind] = deadline(desk, case)
        told = clock_of(desk, case)
        assert (told["step"], told["amount"], told["kind"]) == ("dispatch", amount, kind)
        assert told["assumed"] is (kind in ("work_hours", "work_days"))  # nobody has entered the calendar of 2026
    assert found == {
        (2, "work_hours"): "Mon 30 10:00",
        (1, "work_days"): "Mon 30 17:00",
        (1, "natural_days"): "Sat 28 17:00",
        (2, "urgent_hours"): "Fri 27 19:00",
        (0.5, "urgent_hours"): "Fri 27 17:30",
    }
    for wrong_amount, wrong_kind in ((1.5, "work_days"), (0, "work_days"), (1, "moons")):
        assert admin.put(LIMIT, json={"amount": wrong_amount, "kind": wrong_kind}).status_code == 422
    assert admin.put(LIMIT.replace("dispatch", "teleport"), json={"amount": 1, "kind": "work_days"}).status_code == 404
    told = next(one for one in desk.get("/api/v1/categories").json()["categories"] if one["code"] == "sanitation")
    assert told["limits"]["grid"]["dispatch"] == {"amount": 0.5, "kind": "urgent_hours"}
    assert told["clocks"]["grid"]["dispatch"] == 30


def test_the_light_turns_with_work_time_and_lists_are_filtered_by_it(
    app: FastAPI, desk: TestClient, small_city: SmallCity
) -> None:
    case = new_case(desk, small_city)
    seen = {}
    for moment in ("2026-11-28T12:00:00", "2026-11-30T09:35:00", "2026-11-30T09:37:00", "2026-11-30T10:00:01"):
        at(app, moment)
        light = clock_of(desk, case)["light"]
        listed = {
            name: [one["id"] for one in desk.get("/api/v1/incidents", params={"light": name}).json()["incidents"]]
            for name in ("green", "yellow", "red")
        }
        assert listed == {name: [case] if name == light else [] for name in listed}
        seen[moment[8:16]] = light
    assert seen == {"28T12:00": "green", "30T09:35": "green", "30T09:37": "yellow", "30T10:00": "red"}
    for moment, late in (("2026-11-30T15:00:00", []), ("2026-11-30T15:31:00", [case])):
        at(app, moment)
        listed_late = desk.get("/api/v1/incidents", params={"late": "three_times"}).json()["incidents"]
        assert [one["id"] for one in listed_late] == late
        assert clock_of(desk, case)["late_three_times"] is bool(late)


def test_a_changed_calendar_moves_living_deadlines_only_and_the_timeline_keeps_both(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    living, ended = new_case(desk, small_city), new_case(desk, small_city)
    assert step(desk, ended, "cancel").status_code == 200
    admin = client_as("admin")
    assert admin.put("/api/v1/calendar/2026", json={"days_off": ["2026-11-30"]}).status_code == 200
    assert deadline(desk, living) == "Tue 01 10:00"
    told = clock_of(desk, living)
    assert (told["calendar"], told["assumed"]) == ({"2026": 1}, False)
    line = desk.get(f"/api/v1/incidents/{living}").json()["timeline"][-1]
    assert line["step"] == "recount"
    assert "2026-11-30T10:00:00+08:00 → 2026-12-01T10:00:00+08:00" in line["note"]
    steps = [one["step"] for one in desk.get(f"/api/v1/incidents/{ended}").json()["timeline"]]
    assert "recount" not in steps


def test_a_pause_is_agreed_by_a_second_person_and_the_clock_goes_on_by_itself(
    app: FastAPI, desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case, second = new_case(desk, small_city), client_as("dispatcher")
    for until in (None, "2026-11-27T16:00:00+08:00", "2028-01-01T00:00:00+08:00"):
        assert step(desk, case, "pause", **({} if until is None else {"until": until})).status_code == 422
    asked = step(desk, case, "pause", until="2026-12-02T09:00:00+08:00").json()
    assert asked["grace"]["asked"]["what"] == "pause"
    assert deadline(desk, case) == "Mon 30 10:00"
    assert "agree" not in [one["step"] for one in asked["may"]]
    assert step(desk, case, "agree").status_code == 403  # a second pair of eyes
    assert step(second, case, "extend").status_code == 409  # one thing at a time
    told = step(second, case, "agree").json()
    assert told["clock"]["paused_until"].startswith("2026-12-02T")
    assert deadline(desk, case) == "Wed 02 11:00"
    at(app, "2026-12-01T12:00:00")
    assert clock_of(desk, case)["light"] == "green"
    assert step(desk, case, "pause", until="2026-12-05T09:00:00+08:00").status_code == 409  # once
    at(app, "2026-12-02T11:00:01")
    assert clock_of(desk, case)["light"] == "red"


def test_an_answer_to_what_nobody_asked_is_out_of_place_and_not_forbidden(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case, second = new_case(desk, small_city), client_as("dispatcher")
    for name in ("agree", "refuse"):
        refused = step(desk, case, name)
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "nothing_asked")
        assert "chase" in refused.json()["allowed"] and name not in refused.json()["allowed"]
    assert step(client_as("unit"), case, "agree").status_code in (403, 404)  # never theirs
    assert step(desk, case, "extend").status_code == 200
    assert step(desk, case, "refuse").status_code == 403  # not by who asked
    assert step(second, case, "refuse").status_code == 200
    assert step(second, case, "refuse").status_code == 409


def test_an_extension_is_the_limit_once_more_twice_at_most_and_asked_for_in_time(
    app: FastAPI, desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case, second = new_case(desk, small_city), client_as("dispatcher")
    assert step(desk, case, "extend").status_code == 200
    assert step(second, case, "refuse").status_code == 200
    assert deadline(desk, case) == "Mon 30 10:00"
    for expected in ("Mon 30 12:00", "Mon 30 15:30"):
        assert step(desk, case, "extend").status_code == 200
        assert step(second, case, "agree").status_code == 200
        assert deadline(desk, case) == expected
    assert step(desk, case, "extend").json()["type"].endswith("extended_twice")
    other = new_case(desk, small_city)
    at(app, "2026-11-30T10:00:01")
    assert step(desk, other, "extend").json()["type"].endswith("too_late_to_extend")


def test_an_exemption_is_agreed_by_two_others_after_closing(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case = new_case(desk, small_city)
    assert step(desk, case, "exempt").status_code == 409
    assert step(desk, case, "force_close").status_code == 200
    assert step(desk, case, "exempt").status_code == 200
    one, other = client_as("dispatcher"), client_as("admin")
    assert step(one, case, "agree").json()["grace"].get("exempted") is None
    assert step(one, case, "agree").status_code == 403
    assert step(other, case, "agree").json()["grace"]["exempted"] is True
    assert step(desk, case, "exempt").status_code == 409


def test_a_limit_counts_from_the_next_start_of_its_clock(
    app: FastAPI, desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    case = new_case(desk, small_city)
    set_limit(client_as("admin"), 1, "urgent_hours")
    assert deadline(desk, case) == "Mon 30 10:00"
    app.state.clock = lambda: FRIDAY_FIVE + timedelta(minutes=10)
    assert step(desk, case, "triage").json()["clock"]["kind"] == "urgent_hours"
    assert deadline(desk, case) == "Fri 27 18:10"
