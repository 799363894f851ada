"""The planner over a base map in GCJ-02 ([C4]): display is converted, edits name stored places, and nothing drifts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import shapely
from playwright.sync_api import BrowserContext, Page, expect

from layers.db import transaction
from layers.ground.roads import Road
from tests.journeys.conftest import RunningCity, Watch
from tests.journeys.test_planner_page import drag, free_vertex, middle, select_grid, vertices
from tests.plan_desk import shape_of
from tests.planner_hand import APART_MS, PIXEL, Hand, Place
from tests.waiting import until
from tiling import datums

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
TILES = "https://tiles.example.com/"
UNDER = """([x, y]) => {
  const map = window[JSON.parse(document.getElementById("config").textContent).map];
  const box = map.getContainer().getBoundingClientRect();
  const { lng, lat } = map.containerPointToLatLng([x - box.left, y - box.top]);
  return [lng, lat];
}"""


@pytest.fixture(scope="module", autouse=True)
def base_map() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGGE_BASE_MAP_URL", TILES + "{z}/{x}/{y}.png")
        patch.setenv("WANGGE_BASE_MAP_DATUM", "gcj02")
        yield


@pytest.fixture(scope="module", autouse=True)
def road(base_map: None, running: RunningCity) -> shapely.LineString:
    """A street across the city, there before its first tile is asked for."""
    west, south, east, north = running.city.shapes.frame.bounds
    line = shapely.LineString([(west, south + (north - south) * 0.13), (east, south + (north - south) * 0.87)])
    with transaction(running.engine) as session:
        geom = f"SRID=4326;{shapely.MultiLineString([line]).wkt}"
        session.add(Road(district=running.city.district, name="新华道", geom=geom))
    return line


@pytest.fixture
def hand(base_map: None, running: RunningCity, visit: Visit, watch: Watch) -> Hand:
    watch.expected = (TILES,)
    draft = running.new_draft()

    def pictures(made: BrowserContext) -> None:
        made.route(f"{TILES}**", lambda route: route.fulfill(status=200, content_type="image/png", body=b""))

    return Hand(visit("planner", f"/planner?plan={draft}", before=pictures), running, draft)


@pytest.mark.parametrize(
    ("person", "path"), [("leader", "/heat"), ("dispatcher", "/report"), ("planner", "/planner?plan={}")]
)
def test_every_map_lies_over_the_pictures_of_a_tile_server(
    base_map: None, running: RunningCity, visit: Visit, watch: Watch, person: str, path: str
) -> None:
    watch.expected = (TILES,)
    asked: list[str] = []

    def pictures(made: BrowserContext) -> None:
        made.route(f"{TILES}**", lambda route: asked.append(route.request.url) or route.fulfill(status=204))

    page = visit(person, path.format(running.new_draft()), before=pictures)
    page.locator("#map_main").wait_for()
    page.wait_for_timeout(1_000)
    assert asked
    if person == "planner":
        # Buildings and roads are drawn into the pictures: there is nothing to switch.
        expect(page.locator('#layers label:has(input[name="roads"])')).to_be_hidden()
        expect(page.locator('#layers label:has(input[name="sub_grids"])')).to_be_visible()


def shown(place: Place) -> Place:
    lon, lat = datums.from_wgs84(np.array([place[0]]), np.array([place[1]]), "gcj02")
    return float(lon[0]), float(lat[0])


def stored(place: Place) -> Place:
    lon, lat = datums.to_wgs84(np.array([place[0]]), np.array([place[1]]), "gcj02")
    return float(lon[0]), float(lat[0])


def pixel(page: Page, place: Place) -> Place:
    """Where a stored place stands on the screen."""
    x, y = page.evaluate(PIXEL, list(shown(place)))
    return x, y


def apart_m(one: Place, other: Place) -> float:
    return float(np.hypot((one[0] - other[0]) * 85_700, (one[1] - other[1]) * 111_000))


def test_a_vertex_is_dragged_on_a_shifted_map_and_all_others_stay_to_the_last_digit(hand: Hand) -> None:
    page, before = hand.page, hand.grids()
    select_grid(page, tool="e")
    handle, place = free_vertex(page)
    start = middle(handle)
    assert start == pytest.approx(pixel(page, place), abs=1.5)
    assert apart_m(place, shown(place)) > 400, "the map is half a kilometre off"
    page.keyboard.down("Alt")
    drag(page, start, by=(7, 5))
    page.keyboard.up("Alt")
    hand.at_version(2).clean()
    after = hand.grids()
    gone = {xy for code in before for xy in vertices(before[code])}
    new = {xy for code in after for xy in vertices(after[code])} - gone
    (there,) = new
    assert pixel(page, there) == pytest.approx((start[0] + 7, start[1] + 5), abs=1.5)
    assert gone - {xy for code in after for xy in vertices(after[code])} == {place}


def test_a_line_snaps_to_a_road_that_only_the_pictures_show(hand: Hand, road: shapely.LineString) -> None:
    page = hand.page
    place = road.interpolate(0.47, normalized=True)
    hand.look_at(shown((place.x, place.y)), zoom=19).tool("o")
    x, y = pixel(page, (place.x, place.y))

    def on_the_road() -> bool:
        page.mouse.move(x + 40, y + 40)
        page.mouse.move(x + 2, y + 2)
        return bool(page.evaluate("document.querySelector('#map_main').dataset.snapped") == "road")

    until(on_the_road, most_s=20.0)  # its tile comes in


def test_what_is_drawn_on_a_shifted_map_is_stored_where_the_pointer_was(hand: Hand) -> None:
    page, before = hand.page, hand.grids()
    select_grid(page, tool="v")
    x, y = middle(page.locator("#map_main"))
    page.keyboard.press("o")
    corners = [(x - 30, y - 20), (x + 34, y - 18), (x + 8, y + 31)]
    meant: list[Any] = []
    page.keyboard.down("Alt")
    for corner in corners:
        page.mouse.move(*corner)
        page.mouse.click(*corner)
        meant.append(stored(tuple(page.evaluate(UNDER, list(corner)))))
        page.wait_for_timeout(APART_MS)
    page.keyboard.up("Alt")
    hand.end().confirm().at_version(2).clean()
    (code,) = hand.grids().keys() - before.keys()
    drawn = shapely.get_coordinates(shape_of(hand.grids()[code]["geometry"])).tolist()
    assert all(min(apart_m(place, (lon, lat)) for lon, lat in drawn) < 0.002 for place in meant)
