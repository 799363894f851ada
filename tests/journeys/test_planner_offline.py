"""A planner without a connection, in a real browser: edits wait, outlive reloads and crashes, and are made once."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from playwright.sync_api import Error as PlaywrightError

from gis_api.auth import COOKIE
from tests.gis_api.listening import served
from tests.journeys.conftest import CHROMIUM, FLAGS, READY, RunningCity, Watch
from tests.journeys.test_planner_page import (
    at_version,
    click_slowly,
    drag,
    edit,
    free_vertex,
    it,
    middle,
    owners,
    saved,
    select_grid,
    version_of,
)
from tests.journeys.together import LOST, Visit, at_work, connected, drag_free, far_from, grids, nudge, saving
from tests.ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


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
    refusing = "**/api/v1/plans/*/edits*"
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

    page.context.route("**/api/v1/plans/*/edits*", lose)
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


def opened(context: BrowserContext, address: str, running: RunningCity, plan: str, person: str = "planner") -> Page:
    context.add_cookies([{"name": COOKIE, "value": running.cookie_of(person), "url": address}])
    page = context.pages[0] if context.pages else context.new_page()
    page.goto(f"{address}/planner?plan={plan}")
    page.wait_for_selector(READY)
    return page


EDITS_KEPT = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("wangge-planner");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const counting = opening.result.transaction("edits").objectStore("edits").count();
    counting.onsuccess = () => { opening.result.close(); resolve(counting.result === 1); };
  };
})"""


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
    page.wait_for_function(EDITS_KEPT)  # what the browser has not written yet nothing can find again
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


def test_an_edit_after_the_session_has_ended_waits_for_the_next_one(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = LOST
    page, handle, place = at_work(visit, "planner", draft)
    with running.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM sign_ins")
    expect(page.locator("#lost")).to_be_visible(timeout=20_000)
    drag(page, middle(handle), by=(5, 4))
    expect(it(page, "planner-save-state")).to_contain_text("1 处修改待保存")
    page.context.add_cookies([{"name": COOKIE, "value": running.cookie_of("planner"), "url": running.address}])
    page.reload()
    page.wait_for_selector(READY)
    at_version(page, 2)
    saved(page)
    assert owners(running, draft, place) == set()
