"""Fixes that are flagged or refused, each with its reason, and a worker's own track, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select, update
from starlette.testclient import TestClient

from layers.access import Role, User
from layers.db import transaction
from layers.positions import Position
from layers.workers import Worker
from tests.gis_api.conftest import ClientAs
from tests.gis_api.test_workers import near
from tests.small_city import SmallCity
from tiling.datums import from_wgs84


def fixes_of(worker: str, *told: tuple[float, tuple[float, float]]) -> dict[str, Any]:
    """A batch of one worker: seconds ago, place as sent."""
    now = datetime.now(UTC)
    return {
        "fixes": [
            {"worker": worker, "lon": at[0], "lat": at[1], "fixed_at": (now - timedelta(seconds=ago_s)).isoformat()}
            for ago_s, at in told
        ]
    }


@pytest.fixture
def own(engine: Engine, staffed: None, signed_in: ClientAs, small_city: SmallCity) -> TestClient:
    """The worker of the first grid, signed in."""
    with transaction(engine) as session:
        number = small_city.worker_of[small_city.codes[0]]
        who = select(Worker.id).where(Worker.number == number).scalar_subquery()
        session.execute(update(User).where(User.name == "worker").values(worker_id=who))
    return signed_in("worker")


def test_the_nearest_never_stands_where_a_flipped_phone_is_seen(
    desk: TestClient, small_city: SmallCity, app: FastAPI
) -> None:
    code = small_city.codes[3]
    place, worker = small_city.inside(code), small_city.worker_of[code]
    seen = from_wgs84(*place, "gcj02")
    told = desk.post("/api/v1/positions", json=fixes_of(worker, (15, place), (10, seen), (5, seen))).json()
    assert told == {
        "stored": 1,
        "late": 0,
        "refused": [{"index": 1, "reason": "datum_flipped"}, {"index": 2, "reason": "datum_flipped"}],
    }
    app.state.replicas.refresh()
    candidates = near(desk, place, limit=50, policy="nearest").json()["candidates"]
    [away_m] = [one["distance_m"] for one in candidates if one["worker"] == worker]
    assert away_m < 1
    whereabouts = desk.get("/api/v1/positions").json()["workers"]
    [found] = [(one["lon"], one["lat"]) for one in whereabouts if one["number"] == worker]
    assert found == (pytest.approx(place[0], abs=2e-5), pytest.approx(place[1], abs=2e-5))


def test_a_phone_clock_that_is_a_day_off_is_told_row_by_row(
    desk: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    one, two = (small_city.worker_of[code] for code in small_city.codes[:2])
    place = small_city.inside(small_city.codes[0])
    with transaction(engine) as session:
        session.execute(update(Position).values(fixed_at=datetime.now(UTC) - timedelta(days=2)))
    day = 86_400.0
    batch = {
        "fixes": fixes_of(one, (-day, place), (day, place))["fixes"] + fixes_of(two, (5, place), (20, place))["fixes"]
    }
    assert desk.post("/api/v1/positions", json=batch).json() == {
        "stored": 2,
        "late": 1,
        "refused": [{"index": 0, "reason": "in_the_future"}],
        "flagged": [{"index": 1, "reason": "old"}, {"index": 3, "reason": "late"}],
    }


def test_a_worker_sees_the_own_way_of_a_day(own: TestClient, small_city: SmallCity) -> None:
    lon, lat = small_city.inside(small_city.codes[0])
    number = small_city.worker_of[small_city.codes[0]]
    walk = [(20.0 - 10 * n, (lon + n * 1e-4, lat)) for n in range(3)]
    assert own.post("/api/v1/positions", json=fixes_of(number, *walk)).json()["stored"] == 1
    told = own.get("/api/v1/positions/track").json()
    assert (told["worker"], told["kept_days"]) == (number, 30)
    [part] = told["parts"][-1:]
    assert [(point["lon"], point["lat"]) for point in part["points"]] == [at for _, at in walk]
    assert part["length_m"] == told["length_m"] == pytest.approx(17.1, abs=0.2)
    yesterday = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    assert own.get("/api/v1/positions/track", params={"day": yesterday}).json()["parts"] == []


def test_nobody_else_can_ask_where_a_worker_was(
    own: TestClient, client_as: ClientAs, signed_in: ClientAs, small_city: SmallCity, engine: Engine
) -> None:
    number, place = small_city.worker_of[small_city.codes[0]], small_city.inside(small_city.codes[0])
    own.post("/api/v1/positions", json=fixes_of(number, (1, place)))
    for role in map(str, Role):
        if role != "worker":
            assert client_as(role).get("/api/v1/positions/track").status_code == 403
            assert signed_in(role).get("/api/v1/positions/track").status_code == 403
    # A key of the role is no worker, and naming one is no way in.
    assert client_as("worker").get("/api/v1/positions/track").status_code == 404
    assert (
        own.get("/api/v1/positions/track", params={"worker": small_city.worker_of[small_city.codes[1]]}).status_code
        == 422
    )
    with transaction(engine) as session:
        who = select(Worker.id).where(Worker.number == small_city.worker_of[small_city.codes[1]]).scalar_subquery()
        session.execute(update(User).where(User.name == "worker").values(worker_id=who))
    assert signed_in("worker").get("/api/v1/positions/track").json()["parts"] == []
