"""What the planner's panel does: what a grid is called and is, overlays, problems and the ways out of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import shapely
from playwright.sync_api import BrowserContext, Page, expect
from shapely import affinity

from gis_api.pages import LANGUAGE_COOKIE
from layers import planning
from layers.db import transaction
from tests.drafts import DRAWER, rows_of
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.plan_desk import shape_of
from tests.planner_hand import Hand, border_of, pair_of, square

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"
BY = replace(DRAWER, name="planner")
HOSTILE = "<img src=x onerror=\"document.title='broken'\">${alert(1)}`"


def new_draft(running: RunningCity, *, shifted_m: float | None = None) -> str:
    """A draft of the city; perhaps with one grid without sub-grids shifted to the east, over its neighbour."""
    shapes = running.city.shapes
    rows = rows_of(shapes)
    if shifted_m is not None:
        at = next(k for k, row in enumerate(rows) if row.level == "grid" and row.code in shapes.codes)
        metres = shapely.transform(shapes.plane.to_metres(rows[at].polygon), lambda xy: xy + np.array([shifted_m, 0.0]))
        rows[at] = replace(rows[at], polygon=shapes.plane.to_degrees(metres))
    with transaction(running.engine) as session:
        return str(planning.import_draft(session, shapes.district, rows=rows, frame=shapes.frame, by=BY).id)


def opened(running: RunningCity, visit: Visit, draft: str, **context: int) -> Hand:
    return Hand(visit("planner", f"/planner?plan={draft}", **context), running, draft)


@pytest.fixture
def hand(running: RunningCity, visit: Visit) -> Hand:
    return opened(running, visit, new_draft(running))


def plain(hand: Hand) -> str:
    return pair_of(hand.grids(), without_sub_grids=True)[0]


def chosen(hand: Hand, code: str) -> Hand:
    """The grid selected and its form open."""
    inner = shape_of(hand.grids()[code]["geometry"]).representative_point()
    hand.look_at((inner.x, inner.y)).tool("v").choose(code)
    hand.it("grid-edit").click()
    return hand


def test_a_grid_is_named_and_coded_and_made_dedicated_in_the_panel(hand: Hand) -> None:
    code = plain(hand)
    new = f"{code[:12]}9{code[-2:]}"
    chosen(hand, code)
    hand.it("grid-name").fill(HOSTILE)
    hand.it("grid-code").fill(new)
    hand.it("grid-kind").select_option("dedicated")
    hand.it("grid-group").fill("公园")
    hand.it("grid-locked").check()
    hand.it("grid-save").click()
    hand.at_version(2).clean()
    told = hand.grids()[new]["properties"]
    assert (told["name"], told["kind"], told["group"], told["locked"]) == (HOSTILE, "dedicated", "公园", True)
    expect(hand.it("planner-grid").locator("h2")).to_contain_text("<img src=x")
    assert hand.page.locator("img[src=x]").count() == 0 and hand.page.title() != "broken"
    expect(hand.it("grid-code")).to_have_value(new)
    hand.page.locator("#map_main").click(position={"x": 5, "y": 300})
    hand.it("planner-undo").click()
    hand.at_version(3)
    assert code in hand.grids() and new not in hand.grids()


def test_the_codes_of_sub_grids_follow_their_grid(hand: Hand) -> None:
    code = min(code for code in hand.grids() if len(code) == 17)[:15]
    new = f"{code[:12]}9{code[-2:]}"
    parts = {part for part in hand.grids() if part.startswith(code) and part != code}
    chosen(hand, code)
    hand.it("grid-code").fill(new)
    hand.it("grid-code").press("Enter")
    hand.at_version(2).clean()
    assert {part for part in hand.grids() if part.startswith(new)} == {new, *(new + part[15:] for part in parts)}


def test_a_code_that_does_not_fit_is_refused_in_words_and_the_plan_is_as_before(hand: Hand, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    before, code = hand.grids(), plain(hand)
    chosen(hand, code)
    hand.it("grid-code").fill("110101001001001")
    hand.it("grid-save").click()
    hand.refused("不符合")
    assert hand.grids() == before


def test_a_grid_is_lifted_over_the_others_and_laid_back(hand: Hand) -> None:
    before, code = hand.grids(), plain(hand)
    chosen(hand, code)
    expect(hand.it("grid-into")).to_be_hidden()
    hand.it("grid-overlay").check()
    into = hand.it("grid-into").input_value()
    hand.it("grid-save").click()
    hand.at_version(2).clean()
    lifted = hand.grids()
    assert lifted[code]["properties"]["exclusive"] is False
    assert lifted[into]["properties"]["area_m2"] > before[into]["properties"]["area_m2"]
    expect(hand.page.locator('#layers input[name="overlays"]')).to_be_checked()
    hand.it("grid-overlay").uncheck()
    hand.it("grid-save").click()
    hand.at_version(3).clean()
    assert hand.grids()[code]["properties"]["exclusive"]


def test_an_overlay_is_drawn_selected_by_its_outline_reshaped_and_removed(hand: Hand) -> None:
    before = hand.grids()
    one, two = pair_of(before)
    middle = border_of(before, one, two)[10]
    hand.look_at(middle, zoom=19).tool("o")
    expect(hand.page.locator('#layers input[name="overlays"]')).to_be_checked()
    corners = square(middle, 0.0003)
    hand.draw(corners, free=True)
    hand.it("dialog").locator("input").fill("巡查区")
    hand.confirm().at_version(2).clean()
    (code,) = hand.grids().keys() - before.keys()
    expect(hand.it("planner-grid").locator("h2")).to_contain_text("巡查区")
    hand.page.keyboard.press("Escape")
    edge = ((corners[0][0] + corners[1][0]) / 2, corners[0][1])
    hand.tool("e").click(edge)
    expect(hand.it("planner-grid").locator("h2")).to_contain_text("巡查区")
    area = hand.grids()[code]["properties"]["area_m2"]
    away = (corners[2][0] + 0.0001, corners[2][1] + 0.0001)
    hand.page.keyboard.down("Alt")
    hand.drag(corners[2], away)
    hand.page.keyboard.up("Alt")
    hand.at_version(3).clean()
    assert hand.grids()[code]["properties"]["area_m2"] > area
    hand.page.mouse.move(*hand.pixel(away))
    hand.page.keyboard.press("Delete")
    hand.at_version(4)
    assert len(shape_of(hand.grids()[code]["geometry"]).geoms[0].exterior.coords) == 4
    assert {one: grid for one, grid in hand.grids().items() if one != code} == before
    hand.page.reload()
    hand.page.wait_for_selector(READY)
    hand.page.locator('#layers input[name="overlays"]').check()
    hand.look_at(middle, zoom=19).click(edge)
    hand.it("grid-edit").click()
    hand.it("grid-remove").click()
    hand.at_version(5).clean()
    assert hand.grids() == before


def test_a_real_overlap_is_given_to_one_of_both_by_a_button(running: RunningCity, visit: Visit) -> None:
    hand = opened(running, visit, new_draft(running, shifted_m=4.0))
    overlap = hand.page.locator('[data-kind="overlap"]')
    expect(overlap.first).to_be_visible()
    count = overlap.count()
    overlap.first.locator('[data-fix="locate"]').click()
    overlap.first.locator("[data-fix]").first.click()
    hand.at_version(2)
    expect(overlap).to_have_count(count - 1)


def test_noise_is_mended_by_one_click(running: RunningCity, visit: Visit) -> None:
    hand = opened(running, visit, new_draft(running, shifted_m=0.004))
    expect(hand.it("mend-noise")).to_be_visible()
    expect(hand.it("mend-slivers")).to_be_hidden()
    hand.it("mend-noise").click()
    hand.at_version(2).clean()
    expect(hand.it("mend-noise")).to_be_hidden()


def test_slivers_are_mended_after_a_look_at_what_would_change(running: RunningCity, visit: Visit) -> None:
    hand = opened(running, visit, new_draft(running, shifted_m=0.2))
    before = hand.grids()
    hand.it("mend-slivers").click()
    expect(hand.it("repair-apply")).to_be_enabled(timeout=20_000)
    expect(hand.it("repair")).to_contain_text("个网格")
    assert hand.grids() == before
    hand.it("repair-apply").click()
    hand.at_version(2).clean()


def test_ground_outside_the_frame_has_its_way_out_beside_it(running: RunningCity, visit: Visit) -> None:
    shapes = running.city.shapes
    west, south, east, north = shapes.frame.bounds
    smaller = shapes.frame.intersection(shapely.box(west, south, east - 6e-5, north))
    rows = [row for row in rows_of(shapes) if row.level == "grid"]
    with transaction(running.engine) as session:
        draft = planning.import_draft(session, shapes.district, rows=rows, frame=smaller, by=BY).id
    hand = opened(running, visit, str(draft))
    outside = hand.page.locator('[data-kind="overshoot"]')
    expect(outside.first).to_be_visible()
    outside.first.locator('[data-fix="repair"]').click()
    hand.it("repair-all-overshoot-trim").click(timeout=20_000)
    expect(hand.it("repair-apply")).to_be_enabled(timeout=20_000)
    hand.it("repair-apply").click()
    hand.at_version(2)
    expect(outside).to_have_count(0)


def test_a_gap_may_become_a_new_grid_in_the_proposal_as_well(running: RunningCity, visit: Visit) -> None:
    shapes = running.city.shapes
    rows = [row for row in rows_of(shapes) if row.level == "grid"]
    with transaction(running.engine) as session:
        kept = [row for row in rows if row != rows[5]]
        draft = planning.import_draft(session, shapes.district, rows=kept, frame=shapes.frame, by=BY).id
    hand = opened(running, visit, str(draft))
    hand.page.locator("#repair").click()
    choice = hand.it("repair").locator("select").first
    choice.select_option("new")
    expect(hand.it("repair-apply")).to_be_enabled(timeout=20_000)
    hand.it("repair-apply").click()
    hand.at_version(2).clean()
    assert len([code for code in hand.grids() if len(code) == 15]) == len(rows)


def test_decisions_about_a_repair_are_kept_while_the_map_is_looked_at(running: RunningCity, visit: Visit) -> None:
    hand = opened(running, visit, new_draft(running, shifted_m=4.0))
    choices = hand.it("repair").locator("select")
    hand.page.locator("#repair").click()
    expect(hand.it("repair-apply")).to_be_enabled(timeout=20_000)
    count = choices.count()
    expect(hand.it("repair-open")).to_have_attribute("data-open", str(count))
    choices.first.select_option("longest_border")
    expect(hand.it("repair-apply")).to_be_disabled()
    expect(hand.it("repair-open")).to_have_attribute("data-open", str(count - 1), timeout=20_000)
    hand.it("repair").locator("li button").first.click()
    expect(hand.it("repair")).to_have_count(0)
    hand.page.locator("#repair").click()
    expect(choices.first).to_have_value("longest_border", timeout=20_000)
    expect(hand.it("repair-open")).to_have_attribute("data-open", str(count - 1))


def test_one_button_decides_about_all_places_of_a_kind(running: RunningCity, visit: Visit) -> None:
    hand = opened(running, visit, new_draft(running, shifted_m=4.0))
    hand.page.locator("#repair").click()
    kinds = hand.page.locator('[data-test^="repair-all-"][data-test$="longest_border"]')
    expect(kinds.first).to_be_visible(timeout=20_000)
    before = int(hand.it("repair-open").get_attribute("data-open") or 0)
    kinds.first.click()
    expect(hand.it("repair-open")).not_to_have_attribute("data-open", str(before), timeout=20_000)
    expect(hand.it("repair-apply")).to_be_enabled()


def crossed_draft(running: RunningCity) -> str:
    """A draft of the city whose every second grid is drawn too large: many places to decide about."""
    shapes = running.city.shapes
    rows = [row for row in rows_of(shapes) if row.level == "grid"]
    crossed = [
        replace(row, polygon=affinity.scale(row.polygon, 1.05, 1.05)) if number % 2 else row
        for number, row in enumerate(rows)
    ]
    with transaction(running.engine) as session:
        return str(planning.import_draft(session, shapes.district, rows=crossed, frame=shapes.frame, by=BY).id)


def test_many_places_are_decided_by_a_rule_that_says_how_many_it_is_about(running: RunningCity, visit: Visit) -> None:
    hand = opened(running, visit, crossed_draft(running))
    hand.page.locator("#repair").click()
    expect(hand.it("repair-rule")).to_be_visible(timeout=20_000)
    before = int(hand.it("repair-open").get_attribute("data-open") or 0)
    every = hand.it("repair-rule-apply").inner_text()
    hand.it("repair-rule-kind").select_option("overlap")
    fewer = hand.it("repair-rule-apply").inner_text()
    assert fewer != every
    # A look at one of the places does not take the rule apart.
    hand.it("repair").locator("li button").first.click()
    expect(hand.it("repair")).to_have_count(0)
    hand.page.locator("#repair").click()
    expect(hand.it("repair-rule-kind")).to_have_value("overlap", timeout=20_000)
    expect(hand.it("repair-rule-apply")).to_have_text(fewer)
    hand.it("repair-rule-apply").click()
    expect(hand.it("repair-open")).not_to_have_attribute("data-open", str(before), timeout=20_000)
    expect(hand.it("repair-apply")).to_be_enabled()
    # What was answered by a rule is left again by one.
    hand.it("repair-rule-option").select_option("leave")
    hand.it("repair-rule-apply").click()
    expect(hand.it("repair-open")).to_have_attribute("data-open", str(before), timeout=20_000)


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_rule_is_understood_at_every_width_and_names_both_of_a_pair(
    running: RunningCity, visit: Visit, lang: str
) -> None:
    def speaking(context: BrowserContext) -> None:
        context.add_cookies([{"name": LANGUAGE_COOKIE, "value": lang, "url": running.address}])

    draft = crossed_draft(running)
    hand = Hand(visit("planner", f"/planner?plan={draft}", before=speaking), running, draft)
    hand.page.locator("#repair").click()
    rule = hand.it("repair-rule")
    expect(rule).to_be_visible(timeout=20_000)
    for width in (1100, 390):
        hand.page.set_viewport_size({"width": width, "height": 844})
        assert hand.it("repair").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth"), width
    # Each field says beside it what it is: three times "any" would say nothing.
    words = rule.locator("label > span").all_inner_texts()
    assert len(set(words)) == rule.locator("select, input").count() == 5
    pair = rule.locator('[data-test="repair-rule-pair"] option').nth(1).get_attribute("value") or ""
    hand.it("repair-rule-pair").select_option(pair)
    offered = hand.it("repair-rule-option").locator("option").evaluate_all("options => options.map(o => o.value)")
    assert any(option == f"give:{code}" for code in pair.split("+") for option in offered)
    # What would become of each grid is told before it is done.
    hand.it("repair-rule-apply").click()
    expect(hand.it("repair-apply")).to_be_enabled(timeout=20_000)
    hand.it("repair-changes").locator("summary").click()
    expect(hand.it("repair-changes").locator("li").first).to_be_visible()
