"""The planner's bar at every width in both languages, and what a published plan offers."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from gis_api.pages import LANGUAGE_COOKIE
from tests.journeys.conftest import RunningCity

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
OUTSIDE = """() => [...document.querySelectorAll(".bar > *, .bar .actions > *")].filter((one) => {
  const { width, right, left } = one.getBoundingClientRect();
  return width && (right > innerWidth + 0.5 || left < 0) && !one.closest(".actions:not(.bar > .actions)");
}).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_nothing_of_the_bar_leaves_the_screen(running: RunningCity, visit: Visit, lang: str) -> None:
    def speaking(context: BrowserContext) -> None:
        context.add_cookies([{"name": LANGUAGE_COOKIE, "value": lang, "url": running.address}])

    page = visit("planner", f"/planner?plan={running.new_draft()}", width=1280, before=speaking)
    for width in (901, 950, 1000, 1100, 1280, 1321):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(120)
        assert page.evaluate(OUTSIDE) == [], width
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), width


def test_a_published_plan_offers_its_page_and_a_new_draft(running: RunningCity, visit: Visit) -> None:
    page = visit("planner", f"/planner?plan={running.city.plan_id}")
    expect(page.locator('[data-test="planner-to-plan"]')).to_have_attribute("href", f"/plans/{running.city.plan_id}")
    expect(page.locator('[data-test="planner-save-state"]')).to_be_hidden()
    page.locator('[data-test="planner-new-draft"]').click()
    page.wait_for_url(re.compile(r"/planner\?plan=\d+"))
    expect(page.locator("#plan-state")).to_contain_text("草案")
