"""A planner mends what an import left open, and finds a way on where an edit is refused; real mouse, real service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Locator, Page, expect

from layers import planning
from layers.db import transaction
from tests.drafts import DRAWER, add_buildings, rows_of
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.plan_desk import shape_of
from tests.planner_hand import Hand

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"
AWAY = "console: Failed to load resource: the server responded with a status of 503"


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


@pytest.fixture(scope="module")
def with_a_gap(running: RunningCity) -> str:
    """A draft as an import leaves it: the ground of one grid belongs to nobody."""
    shapes = running.city.shapes
    rows = [row for row in rows_of(shapes) if row.level == "grid"]
    kept = [row for row in rows if row != rows[5]]
    with transaction(running.engine) as session:
        by = replace(DRAWER, name="planner")
        return str(planning.import_draft(session, shapes.district, rows=kept, frame=shapes.frame, by=by).id)


@pytest.fixture(scope="module")
def buildings(running: RunningCity) -> int:
    with transaction(running.engine) as session:
        return add_buildings(session, running.city.shapes, number=120)


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def at_version(page: Page, version: int) -> None:
    expect(page.locator("#plan-state")).to_contain_text(f"第 {version} 版")


def coverage(running: RunningCity, plan: str) -> dict[str, object]:
    with running.api("planner") as client:
        return dict(client.get(f"/api/v1/plans/{plan}/coverage").json())


def cut_buildings(running: RunningCity, plan: str) -> int:
    defects = coverage(running, plan)["defects"]
    assert isinstance(defects, list)
    return sum(defect["kind"] == "cut_building" for defect in defects)


def draw(page: Page, corners: list[tuple[float, float]]) -> None:
    """Click the corners, far enough apart in time that none is half of a double click, and end with Enter."""
    for corner in corners:
        page.mouse.move(*corner)
        page.mouse.click(*corner)
        page.wait_for_timeout(350)
    page.keyboard.press("Enter")


def test_a_gap_of_an_import_is_filled_by_one_button_and_then_the_plan_can_go_on(
    running: RunningCity, visit: Visit, with_a_gap: str
) -> None:
    page = visit("planner", f"/planner?plan={with_a_gap}")
    gap = page.locator('[data-kind="gap"]')
    expect(gap).to_have_count(1)
    expect(it(page, "planner-publish")).to_contain_text("还有 1 处缝隙")
    expect(it(page, "planner-submit")).to_be_disabled()
    gap.get_by_role("button", name="并入").first.click()
    expect(gap).to_have_count(0)
    expect(page.locator("#totals")).to_contain_text("全覆盖，无缝隙")
    expect(it(page, "planner-submit")).to_be_enabled()
    assert coverage(running, with_a_gap)["ok"]
    page.reload()
    page.wait_for_selector(READY)
    expect(page.locator("#totals")).to_contain_text("全覆盖，无缝隙")
    it(page, "planner-undo").click()
    expect(gap).to_have_count(1)


def test_a_new_grid_that_cuts_pieces_off_offers_to_take_them_along(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = (REFUSED,)
    page = visit("planner", f"/planner?plan={draft}")
    page.keyboard.press("e")
    box = page.locator("#map_main").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    it(page, "planner-vertex").first.wait_for()
    places = [handle.bounding_box() for handle in it(page, "planner-vertex").all()]
    xs, ys = zip(*((place["x"] + 7, place["y"] + 7) for place in places if place), strict=True)
    west, east, top, height = min(xs), max(xs), min(ys), max(ys) - min(ys)
    page.keyboard.press("n")
    # A band right across the grid leaves a piece of it on either side.
    upper, lower = top + height * 0.42, top + height * 0.58
    draw(page, [(west - 3, upper), (east + 3, upper), (east + 3, lower), (west - 3, lower)])
    it(page, "dialog").get_by_role("button", name="确定").click()
    expect(page.locator("#toast")).to_contain_text("分成几块")
    it(page, "offer").click()
    at_version(page, 2)
    assert coverage(running, draft)["ok"]


def test_a_problem_is_marked_on_the_map_and_looked_at_by_its_button(
    running: RunningCity, visit: Visit, with_a_gap: str
) -> None:
    hand = Hand(visit("planner", f"/planner?plan={with_a_gap}"), running, with_a_gap)
    gap = hand.page.locator('[data-kind="gap"]')
    (defect,) = [one for one in hand.report()["defects"] if one["kind"] == "gap"]
    place = shape_of(defect["where"]).representative_point()
    hand.look_at((place.x + 0.02, place.y), zoom=18)
    expect(gap).to_contain_text("m²")
    gap.locator('[data-fix="locate"]').click()
    hand.page.wait_for_timeout(900)
    assert hand.marked() == ["bad"]
    x, y = hand.pixel((place.x, place.y))
    stage = hand.page.locator("#map_main").bounding_box()
    assert stage is not None
    assert stage["x"] < x < stage["x"] + stage["width"] and stage["y"] < y < stage["y"] + stage["height"]


def test_the_plan_in_force_is_shown_under_the_draft(running: RunningCity, visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    layer = page.locator('#layers input[name="published"]')
    with page.expect_response(lambda answer: "/api/v1/grids?" in answer.url):
        page.locator("#compare").click()
    expect(layer).to_be_checked()
    page.locator("#compare").click()
    expect(layer).not_to_be_checked()


@pytest.mark.usefixtures("buildings")
def test_a_building_that_a_border_cuts_is_given_whole_to_one_side(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    cut = page.locator('[data-kind="cut_building"]')
    expect(cut.first).to_be_visible()
    before = cut_buildings(running, draft)
    cut.first.get_by_role("button", name="整栋归").first.click()
    at_version(page, 2)
    assert cut_buildings(running, draft) < before
    assert coverage(running, draft)["ok"]


def test_warnings_are_acknowledged_when_a_plan_is_submitted(running: RunningCity, visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    expect(it(page, "planner-submit")).to_be_enabled()
    it(page, "planner-submit").click()
    it(page, "dialog").wait_for()
    for box in it(page, "warnings").locator("input").all():
        box.check()
    it(page, "dialog").get_by_role("button", name="确定").click()
    expect(page.locator("#plan-state")).to_contain_text("待审核")
    it(page, "planner-withdraw").click()
    expect(page.locator("#plan-state")).to_contain_text("草案")


def test_while_the_database_is_away_an_edit_waits_and_is_made_when_it_is_back(
    running: RunningCity, visit: Visit, watch: Watch, with_a_gap: str
) -> None:
    watch.expected = (AWAY,)
    page = visit("planner", f"/planner?plan={with_a_gap}")
    away = {"title": "x", "status": 503, "detail": "数据库暂时无法连接，请稍后再试。"}
    page.route("**/edits*", lambda route: route.fulfill(status=503, json=away))
    page.locator('[data-kind="gap"]').get_by_role("button", name="并入").first.click()
    expect(it(page, "planner-save-state")).to_contain_text("1 处修改待保存")
    assert not coverage(running, with_a_gap)["ok"]
    page.unroute("**/edits*")
    expect(page.locator('[data-kind="gap"]')).to_have_count(0, timeout=30_000)
    assert coverage(running, with_a_gap)["ok"]
