"""What a grid is called and what it is, over HTTP: codes and their lineage, kinds, grids that lie over others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, select
from starlette.testclient import TestClient

from layers.db import transaction
from layers.plans import Lineage
from tests.plan_desk import Draft, checked_afresh, defects_of, shape_of
from tests.small_city import SmallCity

DISTRICT = "130273"


@pytest.fixture
def draft(signed_in: Any, small_city: SmallCity) -> Iterator[Draft]:
    client: TestClient = signed_in("planner")
    yield Draft(client, small_city.district)


def with_sub_grids(draft: Draft) -> str:
    return min(code for code in draft.grids(level="sub_grid"))[:15]


def without_sub_grids(draft: Draft) -> str:
    above = {code[:15] for code in draft.grids(level="sub_grid")}
    return min(code for code in draft.grids(level="grid") if code not in above)


def free_code(draft: Draft, code: str) -> str:
    return f"{code[:12]}9{code[-2:]}"


def neighbour_of(draft: Draft, code: str) -> str:
    grids = draft.grids(level="grid")
    shape = shape_of(grids[code]["geometry"])
    beside = {
        other: shape_of(grid["geometry"]).intersection(shape).length
        for other, grid in grids.items()
        if other != code and other[:12] == code[:12]
    }
    return max(beside, key=lambda other: (beside[other], other))


def square_in(feature: dict[str, Any], *, share: float = 0.2) -> dict[str, Any]:
    """A small square about the middle of a grid."""
    shape = shape_of(feature["geometry"])
    centre, (west, _, east, _) = shape.representative_point(), shape.bounds
    side = (east - west) * share / 2
    west, east, south, north = centre.x - side, centre.x + side, centre.y - side, centre.y + side
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_a_grid_gets_another_code_and_its_sub_grids_follow(draft: Draft, engine: Engine) -> None:
    before = draft.grids()
    old = with_sub_grids(draft)
    new = free_code(draft, old)
    answer = draft.edit(op="set", code=old, new_code=new)
    assert answer.status_code == 200, answer.text
    after = draft.grids()
    parts = {code for code in before if code.startswith(old) and code != old}
    assert set(answer.json()["removed"]) == {old, *parts}
    assert after.keys() == (before.keys() - {old, *parts}) | {new, *(new + code[15:] for code in parts)}
    assert all(after[new + code[15:]]["geometry"] == before[code]["geometry"] for code in parts)
    assert {after[new + code[15:]]["properties"]["parent"] for code in parts} == {new}
    assert after[new]["properties"]["parent"] == before[old]["properties"]["parent"]
    assert draft.report()["ok"] and checked_afresh(engine, draft.id)["ok"]
    with transaction(engine) as session:
        line = session.get_one(Lineage, (DISTRICT, new))
        assert line.origin == "rename" and list(line.ancestors) == [old]


def test_undo_of_a_new_code_revives_the_old_one_and_redo_takes_it_again(draft: Draft) -> None:
    before = draft.grids()
    old = with_sub_grids(draft)
    assert draft.edit(op="set", code=old, new_code=free_code(draft, old)).status_code == 200
    changed = draft.grids()
    assert draft.post("undo").status_code == 200
    assert draft.grids() == before
    assert draft.post("redo").status_code == 200
    assert draft.grids() == changed


def test_a_grid_may_have_the_code_back_that_it_bore_before(draft: Draft) -> None:
    old = without_sub_grids(draft)
    new = free_code(draft, old)
    assert draft.edit(op="set", code=old, new_code=new).status_code == 200
    assert draft.edit(op="set", code=new, new_code=old).status_code == 200
    assert old in draft.grids() and new not in draft.grids()


def test_a_code_of_another_lineage_is_not_given_even_when_it_is_free(draft: Draft) -> None:
    old = without_sub_grids(draft)
    beside = neighbour_of(draft, old)
    assert draft.edit(op="set", code=old, new_code=beside).status_code == 409
    gone = max(old, beside)
    assert draft.edit(op="merge", codes=[old, beside]).status_code == 200
    kept = min(old, beside)
    refused = draft.edit(op="set", code=kept, new_code=gone)
    assert refused.status_code == 409 and refused.json()["type"].endswith("code_given")


@pytest.mark.parametrize(
    "wrong", ["130273001001", "1302730010010011", "130273999999001", "130273-x", "13027300100100a"]
)
def test_a_code_that_the_scheme_does_not_form_is_refused(draft: Draft, wrong: str) -> None:
    before = draft.grids()
    refused = draft.edit(op="set", code=without_sub_grids(draft), new_code=wrong)
    assert refused.status_code == 422 and refused.json()["errors"][0]["loc"] == ["new_code"], refused.text
    assert draft.grids() == before


def test_two_drafts_cannot_give_one_new_code_to_two_grids(draft: Draft, signed_in: Any) -> None:
    other = Draft(signed_in("reviewer"), DISTRICT)
    one = without_sub_grids(draft)
    two = neighbour_of(draft, one)
    new = free_code(draft, one)
    assert draft.edit(op="set", code=one, new_code=new).status_code == 200
    assert other.edit(op="set", code=two, new_code=new).status_code == 409
    assert other.edit(op="set", code=one, new_code=new).status_code == 200


def test_name_code_and_kind_are_one_edit(draft: Draft) -> None:
    old = without_sub_grids(draft)
    new = free_code(draft, old)
    answer = draft.edit(op="set", code=old, new_code=new, name="公园", kind="dedicated", group="园林", locked=True)
    assert answer.status_code == 200, answer.text
    told = draft.grids()[new]["properties"]
    assert (told["name"], told["kind"], told["group"], told["locked"]) == ("公园", "dedicated", "园林", True)
    assert draft.version == '"2"'


def test_the_kind_of_a_grid_is_that_of_its_sub_grids(draft: Draft) -> None:
    code = with_sub_grids(draft)
    assert draft.edit(op="set", code=code, kind="dedicated").status_code == 200
    parts = draft.grids(level="sub_grid")
    assert {parts[part]["properties"]["kind"] for part in parts if part.startswith(code)} == {"dedicated"}
    part = min(part for part in parts if part.startswith(code))
    assert draft.edit(op="set", code=part, kind="base").status_code == 422


def test_a_tile_becomes_an_overlay_and_a_tile_again(draft: Draft, engine: Engine) -> None:
    before = draft.grids()
    code = without_sub_grids(draft)
    into = neighbour_of(draft, code)
    refused = draft.edit(op="set", code=code, kind="dedicated", exclusive=False)
    assert refused.status_code == 422 and refused.json()["errors"][0]["loc"] == ["into"]
    answer = draft.edit(op="set", code=code, kind="dedicated", exclusive=False, into=into)
    assert answer.status_code == 200, answer.text
    lifted = draft.grids()
    assert lifted[code]["properties"]["exclusive"] is False
    assert lifted[code]["geometry"] == before[code]["geometry"]
    areas = [before[one]["properties"]["area_m2"] for one in (code, into)]
    assert lifted[into]["properties"]["area_m2"] == pytest.approx(sum(areas), abs=0.01)
    assert defects_of(draft.report()) == defects_of(checked_afresh(engine, draft.id))
    laid = draft.edit(op="set", code=code, kind="base", exclusive=True)
    assert laid.status_code == 200, laid.text
    after = draft.grids()
    assert after[code]["properties"]["exclusive"] and after[code]["properties"]["kind"] == "base"
    assert after[into]["properties"]["area_m2"] == pytest.approx(areas[1], abs=0.01)
    assert checked_afresh(engine, draft.id)["ok"] and draft.report()["ok"]
    draft.post("undo")
    draft.post("undo")
    assert draft.grids() == before
    assert defects_of(draft.report()) == defects_of(checked_afresh(engine, draft.id))


def test_an_overlay_is_drawn_gets_another_outline_and_goes_and_no_tile_changes(draft: Draft, engine: Engine) -> None:
    before = draft.grids()
    home = before[without_sub_grids(draft)]
    drawn = draft.edit(op="carve", geometry=square_in(home), name="<b>巡查</b>", exclusive=False)
    assert drawn.status_code == 200, drawn.text
    (code,) = draft.grids().keys() - before.keys()
    small = draft.grids()[code]["properties"]["area_m2"]
    assert draft.edit(op="reshape", code=code, geometry=square_in(home, share=0.4)).status_code == 200
    assert draft.grids()[code]["properties"]["area_m2"] == pytest.approx(4 * small, rel=0.01)
    assert {one: grid for one, grid in draft.grids().items() if one != code} == before
    assert checked_afresh(engine, draft.id)["ok"]
    assert draft.edit(op="remove", code=code).status_code == 200
    assert draft.grids() == before
    draft.post("undo")
    assert code in draft.grids()


def test_an_overlay_gets_another_code_too(draft: Draft) -> None:
    before = draft.grids()
    draft.edit(op="carve", geometry=square_in(before[without_sub_grids(draft)]), exclusive=False)
    (code,) = draft.grids().keys() - before.keys()
    new = free_code(draft, code)
    assert draft.edit(op="set", code=code, new_code=new).status_code == 200
    assert new in draft.grids() and code not in draft.grids()
    assert draft.grids()[new]["properties"]["name"] == new


def test_an_overlay_does_not_lie_outside_the_frame_nor_cross_itself(draft: Draft) -> None:
    before = draft.grids()
    home = before[without_sub_grids(draft)]
    draft.edit(op="carve", geometry=square_in(home), exclusive=False)
    (code,) = draft.grids().keys() - before.keys()
    away = square_in(home)
    away["coordinates"][0] = [[lon + 0.1, lat] for lon, lat in away["coordinates"][0]]
    outside = draft.edit(op="reshape", code=code, geometry=away)
    assert outside.status_code == 422 and outside.json()["type"].endswith("outside_frame") and outside.json()["where"]
    west, south, east, north = shape_of(home["geometry"]).bounds
    bow = {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, north], [east, south], [west, north], [west, south]]],
    }
    assert draft.edit(op="reshape", code=code, geometry=bow).status_code == 422


def test_a_tile_is_reshaped_by_its_borders_only(draft: Draft) -> None:
    code = without_sub_grids(draft)
    refused = draft.edit(op="reshape", code=code, geometry=square_in(draft.grids()[code]))
    assert refused.status_code == 422 and refused.json()["type"].endswith("not_an_overlay")


def test_a_planner_of_elsewhere_names_no_grid_here(draft: Draft, engine: Engine) -> None:
    code = without_sub_grids(draft)
    refused = draft.edit(op="set", code=code, new_code=f"110101{code[6:]}")
    assert refused.status_code == 422
    with transaction(engine) as session:
        assert session.scalars(select(Lineage.code).where(Lineage.code.startswith("110101"))).all() == []
