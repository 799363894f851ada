"""The short run of `script/fuzz`: whatever is sent, no 500, and every answer is one that the API document names."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from tests.gis_api.conftest import ClientAs
from tests.gis_api.duty import put_on_duty, report
from tests.gis_api.fuzzing import Fuzzer
from tests.plan_desk import Draft
from tests.small_city import SmallCity

EACH = 12
# Streams do not end, and what is opened with a password has tests of its own (each try takes a third of a second).
LEFT_OUT = ("/live", "/session", "/users")


def known_things(engine: Engine, client: TestClient, planner: TestClient, city: SmallCity) -> dict[str, list[str]]:
    """Ids that exist, so that not every request ends at the door."""
    put_on_duty(engine)
    case = report(client, city.inside(city.codes[0])).json()["id"]
    draft = Draft(planner, city.district)
    return {
        "plan_id": [str(city.plan_id), str(draft.id)],
        "incident_id": [case],
        "number": list(city.worker_of.values()),
        "assignment_id": ["1", "2"],
        "name": ["grids", "hazards", "areas"],
        "year": ["2026"],
        "z": ["14"],
        "x": ["13567"],
        "y": ["6200"],
    }


@pytest.mark.parametrize("seed", [1])
def test_no_request_made_from_the_document_breaks_the_service_or_its_document(
    engine: Engine, client_as: ClientAs, signed_in: Any, small_city: SmallCity, seed: int
) -> None:
    admin, planner = client_as("admin"), signed_in("planner")
    known = known_things(engine, client_as("dispatcher"), planner, small_city)
    document = admin.get("/api/v1/openapi.json").json()
    tried: dict[int, int] = {}
    for attempt in Fuzzer(document, seed=seed, known=known).attempts(each=EACH, leave_out=LEFT_OUT):
        answer = admin.request(attempt.method, attempt.path, content=attempt.body, headers=attempt.headers)
        assert answer.status_code < 500, (attempt, answer.status_code, answer.text)
        tried[answer.status_code] = tried.get(answer.status_code, 0) + 1
    # Not everything ended at the door: many were answered, many refused for what they asked.
    assert tried[200] > 40 and tried[422] > 200 and sum(tried.values()) > 800, tried
