"""Looking on while others draw: events over several processes, from any version on, until one may no longer listen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Engine, text

from gis_api.auth import COOKIE
from gis_api.live import broadcast, presence, stream
from gis_api.live import hub as hubs
from layers.access import open_sign_in
from layers.db import transaction
from tests.gis_api.listening import WAIT_S, Listener, Served, served
from tests.plan_desk import PLANS, inner_vertex
from tests.ports import free_port
from tests.small_city import SmallCity
from tests.waiting import until


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds for people is tested in tenths."""
    monkeypatch.setattr(hubs, "POLL_S", 0.1)
    monkeypatch.setattr(broadcast, "CHECK_EVERY_S", 0.2)
    monkeypatch.setattr(hubs, "REPEATED_EVERY_S", 0.3)
    monkeypatch.setattr(stream, "BEAT_S", 0.2)
    monkeypatch.setattr(presence, "FORGOTTEN_AFTER_S", 1.5)


@pytest.fixture
def one(database_url: str, engine: Engine, tmp_path: Path) -> Iterator[Served]:
    with served(database_url, engine, tmp_path / "one") as running:
        yield running


@pytest.fixture
def other(database_url: str, engine: Engine, tmp_path: Path) -> Iterator[Served]:
    """A second process on the same database."""
    with served(database_url, engine, tmp_path / "other") as running:
        yield running


class Drawer:
    """A person who edits one draft over HTTP."""

    def __init__(self, client: httpx2.Client, plan: str, version: int = 1) -> None:
        self.client, self.plan, self.version = client, plan, version
        self.path = f"{PLANS}/{plan}"

    def post(self, door: str, body: Any = None, *, key: str | None = None, version: int | None = None) -> Any:
        headers = {"If-Match": f'"{version or self.version}"', **({"Idempotency-Key": key} if key else {})}
        answer = self.client.post(f"{self.path}/{door}", json=body, headers=headers)
        if answer.status_code == 200:
            self.version = answer.json()["version"]
        return answer

    def rename(self, code: str, name: str, **more: Any) -> Any:
        return self.post("edits", {"op": "set", "code": code, "name": name}, **more)

    def listen(self, served_by: Served, person: str, query: str = "", **headers: str) -> Listener:
        client = served_by.client(person)
        return Listener(client, f"{self.path}/live{query}", headers).start()


@pytest.fixture
def drawer(one: Served, small_city: SmallCity) -> Drawer:
    client = one.client("planner")
    made = client.post(PLANS, json={"district": small_city.district, "based_on": "published"})
    assert made.status_code == 201, made.text
    return Drawer(client, made.json()["id"])


def code_of(small_city: SmallCity) -> str:
    return min(code for code in small_city.codes if len(code) == 15)


def test_an_edit_reaches_listeners_of_every_process_with_the_grids_that_changed(
    one: Served, other: Served, drawer: Drawer, small_city: SmallCity
) -> None:
    near, far = drawer.listen(one, "reviewer"), drawer.listen(other, "reviewer", "?tab=two")
    assert near.wait("hello") == {"version": 1, "state": "draft"}
    lon, lat = inner_vertex(small_city)
    moved = drawer.post("edits", {"op": "move_vertex", "from": [lon, lat], "to": [lon + 2e-6, lat + 2e-6]}).json()
    for listener in (near, far):
        told = listener.wait("edited")
        assert (told["since"], told["version"], told["op"], told["by"]) == (1, 2, "move_vertex", "planner")
        assert told["changed"] == sorted(moved["changed"], key=lambda feature: feature["properties"]["code"])
        assert told["removed"] == [] and told["lines"][0]["codes"] == sorted(f["id"] for f in moved["changed"])
        assert listener.ids == ["2"]
    assert near.answer is not None and near.answer.headers["cache-control"] == "no-store"
    assert near.answer.headers["x-accel-buffering"] == "no"
    assert near.answer.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in near.answer.headers


