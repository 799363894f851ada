"""Words beside the pointer are true of the moment: what changes below a pointer that rests takes them away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import RunningCity
from tests.plan_desk import shape_of
from tests.planner_hand import Hand, Place, border_of, pair_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
TICK = "() => document.querySelector('#layers input[name=overlays], #layers [type=checkbox]').click()"
ZOOM = """() => {
  const map = window[JSON.parse(document.getElementById("config").textContent).map];
  map.setZoom(map.getZoom() - 1, { animate: false });
}"""


def middle_of(hand: Hand, code: str) -> Place:
    point = shape_of(hand.grids()[code]["geometry"]).representative_point()
    return point.x, point.y


def test_a_tip_of_the_planner_goes_with_whatever_changes_below_it(running: RunningCity, visit: Visit) -> None:
    draft = running.new_draft()
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    page, tip = hand.page, hand.page.locator("#tip")
    one, two = pair_of(hand.grids(), without_sub_grids=True)
    here = middle_of(hand, one)
    start, other = border_of(hand.grids(), one, two)[:2]
    halfway = [(start[0] + other[0]) / 2, (start[1] + other[1]) / 2]

    def theirs() -> None:
        """An edit that was not made here: the grid below the pointer has another name, and then a vertex more."""
        hand.edit(op="set", code=one, name="改了名")

    changes: dict[str, Callable[[], object]] = {
        "somebody else's edit": theirs,
        "undo": lambda: page.keyboard.press("Control+z"),
        "escape": lambda: page.keyboard.press("Escape"),
        "a layer": lambda: page.evaluate(TICK),
        "another tool": lambda: page.keyboard.press("e"),
        "zoom": lambda: page.evaluate(ZOOM),
        "the pointer leaves the map": lambda: page.mouse.move(5, 5),
    }
    hand.look_at((halfway[0], halfway[1]), zoom=18)
    for name, change in changes.items():
        x, y = hand.pixel(here)
        page.mouse.move(x - 3, y)
        page.mouse.move(x, y)
        expect(tip, name).to_be_visible()
        change()
        expect(tip, name).to_be_hidden()


def test_a_tip_of_the_heat_page_tells_what_the_cell_has_now(running: RunningCity, visit: Visit) -> None:
    page = visit("leader", "/heat")
    tip = page.locator("#tip")
    box = page.locator("#map, .leaflet-container").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    expect(tip).to_be_visible()
    with page.expect_response(lambda answer: "/api/v1/heat?" in answer.url):
        page.evaluate("""() => {
          const select = document.querySelector('#controls [name=per][value=households], #controls [name=per]');
          if (select.tagName === "SELECT") select.value = "households"; else select.click();
          select.dispatchEvent(new Event("change", { bubbles: true }));
        }""")
    page.wait_for_function("() => document.getElementById('toast').hidden")
    rested = tip.inner_text() if tip.is_visible() else ""
    page.mouse.move(x + 1, y)
    assert rested in ("", tip.inner_text())
    page.evaluate(ZOOM)
    expect(tip).to_be_hidden()
