"""Editing a draft over HTTP: operations with versions, undo and redo, what is refused, who wins a race."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import shapely
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from layers.db import transaction
from layers.history import HistoryEntry
from layers.plans import PlanEdit
from tests.plan_desk import Draft, inner_vertex, middle_line, shape_of
from tests.small_city import SmallCity


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


def test_an_edit_that_changes_nothing_makes_no_version(draft: Draft, engine: Engine, small_city: SmallCity) -> None:
    lon, lat = inner_vertex(small_city)
    code = next(code for code in sorted(draft.grids()) if len(code) == 15)
    assert draft.edit(op="set", code=code, name="改过").json()["version"] == 2
    before = draft.grids()
    for body in (
        {"op": "move_vertex", "from": [lon, lat], "to": [lon, lat]},
        {"op": "move_vertex", "from": [lon, lat], "to": [lon + 1e-9, lat]},
        {"op": "set", "code": code, "name": "改过"},
        {"op": "set", "code": code, "new_code": code, "locked": False},
    ):
        answer = draft.edit(**body)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["version"], told["changed"], told["removed"]) == (2, [], []), body
        assert answer.headers["etag"] == '"2"'
    assert draft.grids() == before
    with transaction(engine) as session:
        assert len(session.scalars(select(PlanEdit)).all()) == 1


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


@pytest.mark.parametrize(
    ("lang", "detail"),
    [("zh-CN", "图形无效：边与边相交。位置已在图上标出。"), ("en", "The geometry is not valid: edges cross. ")],
)
def test_why_a_shape_is_invalid_is_told_in_the_readers_language(draft: Draft, lang: str, detail: str) -> None:
    (west, south), (east, north) = (118.18, 39.65), (118.1801, 39.6501)
    ring = [[west, south], [east, north], [east, south], [west, north], [west, south]]
    body = {"op": "carve", "geometry": {"type": "Polygon", "coordinates": [ring]}, "name": "结"}
    headers = {"If-Match": draft.version, "Accept-Language": lang}
    answer = draft.client.post(f"{draft.path}/edits", json=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(detail)
    assert answer.json()["where"] == {"type": "Point", "coordinates": pytest.approx([118.18005, 39.65005])}


@pytest.mark.parametrize("shape", [[], [[]], [[[]]]])
def test_a_shape_without_ground_is_refused_in_words(draft: Draft, small_city: SmallCity, shape: Any) -> None:
    code, empty = small_city.codes[0][:15], {"type": "MultiPolygon", "coordinates": shape}
    for edit in (
        {"op": "add", "geometry": empty, "name": "x"},
        {"op": "carve", "geometry": empty, "name": "x"},
        {"op": "give", "geometry": empty, "to": code},
        {"op": "reshape", "geometry": empty, "code": code},
        {"op": "split", "code": code, "line": {"type": "LineString", "coordinates": []}},
    ):
        answer = draft.edit(**edit)
        assert answer.status_code == 422 and answer.json()["errors"][0]["loc"][0] in ("coordinates", "type"), (
            answer.text
        )


def test_the_words_of_the_geometry_reach_the_user(draft: Draft, small_city: SmallCity) -> None:
    lon, lat = inner_vertex(small_city)
    twice = draft.edit(op="insert_vertex", at=[lon, lat], to=[lon, lat])
    assert twice.json()["detail"] == "该位置已有节点，请直接移动它。", twice.text
    code = small_city.codes[0][:15]
    alone = draft.edit(op="merge", codes=[code, code])
    assert alone.status_code == 422 and alone.json()["detail"] == "请至少指明两个网格。", alone.text
    nowhere = draft.edit(op="remove", code="130273999999999", into=code)
    assert nowhere.status_code == 404 and nowhere.json()["detail"] == "没有网格 130273999999999。", nowhere.text
