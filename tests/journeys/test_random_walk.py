"""A random walk of edits with a real mouse and real keys, undo, redo and reload mixed in.

It ends in a valid tiling, and what the browser holds is what the service holds, number for number. Sixty steps where
nothing else is said; `WANGGE_WALK_STEPS=500 WANGGE_WALK_SEED=7` for a long one.
"""

from __future__ import annotations

import collections
import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import shapely
from playwright.sync_api import Page

from gis_api.maps.assets import build_own_url
from layers.db import transaction
from layers.ground.roads import Road
from layers.planning.state.loading import load_board
from layers.plans import Plan
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.plan_desk import checked_afresh
from tiling.coverage import check

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
Spot = tuple[float, float]
STEPS = int(os.environ.get("WANGGE_WALK_STEPS", "60"))
SEED = int(os.environ.get("WANGGE_WALK_SEED", "20261122"))
FEWEST_GRIDS, MOST_GRIDS = 14, 34
# Refusals are part of the walk.
REFUSED = tuple(f"the server responded with a status of {status}" for status in (404, 409, 412, 422))
# Where every grid lies on the page: its box and a place inside it.
GRIDS = """async (main) => {
  const { opened } = await import(main);
  const { labelOf } = await import(main.replace("bundles/planner/main.js", "js/model/geometry.js"));
  const { tiling } = opened.editor;
  const box = map_main.getContainer().getBoundingClientRect();
  const scale = 2 ** map_main.getZoom();
  const origin = map_main.getPixelOrigin().add(map_main.containerPointToLayerPoint([0, 0]));
  const put = (x, y) => [box.left + x * scale - origin.x, box.top + y * scale - origin.y];
  return tiling.ofLevel("grid").map((shape) => {
    const { x, y } = labelOf(tiling, shape);
    const [left, top, right, bottom] = shape.box;
    return { code: shape.code, inside: put(x, y), low: put(left, top), high: put(right, bottom) };
  });
}"""
BUSY = """async (main) => {
  const { opened } = await import(main);
  const { store } = opened.editor;
  return store.pending > 0 || store.heardUpTo > store.version || store.report?.version !== store.version;
}"""
HELD = """async (main) => {
  const { opened } = await import(main);
  const { tiling } = opened.editor;
  const place = (id) => [tiling.points[id].lon, tiling.points[id].lat];
  const closed = (ring) => [...ring, ring[0]].map(place);
  const whole = ({ polygons }) => polygons.map((polygon) => polygon.map(closed));
  const shapes = [...tiling.shapes.values()].map((shape) => [shape.code, whole(shape)]);
  const { version, report } = opened.editor.store;
  const ids = report?.defects.map(({ id }) => id).sort();
  return { version, shapes: Object.fromEntries(shapes), report: { version: report?.version, ids } };
}"""
ARCS = """async (main) => {
  const { opened } = await import(main);
  const { allArcs } = await import(main.replace("bundles/planner/main.js", "js/model/arcs.js"));
  const { tiling } = opened.editor;
  const named = ({ points, rank, owners }) => {
    const run = points[0] > points.at(-1) ? [...points].reverse() : points;
    return [rank, [...owners].sort().join(), points[0] === points.at(-1) ? "ring" : run.join()].join(" ");
  };
  return [tiling.arcs.map(named).sort(), allArcs(tiling).map(named).sort()];
}"""


