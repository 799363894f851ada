"""Signing in under fire: few passwords at a time, and whoever guesses keeps nobody out but themselves."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from gis_api import auth
from gis_api.app import create_app
from gis_api.auth import BROWSER_COOKIE
from gis_api.errors import Problem
from gis_api.hashing import NICENESS, Hashing
from gis_api.settings import Settings
from gis_api.sign_ins import AT_ONCE, MOST_PAUSED, MOST_WAITING, PAUSE_S, Turns, network_of
from tests.loops import run_apart

ATTACKER, OFFICE, HOME = "203.0.113.9", "198.51.100.7", "192.0.2.33"


def client_from(app: FastAPI, started: TestClient, address: str, **headers: str) -> TestClient:
    """Somebody at an address."""
    client = TestClient(app, raise_server_exceptions=False, client=(address, 40_000), headers=headers)
    client.portal = started.portal
    return client


def status_of(client: TestClient, name: str, password: str) -> int:
    return client.post("/api/v1/session", json={"name": name, "password": password}).status_code


def test_a_guesser_locks_out_nobody_who_comes_from_elsewhere(
    app: FastAPI, anybody: TestClient, people: dict[str, str]
) -> None:
    guesser = client_from(app, anybody, ATTACKER)
    assert [status_of(guesser, "planner", "wrong") for _ in range(14)] == [401] * 10 + [429] * 4
    assert status_of(client_from(app, anybody, HOME), "planner", people["planner"]) == 200


def test_a_guesser_locks_out_no_colleague_behind_the_same_address(
    app: FastAPI, anybody: TestClient, people: dict[str, str]
) -> None:
    guesser = client_from(app, anybody, OFFICE)
    for name in people.keys() - {"leader", "auditor"}:
        assert {status_of(guesser, name, "wrong") for _ in range(10)} <= {401, 429}
    assert status_of(client_from(app, anybody, OFFICE), "leader", people["leader"]) == 200
    mistyping = client_from(app, anybody, OFFICE)
    assert [status_of(mistyping, "auditor", "wrong") for _ in range(5)] == [401, 401, 401, 429, 429]


def test_a_name_guessed_from_everywhere_still_gets_in(
    app: FastAPI, anybody: TestClient, people: dict[str, str]
) -> None:
    for number in range(1, 40):
        guesser = client_from(app, anybody, f"203.0.113.{number}")
        for _ in range(3):
            assert status_of(guesser, "planner", "wrong") in (401, 429)
    assert status_of(client_from(app, anybody, HOME), "planner", people["planner"]) == 200


def test_the_wait_grows_with_each_miss(app: FastAPI, anybody: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    guesser, late_s = client_from(app, anybody, ATTACKER), 0.0
    monotonic = time.monotonic
    monkeypatch.setattr("gis_api.sign_ins.time.monotonic", lambda: monotonic() + late_s)
    for _ in range(10):
        status_of(guesser, "planner", "wrong")
    waits = []
    for _ in range(7):
        told = guesser.post("/api/v1/session", json={"name": "planner", "password": "wrong"})
        waits.append(int(told.headers["retry-after"]))
        late_s += waits[-1] + 1
        assert status_of(guesser, "planner", "wrong") == 401
    assert all(after >= 1.9 * before for before, after in pairwise(waits[:-1])), waits
    assert waits[-1] <= 900


def test_a_browser_known_for_the_person_passes_and_no_other(
    app: FastAPI, anybody: TestClient, people: dict[str, str], client_as: Any
) -> None:
    at_work = client_from(app, anybody, OFFICE)
    assert status_of(at_work, "planner", people["planner"]) == 200
    browser = at_work.cookies[BROWSER_COOKIE]
    guesser = client_from(app, anybody, OFFICE)
    for name in ("planner", "leader"):
        assert [status_of(guesser, name, "wrong") for _ in range(11)][-1] == 429
    known = client_from(app, anybody, OFFICE, cookie=f"{BROWSER_COOKIE}={browser}")
    assert status_of(known, "leader", people["leader"]) == 429, "the browser is known for the planner only"
    assert status_of(known, "planner", people["planner"]) == 200
    made_up = client_from(app, anybody, OFFICE, cookie=f"{BROWSER_COOKIE}=made-up")
    assert status_of(made_up, "planner", people["planner"]) == 429
    # Whoever guesses in a known browser is slowed down like anybody else, and a new password knows no browser.
    assert [status_of(known, "planner", "wrong") for _ in range(11)][-1] == 429
    client_as("admin").patch("/api/v1/users/planner", json={"password": "another long one"})
    assert status_of(client_from(app, anybody, OFFICE, cookie=f"{BROWSER_COOKIE}={browser}"), "planner", "x") == 429


@pytest.mark.parametrize(("proxies", "passes"), [((), False), (("10.0.0.0/8",), True)])
def test_an_address_told_by_nobody_trusted_is_not_believed(
    database_url: str, tmp_path: Path, proxies: tuple[str, ...], passes: bool
) -> None:
    app = create_app(Settings(database_url=database_url, var=tmp_path, trusted_proxies=proxies))
    with TestClient(app, client=("10.1.2.3", 40_000), raise_server_exceptions=False) as client:
        statuses = [
            client.post(
                "/api/v1/session",
                json={"name": "planner", "password": "wrong"},
                headers={"X-Forwarded-For": f"203.0.113.{number}"},
            ).status_code
            for number in range(12)
        ]
    assert (429 not in statuses) == passes


def test_two_passwords_are_worked_out_at_once_and_the_rest_wait_or_come_back(
    app: FastAPI, anybody: TestClient, people: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, now, most = auth.PASSWORDS.verify, 0, 0
    lock = threading.Lock()

    def counted(*given: Any) -> bool:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        try:
            return verify(*given)
        finally:
            with lock:
                now -= 1

    monkeypatch.setattr(auth.PASSWORDS, "verify", counted)
    statuses: list[int] = []

    def guess(number: int) -> None:
        statuses.append(status_of(client_from(app, anybody, f"203.0.113.{number % 200}"), f"n{number}", "wrong"))

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(guess, range(80)))
    assert most == AT_ONCE
    assert set(statuses) == {401, 429} and statuses.count(401) >= AT_ONCE + MOST_WAITING
    assert status_of(client_from(app, anybody, HOME), "leader", people["leader"]) == 200


def test_the_known_and_the_patient_go_before_those_who_miss() -> None:
    order: list[int] = []

    async def one(turns: Turns, rank: int) -> None:
        try:
            async with turns.take_turn((rank,)):
                order.append(rank)
                await asyncio.sleep(0.01)
        except Problem as busy:
            assert busy.status_code == 429
            order.append(-rank)

    async def all_of_them() -> None:
        turns = Turns(1, 3)
        await asyncio.gather(*(one(turns, rank) for rank in (5, 9, 7, 8, 1, 2)))

    run_apart(all_of_them())
    assert [rank for rank in order if rank > 0] == [5, 1, 2, 7]
    assert sorted(rank for rank in order if rank < 0) == [-9, -8]


def test_who_is_sent_away_hears_it_after_a_pause_and_a_crowd_at_once() -> None:
    async def sent_away(turns: Turns) -> float:
        began_s = time.monotonic()
        with pytest.raises(Problem, match="429"):
            await _once(turns)
        return time.monotonic() - began_s

    async def story() -> list[float]:
        turns = Turns(1, 0)
        async with turns.take_turn((0,)):
            return await asyncio.gather(*(sent_away(turns) for _ in range(MOST_PAUSED + 3)))

    waits_s = run_apart(story())
    assert sum(wait_s >= PAUSE_S for wait_s in waits_s) == MOST_PAUSED
    assert sum(wait_s < PAUSE_S for wait_s in waits_s) == 3


def test_a_guesser_of_one_name_is_held_back_as_well(app: FastAPI, anybody: TestClient) -> None:
    guesser = client_from(app, anybody, ATTACKER)
    for _ in range(10):
        assert status_of(guesser, "planner", "wrong") == 401
    began_s = time.monotonic()
    assert status_of(guesser, "planner", "wrong") == 429
    assert time.monotonic() - began_s >= PAUSE_S


def test_a_password_gives_way_to_everything_else() -> None:
    hashing = Hashing(AT_ONCE)
    marked: ContextVar[str] = ContextVar("marked")

    def niceness() -> tuple[int, str]:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), marked.get()

    async def story() -> list[tuple[int, str]]:
        marked.set("this request")
        return [niceness(), await hashing.run(niceness), niceness()]

    before, hashed, after = run_apart(story())
    assert before == after and hashed == (min(19, before[0] + NICENESS), "this request")
    hashing.close()


def test_whoever_goes_while_waiting_takes_no_turn_along() -> None:
    async def story() -> bool:
        turns = Turns(1, 3)
        async with turns.take_turn((0,)):
            waiting = [asyncio.create_task(_once(turns)) for _ in range(3)]
            await asyncio.sleep(0.01)
            waiting[0].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.wait_for(_once(turns), 1)
        return True

    assert run_apart(story())


async def _once(turns: Turns) -> None:
    async with turns.take_turn((1,)):
        await asyncio.sleep(0)


@given(st.ip_addresses(v=6))
def test_a_subscribers_whole_network_is_one(address: Any) -> None:
    assert network_of(str(address)).endswith(("/64", "/32"))


def test_an_address_of_either_spelling_is_one() -> None:
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1/32"
    assert network_of("fe80::1%eth0") == "fe80::/64"
    assert network_of("testclient") == "testclient"
