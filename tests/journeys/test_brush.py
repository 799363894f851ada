"""A planner paints blocks and buildings with the brush on the real page; each stroke is one edit of a valid plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
import shapely
from playwright.sync_api import Error, Page, Route, expect
from sqlalchemy import delete

from layers.buildings import Building
from layers.db import transaction
from layers.ground.roads import Road
from tests.journeys.conftest import RunningCity, Watch
from tests.plan_desk import shape_of
from tests.small_city import stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
Place = tuple[float, float]
REFUSED = "console: Failed to load resource: the server responded with a status of 422"


@pytest.fixture(autouse=True)
def ground(running: RunningCity) -> Iterator[None]:
    """Roads across the city, and two houses side by side in every finest tile."""
    west, south, east, north = running.city.shapes.frame.bounds
    heights = [south + (north - south) * share for share in (0.12, 0.37, 0.62, 0.87)]
    roads = shapely.MultiLineString([[(west, height), (east, height + 1e-4)] for height in heights])
    district = running.city.district
    with transaction(running.engine) as session:
        session.add(Road(district=district, name="新华道", geom=f"SRID=4326;{roads.wkt}"))
        for at, tile in enumerate(running.city.shapes.polygons):
            middle = tile.representative_point()
            for side in (-6e-5, 6e-5):
                place = shapely.Point(middle.x + side, middle.y)
                session.add(
                    Building(
                        district=district,
                        name=f"{at}{'甲' if side < 0 else '乙'}楼",
                        households=5,
                        geom=stored(place.buffer(3e-5, quad_segs=2)),
                        inner_point=f"SRID=4326;{place.wkt}",
                    )
                )
    yield
    with transaction(running.engine) as session:
        session.execute(delete(Building))
        session.execute(delete(Road))


@pytest.fixture
def draft(running: RunningCity) -> str:
    return running.new_draft()


def asked(running: RunningCity, path: str, **asked: str) -> Any:
    with running.api("planner") as client:
        answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def grids(running: RunningCity, plan: str) -> dict[str, Any]:
    features = asked(running, f"/api/v1/plans/{plan}/grids", level="grid")["features"]
    return {feature["id"]: feature for feature in features}


def patches(running: RunningCity, plan: str, by: str) -> list[dict[str, Any]]:
    box = ",".join(str(side) for side in running.city.shapes.frame.bounds)
    found: list[dict[str, Any]] = asked(running, f"/api/v1/plans/{plan}/blocks", bbox=box, by=by)["features"]
    return found


def on_screen(page: Page, place: shapely.Point) -> Place:
    """Where a position lies on the page."""
    x, y = page.evaluate(
        """([lon, lat]) => {
            const at = map_main.latLngToContainerPoint([lat, lon]);
            const box = map_main.getContainer().getBoundingClientRect();
            return [box.left + at.x, box.top + at.y];
        }""",
        [place.x, place.y],
    )
    return x, y


def beside(running: RunningCity, plan: str, by: str) -> tuple[str, dict[str, Any]]:
    """A grid, and a patch of another grid of its community that lies along it and is not the whole of that grid."""
    shapes = {code: shape_of(one["geometry"]) for code, one in grids(running, plan).items()}
    found = patches(running, plan, by)
    many = [one for one in found if sum(o["properties"]["grid"] == one["properties"]["grid"] for o in found) > 3]
    for patch in many:
        owner, shape = patch["properties"]["grid"], shape_of(patch["geometry"])
        for code, other in shapes.items():
            if code != owner and code[:12] == owner[:12] and other.intersection(shape).length > 1e-4:
                return code, patch
    raise AssertionError("no patch beside a grid")


def with_brush(page: Page, code: str, *, by: str) -> None:
    """Go to a grid by its code and take the brush for it."""
    page.keyboard.press("/")
    page.keyboard.type(code)
    page.locator(f'[data-test="search-result"][data-code="{code}"]').first.click()
    page.wait_for_timeout(700)  # the map is under way
    with page.expect_response(lambda answer: f"blocks?by={by}" in answer.url):
        page.keyboard.press("p")
        if by != "block":
            # The label is what a hand hits: its click waits until the switch lies still and nothing lies over it.
            page.locator(f'[data-test="planner-brush"] label:has(input[value="{by}"])').click()


def stroke(page: Page, *places: Place) -> None:
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)


@pytest.mark.parametrize("by", ["block", "building"])
def test_a_stroke_gives_a_patch_to_the_grid_in_one_edit(
    running: RunningCity, visit: Visit, draft: str, by: str
) -> None:
    code, patch = beside(running, draft, by)
    before, shape = grids(running, draft), shape_of(patch["geometry"])
    page = visit("planner", f"/planner?plan={draft}")
    with_brush(page, code, by=by)
    place = on_screen(page, shape.representative_point())
    stroke(page, place, (place[0] + 1, place[1]))
    expect(page.locator("#tip")).to_contain_text("→")
    told = page.locator(f'[data-test="planner-households"] [data-code="{code}"]')
    expect(told).to_have_attribute("data-area", re.compile(r"\d"))
    foreseen = [float(told.get_attribute(f"data-{name}") or -1) for name in ("after", "buildings", "area")]
    page.mouse.up()
    expect(page.locator("#plan-state")).to_contain_text("第 2 版")
    after = grids(running, draft)
    gains = [before[code]["properties"][name] + patch["properties"][name] for name in ("households", "buildings")]
    assert foreseen == pytest.approx([*gains, after[code]["properties"]["area_m2"]], rel=1e-3)
    gained = shape_of(after[code]["geometry"]).area - shape_of(before[code]["geometry"]).area
    assert gained == pytest.approx(shape.area, rel=0.01)
    assert asked(running, f"/api/v1/plans/{draft}/coverage")["summary"]["by_kind"].keys() <= {
        "cut_building",
        "households_out_of_range",
    }
    page.keyboard.press("Control+z")
    expect(page.locator("#plan-state")).to_contain_text("第 3 版")
    assert {c: g["geometry"] for c, g in grids(running, draft).items()} == {c: g["geometry"] for c, g in before.items()}


def test_escape_gives_a_stroke_up_and_the_tip_tells_what_it_would_do(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    code, patch = beside(running, draft, "block")
    page = visit("planner", f"/planner?plan={draft}")
    with_brush(page, code, by="block")
    place = on_screen(page, shape_of(patch["geometry"]).representative_point())
    stroke(page, place, (place[0] + 1, place[1]))
    expect(page.locator("#tip")).to_contain_text("已涂 1 个街区")
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(page.locator("#tip")).to_be_hidden()
    page.wait_for_timeout(300)
    assert asked(running, f"/api/v1/plans/{draft}")["version"] == 1


def test_ground_of_another_community_is_not_painted(running: RunningCity, visit: Visit, draft: str) -> None:
    shapes = {code: shape_of(one["geometry"]) for code, one in grids(running, draft).items()}
    code, other = next(
        (code, other)
        for code, shape in shapes.items()
        for other, there in shapes.items()
        if code[:12] != other[:12] and shape.distance(there) == 0
    )
    page = visit("planner", f"/planner?plan={draft}")
    with_brush(page, code, by="block")
    page.mouse.move(*on_screen(page, shapes[other].representative_point()))
    expect(page.locator("#tip")).to_contain_text("其他社区")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(300)
    assert asked(running, f"/api/v1/plans/{draft}")["version"] == 1


def test_a_refused_stroke_springs_back_and_says_why(
    running: RunningCity, visit: Visit, watch: Watch, draft: str
) -> None:
    watch.expected = (REFUSED,)
    shapes = {code: shape_of(one["geometry"]) for code, one in grids(running, draft).items()}
    code, far = next(
        (code, other)
        for code, shape in shapes.items()
        for other, there in shapes.items()
        if code[:12] == other[:12] and shape.distance(there) > 1e-4
    )
    page = visit("planner", f"/planner?plan={draft}")
    with_brush(page, code, by="building")
    page.locator(".leaflet-control-zoom-out").click()
    page.wait_for_timeout(900)
    place = on_screen(page, shapes[far].representative_point())
    stroke(page, place, (place[0] + 1, place[1]))
    page.mouse.up()
    expect(page.locator("#toast")).to_be_visible()
    assert asked(running, f"/api/v1/plans/{draft}")["version"] == 1


def at_grid(page: Page, code: str) -> None:
    """Go to a grid by its code, which selects it."""
    page.keyboard.press("/")
    page.keyboard.type(code)
    page.locator(f'[data-test="search-result"][data-code="{code}"]').first.click()
    page.wait_for_timeout(700)  # the map is under way


def gain(running: RunningCity, plan: str, code: str, before: dict[str, Any]) -> float:
    """How much larger a grid has become, in square degrees."""
    now, then = (shape_of(found[code]["geometry"]).area for found in (grids(running, plan), before))
    return float(now - then)


def at_version(page: Page, version: int) -> None:
    expect(page.locator("#plan-state")).to_contain_text(f"第 {version} 版", timeout=25_000)


@pytest.mark.parametrize("trouble", ["no line", "no database"])
def test_a_stroke_over_blocks_that_cannot_be_had_is_kept_and_done_when_they_can(
    running: RunningCity, visit: Visit, watch: Watch, draft: str, trouble: str
) -> None:
    """Neither the brush nor the place has to be at hand by then."""
    watch.expected = ("net::ERR", "status of 503")
    code, patch = beside(running, draft, "block")
    before, shape = grids(running, draft), shape_of(patch["geometry"])
    page = visit("planner", f"/planner?plan={draft}")
    at_grid(page, code)
    away = (lambda r: r.abort()) if trouble == "no line" else (lambda r: r.fulfill(status=503, body="{}"))
    page.route("**/blocks?*", away)
    page.keyboard.press("p")
    place = on_screen(page, shape.representative_point())
    stroke(page, place, (place[0] + 1, place[1]))
    page.mouse.up()
    expect(page.locator("#toast")).to_contain_text("已记下")
    page.keyboard.press("v")
    page.locator(".leaflet-control-zoom-out").click()
    assert asked(running, f"/api/v1/plans/{draft}")["version"] == 1
    page.unroute("**/blocks?*")
    at_version(page, 2)
    assert gain(running, draft, code, before) == pytest.approx(shape.area, rel=0.01)


def test_strokes_that_wait_go_to_whom_they_were_painted_for_and_can_be_taken_back(
    running: RunningCity, visit: Visit, draft: str
) -> None:
    code, patch = beside(running, draft, "block")
    before, shape = grids(running, draft), shape_of(patch["geometry"])
    page = visit("planner", f"/planner?plan={draft}")
    at_grid(page, code)
    held: list[Route] = []
    page.route("**/blocks?*", lambda route: held.append(route))
    page.keyboard.press("p")
    place = on_screen(page, shape.representative_point())

    def paint(there: Place) -> None:
        stroke(page, there, (there[0] + 1, there[1]))
        page.mouse.up()

    def let_through() -> None:
        for route in held:
            with suppress(Error):  # the page has given that request up
                route.continue_()
        page.unroute("**/blocks?*")

    paint(place)
    paint((place[0], place[1] + 2))
    page.keyboard.press("Control+z")
    # Another grid is selected now; the stroke was for the one before.
    other = next(one for one in before if len(one) == 15 and one not in (code, patch["properties"]["grid"]))
    page.keyboard.press("v")
    at_grid(page, other)
    let_through()
    at_version(page, 2)
    assert gain(running, draft, code, before) == pytest.approx(shape.area, rel=0.01)
    assert gain(running, draft, other, before) == 0

    at_grid(page, patch["properties"]["grid"])
    held.clear()
    page.route("**/blocks?*", lambda route: held.append(route))
    page.keyboard.press("p")
    back = on_screen(page, shape.representative_point())
    paint(back)
    page.keyboard.press("Escape")
    let_through()
    # Given up: the next stroke is the next version, and the only one.
    at_grid(page, patch["properties"]["grid"])
    paint(on_screen(page, shape.representative_point()))
    at_version(page, 3)
    assert gain(running, draft, code, before) < shape.area / 2, "and it went back"
