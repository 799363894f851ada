"""What the planner sees and feels while drawing: snapping, figures, cut buildings, keyboard, and refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import shapely
from playwright.sync_api import Page, expect
from sqlalchemy import func, insert, select

from layers import planning
from layers.buildings import Building
from layers.db import transaction
from layers.ground.roads import Road
from tests.drafts import DRAWER, add_buildings, rows_of
from tests.journeys.conftest import RunningCity, Watch
from tests.journeys.test_planner_tools import as_stored
from tests.plan_desk import shape_of
from tests.planner_hand import Hand, Place, border_of, pair_of, simple_nodes, square

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"
BY = replace(DRAWER, name="planner")
# Own script per pointer event, from the first listener of the window to the last: what the page may take of a frame.
MOST_MS = 8.0
MEASURE = """() => {
  window.__took = [];
  let begun = 0;
  for (const name of ["pointermove", "mousemove"]) {
    addEventListener(name, () => (begun = performance.now()), true);
    addEventListener(name, () => window.__took.push(performance.now() - begun), false);
  }
}"""


@pytest.fixture(scope="module", autouse=True)
def ground(running: RunningCity) -> shapely.LineString:
    """Buildings all over the city, and a road across it."""
    shapes = running.city.shapes
    west, south, east, north = shapes.frame_m.bounds
    line_m = shapely.LineString([(west, (south + north) / 2 + 11), (east, (south + north) / 2 + 17)])
    line = shapes.plane.to_degrees(line_m)
    with transaction(running.engine) as session:
        add_buildings(session, shapes, number=1_200, side_m=5.0)
        geometry = f"SRID=4326;{shapely.to_wkt(shapely.MultiLineString([line]), rounding_precision=9)}"
        session.execute(insert(Road), [{"district": shapes.district, "name": "中路", "geom": geometry}])
    return line


def new_draft(running: RunningCity) -> str:
    shapes = running.city.shapes
    with transaction(running.engine) as session:
        return str(planning.import_draft(session, shapes.district, rows=rows_of(shapes), frame=shapes.frame, by=BY).id)


def opened(running: RunningCity, visit: Visit, **context: int) -> Hand:
    draft = new_draft(running)
    return Hand(visit("planner", f"/planner?plan={draft}", **context), running, draft)


@pytest.fixture
def hand(running: RunningCity, visit: Visit) -> Hand:
    return opened(running, visit)


def snapped(hand: Hand) -> str:
    return str(hand.page.evaluate("document.querySelector('#map_main').dataset.snapped ?? ''"))


def near(hand: Hand, place: Place, *, dx: float = 3, dy: float = 2) -> str:
    """What the pointer snaps to a few pixels beside a place."""
    x, y = hand.pixel(place)
    hand.page.mouse.move(x + dx + 30, y + dy + 30)
    hand.page.mouse.move(x + dx, y + dy)
    return snapped(hand)


def a_building(hand: Hand) -> shapely.Geometry:
    """A building that stands clear of every border and of the road."""
    shapes = hand.running.city.shapes
    with transaction(hand.running.engine) as session:
        found = [shapely.from_wkb(bytes(wkb)) for wkb in session.scalars(select(func.ST_AsBinary(Building.geom)))]
    borders = shapely.union_all([shapely.boundary(polygon) for polygon in shapes.polygons])
    frame = shapely.box(*shapes.frame.bounds).centroid
    clear = [one for one in found if one.distance(borders) > 4e-5 and abs(one.centroid.y - frame.y) > 3e-4]
    alone = [one for one in clear if sum(one.distance(other) < 5e-5 for other in found) == 1]
    return min(alone, key=lambda one: one.distance(frame))


def test_the_pointer_snaps_to_everything_that_is_near_and_to_nothing_with_alt(
    hand: Hand, ground: shapely.LineString
) -> None:
    one, two = pair_of(hand.grids())
    places = border_of(hand.grids(), one, two)
    hand.look_at(places[10], zoom=19).tool("n")
    hand.page.wait_for_timeout(800)  # buildings and tiles come in
    assert near(hand, places[10]) == "vertex"
    hand.page.keyboard.down("Alt")
    assert near(hand, places[10]) == ""
    hand.page.keyboard.up("Alt")
    house = a_building(hand)

    corners = list(house.geoms[0].exterior.coords)
    wall = ((corners[0][0] + corners[1][0]) / 2, (corners[0][1] + corners[1][1]) / 2)
    hand.look_at(wall, zoom=20)
    hand.page.wait_for_timeout(800)
    assert near(hand, corners[0]) == "corner"
    assert near(hand, wall, dx=1, dy=1) == "wall"
    clear = next(place for place in _along(ground) if _is_clear(hand, place))
    hand.look_at(clear, zoom=20)
    hand.page.wait_for_timeout(900)
    assert near(hand, clear) == "road"


def _along(line: shapely.LineString) -> list[Place]:
    points = [line.interpolate(share / 600, normalized=True) for share in range(120, 480)]
    return [(point.x, point.y) for point in points]


def _is_clear(hand: Hand, place: Place) -> bool:
    """Whether neither a border nor a building is near enough to be felt."""
    shapes, point = hand.running.city.shapes, shapely.Point(place)
    if min(shapely.boundary(polygon).distance(point) for polygon in shapes.polygons) < 2e-5:
        return False
    with transaction(hand.running.engine) as session:
        box = func.ST_MakeEnvelope(place[0] - 2e-5, place[1] - 2e-5, place[0] + 2e-5, place[1] + 2e-5, 4326)
        return session.scalar(select(func.count()).where(Building.geom.op("&&")(box))) == 0


def test_a_corner_that_was_snapped_to_a_wall_is_the_stored_corner_to_the_last_digit(hand: Hand) -> None:
    house = a_building(hand)
    corners = [(x, y) for x, y in house.geoms[0].exterior.coords[:-1]]
    before = hand.grids()
    hand.look_at(corners[0], zoom=20).tool("o")
    hand.page.wait_for_timeout(800)
    for x, y in map(hand.pixel, corners):
        hand.page.mouse.move(x + 3, y + 3)
        hand.page.mouse.click(x + 3, y + 3)
        hand.page.wait_for_timeout(320)
    hand.page.keyboard.press("Enter")
    hand.confirm().at_version(2).clean()
    (new,) = hand.grids().keys() - before.keys()
    drawn = set(map(tuple, shapely.get_coordinates(shape_of(hand.grids()[new]["geometry"])).tolist()))
    # The lattice is a millimetre wide, nine decimals of a degree a tenth of one.
    assert all(min(abs(x - a) + abs(y - b) for a, b in drawn) < 2e-8 for x, y in corners)


@pytest.mark.alone
def test_while_a_vertex_is_dragged_the_figures_are_those_that_the_service_stores_afterwards(hand: Hand) -> None:
    one, two = pair_of(hand.grids())
    places = simple_nodes(hand.grids(), one, two)
    node = places[len(places) // 2]
    inside = shape_of(hand.grids()[one]["geometry"]).representative_point()
    to = (node[0] + (inside.x - node[0]) * 0.3, node[1] + (inside.y - node[1]) * 0.3)
    hand.look_at(node, zoom=19).tool("e").choose(one)
    hand.page.wait_for_timeout(900)
    hand.page.evaluate(MEASURE)
    hand.page.keyboard.down("Alt")
    hand.lift(node, to, steps=40)
    hand.page.wait_for_timeout(150)
    bars = hand.it("planner-households").locator("[data-code]")
    foreseen = {bar.get_attribute("data-code"): int(bar.get_attribute("data-after") or -1) for bar in bars.all()}
    assert {one, two} <= foreseen.keys()
    sizes = hand.foreseen_sizes()
    moved = hand.it("planner-hands").locator("li").count()
    cut = hand.it("planner-cut")
    expect(cut).to_contain_text(re.compile(r"穿过 \d+ 栋楼"))
    hand.drop()
    hand.page.keyboard.up("Alt")
    hand.at_version(2).clean()
    stored = hand.grids()
    assert {code: stored[code]["properties"]["households"] for code in foreseen} == foreseen
    as_stored(hand, sizes)
    assert moved > 0
    expect(hand.it("planner-hands")).to_contain_text("户由")
    expect(cut).to_be_hidden()
    took = sorted(hand.page.evaluate("window.__took"))
    print(
        f"own script per pointer event while dragging: median {took[len(took) // 2]:.2f} ms, "
        f"p99 {took[int(len(took) * 0.99)]:.2f} ms, worst {took[-1]:.2f} ms of {len(took)}"
    )
    assert took[int(len(took) * 0.95)] <= MOST_MS


@pytest.mark.alone
def test_drawing_over_many_buildings_keeps_the_pointer_quick(hand: Hand) -> None:
    one, two = pair_of(hand.grids())
    middle = border_of(hand.grids(), one, two)[10]
    hand.look_at(middle, zoom=18).tool("n")
    hand.page.wait_for_timeout(900)
    hand.page.evaluate(MEASURE)
    for corner in square(middle, 0.0008)[:3]:
        hand.click(corner)
    x, y = hand.pixel(middle)
    for step in range(150):
        hand.page.mouse.move(x - 150 + step * 2, y + 90 + step % 23)
    took = sorted(hand.page.evaluate("window.__took"))
    print(
        f"own script per pointer event while drawing: median {took[len(took) // 2]:.2f} ms, "
        f"p99 {took[int(len(took) * 0.99)]:.2f} ms, worst {took[-1]:.2f} ms of {len(took)}"
    )
    assert took[int(len(took) * 0.95)] <= MOST_MS


def test_the_keyboard_moves_a_vertex_and_stays_on_it(hand: Hand) -> None:
    one, two = pair_of(hand.grids())
    places = simple_nodes(hand.grids(), one, two)
    node = places[len(places) // 2]
    hand.look_at(node, zoom=19).tool("e").choose(one)
    handle = hand.page.locator(f'[data-test="planner-vertex"][data-lon="{node[0]}"][data-lat="{node[1]}"]')
    handle.focus()
    hand.page.keyboard.press("ArrowUp")
    hand.at_version(2).clean()
    focused = hand.page.locator('[data-test="planner-vertex"]:focus')
    expect(focused).to_have_count(1)
    assert abs(float(focused.get_attribute("data-lat") or 0) - node[1]) < 5e-6
    hand.page.keyboard.press("Shift+ArrowDown")
    hand.at_version(3).clean()
    hand.page.keyboard.press("Delete")
    hand.at_version(4).clean()
    hand.page.keyboard.press("Control+z")
    hand.at_version(5)


def test_every_tool_has_a_key_and_escape_gives_up_step_by_step(hand: Hand) -> None:
    tools = {
        "v": "select",
        "e": "vertices",
        "b": "redraw",
        "x": "split",
        "m": "merge",
        "n": "carve",
        "g": "give",
        "f": "fill",
        "o": "overlay",
    }
    for key, name in tools.items():
        hand.tool(key)
        expect(hand.page.locator(f'[data-tool="{name}"]')).to_have_attribute("aria-checked", "true")
        expect(hand.page.locator("#hint")).not_to_be_empty()
    one, _ = pair_of(hand.grids())
    inner = shape_of(hand.grids()[one]["geometry"]).representative_point()
    hand.tool("x").choose(one).click((inner.x + 1e-5, inner.y))
    hand.page.keyboard.press("Escape")
    expect(hand.it("planner-grid")).to_be_visible()
    hand.page.keyboard.press("Escape")
    expect(hand.it("planner-grid")).to_be_hidden()


# What is refused: with its reason and its place, and the draft is as before


def refused_as_before(hand: Hand, before: dict[str, object], words: str) -> None:
    hand.refused(words)
    assert hand.grids() == before
    assert hand.marked() == ["bad"], "the place is on the map"
    expect(hand.page.locator("#plan-state")).to_contain_text("第 1 版")


def test_a_line_that_does_not_cross_is_refused(hand: Hand, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    before = hand.grids()
    one, _ = pair_of(before)
    inner = shape_of(before[one]["geometry"]).representative_point()
    hand.look_at((inner.x, inner.y), zoom=19).tool("x").choose(one)
    hand.draw([(inner.x, inner.y), (inner.x + 5e-5, inner.y + 5e-5)], free=True)
    refused_as_before(hand, before, "线没有贯穿")


def test_a_vertex_across_another_border_springs_back(hand: Hand, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    before = hand.grids()
    one, two = pair_of(before)
    places = simple_nodes(before, one, two)
    node = places[len(places) // 2]
    shape = shape_of(before[one]["geometry"])
    across = (2 * shape.centroid.x - node[0], 2 * shape.centroid.y - node[1])
    to = (across[0] + (across[0] - node[0]) * 0.2, across[1] + (across[1] - node[1]) * 0.2)
    hand.look_at(node, zoom=19).tool("e").choose(one)
    handle = hand.page.locator(f'[data-test="planner-vertex"][data-lon="{node[0]}"][data-lat="{node[1]}"]')
    start = handle.bounding_box()
    hand.page.keyboard.down("Alt")
    hand.drag(node, to)
    hand.page.keyboard.up("Alt")
    refused_as_before(hand, before, "")
    expect(hand.it("planner-save-state")).to_contain_text("已还原")
    assert handle.bounding_box() == pytest.approx(start, abs=1.5) if start else False


def test_a_vertex_of_the_frame_does_not_move(hand: Hand, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    before = hand.grids()
    south, west = min((y, x) for x, y in shapely.get_coordinates(hand.running.city.shapes.frame).tolist())
    corner = (west, south)
    inner = min(
        (shape_of(feature["geometry"]) for code, feature in before.items() if len(code) == 15),
        key=lambda shape: shape.distance(shapely.Point(corner)),
    ).representative_point()
    hand.look_at(corner, zoom=19).tool("e").click((inner.x, inner.y))
    handle = hand.page.locator(f'[data-test="planner-vertex"][data-lon="{corner[0]}"][data-lat="{corner[1]}"]')
    expect(handle).to_have_class(re.compile("fixed"))
    hand.drag(corner, (corner[0] + 3e-5, corner[1] + 3e-5))
    refused_as_before(hand, before, "社区和区县的边界不能在此移动")


@pytest.mark.parametrize("key", ["n", "o"])
def test_a_grid_outside_the_frame_is_refused(hand: Hand, watch: Watch, key: str) -> None:
    watch.expected = (REFUSED,)
    before = hand.grids()
    west, south, _, _ = hand.running.city.shapes.frame.bounds
    place = (west - 4e-4, south - 4e-4)
    hand.look_at(place, zoom=18).tool(key)
    hand.draw(square(place, 0.0002), free=True).confirm()
    refused_as_before(hand, before, "范围")
