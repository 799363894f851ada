"""What every test may ask for: a throw-away PostGIS with all migrations, a session that is rolled back, real data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from layers.db import make_engine
from migrations import cluster as clusters
from migrations import run
from migrations.cluster import Cluster
from tests.databases import passing_cluster, passing_database

TEMPLATE = "template_wangge"
ROOT = Path(__file__).parent.parent
# Laws look for new counterexamples wherever a person runs them. What decides about a change asks the same questions
# each time: it must not fail for a reason that the change did not bring.
# A law says what is true, not how quickly: on a busy machine any example may take longer than another.
settings.register_profile("everywhere", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "everywhere")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a database, so that the quick part can leave it out; begin with the longest files.

    Where files run side by side, the one that ends last should be a short one: journeys take minutes.
    """
    for item in items:
        if "cluster" in getattr(item, "fixturenames", ()):
            item.add_marker("database")
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: "journeys" not in item.path.parts)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostGIS of this test run's own, gone afterwards."""
    with passing_cluster() as started:
        yield started


@pytest.fixture(scope="session")
def template_url(cluster: Cluster) -> str:
    """A migrated, empty database that others are copied from; nobody stays connected to it."""
    url = clusters.add_database(cluster, TEMPLATE)
    engine = make_engine(url)
    run.upgrade(engine)
    engine.dispose()
    return url


@pytest.fixture
def database_url(cluster: Cluster, template_url: str) -> Iterator[str]:
    """The address of an empty, migrated database of this one test."""
    with passing_database(cluster, template_url) as url:
        yield url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on this one test's database."""
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def shared_engine(cluster: Cluster, template_url: str) -> Iterator[Engine]:
    """An engine on one database for all tests that roll back."""
    with passing_database(cluster, template_url) as url:
        made = make_engine(url)
        yield made
        made.dispose()


@pytest.fixture
def session(shared_engine: Engine) -> Iterator[Session]:
    """A session whose transaction is rolled back after the test."""
    with shared_engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as made:
            yield made
        transaction.rollback()


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real open data; tests that need it are skipped, and say so, where it is not."""
    folder = Path(os.environ.get("WANGGE_TEST_DATA", str(ROOT.parent / "shared" / "data")))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder} (set WANGGE_TEST_DATA)")
    return folder
