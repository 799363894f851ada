"""What keeps the planner's page quick: what is drawn, moved and asked for while a vertex hangs on the pointer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.journeys.conftest import RunningCity
from tests.journeys.test_planner_page import edit, features
from tests.planner_hand import Hand, Place, pair_of, shape_of, simple_nodes

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]

# How often each canvas over the map was wiped to be painted anew: what changes in a frame.
COUNT = """
window.__wiped = new Map();
const { clearRect } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  const times = window.__wiped.get(this.canvas) ?? 0;
  if (this.canvas.classList.contains("painted")) window.__wiped.set(this.canvas, times + 1);
  return clearRect.apply(this, box);
};
"""
# How long after a step of the pointer the figures beside the map have changed.
LAG = """() => {
  window.__lags = [];
  let moved = 0;
  addEventListener("pointermove", ({ timeStamp }) => (moved ||= timeStamp), true);
  new MutationObserver(() => {
    if (moved) window.__lags.push(performance.now() - moved);
    moved = 0;
  }).observe(document.querySelector("[data-test=planner-households]"), { subtree: true, childList: true });
}"""
GAP = {"kind": "gap", "class": "real", "severity": "error", "area_m2": 2.0, "where": None}
HAND = "canvas.painted.leaflet-zoom-hide"
WIPED = f"""() => {{
  const hand = document.querySelector("{HAND}");
  const all = [...window.__wiped].map(([canvas, times]) => [canvas === hand, times]);
  window.__wiped.clear();
  const sum = (mine) => all.filter(([own]) => own === mine).reduce((total, [, times]) => total + times, 0);
  return {{ hand: sum(true), others: sum(false) }};
}}"""
# When the page was ready, and when it first asked for a tile of the ground.
ORDER = """
new MutationObserver(() => {
  if (document.querySelector("main[data-test=ready]")) window.__ready ??= performance.now();
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-test"] });
"""


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


def opened(running: RunningCity, visit: Visit, draft: str, *scripts: str, **context: Any) -> Hand:
    def before(made: BrowserContext) -> None:
        for script in scripts:
            made.add_init_script(script)

    return Hand(visit("planner", f"/planner?plan={draft}", before=before, **context), running, draft)


def way_of(hand: Hand) -> tuple[str, Place, Place]:
    """A grid with a vertex of its border that may be moved, and where to."""
    one, two = pair_of(hand.grids())
    nodes = simple_nodes(hand.grids(), one, two)
    node = nodes[len(nodes) // 2]
    inside = shape_of(hand.grids()[one]["geometry"]).representative_point()
    return one, node, (node[0] + (inside.x - node[0]) * 0.1, node[1] + (inside.y - node[1]) * 0.1)


def at_work(hand: Hand) -> tuple[Place, Place]:
    """The vertices of a grid are shown, and the map has come to rest."""
    code, start, end = way_of(hand)
    hand.look_at(start, zoom=17).tool("e").choose(code)
    hand.page.wait_for_timeout(900)
    return start, end


@pytest.mark.alone
def test_while_a_vertex_is_dragged_only_what_hangs_on_it_is_painted(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    hand = opened(running, visit, draft, COUNT)
    start, end = at_work(hand)
    canvas = hand.page.locator(HAND)
    expect(canvas).to_be_hidden()
    hand.lift(start, end, steps=4)
    hand.page.wait_for_timeout(150)
    hand.page.evaluate(WIPED)
    x, y = hand.pixel(end)
    for step in range(20):
        hand.page.mouse.move(x + step % 3, y)
        hand.page.wait_for_timeout(20)
    wiped = hand.page.evaluate(WIPED)
    assert wiped["hand"] >= 10 and wiped["others"] == 0
    seen, stage = canvas.bounding_box(), hand.page.locator("#map_main").bounding_box()
    assert seen is not None and stage is not None
    assert seen["width"] * seen["height"] < stage["width"] * stage["height"] / 2
    hand.drop().at_version(2).clean()
    expect(canvas).to_be_hidden()


@pytest.mark.parametrize("tool", ["x", "n"])
def test_while_something_is_drawn_only_the_drawing_is_painted(
    running: RunningCity, visit: Visit, draft: str, tool: str
) -> None:
    hand = opened(running, visit, draft, COUNT)
    code, *_ = pair_of(hand.grids())
    inside = shape_of(hand.grids()[code]["geometry"]).representative_point()
    hand.look_at((inside.x, inside.y), zoom=18).tool("v").choose(code).tool(tool)
    hand.page.wait_for_timeout(900)
    hand.click((inside.x, inside.y))
    canvas = hand.page.locator(HAND)
    x, y = hand.pixel((inside.x, inside.y))
    hand.page.mouse.move(x + 60, y + 40)
    hand.page.wait_for_timeout(150)
    hand.page.evaluate(WIPED)
    for step in range(20):
        hand.page.mouse.move(x + 60 + step % 3, y + 40)
        hand.page.wait_for_timeout(20)
    wiped = hand.page.evaluate(WIPED)
    assert wiped["hand"] >= 10 and wiped["others"] == 0
    expect(canvas).to_be_visible()
    hand.page.keyboard.press("Escape")
    expect(canvas).to_be_hidden()


@pytest.mark.alone
def test_the_figures_follow_the_pointer_within_a_tenth_of_a_second(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    hand = opened(running, visit, draft)
    start, end = at_work(hand)
    hand.lift(start, end, steps=4)
    hand.page.wait_for_timeout(300)
    hand.page.evaluate(LAG)
    x, y = hand.pixel(end)
    for step in range(24):
        hand.page.mouse.move(x + 6 * (step % 2), y + 6 * (step % 2))
        hand.page.wait_for_timeout(120)
    lags = sorted(hand.page.evaluate("window.__lags"))
    print(f"figures after a step of the pointer: median {lags[len(lags) // 2]:.0f} ms, worst {lags[-1]:.0f} ms")
    assert len(lags) >= 20
    assert lags[int(len(lags) * 0.9)] <= 100
    hand.drop().at_version(2)


def test_what_hangs_on_the_pointer_is_painted_on_sharp_screens_too(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    hand = opened(running, visit, draft, "Object.defineProperty(window, 'devicePixelRatio', { get: () => 2 })")
    start, end = at_work(hand)
    hand.lift(start, end)
    hand.page.wait_for_timeout(150)
    canvas = hand.page.locator(HAND)
    wide, shown = canvas.evaluate("canvas => [canvas.width, canvas.clientWidth]")
    assert wide == 2 * shown
    # The vertex in the hand lies on a line that is painted there.
    x, y = hand.pixel(end)
    box = canvas.bounding_box()
    assert box is not None
    inked = canvas.evaluate(
        "(canvas, [x, y]) => canvas.getContext('2d').getImageData(2 * x - 4, 2 * y - 4, 8, 8).data.some(v => v > 0)",
        [x - box["x"], y - box["y"]],
    )
    assert inked


def test_the_vertices_of_a_grid_lie_in_one_layer_of_the_screen(running: RunningCity, visit: Visit, draft: str) -> None:
    hand = opened(running, visit, draft)
    at_work(hand)
    ways = hand.it("planner-vertex").evaluate_all("all => all.map(one => one.style.transform)")
    assert len(ways) > 3 and all(way.startswith("translate(") for way in ways)


def test_plans_are_not_compared_while_a_vertex_is_in_the_hand(running: RunningCity, visit: Visit, draft: str) -> None:
    hand = opened(running, visit, draft)
    asked: list[str] = []
    start, end = at_work(hand)
    hand.drag(start, end).at_version(2)

    def note(request: Request) -> None:
        if "/diff" in request.url:
            asked.append(request.url)

    hand.page.on("request", note)
    hand.lift(end, start, steps=4)
    hand.page.wait_for_timeout(2_500)
    assert asked == []
    with hand.page.expect_request(lambda request: "/diff" in request.url):
        hand.drop().at_version(3)


def test_what_may_be_done_with_a_plan_is_known_before_it_has_been_checked_anew(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    held: list[Route] = []

    def without_report(made: BrowserContext) -> None:
        made.route("**/coverage", lambda route: held.append(route))

    one, two = sorted(code for code in features(running, draft) if len(code) == 15)[:2]
    edit(running, draft, {"op": "set", "code": one, "name": "一号"}, by="reviewer")
    page = visit("planner", f"/planner?plan={draft}", before=without_report)
    expect(page.locator("#totals")).to_contain_text("全覆盖，无缝隙")
    submit, publish = (page.locator(f'[data-test="planner-{name}"]') for name in ("submit", "publish"))
    expect(submit).to_be_enabled()
    expect(publish).to_contain_text("先提交审核")
    held[-1].fulfill(json={"ok": False, "defects": [GAP | {"codes": [one, two]}], "summary": {}, "version": 2})
    expect(publish).to_contain_text("还有 1 处缝隙")
    expect(submit).to_be_disabled()


def test_the_ground_is_asked_for_when_the_grids_can_be_edited(running: RunningCity, visit: Visit, draft: str) -> None:
    page = opened(running, visit, draft, ORDER).page
    tiles = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/tiles/'))"
    for _ in range(200):
        if page.evaluate(f"{tiles}.length"):
            break
        page.wait_for_timeout(50)
    assert page.evaluate(f"{tiles}.length > 0 && window.__ready < Math.min(...{tiles}.map((one) => one.startTime))")


def test_an_edit_leaves_the_other_vertices_as_they_are_and_all_of_them_in_the_order_of_the_ring(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    hand = opened(running, visit, draft)
    code, _, _ = way_of(hand)
    start, end = at_work(hand)
    shown = hand.it("planner-vertex")
    before = shown.evaluate_all("all => all.map((one) => (one.mine = true)).length")
    hand.drag(start, end).at_version(2)
    hand.page.wait_for_timeout(300)
    assert shown.evaluate_all("all => all.filter((one) => one.mine).length") == before - 1
    places = shown.evaluate_all("all => all.map(({ dataset }) => [Number(dataset.lon), Number(dataset.lat)])")
    ring = [list(place) for place in shape_of(hand.grids()[code]["geometry"]).geoms[0].exterior.coords[:-1]]
    first = ring.index(places[0])
    assert places == ring[first:] + ring[:first]
