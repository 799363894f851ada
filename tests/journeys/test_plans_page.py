"""Planners go through a plan's life on its pages: list, comparison, successors, review, publication, rebase, replay."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from openpyxl import load_workbook
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import select

from layers.areas import get_district
from layers.categories import Category
from layers.db import transaction
from layers.incidents import Incident
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.plan_desk import middle_line, shape_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def asked(running: RunningCity, person: str, method: str, path: str, **more: Any) -> Any:
    with running.api(person) as client:
        answer = client.request(method, f"/api/v1/plans{path}", **more)
    assert answer.status_code < 300, answer.text
    return answer.json()


def version_of(running: RunningCity, plan: str) -> dict[str, str]:
    return {"if-match": f'"{asked(running, "planner", "GET", f"/{plan}")["version"]}"'}


def split(running: RunningCity, plan: str, *, which: int = 0) -> tuple[str, str]:
    """Cut one of the grids without sub-grids; its code and the one of the new part."""
    path = f"/{plan}/grids"
    before = {one["id"]: one for one in asked(running, "planner", "GET", path)["features"]}
    parents = {one["properties"]["parent"] for one in before.values()}
    code = [code for code in sorted(before) if len(code) == 15 and code not in parents][which]
    body = {"op": "split", "code": code, "line": middle_line(before[code])}
    asked(running, "planner", "POST", f"/{plan}/edits", json=body, headers=version_of(running, plan))
    (fresh,) = {one["id"] for one in asked(running, "planner", "GET", path)["features"]} - before.keys()
    return code, fresh


def rename(running: RunningCity, plan: str, code: str, name: str) -> None:
    body = {"op": "set", "code": code, "name": name}
    asked(running, "planner", "POST", f"/{plan}/edits", json=body, headers=version_of(running, plan))


def publish(running: RunningCity, plan: str) -> None:
    report = asked(running, "planner", "GET", f"/{plan}/coverage")
    kinds = sorted({defect["kind"] for defect in report["defects"]} | {"unserved_grid"})
    for person, step, body in (("planner", "submit", {"acknowledged": kinds}), ("reviewer", "publish", {})):
        asked(running, person, "POST", f"/{plan}/{step}", json=body, headers=version_of(running, plan))


def tick_all(page: Page) -> None:
    it(page, "dialog").wait_for()
    for box in it(page, "dialog").locator("input[type=checkbox]").all():
        box.check()


def confirm(page: Page, name: str = "确定") -> None:
    it(page, "dialog").get_by_role("button", name=name, exact=True).click()


def add_incidents(running: RunningCity, code: str, *, at: Any) -> int:
    """Five incidents at a place, accepted a week ago under this code."""
    place = shapely.point_on_surface(shape_of(at["geometry"]))
    point = f"SRID=4326;{place.wkt}"
    week_ago = datetime.now(UTC) - timedelta(days=7)
    with transaction(running.engine) as session:
        if session.scalar(select(Category.code).where(Category.code == "facility")) is None:
            session.add(Category(code="facility", name="公共设施"))
            session.flush()
        for _ in range(5):
            session.add(
                Incident(
                    state="dispatched",
                    category="facility",
                    occurred_at=week_ago,
                    reported_at=week_ago,
                    district=running.city.district,
                    grid_code=code,
                    geom=point,
                    raw_lon=0.0,
                    raw_lat=0.0,
                )
            )
    return 5


def test_two_plans_are_compared_on_a_map_and_in_a_table(visit: Visit, running: RunningCity) -> None:
    draft = running.new_draft()
    code, fresh = split(running, draft, which=1)
    grids = {one["id"]: one for one in asked(running, "planner", "GET", f"/{draft}/grids")["features"]}
    open_ = add_incidents(running, code, at=grids[fresh])
    told = asked(running, "planner", "GET", f"/{draft}/diff")
    base = told["against"]["id"]
    page = visit("planner", "/plans")
    page.locator(f'tr[data-plan="{draft}"] input').check()
    expect(it(page, "compare")).to_be_disabled()
    page.locator(f'tr[data-plan="{base}"] input').check()
    it(page, "compare").click()
    page.wait_for_selector(READY)
    assert page.url.endswith(f"/plans/{draft}/diff?against={base}")
    figures = it(page, "difference-figures").inner_text().split()
    assert figures[figures.index("新增网格") - 1] == "1"
    assert figures[figures.index("在办事件") - 1] == str(open_)
    expect(page.locator(f'[data-test="moves"] tr[data-to="{fresh}"] td').last).to_have_text(str(open_))
    row = page.locator(f'[data-test="moves"] tr[data-to="{fresh}"]')
    expect(row).to_contain_text("1")
    assert {(move["from"], move["to"], move["workers"]) for move in told["moves"]} == {(code, fresh, 1)}
    heading = it(page, "moves").locator('button[data-key="workers"]')
    heading.click()
    expect(it(page, "moves").locator('th[aria-sort="descending"]')).to_contain_text("网格员")
    heading.click()
    expect(it(page, "moves").locator('th[aria-sort="ascending"]')).to_contain_text("网格员")
    row.click()
    expect(row).to_have_class("chosen")
    expect(it(page, "legend")).to_contain_text("撤销网格")


def test_the_handover_list_of_a_worker_is_downloaded(visit: Visit, running: RunningCity) -> None:
    draft = running.new_draft()
    code, fresh = split(running, draft, which=1)
    mine, other = running.city.worker_of[code], running.city.worker_of[running.city.codes[-1]]
    body = {"grids": [{"grid": fresh, "posts": [{"worker": other}]}]}
    asked(running, "planner", "PUT", f"/{draft}/successors", json=body, headers=version_of(running, draft))
    page = visit("planner", f"/plans/{draft}")
    row = it(page, "handover").locator(f'tr[data-worker="{other}"]')
    expect(row).to_contain_text(fresh)
    # What is none is not told: hundreds of rows would say nothing else.
    assert re.findall(r"(?<!\d)0 [栋户处]|在办事件 0 件", it(page, "handover").inner_text()) == []
    with page.expect_download() as download:
        row.get_by_role("link").click()
    with download.value.path().open("rb") as file:
        book = load_workbook(io.BytesIO(file.read()))
    told = [cell.value for cell in book["负责网格变动"][2]]
    assert told[0] == other and told[2] == "接收" and told[3] == fresh and mine not in told


def test_an_archived_plan_is_restored_and_a_draft_put_aside(visit: Visit, running: RunningCity) -> None:
    first = running.new_draft()
    rename(running, first, running.city.codes[0], "甲")
    publish(running, first)
    archived = asked(running, "planner", "GET", "?state=archived")["plans"][0]["id"]
    page = visit("planner", f"/plans/{archived}")
    it(page, "plan-restore").click()
    page.wait_for_url(lambda url: not url.endswith(f"/{archived}"))
    page.wait_for_selector(READY)
    expect(it(page, "plan-name")).to_contain_text("恢复自")
    expect(it(page, "plan-state")).to_contain_text("草案")
    it(page, "plan-archive").click()
    confirm(page)
    expect(it(page, "plan-state")).to_contain_text("已归档")


def test_an_outdated_draft_is_led_to_its_conflicts_and_they_are_decided(
    visit: Visit, running: RunningCity, watch: Watch
) -> None:
    watch.expected = (REFUSED,)
    late, early = running.new_draft(), running.new_draft()
    code, fresh = split(running, late, which=2)
    rename(running, early, code, "双方都改")
    page = visit("planner", f"/planner?plan={late}")
    page.wait_for_selector(READY)
    expect(it(page, "outdated")).to_be_hidden()
    publish(running, early)
    page.reload()
    expect(it(page, "outdated")).to_contain_text("请先更新基准方案")
    expect(it(page, "outdated").get_by_role("link")).to_have_attribute("href", f"/plans/{late}/rebase")
    page = visit("planner", f"/plans/{late}")
    it(page, "plan-outdated").get_by_role("link").click()
    page.wait_for_selector(READY)
    conflicts = it(page, "rebase-conflicts").locator("li[data-group]")
    expect(conflicts).to_have_count(1)
    expect(conflicts).to_contain_text("双方改了同一网格")
    expect(it(page, "rebase-go")).to_be_disabled()
    conflicts.get_by_label("手工重做").check()
    it(page, "rebase-go").click()
    page.wait_for_url(lambda url: "/planner" in url)
    page.wait_for_selector(READY)
    expect(it(page, "left-out")).to_contain_text("待手工重做")
    grids = {one["id"]: one for one in asked(running, "planner", "GET", f"/{late}/grids")["features"]}
    assert fresh not in grids and grids[code]["properties"]["name"] == "双方都改"
    it(page, "redone").click()
    expect(it(page, "left-out")).to_be_hidden()
    assert asked(running, "planner", "GET", f"/{late}")["to_redo"] is None


def test_a_draft_on_the_latest_plan_has_nothing_to_bring_over_and_that_is_no_failure(
    visit: Visit, running: RunningCity, watch: Watch
) -> None:
    watch.expected = (REFUSED,)
    draft = running.new_draft()
    page = visit("planner", f"/plans/{draft}/rebase")
    box = page.locator("#failed")
    expect(box).to_contain_text("无需更新")
    expect(box).to_contain_text("草案已经基于最新的方案")
    expect(box.get_by_role("button")).to_have_count(0)
    box.get_by_role("link").click()
    page.wait_for_url(f"**/plans/{draft}")


def test_publishing_an_outdated_plan_leads_to_the_rebase(visit: Visit, running: RunningCity, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    late, early = running.new_draft(), running.new_draft()
    rename(running, early, running.city.codes[0], "乙")
    report = asked(running, "planner", "GET", f"/{late}/coverage")
    kinds = sorted({defect["kind"] for defect in report["defects"]})
    headers = version_of(running, late)
    asked(running, "planner", "POST", f"/{late}/submit", json={"acknowledged": kinds}, headers=headers)
    publish(running, early)
    page = visit("reviewer", f"/planner?plan={late}")
    expect(it(page, "planner-publish")).to_be_enabled()
    it(page, "planner-publish").click()
    confirm(page, "发布")
    expect(it(page, "to-rebase")).to_have_attribute("href", f"/plans/{late}/rebase")


def test_a_plan_that_cannot_be_read_says_why_and_is_tried_again(
    visit: Visit, running: RunningCity, watch: Watch
) -> None:
    watch.expected = ("status of 503", "Problem")
    draft = running.new_draft()
    away = {"title": "x", "status": 503, "detail": "数据库暂时无法连接，请稍后再试。"}

    def without(made: BrowserContext) -> None:
        made.route(f"**/api/v1/plans/{draft}", lambda route: route.fulfill(status=503, json=away))

    page = visit("planner", f"/plans/{draft}", before=without)
    expect(it(page, "plan-message")).to_contain_text("数据库暂时无法连接")
    page.context.unroute(f"**/api/v1/plans/{draft}")
    it(page, "plan-message").get_by_role("button", name="重试").click()
    expect(it(page, "plan-state")).to_contain_text("草案")


def district_name(running: RunningCity) -> str:
    with transaction(running.engine) as session:
        return get_district(session, running.city.district).name


def test_incidents_are_replayed_with_places_for_dispatchers_only(visit: Visit, running: RunningCity) -> None:
    draft = running.new_draft()
    code, fresh = split(running, draft, which=3)
    grids = {one["id"]: one for one in asked(running, "planner", "GET", f"/{draft}/grids")["features"]}
    number = add_incidents(running, code, at=grids[fresh])
    page = visit("planner", f"/plans/{draft}/replay")
    row = page.locator(f'[data-test="replay-moves"] tr[data-to="{fresh}"]')
    expect(row).to_contain_text(str(number))
    expect(page.locator("#privacy")).to_contain_text("不显示事件位置")
    expect(page.locator("#place")).to_contain_text(district_name(running))
    other = visit("dispatcher", f"/plans/{draft}/replay")
    expect(other.locator("#privacy")).to_contain_text("圆点")
    other.locator("input[name=since]").fill("2026-01-01")
    other.locator("input[name=until]").fill("2026-01-02")
    it(other, "replay-go").click()
    expect(other.locator("#moves")).to_contain_text("没有事件")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1920, 1080)])
def test_the_pages_fit_any_screen(visit: Visit, running: RunningCity, width: int, height: int) -> None:
    draft = running.new_draft()
    split(running, draft, which=1)
    for path in ("/plans", f"/plans/{draft}", f"/plans/{draft}/diff", f"/plans/{draft}/replay"):
        page = visit("planner", path, width=width, height=height)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


# The last one: what it schedules keeps the plans of other tests from coming into force at once.
def test_a_plan_goes_from_draft_to_a_date_in_the_calendar(visit: Visit, running: RunningCity, watch: Watch) -> None:
    draft = running.new_draft()
    _, fresh = split(running, draft)
    page = visit("planner", f"/plans/{draft}")
    expect(it(page, "plan-state")).to_contain_text("草案")
    submit_with_nobody(page, fresh)
    other = visit("reviewer", f"/plans/{draft}")
    send_back(other, page)
    number = running.city.worker_of[running.city.codes[-1]]
    submit_with(page, fresh, number)
    other.reload()
    other.wait_for_selector(READY)
    publish_later(other)
    expect(other.locator("#life li", has_text="退回修改")).to_contain_text("请给新网格安排人员")
    with running.api("planner") as client:
        served = client.get("/api/v1/assignments", params={"grid": fresh}).json()["assignments"]
        then = {"grid": fresh, "at": (datetime.now(UTC) + timedelta(days=3)).isoformat()}
        serving = client.get("/api/v1/assignments", params=then).json()["assignments"]
    assert served == [] and [one["worker"] for one in serving] == [number]

    other.get_by_role("link", name="完整性证书").click()
    other.wait_for_selector(READY)
    expect(it(other, "certificate")).to_contain_text("网格划分完整性证书")
    with running.api("planner") as client:
        paper = client.get(f"/plans/{draft}/certificate.pdf")
    assert paper.status_code == 200 and paper.content.startswith(b"%PDF-")


def submit_with_nobody(page: Page, fresh: str) -> None:
    """Nobody shall serve the new grid: a warning of its own, to be ticked."""
    line = page.locator(f'tr[data-grid="{fresh}"]')
    expect(line).to_contain_text("推荐")
    line.get_by_role("button").click()
    it(page, "successor-dialog").locator(".post button").first.click()
    it(page, "successor-dialog").get_by_role("button", name="确定").click()
    expect(line).to_contain_text("无人负责")
    expect(it(page, "unserved")).to_contain_text("1")
    it(page, "plan-submit").click()
    confirming = it(page, "dialog").get_by_role("button", name="确定")
    expect(it(page, "warnings")).to_contain_text("无人负责的网格：1 处")
    expect(confirming).to_be_disabled()
    tick_all(page)
    confirming.click()
    expect(it(page, "plan-state")).to_contain_text("待审核")


def send_back(reviewer: Page, author: Page) -> None:
    """The reviewer returns it with a reason, which the author finds."""
    it(reviewer, "plan-return").click()
    it(reviewer, "dialog").locator("textarea").fill("请给新网格安排人员")
    confirm(reviewer)
    expect(it(reviewer, "plan-returned")).to_contain_text("请给新网格安排人员")
    author.reload()
    author.wait_for_selector(READY)
    expect(it(author, "plan-returned")).to_contain_text("请给新网格安排人员")


def submit_with(page: Page, fresh: str, number: str) -> None:
    """The author names a worker and submits again."""
    line = page.locator(f'tr[data-grid="{fresh}"]')
    line.get_by_role("button").click()
    it(page, "successor-dialog").locator(".post input").fill(number)
    it(page, "successor-dialog").get_by_role("button", name="确定").click()
    expect(line).to_contain_text("已指定")
    it(page, "plan-submit").click()
    tick_all(page)
    confirm(page)
    expect(it(page, "plan-state")).to_contain_text("待审核")


def publish_later(page: Page) -> None:
    """Published at a date; one that is past is refused before it is sent."""
    it(page, "plan-publish").click()
    it(page, "dialog").get_by_label("定时生效").check()
    it(page, "publish-at").fill("2020-01-01T08:00")
    expect(it(page, "dialog").get_by_role("button", name="发布")).to_be_disabled()
    expect(it(page, "dialog")).to_contain_text("必须晚于现在")
    later = datetime.now() + timedelta(days=2)
    it(page, "publish-at").fill(later.strftime("%Y-%m-%dT08:00"))
    confirm(page, "发布")
    expect(it(page, "plan-state")).to_contain_text("待生效")
