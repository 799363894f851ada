"""The ground under the planner: layers and levels leave it, and what failed to come is told and comes after all."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import shapely
from playwright.sync_api import Locator, Page, expect

from layers.buildings import Building
from layers.db import transaction
from layers.ground.components import Component
from layers.ground.roads import Road
from layers.ground.water import Park
from tests.journeys.conftest import RunningCity, Watch
from tests.journeys.together import LOST
from tests.planner_hand import Hand
from tests.small_city import stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
UNKNOWN = ".map .unknown"
# How many pixels of the ground's tiles are painted.
PAINTED = """() => [...document.querySelectorAll("canvas.leaflet-tile, .leaflet-tile canvas")].reduce((sum, canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let here = 0;
  for (let i = 3; i < data.length; i += 4) here += data[i] > 0;
  return sum + here;
}, 0)"""

# How many of these pixels have the colour of components.
DOTTED = """() => {
  const hex = getComputedStyle(document.documentElement).getPropertyValue("--component").trim().slice(1);
  const wanted = [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16));
  return [...document.querySelectorAll("canvas.leaflet-tile, .leaflet-tile canvas")].reduce((sum, canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let here = 0;
    for (let i = 0; i < data.length; i += 4) here += wanted.every((value, at) => Math.abs(data[i + at] - value) < 3);
    return sum + here;
  }, 0);
}"""


@pytest.fixture(scope="module", autouse=True)
def ground(running: RunningCity) -> None:
    """A park, a road across the city and some houses."""
    shapes = running.city.shapes
    west, south, east, north = shapes.frame.bounds
    district = running.city.district
    line = shapely.MultiLineString([[(west, (south + north) / 2), (east, (south + north) / 2 + 1e-4)]])
    with transaction(running.engine) as session:
        session.add(Road(district=district, name="中路", road_class="primary", geom=f"SRID=4326;{line.wkt}"))
        session.add(Park(district=district, name="公园", geom=stored(shapely.box(west, south, east, north))))
        for number, tile in enumerate(shapes.polygons):
            point = tile.representative_point()
            house = stored(point.buffer(5e-5, quad_segs=2))
            place = f"SRID=4326;{point.wkt}"
            session.add(Building(district=district, name=f"{number}", households=3, geom=house, inner_point=place))
            code = f"{district}01003{number:05d}"
            session.add(Component(district=district, code=code, name="雨水井盖", geom=place))


@pytest.fixture
def hand(running: RunningCity, visit: Visit) -> Hand:
    draft = running.new_draft()
    return Hand(visit("planner", f"/planner?plan={draft}"), running, draft)


def await_painted(page: Page, *, at_least: float) -> None:
    """Wait until so much is there: tiles are painted one by one, long after the click where the machine is busy."""
    page.wait_for_function(f"(least) => ({PAINTED})() >= least", arg=at_least, timeout=20_000)


def painted(page: Page) -> int:
    """How much there is once the map has come to rest with some ground on it."""
    await_painted(page, at_least=1)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(250)
    return int(page.evaluate(PAINTED))


def label_of(page: Page, *, name: str, value: str | None = None) -> Locator:
    which = f'[name="{name}"]' + (f'[value="{value}"]' if value else "")
    return page.locator(f"#layers label:has({which})")


def test_choosing_a_level_leaves_the_ground_on_the_map(hand: Hand) -> None:
    page = hand.page
    before = painted(page)
    for value in ("sub_grid", "grid", "sub_grid"):
        label_of(page, name="level", value=value).click()
        await_painted(page, at_least=before)
        assert painted(page) == before, value
    # Keys still mean the tools, and Escape the map, although the radio has the keyboard.
    page.keyboard.press("e")
    expect(page.locator('[data-tool="vertices"]')).to_have_attribute("aria-checked", "true")


def test_a_layer_goes_and_comes_alone(hand: Hand) -> None:
    page = hand.page
    before = painted(page)
    # The park is everywhere: what lies on it shows in what it covers, not in how much.
    for name in ("buildings", "roads"):
        label_of(page, name=name).click()
        assert painted(page) <= before, f"without {name}"
        label_of(page, name=name).click()
        await_painted(page, at_least=0.8 * before)


def test_components_come_when_they_are_asked_for_and_no_sooner(hand: Hand) -> None:
    page = hand.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/tiles/components/" in request.url else None)
    painted(page)
    hand.look_at(hand.running.city.inside(min(hand.running.city.codes)), zoom=18)
    painted(page)
    assert (asked, page.evaluate(DOTTED)) == ([], 0)
    label_of(page, name="components").click()
    page.wait_for_function(f"() => ({DOTTED})() > 20", timeout=20_000)
    label_of(page, name="components").click()
    page.wait_for_function(f"() => ({DOTTED})() === 0", timeout=20_000)


def test_every_control_of_the_page_can_be_clicked(hand: Hand) -> None:
    """Twice, with a grid selected: what opens is left by Escape, and the page still edits."""
    page = hand.page
    before = painted(page)
    hand.choose(next(code for code in hand.grids() if len(code) == 15))
    page.locator('[data-test="grid-edit"]').click()
    kinds = "button, summary, .work label:has(input), .tabs a"
    passed_over = "#sign-out, #publish, #submit, [data-test=grid-remove], [data-test=grid-save], .toast *"
    for _ in range(2):
        for number in range(page.locator(kinds).count()):
            control = page.locator(kinds).nth(number)
            if not control.is_visible() or not control.is_enabled():
                continue
            if control.evaluate("(one, passed) => one.matches(passed)", passed_over):
                continue
            control.click(timeout=5000)
            for _ in range(2):
                if page.locator("dialog[open]").count():
                    page.keyboard.press("Escape")
    page.keyboard.press("v")
    assert painted(page) > 0
    page.evaluate(
        "() => document.querySelectorAll('#layers [type=checkbox]').forEach((box) => box.checked || box.click())"
    )
    hand.look_at(tuple(hand.running.city.shapes.frame.centroid.coords[0]), zoom=16)
    assert before > 0
    assert painted(page) > 0


def test_ground_that_failed_is_hatched_and_asked_for_again(hand: Hand, watch: Watch) -> None:
    watch.expected = LOST
    page = hand.page
    painted(page)
    page.context.set_offline(True)
    centre = hand.running.city.shapes.frame.centroid
    hand.look_at((centre.x, centre.y), zoom=19)
    expect(page.locator(UNKNOWN).first).to_be_visible()
    assert page.evaluate(PAINTED) == 0
    page.context.set_offline(False)
    expect(page.locator(UNKNOWN)).to_have_count(0, timeout=20_000)
    assert painted(page) > 0


def test_ground_that_the_service_could_not_give_is_asked_for_again(hand: Hand, watch: Watch) -> None:
    watch.expected = ("status of 503",)
    page = hand.page
    page.context.route("**/tiles/**", lambda route: route.fulfill(status=503, body="{}"))
    centre = hand.running.city.shapes.frame.centroid
    hand.look_at((centre.x, centre.y), zoom=19)
    expect(page.locator(UNKNOWN).first).to_be_visible()
    page.context.unroute("**/tiles/**")
    expect(page.locator(UNKNOWN)).to_have_count(0, timeout=20_000)
    assert painted(page) > 0


# How many places there are at the sides of tiles where what is drawn on one side does not go on at the other, and how
# many of the places that were looked at have something on them.
SEAMS = """() => {
  const tiles = [...document.querySelectorAll("canvas.leaflet-tile, .leaflet-tile canvas")].map((canvas) => {
    const { left, top, right, bottom } = canvas.getBoundingClientRect();
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    const at = (x, y) => data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4);
    return { left, top, right, bottom, width, height, at };
  });
  const near = (one, other) => Math.abs(one - other) < 1;
  const differ = (one, other) => Math.max(...[0, 1, 2, 3].map((i) => Math.abs(one[i] - other[i])));
  let [seams, seen] = [0, 0];
  const compare = (n, mine, theirs) => {
    for (let i = 3; i < n - 3; i += 1) {
      seen += mine(i)[3] > 0;
      seams += [-2, -1, 0, 1, 2].every((step) => differ(mine(i), theirs(i + step)) > 60);
    }
  };
  for (const one of tiles)
    for (const two of tiles) {
      if (near(one.right, two.left) && near(one.top, two.top))
        compare(one.height, (i) => one.at(one.width - 1, i), (i) => two.at(0, i));
      if (near(one.bottom, two.top) && near(one.left, two.left))
        compare(one.width, (i) => one.at(i, one.height - 1), (i) => two.at(i, 0));
    }
  return [seams, seen];
}"""
ALL_THERE = """() => {
  const tiles = [...document.querySelectorAll(".leaflet-tile")];
  return tiles.length > 3 && tiles.every((tile) => tile.classList.contains("leaflet-tile-loaded"));
}"""


def test_casings_and_roads_go_on_over_the_sides_of_tiles(hand: Hand) -> None:
    """Wide roads beside the sides of tiles, a few metres off, and one across a corner; nothing else is there."""
    _, south, east, _ = hand.running.city.shapes.frame.bounds
    n = 2**15
    column = math.ceil((east + 0.01 + 180) / 360 * n)
    row = math.floor((1 - math.asinh(math.tan(math.radians(south))) / math.pi) / 2 * n)
    lon, lat = column / n * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / n))))
    nine_m = 9 / 111_320
    off, far = nine_m / math.cos(math.radians(lat)), 0.003
    lines = [
        [(lon - off, lat - far), (lon - off, lat + far)],
        [(lon - far, lat - nine_m), (lon + far, lat - nine_m)],
        [(lon - far, lat - far * 0.8), (lon + far, lat + far * 0.83)],
    ]
    with transaction(hand.running.engine) as session:
        for number, line in enumerate(lines):
            shape = shapely.MultiLineString([line])
            session.add(
                Road(
                    district=hand.running.city.district,
                    name=f"快速路{number}",
                    road_class="motorway",
                    geom=f"SRID=4326;{shape.wkt}",
                )
            )
    for zoom in (15, 16, 17, 18, 19, 20):
        hand.look_at((lon, lat), zoom=zoom)
        hand.page.wait_for_function(ALL_THERE, timeout=30_000)
        seams, seen = hand.page.evaluate(SEAMS)
        assert seen > 10, zoom
        # Where three edges meet some pixels differ; a casing that ends at a tile does so along the whole side.
        assert seams < seen / 20, (zoom, seams, seen)