@pytest.mark.alone
def test_an_edit_is_heard_in_another_process_within_a_second(
    one: Served, other: Served, drawer: Drawer, small_city: SmallCity
) -> None:
    far = drawer.listen(other, "reviewer")
    far.wait("hello")
    waits = []
    for number in range(10):
        drawer.rename(code_of(small_city), f"name {number}")
        began_s = time.monotonic()
        far.wait("edited", number=number + 1)
        waits.append(time.monotonic() - began_s)
    assert sorted(waits)[len(waits) // 2] < 1.0


def test_without_notifications_the_poll_tells_all_the_same(
    one: Served, other: Served, drawer: Drawer, small_city: SmallCity
) -> None:
    other.app.state.replicas.stop()  # nobody listens to PostgreSQL there any more
    far = drawer.listen(other, "reviewer")
    far.wait("hello")
    drawer.rename(code_of(small_city), "another")
    assert far.wait("edited")["version"] == 2


def test_whoever_comes_back_is_told_in_one_event_what_was_missed(
    one: Served, drawer: Drawer, small_city: SmallCity
) -> None:
    codes = [code for code in small_city.codes if len(code) == 15][:3]
    for code in codes:
        drawer.rename(code, "renamed")
    drawer.post("undo")
    by_query = drawer.listen(one, "reviewer", "?since=2").wait("edited")
    by_header = drawer.listen(one, "reviewer", "?since=1", **{"Last-Event-ID": "4"}).wait("edited")
    assert (by_query["since"], by_query["version"]) == (2, 5)
    assert [(line["version"], line["action"]) for line in by_query["lines"]] == [(3, "edit"), (4, "edit"), (5, "undo")]
    assert {feature["id"] for feature in by_query["changed"]} == {codes[1], codes[2]}
    now = {feature["id"]: feature["properties"]["name"] for feature in by_query["changed"]}
    assert now[codes[1]] == "renamed" and now[codes[2]] != "renamed"
    assert [line["version"] for line in by_header["lines"]] == [5]


def test_a_version_that_left_no_line_means_load_anew(
    one: Served, drawer: Drawer, small_city: SmallCity, engine: Engine
) -> None:
    drawer.rename(code_of(small_city), "one")
    with engine.begin() as connection:
        connection.execute(text("UPDATE plans SET version = 9 WHERE id = :id"), {"id": int(drawer.plan)})
    assert drawer.listen(one, "reviewer", "?since=1").wait("reload") == {"version": 9, "state": "draft"}
    assert drawer.client.get(f"{drawer.path}/events", params={"since": 1}).json()["whole"] is False


def test_a_turn_of_the_plan_is_told_as_a_state(one: Served, other: Served, drawer: Drawer) -> None:
    far = drawer.listen(other, "reviewer")
    far.wait("hello")
    report = drawer.client.get(f"{drawer.path}/coverage").json()
    kinds = sorted({defect["kind"] for defect in report["defects"]} | set(warnings_of(drawer)))
    submitted = drawer.post("submit", {"acknowledged": kinds})
    assert submitted.status_code == 200, submitted.text
    told = far.wait("state")
    assert (told["state"], told["version"], told["by"], told["action"]) == ("submitted", 2, "planner", "submit")
    drawer.post("withdraw", version=2)
    assert far.wait("state", number=2)["state"] == "draft"


def warnings_of(drawer: Drawer) -> list[str]:
    """What a submission asks to be acknowledged beside the report's warnings."""
    refused = drawer.post("submit", {"acknowledged": []})
    if refused.status_code == 200:
        drawer.post("withdraw")
        return []
    return [error["msg"] for error in refused.json().get("errors", [])]


def test_listeners_outlive_a_database_that_throws_everybody_out(
    one: Served, drawer: Drawer, small_city: SmallCity, engine: Engine
) -> None:
    listener = drawer.listen(one, "reviewer")
    listener.wait("hello")
    with engine.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    until(lambda: drawer.rename(code_of(small_city), "another").status_code == 200, most_s=WAIT_S)
    assert listener.wait("edited")["version"] == 2
    assert not listener.ended


def test_an_edit_that_is_undone_is_told_with_whose_it_was(one: Served, drawer: Drawer, small_city: SmallCity) -> None:
    listener = drawer.listen(one, "reviewer")
    drawer.rename(code_of(small_city), "another")
    second = Drawer(one.client("reviewer"), drawer.plan, version=2)
    second.post("undo")
    until(lambda: listener.ids[-1:] == ["3"], most_s=WAIT_S)
    line = listener.named("edited")[-1]["lines"][-1]
    assert (line["action"], line["op"], line["by"], line["author"]) == ("undo", "set", "reviewer", "planner")


def test_people_see_each_other_over_processes_and_what_they_do(one: Served, other: Served, drawer: Drawer) -> None:
    near = drawer.listen(one, "planner", "?tab=mine")
    far = drawer.listen(other, "reviewer", "?tab=theirs")
    until(lambda: near.named("here") and len(near.named("here")[-1]["people"]) == 2, most_s=WAIT_S)
    assert [who["person"] for who in near.named("here")[-1]["people"]] == ["planner", "reviewer"]
    doing = {"grids": ["130273001001001"], "tool": "split", "at": [118.1, 39.6]}
    told = other.client("reviewer").post(f"{drawer.path}/here", json={"tab": "theirs", "doing": doing})
    assert told.status_code == 204
    until(lambda: near.named("here")[-1]["people"][1]["doing"] == doing, most_s=WAIT_S)
    far.client.close()
    until(lambda: len(near.named("here")[-1]["people"]) == 1, most_s=WAIT_S)


def test_who_is_not_heard_of_any_more_has_gone(one: Served, drawer: Drawer, engine: Engine) -> None:
    near = drawer.listen(one, "planner", "?tab=mine")
    near.wait("here")
    ghost = f'{{"plan": {drawer.plan}, "here": [{{"person": "ghost", "tab": "x"}}]}}'
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_notify('wangge_plan', :told)"), {"told": ghost})
    until(lambda: len(near.named("here")[-1]["people"]) == 2, most_s=WAIT_S)
    until(lambda: len(near.named("here")[-1]["people"]) == 1, most_s=WAIT_S)


def test_a_stream_holds_no_database_connection(one: Served, drawer: Drawer) -> None:
    listeners = [drawer.listen(one, person, f"?tab=t{n}") for n in range(4) for person in ("planner", "reviewer")]
    for listener in listeners:
        listener.wait("hello")
    until(lambda: one.app.state.engine.pool.checkedout() == 0, most_s=WAIT_S)
    assert one.app.state.hub.streams == 8


def test_a_quiet_stream_is_kept_alive_by_comments(one: Served, drawer: Drawer) -> None:
    listener = drawer.listen(one, "planner")
    until(lambda: listener.comments >= 2, most_s=WAIT_S)


def test_one_window_too_many_is_told_429(one: Served, drawer: Drawer) -> None:
    listeners = [drawer.listen(one, "planner", f"?tab=t{n}") for n in range(broadcast.MOST_PER_PERSON)]
    for listener in listeners:
        listener.wait("hello")
    refused = drawer.client.get(f"{drawer.path}/live")
    assert refused.status_code == 429 and refused.headers["retry-after"] == "5"


def test_a_reader_who_takes_nothing_in_is_dropped() -> None:
    listener = stream.Stream(stream.Visitor(None, "t", lambda: None))  # type: ignore[arg-type]
    for number in range(stream.MOST_WAITING + 3):
        listener.put(b"data: %d\n\n" % number)
    assert listener.ended_for == "slow"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM sign_ins",
        "UPDATE users SET role = 'leader' WHERE name = 'reviewer'",
        "UPDATE users SET active = false WHERE name = 'reviewer'",
        "UPDATE users SET area = '440300' WHERE name = 'reviewer'",
    ],
)
def test_a_stream_ends_with_the_right_to_listen(one: Served, drawer: Drawer, engine: Engine, change: str) -> None:
    listener = drawer.listen(one, "reviewer")
    listener.wait("hello")
    with engine.begin() as connection:
        connection.execute(text(change))
    until(lambda: listener.ended, most_s=WAIT_S)
    assert listener.named("over")


