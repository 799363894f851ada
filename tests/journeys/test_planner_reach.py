"""The planner for everybody: in both languages, on any screen, by the keyboard alone, with a name for every control."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import RunningCity
from tests.planner_hand import Hand, pair_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
SIZES = [(390, 844), (1280, 800), (1920, 1080)]
# Whatever can be worked: visible, not switched off; of a group of radio buttons the keyboard meets one.
CONTROLS = """() => {
  const wanted = "button, a[href], input, select, textarea, summary, [tabindex='0']";
  const all = [...document.querySelectorAll(wanted)].filter((one) => !one.disabled && one.tabIndex >= 0);
  const shown = all.filter((one) => one.checkVisibility({ visibilityProperty: true }));
  const met = shown.filter((one) => one.type !== "radio" || one.checked);
  met.forEach((one, number) => (one.dataset.number = number));
  return met.map((one) => {
    const labels = [...(one.labels ?? [])].map((label) => label.textContent);
    const name = [one.getAttribute("aria-label"), one.textContent, one.title, ...labels].find((words) => words?.trim());
    return [one.dataset.number, name?.trim() ?? "", one.outerHTML.slice(0, 120)];
  });
}"""
HERE = "() => document.activeElement?.dataset?.number ?? null"


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize(("lang", "words"), [("zh-CN", "提交审核"), ("en", "Submit")])
def test_every_control_has_a_name_and_the_page_fits(
    running: RunningCity, visit: Visit, draft: str, width: int, height: int, lang: str, words: str
) -> None:
    def in_language(made: BrowserContext) -> None:
        made.add_cookies([{"name": "lang", "value": lang, "url": running.address}])

    page = visit("planner", f"/planner?plan={draft}", width=width, height=height, before=in_language)
    expect(page.locator('[data-test="planner-submit"]')).to_have_text(words)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    page.keyboard.press("e")
    nameless = [html for _, name, html in page.evaluate(CONTROLS) if not name]
    assert nameless == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    stage = page.locator("#map_main").bounding_box()
    assert stage is not None and stage["height"] > 250


def test_the_keyboard_reaches_every_control_and_its_focus_is_seen(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    page = hand.page
    expect(hand.it("planner-defects").locator("button").first).to_be_visible()
    page.wait_for_timeout(2_000)  # the changes of the panel come in
    controls = {number: html for number, _, html in page.evaluate(CONTROLS)}
    met: set[str] = set()
    unseen = []
    for _ in range(len(controls) + 20):
        page.keyboard.press("Tab")
        number = page.evaluate(HERE)
        if number is None:
            continue
        met.add(number)
        seen = page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'")
        if not seen:
            unseen.append(controls.get(number))
    assert [controls[number] for number in controls.keys() - met] == []
    assert unseen == []


def test_a_grid_is_found_given_away_and_taken_back_without_a_mouse(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    page = hand.page
    one, two = pair_of(hand.grids())
    page.keyboard.press("/")
    page.keyboard.type(one)
    hand.it("search-result").first.wait_for()
    page.keyboard.press("Enter")
    expect(hand.it("planner-grid").locator("h2")).to_contain_text(one[12:])
    hand.it("grid-edit").focus()
    page.keyboard.press("Enter")
    into = hand.it("grid-remove-into")
    into.focus()
    into.select_option(two)
    hand.it("grid-remove").focus()
    page.keyboard.press("Enter")
    hand.at_version(2).clean()
    assert one not in hand.grids()
    page.keyboard.press("Control+z")
    hand.at_version(3).clean()
    assert one in hand.grids()


def test_what_is_said_reaches_a_screen_reader(running: RunningCity, visit: Visit, draft: str) -> None:
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    page = hand.page
    expect(hand.it("planner-save-state")).to_have_attribute("role", "status")
    expect(page.locator("#toast")).to_have_attribute("role", "alert")
    expect(page.get_by_role("radiogroup", name="绘图工具")).to_be_visible()
    page.keyboard.press("x")
    expect(page.get_by_role("radio", name="切分 (X)")).to_be_checked()
    hand.choose(pair_of(hand.grids())[0]).tool("e")
    expect(page.get_by_role("button", name=re.compile("^(固定)?界点：")).first).to_be_visible()
