"""The running service, as `script/serve` starts it: the demo district, crashes, an absent database, a clean end."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from migrations import cluster as clusters
from migrations.cluster import Cluster
from tests.journeys.serving import ROOT, Service, start, stop
from tests.ports import free_port
from tests.waiting import until

pytestmark = pytest.mark.slow
# Something has been started again, or has noticed that something else was.
RECOVERED_S = 20.0
ROLES = ("planner", "reviewer", "dispatcher", "leader", "worker", "unit", "admin", "auditor")


@pytest.fixture(scope="module")
def key(service: Service) -> dict[str, str]:
    """The headers of a dispatching system's key."""
    words = ("key", "add", "dispatch", "--role", "dispatcher", "--area", "130273", "--datum", "wgs84")
    token = service.run(*words).strip()
    headers = {"Authorization": f"Bearer {token}"}
    until(lambda: service.ask("/api/v1/session", **headers)[0] == 200, most_s=RECOVERED_S)
    return headers


@pytest.fixture(scope="module")
def place(service: Service, key: dict[str, str]) -> tuple[float, float, str]:
    """A position inside a sub-grid of the demo district, and its grid's code."""
    features = service.ask("/api/v1/grids?limit=400", **key)[1]["features"]
    ring = next(f for f in features if f["properties"]["level"] == "sub_grid")["geometry"]["coordinates"][0][0]
    lon = sum(point[0] for point in ring[:-1]) / (len(ring) - 1)
    lat = sum(point[1] for point in ring[:-1]) / (len(ring) - 1)
    found = service.ask(f"/api/v1/locate?lon={lon}&lat={lat}", **key)[1]
    return lon, lat, found["grid"]["code"]


def test_it_prints_its_pages_and_a_password_for_each_demo_role(service: Service) -> None:
    printed = service.printed.read_text()
    assert service.address in printed
    for name in ROLES:
        assert re.search(rf"^\s+{name}\s.*{re.escape(service.passwords[name])}", printed, re.MULTILINE)


