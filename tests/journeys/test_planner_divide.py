"""Dividing an area as a planner does: chosen, watched, three proposals compared, one applied, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import update

from gis_api.pages import LANGUAGE_COOKIE
from layers.buildings import Building
from layers.db import transaction
from tests.drafts import add_buildings
from tests.journeys.conftest import RunningCity, Watch
from tests.plan_desk import shape_of
from tests.planner_hand import Hand
from tests.uploads import working_process

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
MADE_MS = 90_000


@pytest.fixture(scope="module")
def housed(running: RunningCity) -> RunningCity:
    """The running city with houses in it."""
    with transaction(running.engine) as session:
        add_buildings(session, running.city.shapes, number=400)
    return running


@pytest.fixture
def at_work(housed: RunningCity) -> Iterator[RunningCity]:
    """The same while somebody does long work."""
    with working_process(housed.engine, housed.uploads):
        yield housed


def opened(city: RunningCity, visit: Visit, draft: str | None = None, **context: Any) -> Hand:
    draft = draft or city.new_draft()
    return Hand(visit("planner", f"/planner?plan={draft}", **context), city, draft)


def community_of(hand: Hand) -> str:
    return min(grid["properties"]["parent"] for code, grid in hand.grids().items() if len(code) == 15)


def inside(hand: Hand, area: str) -> list[str]:
    return sorted(code for code in hand.grids() if len(code) == 15 and code.startswith(area))


def chosen(hand: Hand, count: int) -> str:
    """The first community, chosen by a click on the map, and how many grids it shall have."""
    area = community_of(hand)
    hand.tool("d")
    expect(hand.it("planner-divide")).to_be_visible()
    grid = hand.grids()[inside(hand, area)[0]]
    inner = shape_of(grid["geometry"]).representative_point()
    hand.click((inner.x, inner.y))
    expect(hand.it("divide-area")).to_have_value(area)
    hand.page.get_by_role("radio", name="网格个数").check()
    hand.it("divide-count").fill(str(count))
    return area


def compared(hand: Hand) -> None:
    expect(hand.it("divide-compare")).to_be_visible(timeout=MADE_MS)


def test_a_community_is_chosen_divided_compared_applied_and_taken_back(at_work: RunningCity, visit: Visit) -> None:
    hand = opened(at_work, visit)
    before = hand.grids()
    area = chosen(hand, 4)
    hand.it("divide-ask").click()
    expect(hand.it("divide-progress")).to_be_visible()
    compared(hand)
    for profile in ("balanced", "even", "streets"):
        card = hand.it(f"proposal-{profile}")
        assert card.locator("svg path").count() >= 4
        for row in ("cv", "in_tolerance", "compactness", "buildings_cut", "moved"):
            expect(card.locator(f'[data-figure="{row}"] td').nth(2)).not_to_have_text("—")
    assert hand.grids() == before
    hand.it("look-even").click()
    expect(hand.it("divide-compare")).to_have_count(0)
    expect(hand.it("divide-apply")).to_be_visible()
    hand.page.keyboard.press("Escape")
    compared(hand)
    hand.it("apply-even").click()
    hand.at_version(2).clean()
    assert len(inside(hand, area)) == 4
    expect(hand.it("planner-divide")).to_be_hidden()
    hand.page.keyboard.press("Control+z")
    hand.at_version(3)
    assert hand.grids() == before


def test_a_grid_is_named_to_stay_and_a_colleague_comments_on_what_was_made(at_work: RunningCity, visit: Visit) -> None:
    hand = opened(at_work, visit)
    area = chosen(hand, 3)
    stays = inside(hand, area)[0]
    before = hand.grids()[stays]["geometry"]
    hand.it("divide-keep").select_option(stays)
    expect(hand.it("divide-kept").get_by_role("button")).to_have_count(1)
    hand.it("divide-ask").click()
    compared(hand)
    hand.it("say-balanced").click()
    expect(hand.it("comment-balanced")).to_be_focused()
    hand.it("comment-balanced").fill("东边那条路更好走")
    hand.it("say-balanced").click()
    expect(hand.it("comments-balanced")).to_contain_text("东边那条路更好走planner")
    other = Hand(visit("reviewer", f"/planner?plan={hand.plan}"), at_work, hand.plan).tool("d")
    expect(other.it("divide-earlier")).to_contain_text("planner")
    other.it("divide-earlier").click()
    compared(other)
    expect(other.it("comments-balanced")).to_contain_text("东边那条路更好走planner")
    other.it("comment-even").fill("<i>x</i>")
    other.it("say-even").click()
    expect(other.it("comments-even")).to_contain_text("<i>x</i>reviewer")
    hand.it("apply-balanced").click()
    hand.at_version(2).clean()
    now = hand.grids()[stays]["geometry"]
    assert shape_of(now).symmetric_difference(shape_of(before)).area < 1e-12


def test_work_goes_on_without_the_page_is_found_again_and_called_off(housed: RunningCity, visit: Visit) -> None:
    hand = opened(housed, visit)
    chosen(hand, 3)
    hand.it("divide-ask").click()
    expect(hand.it("divide-progress")).to_be_visible()
    again = opened(housed, visit, hand.plan).tool("d")
    expect(again.it("divide-progress")).to_be_visible()
    again.it("divide-cancel").click()
    expect(again.it("planner-divide").get_by_role("alert")).to_contain_text("已取消")
    expect(again.it("divide-ask")).to_be_visible()
    again.page.keyboard.press("Escape")
    expect(again.it("planner-divide")).to_be_hidden()


def test_what_cannot_be_balanced_says_why_and_a_changed_ground_is_not_divided_over(
    at_work: RunningCity, visit: Visit, watch: Watch
) -> None:
    watch.expected = ("status of 409",)
    hand = opened(at_work, visit)
    area = chosen(hand, 200)
    hand.it("divide-ask").click()
    compared(hand)
    remark = hand.it("proposal-even").locator('[data-remark="oversize"]')
    expect(remark).to_contain_text("单栋楼已超过一个网格")
    expect(remark.locator('[data-way="cut_stairwells"]')).to_be_visible()
    expect(remark.locator('[data-way="accept"]')).to_be_visible()
    hand.it("compare-close").click()
    hand.edit(op="set", code=inside(hand, area)[0], locked=True)
    hand.at_version(2)
    hand.it("divide-to-compare").click()
    hand.it("apply-even").click()
    hand.refused("已有改动")
    expect(hand.it("divide-made")).to_contain_text("没有采用")
    expect(hand.it("divide-again")).to_be_visible()


def test_in_english_a_form_that_lacks_something_says_so_and_estimates_are_marked(
    at_work: RunningCity, visit: Visit
) -> None:
    with transaction(at_work.engine) as session:
        session.execute(update(Building).values(households=0))
    english = {"name": LANGUAGE_COOKIE, "value": "en", "url": at_work.address}

    def in_english(context: BrowserContext) -> None:
        context.add_cookies([english])  # type: ignore[list-item]

    hand = opened(at_work, visit, width=1100, before=in_english).tool("d")
    hand.it("divide-ask").click()
    expect(hand.it("planner-divide").get_by_role("alert")).to_have_text("Choose first what to divide.")
    hand.it("divide-area").select_option(community_of(hand))
    hand.page.get_by_role("radio", name="Number of grids").check()
    hand.it("divide-count").fill("3")
    hand.it("divide-ask").click()
    compared(hand)
    expect(hand.it("divide-compare").locator('[data-remark="estimated"]')).to_contain_text("estimated")
    expect(hand.it("proposal-even").locator('[data-figure="range"] td').nth(2)).to_contain_text("≈")
    wide = "box => box.scrollWidth - box.clientWidth"
    assert hand.it("divide-compare").evaluate(wide) == 0
    hand.page.set_viewport_size({"width": 390, "height": 800})
    assert hand.it("divide-compare").evaluate(wide) == 0
