"""One stored thing of each kind that paths name, made through the service's own doors where there is none.

What cannot be made (a role that the key has not, an address that the service does not call) is left out: its routes are
named by the bench as those that could not be asked.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from PIL import Image

AREA = "130273"
LON, LAT = 118.18, 39.65
# Nothing listens there: what the bench makes is never delivered.
NOWHERE = "http://127.0.0.1:9/"


def prepare(client: httpx2.Client) -> Mapping[str, str]:
    """Things by the names that paths have for them; `draft_id` stands for a plan where only a draft will do."""
    draft, version = _draft(client)
    incident = _made(client, "/api/v1/incidents", _report(), mark=True)
    found = {
        "plan_id": _first(client, "/api/v1/plans?state=published", "plans", "id"),
        "draft_id": draft,
        "incident_id": incident,
        "photo_id": incident and _photo(client, incident),
        "webhook_id": _made(client, "/api/v1/webhooks", {"url": NOWHERE, "kinds": ["incident.reported"]}),
        "code": _first(client, "/api/v1/grids?limit=1", "features", "code"),
        "number": _first(client, "/api/v1/workers?limit=1", "workers", "number"),
        "worker_id": _first(client, "/api/v1/workers?limit=1", "workers", "number"),
        "name": _first(client, "/api/v1/users", "users", "name"),
        "category": _first(client, "/api/v1/categories", "categories", "code"),
        "layer": "grids",
        "year": "2026",
        "z": "14",
        "x": "13567",
        "y": "6218",
    }
    if found["code"] is not None:
        # Of one grid alone: it changes the rule of no report that is measured.
        until = datetime.now(UTC) + timedelta(hours=1)
        body = {"reason": "bench", "until": until.isoformat()}
        client.put(f"/api/v1/emergencies/{found['code']}", json=body).raise_for_status()
    if draft is not None:
        community = str(found["code"] or "")[:12]
        divide = {"area": community, "households": 30, "seconds": 1}
        found["job_id"] = _made(client, f"/api/v1/plans/{draft}/divide", divide, version=version)
    return {name: value for name, value in found.items() if value is not None}


def _first(client: httpx2.Client, path: str, part: str, name: str) -> str | None:
    answer = client.get(path)
    rows = answer.json().get(part) if answer.status_code == 200 else None
    found = rows[0].get(name, rows[0].get("properties", {}).get(name)) if rows else None
    return None if found is None else str(found)


def _draft(client: httpx2.Client) -> tuple[str | None, str | None]:
    """A draft of the district, and the version that an edit of it names."""
    number = _made(client, "/api/v1/plans", {"district": AREA, "based_on": "published"})
    return number, None if number is None else client.get(f"/api/v1/plans/{number}").headers.get("etag")


def _report() -> dict[str, Any]:
    return {"category": "facility", "description": "bench", "lon": LON, "lat": LAT}


def _photo(client: httpx2.Client, incident: str) -> str | None:
    """A picture of the case, as large as a phone's page sends it."""
    picture = io.BytesIO()
    Image.effect_noise((1_600, 1_200), 40).convert("RGB").save(picture, "JPEG")
    files = {"file": ("bench.jpg", picture.getvalue(), "image/jpeg")}
    return _number_of(client.post(f"/api/v1/incidents/{incident}/photos", files=files, data={"kind": "near"}))


def _made(
    client: httpx2.Client, path: str, body: Mapping[str, Any], *, mark: bool = False, version: str | None = None
) -> str | None:
    """The number of what this request makes; None where the service does not make it for this key."""
    headers = {"idempotency-key": f"bench-{time.monotonic_ns()}"} if mark else {}
    if version is not None:
        headers["if-match"] = version
    return _number_of(client.post(path, json=dict(body), headers=headers))


def _number_of(answer: httpx2.Response) -> str | None:
    if answer.status_code not in (200, 201, 202):
        print(f"# {answer.request.method} {answer.request.url.path} makes nothing: {answer.status_code}")
        return None
    return str(answer.json()["id"])
