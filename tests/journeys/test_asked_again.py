"""What a page could not have at first is there a little later, and nobody had to press anything.

Each address that a page reads fails the first time that it is asked, as it does while the line or the database is
away; the page is right when each of them was answered after all.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlparse

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.journeys.conftest import RunningCity, Watch
from tests.journeys.test_centre_page import on_duty, report

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
__all__ = ["on_duty"]
# A page that begins anew at each failure asks for one thing after the other, some seconds apart.
MOST_S = 60.0
PAGES = (
    *(("dispatcher", "/centre?case={case}"), ("dispatcher", "/incidents/{case}"), ("dispatcher", "/report")),
    *(("dispatcher", "/grid/{grid}"), ("leader", "/heat"), ("worker", "/"), ("worker", "/worker"), ("admin", "/")),
    *(("leader", "/figures"), ("planner", "/rosters")),
    *(("planner", "/"), ("planner", "/plans"), ("planner", "/plans/{plan}"), ("planner", "/planner?plan={plan}")),
)


class Troubled:
    """A context in which whatever is read from the service fails once."""

    def __init__(self, *, line: bool) -> None:
        self.line = line
        self.failed: set[str] = set()
        self.answered: set[str] = set()

    def watch(self, context: BrowserContext) -> None:
        context.route("**/api/v1/**", self.handle)
        context.on("response", lambda answer: answer.ok and self.answered.add(name_of(answer.request)))

    def handle(self, route: Route) -> None:
        name = name_of(route.request)
        if route.request.method != "GET" or route.request.resource_type == "eventsource" or name in self.failed:
            route.fallback()
            return
        self.failed.add(name)
        if self.line:
            route.abort()
        else:
            route.fulfill(status=503, json={"title": "x", "status": 503, "detail": "away"})

    @property
    def missing(self) -> set[str]:
        return self.failed - self.answered


def name_of(request: Request) -> str:
    """An address without what may be asked otherwise the next time: the names of its parameters, not their values."""
    address = urlparse(request.url)
    return f"{address.path}?{'&'.join(sorted(parse_qs(address.query)))}"


@pytest.mark.parametrize(("person", "path"), PAGES)
def test_whatever_a_page_could_not_have_it_asks_for_again(
    on_duty: RunningCity, visit: Visit, watch: Watch, person: str, path: str
) -> None:
    watch.expected = ("net::ERR", "status of 503", "Problem", "away", "Failed to fetch", "ConnectionLost")
    codes = on_duty.city.codes
    place = {"grid": codes[0][:15], "plan": on_duty.new_draft(), "case": report(on_duty, codes[3], "垃圾堆放")}
    troubled = Troubled(line=len(path) % 2 == 0)  # half of the pages lose the line, half the database
    page = visit(person, path.format(**place), wait_for="main", before=troubled.watch)
    passed_s = 0.0
    while (not troubled.failed or troubled.missing or passed_s < 1) and passed_s < MOST_S:
        page.wait_for_timeout(250)
        passed_s += 0.25
    assert troubled.failed and not troubled.missing
    expect(page.locator("main[data-test=ready]")).to_be_attached(timeout=10_000)
    expect(page.locator(".message.bad:not([hidden])").filter(visible=True)).to_have_count(0)


def test_whoever_is_signed_out_is_led_to_the_sign_in_and_nothing_is_tried_again(
    running: RunningCity, visit: Visit, watch: Watch
) -> None:
    watch.expected = ("status of 401", "Problem", "over")
    over = {"title": "x", "status": 401, "detail": "over"}
    asked: list[str] = []

    def out(context: BrowserContext) -> None:
        context.route("**/api/v1/plans?*", lambda route: (asked.append("x"), route.fulfill(status=401, json=over)))

    page = visit("planner", "/plans", wait_for="main", before=out)
    box = page.locator(".message.bad", has_text="over")
    expect(box.get_by_role("button", name="登录")).to_be_visible()
    expect(box.get_by_role("button", name="重试")).to_have_count(0)
    before = len(asked)
    page.wait_for_timeout(5_000)  # longer than whatever may come back is left alone
    assert len(asked) == before