@dataclass
class Walk:
    """One page and what has been done on it."""

    page: Page
    main: str
    rng: random.Random
    done: collections.Counter[str] = field(default_factory=collections.Counter)

    def grids(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate(GRIDS, self.main)
        return sorted(found, key=lambda one: one["code"])

    def version(self) -> int:
        return int(self.page.evaluate(HELD, self.main)["version"])

    def settle(self) -> None:
        until = time.monotonic() + 30
        while self.page.evaluate(BUSY, self.main):
            assert time.monotonic() < until, "the page never came to rest"
            self.page.wait_for_timeout(20)

    def step(self) -> None:
        """One thing that a planner does, chosen by chance."""
        grids = self.grids()
        weights = dict(WEIGHTS)
        if len(grids) <= FEWEST_GRIDS:
            weights["merge"] = 0
        if len(grids) >= MOST_GRIDS:
            weights["split"] = weights["carve"] = 0
        name = self.rng.choices(list(weights), list(weights.values()))[0]
        before = self.version()
        DEEDS[name](self, grids)
        self.page.wait_for_timeout(30)
        self.settle()
        self.done[name if self.version() > before else f"{name}, refused or idle"] += 1

    def select(self, spot: Spot, *, tool: str) -> None:
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("v")
        self.page.mouse.click(*spot)
        self.page.keyboard.press(tool)

    def handles(self, kind: str) -> list[Spot]:
        boxes = self.page.evaluate(
            """(kind) => [...document.querySelectorAll(kind)].map((one) => {
                const { left, top, width, height } = one.getBoundingClientRect();
                return [left + width / 2, top + height / 2];
            })""",
            kind,
        )
        return [(x, y) for x, y in boxes]

    def drag(self, start: Spot, by: Spot) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for share in (0.3, 0.7, 1.0):
            self.page.mouse.move(start[0] + by[0] * share, start[1] + by[1] * share)
        self.page.mouse.up()

    def draw(self, corners: list[Spot]) -> None:
        """Click the corners and end with Enter; a name that is asked for stays empty."""
        for corner in corners:
            self.page.mouse.move(*corner)
            self.page.mouse.click(*corner)
            self.page.wait_for_timeout(320)  # no double click
        self.page.keyboard.press("Enter")
        dialog = self.page.locator('[data-test="dialog"] button.main')
        if dialog.count():
            dialog.click()

    def away(self, most: float) -> Spot:
        return self.rng.uniform(-most, most), self.rng.uniform(-most, most)


def vertex(walk: Walk, grids: list[dict[str, Any]], *, kind: str) -> Spot | None:
    walk.select(walk.rng.choice(grids)["inside"], tool="e")
    spots = walk.handles(kind)
    return walk.rng.choice(sorted(spots)) if spots else None


def move(walk: Walk, grids: list[dict[str, Any]]) -> None:
    spot = vertex(walk, grids, kind='[data-test="planner-vertex"]:not(.fixed)')
    if spot:
        walk.drag(spot, walk.away(14))


def insert(walk: Walk, grids: list[dict[str, Any]]) -> None:
    spot = vertex(walk, grids, kind='[data-test="planner-midpoint"]')
    if spot:
        walk.drag(spot, walk.away(8))


def erase(walk: Walk, grids: list[dict[str, Any]]) -> None:
    spot = vertex(walk, grids, kind='[data-test="planner-vertex"]:not(.fixed)')
    if spot:
        walk.page.mouse.click(*spot, button="right")


def split(walk: Walk, grids: list[dict[str, Any]]) -> None:
    one = walk.rng.choice(grids)
    (left, top), (right, bottom) = one["low"], one["high"]
    (x, y), slant = one["inside"], walk.rng.uniform(-10, 10)
    walk.select(one["inside"], tool="x")
    ends = (
        ((x + slant, top - 6), (x - slant, bottom + 6))
        if right - left > bottom - top
        else (
            (left - 6, y + slant),
            (right + 6, y - slant),
        )
    )
    walk.draw(list(ends))


def about(walk: Walk, one: dict[str, Any], *shares: float) -> list[Spot]:
    """The corners of a small quadrangle, by chance so far from the middle of a grid towards its eastern end."""
    (x, y), (right, _) = one["inside"], one["high"]
    (dx, dy), middle = walk.away(6), x + (right - x) * walk.rng.choice(shares)
    return [(middle + sx * 11 + dx, y + sy * 9 + dy) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]


def carve(walk: Walk, grids: list[dict[str, Any]]) -> None:
    walk.select(walk.rng.choice(grids)["inside"], tool="n")
    walk.draw(about(walk, walk.rng.choice(grids), 0.0, 0.5, 1.0))


def give(walk: Walk, grids: list[dict[str, Any]]) -> None:
    one = walk.rng.choice(grids)
    walk.select(one["inside"], tool="g")
    walk.draw(about(walk, one, 0.8, 0.95, 1.1))


def overlay(walk: Walk, grids: list[dict[str, Any]]) -> None:
    walk.select(walk.rng.choice(grids)["inside"], tool="o")
    walk.draw(about(walk, walk.rng.choice(grids), 0.0, 0.5, 1.0))


def merge(walk: Walk, grids: list[dict[str, Any]]) -> None:
    one = walk.rng.choice(grids)
    others = [other for other in grids if other is not one and other["code"][:12] == one["code"][:12]]
    if not others:
        return
    (x, y) = one["inside"]
    near = min(others, key=lambda other: abs(other["inside"][0] - x) + abs(other["inside"][1] - y))
    walk.select(one["inside"], tool="m")
    walk.page.mouse.click(*near["inside"])
    walk.page.keyboard.press("Enter")


def paint(walk: Walk, grids: list[dict[str, Any]]) -> None:
    one = walk.rng.choice(grids)
    walk.select(one["inside"], tool="p")
    walk.page.wait_for_timeout(250)  # the patches arrive
    (x, y), (right, bottom) = one["inside"], one["high"]
    end = (right + 12, y) if walk.rng.random() < 0.5 else (x, bottom + 12)
    walk.drag(end, (4, 4))


def undo(walk: Walk, grids: list[dict[str, Any]]) -> None:
    walk.page.keyboard.press("Control+z")


def redo(walk: Walk, grids: list[dict[str, Any]]) -> None:
    walk.page.keyboard.press("Control+y")


def reload(walk: Walk, grids: list[dict[str, Any]]) -> None:
    walk.page.reload()
    walk.page.wait_for_selector(READY)


DEEDS: dict[str, Callable[[Walk, list[dict[str, Any]]], None]] = {
    "move": move,
    "insert": insert,
    "erase": erase,
    "split": split,
    "merge": merge,
    "carve": carve,
    "give": give,
    "overlay": overlay,
    "paint": paint,
    "undo": undo,
    "redo": redo,
    "reload": reload,
}
WEIGHTS = {"move": 6, "insert": 4, "erase": 3, "split": 3, "merge": 3, "carve": 1, "give": 1.5, "overlay": 0.3}
WEIGHTS |= {"paint": 3, "undo": 3, "redo": 2, "reload": 0.4}


def stored(running: RunningCity, plan: str) -> dict[str, Any]:
    with running.api("planner") as client:
        features = client.get(f"/api/v1/plans/{plan}/grids").json()["features"]
        version = client.get(f"/api/v1/plans/{plan}").json()["version"]
    report = checked_afresh(running.engine, plan)
    ids = sorted(defect["id"] for defect in report["defects"])
    return {"version": version, "ids": ids, "shapes": {one["id"]: one["geometry"]["coordinates"] for one in features}}


def compare(running: RunningCity, walk: Walk, plan: str) -> None:
    held, there = walk.page.evaluate(HELD, walk.main), stored(running, plan)
    assert held["version"] == there["version"]
    assert sorted(held["shapes"]) == sorted(there["shapes"])
    for code, coordinates in there["shapes"].items():
        assert json.dumps(held["shapes"][code]) == json.dumps(coordinates), code
    assert held["report"] == {"version": there["version"], "ids": there["ids"]}
    drawn, whole = walk.page.evaluate(ARCS, walk.main)
    assert drawn == whole, "borders that were cut anew are not those of the whole"


@pytest.fixture
def streets(running: RunningCity) -> None:
    """Two streets that cross the city aslant, so that the brush has blocks to paint."""
    west, south, east, north = running.city.shapes.frame.bounds
    lines = shapely.MultiLineString([[(west, south), (east, north)], [(west, (south + north) / 2), (east, south)]])
    with transaction(running.engine) as session:
        session.add(Road(district=running.city.district, geom=f"SRID=4326;{lines.wkt}"))


@pytest.mark.usefixtures("streets")
def test_a_walk_ends_in_a_valid_tiling_that_is_the_servers(running: RunningCity, visit: Visit, watch: Watch) -> None:
    watch.expected = REFUSED
    plan = running.new_draft()
    page = visit("planner", f"/planner?plan={plan}")
    walk = Walk(page, build_own_url("bundles/planner/main.js"), random.Random(SEED))
    for step in range(1, STEPS + 1):
        walk.step()
        if step % 20 == 0 or step == STEPS:
            compare(running, walk, plan)
    with transaction(running.engine) as session:
        board = load_board(session, session.get_one(Plan, int(plan)))
    report = check(board.partition)
    assert report.ok, report.lines()[:5]
    made = {name: count for name, count in walk.done.items() if "," not in name}
    print(f"seed {SEED}, {STEPS} steps: {dict(sorted(walk.done.items()))}")
    assert sum(made.values()) > STEPS / 3
    assert len(made) >= 5
