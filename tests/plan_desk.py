"""A planner at work over HTTP: a draft, the version last seen, and places in the small city to draw at."""

from __future__ import annotations

import json
from typing import Any

import shapely
from sqlalchemy import Engine
from starlette.testclient import TestClient

from layers.db import transaction
from layers.planning.report.draft_report import review_all
from layers.planning.state.loading import load_board
from layers.plans import Plan
from tests.small_city import SmallCity

PLANS = "/api/v1/plans"


class Draft:
    """A draft on the test's service, and the version that its editor last saw."""

    def __init__(self, client: TestClient, district: str, *, based_on: str | None = "published") -> None:
        answer = client.post(PLANS, json={"district": district, "based_on": based_on})
        assert answer.status_code == 201, answer.text
        self.client, self.id, self.version = client, answer.json()["id"], answer.headers["etag"]
        self.path = f"{PLANS}/{self.id}"

    @classmethod
    def of(cls, client: TestClient, plan_id: int | str) -> Draft:
        """A draft that is there already, as of now."""
        found = cls.__new__(cls)
        found.client, found.id, found.path = client, str(plan_id), f"{PLANS}/{plan_id}"
        found.version = client.get(found.path).headers["etag"]
        return found

    def post(self, door: str, body: Any = None, *, client: TestClient | None = None) -> Any:
        answer = (client or self.client).post(f"{self.path}/{door}", json=body, headers={"If-Match": self.version})
        if answer.status_code == 200:
            self.version = answer.headers["etag"]
        return answer

    def edit(self, **op: Any) -> Any:
        return self.post("edits", op)

    def grids(self, **asked: Any) -> dict[str, Any]:
        features = self.client.get(f"{self.path}/grids", params=asked).json()["features"]
        return {feature["properties"]["code"]: feature for feature in features}

    def report(self) -> Any:
        return self.client.get(f"{self.path}/coverage").json()

    def submit_all(self) -> Any:
        kinds = sorted({defect["kind"] for defect in self.report()["defects"] if defect["severity"] == "warning"})
        return self.post("submit", {"acknowledged": kinds})


def inner_vertex(city: SmallCity) -> tuple[float, float]:
    """A vertex that exactly two tiles share, neither on the frame nor on a community's border."""
    seen: dict[tuple[float, float], int] = {}
    for polygon in city.shapes.polygons:
        for position in set(map(tuple, shapely.get_coordinates(polygon).tolist())):
            seen[position] = seen.get(position, 0) + 1
    fixed = {
        tuple(xy)
        for level in ("community",)
        for ring in city.shapes.polygons_of(level).values()
        for xy in shapely.get_coordinates(city.shapes.plane.to_degrees(ring)).tolist()
    }
    return next(place for place, count in sorted(seen.items()) if count == 2 and place not in fixed)


def shape_of(geometry: dict[str, Any]) -> shapely.Geometry:
    return shapely.from_geojson(json.dumps(geometry))


def middle_line(feature: dict[str, Any]) -> dict[str, Any]:
    """A line from south to north through the middle of a grid, reaching over both ends."""
    west, south, east, north = shape_of(feature["geometry"]).bounds
    middle = (west + east) / 2
    return {"type": "LineString", "coordinates": [[middle, south - 1e-5], [middle, north + 1e-5]]}


def checked_afresh(engine: Engine, plan_id: int | str) -> dict[str, Any]:
    """The report of a plan read from the database and checked in full, whatever a process keeps in memory."""
    with transaction(engine) as session:
        board = load_board(session, session.get_one(Plan, int(plan_id)))
        return review_all(session, board).report.as_json(board)


def defects_of(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What a report says is wrong, to be compared with another report."""
    return sorted((one["kind"], "+".join(one["codes"]), one["detail"]) for one in report["defects"])