def test_the_passwords_are_readable_by_the_operator_only(service: Service) -> None:
    assert (service.var / "demo-passwords.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ROLES)
def test_each_demo_person_signs_in_and_has_a_home(service: Service, name: str) -> None:
    cookie = service.sign_in(name)
    status, page, _ = service.ask("/", Cookie=cookie)
    assert status == 200
    # A dispatcher works at the centre; everybody else has cards.
    assert (b"centre-incidents" if name == "dispatcher" else b"data-card") in page


def test_the_demo_district_has_its_figures(service: Service) -> None:
    cookie = service.sign_in("leader")
    total = service.ask("/api/v1/figures?area=130273", Cookie=cookie)[1]["total"]
    assert total["grids"] == 784
    assert 23_500 <= total["households"] <= 24_500


def test_a_report_finds_a_worker_or_waits_with_a_reason(
    service: Service, key: dict[str, str], place: tuple[float, float, str]
) -> None:
    lon, lat, grid = place
    body = {"lon": lon, "lat": lat, "category": "facility", "description": "井盖破损"}
    status, made, _ = service.ask("/api/v1/incidents", body=body, **key, Idempotency_Key="journey-1")
    assert status == 201
    assert made["location"]["grid"]["code"] == grid
    assert made["state"] == "dispatched" or made["state"] == "waiting"
    again, same, _ = service.ask("/api/v1/incidents", body=body, **key, Idempotency_Key="journey-1")
    assert (again, same["id"], same["replayed"]) == (200, made["id"], True)


def test_no_answer_waits_for_the_client_s_delayed_acknowledgement(service: Service, key: dict[str, str]) -> None:
    """40 ms of nothing on a kept-alive connection, where the answer's head and body are two packets."""
    link = http.client.HTTPConnection("127.0.0.1", service.port)
    took_s = []
    for _ in range(21):
        began_s = time.perf_counter()
        link.request("GET", "/api/v1/session", headers=key)
        answer = link.getresponse()
        answer.read()
        took_s.append(time.perf_counter() - began_s)
        assert answer.status == 200
    link.close()
    assert statistics.median(took_s) < 0.030


def list_api_processes(service: Service) -> list[int]:
    """The process ids of those that answer, the longest running first."""
    found = processes_below(service.process.pid)
    return [pid for pid, words in found if "uvicorn" in words]


def processes_below(parent: int) -> list[tuple[int, str]]:
    """The children of a process with their command lines."""
    asked = ["ps", "--sort=start_time", "-o", "pid=,args=", "--ppid", str(parent)]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    return [(int(line.split()[0]), line) for line in lines]


def spare_is_loaded(service: Service) -> bool:
    """Whether the spare waits for its turn: it has opened all that it will, and does nothing."""
    [pid] = [pid for pid, words in processes_below(service.process.pid) if "gis_api.spare" in words] or [0]
    return pid != 0 and "pipe" in (Path("/proc") / str(pid) / "wchan").read_text()


@pytest.mark.alone
def test_a_killed_api_process_serves_again_within_three_seconds(
    service: Service, key: dict[str, str], place: tuple[float, float, str]
) -> None:
    question, located = (f"/api/v1/{asked}?lon={place[0]}&lat={place[1]}" for asked in ("workers/nearest", "locate"))
    until(lambda: len(answering(service, question, key)) == 2, most_s=60.0)
    until((service.var / "roster.wangge").exists)
    until(lambda: spare_is_loaded(service), most_s=180.0)
    before, pids = answering(service, question, key), list_api_processes(service)
    assert len(pids) == 2
    kept = [http.client.HTTPConnection("127.0.0.1", service.port, timeout=5) for _ in range(16)]
    for link in kept:
        link.request("GET", "/healthz")
        link.getresponse().read()
    os.kill(pids[0], signal.SIGKILL)
    # What it held is known to be broken at once (a time-out would fail here), the others go on.
    for link in kept:
        has_answer(link)
    assert service.ask("/healthz")[0] == 200
    began_s = time.monotonic()
    with link_to_new_process(service, located, key, before) as link:
        took_s = time.monotonic() - began_s
        # Who is near is known from the kept roster, not only when the present one has been read.
        link.request("GET", question, headers=key)
        near = link.getresponse()
        told, near_s = near.read(), time.monotonic() - began_s
    assert (near.status, process_of(near.headers) in before) == (200, False)
    print(f"lookups after {took_s:.1f} s, nearest after {near_s:.1f} s")
    assert json.loads(told)["candidates"] or json.loads(told)["rejected"]
    until(lambda: len(answering(service, question, key) - before) == 1, most_s=RECOVERED_S)
    assert took_s < 3.0 and near_s < 3.0
    assert len(list_api_processes(service)) == 2
    assert "starting it again" in service.printed.read_text()


def has_answer(link: http.client.HTTPConnection) -> bool:
    """Whether a connection that was kept answers, or is broken: never neither of them."""
    try:
        link.request("GET", "/healthz")
        return link.getresponse().read() != b""
    except (ConnectionError, http.client.RemoteDisconnected):
        return False
    finally:
        link.close()


def test_a_process_that_is_told_to_end_loses_no_request(service: Service, key: dict[str, str]) -> None:
    """Eight clients ask on connections that they keep while one process after the other is told to end."""
    until(lambda: spare_is_loaded(service), most_s=180.0)
    ended, lost, answered = threading.Event(), [], []

    def ask_on() -> None:
        link = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
        while not ended.is_set():
            try:
                link.request("GET", "/api/v1/session", headers=key)
                answer = link.getresponse()
                answer.read()
                answered.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                lost.append(repr(error))
                link.close()

    with ThreadPoolExecutor(8) as clients:
        asking = [clients.submit(ask_on) for _ in range(8)]
        try:
            for pid in list_api_processes(service):
                time.sleep(1.0)
                os.kill(pid, signal.SIGTERM)
                until(lambda pid=pid: pid not in list_api_processes(service), most_s=RECOVERED_S)
        finally:
            ended.set()
        for one in asking:
            one.result()
    assert lost == []
    assert len(answered) > 100 and set(answered) == {200}
    until(lambda: len(list_api_processes(service)) == 2, most_s=RECOVERED_S)


@contextmanager
def kept_down(cluster: Cluster) -> Iterator[None]:
    """PostgreSQL stopped, and its start held up: the service starts it again as soon as it may."""
    with (cluster.folder / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        clusters.stop(cluster)
        yield


def process_of(headers: http.client.HTTPMessage) -> str:
    """The process that answered: an id of a request begins with what names it."""
    return str(headers["X-Request-Id"]).split("-")[0]


@contextmanager
def link_to_new_process(
    service: Service, question: str, key: dict[str, str], before: set[str]
) -> Iterator[http.client.HTTPConnection]:
    """A connection that a process took which was not there before; every answer on the way to it is 200."""
    ends_s = time.monotonic() + RECOVERED_S
    while time.monotonic() < ends_s:
        with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=RECOVERED_S)) as link:
            link.request("GET", question, headers=key)
            answer = link.getresponse()
            answer.read()
            assert answer.status == 200
            if process_of(answer.headers) not in before:
                yield link
                return
    pytest.fail(f"no new process within {RECOVERED_S} s")


def answering(service: Service, question: str, key: dict[str, str]) -> set[str]:
    """The processes that answer a question; none where one of forty answers is a refusal.

    An id of a request begins with what names its process; which of them takes a connection is chance.
    """
    answers = [service.ask(question, **key) for _ in range(40)]
    known = all(status == 200 for status, _, _ in answers)
    return {process_of(headers) for _, _, headers in answers} if known else set()


