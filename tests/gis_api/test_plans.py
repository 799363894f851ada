"""The planner's desk over HTTP: drafts, edits with versions, publication by another person."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from layers.db import transaction
from layers.history import HistoryEntry
from layers.plans import PlanEdit, Publication
from tests.small_city import SmallCity

PLANS = "/api/v1/plans"


class Draft:
    """A draft on the test's service, and the version that its editor last saw."""

    def __init__(self, client: TestClient, district: str, *, based_on: str | None = "published") -> None:
        answer = client.post(PLANS, json={"district": district, "based_on": based_on})
        assert answer.status_code == 201, answer.text
        self.client, self.id, self.version = client, answer.json()["id"], answer.headers["etag"]
        self.path = f"{PLANS}/{self.id}"

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


@pytest.fixture
def planner(signed_in: Any) -> TestClient:
    return signed_in("planner")


@pytest.fixture
def reviewer(signed_in: Any) -> TestClient:
    return signed_in("reviewer")


@pytest.fixture
def draft(planner: TestClient, small_city: SmallCity) -> Iterator[Draft]:
    yield Draft(planner, small_city.district)


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


def test_a_draft_has_the_grids_of_the_published_plan_to_the_last_digit(draft: Draft, small_city: SmallCity) -> None:
    grids = draft.grids()
    for code, polygon in zip(small_city.shapes.codes, small_city.shapes.polygons, strict=True):
        (rings,) = grids[code]["geometry"]["coordinates"]
        assert {tuple(xy) for xy in rings[0]} == {tuple(xy) for xy in shapely.get_coordinates(polygon).tolist()}
        assert grids[code]["properties"].keys() >= {"name", "kind", "parent", "households", "buildings", "area_m2"}


def test_the_published_plan_of_a_clean_city_has_a_report_without_errors(draft: Draft) -> None:
    report = draft.report()
    assert report["ok"] and not [defect for defect in report["defects"] if defect["severity"] == "error"]


def test_a_moved_vertex_moves_in_all_grids_that_have_it_and_in_no_other(draft: Draft, small_city: SmallCity) -> None:
    before, (lon, lat) = draft.grids(), inner_vertex(small_city)
    answer = draft.edit(op="move_vertex", **{"from": [lon, lat]}, to=[lon + 2e-6, lat + 2e-6])
    assert answer.status_code == 200, answer.text
    told, after = answer.json(), draft.grids()
    changed = {feature["properties"]["code"] for feature in told["changed"]}
    assert {code for code in after if after[code]["geometry"] != before[code]["geometry"]} <= changed
    assert told["report"]["ok"] and told["version"] == 2 and answer.headers["etag"] == '"2"'
    assert sum([lon, lat] in g["geometry"]["coordinates"][0][0] for g in before.values()) >= 2
    assert not any([lon, lat] in g["geometry"]["coordinates"][0][0] for g in after.values())


def test_an_old_version_is_refused_and_nothing_is_lost(draft: Draft, small_city: SmallCity) -> None:
    lon, lat = inner_vertex(small_city)
    stale = draft.version
    assert draft.edit(op="move_vertex", **{"from": [lon, lat]}, to=[lon + 2e-6, lat]).status_code == 200
    kept = draft.grids()
    draft.version, latest = stale, draft.version
    refused = draft.edit(op="move_vertex", **{"from": [lon + 2e-6, lat]}, to=[lon, lat])
    assert refused.status_code == 412 and refused.json()["latest"] == 2
    draft.version = latest
    assert draft.grids() == kept


def test_an_edit_without_a_version_or_with_a_star_is_refused(draft: Draft) -> None:
    body = {"op": "delete_vertex", "at": [118.0, 39.0]}
    assert draft.client.post(f"{draft.path}/edits", json=body).status_code == 428
    assert draft.client.post(f"{draft.path}/edits", json=body, headers={"If-Match": "*"}).status_code == 422


def test_undo_gives_the_bytes_back_and_redo_takes_them_again(draft: Draft, small_city: SmallCity) -> None:
    before, (lon, lat) = draft.grids(), inner_vertex(small_city)
    draft.edit(op="move_vertex", **{"from": [lon, lat]}, to=[lon + 2e-6, lat])
    moved = draft.grids()
    undone = draft.post("undo")
    assert undone.status_code == 200 and undone.json()["by"] == "planner"
    assert draft.grids() == before
    assert draft.post("redo").status_code == 200
    assert draft.grids() == moved
    assert draft.post("redo").status_code == 409


