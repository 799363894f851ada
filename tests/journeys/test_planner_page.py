"""A planner draws on the real page with a real mouse; what the page shows is what the service stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.journeys.conftest import READY, RunningCity, Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
Place = tuple[float, float]

FREE = '[data-test="planner-vertex"]:not(.fixed)'
REFUSED = "console: Failed to load resource: the server responded with a status of 4"


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


def features(running: RunningCity, plan: str) -> dict[str, Any]:
    with running.api("planner") as client:
        found = client.get(f"/api/v1/plans/{plan}/grids").json()["features"]
    return {feature["properties"]["code"]: feature for feature in found}


def version_of(running: RunningCity, plan: str) -> int:
    with running.api("planner") as client:
        return int(client.get(f"/api/v1/plans/{plan}").json()["version"])


def edit(running: RunningCity, plan: str, operation: dict[str, Any], *, by: str) -> None:
    with running.api(by) as client:
        version = client.get(f"/api/v1/plans/{plan}").headers["etag"]
        answer = client.post(f"/api/v1/plans/{plan}/edits", json=operation, headers={"if-match": version})
    assert answer.status_code == 200, answer.text


def vertices(feature: Any) -> set[Place]:
    polygons = feature["geometry"]["coordinates"]
    if feature["geometry"]["type"] == "Polygon":
        polygons = [polygons]
    return {(lon, lat) for polygon in polygons for ring in polygon for lon, lat in ring}


def owners(running: RunningCity, plan: str, place: Place) -> set[str]:
    return {code for code, feature in features(running, plan).items() if place in vertices(feature)}


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def middle(element: Locator) -> Place:
    box = element.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, start: Place, *, by: Place) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(start[0] + by[0] * step / 8, start[1] + by[1] * step / 8)
    page.mouse.up()


def click_slowly(page: Page, place: Place) -> None:
    """A click that is no part of a double click, which would end a line."""
    page.mouse.move(*place)
    page.mouse.click(*place)
    page.wait_for_timeout(350)


def select_grid(page: Page, *, tool: str) -> None:
    """Choose the tool and the grid under the middle of the map."""
    page.keyboard.press(tool)
    page.mouse.click(*middle(page.locator("#map_main")))


def zoom_in(page: Page) -> None:
    """Two zoom levels closer to the middle of the map."""
    for _ in range(2):
        page.locator(".leaflet-control-zoom-in").click()
        page.wait_for_timeout(450)  # the zoom is animated


def saved(page: Page) -> None:
    expect(it(page, "planner-save-state")).to_have_text(re.compile(r"^已保存 \d\d:\d\d:\d\d$"))


def at_version(page: Page, version: int) -> None:
    expect(page.locator("#plan-state")).to_contain_text(f"第 {version} 版")


def free_vertex(page: Page) -> tuple[Locator, Place]:
    """A vertex that several grids share and that may be moved, with its stored position."""
    page.locator('[data-test="planner-vertex"]').first.wait_for()
    for handle in page.locator(FREE).all():
        label = handle.get_attribute("aria-label") or ""
        if len(label.split("：")[-1].split()) >= 2:
            return handle, (float(handle.get_attribute("data-lon") or 0), float(handle.get_attribute("data-lat") or 0))
    raise AssertionError("no shared vertex that may be moved")


def test_a_dragged_vertex_moves_every_grid_that_shares_it(running: RunningCity, visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    before = owners(running, draft, place)
    assert len(before) >= 2
    drag(page, middle(handle), by=(5, 4))
    at_version(page, 2)
    saved(page)
    assert owners(running, draft, place) == set()
    moved = features(running, draft)
    assert set.intersection(*(vertices(moved[code]) for code in before))
    with running.api("planner") as client:
        assert client.get(f"/api/v1/plans/{draft}/coverage").json()["ok"]


def test_a_grid_under_the_pointer_tells_its_code_name_households_and_target(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    grids = features(running, draft)
    page = visit("planner", f"/planner?plan={draft}")
    page.mouse.move(*middle(page.locator("#map_main")))
    expect(page.locator("#tip b")).to_contain_text(re.compile(r"^\d{3}-\d{3} 网格 \d+$"))
    short = page.locator("#tip b").inner_text().split()[0].replace("-", "")
    told = next(grid["properties"] for code, grid in grids.items() if code[9:] == short)
    expect(page.locator("#tip")).to_contain_text(f"{told['households']} 户，目标 {told['target']} 户")


def test_while_a_vertex_is_dragged_the_tip_names_the_grids_that_follow(visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    select_grid(page, tool="e")
    handle, _ = free_vertex(page)
    x, y = middle(handle)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 3, y + 3)
    page.mouse.move(x + 6, y + 5)
    expect(page.locator("#tip")).to_contain_text("个网格共用的界点")
    page.mouse.move(x, y)
    page.mouse.up()
    at_version(page, 1)


def test_a_middle_dragged_out_becomes_a_vertex_of_both_grids(running: RunningCity, visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    zoom_in(page)
    select_grid(page, tool="e")
    count = sum(len(vertices(feature)) for feature in features(running, draft).values())
    drag(page, middle(it(page, "planner-midpoint").first), by=(4, 4))
    at_version(page, 2)
    assert sum(len(vertices(feature)) for feature in features(running, draft).values()) >= count + 2


def test_a_refused_drag_springs_back_and_says_why(running: RunningCity, visit: Visit, watch: Watch, draft: str) -> None:
    watch.expected = (REFUSED,)
    page = visit("planner", f"/planner?plan={draft}")
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    start = middle(handle)
    drag(page, start, by=(320, -240))
    expect(page.locator("#toast")).to_be_visible()
    expect(it(page, "planner-save-state")).to_contain_text("已还原")
    same = page.locator(f'[data-test="planner-vertex"][data-lon="{place[0]}"][data-lat="{place[1]}"]')
    assert middle(same) == pytest.approx(start, abs=1.5)
    assert version_of(running, draft) == 1
    assert owners(running, draft, place)


def test_an_edit_can_be_undone_after_a_reload(running: RunningCity, visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    before = features(running, draft)
    drag(page, middle(handle), by=(5, 4))
    at_version(page, 2)
    page.reload()
    page.wait_for_selector(READY)
    it(page, "planner-undo").click()
    at_version(page, 3)
    assert {c: f["geometry"] for c, f in features(running, draft).items()} == {
        code: feature["geometry"] for code, feature in before.items()
    }
    expect(it(page, "planner-undo")).to_be_disabled()
    assert owners(running, draft, place)


def test_a_line_splits_a_grid_and_its_parts_can_be_merged(running: RunningCity, visit: Visit, draft: str) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    grids = {code for code in features(running, draft) if len(code) == 15}
    select_grid(page, tool="e")
    corners = sorted(middle(handle) for handle in page.locator('[data-test="planner-vertex"]').all())
    left = [corner for corner in corners if corner[0] < corners[0][0] + 12]
    right = [corner for corner in corners if corner[0] > corners[-1][0] - 12]
    start, end = left[len(left) // 2], right[len(right) // 2]
    page.keyboard.press("x")
    click_slowly(page, start)
    click_slowly(page, end)
    page.keyboard.press("Enter")
    at_version(page, 2)
    split = {code for code in features(running, draft) if len(code) == 15}
    assert grids < split
    assert len(split - grids) == 1

    x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    heights = [corner[1] for corner in corners]
    page.keyboard.press("m")
    page.keyboard.press("Escape")
    click_slowly(page, (x, (y + min(heights)) / 2))
    click_slowly(page, (x, (y + max(heights)) / 2))
    page.locator("#confirm").click()
    at_version(page, 3)
    assert {code for code in features(running, draft) if len(code) == 15} == grids


def test_whoever_edited_a_plan_cannot_publish_it_and_somebody_else_can(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    page = visit("planner", f"/planner?plan={draft}")
    select_grid(page, tool="e")
    handle, _ = free_vertex(page)
    drag(page, middle(handle), by=(3, 3))
    at_version(page, 2)
    expect(it(page, "planner-publish")).to_be_disabled()
    expect(it(page, "planner-publish")).to_contain_text("未参与编辑")
    it(page, "planner-submit").click()
    it(page, "dialog").wait_for()
    for box in it(page, "warnings").locator("input").all():
        box.check()
    it(page, "dialog").get_by_role("button", name="确定").click()
    expect(page.locator("#plan-state")).to_contain_text("待审核")
    expect(it(page, "planner-publish")).to_be_disabled()

    other = visit("reviewer", f"/planner?plan={draft}")
    expect(it(other, "planner-publish")).to_be_enabled()
    it(other, "planner-publish").click()
    it(other, "dialog").get_by_role("button", name="发布", exact=True).click()
    expect(other.locator("#plan-state")).to_contain_text("现行")
    with running.api("planner") as client:
        assert client.get(f"/api/v1/plans/{draft}").json()["state"] == "published"


def test_a_new_draft_is_made_from_the_list_of_plans(visit: Visit) -> None:
    page = visit("planner", "/planner")
    it(page, "new-draft").click()
    page.wait_for_url(re.compile(r"/planner\?plan=\d+$"))
    page.wait_for_selector(READY)
    expect(page.locator("#plan-state")).to_contain_text("草案")
    expect(it(page, "planner-defects")).not_to_be_empty()
    # The small city has figures and no buildings: once a plan of it was published, counting them again finds none.
    expect(page.locator("#households-lead")).to_contain_text("户")


def test_a_name_is_shown_as_text_whatever_is_in_it(running: RunningCity, visit: Visit, draft: str) -> None:
    hostile = "<img src=x onerror=\"document.title='broken'\">${alert(1)}`"
    for code in [code for code in features(running, draft) if len(code) == 15]:
        edit(running, draft, {"op": "set", "code": code, "name": hostile}, by="planner")
    page = visit("planner", f"/planner?plan={draft}")
    page.mouse.move(*middle(page.locator("#map_main")))
    expect(page.locator("#tip")).to_contain_text("<img src=x")
    assert page.title() != "broken"
    assert page.locator("img[src=x]").count() == 0


def test_the_first_plan_of_a_district_is_compared_with_nothing(visit: Visit, draft: str) -> None:
    def first(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"based_on": None})

    layer = 'label:has(input[name="published"])'
    expect(visit("planner", f"/planner?plan={draft}").locator(layer)).to_be_visible()
    page = visit("planner", f"/planner?plan={draft}", before=lambda made: made.route(f"**/api/v1/plans/{draft}", first))
    expect(page.locator("#changes")).to_contain_text("尚未发布过方案")
    expect(page.locator(layer)).to_be_hidden()
    expect(page.locator("#compare")).to_be_hidden()


@pytest.mark.parametrize("width", [390, 768])
def test_on_a_narrow_screen_everything_is_still_there(visit: Visit, draft: str, width: int) -> None:
    page = visit("planner", f"/planner?plan={draft}", width=width, height=844)
    for name in ("planner-save-state", "planner-households", "planner-publish", "planner-undo"):
        expect(it(page, name)).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    map_box = page.locator("#map_main").bounding_box()
    assert map_box
    assert map_box["height"] > 200


def test_a_lost_connection_is_told_and_watched_until_it_is_back(visit: Visit, watch: Watch, draft: str) -> None:
    watch.expected = ("ERR_INTERNET_DISCONNECTED",)
    page = visit("planner", f"/planner?plan={draft}")
    page.context.set_offline(True)
    expect(page.locator("#lost")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_be_hidden(timeout=10_000)


def test_a_plan_that_does_not_exist_is_told_and_can_be_tried_again(visit: Visit, watch: Watch) -> None:
    watch.expected = (REFUSED, "Problem")
    page = visit("planner", "/planner?plan=999999", wait_for="#failed:not([hidden])")
    expect(page.locator("#failed button")).to_be_visible()
    # The browser itself prefers English.
    expect(page.locator("#failed p")).to_contain_text("没有方案 999999")