def test_lookups_go_on_while_the_database_is_down(
    service: Service, key: dict[str, str], place: tuple[float, float, str]
) -> None:
    lon, lat, grid = place
    question = f"/api/v1/locate?lon={lon}&lat={lat}"
    nearby = f"/api/v1/workers/nearest?lon={lon}&lat={lat}"
    # Both processes have read who is on duty, also the one that was just started again.
    until(lambda: len(answering(service, nearby, key)) == 2, most_s=60.0)
    lines = len(service.printed.read_text().splitlines())
    with kept_down(service.cluster):
        status, found, _ = service.ask(question, **key)
        assert (status, found["grid"]["code"]) == (200, grid)
        assert until(lambda: service.ask(question, **key)[1]["stale"] is True) < 10
        assert service.ask(nearby, **key)[0] == 200
        body = {"lon": lon, "lat": lat, "category": "facility"}
        status, problem, headers = service.ask("/api/v1/incidents", body=body, **key, Idempotency_Key="down")
        assert (status, problem["status"]) == (503, 503)
        assert int(headers["Retry-After"]) > 0
        until(lambda: service.ask("/readyz")[1]["status"] == "reads only")
        ready, told, _ = service.ask("/readyz")
        assert (ready, told["reads"], told["writes"]) == (200, True, False)
        assert {service.ask("/api/v1/categories", **key)[0] for _ in range(100)} == {503}
    until(lambda: service.ask(question, **key)[1]["stale"] is False, most_s=RECOVERED_S)
    # As a client does that was told to come back: the other process may need its Retry-After once more.
    until(
        lambda: service.ask("/api/v1/incidents", body=body, **key, Idempotency_Key="down")[0] == 201, most_s=RECOVERED_S
    )
    # Each part of the service says when it began and when it is over, the doors a line every ten seconds.
    told_lines = service.printed.read_text().splitlines()[lines:]
    assert 0 < len(told_lines) < 40, told_lines


def test_a_crashed_database_is_started_again(service: Service, key: dict[str, str]) -> None:
    pid = int((service.cluster.data / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    until(lambda: "PostgreSQL has crashed; starting it again" in service.printed.read_text(), most_s=RECOVERED_S)
    until(lambda: service.ask("/api/v1/areas", **key)[0] == 200, most_s=30)


def server_pid(service: Service) -> int:
    return int((service.cluster.data / "postmaster.pid").read_text().split()[0])


@pytest.mark.parametrize("more", [(), ("--tls", "missing.pem", "missing.key")], ids=["plain", "no certificate"])
def test_a_second_service_on_the_folder_ends_and_leaves_the_first_one_alone(
    service: Service, key: dict[str, str], more: tuple[str, ...]
) -> None:
    before = server_pid(service)
    done = service.attempt("serve", "--port", str(free_port()), *more)
    assert done.returncode != 0
    told = done.stderr.strip()
    assert (
        "\n" not in told and ("missing.pem" if more else f"process {service.process.pid} at {service.address}") in told
    )
    assert server_pid(service) == before
    assert service.ask("/api/v1/categories", **key)[0] == 200


def test_commands_beside_a_service_leave_its_postgresql_running(service: Service, key: dict[str, str]) -> None:
    before = server_pid(service)
    service.run("migrate")
    assert service.attempt("demo").returncode == 1  # there is a district already
    assert service.attempt("import", "areas", "missing.gpkg").returncode == 1
    assert server_pid(service) == before
    assert service.ask("/api/v1/categories", **key)[0] == 200


def test_a_stopped_database_is_started_again_whoever_stopped_it(service: Service, key: dict[str, str]) -> None:
    before = server_pid(service)
    clusters.stop(service.cluster)
    until(lambda: "PostgreSQL was stopped; starting it again" in service.printed.read_text(), most_s=RECOVERED_S)
    until(lambda: service.ask("/api/v1/categories", **key)[0] == 200, most_s=RECOVERED_S)
    until(lambda: service.ask("/readyz")[1]["writes"], most_s=RECOVERED_S)
    assert server_pid(service) != before


def test_explain_tells_how_an_answer_came_about(service: Service, place: tuple[float, float, str]) -> None:
    lon, lat, grid = place
    told = service.run("explain", str(lon), str(lat))
    assert "inside" in told
    assert grid in told


def test_it_ends_cleanly_and_starts_again_within_seconds(service: Service) -> None:
    stop(service)
    assert service.process.returncode == 0
    assert not service.cluster.running
    again = start(service.var)
    assert again.started_s < 30
    assert again.passwords == service.passwords
    service.process, service.port, service.printed = again.process, again.port, again.printed


def test_the_ten_lines_of_the_readme_ask_and_report(service: Service, key: dict[str, str]) -> None:
    readme = (ROOT / "README.md").read_text()
    [lines] = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    [command] = re.findall(r"^wangge (key add gateway [^#]+)", readme, re.MULTILINE)
    token = service.run(*command.split()).strip()
    until(lambda: service.ask("/api/v1/session", Authorization=f"Bearer {token}")[0] == 200, most_s=RECOVERED_S)
    program = f"KEY = {token!r}\n" + lines.replace("http://127.0.0.1:8000", service.address)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    grid, near, state, steps = done.stdout.splitlines()
    assert "'code': '130273" in grid and "'distance_m'" in near
    assert state.split()[0] in ("dispatched", "waiting") and steps.startswith("[")
    again = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert again.returncode == 0 and again.stdout.splitlines()[2] == state
