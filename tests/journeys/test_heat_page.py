"""A leader looks at the heat: cells from the server, a window in time, never a single place."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from geoalchemy2 import WKTElement
from playwright.sync_api import Locator, Page, expect

from layers import releases
from layers.categories import Category
from layers.db import transaction
from layers.hazards import Hazard
from layers.shifts import CITY_ZONE
from tests.journeys.conftest import RunningCity

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]

# One day's worth in the newest week, so that moving the window back by more than a month loses it.
IN_ONE_GRID = 9


@pytest.fixture(scope="module")
def hazards(running: RunningCity) -> str:
    """Nine hazards of yesterday in one tile; gives the code of its grid."""
    code = running.city.codes[5]
    lon, lat = running.city.inside(code)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with transaction(running.engine) as session:
        session.merge(Category(code="test_street", name="消防通道占用", resident_derived=False))
        session.flush()
        for minute in range(IN_ONE_GRID):
            session.add(
                Hazard(
                    category="test_street",
                    found_at=yesterday - timedelta(minutes=minute),
                    district=running.city.district,
                    current_code=code,
                    raw_lon=lon,
                    raw_lat=lat,
                    geom=WKTElement(f"POINT({lon} {lat})", srid=4326),
                )
            )
    return code[:15]


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def choose(page: Page, name: str, value: str) -> None:
    page.locator(f'input[name="{name}"][value="{value}"]').check(force=True)


@pytest.mark.usefixtures("hazards")
def test_the_period_is_counted_and_its_classes_are_told(visit: Visit) -> None:
    page = visit("leader", "/heat")
    expect(it(page, "heat-figures")).to_contain_text(str(IN_ONE_GRID))
    expect(page.locator("#legend")).to_contain_text("隐患（件）")
    expect(page.locator("#legend")).to_contain_text("不显示")
    expect(page.locator("#categories")).to_contain_text("消防通道占用")
    expect(page.locator(".panel")).to_contain_text("不显示单个事件的位置")


@pytest.mark.usefixtures("hazards")
def test_the_figures_follow_the_chosen_category(visit: Visit, running: RunningCity) -> None:
    with transaction(running.engine) as session:
        session.merge(Category(code="test_other", name="井盖破损", resident_derived=False))
        session.flush()
        lon, lat = running.city.inside(running.city.codes[1])
        yesterday, place = datetime.now(UTC) - timedelta(days=1), WKTElement(f"POINT({lon} {lat})", srid=4326)
        where = {
            "district": running.city.district,
            "current_code": running.city.codes[1],
            "raw_lon": lon,
            "raw_lat": lat,
        }
        session.add(Hazard(category="test_other", found_at=yesterday, geom=place, **where))
    page = visit("leader", "/heat")
    count = it(page, "heat-figures").locator("b").first
    expect(count).to_have_text(str(IN_ONE_GRID + 1))
    it(page, "heat-category").select_option("test_other")
    expect(count).to_have_text("1")
    with transaction(running.engine) as session:
        session.query(Hazard).filter_by(category="test_other").delete()


@pytest.mark.usefixtures("hazards")
def test_the_window_is_dragged_back_in_time_and_the_figures_follow(visit: Visit) -> None:
    page = visit("leader", "/heat")
    expect(it(page, "heat-figures")).to_contain_text(str(IN_ONE_GRID))
    dates = page.locator("#dates").inner_text()
    box = it(page, "heat-slider").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 3 * box["width"], y, steps=6)
    page.mouse.up()
    expect(page.locator("#dates")).not_to_have_text(dates)
    expect(it(page, "heat-figures").locator("b").first).to_have_text("0")
    expect(it(page, "heat-worst")).to_contain_text("没有记录")


@pytest.mark.usefixtures("hazards")
def test_the_window_moves_by_the_keyboard_day_by_day(visit: Visit) -> None:
    page = visit("leader", "/heat")
    slider = it(page, "heat-slider")
    end = int(slider.get_attribute("aria-valuenow") or 0)
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuenow", str(end - 2))
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuenow", str(end))


@pytest.mark.usefixtures("hazards")
def test_a_stop_of_the_window_asks_the_service_once(visit: Visit) -> None:
    """Cells, worst places and figures of a period come with one answer."""
    page = visit("leader", "/heat")
    expect(it(page, "heat-figures")).to_contain_text(str(IN_ONE_GRID))
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    it(page, "heat-slider").focus()
    for _ in range(3):
        dates = page.locator("#dates").inner_text()
        with page.expect_response(lambda answer: "/api/v1/heat?" in answer.url):
            page.keyboard.press("ArrowLeft")
        expect(page.locator("#dates")).not_to_have_text(dates)
    assert len(asked) == 3, asked


@pytest.mark.usefixtures("hazards")
def test_the_window_plays_from_the_start_and_can_be_stopped(visit: Visit) -> None:
    page = visit("leader", "/heat")
    slider = it(page, "heat-slider")
    it(page, "heat-play").click()
    expect(slider).to_have_attribute("aria-valuenow", "30")
    expect(slider).not_to_have_attribute("aria-valuenow", "30")
    it(page, "heat-play").click()
    stopped = slider.get_attribute("aria-valuenow")
    page.wait_for_timeout(1200)
    assert slider.get_attribute("aria-valuenow") == stopped


@pytest.mark.usefixtures("hazards")
def test_every_level_and_measure_can_be_looked_at(visit: Visit) -> None:
    page = visit("leader", "/heat")
    for cell in ("community", "subdistrict", "500m", "grid"):
        with page.expect_response(re.compile(rf"/api/v1/heat\?.*cell={cell}")) as answer:
            choose(page, "cell", cell)
        assert answer.value.status == 200
    for per, words in (("households", "千户"), ("change", "较上期"), ("count", "件")):
        choose(page, "per", per)
        expect(page.locator("#legend h2")).to_contain_text(words)
    choose(page, "layer", "incidents")
    expect(page.locator("#legend h2")).to_contain_text("事件")


def on_the_map(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Where a position lies on the page."""
    box = page.locator("#map_main").bounding_box()
    assert box
    x, y = page.evaluate("(at) => { const p = map_main.latLngToContainerPoint(at); return [p.x, p.y]; }", [lat, lon])
    return box["x"] + x, box["y"] + y


