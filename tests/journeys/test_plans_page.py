"""Planners go through a plan's life on its pages: list, compare, successors, submit, review, publish, rebase, replay."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select

from layers.categories import Category
from layers.db import transaction
from layers.incidents import Incident
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.plan_desk import middle_line

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


def add_incidents(running: RunningCity, code: str) -> int:
    """Five incidents in the east of a grid, accepted by it a week ago; some plan may give them to another."""
    polygon = running.city.shapes.polygons[running.city.codes.index(code)]
    west, south, east, north = polygon.bounds
    point = f"SRID=4326;POINT({west + (east - west) * 0.8} {(south + north) / 2})"
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


def test_a_plan_goes_from_draft_to_a_date_in_the_calendar(visit: Visit, running: RunningCity, watch: Watch) -> None:
    draft = running.new_draft()
    _, fresh = split(running, draft)
    page = visit("planner", f"/plans/{draft}")
    expect(it(page, "plan-state")).to_contain_text("草案")
    line = page.locator(f'tr[data-grid="{fresh}"]')
    expect(line).to_contain_text("推荐")

    # Nobody shall serve the new grid: a warning of its own.
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

    other = visit("reviewer", f"/plans/{draft}")
    it(other, "plan-return").click()
    it(other, "dialog").locator("textarea").fill("请给新网格安排人员")
    confirm(other)
    expect(it(other, "plan-returned")).to_contain_text("请给新网格安排人员")
    page.reload()
    page.wait_for_selector(READY)
    expect(it(page, "plan-returned")).to_contain_text("请给新网格安排人员")

    # The author names a worker and submits again.
    line.get_by_role("button").click()
    number = running.city.worker_of[running.city.codes[-1]]
    it(page, "successor-dialog").locator(".post input").fill(number)
    it(page, "successor-dialog").get_by_role("button", name="确定").click()
    expect(line).to_contain_text("已指定")
    it(page, "plan-submit").click()
    tick_all(page)
    confirm(page)
    expect(it(page, "plan-state")).to_contain_text("待审核")

    other.reload()
    other.wait_for_selector(READY)
    it(other, "plan-publish").click()
    it(other, "dialog").get_by_label("定时生效").check()
    it(other, "publish-at").fill("2020-01-01T08:00")
    expect(it(other, "dialog").get_by_role("button", name="发布")).to_be_disabled()
    expect(it(other, "dialog")).to_contain_text("必须晚于现在")
    later = datetime.now() + timedelta(days=2)
    it(other, "publish-at").fill(later.strftime("%Y-%m-%dT08:00"))
    confirm(other, "发布")
    expect(it(other, "plan-state")).to_contain_text("待生效")
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
