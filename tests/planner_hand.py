"""A planner's hand on the page, for journeys: places in degrees become places on the screen; what follows is checked.

hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
hand.tool("x").choose(code).draw([(lon, lat), (lon, lat)])
hand.at_version(2).clean()
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import shapely
from playwright.sync_api import Locator, Page, expect

from tests.plan_desk import checked_afresh, defects_of, shape_of

if TYPE_CHECKING:
    from tests.journeys.conftest import RunningCity

Place = tuple[float, float]
PIXEL = """([lon, lat]) => {
  const map = window[JSON.parse(document.getElementById("config").textContent).map];
  const place = map.latLngToContainerPoint([lat, lon]);
  const box = map.getContainer().getBoundingClientRect();
  return [box.left + place.x, box.top + place.y];
}"""
SHOW = """([lon, lat, zoom]) => {
  const map = window[JSON.parse(document.getElementById("config").textContent).map];
  map.setView([lat, lon], zoom, { animate: false });
}"""
MARKS = """async () => {
  const { opened } = await import(document.querySelector("script[type=module]").src);
  return opened.editor.marks.filter(({ geometry }) => geometry?.coordinates?.length).map(({ name }) => name);
}"""
# Longer than two clicks of a double click may lie apart.
APART_MS = 320


class Hand:
    """One page of the planner with its draft."""

    def __init__(self, page: Page, running: RunningCity, plan: str) -> None:
        self.page, self.running, self.plan = page, running, plan

    def it(self, name: str) -> Locator:
        return self.page.locator(f'[data-test="{name}"]')

    def grids(self) -> dict[str, Any]:
        """What the service stores: features by code."""
        with self.running.api("planner") as client:
            found = client.get(f"/api/v1/plans/{self.plan}/grids").json()["features"]
        return {feature["properties"]["code"]: feature for feature in found}

    def report(self) -> Any:
        with self.running.api("planner") as client:
            return client.get(f"/api/v1/plans/{self.plan}/coverage").json()

    def edit(self, **operation: Any) -> None:
        """An edit that does not come from this page's mouse; for preparing a plan before it is opened."""
        with self.running.api("planner") as client:
            version = client.get(f"/api/v1/plans/{self.plan}").headers["etag"]
            answer = client.post(f"/api/v1/plans/{self.plan}/edits", json=operation, headers={"if-match": version})
        assert answer.status_code == 200, answer.text

    # Looking

    def look_at(self, place: Place, *, zoom: float = 18) -> Hand:
        self.page.evaluate(SHOW, [*place, zoom])
        self.page.wait_for_timeout(250)
        return self

    def pixel(self, place: Place) -> Place:
        x, y = self.page.evaluate(PIXEL, list(place))
        return x, y

    # Doing

    def tool(self, key: str) -> Hand:
        self.page.keyboard.press(key)
        return self

    def click(self, place: Place) -> Hand:
        """A click that is no half of a double click."""
        x, y = self.pixel(place)
        self.page.mouse.move(x, y)
        self.page.mouse.click(x, y)
        self.page.wait_for_timeout(APART_MS)
        return self

    def choose(self, *codes: str) -> Hand:
        grids = self.grids()
        for code in codes:
            inner = shape_of(grids[code]["geometry"]).representative_point()
            self.click((inner.x, inner.y))
        return self

    def draw(self, corners: Iterable[Place], *, free: bool = False) -> Hand:
        """Click the corners and end with Enter; `free` holds Alt, so that nothing is snapped to."""
        return self.sketch(corners, free=free).end()

    def sketch(self, corners: Iterable[Place], *, free: bool = False) -> Hand:
        """Click the corners and leave the drawing open."""
        if free:
            self.page.keyboard.down("Alt")
        for corner in corners:
            self.click(corner)
        if free:
            self.page.keyboard.up("Alt")
        return self

    def end(self) -> Hand:
        self.page.keyboard.press("Enter")
        return self

    def lift(self, start: Place, end: Place, *, steps: int = 8) -> Hand:
        """Take what lies at a place and carry it to another one, without letting go."""
        (x0, y0), (x1, y1) = self.pixel(start), self.pixel(end)
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        for step in range(1, steps + 1):
            self.page.mouse.move(x0 + (x1 - x0) * step / steps, y0 + (y1 - y0) * step / steps)
        return self

    def drop(self) -> Hand:
        self.page.mouse.up()
        return self

    def drag(self, start: Place, end: Place) -> Hand:
        return self.lift(start, end).drop()

    def confirm(self) -> Hand:
        self.it("dialog").locator("button.main").click()
        return self

    def foreseen(self) -> dict[str, int]:
        """The households that the panel says each grid would have; the new grid's under an empty code."""
        self.page.wait_for_timeout(120)
        bars = self.it("planner-households").locator("[data-after]").all()
        return {bar.get_attribute("data-code") or "": int(bar.get_attribute("data-after") or -1) for bar in bars}

    def foreseen_sizes(self) -> dict[str, tuple[int, float]]:
        """The buildings and the area in m² that the panel says each grid would have; the new grid's under ''."""
        self.page.wait_for_timeout(120)
        rows = (
            self.it("planner-households")
            .locator("[data-after]")
            .evaluate_all("rows => rows.map(({ dataset: d }) => [d.code, [Number(d.buildings), Number(d.area)]])")
        )
        return {code: (buildings, area_m2) for code, (buildings, area_m2) in rows}

    def marked(self) -> list[str]:
        """The colours of the places that are marked on the map."""
        return list(self.page.evaluate(MARKS))

    # Checking

    def at_version(self, version: int) -> Hand:
        expect(self.page.locator("#plan-state")).to_contain_text(re.compile(rf"第 {version} 版"), timeout=15_000)
        return self

    def clean(self) -> Hand:
        """The plan has no errors, and the report kept edit by edit is that of a full check."""
        kept, afresh = self.report(), checked_afresh(self.running.engine, self.plan)
        assert kept["ok"] and afresh["ok"], afresh["defects"]
        assert defects_of(kept) == defects_of(afresh)
        return self

    def refused(self, words: str | None = None) -> Hand:
        toast = self.page.locator("#toast")
        expect(toast).to_be_visible()
        if words is not None:
            expect(toast).to_contain_text(words)
        return self


