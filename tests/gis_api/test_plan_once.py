"""An edit with a key is made once, however often it is sent: also where its answer got lost on the way."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, select

from layers.chronicle import PlanEvent
from layers.db import transaction
from tests.gis_api.listening import WAIT_S, Served, served
from tests.gis_api.test_plan_live import Drawer
from tests.plan_desk import PLANS
from tests.small_city import SmallCity
from tests.waiting import until


@pytest.fixture
def one(database_url: str, engine: Engine, tmp_path: Path) -> Iterator[Served]:
    with served(database_url, engine, tmp_path / "one") as running:
        yield running


@pytest.fixture
def drawer(one: Served, small_city: SmallCity) -> Drawer:
    client = one.client("planner")
    made = client.post(PLANS, json={"district": small_city.district, "based_on": "published"})
    return Drawer(client, made.json()["id"])


@pytest.fixture
def code(small_city: SmallCity) -> str:
    return min(code for code in small_city.codes if len(code) == 15)


def made_edits(engine: Engine, drawer: Drawer) -> int:
    with transaction(engine) as session:
        return len(session.scalars(select(PlanEvent.version).where(PlanEvent.plan_id == int(drawer.plan))).all())


def test_the_same_key_again_changes_nothing_and_tells_the_plan_as_it_is(
    drawer: Drawer, code: str, engine: Engine
) -> None:
    first = drawer.rename(code, "one", key="k1", version=1)
    again = drawer.rename(code, "one", key="k1", version=1)
    assert (first.status_code, again.status_code) == (200, 200)
    told, replayed = first.json(), again.json()
    for name in ("version", "op", "by", "changed", "removed"):
        assert replayed[name] == told[name], name
    assert {name: replayed["report"][name] for name in told["report"]} == told["report"]
    assert replayed["replayed"] is True and replayed["made_version"] == 2 and again.headers["etag"] == '"2"'
    assert made_edits(engine, drawer) == 1


def test_after_others_have_gone_on_the_answer_brings_the_client_all_the_way(
    drawer: Drawer, small_city: SmallCity
) -> None:
    mine, theirs = sorted(code for code in small_city.codes if len(code) == 15)[:2]
    drawer.rename(mine, "mine", key="k1", version=1)
    drawer.rename(theirs, "theirs")
    replayed = drawer.rename(mine, "mine", key="k1", version=1).json()
    assert (replayed["version"], replayed["made_version"]) == (3, 2)
    assert {feature["id"]: feature["properties"]["name"] for feature in replayed["changed"]} == {
        mine: "mine",
        theirs: "theirs",
    }


def test_a_key_serves_one_body_and_one_person(drawer: Drawer, code: str, one: Served) -> None:
    drawer.rename(code, "one", key="k1")
    other_body = drawer.rename(code, "two", key="k1")
    assert other_body.status_code == 422 and other_body.json()["type"].endswith("key_used_with_another_body")
    somebody = Drawer(one.client("reviewer"), drawer.plan, version=2)
    assert somebody.rename(code, "one", key="k1").status_code == 422
    assert drawer.rename(code, "three", key="x" * 201).status_code == 422


def test_a_refused_edit_leaves_its_key_free(drawer: Drawer, code: str) -> None:
    assert drawer.rename(code, "one", key="k1", version=7).status_code == 412
    assert drawer.rename(code, "one", key="k1", version=1).json()["version"] == 2


@pytest.mark.parametrize("door", ["undo", "redo"])
def test_an_undo_that_is_sent_twice_takes_back_one_edit(drawer: Drawer, code: str, door: str) -> None:
    drawer.rename(code, "one")
    drawer.rename(code, "two")
    if door == "redo":
        drawer.post("undo")
        drawer.post("undo")
    version = drawer.version
    first = drawer.post(door, key="u1", version=version)
    again = drawer.post(door, key="u1", version=version)
    assert again.status_code == 200 and again.json()["replayed"]
    assert again.json()["version"] == first.json()["version"] == version + 1


def test_of_many_at_once_with_one_key_one_makes_the_edit(
    drawer: Drawer, code: str, one: Served, engine: Engine
) -> None:
    answers: list[Any] = []
    gate = threading.Barrier(6)

    def send() -> None:
        sender = Drawer(one.client("planner"), drawer.plan)
        gate.wait()
        answers.append(sender.rename(code, "one", key="k1", version=1))

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200] * 6
    assert sum("replayed" not in answer.json() for answer in answers) == 1
    assert made_edits(engine, drawer) == 1


def test_an_answer_that_is_cut_off_on_the_way_is_found_out(
    drawer: Drawer, code: str, one: Served, engine: Engine
) -> None:
    """The request arrives whole; the client is gone before the answer does."""
    parts = urlsplit(one.address)
    body = f'{{"op":"set","code":"{code}","name":"one"}}'.encode()
    head = (
        f"POST {drawer.path}/edits HTTP/1.1\r\nHost: {parts.netloc}\r\nCookie: {drawer.client.headers['cookie']}\r\n"
        f'Origin: {one.address}\r\nIf-Match: "1"\r\nIdempotency-Key: cut\r\nContent-Type: application/json\r\n'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((str(parts.hostname), int(parts.port or 0))) as line:
        line.sendall(head.encode() + body)
        time.sleep(0.005)
    until(lambda: made_edits(engine, drawer) == 1, most_s=WAIT_S)
    answer = drawer.client.post(
        f"{drawer.path}/edits",
        content=body,
        headers={"If-Match": '"1"', "Idempotency-Key": "cut", "Content-Type": "application/json"},
    )
    assert answer.status_code == 200 and answer.json()["replayed"] and answer.json()["version"] == 2
    assert made_edits(engine, drawer) == 1


def test_a_key_of_more_than_200_characters_is_refused(drawer: Drawer, code: str, engine: Engine) -> None:
    answer = drawer.rename(code, "one", key="k" * 201, version=1)
    assert answer.status_code == 422 and answer.json()["type"].endswith(":wrong_idempotency_key")
    assert made_edits(engine, drawer) == 0