def test_a_cell_says_how_many_there_were_and_leads_to_its_grid(
    visit: Visit, running: RunningCity, hazards: str
) -> None:
    page = visit("leader", "/heat")
    x, y = on_the_map(page, *running.city.inside(running.city.codes[5]))
    page.mouse.move(x, y)
    expect(page.locator("#tip")).to_contain_text(f"{IN_ONE_GRID} 件")
    page.mouse.click(x, y)
    page.wait_for_url(f"**/grid/{hazards}")
    page.wait_for_selector("main[data-test=ready]")
    expect(it(page, "grid-hazards")).to_contain_text(str(IN_ONE_GRID))


@pytest.mark.usefixtures("hazards")
def test_no_answer_to_the_page_holds_a_single_place(visit: Visit, running: RunningCity) -> None:
    lon, lat = running.city.inside(running.city.codes[5])
    page = visit("leader", "/")
    bodies: list[str] = []
    page.on("response", lambda answer: "/api/" in answer.url and bodies.append(answer.text()))
    page.goto(running.address + "/heat")
    page.wait_for_selector("main[data-test=ready]")
    expect(it(page, "heat-figures")).to_contain_text(str(IN_ONE_GRID))
    assert bodies
    assert not any(f"{lon:.6f}" in body and f"{lat:.6f}" in body for body in bodies)


def test_at_390_pixels_the_map_the_strip_and_the_figures_are_there(visit: Visit) -> None:
    page = visit("leader", "/heat", width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for name in ("heat-slider", "heat-figures", "heat-play"):
        expect(it(page, name)).to_be_visible()


def test_a_layer_of_residents_is_looked_at_by_the_month(visit: Visit, running: RunningCity) -> None:
    """Offered once a month was released; only months, communities and above; the page says why."""
    now = datetime.now(UTC)
    last_month = now.astimezone(CITY_ZONE).replace(day=1) - timedelta(days=3)
    code = running.city.codes[0]
    lon, lat = running.city.inside(code)
    with transaction(running.engine) as session:
        session.merge(Category(code="test_elder", name="独居老人", resident_derived=True))
        session.flush()
        for _ in range(17):
            session.add(
                Hazard(
                    category="test_elder",
                    found_at=last_month,
                    district=running.city.district,
                    current_code=code,
                    raw_lon=lon,
                    raw_lat=lat,
                    geom=WKTElement(f"POINT({lon} {lat})", srid=4326),
                )
            )
    with transaction(running.engine) as session:
        releases.make_due(session, now=now, zone=CITY_ZONE)
    page = visit("leader", "/heat")
    expect(page.locator("label", has_text="居民事件")).to_be_hidden()
    choose(page, "layer", "resident_hazards")
    expect(it(page, "heat-month")).to_have_value(f"{last_month:%Y-%m}")
    expect(it(page, "heat-strip")).to_be_hidden()
    expect(page.locator("#months")).to_contain_text("不足 11")
    choose(page, "cell", "district")
    expect(it(page, "heat-worst")).to_contain_text("17")
    choose(page, "cell", "community")
    expect(it(page, "heat-figures")).to_contain_text("不显示")
    choose(page, "layer", "hazards")
    expect(it(page, "heat-strip")).to_be_visible()
    expect(page.locator("#legend h2")).to_contain_text("隐患")


def test_spots_are_found_when_asked_for_and_gone_with_the_next_question(hazards: str, visit: Visit) -> None:
    page = visit("leader", "/heat")
    expect(it(page, "heat-figures")).to_contain_text(str(IN_ONE_GRID))
    it(page, "heat-find-spots").click()
    expect(it(page, "heat-spots-about")).to_contain_text("Getis-Ord Gi*")
    expect(it(page, "heat-spots-about")).to_contain_text("20260101")
    choose(page, "per", "change")
    expect(it(page, "heat-spots").locator("li")).to_have_count(0)
    it(page, "heat-find-spots").click()
    expect(it(page, "heat-spots")).to_contain_text("冷热点按网格")
