"""Every tool of the planner with a real mouse; after each edit a full check of the plan finds nothing wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import shapely
from playwright.sync_api import Page, expect

from layers import planning
from layers.db import transaction
from tests.drafts import DRAWER, add_buildings, rows_of
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.plan_desk import shape_of
from tests.planner_hand import Hand, Place, border_of, pair_of, polygon, simple_nodes, square

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"
BY = replace(DRAWER, name="planner")


@pytest.fixture(scope="module", autouse=True)
def buildings(running: RunningCity) -> None:
    with transaction(running.engine) as session:
        add_buildings(session, running.city.shapes, number=160)


def new_draft(running: RunningCity, *, without: int | None = None) -> str:
    """A draft whose counts are those of the buildings; perhaps with the ground of one grid in no grid."""
    shapes = running.city.shapes
    rows = rows_of(shapes)
    if without is not None:
        gone = [row for row in rows if row.level == "grid"][without]
        rows = [row for row in rows if not row.code.startswith(gone.code)]
    with transaction(running.engine) as session:
        return str(planning.import_draft(session, shapes.district, rows=rows, frame=shapes.frame, by=BY).id)


@pytest.fixture
def hand(running: RunningCity, visit: Visit) -> Hand:
    draft = new_draft(running)
    return Hand(visit("planner", f"/planner?plan={draft}"), running, draft)


def whole_grids(hand: Hand) -> dict[str, shapely.Geometry]:
    return {code: shape_of(grid["geometry"]) for code, grid in hand.grids().items() if len(code) == 15}


def as_stored(hand: Hand, foreseen: dict[str, tuple[int, float]], *, new: str = "") -> None:
    """What was told while it was drawn is what the service stores: each building, and the ground to 0.1 % and 1 m²."""
    grids = hand.grids()
    for code, (buildings, area_m2) in foreseen.items():
        stored = grids[code or new]["properties"]
        assert buildings == stored["buildings"]
        assert area_m2 == pytest.approx(stored["area_m2"], rel=1e-3, abs=1.0)
    assert foreseen


def inner_place(shape: shapely.Geometry) -> Place:
    point = shape.representative_point()
    return point.x, point.y


def test_a_vertex_goes_by_the_delete_key_and_by_the_right_button(hand: Hand) -> None:
    one, two = pair_of(hand.grids())
    first, second = simple_nodes(hand.grids(), one, two)[2:6:3]
    hand.look_at(first, zoom=19).tool("e").choose(one)
    before = len(shape_of(hand.grids()[one]["geometry"]).geoms[0].exterior.coords)
    hand.page.mouse.move(*hand.pixel(first))
    hand.page.keyboard.press("Delete")
    hand.at_version(2).clean()
    hand.page.mouse.click(*hand.pixel(second), button="right")
    hand.at_version(3).clean()
    after = len(shape_of(hand.grids()[one]["geometry"]).geoms[0].exterior.coords)
    assert after == before - 2
    hand.page.keyboard.press("Control+z")
    hand.at_version(4)
    hand.page.keyboard.press("Control+Shift+z")
    hand.at_version(5).clean()


def test_a_border_is_redrawn_by_a_line(hand: Hand) -> None:
    one, two = pair_of(hand.grids())
    places = border_of(hand.grids(), one, two)
    start, end, middle = places[1], places[-2], places[len(places) // 2]
    inside = inner_place(whole_grids(hand)[one])
    bent = (middle[0] + (inside[0] - middle[0]) * 0.3, middle[1] + (inside[1] - middle[1]) * 0.3)
    hand.look_at(middle, zoom=19).tool("b").choose(one, two)
    areas = [hand.grids()[code]["properties"]["area_m2"] for code in (one, two)]
    hand.page.wait_for_timeout(700)  # the buildings of the place come in
    foreseen = hand.sketch([start, bent, end]).foreseen()
    sizes = hand.foreseen_sizes()
    hand.end().at_version(2).clean()
    as_stored(hand, sizes)
    assert foreseen == {code: hand.grids()[code]["properties"]["households"] for code in (one, two)}
    after = [hand.grids()[code]["properties"]["area_m2"] for code in (one, two)]
    assert after[0] < areas[0] and after[1] > areas[1]
    assert sum(after) == pytest.approx(sum(areas), abs=0.05)


def test_a_new_grid_is_drawn_over_others_and_its_households_are_foreseen(hand: Hand) -> None:
    grids = whole_grids(hand)
    one, two = pair_of(hand.grids())
    middle = border_of(hand.grids(), one, two)[10]
    hand.look_at(middle, zoom=19).tool("n")
    hand.page.wait_for_timeout(700)  # the buildings of the place come in
    foreseen = hand.sketch(square(middle, 0.0002), free=True).foreseen()
    expect(hand.page.locator("#tip")).to_contain_text(f"新网格 {foreseen['']} 户")
    sizes = hand.foreseen_sizes()
    hand.end().confirm().at_version(2).clean()
    (new,) = whole_grids(hand).keys() - grids.keys()
    as_stored(hand, sizes, new=new)
    stored = {code: hand.grids()[code]["properties"]["households"] for code in (new, one, two)}
    assert foreseen[""] == stored[new]
    assert {code: foreseen[code] for code in (one, two) if code in foreseen}.items() <= stored.items()


def test_a_line_parts_a_grid_into_the_households_that_were_foreseen(hand: Hand) -> None:
    before = whole_grids(hand)
    one, _ = pair_of(hand.grids(), without_sub_grids=True)
    inside = inner_place(before[one])
    _, south, _, north = before[one].bounds
    hand.look_at(inside, zoom=19).tool("v").choose(one).tool("x")
    hand.page.wait_for_timeout(700)  # the buildings of the place come in
    line = [(inside[0], south - 2e-5), (inside[0] + 1e-6, north + 2e-5)]
    foreseen = hand.sketch(line, free=True).foreseen()
    sizes = hand.foreseen_sizes()
    hand.end().at_version(2).clean()
    (new,) = whole_grids(hand).keys() - before.keys()
    as_stored(hand, sizes, new=new)
    stored = hand.grids()
    assert foreseen == {one: stored[one]["properties"]["households"], "": stored[new]["properties"]["households"]}


def test_pieces_that_a_new_grid_cuts_off_go_to_the_neighbour_that_is_chosen(hand: Hand, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    grids = whole_grids(hand)
    one, two = pair_of(hand.grids())
    shape = grids[one]
    west, south, east, north = shape.bounds
    height, toward = north - south, inner_place(grids[two])
    hand.look_at(inner_place(shape), zoom=19).tool("n")
    low, high = south + height * 0.4, south + height * 0.6
    band = [(west + 1e-5, low), (east - 1e-5, low), (east - 1e-5, high), (west + 1e-5, high)]
    horizontal = abs(toward[1] - shape.centroid.y) > abs(toward[0] - shape.centroid.x)
    if not horizontal:
        left, right = west + (east - west) * 0.4, west + (east - west) * 0.6
        band = [(left, south + 1e-5), (right, south + 1e-5), (right, north - 1e-5), (left, north - 1e-5)]
    # From border to border and a little beyond, so that it leaves a piece on either side.
    reach = shapely.affinity.scale(shapely.Polygon(band), *((1.2, 1.0) if horizontal else (1.0, 1.2)))
    hand.draw([(x, y) for x, y in reach.exterior.coords[:-1]], free=True).confirm()
    hand.refused("分成几块")
    expect(hand.it("offer")).to_be_visible()
    ways = hand.page.locator('#toast [data-test^="offer-"]')
    assert ways.count() >= 1
    taker = (ways.first.get_attribute("data-test") or "").removeprefix("offer-")
    area = hand.grids()[taker]["properties"]["area_m2"]
    ways.first.hover()
    ways.first.click()
    hand.at_version(2).clean()
    assert hand.grids()[taker]["properties"]["area_m2"] > area


def test_a_gap_shows_to_whom_a_click_gives_it(running: RunningCity, visit: Visit) -> None:
    draft = new_draft(running, without=7)
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    (gap,) = [defect for defect in hand.report()["defects"] if defect["kind"] == "gap"]
    into = gap["codes"][1][:15]
    ground, neighbour = shape_of(gap["where"]), whole_grids(hand)[into]
    inside, border = ground.representative_point(), ground.intersection(neighbour).interpolate(0.5, normalized=True)
    place = (border.x + (inside.x - border.x) * 0.15, border.y + (inside.y - border.y) * 0.15)
    hand.look_at((inside.x, inside.y)).tool("f")
    expect(hand.page.locator('[data-kind="gap"]')).to_have_count(1)
    hand.page.mouse.move(*hand.pixel(place))
    expect(hand.page.locator("#tip")).to_contain_text("并入")
    area = hand.grids()[into]["properties"]["area_m2"]
    hand.click(place).at_version(2).clean()
    assert hand.grids()[into]["properties"]["area_m2"] == pytest.approx(area + gap["area_m2"], abs=0.5)


def test_a_grid_is_drawn_into_a_gap_and_the_rest_becomes_one_by_a_button(running: RunningCity, visit: Visit) -> None:
    draft = new_draft(running, without=7)
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    (gap,) = [defect for defect in hand.report()["defects"] if defect["kind"] == "gap"]
    grids, inside = whole_grids(hand), inner_place(shape_of(gap["where"]))
    hand.look_at(inside, zoom=19).tool("n")
    hand.draw(square(inside, 0.00015), free=True).confirm().at_version(2)
    (new,) = whole_grids(hand).keys() - grids.keys()
    assert new[:12] in {code[:12] for code in gap["codes"]}
    rest = hand.page.locator('[data-kind="gap"] [data-fix="new"]')
    rest.first.click()
    hand.at_version(3).clean()
    assert len(whole_grids(hand)) == len(grids) + 2


def test_a_grid_goes_into_a_neighbour_by_the_delete_key_and_the_panel(hand: Hand) -> None:
    grids = whole_grids(hand)
    one, _ = pair_of(hand.grids())
    hand.look_at(inner_place(grids[one]), zoom=18).tool("v").choose(one)
    hand.page.keyboard.press("Delete")
    heir = hand.it("grid-remove-into")
    expect(heir).to_be_focused()
    into = heir.input_value()
    hand.it("grid-remove").click()
    hand.at_version(2).clean()
    assert whole_grids(hand).keys() == grids.keys() - {one}
    expect(hand.it("planner-grid").locator("h2")).to_contain_text(into[12:])


def test_an_area_that_is_drawn_goes_to_the_selected_grid(hand: Hand) -> None:
    one, two = pair_of(hand.grids())
    middle = border_of(hand.grids(), one, two)[10]
    area = hand.grids()[one]["properties"]["area_m2"]
    hand.look_at(middle, zoom=19).tool("v").choose(one).tool("g")
    hand.page.wait_for_timeout(700)  # the buildings of the place come in
    hand.sketch(square(middle, 0.0001), free=True)
    sizes = hand.foreseen_sizes()
    assert sizes.keys() >= {one, two}
    hand.end().at_version(2).clean()
    as_stored(hand, sizes)
    assert hand.grids()[one]["properties"]["area_m2"] > area


def test_a_grid_with_a_hole_is_split_and_the_grid_in_it_stays(running: RunningCity, visit: Visit) -> None:
    draft = new_draft(running)
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    one, _ = pair_of(hand.grids())
    inside = inner_place(whole_grids(hand)[one])
    hand.edit(op="carve", geometry=polygon(square(inside, 0.0001)), name="洞")
    hand.page.reload()
    hand.page.wait_for_selector(READY)
    grids = whole_grids(hand)
    assert any(len(part.interiors) for part in grids[one].geoms)
    _, south, _, north = grids[one].bounds
    hand.look_at(inside, zoom=19).tool("v").click((inside[0], inside[1] + 0.00013)).tool("x")
    expect(hand.it("planner-grid").locator("h2")).to_contain_text(one[12:])
    hand.page.wait_for_timeout(700)  # the buildings of the place come in
    hand.sketch([(inside[0], south - 2e-5), (inside[0] + 1e-6, north + 2e-5)], free=True)
    sizes = hand.foreseen_sizes()
    hand.end().at_version(3).clean()
    assert len(whole_grids(hand)) == len(grids) + 1
    (new,) = whole_grids(hand).keys() - grids.keys()
    as_stored(hand, sizes, new=new)
    assert not any(len(part.interiors) for part in whole_grids(hand)[one].geoms)


def test_a_grid_of_two_parts_is_edited_and_an_exclave_goes_to_its_surroundings(
    running: RunningCity, visit: Visit
) -> None:
    draft = new_draft(running)
    hand = Hand(visit("planner", f"/planner?plan={draft}"), running, draft)
    one, two = pair_of(hand.grids(), without_sub_grids=True)
    hand.edit(op="set", code=one, parts_allowed=True)
    inside = inner_place(whole_grids(hand)[two])
    hand.edit(op="give", geometry=polygon(square(inside, 0.0001)), to=one)
    assert len(whole_grids(hand)[one].geoms) == 2
    hand.page.reload()
    hand.page.wait_for_selector(READY)
    hand.look_at(inside, zoom=19).tool("e").click(inside)
    expect(hand.it("planner-grid").locator("h2")).to_contain_text(one[12:])
    exclave = min(whole_grids(hand)[one].geoms, key=lambda part: part.area)
    corner = exclave.exterior.coords[0]
    hand.drag(corner, (corner[0] + 1e-5, corner[1] + 1e-5)).at_version(4).clean()
    hand.tool("v").choose(two).tool("g").draw(square(inside, 0.00016), free=True)
    hand.at_version(5).clean()
    assert len(whole_grids(hand)[one].geoms) == 1


def test_merging_is_foreseen_and_done_by_enter(hand: Hand) -> None:
    one, two = pair_of(hand.grids())
    before = hand.grids()
    total = sum(before[code]["properties"]["households"] for code in (one, two))
    middle = border_of(before, one, two)[10]
    hand.look_at(middle, zoom=18).tool("m").choose(one, two)
    expect(hand.it("planner-households").locator(f'[data-code="{one}"]')).to_have_attribute("data-after", str(total))
    sizes = hand.foreseen_sizes()
    hand.page.keyboard.press("Enter")
    hand.at_version(2).clean()
    as_stored(hand, {one: sizes[one]})
    assert hand.grids()[one]["properties"]["households"] == total
    assert two not in hand.grids()
