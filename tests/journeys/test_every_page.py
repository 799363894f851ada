"""Every page of the demo district in both languages, from a desk's screen to a phone's: nothing is cut or mixed up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from gis_api.pages import LANGUAGE_COOKIE
from migrations.demo.ground_rows import TITLE
from tests.journeys.conftest import READY
from tests.journeys.every_page import FAULTS, asked
from tests.journeys.serving import Service

pytestmark = [pytest.mark.browser, pytest.mark.slow]
WIDTHS = (1440, 1000, 920, 390)
SETTLED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
# Neighbours in a village: a draft in which they are one has something to tell on every page about plans.
VILLAGE = ("130273001209005", "130273001209006")
AFTER_START = "main"


@pytest.fixture(scope="module")
def draft(service: Service) -> tuple[str, str]:
    """A draft with an edit, and the plan in force."""
    mine = {"cookie": service.sign_in("planner"), "origin": service.address}
    _, plans, _ = service.ask("/api/v1/plans?state=published", **mine)
    status, made, _ = service.ask("/api/v1/plans", body={"district": "130273", "based_on": "published"}, **mine)
    assert status == 201
    merge = {"op": "merge", "codes": list(VILLAGE)}
    status, told, _ = service.ask(f"/api/v1/plans/{made['id']}/edits", body=merge, If_Match='"1"', **mine)
    assert status == 200, told
    return str(made["id"]), str(plans["plans"][0]["id"])


@pytest.fixture(scope="module")
def case(service: Service) -> str:
    """An incident of the demo."""
    _, told, _ = service.ask("/api/v1/incidents?living=true&limit=1", cookie=service.sign_in("dispatcher"))
    return str(told["incidents"][0]["id"])


def pages_of(draft: str, published: str, case: str) -> dict[str, list[str]]:
    """Who looks at which pages; homes that show the same cards stand for each other."""
    return {
        "": ["/"],
        "planner": [
            *("/", "/planner", f"/planner?plan={draft}", f"/planner?plan={published}", "/plans", "/imports"),
            *(f"/plans/{draft}", f"/plans/{published}", f"/plans/{draft}/diff", f"/plans/{draft}/replay"),
            *(f"/plans/{draft}/rebase", f"/plans/{published}/certificate", "/nowhere"),
        ],
        "dispatcher": [
            "/report",
            f"/centre?case={case}",
            f"/incidents/{case}",
            f"/grid/{VILLAGE[0]}",
            f"/grid/{VILLAGE[0]}01",
        ],
        "leader": ["/", "/heat", "/figures", "/rosters"],
        "worker": ["/", "/worker", "/planner"],
        "admin": ["/", "/standards", "/rosters", "/api/v1/docs"],
    }


@pytest.fixture(params=["zh-CN", "en"])
def speaking(
    request: pytest.FixtureRequest, service: Service, chromium: Browser
) -> Iterator[tuple[str, BrowserContext]]:
    """A browser of an English system whose reader chose a language for the pages."""
    context = chromium.new_context(viewport={"width": WIDTHS[0], "height": 900}, locale="en-US")
    context.add_cookies([{"name": LANGUAGE_COOKIE, "value": request.param, "url": service.address}])
    yield request.param, context
    context.close()


def test_every_page_is_whole_at_every_width(
    service: Service, draft: tuple[str, str], case: str, speaking: tuple[str, BrowserContext]
) -> None:
    lang, context = speaking
    known = asked(lang, *service.passwords, "demo", TITLE)
    found: dict[str, list[str]] = {}
    for person, paths in pages_of(*draft, case).items():
        if person:
            body = {"name": person, "password": service.passwords[person]}
            headers = {"origin": service.address}
            assert context.request.post(f"{service.address}/api/v1/session", data=body, headers=headers).ok
        for path in paths:
            page = context.new_page()
            for width, faults in faults_of(page, service.address + path, known):
                if faults:
                    found[f"{person} {path} {lang} {width}"] = faults
            page.close()
    assert found == {}


def faults_of(page: Page, address: str, known: dict[str, object]) -> Iterator[tuple[int, list[str]]]:
    """The faults of a page at each width."""
    answer = page.goto(address)
    has_script = page.locator("#config").evaluate("(one) => JSON.parse(one.textContent).person !== null")
    ready = READY if has_script and answer and answer.ok and "/docs" not in address else AFTER_START
    page.wait_for_selector(ready if "certificate" not in address else AFTER_START)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate(SETTLED)
        yield width, page.evaluate(FAULTS, known)