def shapes_of(grids: dict[str, Any]) -> dict[str, shapely.Geometry]:
    return {code: shape_of(feature["geometry"]) for code, feature in grids.items()}


def pair_of(grids: dict[str, Any], *, without_sub_grids: bool = False) -> tuple[str, str]:
    """Two grids of one community that share the longest border."""
    shapes = {code: shape for code, shape in shapes_of(grids).items() if len(code) == 15}
    if without_sub_grids:
        shapes = {code: shape for code, shape in shapes.items() if f"{code}01" not in grids}
    pairs = [(one, two) for one in shapes for two in shapes if one < two and one[:12] == two[:12]]
    return max(pairs, key=lambda pair: shapes[pair[0]].intersection(shapes[pair[1]]).length)


def border_of(grids: dict[str, Any], one: str, two: str) -> list[Place]:
    """The vertices of a shared border in order."""
    shared = shapely.line_merge(shape_of(grids[one]["geometry"]).intersection(shape_of(grids[two]["geometry"])))
    longest = max(shapely.get_parts(shared), key=lambda part: part.length)
    return [(x, y) for x, y in shapely.get_coordinates(longest).tolist()]


def simple_nodes(grids: dict[str, Any], one: str, two: str) -> list[Place]:
    """The vertices of a shared border in which no sub-grid's border ends: they can be taken out."""
    tiles = [code for code in grids if len(code) == 17 or f"{code}01" not in grids]
    seen: dict[Place, int] = {}
    for code in tiles:
        for place in {tuple(xy) for xy in shapely.get_coordinates(shape_of(grids[code]["geometry"])).tolist()}:
            seen[place] = seen.get(place, 0) + 1
    return [place for place in border_of(grids, one, two) if seen[place] == 2]


def square(centre: Place, side: float) -> list[Place]:
    """The corners of a square in degrees of latitude, as wide as it is high to the eye."""
    (lon, lat), dx, dy = centre, side * 1.3 / 2, side / 2
    return [(lon - dx, lat - dy), (lon + dx, lat - dy), (lon + dx, lat + dy), (lon - dx, lat + dy)]


def polygon(corners: list[Place]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(corner) for corner in [*corners, corners[0]]]]}
