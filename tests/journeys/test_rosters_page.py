"""The roster page: a week of an area, what a change brings before it is saved, a spreadsheet, the keyboard, a phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import delete

from layers.db import transaction
from layers.shifts import Shift, ShiftException, ShiftTemplate
from tests.journeys.conftest import RunningCity, Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
# A week that no clock reaches while this is maintained, and none of the past.
WEEK = "2027-03-01"
REFUSED = "console: Failed to load resource: the server responded with a status of 4"


@pytest.fixture(autouse=True)
def empty_roster(running: RunningCity) -> None:
    with transaction(running.engine) as session:
        for table in (Shift, ShiftException, ShiftTemplate):
            session.execute(delete(table))


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def cell(page: Page, worker: str, day: str) -> Locator:
    return page.locator(f'[data-worker="{worker}"] [data-day="{day}"]')


def community_of(running: RunningCity) -> tuple[str, str, str]:
    """A community, and two workers of it."""
    city = running.city
    code = city.codes[0][:12]
    one, other = [city.worker_of[grid] for grid in city.codes if grid.startswith(code)][:2]
    return code, one, other


def test_a_week_a_leave_and_what_they_bring_are_seen_before_they_are_saved(visit: Visit, running: RunningCity) -> None:
    community, one, other = community_of(running)
    page = visit("planner", f"/rosters?area={running.city.district}&week={WEEK}")
    expect(it(page, "rosters-gaps")).to_contain_text(community)
    cell(page, one, WEEK).click()
    dialog = it(page, "roster-dialog")
    dialog.get_by_label("每周班次", exact=True).check()
    dialog.locator("[name=from]").fill("22:00")
    dialog.locator("[name=to]").fill("06:00")
    expect(it(page, "roster-outcome")).to_contain_text("不会新增缺岗")
    dialog.locator("button.main").click()
    expect(it(page, "rosters-said")).to_contain_text("已保存")
    expect(cell(page, one, WEEK)).to_contain_text("22:00–24:00")
    expect(cell(page, one, "2027-03-02")).to_contain_text("00:00–06:00")
    expect(cell(page, one, "2027-03-07")).to_contain_text("无班")
    expect(cell(page, one, WEEK)).to_be_focused()
    # By the keyboard alone: to the next day, a leave there, with the gap that it brings.
    page.keyboard.press("ArrowRight")
    expect(cell(page, one, "2027-03-02")).to_be_focused()
    page.keyboard.press("Enter")
    dialog.locator("[name=start]").fill("2027-03-02T20:00")
    dialog.locator("[name=end]").fill("2027-03-03T08:00")
    expect(it(page, "roster-outcome")).to_contain_text("新增缺岗")
    expect(it(page, "roster-outcome")).to_contain_text("2027-03-02 22:00")
    dialog.locator("[name=substitute]").fill(other)
    expect(it(page, "roster-outcome")).to_contain_text("不会新增缺岗")
    dialog.locator("button.main").click()
    expect(cell(page, one, "2027-03-02")).to_contain_text(f"{other} 替班")
    expect(cell(page, other, "2027-03-02")).to_contain_text("22:00–24:00")
    with running.api("planner") as client:
        at = {"at": "2027-03-02T23:00:00+08:00"}
        assert [row["worker"] for row in client.get("/api/v1/on-duty", params=at).json()["workers"]] == [other]
    cell(page, one, "2027-03-02").click()
    dialog.get_by_label("撤销").check()
    expect(dialog.locator("button.main")).to_be_enabled()
    dialog.locator("button.main").click()
    expect(cell(page, one, "2027-03-02")).to_contain_text("22:00–24:00")


def test_who_would_have_more_than_others_is_told_before_it_is_saved(visit: Visit, running: RunningCity) -> None:
    _, one, _ = community_of(running)
    office = {"weekdays": [1, 2, 3, 4, 5], "from": "09:00", "to": "17:00", "first_day": WEEK}
    everybody = [{"worker": number, **office} for number in running.city.worker_of.values() if number != one]
    with running.api("planner") as client:
        assert client.post("/api/v1/shifts/templates", json={"templates": everybody}).status_code == 201
    page = visit("planner", f"/rosters?area={running.city.district}&week={WEEK}")
    expect(page.locator(f'[data-worker="{one}"] .person')).to_contain_text("比同岗位少")
    cell(page, one, WEEK).click()
    dialog = it(page, "roster-dialog")
    dialog.get_by_label("每周班次", exact=True).check()
    dialog.get_by_label("六", exact=True).check()
    dialog.get_by_label("日", exact=True).check()
    dialog.locator("[name=from]").fill("22:00")
    dialog.locator("[name=to]").fill("06:00")
    expect(it(page, "roster-unfair")).to_contain_text("106 小时，是同岗位的 1.325 倍")


def test_a_substitute_who_is_nobody_is_refused_in_the_dialog(visit: Visit, running: RunningCity, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    _, one, _ = community_of(running)
    page = visit("dispatcher", f"/rosters?area={running.city.district}&week={WEEK}")
    cell(page, one, WEEK).click()
    dialog = it(page, "roster-dialog")
    dialog.locator("[name=substitute]").fill("nobody")
    expect(it(page, "roster-outcome")).to_contain_text("nobody")
    expect(dialog.locator("button.main")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_spreadsheet_with_rows_over_each_other_is_refused_by_their_numbers_and_a_good_one_taken(
    visit: Visit, running: RunningCity
) -> None:
    _, one, other = community_of(running)
    page = visit("planner", f"/rosters?area={running.city.district}&week={WEEK}")
    row = f"{one},extra,2027/3/1 22:00,2027/3/2 6:00"
    twice = f"worker,kind,start,end\n{row}\n{other},leave,2027/3/1 8:00,2027/3/1 9:00\n{row}\n"
    file = it(page, "rosters-file")
    file.set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": twice.encode()})
    expect(it(page, "rosters-refused")).to_contain_text("第 3 行")
    expect(it(page, "rosters-refused")).to_contain_text("第 1 行")
    expect(it(page, "rosters-take")).to_be_disabled()
    once = f"worker,kind,start,end\n{row}\n"
    file.set_input_files({"name": "b.csv", "mimeType": "text/csv", "buffer": once.encode()})
    expect(it(page, "rosters-taken")).to_contain_text("1 行都可以导入")
    it(page, "rosters-take").click()
    expect(cell(page, one, WEEK)).to_contain_text("22:00–24:00")
    expect(cell(page, one, WEEK)).to_contain_text("加班")


def test_it_fits_a_phone_in_english_and_a_leader_only_reads(visit: Visit, running: RunningCity) -> None:
    english = {"name": "lang", "value": "en", "url": running.address}
    path = f"/rosters?area={running.city.district}&week={WEEK}"
    page = visit("leader", path, width=390, height=844, before=lambda context: context.add_cookies([english]))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert it(page, "rosters-taking").count() == 0
    assert page.locator("button.cell").count() == 0
    expect(it(page, "rosters-table")).to_contain_text("free")
    it(page, "rosters-later").click()
    expect(it(page, "rosters-week")).to_contain_text("2027-03-08")
    page.go_back()
    expect(it(page, "rosters-week")).to_contain_text("2027-03-01")
