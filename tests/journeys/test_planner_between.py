"""What comes in between while the hand does something: back where it was, nothing stored, nothing dead.

A table: what the hand does × what comes in between, on the real page with a real mouse. After each of them the grids on
the screen are those of the service to the last digit, nothing was sent, and the next gesture works.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
import shapely
from playwright.sync_api import Page, Route, expect

from layers.db import transaction
from layers.ground.roads import Road
from tests.journeys.conftest import RunningCity, Watch
from tests.plan_desk import shape_of
from tests.planner_hand import Hand, Place, pair_of, simple_nodes
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"
STATE = """async () => {
  const { opened } = await import(document.querySelector("script[type=module]").src);
  const { editor } = opened;
  const { tiling, tool, gesture, sketch, store } = editor;
  const near = tiling.points.filter(({ owners }) => owners.size);
  const strayed = near.filter(({ lon, lat, x, y }) => {
    const at = map_main.project([lat, lon], 0);
    return Math.hypot(at.x - x, at.y - y) > 1e-7;
  }).length;
  const loose = [...tiling.shapes.values()].flatMap(({ polygons, feature }) =>
    polygons.flat().filter((ring, i) => ring.length !== feature.geometry.coordinates.flat()[i].length - 1)).length;
  const open = document.querySelector(".holding, .vertex.held, dialog[open]");
  const dragging = map_main.dragging.enabled() || tool.name === "brush";
  return { strayed, loose, open: Boolean(open), state: gesture.state, corners: sketch.corners.length,
    version: store.version, pending: store.pending, dragging, painted: tool.painted?.size ?? 0 };
}"""
HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
  delete document.hidden;
}"""
SECOND_FINGER = """() => document.querySelector("#map_main").dispatchEvent(new PointerEvent("pointerdown",
  { pointerId: 77, pointerType: "touch", isPrimary: false, bubbles: true, clientX: 500, clientY: 400 }))"""


def key(name: str) -> Callable[[Page], object]:
    return lambda page: page.keyboard.press(name)


def second_button(page: Page) -> None:
    page.mouse.down(button="right")
    page.mouse.up(button="right")


def resized(page: Page) -> None:
    page.set_viewport_size({"width": 1300, "height": 820})
    page.wait_for_timeout(150)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.wait_for_timeout(150)


# What may come in between, for whatever is held from press to release.
BETWEEN: Mapping[str, Callable[[Page], object]] = {
    "escape": key("Escape"),
    **{f"the key {name}": key(name) for name in "vebxmngpfo"},
    "undo": key("Control+z"),
    "redo": key("Control+y"),
    "the window loses the focus": lambda page: page.evaluate("() => dispatchEvent(new Event('blur'))"),
    "the page is hidden": lambda page: page.evaluate(HIDE),
    "a second finger": lambda page: page.evaluate(SECOND_FINGER),
    "the right button": second_button,
    "a layer": lambda page: page.evaluate("() => document.querySelector('#layers [name=sub_grids]').click()"),
    "a level": lambda page: page.evaluate("() => document.querySelector('#layers [value=sub_grid]').click()"),
    "another size": resized,
}
# What ends a drawing that is open, what takes one corner of it, and what leaves it as it is.
ENDING = {"escape", *(name for name in BETWEEN if name.startswith("the key "))}
STEPS_BACK = {"undo"}


@pytest.fixture(scope="module", autouse=True)
def streets(running: RunningCity) -> None:
    """Two streets across the city, so that the brush has blocks to paint."""
    west, south, east, north = running.city.shapes.frame.bounds
    lines = shapely.MultiLineString([[(west, south), (east, north)], [(west, (south + north) / 2), (east, south)]])
    with transaction(running.engine) as session:
        session.add(Road(district=running.city.district, geom=f"SRID=4326;{lines.wkt}"))


