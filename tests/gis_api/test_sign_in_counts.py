"""Guesses are counted once for all processes of the service, within a file of fixed size."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.settings import Settings
from gis_api.sign_in_counts import SIZE, MissCounts
from tests.gis_api.test_two_processes import api_process

FREE = 10


@pytest.fixture
def processes(database_url: str, tmp_path: Path) -> Iterator[list[httpx2.Client]]:
    """Two API processes of one service: one database, one folder."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(api_process(database_url, tmp_path)) for _ in range(2)]


def guess(client: httpx2.Client, name: str) -> int:
    # A connection of its own, as whoever races opens them.
    with httpx2.Client(base_url=client.base_url, timeout=30) as own:
        return own.post("/api/v1/session", json={"name": name, "password": "wrong"}).status_code


def test_two_processes_give_no_more_attempts_than_one(processes: list[httpx2.Client]) -> None:
    asked = [guess(processes[number % 2], "planner") for number in range(2 * FREE)]
    assert asked == [401] * FREE + [429] * FREE
    # The counts say who has to wait, turns who is one too many at once: a few at a time, so that all have a turn.
    with ThreadPoolExecutor(8) as pool:
        raced = Counter(pool.map(lambda number: guess(processes[number % 2], "leader"), range(4 * FREE)))
    assert raced == {401: FREE, 429: 3 * FREE}


def test_a_process_that_is_started_again_forgets_no_guess(database_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=database_url, var=tmp_path, sign_ins_per_minute=2)
    for expected in ([401, 401, 429], [429, 429, 429]):
        with TestClient(create_app(settings)) as client:
            sent = {"name": "planner", "password": "wrong"}
            assert [client.post("/api/v1/session", json=sent).status_code for _ in range(3)] == expected


def test_however_many_names_are_tried_the_file_keeps_its_size_and_whoever_missed_most(tmp_path: Path) -> None:
    counts = MissCounts(tmp_path / "new" / "counts")
    with counts.hold_table() as table:
        table.put(("from", "planner", "192.0.2.1/32"), 11, time.monotonic())
        for number in range(60_000):
            table.put(("name", f"n{number}"), 1, time.monotonic())
    with MissCounts(tmp_path / "new" / "counts").hold_table() as table:
        assert table.find(("from", "planner", "192.0.2.1/32"))[0] == 11
        assert table.find(("name", "never")) == (0, 0.0)
    file = tmp_path / "new" / "counts"
    assert file.stat().st_size == SIZE < 600_000 and file.stat().st_mode & 0o077 == 0
    assert b"planner" not in file.read_bytes()


def test_where_there_can_be_no_file_a_process_counts_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    counts = MissCounts(tmp_path / "file" / "counts")
    with counts.hold_table() as table:
        table.put(("name", "planner"), 3, 1.0)
    with counts.hold_table() as table:
        assert table.find(("name", "planner")) == (3, 1.0)


def test_what_was_counted_before_the_machine_started_anew_is_forgotten(tmp_path: Path, database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, var=tmp_path))
    with MissCounts(tmp_path / "sign_ins.counts").hold_table() as table:
        for key in (("from", "planner", "testclient"), ("name", "planner"), ("network", "testclient")):
            table.put(key, 1_000, time.monotonic() + 1e6)
    with TestClient(app) as client:
        assert client.post("/api/v1/session", json={"name": "planner", "password": "x"}).status_code == 401
