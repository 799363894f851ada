"""Plans over HTTP: opened, submitted, returned, published by another person, compared, and by whom they are seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from layers.db import transaction
from layers.plans import Publication
from tests.plan_desk import PLANS, Draft, inner_vertex
from tests.small_city import SmallCity


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
    for years in (3, 73):
        far = draft.post("publish", {"effective_at": (now + timedelta(days=365 * years)).isoformat()}, client=reviewer)
        assert far.status_code == 422 and far.json()["errors"][0]["loc"] == ["effective_at"]
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


def test_a_repair_is_proposed_to_anybody_and_done_only_at_a_version(draft: Draft) -> None:
    proposal = draft.client.post(f"{draft.path}/repair")
    assert proposal.status_code == 200 and proposal.json()["differences"] == []
    assert draft.client.post(f"{draft.path}/repair", params={"apply": "true"}).status_code == 428
    assert draft.post("repair?apply=true").status_code == 409


def test_a_draft_on_the_latest_plan_needs_no_rebase(draft: Draft) -> None:
    refused = draft.post("rebase")
    assert refused.status_code == 409 and refused.json()["type"].endswith("base_is_latest")


def test_incidents_are_replayed_from_a_moment_with_an_offset(draft: Draft) -> None:
    told = draft.client.post(f"{draft.path}/replay", json={"since": "2026-01-01T00:00:00+08:00"})
    assert told.status_code == 200 and told.json()["elsewhere"] == 0
    assert draft.client.post(f"{draft.path}/replay", json={"since": "2026-01-01T00:00:00"}).status_code == 422


def test_the_list_of_plans_goes_page_by_page(planner: TestClient, small_city: SmallCity) -> None:
    made = {Draft(planner, small_city.district).id for _ in range(3)} | {str(small_city.plan_id)}
    seen, link = [], f"{PLANS}?limit=3"
    while link:
        page = planner.get(link).json()
        assert len(page["plans"]) <= 3
        seen += [plan["id"] for plan in page["plans"]]
        link = page["next"]
    assert seen == sorted(made, key=int, reverse=True)
