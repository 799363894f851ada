"""What a plan has been through, and who served its grids then, over HTTP: nothing of it is forgotten or read as of
today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, update
from sqlalchemy.dialects.postgresql import Range
from starlette.testclient import TestClient

from layers.assignments import Assignment
from layers.db import transaction
from tests.plan_desk import PLANS, Draft
from tests.small_city import IN_FORCE_SINCE, SmallCity


def unserved(client: TestClient, plan: int | str) -> list[str]:
    told = client.get(f"{PLANS}/{plan}/successors")
    assert told.status_code == 200, told.text
    return list(told.json()["unserved"])


def publish(draft: Draft, reviewer: TestClient, body: dict[str, Any] | None = None) -> None:
    assert draft.submit_all().status_code == 200
    assert draft.post("publish", body or {}, client=reviewer).status_code == 200


def begin_charges(engine: Engine, at: datetime) -> None:
    with transaction(engine) as session:
        session.execute(update(Assignment).values(span=Range(at, None)))


def end_charges(engine: Engine, at: datetime) -> None:
    with transaction(engine) as session:
        session.execute(update(Assignment).values(span=Range(IN_FORCE_SINCE, at)))


def test_a_plan_tells_every_return_with_its_reason_in_the_order_of_what_happened(
    draft: Draft, reviewer: TestClient
) -> None:
    draft.edit(op="set", code=min(draft.grids()), name="x")
    for reason in ("西侧边界不对", "住户数不对"):
        assert draft.submit_all().status_code == 200
        assert draft.post("return", {"reason": reason}, client=reviewer).status_code == 200
    draft.submit_all()
    draft.post("withdraw")
    publish(draft, reviewer)
    life = draft.client.get(draft.path).json()["life"]
    told = [(turn["action"], turn["by"], turn["reason"]) for turn in life]
    assert told == [
        ("submit", "planner", None),
        ("return", "reviewer", "西侧边界不对"),
        ("submit", "planner", None),
        ("return", "reviewer", "住户数不对"),
        ("submit", "planner", None),
        ("withdraw", "planner", None),
        ("submit", "planner", None),
        ("publish", "reviewer", None),
    ]
    assert [turn["at"] for turn in life] == sorted(turn["at"] for turn in life)


def test_a_plan_that_was_loaded_whole_tells_its_publication_too(planner: TestClient, small_city: SmallCity) -> None:
    life = planner.get(f"{PLANS}/{small_city.plan_id}").json()["life"]
    assert [(turn["action"], turn["by"]) for turn in life] == [("publish", "reviewer")]


def test_a_draft_says_on_which_plan_it_should_stand(
    planner: TestClient, reviewer: TestClient, small_city: SmallCity
) -> None:
    first, late = Draft(planner, small_city.district), Draft(planner, small_city.district)
    assert planner.get(late.path).json()["outdated"] is None
    publish(first, reviewer)
    assert planner.get(late.path).json()["outdated"] == {"id": first.id, "plan_version": 2}
    assert planner.get(first.path).json()["outdated"] is None
    assert planner.get(f"{PLANS}/{small_city.plan_id}").json()["outdated"] is None


def test_an_archived_plan_reads_who_served_until_another_one_took_its_place(
    draft: Draft, reviewer: TestClient, engine: Engine, small_city: SmallCity
) -> None:
    # As in a city whose people were entered after its first plan.
    begin_charges(engine, IN_FORCE_SINCE + timedelta(days=1))
    assert unserved(reviewer, small_city.plan_id) == []
    publish(draft, reviewer)
    end_charges(engine, datetime.now(UTC))
    assert reviewer.get(f"{PLANS}/{small_city.plan_id}").json()["state"] == "archived"
    assert unserved(reviewer, small_city.plan_id) == [], "the archived plan was served to its end"
    assert set(unserved(reviewer, draft.id)) == draft.grids().keys(), "nobody serves the plan in force today"


def test_a_grid_that_nobody_served_then_is_still_told(
    draft: Draft, reviewer: TestClient, engine: Engine, small_city: SmallCity
) -> None:
    bare = next(code for code in small_city.codes if len(code) == 15)
    with transaction(engine) as session:
        session.execute(delete(Assignment).where(Assignment.grid_code == bare))
    publish(draft, reviewer)
    assert unserved(reviewer, small_city.plan_id) == [bare]


def test_a_scheduled_plan_is_served_by_who_begins_with_it(
    draft: Draft, reviewer: TestClient, engine: Engine, small_city: SmallCity
) -> None:
    begin = datetime.now(UTC) + timedelta(days=3)
    begin_charges(engine, begin)
    publish(draft, reviewer, {"effective_at": begin.isoformat()})
    assert unserved(reviewer, draft.id) == []


def test_a_draft_that_was_put_aside_reads_who_served_when_it_was(draft: Draft, engine: Engine) -> None:
    assert draft.post("archive").status_code == 200
    end_charges(engine, datetime.now(UTC) + timedelta(microseconds=1))
    assert unserved(draft.client, draft.id) == []
