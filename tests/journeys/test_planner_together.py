"""Two planners in one draft, in two real browsers: they see each other and each other's edits, and lose none."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import READY, RunningCity, Watch
from tests.journeys.test_planner_page import (
    Place,
    at_version,
    drag,
    edit,
    features,
    free_vertex,
    it,
    middle,
    owners,
    saved,
    select_grid,
    version_of,
    vertices,
)
from tests.journeys.together import LOST, Visit, at_work, connected, drag_free, far_from, grids, handles_of, nudge

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


def test_two_planners_see_each_other_and_where_the_other_works(visit: Visit, draft: str) -> None:
    mine = visit("planner", f"/planner?plan={draft}")
    connected(mine, others=0)
    theirs = visit("reviewer", f"/planner?plan={draft}")
    connected(mine, others=1)
    connected(theirs, others=1)
    expect(it(mine, "planner-people")).to_contain_text("2 人在编辑")
    select_grid(theirs, tool="e")
    initial = it(mine, "planner-people").locator("button")
    expect(initial).to_have_attribute("data-person", "reviewer")
    expect(initial).to_have_attribute("title", re.compile("编辑界点"), timeout=10_000)
    theirs.context.close()
    connected(mine, others=0)


def test_an_edit_of_one_is_on_the_map_of_the_other_without_a_reload(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    mine, handle, place = at_work(visit, "planner", draft)
    theirs = visit("reviewer", f"/planner?plan={draft}")
    select_grid(theirs, tool="e")
    gone = theirs.locator(f'[data-test="planner-vertex"][data-lon="{place[0]}"][data-lat="{place[1]}"]')
    expect(gone).to_have_count(1)
    connected(theirs, others=1)
    drag(mine, middle(handle), by=(5, 4))
    at_version(mine, 2)
    at_version(theirs, 2)
    expect(gone).to_have_count(0)
    expect(it(theirs, "planner-news")).to_contain_text("planner：移动界点")
    expect(it(theirs, "planner-undo")).to_be_enabled()
    free, _ = free_vertex(theirs)
    drag(theirs, middle(free), by=(4, 4))
    at_version(theirs, 3)
    at_version(mine, 3)
    assert it(mine, "planner-merge").count() == 0


def test_a_drag_in_progress_is_not_disturbed(running: RunningCity, visit: Visit, draft: str) -> None:
    page, handle, place = at_work(visit, "planner", draft)
    away = far_from(running, draft, place)
    x, y = middle(handle)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3, y + 3)
    edit(running, draft, {"op": "set", "code": away, "name": "别处"}, by="reviewer")
    page.wait_for_timeout(700)
    at_version(page, 1)
    expect(page.locator("#tip")).to_contain_text("个网格共用的界点")
    page.mouse.move(x + 5, y + 4)
    page.mouse.up()
    at_version(page, 3)
    assert features(running, draft)[away]["properties"]["name"] == "别处"
    assert owners(running, draft, place) == set()


def racing(running: RunningCity, visit: Visit, watch: Watch, plan: str) -> tuple[Page, Place]:
    """Both move one vertex; mine comes second."""
    watch.expected = LOST
    page, handle, place = at_work(visit, "planner", plan)
    page.mouse.move(*middle(handle))
    page.mouse.down()
    page.mouse.move(middle(handle)[0] + 3, middle(handle)[1] + 3)
    code = min(code[:15] for code in owners(running, plan, place))
    edit(running, plan, {"op": "set", "code": code, "name": "同时改的"}, by="reviewer")
    page.mouse.move(middle(handle)[0] + 2, middle(handle)[1] + 2)
    page.mouse.up()
    expect(it(page, "planner-merge")).to_be_visible()
    return page, place


def test_of_two_edits_of_one_grid_the_second_is_asked_about(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    page, place = racing(running, visit, watch, draft)
    dialog = it(page, "planner-merge")
    expect(dialog).to_contain_text("reviewer")
    expect(dialog).to_contain_text("修改网格属性")
    expect(dialog.locator("svg.merge-map")).to_have_count(2)
    it(page, "merge-mine").click()
    at_version(page, 3)
    saved(page)
    assert owners(running, draft, place) == set()


def test_theirs_may_be_taken(running: RunningCity, visit: Visit, watch: Watch, draft: str) -> None:
    page, place = racing(running, visit, watch, draft)
    it(page, "merge-theirs").click()
    expect(it(page, "planner-merge")).to_have_count(0)
    at_version(page, 2)
    assert owners(running, draft, place)
    page.reload()
    page.wait_for_selector(READY)
    page.wait_for_timeout(300)
    assert it(page, "planner-merge").count() == 0


def test_a_sketch_of_mine_is_kept_over_reloads_and_can_be_made_again(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    page, place = racing(running, visit, watch, draft)
    it(page, "merge-sketch").click()
    expect(it(page, "planner-kept")).to_be_visible()
    page.reload()
    page.wait_for_selector(READY)
    expect(it(page, "planner-kept")).to_contain_text("移动界点")
    assert owners(running, draft, place)
    it(page, "kept-again").click()
    at_version(page, 3)
    assert owners(running, draft, place) == set()
    expect(it(page, "planner-kept")).to_be_hidden()


def test_a_question_outlives_a_reload(running: RunningCity, visit: Visit, watch: Watch, draft: str) -> None:
    page, place = racing(running, visit, watch, draft)
    page.reload()
    page.wait_for_selector(READY)
    expect(it(page, "planner-merge")).to_be_visible()
    it(page, "merge-mine").click()
    at_version(page, 3)
    assert owners(running, draft, place) == set()


def test_a_vertex_that_somebody_took_away_springs_back_and_says_by_whom(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, handle, place = at_work(visit, "planner", draft)
    x, y = middle(handle)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3, y + 3)
    nudge(running, draft, place, by="reviewer")
    page.wait_for_timeout(400)
    page.mouse.move(x + 5, y + 4)
    page.mouse.up()
    dialog = it(page, "planner-merge")
    expect(dialog).to_contain_text("您所拖动的界点已不存在：被 reviewer")
    expect(it(page, "merge-mine")).to_be_disabled()
    it(page, "merge-theirs").click()
    at_version(page, 2)
    assert version_of(running, draft) == 2


def test_a_412_that_concerns_other_grids_is_settled_by_itself(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page = visit(
        "planner",
        f"/planner?plan={draft}",
        before=lambda context: context.route("**/api/v1/plans/*/live*", lambda r: r.abort()),
    )
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    edit(running, draft, {"op": "set", "code": far_from(running, draft, place), "name": "别处"}, by="reviewer")
    drag(page, middle(handle), by=(5, 4))
    at_version(page, 3)
    saved(page)
    assert it(page, "planner-merge").count() == 0
    assert owners(running, draft, place) == set()


def test_after_a_quarrel_both_maps_are_the_service_s(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    """Both drag about in one grid at once, and answer every question in turn: mine, theirs, mine …"""
    watch.expected = LOST
    pages = [visit(person, f"/planner?plan={draft}") for person in ("planner", "reviewer")]
    for page in pages:
        select_grid(page, tool="e")
        connected(page, others=1)
    for turn in range(8):
        for who, page in enumerate(pages):
            drag_free(page, by=(3 - turn % 3 - who, 2), number=turn % 4)
        for who, page in enumerate(pages):
            page.wait_for_timeout(250)
            if it(page, "planner-merge").count():
                wanted = it(page, "merge-mine" if (turn + who) % 2 else "merge-theirs")
                (wanted if wanted.is_enabled() else it(page, "merge-theirs")).click()
                expect(it(page, "planner-merge")).to_have_count(0)
    for page in pages:
        at_version(page, version_of(running, draft))
        saved(page)
    # A drag that missed its vertex has selected another grid: each page shows one as it is stored, to the last digit.
    stored = [vertices(feature) for feature in features(running, draft).values()]
    for page in pages:
        assert handles_of(page) in stored
    with running.api("planner") as client:
        assert client.get(f"/api/v1/plans/{draft}/coverage").json()["ok"]


def test_a_question_that_is_put_off_stays_among_the_kept(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    page, place = racing(running, visit, watch, draft)
    page.keyboard.press("Escape")
    expect(it(page, "planner-kept")).to_contain_text("移动界点")
    it(page, "kept-decide_now").click()
    it(page, "merge-mine").click()
    at_version(page, 3)
    expect(it(page, "planner-kept")).to_be_hidden()
    assert owners(running, draft, place) == set()


def test_an_undo_that_would_take_back_somebody_else_s_edit_is_asked_about(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    without_stream = "**/api/v1/plans/*/live*"
    page = visit("planner", f"/planner?plan={draft}", before=lambda c: c.route(without_stream, lambda r: r.abort()))
    select_grid(page, tool="e")
    place = drag_free(page, by=(5, 4))
    at_version(page, 2)
    code = far_from(running, draft, place) if owners(running, draft, place) else grids(running, draft)[0]
    edit(running, draft, {"op": "set", "code": code, "name": "别人改的"}, by="reviewer")
    page.keyboard.press("Control+z")
    expect(it(page, "planner-merge")).to_contain_text("reviewer")
    it(page, "merge-mine").click()
    at_version(page, 4)
    assert features(running, draft)[code]["properties"]["name"] != "别人改的"
    expect(it(page, "planner-news")).to_contain_text("此步为 reviewer 的修改")


def test_a_plan_that_somebody_submits_turns_on_the_other_s_screen(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    mine = visit("planner", f"/planner?plan={draft}")
    theirs = visit("reviewer", f"/planner?plan={draft}")
    connected(theirs, others=1)
    turn(running, draft, "submit", by="planner")
    expect(theirs.locator("#plan-state")).to_contain_text("待审核")
    expect(theirs.locator("#toast")).to_contain_text("planner 已将方案提交审核")
    expect(it(theirs, "planner-publish")).to_be_enabled()
    expect(mine.locator("#plan-state")).to_contain_text("待审核")
    turn(running, draft, "publish", by="reviewer")
    expect(mine.locator("#plan-state")).to_contain_text("现行")
    expect(mine.locator("#toast")).to_contain_text("reviewer 已发布方案")


def test_a_plan_that_changed_as_a_whole_is_loaded_anew(running: RunningCity, visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    connected(page, others=0)
    with running.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE plans SET version = 9 WHERE id = {int(draft)}")
    at_version(page, 9)
    expect(page.locator("#toast")).to_contain_text("方案已整体变更")
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    drag(page, middle(handle), by=(5, 4))
    at_version(page, 10)
    assert owners(running, draft, place) == set()


def turn(running: RunningCity, plan: str, step: str, *, by: str) -> None:
    """Submit or publish a plan, knowing of all its warnings."""
    path = f"/api/v1/plans/{plan}"
    with running.api(by) as client:
        kinds = {defect["kind"] for defect in client.get(f"{path}/coverage").json()["defects"]} | {"unserved_grid"}
        body = {"acknowledged": sorted(kinds)} if step == "submit" else {}
        seen = {"if-match": client.get(path).headers["etag"]}
        answer = client.post(f"{path}/{step}", json=body, headers=seen)
    assert answer.status_code == 200, answer.text
