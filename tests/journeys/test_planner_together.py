"""Two planners in one draft, in two real browsers: they see each other and each other's edits, and lose none."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from playwright.sync_api import Error as PlaywrightError

from gis_api.auth import COOKIE
from tests.gis_api.listening import served
from tests.gis_api.test_plan_live import free_port
from tests.journeys.conftest import CHROMIUM, FLAGS, READY, RunningCity, Watch
from tests.journeys.test_planner_page import (
    FREE,
    Place,
    at_version,
    click_slowly,
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

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
LOST = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "ERR_CONNECTION", "ERR_NETWORK", "status of 5", "status of 4")


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


def grids(running: RunningCity, plan: str) -> list[str]:
    return sorted(code for code in features(running, plan) if len(code) == 15)


def far_from(running: RunningCity, plan: str, place: Place) -> str:
    """A grid that shares nothing with those at a vertex."""
    near = {code[:15] for code in owners(running, plan, place)}
    shapes = features(running, plan)
    touched = {tuple(xy) for code in near for polygon in rings(shapes[code]) for ring in polygon for xy in ring}
    return next(
        code
        for code in grids(running, plan)
        if code not in near
        and not touched & {tuple(xy) for polygon in rings(shapes[code]) for ring in polygon for xy in ring}
    )


def rings(feature: Any) -> Any:
    coordinates = feature["geometry"]["coordinates"]
    return coordinates if feature["geometry"]["type"] == "MultiPolygon" else [coordinates]


def nudge(running: RunningCity, plan: str, place: Place, *, by: str, metres: float = 0.5) -> None:
    """Somebody moves a vertex by so much."""
    to = [round(place[0] + metres * 1e-5, 9), place[1]]
    edit(running, plan, {"op": "move_vertex", "from": list(place), "to": to}, by=by)


def at_work(visit: Visit, person: str, plan: str) -> tuple[Page, Any, Place]:
    """A page with the vertices of the middle grid, and a shared one of them."""
    page = visit(person, f"/planner?plan={plan}")
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    return page, handle, place


def connected(page: Page, *, others: int) -> None:
    expect(it(page, "planner-people").locator("button")).to_have_count(others)


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


def handles_of(page: Page) -> set[Place]:
    """The stored positions of the vertices that this page shows."""
    found = page.locator('[data-test="planner-vertex"]').evaluate_all(
        "handles => handles.map((one) => [Number(one.dataset.lon), Number(one.dataset.lat)])"
    )
    return {(lon, lat) for lon, lat in found}


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
    stored = features(running, draft)
    seen = handles_of(pages[0])
    assert seen == handles_of(pages[1])
    assert seen in [vertices(feature) for feature in stored.values()]
    with running.api("planner") as client:
        assert client.get(f"/api/v1/plans/{draft}/coverage").json()["ok"]


# Without a connection


def saving(page: Page, *, waiting: int) -> None:
    expect(it(page, "planner-save-state")).to_have_text(
        re.compile(rf"^{waiting} 处修改待保存，\d\d:\d\d:\d\d 起连接中断$")
    )


def drag_free(page: Page, *, by: Place = (4, 3), number: int = 0) -> Place:
    """Drag the so-manieth vertex that may be moved; its stored position before.

    It is found in one step: what others do may put another element in its place at any moment.
    """
    page.locator('[data-test="planner-vertex"]').first.wait_for()
    found = page.locator(FREE).evaluate_all(
        """handles => handles.map((one) => {
            const box = one.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2, Number(one.dataset.lon), Number(one.dataset.lat)];
        })"""
    )
    x, y, lon, lat = found[number]
    drag(page, (x, y), by=by)
    return lon, lat


def test_without_a_connection_edits_wait_in_order_and_are_saved_when_it_is_back(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, _, _ = at_work(visit, "planner", draft)
    page.context.set_offline(True)
    first = drag_free(page)
    saving(page, waiting=1)
    expect(page.locator(f'[data-test="planner-vertex"][data-lon="{first[0]}"]')).to_have_count(0)
    second = drag_free(page, number=1)
    saving(page, waiting=2)
    assert version_of(running, draft) == 1
    page.context.set_offline(False)
    saved(page)
    at_version(page, 3)
    assert owners(running, draft, first) == owners(running, draft, second) == set()
    with running.api("planner") as client:
        assert client.get(f"/api/v1/plans/{draft}/coverage").json()["ok"]


def test_a_vertex_moved_twice_while_offline_ends_where_it_was_left(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, handle, place = at_work(visit, "planner", draft)
    page.context.set_offline(True)
    drag(page, middle(handle), by=(4, 3))
    saving(page, waiting=1)
    moved, _ = free_vertex(page)
    drag(page, middle(moved), by=(3, 2))
    saving(page, waiting=2)
    page.context.set_offline(False)
    at_version(page, 3)
    saved(page)
    assert owners(running, draft, place) == set()


def test_waiting_edits_survive_a_reload_and_are_drawn_again(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, _, _ = at_work(visit, "planner", draft)
    refusing = "**/api/v1/plans/*/edits"
    page.context.route(refusing, lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}"))
    first = drag_free(page)
    saving(page, waiting=1)
    page.reload()
    page.wait_for_selector(READY)
    saving(page, waiting=1)
    select_grid(page, tool="e")
    page.locator('[data-test="planner-vertex"]').first.wait_for()
    expect(page.locator(f'[data-test="planner-vertex"][data-lon="{first[0]}"]')).to_have_count(0)
    assert version_of(running, draft) == 1
    page.context.unroute(refusing)
    at_version(page, 2)
    saved(page)
    assert owners(running, draft, first) == set()


def test_an_edit_whose_answer_is_lost_is_made_once(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, handle, place = at_work(visit, "planner", draft)
    lost: list[int] = []

    def lose(route: Route) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch().status)  # the service has made it
        route.abort("connectionreset")

    page.context.route("**/api/v1/plans/*/edits", lose)
    drag(page, middle(handle), by=(5, 4))
    at_version(page, 2)
    saved(page)
    assert lost == [200]
    assert version_of(running, draft) == 2
    assert owners(running, draft, place) == set()


def test_what_only_the_service_can_draw_waits_as_a_sketch(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, _, _ = at_work(visit, "planner", draft)
    before = set(grids(running, draft))
    corners = sorted(middle(handle) for handle in page.locator('[data-test="planner-vertex"]').all())
    left = [corner for corner in corners if corner[0] < corners[0][0] + 12]
    right = [corner for corner in corners if corner[0] > corners[-1][0] - 12]
    page.context.set_offline(True)
    page.keyboard.press("x")
    click_slowly(page, left[len(left) // 2])
    click_slowly(page, right[len(right) // 2])
    page.keyboard.press("Enter")
    saving(page, waiting=1)
    assert set(grids(running, draft)) == before
    page.context.set_offline(False)
    at_version(page, 2)
    saved(page)
    assert len(set(grids(running, draft)) - before) == 1


def test_undo_while_offline_takes_back_what_still_waits(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, handle, place = at_work(visit, "planner", draft)
    at_rest = middle(handle)
    page.context.set_offline(True)
    drag(page, at_rest, by=(6, 5))
    saving(page, waiting=1)
    page.keyboard.press("Control+z")
    same = page.locator(f'[data-test="planner-vertex"][data-lon="{place[0]}"][data-lat="{place[1]}"]')
    expect(same).to_have_count(1)
    page.context.set_offline(False)
    saved(page)
    assert version_of(running, draft) == 1


def test_a_waiting_edit_that_is_refused_is_asked_about_and_the_others_wait_for_the_answer(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, _, _ = at_work(visit, "planner", draft)
    page.context.set_offline(True)
    drag_free(page, by=(320, -240))
    saving(page, waiting=1)
    second = drag_free(page, number=2)
    saving(page, waiting=2)
    page.context.set_offline(False)
    expect(it(page, "planner-merge")).to_be_visible()
    expect(it(page, "planner-merge")).to_contain_text("未能保存")
    expect(it(page, "planner-save-state")).to_have_text("1 处修改待您决定后保存")
    it(page, "merge-theirs").click()
    at_version(page, 2)
    saved(page)
    assert owners(running, draft, second) == set()


def test_waiting_edits_meet_what_others_did_meanwhile(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, handle, place = at_work(visit, "planner", draft)
    page.context.set_offline(True)
    drag(page, middle(handle), by=(5, 4))
    saving(page, waiting=1)
    nudge(running, draft, place, by="reviewer")
    page.context.set_offline(False)
    dialog = it(page, "planner-merge")
    expect(dialog).to_contain_text("reviewer")
    expect(it(page, "merge-mine")).to_be_disabled()
    it(page, "merge-sketch").click()
    at_version(page, 2)
    saved(page)
    assert version_of(running, draft) == 2


def test_leaving_with_waiting_edits_is_warned_about(visit: Visit, watch: Watch, draft: str) -> None:
    watch.expected = LOST
    page, _, _ = at_work(visit, "planner", draft)
    page.context.set_offline(True)
    drag_free(page)
    saving(page, waiting=1)
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.accept()


# Crashes


def opened(context: BrowserContext, address: str, running: RunningCity, plan: str, person: str = "planner") -> Page:
    context.add_cookies([{"name": COOKIE, "value": running.cookie_of(person), "url": address}])
    page = context.pages[0] if context.pages else context.new_page()
    page.goto(f"{address}/planner?plan={plan}")
    page.wait_for_selector(READY)
    return page


def test_a_browser_that_crashes_loses_no_edit(
    running: RunningCity, chromium: Browser, draft: str, tmp_path: Path
) -> None:
    def begun() -> BrowserContext:
        flags = {"executable_path": CHROMIUM, "args": list(FLAGS), "viewport": {"width": 1440, "height": 900}}
        return chromium.browser_type.launch_persistent_context(tmp_path / "profile", **flags)

    first = begun()
    page = opened(first, running.address, running, draft)
    select_grid(page, tool="e")
    handle, saved_place = free_vertex(page)
    drag(page, middle(handle), by=(5, 4))
    at_version(page, 2)
    first.set_offline(True)
    waiting_place = drag_free(page, number=2)
    saving(page, waiting=1)
    with contextlib.suppress(PlaywrightError):
        first.new_cdp_session(page).send("Browser.crash")
    with contextlib.suppress(PlaywrightError):
        first.close()

    second = begun()
    page = opened(second, running.address, running, draft)
    at_version(page, 3)
    saved(page)
    assert owners(running, draft, saved_place) == owners(running, draft, waiting_place) == set()
    second.close()


def test_a_server_that_is_started_again_finds_every_edit_and_the_page_goes_on(
    running: RunningCity, chromium: Browser, draft: str, tmp_path: Path
) -> None:
    url, port = running.engine.url.render_as_string(hide_password=False), free_port()
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    with served(url, running.engine, tmp_path, port=port) as before:
        page = opened(context, before.address, running, draft)
        select_grid(page, tool="e")
        first = drag_free(page)
        at_version(page, 2)
        connected(page, others=0)
    second = drag_free(page, number=1)
    saving(page, waiting=1)
    with served(url, running.engine, tmp_path, port=port):
        at_version(page, 3)
        saved(page)
        code = far_from(running, draft, second)
        edit(running, draft, {"op": "set", "code": code, "name": "重启之后"}, by="reviewer")
        at_version(page, 4)
        assert owners(running, draft, first) == owners(running, draft, second) == set()
        context.close()
