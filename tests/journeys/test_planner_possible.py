"""What cannot be done is said while it is drawn, in the words of the refusal; a refused drawing stays in the hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import shapely
from playwright.sync_api import Page, Route, expect

from layers.db import transaction
from layers.ground.roads import Road
from tests.journeys.conftest import RunningCity, Watch
from tests.plan_desk import shape_of
from tests.planner_hand import Hand, Place, border_of, pair_of, shapes_of, simple_nodes

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"


@pytest.fixture
def hand(running: RunningCity, visit: Visit) -> Hand:
    draft = running.new_draft()
    return Hand(visit("planner", f"/planner?plan={draft}"), running, draft)


def inner_of(hand: Hand, code: str) -> Place:
    point = shape_of(hand.grids()[code]["geometry"]).representative_point()
    return point.x, point.y


def impossible(hand: Hand, words: str) -> None:
    expect(hand.page.locator("#tip.impossible")).to_contain_text(f"不可行：{words}")


def point_at(hand: Hand, place: Place) -> None:
    x, y = hand.pixel(place)
    hand.page.mouse.move(x - 3, y)
    hand.page.mouse.move(x, y)


def test_a_line_that_does_not_cross_is_told_refused_and_mended_by_one_corner(hand: Hand, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    before = hand.grids()
    one, _ = pair_of(before, without_sub_grids=True)
    x, y = inner_of(hand, one)
    _, south, _, north = shape_of(before[one]["geometry"]).bounds
    hand.look_at((x, y), zoom=18).tool("x").choose(one)
    hand.sketch([(x, south - 2e-5), (x, y)], free=True)
    impossible(hand, "线没有贯穿")
    hand.end().refused("线没有贯穿")
    hand.at_version(1)
    # The same line, its last corner carried over the border.
    hand.page.keyboard.down("Alt")
    hand.drag((x, y), (x + 1e-6, north + 2e-5))
    hand.page.keyboard.up("Alt")
    hand.end().at_version(2).clean()
    assert len(hand.grids()) > len(before)


def test_the_last_corner_goes_by_undo_and_comes_by_redo(hand: Hand) -> None:
    before = hand.grids()
    one, _ = pair_of(before, without_sub_grids=True)
    hand.edit(op="set", code=one, name="改过")
    hand.at_version(2)
    x, y = inner_of(hand, one)
    _, south, _, north = shape_of(before[one]["geometry"]).bounds
    hand.look_at((x, y), zoom=18).tool("x").choose(one)
    hand.sketch([(x, south - 2e-5), (x, y), (x + 3e-5, y)], free=True)
    hand.page.keyboard.press("Control+z")
    hand.page.keyboard.press("Control+y")
    hand.it("planner-undo").click()
    hand.sketch([(x, north + 2e-5)], free=True).end().at_version(3).clean()
    assert hand.grids()[one]["properties"]["name"] == "改过"


def test_a_vertex_over_a_neighbour_and_one_that_stands_still_are_told(hand: Hand, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    before = hand.grids()
    one, two = pair_of(before)
    nodes = simple_nodes(before, one, two)
    node, (x, y) = nodes[len(nodes) // 2], inner_of(hand, one)
    beyond = (node[0] + (x - node[0]) * 3, node[1] + (y - node[1]) * 3)
    hand.look_at(node, zoom=18).tool("e").choose(one)
    hand.page.keyboard.down("Alt")
    hand.lift(node, beyond)
    impossible(hand, "这样改会使边界相交或不再吻合")
    hand.drop().refused()
    hand.page.keyboard.up("Alt")
    hand.at_version(1)
    fixed = hand.page.locator(".vertex.fixed").first
    box = fixed.bounding_box()
    assert box
    hand.page.mouse.move(box["x"] + 5, box["y"] + 5)
    impossible(hand, "社区和区县的边界不能在此移动")
    hand.page.mouse.down()
    hand.page.mouse.move(box["x"] + 40, box["y"] + 40, steps=4)
    hand.page.mouse.up()
    hand.refused("社区和区县的边界不能在此移动")
    assert hand.grids() == before


def test_grids_that_do_not_touch_are_not_offered_to_be_merged(hand: Hand) -> None:
    shapes = {code: shape for code, shape in shapes_of(hand.grids()).items() if len(code) == 15}
    one, two = next((a, b) for a in shapes for b in shapes if a[:12] == b[:12] and shapes[a].distance(shapes[b]) > 1e-4)
    hand.tool("m").choose(one, two)
    impossible(hand, "这些网格没有共用边界")
    expect(hand.page.locator("#confirm")).to_be_hidden()
    hand.end().refused("这些网格没有共用边界")
    hand.at_version(1)


def test_a_border_that_ends_in_the_air_is_told(hand: Hand) -> None:
    before = hand.grids()
    one, two = pair_of(before)
    border = border_of(before, one, two)
    hand.look_at(border[len(border) // 2], zoom=18).tool("b").choose(one, two)
    hand.sketch([border[1]])
    hand.page.keyboard.down("Alt")
    point_at(hand, inner_of(hand, one))
    impossible(hand, "线没有贯穿")
    hand.page.keyboard.up("Alt")


def test_a_stroke_over_blocks_that_are_on_their_way_counts(running: RunningCity, hand: Hand, watch: Watch) -> None:
    # Whether the grid keeps in one piece is for the service.
    watch.expected = (REFUSED,)
    west, south, east, north = running.city.shapes.frame.bounds
    lines = shapely.MultiLineString([[(west, (south + north) / 2), (east, south)], [(west, south), (east, north)]])
    with transaction(running.engine) as session:
        session.add(Road(district=running.city.district, geom=f"SRID=4326;{lines.wkt}"))
    before = hand.grids()
    one, two = pair_of(before)
    hand.look_at(border_of(before, one, two)[3], zoom=18).choose(one)
    held: list[Route] = []
    hand.page.route("**/blocks?*", lambda route: held.append(route))
    hand.tool("p")
    point_at(hand, inner_of(hand, two))
    hand.page.mouse.down()
    x, y = hand.pixel(inner_of(hand, two))
    hand.page.mouse.move(x + 4, y + 3, steps=3)
    expect(hand.page.locator("#tip")).to_contain_text("正在取来")
    hand.page.mouse.up()
    with hand.page.expect_request("**/edits*"):
        for route in held:
            route.continue_()
