"""The search box in a real browser: keys, pointer, nothing found, an answer that fails, a small screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete

from layers.buildings import Building
from layers.db import transaction
from tests.journeys.conftest import RunningCity, Watch
from tests.small_city import stored

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
RESULT = '[data-test="search-result"]'
RING = '[data-test="found-ring"]'


@pytest.fixture
def house(running: RunningCity) -> Iterator[str]:
    """A house with a name that is markup, in the first grid."""
    code = min(running.city.codes)
    point = running.city.shapes.polygons[running.city.codes.index(code)].representative_point()
    shape = stored(point.buffer(5e-5, quad_segs=2))
    with transaction(running.engine) as session:
        session.add(
            Building(
                district=running.city.district,
                name="<b>滨河</b>8号楼",
                address="友谊路6号",
                geom=shape,
                inner_point=f"SRID=4326;{point.wkt}",
            )
        )
    yield code[:15]
    with transaction(running.engine) as session:
        session.execute(delete(Building))


def looked_up(page: Page, words: str) -> None:
    page.keyboard.press("/")
    expect(page.locator('[data-test="search"]')).to_be_focused()
    page.keyboard.type(words)


def test_typing_and_enter_go_to_a_building_and_select_its_grid(running: RunningCity, visit: Visit, house: str) -> None:
    page = visit("planner", f"/planner?plan={running.new_draft()}")
    looked_up(page, "滨河")
    expect(page.locator(RESULT)).to_have_count(1)
    expect(page.locator(RESULT)).to_contain_text("<b>滨河</b>8号楼")
    expect(page.locator(RESULT)).to_contain_text("友谊路6号 · 高新区")
    page.keyboard.press("Enter")
    expect(page.locator(RING)).to_be_visible()
    page.wait_for_timeout(700)  # the map is under way
    (ring, stage) = (page.locator(where).bounding_box() for where in (RING, "#map_main"))
    assert ring
    assert stage
    assert ring["x"] + ring["width"] / 2 == pytest.approx(stage["x"] + stage["width"] / 2, abs=3)
    assert ring["y"] + ring["height"] / 2 == pytest.approx(stage["y"] + stage["height"] / 2, abs=3)
    page.keyboard.press("e")
    short = f"{house[9:12]}-{house[12:]}"
    expect(page.locator(f'[data-test="planner-vertex"][aria-label*="{short}"]').first).to_be_attached()


def test_arrows_move_through_the_list_and_escape_closes_it(running: RunningCity, visit: Visit) -> None:
    page = visit("planner", f"/planner?plan={running.new_draft()}")
    page.keyboard.press("Control+k")
    box = page.locator('[data-test="search"]')
    box.type("130273001001")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    second = page.locator(RESULT).nth(1)
    expect(second).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", str(second.get_attribute("id")))
    page.keyboard.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("")


def test_a_chosen_grid_is_selected_and_letters_in_the_box_are_no_tools(running: RunningCity, visit: Visit) -> None:
    page = visit("planner", f"/planner?plan={running.new_draft()}")
    looked_up(page, "x 130273")
    expect(page.locator('[data-tool="select"]')).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")
    looked_up(page, max(code[:15] for code in running.city.codes))
    page.locator(RESULT).first.click()
    expect(page.locator(RING)).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator('[data-test="planner-vertex"]').first).to_be_visible()


def test_nothing_found_and_a_failing_answer_say_what_to_do(running: RunningCity, visit: Visit, watch: Watch) -> None:
    watch.expected = ("status of 503",)
    page = visit("planner", f"/planner?plan={running.new_draft()}")
    looked_up(page, "没有这个地方")
    said = page.locator('[data-test="search-said"]')
    expect(said).to_contain_text("没有找到“没有这个地方”")
    page.route("**/api/v1/search?*", lambda route: route.fulfill(status=503, json={"detail": "稍后再试"}))
    page.keyboard.type("吗")
    expect(said).to_contain_text("稍后再试")
    page.unroute("**/api/v1/search?*")
    said.get_by_role("button").click()
    expect(said).to_contain_text("没有找到“没有这个地方吗”")


def test_the_box_works_on_a_small_screen(running: RunningCity, visit: Visit, house: str) -> None:
    page = visit("planner", f"/planner?plan={running.new_draft()}", width=390, height=780)
    page.locator('[data-test="search"]').click()
    page.keyboard.type("滨河")
    row = page.locator(RESULT)
    expect(row).to_be_visible()
    place = row.bounding_box()
    assert place
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= 390
    row.click()
    expect(page.locator(RING)).to_be_visible()


def test_the_heat_page_has_the_box_as_well(visit: Visit, house: str) -> None:
    page = visit("leader", "/heat")
    looked_up(page, "滨河")
    page.locator(RESULT).click()
    expect(page.locator(RING)).to_be_visible()


def test_a_dispatcher_reports_at_a_place_found_by_its_name(visit: Visit, house: str) -> None:
    page = visit("dispatcher", "/report")
    page.locator('[data-test="search"]').click()
    page.keyboard.type("友谊路6号")
    page.locator(RESULT).click()
    expect(page.locator('[data-test="home-report"] [name="lon"]')).to_have_value(re.compile(r"^118\.\d{7}$"))
    expect(page.locator("#map_main")).to_have_attribute("data-code", house)
