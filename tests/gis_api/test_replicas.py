"""A running process learns of publications, keys and charges by itself."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, text
from sqlalchemy.dialects.postgresql import Range
from starlette.testclient import TestClient

from gis_api.replicas.following import ROSTER_PAUSE_S
from layers.access import add_key
from layers.candidates import Roster, moment
from layers.db import transaction
from layers.plans import Plan, Publication
from layers.workers import Worker
from tests.gis_api.conftest import AREA, ClientAs
from tests.small_city import SmallCity
from tests.waiting import until

COPY = text("""
    INSERT INTO grids (plan_id, code, level, parent_code, name, kind, exclusive, households, buildings, area_m2, geom)
    SELECT :new, code, level, parent_code, 'new ' || name, kind, exclusive, households, buildings, area_m2, geom
    FROM grids WHERE plan_id = :old
""")


def publish_again(engine: Engine, city: SmallCity, *, at: datetime, version: int = 2) -> None:
    """Another plan of the same shapes, in force from a moment on."""
    with transaction(engine) as session:
        old = session.query(Plan).filter_by(district=city.district, plan_version=version - 1).one()
        assert old.in_force is not None
        old.in_force = Range(old.in_force.lower, at)
        session.flush()
        new = Plan(district=city.district, state="published", plan_version=version, frame=old.frame, created_by="x")
        new.in_force = Range(at, None)
        session.add(new)
        session.flush()
        session.execute(COPY, {"new": new.id, "old": city.plan_id})
        session.add(Publication(district=city.district, plan_id=new.id, plan_version=version, effective_at=at))
        session.execute(text("NOTIFY wangge_publication"))


@pytest.mark.alone
def test_a_publication_is_answered_from_within_a_second(
    client_as: ClientAs, engine: Engine, small_city: SmallCity
) -> None:
    client = client_as("dispatcher")
    lon, lat = small_city.inside(small_city.codes[0])
    address = f"/api/v1/locate?lon={lon!r}&lat={lat!r}"
    assert client.get(address).json()["plan_version"] == 1
    publish_again(engine, small_city, at=datetime.now(UTC) - timedelta(seconds=1))
    assert until(lambda: client.get(address).json()["plan_version"] == 2) < 3.0, "1 s on a machine of its own"
    told = client.get(address).json()
    assert told["grid"]["name"].startswith("new ") and told["index_version"] == 2
    assert client.post("/api/v1/locate", json={"lon": [lon], "lat": [lat]}).json()["plan_versions"] == {AREA: 2}


def test_a_scheduled_plan_takes_over_at_its_moment_and_not_before(
    client_as: ClientAs, app: FastAPI, engine: Engine, small_city: SmallCity
) -> None:
    client = client_as("dispatcher")
    lon, lat = small_city.inside(small_city.codes[0])
    address = f"/api/v1/locate?lon={lon!r}&lat={lat!r}"
    effective_at = datetime.now(UTC) + timedelta(seconds=4)
    publish_again(engine, small_city, at=effective_at)
    app.state.replicas.refresh()
    assert len(app.state.replicas.state.atlas.editions) == 2, "the new plan is loaded before it is needed"
    while datetime.now(UTC) < effective_at - timedelta(seconds=0.1):
        asked_at, version = datetime.now(UTC), client.get(address).json()["plan_version"]
        if datetime.now(UTC) < effective_at:
            assert version == 1, f"asked at {asked_at}"
        time.sleep(0.05)
    until(lambda: datetime.now(UTC) >= effective_at)
    assert client.get(address).json()["plan_version"] == 2
    assert client.get(f"{address}&accuracy_m=1").json()["plan_version"] == 2


def test_a_new_key_and_a_new_name_are_known_soon(anybody: TestClient, engine: Engine, small_city: SmallCity) -> None:
    with transaction(engine) as session:
        token = add_key(session, "late", role="dispatcher", area=AREA, datum="wgs84")
    headers = {"authorization": f"Bearer {token}"}
    lon, lat = small_city.inside(small_city.codes[0])
    address = f"/api/v1/locate?lon={lon!r}&lat={lat!r}"
    until(lambda: anybody.get(address, headers=headers).status_code == 200)
    with transaction(engine) as session:
        session.query(Worker).update({"name": "another"})
    until(lambda: anybody.get(address, headers=headers).json()["responsible"][0]["name"] == "another")


def test_however_many_positions_arrive_the_roster_is_read_once_a_second(
    client_as: ClientAs, app: FastAPI, small_city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = client_as("dispatcher")
    numbers = sorted(small_city.worker_of.values())
    lon, lat = small_city.inside(small_city.codes[0])
    read: list[float] = []
    load = Roster.load

    def counting(*args: Any, **more: Any) -> Roster:
        read.append(time.monotonic())
        return load(*args, **more)

    monkeypatch.setattr(Roster, "load", counting)
    began = time.monotonic()
    while time.monotonic() - began < 3.0:
        at = datetime.now(UTC).isoformat()
        fixes = [{"worker": number, "lon": lon, "lat": lat, "fixed_at": at} for number in numbers]
        assert desk.post("/api/v1/positions", json={"fixes": fixes}).json()["stored"] == len(numbers)
    seconds = time.monotonic() - began
    assert 1 <= len(read) <= seconds / ROSTER_PAUSE_S + 2
    until(lambda: _has_fix_of(app, datetime.fromisoformat(at)), most_s=5.0)


def _has_fix_of(app: FastAPI, at: datetime) -> bool:
    """Whether this process knows of fixes of that moment."""
    roster = app.state.replicas.state.roster
    return any((district.fixed_at == moment(at)).any() for district in roster.districts.values())


LISTENING = text("""
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND query LIKE 'LISTEN%'
""")


@pytest.mark.alone
def test_publications_are_known_within_a_second_while_every_connection_that_listens_is_ended(
    client_as: ClientAs, engine: Engine, small_city: SmallCity
) -> None:
    client = client_as("dispatcher")
    lon, lat = small_city.inside(small_city.codes[0])
    address = f"/api/v1/locate?lon={lon!r}&lat={lat!r}"
    ended, enough = 0, threading.Event()

    def end_all() -> None:
        nonlocal ended
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not enough.wait(0.02):
                ended += connection.scalar(LISTENING)

    ending = threading.Thread(target=end_all)
    ending.start()
    waited, version = [], 1
    try:
        while ended < 100 and version < 200:
            version += 1
            publish_again(engine, small_city, at=datetime.now(UTC), version=version)
            waited.append(until(lambda: client.get(address).json()["plan_version"] == version, most_s=5.0))  # noqa: B023
    finally:
        enough.set()
        ending.join()
    assert ended >= 100
    waited.sort()
    median, slowest = waited[len(waited) // 2], waited[-max(1, len(waited) // 100)]
    print(f"{ended} ended, {len(waited)} publications: median {median:.2f} s, 99 % within {slowest:.2f} s")
    assert slowest < 1.0
