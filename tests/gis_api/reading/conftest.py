"""One running service for all tests of this folder, which only read: a database per test would cost a second each.

The same fixtures as those of the folder above; keys are made once per role and area.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from gis_api.app import create_app
from gis_api.fast_locate import Service
from gis_api.settings import Settings
from layers.db import make_engine
from migrations.cluster import Cluster
from tests.databases import passing_database
from tests.gis_api.conftest import AREA, ClientAs, Prepared, client_of_key, client_of_person
from tests.gis_api.contract import TruthfulClient


@pytest.fixture(scope="session")
def database_url(cluster: Cluster, prepared: Prepared) -> Iterator[str]:
    """The address of this folder's copy of the small city."""
    with passing_database(cluster, prepared.url) as url:
        yield url


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on this folder's database."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of this folder's service."""
    folder: Path = tmp_path_factory.mktemp("var")
    return Settings(database_url=database_url, var=folder)


@pytest.fixture(scope="session")
def app(settings: Settings) -> Service:
    """This folder's service."""
    return create_app(settings)


@pytest.fixture(scope="session")
def anybody(app: Service) -> Iterator[TestClient]:
    """A client without key or cookie."""
    with TruthfulClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="session")
def client_as(app: Service, anybody: TestClient, engine: Engine) -> ClientAs:
    """Clients with a key, one per role, area and datum."""

    @cache
    def made(role: str, *, area: str = AREA, datum: str | None = "wgs84") -> TestClient:
        return client_of_key(app, anybody, engine, role=role, area=area, datum=datum)

    return made


@pytest.fixture(scope="session")
def signed_in(app: Service, anybody: TestClient, engine: Engine) -> ClientAs:
    """Clients with a person's cookie, one per person."""

    @cache
    def made(person: str) -> TestClient:
        return client_of_person(app, anybody, engine, person=person)

    return made
