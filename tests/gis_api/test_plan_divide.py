"""Dividing a plan's ground over HTTP: proposals as a job, one of them as an edit that is undone in one step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine

from gis_api.settings import Settings
from layers.db import transaction
from tests.drafts import add_buildings
from tests.gis_api.conftest import ClientAs
from tests.plan_desk import PLANS, Draft, shape_of
from tests.small_city import SmallCity
from tests.uploads import wait_for_end, working_process


@pytest.fixture
def draft(signed_in: ClientAs, small_city: SmallCity, engine: Engine, settings: Settings) -> Iterator[Draft]:
    with transaction(engine) as session:
        add_buildings(session, small_city.shapes, number=240)
    with working_process(engine, settings.upload_folder):
        yield Draft(signed_in("planner"), small_city.district)


def community_of(draft: Draft) -> str:
    return sorted({grid["properties"]["parent"] for grid in draft.grids(level="grid").values()})[0]


def asked(draft: Draft, *, apply: bool = False, **body: Any) -> Any:
    body = {"area": community_of(draft), "seconds": 20, "empty_m2": 0, **body}
    return draft.client.post(f"{draft.path}/divide", params={"apply": str(apply).lower()}, json=body)


def done(draft: Draft, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    job = wait_for_end(draft.client, answer.json()["id"])
    assert job["state"] == "done", job["problem"]
    result: dict[str, Any] = job["result"]
    return result


def inside(draft: Draft, area: str) -> dict[str, Any]:
    return {c: g for c, g in draft.grids(level="grid").items() if g["properties"]["parent"] == area}


def test_three_proposals_side_by_side_change_nothing(draft: Draft) -> None:
    before = draft.grids(level="grid")
    made = done(draft, asked(draft, count=3, profiles=["balanced", "even", "streets"]))
    assert [one["profile"] for one in made["proposals"]] == ["balanced", "even", "streets"]
    assert made["applied"] is None and made["figures"] == made["proposals"][0]["figures"]
    for one in made["proposals"]:
        assert one["figures"]["buildings_cut"] == 0 and len(one["grids"]["features"]) == one["figures"]["grids"]
        assert {"incidents", "cv", "median_m", "largest"} <= one["forecast"].keys()
    assert draft.grids(level="grid") == before


def test_a_proposal_is_applied_as_one_edit_and_taken_back_in_one_step(draft: Draft) -> None:
    area, before, report = community_of(draft), draft.grids(level="grid"), draft.report()
    made = done(draft, asked(draft, apply=True, count=5))
    assert made["applied"]["version"] == made["version"]
    after = inside(draft, area)
    assert len(after) == len(made["grids"]["features"])
    told = sorted(feature["properties"]["households"] for feature in made["grids"]["features"])
    assert sorted(grid["properties"]["households"] for grid in after.values()) == told
    assert draft.report()["ok"] is True
    others = {code: grid for code, grid in draft.grids(level="grid").items() if code not in after}
    assert others.keys() == {c for c, g in before.items() if g["properties"]["parent"] != area}
    draft.version = f'"{made["version"]}"'
    assert draft.post("undo").status_code == 200
    assert draft.grids(level="grid") == before
    assert draft.report()["defects"] == report["defects"]


def chosen(draft: Draft, job: str, *, profile: str = "balanced", plan: str = "") -> Any:
    headers = {"if-match": draft.version}
    path = f"{plan or draft.path}/divide/{job}/apply"
    return draft.client.post(path, json={"profile": profile}, headers=headers)


def shapes_in(grids: dict[str, Any] | list[Any]) -> set[bytes]:
    found = grids.values() if isinstance(grids, dict) else grids
    return {shapely.to_wkb(shapely.normalize(shape_of(grid["geometry"]))) for grid in found}


def test_a_proposal_that_was_looked_at_is_applied_as_it_is_and_taken_back_in_one_step(draft: Draft) -> None:
    area, before = community_of(draft), draft.grids(level="grid")
    answer = asked(draft, count=4, profiles=["balanced", "even", "streets"])
    made = done(draft, answer)
    even = made["proposals"][1]
    applied = chosen(draft, answer.json()["id"], profile="even")
    assert applied.status_code == 200, applied.text
    assert applied.json()["op"] == "divide" and applied.json()["report"]["ok"]
    drawn = [shape_of(feature["geometry"]) for feature in even["grids"]["features"]]
    now = [shape_of(grid["geometry"]) for grid in inside(draft, area).values()]
    assert len(now) == len(drawn)
    for shape in drawn:  # what borders on others has gained their nodes, and nothing else
        assert min(shape.hausdorff_distance(other) for other in now) < 1e-8
    told = sorted(feature["properties"]["households"] for feature in even["grids"]["features"])
    assert sorted(grid["properties"]["households"] for grid in inside(draft, area).values()) == told
    draft.version = applied.headers["etag"]
    assert draft.post("undo").status_code == 200
    assert shapes_in(draft.grids(level="grid")) == shapes_in(before)


def test_grids_and_sub_grids_that_were_looked_at_are_applied_together(draft: Draft) -> None:
    answer = asked(draft, count=2, sub_households=2)
    made = done(draft, answer)
    assert chosen(draft, answer.json()["id"]).status_code == 200
    subs = [
        g
        for g in draft.grids(level="sub_grid").values()
        if g["properties"]["parent"] in inside(draft, community_of(draft))
    ]
    assert len(subs) == len(made["sub_grids"]["features"])
    assert draft.report()["ok"] is True


def test_what_was_edited_elsewhere_does_not_matter_and_what_was_edited_there_does(draft: Draft) -> None:
    area = community_of(draft)
    answer = asked(draft, count=3)
    done(draft, answer)
    elsewhere = next(code for code in sorted(draft.grids(level="grid")) if not code.startswith(area))
    assert draft.edit(op="set", code=elsewhere, name="elsewhere").status_code == 200
    assert chosen(draft, answer.json()["id"]).status_code == 200
    draft.version = draft.client.get(draft.path).headers["etag"]
    once_more = chosen(draft, answer.json()["id"])
    assert (once_more.status_code, once_more.json()["type"].split(":")[-1]) == (409, "ground_has_changed")


def test_only_a_finished_proposal_of_the_same_plan_is_applied(draft: Draft, small_city: SmallCity) -> None:
    answer = asked(draft, count=2)
    done(draft, answer)
    job = answer.json()["id"]
    assert chosen(draft, "no-such-job").status_code == 404
    assert chosen(draft, job, profile="streets").json()["type"].endswith(":no_such_proposal")
    assert chosen(draft, job, plan=f"{PLANS}/{small_city.plan_id}").json()["type"].endswith(":no_such_job")
    draft.version = '"77"'
    assert chosen(draft, job).status_code == 412


def test_todays_grids_are_measured_beside_the_proposals(draft: Draft) -> None:
    made = done(draft, asked(draft, count=3))
    figures = made["today"]["figures"]
    assert figures["grids"] == len(inside(draft, community_of(draft)))
    assert figures["moved"] == 0 < made["figures"]["moved"] < 1
    assert made["households"] == sum(feature["properties"]["households"] for feature in made["grids"]["features"])


def test_remarks_say_in_words_what_makes_balance_impossible_and_both_ways_out(draft: Draft) -> None:
    remarks = done(draft, asked(draft, households=8))["remarks"]
    oversize = next(remark for remark in remarks if remark["code"] == "oversize")
    assert "单栋楼已超过一个网格" in oversize["words"] and oversize["where"]["type"] == "Point"
    assert list(oversize["ways_told"].values()) == ["按单元切分", "保持现状"]


def test_sub_grids_of_a_grid_are_divided_below_it(draft: Draft) -> None:
    code = sorted(draft.grids(level="grid"))[0]
    made = done(draft, asked(draft, apply=True, area=code, level="sub_grid", count=3))
    subs = {c: g for c, g in draft.grids(level="sub_grid").items() if g["properties"]["parent"] == code}
    assert set(subs) and len(subs) == len(made["grids"]["features"])
    assert draft.report()["ok"] is True


def test_grids_and_sub_grids_at_once(draft: Draft) -> None:
    made = done(draft, asked(draft, apply=True, count=2, sub_households=2))
    parents = {g["properties"]["parent"] for g in draft.grids(level="sub_grid").values()}
    assert set(inside(draft, community_of(draft))) <= parents
    assert len(made["sub_grids"]["features"]) > len(made["grids"]["features"])
    assert draft.report()["ok"] is True


def test_kept_grids_stay_byte_for_byte_or_gain_nodes_only(draft: Draft) -> None:
    area = community_of(draft)
    kept = sorted(inside(draft, area))[0]
    before = draft.grids(level="grid")[kept]
    done(draft, asked(draft, apply=True, count=4, keep=[kept]))
    after = draft.grids(level="grid")[kept]
    shapes = [shape_of(grid["geometry"]) for grid in (before, after)]
    assert shapes[0].symmetric_difference(shapes[1]).area < 1e-12
    assert before["properties"]["name"] == after["properties"]["name"]


def test_least_change_moves_few_households(draft: Draft) -> None:
    made = done(draft, asked(draft, least_change=5.0, households=1535 / len(inside(draft, community_of(draft)))))
    fresh = done(draft, asked(draft, count=made["figures"]["grids"]))
    assert 2 * made["figures"]["moved"] <= fresh["figures"]["moved"] > 0.1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"area": "no such area"}, 403),
        ({"tolerance": 0}, 422),
        ({"count": 0}, 422),
        ({"households": -3}, 422),
        ({"profiles": []}, 422),
        ({"profiles": ["wild"]}, 422),
        ({"weights": {"households": 0}}, 422),
        ({"households": 10, "sub_households": 30}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_door(draft: Draft, body: dict[str, Any], status: int) -> None:
    assert asked(draft, **body).status_code == status


def test_an_area_or_a_kept_grid_that_is_not_there_is_named_by_the_job(draft: Draft) -> None:
    for body, code in (({"area": "130273999999"}, "no_such_area"), ({"keep": ["130273999999999"]}, "no_such_grid")):
        job = wait_for_end(draft.client, asked(draft, **body).json()["id"])
        assert job["state"] == "failed" and job["problem"]["code"] == code


def test_a_version_that_is_not_the_latest_is_refused(draft: Draft) -> None:
    body = {"area": community_of(draft), "count": 2}
    old = draft.client.post(f"{draft.path}/divide?apply=true", json=body, headers={"If-Match": '"0"'})
    assert old.status_code == 412


def test_a_published_plan_is_not_divided_in_place(draft: Draft, small_city: SmallCity) -> None:
    body = {"area": community_of(draft), "count": 2}
    refused = draft.client.post(f"{PLANS}/{small_city.plan_id}/divide?apply=true", json=body)
    assert refused.status_code == 409


def test_a_dispatcher_divides_nothing(draft: Draft, client_as: ClientAs) -> None:
    body = {"area": community_of(draft), "count": 2}
    assert client_as("dispatcher").post(f"{draft.path}/divide", json=body).status_code == 403


def test_planners_comment_on_a_proposal_and_find_what_others_asked_for(
    draft: Draft, signed_in: ClientAs, small_city: SmallCity
) -> None:
    answer = asked(draft, count=2, profiles=["balanced", "even"])
    job = answer.json()["id"]
    comments = f"{draft.path}/divide/{job}/comments"
    early = draft.client.post(comments, json={"profile": "even", "words": "too early"})
    assert (early.status_code, early.json()["type"].split(":")[-1]) == (409, "no_proposal_yet")
    done(draft, answer)
    said = draft.client.post(comments, json={"profile": "even", "words": "  沿河更好走  "})
    assert said.status_code == 201 and said.json()["words"] == "沿河更好走"
    reviewer = signed_in("reviewer")
    listed = reviewer.get(f"{draft.path}/divide").json()["jobs"]
    assert [one["id"] for one in listed] == [job] and listed[0]["by"] == "planner"
    assert reviewer.post(comments, json={"profile": "balanced", "words": "<b>no</b>"}).status_code == 201
    read = draft.client.get(comments).json()["comments"]
    assert [(one["profile"], one["words"], one["by"]) for one in read] == [
        ("even", "沿河更好走", "planner"),
        ("balanced", "<b>no</b>", "reviewer"),
    ]
    assert read[0]["at"] <= read[1]["at"]
    for body, status in (
        ({"profile": "streets", "words": "was not asked for"}, 404),
        ({"profile": "even", "words": "  "}, 422),
        ({"profile": "even", "words": "a\x00b"}, 422),
        ({"profile": "even", "words": "x" * 2001}, 422),
    ):
        assert draft.client.post(comments, json=body).status_code == status
    elsewhere = f"{PLANS}/{small_city.plan_id}/divide/{job}/comments"
    assert draft.client.get(elsewhere).status_code == 404
    assert draft.client.get(f"{PLANS}/{small_city.plan_id}/divide").json()["jobs"] == []