def test_nobody_listens_to_a_plan_of_another_area(one: Served, drawer: Drawer, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET area = '440300' WHERE name = 'reviewer'"))
    foreign = one.client("reviewer")
    for path in ("live", "events?since=1"):
        assert foreign.get(f"{drawer.path}/{path}").status_code == 404
    assert foreign.post(f"{drawer.path}/here", json={"tab": "t"}).status_code == 404
    assert foreign.get(f"{PLANS}/999999/live").status_code == 404


def test_a_planner_of_one_street_hears_of_its_grids_only(
    one: Served, drawer: Drawer, engine: Engine, small_city: SmallCity
) -> None:
    codes = sorted(code for code in small_city.codes if len(code) == 15)
    area = codes[0][:12]
    away = next(code for code in codes if not code.startswith(area))
    with engine.begin() as connection:
        connection.execute(text("UPDATE users SET area = :area WHERE name = 'reviewer'"), {"area": area})
    listener = drawer.listen(one, "reviewer")
    listener.wait("hello")
    drawer.rename(away, "not theirs")
    drawer.rename(codes[0], "theirs")
    until(lambda: listener.ids[-1:] == ["3"], most_s=WAIT_S)
    changed = [feature["id"] for told in listener.named("edited") for feature in told["changed"]]
    assert changed == [codes[0]]
    assert not any(code.startswith(away) for told in listener.named("edited") for code in told["lines"][0]["codes"])
    doing = {"grids": [away], "tool": "split", "at": [118.1, 39.6]}
    one.client("planner").post(f"{drawer.path}/here", json={"tab": "t", "doing": doing})
    until(lambda: _doing(listener, "planner", "t") == {"tool": "split"}, most_s=WAIT_S)


def _doing(listener: Listener, person: str, tab: str) -> Any:
    """What a listener was told last that somebody does in a window."""
    people = listener.named("here")[-1]["people"]
    return next((who["doing"] for who in people if (who["person"], who["tab"]) == (person, tab)), None)


@pytest.mark.alone
def test_a_stopping_server_does_not_wait_for_listeners(database_url: str, engine: Engine, tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "WANGGE_DATABASE_URL": database_url, "WANGGE_VAR": str(tmp_path)}
    command = [sys.executable, "-m", "uvicorn", "gis_api.app:create_app", "--factory", "--port", str(port)]
    process = subprocess.Popen([*command, "--log-level", "warning"], env=environment)
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: answers(address), most_s=60)
        with transaction(engine) as session:
            headers = {"cookie": f"{COOKIE}={open_sign_in(session, 'planner')}", "origin": address}
        client = httpx2.Client(base_url=address, headers=headers, timeout=30)
        plan = client.post(PLANS, json={"district": "130273", "based_on": "published"}).json()["id"]
        listener = Listener(client, f"{PLANS}/{plan}/live").start()
        listener.wait("hello")
        began_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert time.monotonic() - began_s < 4.0
        until(lambda: listener.ended, most_s=WAIT_S)
    finally:
        process.kill()
        process.wait()


def answers(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False
