"""The service over HTTP, on a database of the test's own with a small published city.

    def test_something(client_as, small_city):
        answer = client_as("dispatcher").get("/api/v1/locate", params={"lon": 118.1, "lat": 39.6})

`client_as(role, area=…, datum=…)` has a machine key, `signed_in(role)` a person's cookie, `anybody` neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Engine, make_url
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.auth import COOKIE
from gis_api.settings import Settings
from layers.access import Role, User, add_key, add_user, open_sign_in
from layers.db import make_engine, transaction
from migrations import cluster as clusters
from migrations.cluster import Cluster
from tests.databases import passing_database
from tests.gis_api.contract import TruthfulClient
from tests.gis_api.duty import put_on_duty
from tests.plan_desk import Draft
from tests.small_city import SmallCity, load_small_city

AREA = "130273"
ClientAs = Callable[..., TestClient]
# As weak as argon2 goes: these passwords guard nothing.
WEAK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))


@dataclass(frozen=True)
class Prepared:
    """A database that each test gets a copy of."""

    url: str
    city: SmallCity
    passwords: dict[str, str]


@pytest.fixture(scope="session")
def prepared(cluster: Cluster, template_url: str) -> Prepared:
    """The template: the small city and one person of each role, named as the role."""
    template = str(make_url(template_url).database)
    url = clusters.add_database(cluster, "template_small_city", template=template)
    engine = make_engine(url)
    passwords = {str(role): f"correct horse {role}" for role in Role}
    passwords["reviewer"] = "correct horse reviewer"
    with transaction(engine) as session:
        city = load_small_city(session)
        for person, password in passwords.items():
            role = "planner" if person == "reviewer" else person
            add_user(session, person, role=role, area=AREA, password_hash=WEAK.hash(password))
    engine.dispose()
    return Prepared(url, city, passwords)


@pytest.fixture
def database_url(cluster: Cluster, prepared: Prepared) -> Iterator[str]:
    """The address of this one test's copy of the small city."""
    with passing_database(cluster, prepared.url) as url:
        yield url


@pytest.fixture
def small_city(prepared: Prepared) -> SmallCity:
    """What is stored in every test's database."""
    return prepared.city


@pytest.fixture
def people(prepared: Prepared) -> dict[str, str]:
    """The password of each person by name: one per role, and `reviewer`, a second planner."""
    return prepared.passwords


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The settings of this one test's service."""
    # Tests that move the service's clock say themselves when overdue assignments are looked at.
    return Settings(database_url=database_url, var=tmp_path, poll_s=0.05, timeouts_every_s=0)


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The service, not yet started; any client of this module starts it."""
    return create_app(settings)


@pytest.fixture
def anybody(app: FastAPI) -> Iterator[TestClient]:
    """A client without key or cookie; the service runs as long as the test."""
    with TruthfulClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client_as(app: FastAPI, anybody: TestClient, engine: Engine) -> ClientAs:
    """Makes clients with a machine key of a role: `client_as("planner", area="130273")`."""

    def made(role: str, *, area: str = AREA, datum: str | None = "wgs84") -> TestClient:
        return client_of_key(app, anybody, engine, role=role, area=area, datum=datum)

    return made


@pytest.fixture
def signed_in(app: FastAPI, anybody: TestClient, engine: Engine) -> ClientAs:
    """Makes clients with a person's cookie: `signed_in("planner")`; `area=` moves the person there."""

    def made(person: str, *, area: str | None = None) -> TestClient:
        return client_of_person(app, anybody, engine, person=person, area=area)

    return made


@pytest.fixture
def planner(signed_in: ClientAs) -> TestClient:
    """Who draws plans."""
    return signed_in("planner")


@pytest.fixture
def reviewer(signed_in: ClientAs) -> TestClient:
    """A second planner, who publishes what the first one drew."""
    return signed_in("reviewer")


@pytest.fixture
def draft(planner: TestClient, small_city: SmallCity) -> Draft:
    """A draft of the small city's plan in force."""
    return Draft(planner, small_city.district)


def client_of_key(
    app: FastAPI, started: TestClient, engine: Engine, *, role: str, area: str, datum: str | None
) -> TestClient:
    """A client with a new key, known to the running service."""
    with transaction(engine) as session:
        token = add_key(session, f"{role} {uuid4().hex[:8]}", role=role, area=area, datum=datum)
    app.state.replicas.refresh()
    return _sibling(app, started, {"authorization": f"Bearer {token}"})


def client_of_person(
    app: FastAPI, started: TestClient, engine: Engine, *, person: str, area: str | None = None
) -> TestClient:
    """A client with a new session of a person, who is moved to another area where one is given."""
    with transaction(engine) as session:
        if area is not None:
            session.get_one(User, person).area = area
        token = open_sign_in(session, person)
    return _sibling(app, started, {"cookie": f"{COOKIE}={token}"})


def _sibling(app: FastAPI, started: TestClient, headers: dict[str, str]) -> TestClient:
    """A client of the same running service, with headers of its own."""
    client = TruthfulClient(app, headers=headers, raise_server_exceptions=False)
    client.portal = started.portal
    return client


@pytest.fixture
def staffed(engine: Engine) -> None:
    """Everybody on duty before the service starts, so that it knows them from the beginning."""
    put_on_duty(engine)


@pytest.fixture
def desk(staffed: None, client_as: ClientAs) -> TestClient:
    """A dispatcher of a city with everybody on duty."""
    return client_as("dispatcher")
