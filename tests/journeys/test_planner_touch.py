"""The planner on a phone: everything is done by one finger, or two, that touch the screen; no mouse and no key."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
import shapely
from playwright.sync_api import CDPSession, Locator, Page, expect

from layers import planning
from layers.db import transaction
from tests.drafts import DRAWER, rows_of
from tests.journeys.conftest import RunningCity
from tests.plan_desk import shape_of
from tests.planner_hand import APART_MS, Hand, Place, border_of, pair_of, simple_nodes

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
BY = replace(DRAWER, name="planner")


class Finger:
    """What touches the screen of one page."""

    def __init__(self, hand: Hand) -> None:
        self.hand = hand
        self.cdp: CDPSession = hand.page.context.new_cdp_session(hand.page)
        self.cdp.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def event(self, kind: str, *points: Place) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def tap(self, place: Place) -> None:
        """A tap that is no half of a double tap."""
        self.event("touchStart", place)
        self.event("touchEnd")
        self.hand.page.wait_for_timeout(APART_MS)

    def tap_at(self, place: Place) -> None:
        self.tap(self.hand.pixel(place))

    def tap_on(self, seen: Locator) -> None:
        seen.scroll_into_view_if_needed()
        box = seen.bounding_box()
        assert box
        assert box["width"] >= 24 and box["height"] >= 24, "a finger needs room"
        self.tap((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))

    def move(self, start: list[Place], end: list[Place], *, steps: int = 10) -> None:
        """Fingers go straight from where they touch to where they leave."""
        self.event("touchStart", *start)
        for step in range(1, steps + 1):
            share = step / steps
            pairs = zip(start, end, strict=True)
            self.event("touchMove", *((x + (u - x) * share, y + (v - y) * share) for (x, y), (u, v) in pairs))
        self.event("touchEnd")


@pytest.fixture
def hand(running: RunningCity, visit: Visit) -> Hand:
    shapes = running.city.shapes
    with transaction(running.engine) as session:
        plan = planning.import_draft(session, shapes.district, rows=rows_of(shapes), frame=shapes.frame, by=BY)
        draft = str(plan.id)
    return Hand(visit("planner", f"/planner?plan={draft}", **PHONE), running, draft)


@pytest.fixture
def finger(hand: Hand) -> Finger:
    return Finger(hand)


def inner_of(hand: Hand, code: str) -> Place:
    point = shape_of(hand.grids()[code]["geometry"]).representative_point()
    return point.x, point.y


def tool(hand: Hand, name: str) -> Locator:
    return hand.page.locator(f'[data-tool="{name}"]')


def test_a_finger_drags_a_vertex_and_takes_it_back(hand: Hand, finger: Finger) -> None:
    before = hand.grids()
    one, two = pair_of(before)
    places = simple_nodes(before, one, two)
    node = places[len(places) // 2]
    hand.look_at(node, zoom=19)
    finger.tap_on(tool(hand, "vertices"))
    finger.tap_at(inner_of(hand, one))
    (x, y), (x1, y1) = hand.pixel(node), hand.pixel(inner_of(hand, one))
    # Farther than the slop within which a browser takes a moving finger for a resting one.
    far = 32 / max(abs(x1 - x), abs(y1 - y))
    finger.move([(x, y)], [(x + (x1 - x) * far, y + (y1 - y) * far)])
    hand.at_version(2).clean()
    assert all(list(node) != list(place) for place in border_of(hand.grids(), one, two))
    finger.tap_on(hand.it("planner-undo"))
    hand.at_version(3).clean()
    assert {code: one["geometry"] for code, one in hand.grids().items()} == {
        code: one["geometry"] for code, one in before.items()
    }


def test_a_line_of_taps_splits_a_grid(hand: Hand, finger: Finger) -> None:
    before = hand.grids()
    one, _ = pair_of(before, without_sub_grids=True)
    shape = shape_of(before[one]["geometry"])
    inside = inner_of(hand, one)
    _, south, _, north = shape.bounds
    hand.look_at(inside, zoom=18)
    finger.tap_at(inside)
    expect(hand.it("planner-grid")).to_be_visible()
    finger.tap_on(tool(hand, "split"))
    for corner in ((inside[0], south - 2e-5), (inside[0] + 1e-6, north + 2e-5)):
        finger.tap_at(corner)
    finger.tap_on(hand.page.locator("#confirm"))
    hand.at_version(2).clean()
    assert len(hand.grids()) == len(before) + 1


def test_a_finger_is_told_of_no_keys_and_what_it_drew_is_gone_when_it_is_finished(hand: Hand, finger: Finger) -> None:
    before = hand.grids()
    one, two = pair_of(before)
    ends = border_of(before, one, two)
    inside = inner_of(hand, one)
    hand.look_at(inside, zoom=17)
    for name in ("select", "vertices", "redraw", "split", "merge", "carve", "give", "brush", "overlay"):
        finger.tap_on(tool(hand, name))
        expect(hand.page.locator("#hint")).not_to_have_text(re.compile("Enter|Alt|Shift|Esc|Delete|双击"))
    seen = hand.page.locator("canvas.painted.leaflet-zoom-hide")
    for corner in (ends[0], ends[len(ends) // 2], inside):
        finger.tap_at(corner)
    expect(seen).to_be_visible()
    expect(hand.page.locator("#confirm")).to_have_text("完成")
    finger.tap_on(hand.page.locator("#confirm"))
    hand.confirm()
    expect(seen).to_be_hidden()


def test_two_grids_are_merged_by_taps(hand: Hand, finger: Finger) -> None:
    before = hand.grids()
    one, two = pair_of(before, without_sub_grids=True)
    both = shapely.union(*(shape_of(before[code]["geometry"]) for code in (one, two)))
    hand.look_at((both.centroid.x, both.centroid.y), zoom=18)
    finger.tap_on(tool(hand, "merge"))
    for code in (one, two):
        finger.tap_at(inner_of(hand, code))
    finger.tap_on(hand.page.locator("#confirm"))
    hand.at_version(2).clean()
    assert set(before) - set(hand.grids()) == {max(one, two)}


def test_two_fingers_zoom_and_one_moves_the_map(hand: Hand, finger: Finger) -> None:
    one, _ = pair_of(hand.grids())
    inside = inner_of(hand, one)
    hand.look_at(inside, zoom=17)
    x, y = hand.pixel(inside)
    finger.move([(x - 30, y), (x + 30, y)], [(x - 75, y), (x + 75, y)])
    hand.page.wait_for_function("map_main.getZoom() > 17.5")
    hand.page.wait_for_timeout(400)
    at = hand.pixel(inside)
    finger.move([(x, y + 60)], [(x + 70, y + 90)], steps=20)
    hand.page.wait_for_timeout(900)
    moved = hand.pixel(inside)
    assert moved[0] - at[0] > 30
    assert hand.it("planner-save-state").count() == 1
    hand.at_version(1)
