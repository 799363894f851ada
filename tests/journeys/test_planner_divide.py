"""Dividing an area as a planner does: chosen, watched, three proposals compared, one applied, and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from layers.db import transaction
from tests.drafts import add_buildings
from tests.journeys.conftest import RunningCity
from tests.plan_desk import shape_of
from tests.planner_hand import Hand
from tests.uploads import working_process

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
MADE_MS = 90_000


@pytest.fixture(scope="module")
def housed(running: RunningCity) -> Iterator[RunningCity]:
    """The running city with houses in it, and somebody who does long work."""
    with transaction(running.engine) as session:
        add_buildings(session, running.city.shapes, number=400)
    with working_process(running.engine, running.uploads):
        yield running


@pytest.fixture
def hand(housed: RunningCity, visit: Visit) -> Hand:
    draft = housed.new_draft()
    return Hand(visit("planner", f"/planner?plan={draft}"), housed, draft)


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


def test_a_community_is_chosen_divided_compared_applied_and_taken_back(hand: Hand) -> None:
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
