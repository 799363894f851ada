"""A running service on a small published city, and a real Chromium that looks at it.

    def test_something(visit):
        page = visit("planner", "/planner?plan=2")

`visit(person, path, **context)` opens a page as a signed-in person, waits until it can be used, and after the test
fails it for every error in the console and every request that left the service.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Engine

from gis_api.app import create_app
from gis_api.auth import COOKIE
from gis_api.settings import Settings
from layers.access import Role, add_user, open_sign_in
from layers.db import make_engine, transaction
from migrations import cluster as clusters
from migrations.cluster import Cluster
from tests.databases import passing_database
from tests.journeys.serving import Service, start, stop
from tests.small_city import SmallCity, load_small_city

AREA = "130273"
PASSWORD = "correct horse battery"
WEAK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
# The same browser without windows takes a fifth of the processor for each context that is opened.
WINDOWLESS, WHOLE = shutil.which("chromium-headless-shell"), shutil.which("chromium")
CHROMIUM = os.environ.get("WANGGE_CHROMIUM") or WINDOWLESS or WHOLE or "/usr/bin/chromium"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
READY = "main[data-test=ready]"
# What is expected comes in milliseconds; on a machine that runs other tests beside these it takes seconds.
expect.set_options(timeout=15_000)


@dataclass
class RunningCity:
    """The service under test: where it listens, what is stored, and a planner's way around the pages."""

    address: str
    engine: Engine
    city: SmallCity
    people: list[str] = field(default_factory=list)
    uploads: Path = Path("uploads")
    state: Any = None

    def cookie_of(self, person: str) -> str:
        with transaction(self.engine) as session:
            return open_sign_in(session, person)

    def api(self, person: str) -> httpx2.Client:
        """The interface as this person asks it."""
        headers = {"cookie": f"{COOKIE}={self.cookie_of(person)}", "origin": self.address}
        return httpx2.Client(base_url=self.address, headers=headers, timeout=30)

    def new_draft(self, person: str = "planner") -> str:
        with self.api(person) as client:
            answer = client.post("/api/v1/plans", json={"district": AREA, "based_on": "published"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@dataclass(frozen=True)
class Prepared:
    """A database that each module gets a copy of: the small city and one person of each role, named as the role."""

    url: str
    city: SmallCity
    people: list[str]


@pytest.fixture(scope="session")
def prepared(cluster: Cluster, template_url: str) -> Iterator[Prepared]:
    """The city of the pages, stored once."""
    people = [*map(str, Role), "reviewer"]
    with passing_database(cluster, template_url) as url:
        engine = make_engine(url)
        with transaction(engine) as session:
            city = load_small_city(session, 24)
            for person in people:
                role = "planner" if person == "reviewer" else person
                add_user(session, person, role=role, area=AREA, password_hash=WEAK.hash(PASSWORD))
        engine.dispose()
        yield Prepared(url, city, people)


@pytest.fixture(scope="module")
def running(cluster: Cluster, prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    """A service of this module's own, on a port that was free."""
    with passing_database(cluster, prepared.url) as url:
        yield from serving(url, prepared, tmp_path_factory.mktemp("var"))


def serving(url: str, prepared: Prepared, var: Path, **more: Any) -> Iterator[RunningCity]:
    """The service on a database in a thread of this process; `more` is for its server."""
    engine = make_engine(url)
    # This machine stands for the other systems that are told what happens.
    settings = Settings(database_url=url, var=var, poll_s=0.05, webhook_networks=(ip_network("127.0.0.0/8"),))
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", **more))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    address, people = _address_of(server), list(prepared.people)
    yield RunningCity(address, engine, prepared.city, people, settings.upload_folder, app.state)
    server.should_exit = True
    thread.join(timeout=20)
    engine.dispose()


def _address_of(server: uvicorn.Server) -> str:
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    assert server.started
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://{host}:{port}"


@pytest.fixture(scope="session")
def service() -> Iterator[Service]:
    """The demo district as a newcomer gets it, for all tests that look at the whole service: a start takes 15 s."""
    with tempfile.TemporaryDirectory(prefix="wangge-service-", ignore_cleanup_errors=True) as name:
        var = Path(name)
        var.chmod(0o755)
        started = start(var)
        yield started
        stop(started)
        clusters.stop(Cluster((var / "postgres").resolve()))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The Chromium of the system; tests that need it are skipped, and say so, where there is none."""
    if not Path(CHROMIUM).exists():
        pytest.skip("no Chromium here: install chromium or set WANGGE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Watch:
    """What went wrong on the pages of one test."""

    address: str
    faults: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def over(self, page: Page) -> None:
        page.on("console", lambda said: said.type == "error" and self.faults.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"left the service: {request.url}")

    def unexpected(self) -> list[str]:
        return [fault for fault in self.faults if not any(word in fault for word in self.expected)]


Visit = Callable[..., Page]


@pytest.fixture
def watch(running: RunningCity) -> Iterator[Watch]:
    """Faults of this test's pages; `watch.expected` names those that the test brings about itself."""
    made = Watch(running.address)
    yield made
    assert made.unexpected() == []


@pytest.fixture
def visit(running: RunningCity, chromium: Browser, watch: Watch) -> Iterator[Visit]:
    """Opens a page as a person, or as nobody where the person is None."""
    contexts: list[BrowserContext] = []

    def opened(
        person: str | None,
        path: str,
        *,
        wait_for: str = READY,
        width: int = 1440,
        height: int = 900,
        before: Callable[[BrowserContext], object] | None = None,
        timezone: str | None = None,
    ) -> Page:
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, locale="en-US", timezone_id=timezone)  # type: ignore[arg-type]
        contexts.append(context)
        if person is not None:
            context.add_cookies([{"name": COOKIE, "value": running.cookie_of(person), "url": running.address}])
        if before is not None:
            before(context)
        page = context.new_page()
        watch.over(page)
        page.goto(running.address + path)
        page.wait_for_selector(wait_for)
        return page

    yield opened
    for context in contexts:
        context.close()
