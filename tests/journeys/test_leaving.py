"""An admin has a worker leave: what they hold is listed, and told before it is done what comes of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.conftest import RunningCity, Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def open_dialog(page: Page, number: str) -> Locator:
    find = it(page, "worker-find")
    find.locator("input").fill(number)
    find.locator("button").click()
    row = page.locator(f'[data-worker="{number}"]')
    expect(it(page, "workers").locator("tbody tr")).to_have_count(1)
    row.get_by_role("button").click()
    return it(page, "leaving-dialog")


def test_a_leaver_is_handed_over_on_the_page_of_people(visit: Visit, running: RunningCity, watch: Watch) -> None:
    watch.expected = ("console: Failed to load resource: the server responded with a status of 4",)
    city = running.city
    leaver, successor = (city.worker_of[code] for code in city.codes[-2:])
    page = visit("admin", "/")
    dialog = open_dialog(page, leaver)
    expect(it(page, "leaving-held")).to_contain_text(city.codes[-2])
    expect(it(page, "leaving-outcome")).to_contain_text(city.codes[-2])
    expect(dialog.locator("button.main")).to_be_disabled()
    dialog.locator("[name=confirm]").check()
    expect(dialog.locator("button.main")).to_be_enabled()
    dialog.locator("[name=successor]").fill(leaver)
    dialog.locator("[name=reason]").click()
    expect(it(page, "leaving-outcome")).to_contain_text("接任人不能是离岗者本人")
    expect(dialog.locator("button.main")).to_be_disabled()
    dialog.locator("[name=successor]").fill(successor)
    dialog.locator("[name=reason]").fill("调离")
    expect(dialog.locator(".message.good")).to_be_visible()
    assert dialog.evaluate("it => it.scrollWidth <= it.clientWidth")
    dialog.locator("button.main").click()
    expect(it(page, "worker-said")).to_contain_text("已离岗")
    with running.api("admin") as client:
        assert client.get(f"/api/v1/workers/{leaver}").json()["active"] is False
        assert set(client.get(f"/api/v1/workers/{successor}").json()["grids"]) == set(city.codes[-2:])
        told = client.get("/api/v1/history", params={"action": "worker.left"})
        assert told.status_code == 200


def test_it_fits_a_phone_in_english(visit: Visit, running: RunningCity) -> None:
    english = {"name": "lang", "value": "en", "url": running.address}
    page = visit("admin", "/", width=390, height=844, before=lambda context: context.add_cookies([english]))
    dialog = open_dialog(page, running.city.worker_of[running.city.codes[0]])
    expect(it(page, "leaving-outcome")).to_contain_text("nobody would serve")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert dialog.evaluate("it => it.scrollWidth <= it.clientWidth")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_category_is_retired_on_the_home_page_and_no_longer_offered(visit: Visit, running: RunningCity) -> None:
    with running.api("admin") as client:
        made = client.post("/api/v1/categories", json={"code": "drone", "name": "无人机"})
        assert made.status_code == 201
    page = visit("admin", "/")
    row = page.locator('[data-category="drone"]')
    row.get_by_role("button", name="停用").click()
    dialog = it(page, "retire-dialog")
    expect(dialog.locator("button.main")).to_be_disabled()
    dialog.locator("[name=reason]").fill("并入公共秩序")
    dialog.locator("button.main").click()
    expect(row).to_contain_text("已停用：并入公共秩序")
    desk = visit("dispatcher", "/report")
    offered = it(desk, "report-form").locator("[name=category] option")
    assert "drone" not in offered.evaluate_all("all => all.map(one => one.value)")
    row.get_by_role("button", name="恢复使用").click()
    expect(row).to_contain_text("使用中")
