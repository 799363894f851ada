"""Categories over HTTP: added, changed, retired with a reason that whoever reports is told."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import report
from tests.small_city import SmallCity

PATH = "/api/v1/categories"


@pytest.fixture
def admin(desk: TestClient, client_as: ClientAs) -> TestClient:
    return client_as("admin")


def find(client: TestClient, code: str) -> Any:
    return next((one for one in client.get(PATH).json()["categories"] if one["code"] == code), None)


def test_a_retired_category_is_refused_with_its_reason_and_its_cases_go_on(
    admin: TestClient, desk: TestClient, small_city: SmallCity
) -> None:
    place = small_city.inside(small_city.codes[3])
    case = report(desk, place).json()
    retired = admin.patch(f"{PATH}/sanitation", json={"retired": "并入市容"})
    assert (retired.status_code, retired.json()["retired"]) == (200, "并入市容")
    assert find(desk, "sanitation")["retired"] == "并入市容"
    for answer in (
        report(desk, place, description="new"),
        desk.post("/api/v1/incidents?dry_run=true", json={"lon": place[0], "lat": place[1], "category": "sanitation"}),
    ):
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:wangge:problem:category_retired")
        assert "并入市容" in answer.json()["detail"]
        assert answer.json()["errors"][0]["loc"] == ["category"]
    assert desk.get("/api/v1/incidents", params={"category": "sanitation"}).json()["incidents"][0]["id"] == case["id"]
    lon, lat = small_city.inside(small_city.codes[4])
    steps = f"/api/v1/incidents/{case['id']}/steps"
    assert desk.post(steps, json={"step": "correct_place", "lon": lon, "lat": lat}).status_code == 200
    assert desk.post(steps, json={"step": "reassign"}).status_code == 200
    admin.patch(f"{PATH}/sanitation", json={"retired": None})
    assert report(desk, place, description="again").status_code == 201


def test_a_category_is_added_and_changed(admin: TestClient, desk: TestClient, small_city: SmallCity) -> None:
    new = {"code": "drone", "name": "无人机", "name_en": "Drones", "unit": "police", "urgency": "high"}
    assert admin.post(PATH, json=new).status_code == 201
    assert admin.post(PATH, json=new).json()["type"] == "urn:wangge:problem:category_taken"
    assert report(desk, small_city.inside(small_city.codes[0]), category="drone").status_code == 201
    changed = admin.patch(f"{PATH}/drone", json={"name": "低空", "unit": None, "urgency": "low"}).json()
    assert (changed["name"], changed["unit"], changed["urgency"], changed["retired"]) == ("低空", None, "low", None)
    assert find(desk, "drone")["name"] == "低空"


@pytest.mark.parametrize(
    "sent",
    [
        {"code": "Drone", "name": "x"},
        {"code": "drone", "name": " "},
        {"code": "drone", "name": "x", "unit": "nobody"},
        {"code": "drone", "name": "x", "urgency": "huge"},
        {"code": "drone", "name": "x\x00"},
        {"code": "drone"},
    ],
)
def test_a_wrong_category_is_refused(admin: TestClient, sent: dict[str, Any]) -> None:
    assert admin.post(PATH, json=sent).status_code == 422
    assert find(admin, "drone") is None


def test_an_unknown_one_is_not_found_and_an_empty_reason_refused(admin: TestClient) -> None:
    assert admin.patch(f"{PATH}/nothing", json={"retired": "x"}).status_code == 404
    assert admin.patch(f"{PATH}/sanitation", json={"retired": ""}).status_code == 422