def test_undo_of_an_untouched_draft_is_a_conflict(draft: Draft) -> None:
    assert draft.post("undo").status_code == 409


def test_a_split_grid_keeps_its_code_and_the_other_part_gets_the_next_one(draft: Draft) -> None:
    before = draft.grids(level="grid")
    code = next(code for code in sorted(before) if not draft.grids(level="sub_grid").keys() & {f"{code}01"})
    answer = draft.edit(op="split", code=code, line=middle_line(before[code]))
    assert answer.status_code == 200, answer.text
    after = draft.grids(level="grid")
    (new,) = after.keys() - before.keys()
    siblings = [int(one[12:]) for one in before if one.startswith(code[:12])]
    assert code in after and new == f"{code[:12]}{max(siblings) + 1:03d}"
    areas = after[code]["properties"]["area_m2"] + after[new]["properties"]["area_m2"]
    assert areas == pytest.approx(before[code]["properties"]["area_m2"], abs=0.1)
    draft.post("undo")
    assert draft.grids(level="grid") == before
    assert draft.post("redo").json()["changed"] and new in draft.grids()


def test_split_then_merge_gives_back_one_grid_under_the_smallest_code(draft: Draft) -> None:
    before = draft.grids(level="grid")
    code = sorted(before)[0]
    answer = draft.edit(op="split", code=code, line=middle_line(before[code]))
    assert answer.status_code == 200, answer.text
    (new,) = draft.grids(level="grid").keys() - before.keys()
    merged = draft.edit(op="merge", codes=[new, code])
    assert merged.status_code == 200, merged.text
    assert merged.json()["removed"] == [new] or new in merged.json()["removed"]
    assert draft.grids(level="grid").keys() == before.keys() and draft.report()["ok"]


def test_a_removed_code_is_never_given_again(draft: Draft) -> None:
    before = draft.grids(level="grid")
    code = sorted(before)[0]
    draft.edit(op="split", code=code, line=middle_line(before[code]))
    (first,) = draft.grids(level="grid").keys() - before.keys()
    draft.edit(op="merge", codes=[first, code])
    assert draft.edit(op="split", code=code, line=middle_line(before[code])).status_code == 200
    (second,) = draft.grids(level="grid").keys() - before.keys()
    assert second > first


def test_a_name_is_set_and_taken_back(draft: Draft) -> None:
    code = sorted(draft.grids())[0]
    old = draft.grids()[code]["properties"]["name"]
    assert draft.edit(op="set", code=code, name="<script>alert(1)</script>").status_code == 200
    assert draft.grids()[code]["properties"]["name"] == "<script>alert(1)</script>"
    draft.post("undo")
    assert draft.grids()[code]["properties"]["name"] == old


def test_an_overlay_may_lie_over_anything_and_goes_without_an_heir(draft: Draft, small_city: SmallCity) -> None:
    west, south, east, north = small_city.shapes.frame.bounds
    box = shapely.box(west + (east - west) / 3, south + (north - south) / 3, east, north)
    shape = shapely.geometry.mapping(box)
    before = draft.grids()
    added = draft.edit(op="add", geometry=shape, name="巡查区", kind="dedicated", exclusive=False)
    assert added.status_code == 200, added.text
    (code,) = draft.grids().keys() - before.keys()
    assert draft.report()["ok"]
    assert draft.edit(op="remove", code=code).status_code == 200
    assert draft.grids() == before


def test_a_vertex_that_is_not_there_is_404_and_a_frame_vertex_422_with_its_place(
    draft: Draft, small_city: SmallCity
) -> None:
    assert draft.edit(op="delete_vertex", at=[118.5, 39.5]).status_code == 404
    lon, lat = shapely.get_coordinates(small_city.shapes.frame)[0].tolist()
    refused = draft.edit(op="move_vertex", **{"from": [lon, lat]}, to=[lon + 1e-5, lat])
    assert refused.status_code == 422 and refused.json()["type"].endswith("frame_vertex")
    assert shape_of(refused.json()["where"]).distance(shapely.Point(lon, lat)) < 1e-7


