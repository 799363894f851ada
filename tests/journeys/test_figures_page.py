"""A leader finds which street is late, and why: home, the evaluation, the number of a street."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.conftest import READY
from tests.journeys.serving import Service
from tests.journeys.test_screenshots import HEIGHT, WIDTH, keep, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="zh-CN", timezone_id="Asia/Shanghai"
    )
    yield made
    made.close()


def number_of(page: Page, row: str, figure: str) -> str:
    return page.locator(f'[data-row="{row}"] [data-figure="{figure}"]').inner_text()


def test_which_street_is_late_and_why_is_three_clicks_from_home(service: Service, context: BrowserContext) -> None:
    page = opened(context, service, "leader", "/")
    page.locator("[data-test=open-evaluation]").click()
    page.wait_for_url("**/figures")
    page.wait_for_selector(READY)
    expect(page.locator("[data-first=collected] button")).not_to_have_text("0")
    page.locator('[data-sort="late"]').click()
    worst = page.locator("[data-test=figures-table] tbody tr").first
    street, late = worst.get_attribute("data-row") or "", worst.locator('[data-figure="late"]').inner_text()
    assert int(late.replace(",", "")) > 0
    assert len(street) == len("130273001")
    worst.locator('[data-figure="late"]').click()
    title = page.locator("[data-test=figures-behind-title]")
    expect(title).to_contain_text(f"超时：{late} 件")
    expect(page.locator("[data-test=figures-why]")).to_contain_text("为何超时")
    expect(page.locator("[data-test=figures-cases] tbody tr").first.locator("b.late")).not_to_be_empty()
    assert page.evaluate("document.scrollingElement.scrollTop") == 0, "the bar at the top went out of sight"
    page.evaluate("document.querySelector('.column').scrollTo(0, 0)")
    keep(page, "figures.png")
    while page.locator("[data-test=figures-more]").is_visible():
        rows = page.locator("[data-test=figures-cases] tbody tr").count()
        page.locator("[data-test=figures-more]").click()
        expect(page.locator("[data-test=figures-cases] tbody tr")).not_to_have_count(rows)
    expect(page.locator("[data-test=figures-cases] tbody tr")).to_have_count(int(late.replace(",", "")))
    page.reload()
    expect(title).to_contain_text(f"超时：{late} 件")
    page.locator("[data-test=figures-close]").click()
    expect(page.locator("[data-test=figures-behind]")).to_be_hidden()


def test_the_evaluation_goes_down_and_back_to_other_people_and_periods(
    service: Service, context: BrowserContext
) -> None:
    page = opened(context, service, "leader", "/figures")
    first = page.locator("[data-test=figures-table] [data-into]").first
    street = first.get_attribute("data-into") or ""
    collected = number_of(page, street, "collected")
    name = first.inner_text()
    first.click()
    here = page.locator("[data-test=figures-path] [aria-current]")
    expect(here).to_have_text(name)
    expect(here).to_have_attribute("title", street)
    expect(page.locator("[data-test=figures-path] button")).to_have_text(["唐山高新技术产业开发区"])
    expect(page.locator("[data-first=collected] button")).to_have_text(collected)
    page.go_back()
    expect(page.locator(f'[data-row="{street}"] [data-figure="collected"]')).to_have_text(collected)
    month = page.locator("[data-test=figures-period]").inner_text()
    page.locator("[data-test=figures-earlier]").click()
    expect(page.locator("[data-test=figures-period]")).not_to_have_text(month)
    page.locator('input[name="kind"][value="year"]').check(force=True)
    expect(page.locator("[data-test=figures-period]")).to_have_text(month[:4])
    page.locator('input[name="by"][value="worker"]').check(force=True)
    expect(page.locator('[data-row^="1"], [data-row^="W"], [data-row^="G"]').first).to_be_visible()
    expect(page.locator("[data-test=figures-formula]")).to_contain_text("按时 40")
    with page.expect_download() as download:
        page.locator("[data-test=figures-export]").click()
    assert download.value.suggested_filename == f"evaluation-worker-{month[:4]}.xlsx"


def test_a_leader_has_the_bulletin_of_a_month_made_and_finds_it_again(
    service: Service, context: BrowserContext
) -> None:
    page = opened(context, service, "leader", "/figures")
    month = page.locator("[data-test=figures-period]").inner_text()
    page.locator("[data-test=figures-bulletin]").click()
    expect(page.locator("[data-test=figures-bulletin-state]")).to_contain_text(month)
    page.reload()
    page.wait_for_selector(READY)
    ready = page.locator("[data-test=figures-bulletin-ready]")
    expect(ready).to_contain_text(f"{month} 通报已生成", timeout=90_000)
    with page.expect_download() as download:
        ready.locator("[data-form=pdf]").click()
    assert download.value.suggested_filename == f"bulletin-130273-{month}.pdf"
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    with page.expect_download() as paper:
        page.locator("[data-test=figures-pdf]").click()
    assert paper.value.suggested_filename == f"evaluation-area-{month}.pdf"
