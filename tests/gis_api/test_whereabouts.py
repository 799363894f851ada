"""Where everybody on duty is: for desks, of their area, from memory."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.gis_api.conftest import ClientAs
from tests.small_city import SmallCity


def test_a_desk_sees_everybody_on_duty_of_its_area(
    desk: TestClient, client_as: ClientAs, small_city: SmallCity
) -> None:
    told = desk.get("/api/v1/positions").json()
    numbers = {one["number"] for one in told["workers"]}
    assert set(small_city.worker_of.values()) <= numbers
    assert {one["freshness"] for one in told["workers"]} == {"fresh"}
    assert told["stale"] is False
    part = small_city.codes[0][:12]
    few = client_as("dispatcher", area=part).get("/api/v1/positions").json()["workers"]
    assert 0 < len(few) < len(told["workers"])
    assert all(one["grid"].startswith(part) for one in few)
    assert client_as("dispatcher", area=part).get("/api/v1/positions", params={"area": "110101"}).status_code == 403
    narrowed = desk.get("/api/v1/positions", params={"area": part}).json()["workers"]
    assert narrowed == few