@pytest.mark.parametrize(
    "op",
    [
        {"op": "teleport"},
        {"op": "move_vertex", "from": [118.1], "to": [1, 2]},
        {"op": "split", "code": "x", "line": {"type": "Point", "coordinates": [1, 2]}},
        {"op": "carve", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
        {"op": "merge", "codes": ["x"]},
        {"op": "set", "code": "x", "name": ""},
        [],
    ],
)
def test_a_wrong_operation_is_refused_and_the_draft_is_as_before(draft: Draft, op: Any) -> None:
    answer = draft.post("edits", op)
    assert answer.status_code == 422, answer.text
    assert draft.client.get(draft.path).json()["version"] == 1


def test_one_of_two_racing_planners_gets_412_and_every_accepted_edit_is_in_the_history(
    draft: Draft, planner: TestClient, reviewer: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    lon, lat = inner_vertex(small_city)
    for turn in range(50):
        to = [lon + 1e-6 * (turn % 2 + 1), lat]
        body = {"op": "move_vertex", "from": [lon + 1e-6 * ((turn - 1) % 2 + 1) if turn else lon, lat], "to": to}
        body["from"] = [round(number, 9) for number in body["from"]]
        answers = _raced([planner, reviewer], f"{draft.path}/edits", body, draft.version)
        assert sorted(answer.status_code for answer in answers) == [200, 412], [a.text for a in answers]
        winner = next(answer for answer in answers if answer.status_code == 200)
        draft.version = winner.headers["etag"]
        lon_now = next(
            xy[0]
            for feature in winner.json()["changed"]
            for xy in feature["geometry"]["coordinates"][0][0]
            if abs(xy[0] - to[0]) < 2e-8 and abs(xy[1] - lat) < 2e-8
        )
        lon = lon_now - 1e-6 * (turn % 2 + 1)
    assert draft.version == '"51"' and draft.report()["ok"]
    with transaction(engine) as session:
        assert len(session.scalars(select(PlanEdit).where(PlanEdit.plan_id == int(draft.id))).all()) == 50
        noted = select(HistoryEntry).where(HistoryEntry.action == "plan.edit")
        assert len(session.scalars(noted).all()) == 50


def _raced(clients: list[TestClient], path: str, body: Any, version: str) -> list[Any]:
    answers: list[Any] = []
    gate = threading.Barrier(len(clients))

    def send(client: TestClient) -> None:
        gate.wait()
        answers.append(client.post(path, json=body, headers={"If-Match": version}))

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_plan_is_published_by_another_person_and_announced(
    draft: Draft, reviewer: TestClient, small_city: SmallCity, engine: Engine
) -> None:
    lon, lat = inner_vertex(small_city)
    draft.edit(op="move_vertex", **{"from": [lon, lat]}, to=[lon + 2e-6, lat])
    assert draft.post("publish", {}, client=reviewer).status_code == 409
    assert draft.submit_all().status_code == 200
    assert draft.post("publish", {}).status_code == 403
    published = draft.post("publish", {}, client=reviewer)
    assert published.status_code == 200, published.text
    plan = published.json()
    assert plan["state"] == "published" and plan["plan_version"] == 2
    assert plan["certificate"]["published_by"] == "reviewer" and len(plan["certificate"]["sha256"]) == 64
    with transaction(engine) as session:
        last = session.scalars(select(Publication).order_by(Publication.index_version.desc())).first()
        assert last is not None and last.plan_id == int(draft.id) and last.snapshot
    older = reviewer.get(f"{PLANS}/{small_city.plan_id}").json()
    assert older["state"] == "archived" and older["ends_at"] == plan["effective_at"]


def test_a_published_plan_can_no_longer_be_edited(draft: Draft, reviewer: TestClient) -> None:
    draft.submit_all()
    assert draft.post("publish", {}, client=reviewer).status_code == 200
    code = sorted(draft.grids())[0]
    assert draft.edit(op="set", code=code, name="x").status_code == 409


def test_a_submitted_plan_is_withdrawn_by_its_author_or_returned_with_a_reason(
    draft: Draft, reviewer: TestClient
) -> None:
    draft.edit(op="set", code=sorted(draft.grids())[0], name="x")
    draft.submit_all()
    assert draft.post("withdraw", client=reviewer).status_code == 403
    assert draft.post("withdraw").json()["state"] == "draft"
    draft.submit_all()
    assert draft.post("return", {"reason": ""}, client=reviewer).status_code == 422
    assert draft.post("return", {"reason": "西侧边界不对"}).status_code == 403
    returned = draft.post("return", {"reason": "西侧边界不对"}, client=reviewer)
    assert returned.json()["state"] == "draft" and returned.json()["returned_reason"] == "西侧边界不对"


def test_a_plan_that_does_not_stand_on_the_latest_one_is_not_published(
    planner: TestClient, reviewer: TestClient, small_city: SmallCity
) -> None:
    first, second = Draft(planner, small_city.district), Draft(planner, small_city.district)
    for draft in (first, second):
        draft.submit_all()
    assert first.post("publish", {}, client=reviewer).status_code == 200
    refused = second.post("publish", {}, client=reviewer)
    assert refused.status_code == 409 and refused.json()["type"].endswith("base_outdated")


def test_a_date_in_the_past_is_refused_and_one_in_the_future_schedules_the_plan(
    draft: Draft, reviewer: TestClient, small_city: SmallCity
) -> None:
    draft.submit_all()
    now = datetime.now(UTC)
    past = {"effective_at": (now - timedelta(hours=1)).isoformat()}
    assert draft.post("publish", past, client=reviewer).status_code == 422
    later = now + timedelta(days=3)
    plan = draft.post("publish", {"effective_at": later.isoformat()}, client=reviewer).json()
    assert datetime.fromisoformat(plan["effective_at"]) == later
    older = reviewer.get(f"{PLANS}/{small_city.plan_id}").json()
    assert older["state"] == "published" and datetime.fromisoformat(older["ends_at"]) == later


def test_an_empty_draft_has_a_gap_and_cannot_be_published(
    planner: TestClient, reviewer: TestClient, small_city: SmallCity
) -> None:
    draft = Draft(planner, small_city.district, based_on=None)
    report = draft.report()
    assert not report["ok"] and report["summary"]["by_kind"].keys() >= {"gap"}
    assert draft.submit_all().status_code == 200
    refused = draft.post("publish", {}, client=reviewer)
    assert refused.status_code == 422 and refused.json()["report"]["ok"] is False


def test_a_planner_of_another_area_finds_nothing_and_may_change_nothing(draft: Draft, client_as: Any) -> None:
    stranger = client_as("planner", area="110101")
    assert stranger.get(PLANS).json()["plans"] == []
    assert stranger.get(draft.path).status_code == 404
    assert stranger.get(f"{draft.path}/grids").status_code == 404
    code = sorted(draft.grids())[0]
    body = {"op": "set", "code": code, "name": "x"}
    assert stranger.post(f"{draft.path}/edits", json=body, headers={"If-Match": '"1"'}).status_code == 403
    assert stranger.post(PLANS, json={"district": "130273"}).status_code == 403


def test_a_planner_of_one_community_edits_there_only(draft: Draft, client_as: Any) -> None:
    codes = sorted(code for code in draft.grids(level="grid"))
    own, foreign = codes[0], codes[-1]
    assert own[:12] != foreign[:12]
    local = client_as("planner", area=own[:12])
    assert set(_codes(local, draft)) == {code for code in draft.grids() if code.startswith(own[:12])}
    allowed = local.post(
        f"{draft.path}/edits", json={"op": "set", "code": own, "name": "x"}, headers={"If-Match": '"1"'}
    )
    assert allowed.status_code == 200, allowed.text
    refused = local.post(
        f"{draft.path}/edits", json={"op": "set", "code": foreign, "name": "x"}, headers={"If-Match": '"2"'}
    )
    assert refused.status_code == 403


def _codes(client: TestClient, draft: Draft) -> list[str]:
    features = client.get(f"{draft.path}/grids").json()["features"]
    return [feature["properties"]["code"] for feature in features]


@pytest.mark.parametrize("role", ["dispatcher", "leader", "worker", "unit", "auditor"])
def test_other_roles_have_no_business_here(client_as: Any, role: str) -> None:
    assert client_as(role).get(PLANS).status_code == 403


def test_nobody_is_asked_to_sign_in(anybody: TestClient) -> None:
    assert anybody.get(PLANS).status_code == 401


def test_grids_are_asked_for_by_box(draft: Draft, small_city: SmallCity) -> None:
    code = small_city.codes[0]
    lon, lat = small_city.inside(code)
    found = draft.grids(bbox=f"{lon},{lat},{lon},{lat}")
    assert code in found and len(found) < len(draft.grids())
    assert draft.client.get(f"{draft.path}/grids", params={"bbox": "a,b"}).status_code == 422


def test_the_difference_names_what_was_reshaped(draft: Draft, small_city: SmallCity) -> None:
    lon, lat = inner_vertex(small_city)
    answer = draft.edit(op="move_vertex", **{"from": [lon, lat]}, to=[lon + 2e-5, lat + 1e-5]).json()
    told = draft.client.get(f"{draft.path}/diff").json()
    reshaped = {feature["properties"]["code"] for feature in answer["changed"]}
    assert set(told["reshaped"]) <= reshaped and told["reshaped"] and told["added"] == told["removed"] == []