class Trial:
    """A draft that was edited once, and the places of one border of it on the screen."""

    def __init__(self, hand: Hand) -> None:
        self.hand, self.page = hand, hand.page
        self.before = hand.grids()
        self.one, self.two = pair_of(self.before)
        nodes = simple_nodes(self.before, self.one, self.two)
        self.node: Place = nodes[len(nodes) // 2]
        inner = shape_of(self.before[self.one]["geometry"]).representative_point()
        self.inner: Place = (inner.x, inner.y)
        hand.look_at(self.node, zoom=19)
        self.version = self.state()["version"]

    def state(self) -> Any:
        return self.page.evaluate(STATE)

    def fresh(self, tool: str) -> None:
        """The tool in the hand, the first grid alone selected, levels and layers as at the beginning."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Escape")
        self.page.evaluate("() => document.querySelector('#layers [value=grid]').click()")
        self.page.keyboard.press("v")
        self.page.mouse.click(*self.hand.pixel(self.inner))
        self.page.keyboard.press(tool)
        self.page.evaluate("() => document.activeElement.blur()")

    def is_as_before(self, what: str, *, corners: int = 0) -> None:
        self.page.wait_for_timeout(40)
        state = self.state()
        expected = {
            **{"strayed": 0, "loose": 0, "open": False, "version": self.version, "pending": 0, "dragging": True},
            **{"state": "drawing" if state["state"] == "drawing" else "idle", "painted": 0, "corners": corners},
        }
        assert state == expected, what

    def nothing_was_stored(self) -> None:
        after = self.hand.grids()
        assert json.dumps(after, sort_keys=True) == json.dumps(self.before, sort_keys=True)

    def hold_vertex(self) -> None:
        x, y = self.hand.pixel(self.node)
        self.carry((x, y))

    def hold_middle(self) -> None:
        # Midpoints are made anew after each edit, and lie below whatever is being told for the moment.
        found = self.page.wait_for_function(
            """() => [...document.querySelectorAll('[data-test="planner-midpoint"]')]
                .map((one) => one.getBoundingClientRect())
                .map(({ x, y, width }) => [x + width / 2, y + width / 2])
                .find(([x, y]) => document.elementFromPoint(x, y)?.matches(".middle"))"""
        ).json_value()
        self.carry(tuple(found))

    def stroke(self) -> None:
        self.page.wait_for_function(
            """async () => {
              const { opened } = await import(document.querySelector("script[type=module]").src);
              return opened.editor.tool.patches?.list.length > 0;
            }"""
        )
        other = shape_of(self.before[self.two]["geometry"]).representative_point()
        self.carry(self.hand.pixel((other.x, other.y)))

    def carry(self, start: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for step in range(1, 5):
            self.page.mouse.move(start[0] + 5 * step, start[1] + 4 * step)


HELD: Mapping[str, tuple[str, Callable[[Trial], None]]] = {
    "a vertex": ("e", Trial.hold_vertex),
    "a midpoint": ("e", Trial.hold_middle),
    "a stroke of the brush": ("p", Trial.stroke),
}


@pytest.fixture
def trial(running: RunningCity, visit: Visit) -> Trial:
    draft = running.new_draft()
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    # Something that an undo could take back by mistake.
    hand.edit(op="set", code=next(code for code in hand.grids() if len(code) == 15), name="改过")
    hand.at_version(2)
    return Trial(hand)


@pytest.mark.parametrize("held", HELD)
def test_what_is_held_goes_back_whatever_comes_in_between(trial: Trial, held: str) -> None:
    tool, hold = HELD[held]
    for name, come_between in BETWEEN.items():
        trial.fresh(tool)
        hold(trial)
        assert trial.state()["state"] == "holding", f"{held} before {name}"
        come_between(trial.page)
        trial.is_as_before(f"{held}, then {name}")
        trial.page.mouse.move(700, 500)
        trial.page.mouse.up()
        trial.is_as_before(f"{held}, {name}, then the release")
    trial.nothing_was_stored()
    trial.fresh("e")
    trial.hold_vertex()
    trial.page.mouse.up()
    trial.hand.at_version(3).clean()


def corners_of(trial: Trial, tool: str) -> list[Place]:
    """Two corners inside the grid or beside it: one more would make a line or an area."""
    x, y = trial.inner
    if tool == "b":
        return [trial.node, (x, y)]
    return [(x - 4e-5, y), (x + 4e-5, y + 2e-5)]


# All drawings are one machine: every line and area is tried with what ends one, takes a corner, and leaves it.
SOME = ("escape", "undo", "the key v", "a layer")


@pytest.mark.parametrize(("tool", "between"), [("x", BETWEEN), *((tool, SOME) for tool in "bngo")])
def test_a_drawing_ends_or_stays_whatever_comes_in_between(trial: Trial, tool: str, between: Iterable[str]) -> None:
    trial.fresh(tool)
    if tool == "b":
        other = shape_of(trial.before[trial.two]["geometry"]).representative_point()
        trial.hand.click((other.x, other.y))
    for name in between:
        if name == f"the key {tool}":
            continue
        if trial.state()["corners"] != 2:
            trial.fresh(tool)
            if tool == "b":
                trial.hand.click((other.x, other.y))
            trial.hand.sketch(corners_of(trial, tool), free=True)
        assert trial.state()["corners"] == 2, f"{tool} before {name}"
        BETWEEN[name](trial.page)
        left = 0 if name in ENDING else 1 if name in STEPS_BACK else 2
        trial.is_as_before(f"{tool}, then {name}", corners=left)
        if left == 1:
            trial.page.keyboard.press("Control+y")
            trial.is_as_before(f"{tool}, {name}, then redo", corners=2)
    trial.nothing_was_stored()


def test_a_refusal_that_comes_while_the_next_vertex_is_held_puts_both_back(trial: Trial, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    trial.fresh("e")
    # The edit is on its way until the next vertex is held, however long that takes here.
    on_the_way: list[Route] = []
    trial.page.route("**/edits*", lambda route: on_the_way.append(route))
    x, y = trial.hand.pixel(trial.node)
    far = trial.hand.pixel(trial.inner)
    trial.page.keyboard.down("Alt")
    trial.page.mouse.move(x, y)
    trial.page.mouse.down()
    trial.page.mouse.move(x + (far[0] - x) * 40, y + (far[1] - y) * 40, steps=3)
    trial.page.mouse.up()
    trial.page.keyboard.up("Alt")
    trial.hold_middle()
    assert trial.state()["state"] == "holding"
    until(lambda: trial.page.wait_for_timeout(20) or on_the_way)
    on_the_way[0].continue_()
    expect(trial.page.locator("#toast")).to_be_visible(timeout=10_000)
    trial.is_as_before("a midpoint, then a refusal")
    trial.page.mouse.up()
    trial.is_as_before("a midpoint, a refusal, then the release")
    trial.nothing_was_stored()


def test_an_edit_of_somebody_else_leaves_what_is_held_and_escape_gives_it_up(trial: Trial) -> None:
    away = next(code for code in trial.before if len(code) == 15 and code[:12] != trial.one[:12])
    trial.fresh("e")
    trial.hold_vertex()
    with trial.hand.running.api("reviewer") as client:
        address = f"/api/v1/plans/{trial.hand.plan}"
        body = {"op": "set", "code": away, "name": "别处"}
        answer = client.post(f"{address}/edits", json=body, headers={"if-match": f'"{trial.version}"'})
        assert answer.status_code == 200, answer.text
    trial.page.wait_for_timeout(700)
    assert trial.state()["state"] == "holding"
    trial.page.keyboard.press("Escape")
    trial.page.mouse.up()
    trial.hand.at_version(3)
    trial.version = 3
    trial.is_as_before("a vertex, an edit of somebody else, then escape")
    shapes = {code: one["geometry"] for code, one in trial.hand.grids().items()}
    assert shapes == {code: one["geometry"] for code, one in trial.before.items()}


def test_the_delete_key_and_arrows_mean_nothing_while_a_vertex_is_held(trial: Trial) -> None:
    trial.fresh("e")
    trial.hold_vertex()
    for name in ("Delete", "ArrowLeft", "Enter"):
        trial.page.keyboard.press(name)
    trial.page.keyboard.press("Escape")
    trial.page.mouse.up()
    trial.is_as_before("a vertex, keys, then escape")
    trial.nothing_was_stored()
