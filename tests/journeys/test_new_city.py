"""A service without the demo district, as a real city starts with it: accounts, workers, the first report."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrations import cluster as clusters
from migrations.cluster import Cluster
from tests.journeys.serving import Service, start, stop
from tests.waiting import until

pytestmark = pytest.mark.slow
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def new_city() -> Iterator[Service]:
    with tempfile.TemporaryDirectory(prefix="wangge-new-city-", ignore_cleanup_errors=True) as name:
        var = Path(name)
        var.chmod(0o755)
        started = start(var, "--no-demo", "--workers", "1")
        yield started
        stop(started)
        clusters.stop(Cluster((var / "postgres").resolve()))


@pytest.fixture(scope="module")
def admin(new_city: Service) -> dict[str, str]:
    """The headers of an administrator's key, made on the command line."""
    token = new_city.run("key", "add", "setting up", "--role", "admin", "--datum", "wgs84").strip()
    headers = {"Authorization": f"Bearer {token}"}
    until(lambda: new_city.ask("/api/v1/session", **headers)[0] == 200)
    return headers


def test_the_greeting_says_how_the_first_account_is_made_and_so_it_is(new_city: Service) -> None:
    printed = new_city.printed.read_text()
    assert "There is no account yet" in printed
    [words] = re.findall(r"^  wangge (user add .*)$", printed, re.MULTILINE)
    told = new_city.run(*words.replace("NAME", "first").split())
    password = told.split()[-1]
    status, person, _ = new_city.ask("/api/v1/session", body={"name": "first", "password": password})
    assert (status, person["role"]) == (200, "admin"), person
    fresh = new_city.run("user", "password", "first").split()
    told = [word for word in fresh if len(word) == len(password)]
    assert len(told) == 1 and told[0] != password, fresh
    statuses = [
        new_city.ask("/api/v1/session", body={"name": "first", "password": one})[0] for one in (password, told[0])
    ]
    assert statuses == [401, 200]
    assert new_city.attempt("user", "password", "nobody").returncode == 1


def test_the_first_report_is_taken(new_city: Service, admin: dict[str, str]) -> None:
    categories = new_city.ask("/api/v1/categories", **admin)[1]["categories"]
    assert {"fire", "medical", "facility", "elder_care", "other"} <= {one["code"] for one in categories}
    body = {"lon": 118.18, "lat": 39.65, "category": "fire"}
    status, made, _ = new_city.ask("/api/v1/incidents", body=body, **admin, Idempotency_Key="first")
    assert (status, made["state"]) == (201, "waiting"), made


def test_an_account_of_the_command_line_is_a_worker_with_tasks(new_city: Service, admin: dict[str, str]) -> None:
    worker = {"number": "W-1", "name": "甲", "role": "grid_worker", "area": "130273"}
    assert new_city.ask("/api/v1/workers", body=worker, **admin)[0] == 201
    words = ("user", "add", "jia", "--role", "worker", "--area", "130273", "--worker")
    assert "no active worker W-2" in new_city.attempt(*words, "W-2").stderr
    new_city.run(*words, "W-1")
    status, told, _ = new_city.ask("/api/v1/users/jia", **admin)
    assert (status, told["worker"]) == (200, "W-1")


def test_what_the_command_line_did_stands_in_the_history(new_city: Service, admin: dict[str, str]) -> None:
    new_city.run("key", "add", "passing", "--role", "leader", "--area", "130273")
    new_city.run("key", "revoke", "passing")
    assert new_city.attempt("key", "revoke", "passing").returncode == 1
    entries = new_city.ask("/api/v1/history", **admin)[1]["entries"]
    told = {(one["action"], one["subject"], one["actor"]) for one in entries}
    assert ("add_key", "key:setting up", "wangge key add") in told
    assert ("add_key", "key:passing", "wangge key add") in told
    assert ("revoke_key", "key:passing", "wangge key revoke") in told
    assert ("add_user", "user:jia", "wangge user add") in told
