"""Every route × every role: the expected table, what the doors say, and what really happens ([A1]).

A new route fails here until it is written into the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from gis_api.app import ROUTERS
from layers.access import Role
from tests.gis_api.conftest import ClientAs

ALL = "planner dispatcher leader worker unit admin auditor"
JUDGING = "dispatcher leader worker unit admin auditor"
# "public" needs no key and no cookie; a page shows the sign-in, or says 403, by itself.
EXPECTED: dict[str, str] = {
    "POST /api/v1/session": "public",
    "GET /api/v1/session": ALL,
    "DELETE /api/v1/session": ALL,
    "PUT /api/v1/session/password": ALL,
    "GET /healthz": "public",
    "GET /readyz": "public",
    "GET /metrics": "public",
    "GET /": "public",
    "GET /planner": "public",
    "GET /heat": "public",
    "GET /figures": "public",
    "GET /api/v1/evaluation": JUDGING,
    "GET /api/v1/evaluation.xlsx": JUDGING,
    "GET /api/v1/evaluation.pdf": JUDGING,
    "POST /api/v1/evaluation/bulletins": "leader admin",
    "GET /api/v1/evaluation/{figure}/incidents": JUDGING,
    "GET /grid/{code}": "public",
    "GET /centre": "public",
    "GET /report": "public",
    "GET /worker": "public",
    "GET /worker.js": "public",
    "GET /worker.webmanifest": "public",
    "GET /incidents/{incident_id}": "public",
    "GET /api/v1/positions": "dispatcher admin",
    "GET /api/v1/positions/track": "worker",
    "GET /plans": "public",
    "GET /plans/{plan_id}": "public",
    "GET /plans/{plan_id}/diff": "public",
    "GET /plans/{plan_id}/rebase": "public",
    "GET /plans/{plan_id}/replay": "public",
    "GET /plans/{plan_id}/certificate": "public",
    "GET /plans/{plan_id}/certificate.pdf": "public",
    "GET /language": "public",
    "GET /api/v1/docs": "public",
    "GET /api/v1/locate": "planner dispatcher leader worker admin",
    "POST /api/v1/locate": "planner dispatcher leader worker admin",
    "GET /api/v1/areas": ALL,
    "GET /api/v1/grids": ALL,
    "GET /api/v1/buildings": ALL,
    "GET /api/v1/components": ALL,
    "GET /api/v1/hazards": "planner dispatcher worker unit admin auditor",
    "GET /api/v1/devices": "dispatcher worker admin",
    "GET /api/v1/heat": ALL,
    "GET /api/v1/heat/spots": ALL,
    "GET /api/v1/figures": ALL,
    "GET /api/v1/releases": ALL,
    "GET /api/v1/search": "planner dispatcher leader worker admin",
    "GET /tiles/{name}/{z}/{x}/{y}.mvt": ALL,
    "GET /tiles/{name}.json": ALL,
    "GET /api/v1/users": "admin",
    "POST /api/v1/users": "admin",
    "GET /api/v1/users/{name:path}": "admin",
    "PATCH /api/v1/users/{name:path}": "admin",
    "GET /api/v1/keys": "admin",
    "POST /api/v1/keys": "admin",
    "DELETE /api/v1/keys/{name:path}": "admin",
    "GET /api/v1/history": "admin auditor",
    "GET /api/v1/history/chain": "admin auditor",
    "GET /api/v1/workers/nearest": "dispatcher leader admin",
    "GET /api/v1/workers": "planner dispatcher leader admin auditor",
    "POST /api/v1/workers": "planner dispatcher admin",
    "GET /api/v1/workers/{number}": "planner dispatcher leader admin auditor",
    "PATCH /api/v1/workers/{number}": "planner dispatcher admin",
    "GET /api/v1/workers/{number}/leaving": "planner dispatcher admin",
    "POST /api/v1/workers/{number}/leaving": "admin",
    "GET /api/v1/on-duty": "planner dispatcher leader admin auditor",
    "GET /api/v1/shifts": "planner dispatcher leader admin auditor",
    "POST /api/v1/shifts": "planner dispatcher admin",
    "GET /api/v1/shifts/templates": "planner dispatcher leader admin auditor",
    "POST /api/v1/shifts/templates": "planner dispatcher admin",
    "GET /api/v1/shifts/exceptions": "planner dispatcher leader admin auditor",
    "POST /api/v1/shifts/exceptions": "planner dispatcher admin",
    "DELETE /api/v1/shifts/templates/{template_id}": "planner dispatcher admin",
    "DELETE /api/v1/shifts/exceptions/{exception_id}": "planner dispatcher admin",
    "POST /api/v1/shifts/import": "planner dispatcher admin",
    "GET /rosters": "public",
    "GET /api/v1/on-duty/gaps": "planner dispatcher leader admin auditor",
    "PUT /api/v1/on-duty/cover/{area}": "planner admin",
    "GET /api/v1/assignments": "planner dispatcher leader admin auditor",
    "POST /api/v1/assignments": "planner admin",
    "PATCH /api/v1/assignments/{assignment_id}": "planner admin",
    "POST /api/v1/positions": "dispatcher worker admin",
    "POST /api/v1/incidents": "dispatcher worker admin",
    "GET /api/v1/incidents": "dispatcher worker unit admin auditor",
    "GET /api/v1/incidents/{incident_id}": "dispatcher worker unit admin auditor",
    "POST /api/v1/incidents/{incident_id}/steps": "dispatcher worker unit admin",
    "POST /api/v1/incidents/{incident_id}/photos": "dispatcher worker unit admin",
    "GET /api/v1/incidents/{incident_id}/photos": "dispatcher worker unit admin auditor",
    "GET /api/v1/incidents/{incident_id}/photos/{photo_id}": "dispatcher worker unit admin auditor",
    "GET /api/v1/incidents/{incident_id}/duplicates": "dispatcher worker unit admin auditor",
    "GET /api/v1/incidents/{incident_id}/decision": "dispatcher worker unit admin auditor",
    "GET /api/v1/incidents/{incident_id}/decision/way": "dispatcher admin",
    "POST /api/v1/incidents/{incident_id}/decision/replay": "dispatcher worker unit admin auditor",
    "GET /api/v1/categories": ALL,
    "POST /api/v1/categories": "admin",
    "PATCH /api/v1/categories/{code}": "admin",
    "PUT /api/v1/categories/{code}/clocks/{level}/{step}": "admin",
    "GET /api/v1/calendar/{year}": ALL,
    "PUT /api/v1/calendar/{year}": "admin",
    "GET /standards": "public",
    "GET /api/v1/standards": ALL,
    "GET /api/v1/standards/{version}.xlsx": ALL,
    "POST /api/v1/standards": "admin",
    "GET /api/v1/webhooks": "admin",
    "POST /api/v1/webhooks": "admin",
    "PATCH /api/v1/webhooks/{webhook_id}": "admin",
    "DELETE /api/v1/webhooks/{webhook_id}": "admin",
    "POST /api/v1/webhooks/{webhook_id}/ping": "admin",
    "GET /api/v1/webhooks/{webhook_id}/deliveries": "admin",
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/resend": "admin",
    "POST /api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/give-up": "admin",
    "GET /api/v1/settings/dispatch": ALL,
    "PUT /api/v1/settings/dispatch": "admin",
    "GET /api/v1/check-ins": "dispatcher leader worker admin",
    "GET /api/v1/settings/run-cards": ALL,
    "PUT /api/v1/settings/run-cards": "admin",
    "GET /api/v1/emergencies": ALL,
    "PUT /api/v1/emergencies/{area}": "dispatcher admin",
    "DELETE /api/v1/emergencies/{area}": "dispatcher admin",
    "GET /api/v1/emergencies/{area}/calls": "dispatcher worker admin",
    "PUT /api/v1/emergencies/{area}/calls/{building_id}": "dispatcher worker admin",
    "GET /api/v1/plans": "planner admin",
    "POST /api/v1/plans": "planner admin",
    "GET /api/v1/plans/{plan_id}": "planner admin",
    "GET /api/v1/plans/{plan_id}/grids": "planner admin",
    "GET /api/v1/plans/{plan_id}/blocks": "planner admin",
    "GET /api/v1/plans/{plan_id}/topology": "planner admin",
    "GET /api/v1/plans/{plan_id}/coverage": "planner admin",
    "GET /api/v1/plans/{plan_id}/diff": "planner admin",
    "POST /api/v1/plans/{plan_id}/submit": "planner admin",
    "POST /api/v1/plans/{plan_id}/withdraw": "planner admin",
    "POST /api/v1/plans/{plan_id}/return": "planner admin",
    "POST /api/v1/plans/{plan_id}/publish": "planner admin",
    "POST /api/v1/plans/{plan_id}/archive": "planner admin",
    "GET /api/v1/plans/{plan_id}/rebase": "planner admin",
    "POST /api/v1/plans/{plan_id}/redone": "planner admin",
    "GET /api/v1/plans/{plan_id}/certificate": "planner admin",
    "GET /api/v1/plans/{plan_id}/successors": "planner admin",
    "PUT /api/v1/plans/{plan_id}/successors": "planner admin",
    "GET /api/v1/plans/{plan_id}/handover": "planner admin",
    "GET /api/v1/plans/{plan_id}/handover.xlsx": "planner admin",
    "POST /api/v1/plans/{plan_id}/edits": "planner admin",
    "POST /api/v1/plans/{plan_id}/undo": "planner admin",
    "POST /api/v1/plans/{plan_id}/redo": "planner admin",
    "POST /api/v1/coverage": "planner admin",
    "POST /api/v1/plans/{plan_id}/replay": "planner dispatcher admin",
    "POST /api/v1/plans/{plan_id}/divide": "planner admin",
    "POST /api/v1/plans/{plan_id}/divide/{job_id}/apply": "planner admin",
    "GET /api/v1/plans/{plan_id}/divide": "planner admin",
    "GET /api/v1/plans/{plan_id}/divide/{job_id}/comments": "planner admin",
    "POST /api/v1/plans/{plan_id}/divide/{job_id}/comments": "planner admin",
    "POST /api/v1/plans/{plan_id}/repair": "planner admin",
    "POST /api/v1/plans/{plan_id}/rebase": "planner admin",
    "POST /api/v1/uploads": "planner admin",
    "POST /api/v1/uploads/{upload_id}/inspections": "planner admin",
    "POST /api/v1/imports": "planner admin",
    "GET /api/v1/jobs": "planner leader admin",
    "GET /api/v1/jobs/{job_id}": "planner leader admin",
    "DELETE /api/v1/jobs/{job_id}": "planner leader admin",
    "GET /api/v1/jobs/{job_id}/papers/{form}": "planner leader admin",
    "GET /imports": "public",
    "GET /api/v1/plans/{plan_id}/events": "planner admin",
    "GET /api/v1/plans/{plan_id}/live": "planner admin",
    "GET /api/v1/live": "dispatcher admin auditor planner leader",
    "POST /api/v1/plans/{plan_id}/here": "planner admin",
}


def routes() -> list[APIRoute]:
    """All routes of the service; a router within a router would be none that is looked at."""
    found = [route for router in ROUTERS for route in router.routes]
    assert all(isinstance(route, APIRoute) for route in found)
    return found


def named() -> dict[str, APIRoute]:
    return {f"{method} {route.path}": route for route in routes() for method in sorted(route.methods)}


def calls(dependant: Any) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


ROUTES = named()


@pytest.mark.parametrize("name", ROUTES)
def test_every_route_has_a_door(name: str) -> None:
    doors = [call for call in calls(ROUTES[name].dependant) if hasattr(call, "roles")]
    assert doors, f"{name} asks nobody who they are: give it a role door, or `public` and a reason"


def test_the_table_names_every_route_and_no_other() -> None:
    assert sorted(EXPECTED) == sorted(ROUTES)


@pytest.mark.parametrize("name", ROUTES)
def test_a_door_lets_in_whom_the_table_says(name: str) -> None:
    roles = [call.roles for call in calls(ROUTES[name].dependant) if hasattr(call, "roles")]
    told = {"public"} if None in roles else {str(role) for role in frozenset.intersection(*roles)}
    assert told == set(EXPECTED.get(name, "").split()), "the table of this file says otherwise"


# A stream does not end: it is asked for what it refuses behind its door.
ENDLESS = {"GET /api/v1/live": "?since=" + 5_000 * "9"}


def asked(client: TestClient, name: str) -> int:
    """The status of a request with nothing sensible in it."""
    method, _, path = name.partition(" ")
    address = re.sub(r"\{[^}]*\}", "0", path) + ENDLESS.get(name, "")
    sent: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {}}
    return client.request(method, address, **sent).status_code


GUARDED = [name for name, roles in EXPECTED.items() if roles != "public"]


@pytest.mark.parametrize("name", GUARDED)
def test_nobody_is_told_401(anybody: TestClient, name: str) -> None:
    assert asked(anybody, name) == 401


@pytest.mark.parametrize("name", GUARDED)
def test_each_role_is_let_in_or_told_403(client_as: ClientAs, name: str) -> None:
    allowed = set(EXPECTED[name].split())
    statuses = {str(role): asked(client_as(str(role)), name) for role in Role}
    told_to_go = {role for role, status in statuses.items() if status in (401, 403)}
    assert told_to_go == {str(role) for role in Role} - allowed
    assert max(statuses.values()) < 500, statuses
