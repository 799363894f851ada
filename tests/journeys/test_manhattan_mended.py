"""Manhattan's election districts from their file to a plan that may be published, defect by defect, by hand."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely
from playwright.sync_api import Locator, Page, expect

from layers.access import add_user
from layers.areas import Area
from layers.db import transaction
from tests.journeys.conftest import READY, RunningCity, Visit
from tests.plan_desk import checked_afresh, shape_of
from tests.planner_hand import Hand
from tests.small_city import stored
from tests.uploads import working_process

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.data]
LONG_MS = 20_000
GRIDS = 1_146
PLANNER, REVIEWER = "surveyor", "chief"
# A grid with one overlap; it is left to the button of the problem itself.
LEFT = "68002"


@pytest.fixture
def worked(running: RunningCity) -> Iterator[None]:
    with working_process(running.engine, running.uploads):
        yield


@pytest.fixture
def manhattan(running: RunningCity, data: Path) -> None:
    """The borough as a district without any plan, and its planners."""
    borough = geopandas.read_file(data / "nyc" / "borough.geojson").geometry.union_all()
    with transaction(running.engine) as session:
        session.add(Area(code="MNED", name="Manhattan", level="district", crs_epsg=32618, geom=stored(borough)))
        for person in (PLANNER, REVIEWER):
            add_user(session, person, role="planner", area="MNED", password_hash="x")


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def asked(running: RunningCity, path: str) -> Any:
    with running.api(PLANNER) as client:
        return client.get(path).json()


def grids(running: RunningCity, plan: str) -> dict[str, shapely.Geometry]:
    features = asked(running, f"/api/v1/plans/{plan}/grids")["features"]
    return {feature["properties"]["code"]: shape_of(feature["geometry"]) for feature in features}


def errors(running: RunningCity, plan: str) -> list[dict[str, Any]]:
    defects = asked(running, f"/api/v1/plans/{plan}/coverage")["defects"]
    return [defect for defect in defects if defect["severity"] != "warning"]


def imported(page: Page, file: Path) -> str:
    """Bring the file in over the page of imports, with the union of its own grids as the frame, and open the draft."""
    it(page, "imports-file").set_input_files(file)
    expect(it(page, "imports-field-code")).to_have_value("elect_dist", timeout=LONG_MS)
    it(page, "imports-frame").select_option("union")
    it(page, "imports-start").click()
    expect(it(page, "imports-counts")).to_contain_text(f"{GRIDS:,}", timeout=LONG_MS)
    it(page, "imports-open").click()
    page.wait_for_url(re.compile("/planner"))
    page.wait_for_selector(READY)
    found = re.search(r"plan=(\d+)", page.url)
    assert found
    return found[1]


def reviewed(page: Page) -> Locator:
    """The dialog of the proposed repair, opened at an overlap with a grid that only the repair can read."""
    overlap = page.locator('[data-kind="overlap"]', has_text="76206").first
    expect(overlap.locator("[data-fix]")).to_have_count(2)
    overlap.locator('[data-fix="repair"]').click()
    expect(it(page, "repair-apply")).to_be_enabled(timeout=LONG_MS)
    return it(page, "repair")


def decide_each(page: Page, dialog: Locator, *, but: str) -> int:
    """Decide about one overlap after the other, except one of the named grid; the number of decisions made.

    What comes of grids in several parts, asked here too, is left to the list of problems and to the form.
    """
    rows = dialog.locator("li").filter(has=page.locator("select"), has_not_text=but)
    asked_about = [str(select.get_attribute("data-decision")) for select in rows.locator("select").all()]
    ids = [id_ for id_ in asked_about if not id_.startswith("multipart/")]
    for id_ in ids:
        select = dialog.locator(f'select[data-decision="{id_}"]')
        options = select.locator("option").evaluate_all("options => options.map((option) => option.value)")
        select.select_option(next((one for one in ("cut_out", "longest_border") if one in options), options[1]))
    expect(it(page, "repair-apply")).to_be_enabled(timeout=LONG_MS)
    parts = dialog.locator('select[data-decision^="multipart/"]').count()
    expect(it(page, "repair-open")).to_have_attribute("data-open", str(1 + parts))
    return len(ids)


def without_added_nodes(shape: shapely.Geometry, before: shapely.Geometry) -> shapely.Geometry:
    """A polygon without those vertices that it did not have before."""
    known = set(map(tuple, shapely.get_coordinates(before).tolist()))

    def ring(one: shapely.LinearRing) -> list[tuple[float, ...]]:
        kept = [xy for xy in one.coords[:-1] if xy in known]
        return [*kept, kept[0]]

    parts = [
        shapely.Polygon(ring(part.exterior), [ring(hole) for hole in part.interiors])
        for part in shapely.get_parts(shape)
    ]
    return shapely.MultiPolygon(parts)


def give_by_its_button(page: Page, code: str) -> None:
    """The overlap that was left is settled in the list of problems."""
    overlap = page.locator('[data-kind="overlap"]')
    expect(overlap).to_have_count(1, timeout=LONG_MS)
    overlap.locator(f'[data-fix="{code}"]').click()
    expect(overlap).to_have_count(0)


def allow_parts_in_the_form(page: Page, hand: Hand, code: str, inside: shapely.Point) -> None:
    """Select a grid on the map and say in its form that it may have several parts."""
    hand.look_at((inside.x, inside.y), zoom=17).click((inside.x, inside.y))
    it(page, "grid-edit").click()
    expect(it(page, "grid-code")).to_have_value(code)
    it(page, "grid-parts").check()
    it(page, "grid-save").click()


def submitted(page: Page) -> None:
    expect(it(page, "planner-submit")).to_be_enabled()
    it(page, "planner-submit").click()
    it(page, "dialog").wait_for()
    for box in it(page, "warnings").locator("input").all():
        box.check()
    it(page, "dialog").locator("button.main").click()
    expect(page.locator("#plan-state")).to_contain_text("待审核", timeout=LONG_MS)


def published(visit: Visit, plan: str) -> None:
    """Another planner puts the plan into force."""
    page = visit(REVIEWER, f"/planner?plan={plan}")
    it(page, "planner-publish").click(timeout=LONG_MS)
    it(page, "dialog").locator("button.main").click()
    expect(page.locator("#plan-state")).to_contain_text("现行", timeout=LONG_MS)


def test_manhattans_election_districts_are_mended_by_hand_and_published(
    running: RunningCity, visit: Visit, worked: None, manhattan: None, data: Path
) -> None:
    began = time.monotonic()
    page = visit(PLANNER, "/imports")
    plan = imported(page, data / "nyc" / "election_districts_2013.geojson")
    hand = Hand(page, running, plan)
    expect(page.locator("#totals")).to_contain_text("处问题", timeout=LONG_MS)
    expect(it(page, "planner-submit")).to_be_disabled()
    before, found = grids(running, plan), errors(running, plan)
    kinds = Counter(defect["kind"] for defect in found)
    assert kinds["invalid"] == 7 and kinds["contained"] == 19 and kinds["overlap"] > 50, kinds

    number = decide_each(page, reviewed(page), but=LEFT)
    assert number > 50
    it(page, "repair-apply").click()
    give_by_its_button(page, f"MNED-{LEFT}")
    several = page.locator('[data-kind="multipart"]')
    errors_left = page.locator("#error-count")
    left = errors(running, plan)
    assert {defect["kind"] for defect in left} == {"multipart"}, left
    (first, *others) = sorted(code for defect in left for code in defect["codes"])
    largest = max(shapely.get_parts(grids(running, plan)[first]), key=lambda part: part.area)
    allow_parts_in_the_form(page, hand, first, largest.representative_point())
    for count in range(len(others), 0, -1):
        expect(several).to_have_count(count)
        several.first.locator("[data-fix]").first.click()
    expect(several).to_have_count(0)
    expect(errors_left).to_be_hidden()
    page.reload()
    page.wait_for_selector(READY)
    expect(page.locator("#totals")).to_contain_text("全覆盖，无缝隙", timeout=LONG_MS)
    submitted(page)
    published(visit, plan)

    took_s = time.monotonic() - began
    afresh, after = checked_afresh(running.engine, plan), grids(running, plan)
    assert afresh["ok"], afresh["defects"]
    assert len(after) == GRIDS and after.keys() == before.keys()
    named = {code for defect in found for code in defect["codes"]}
    untouched = before.keys() - named
    assert len(untouched) > 900
    for code in sorted(untouched):
        kept = without_added_nodes(after[code], before[code])
        assert shapely.to_wkb(kept.normalize()) == shapely.to_wkb(before[code].normalize()), code
    changed = sum(not shapely.equals_identical(after[code], before[code]) for code in before)
    print(f"Manhattan: {len(found)} errors, {number + 1} decisions, {changed} grids changed, {took_s:.1f} s")
