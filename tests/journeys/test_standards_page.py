"""An administrator takes in a standard sheet, is told what cannot be read, and everybody finds a condition in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from gis_api.pages import LANGUAGE_COOKIE
from layers import categories
from layers.db import transaction
from layers.standards.workbook import book_of
from migrations.demo.standard_sheet import make_sheet
from tests.gis_api.duty import put_on_duty
from tests.journeys.conftest import RunningCity, Visit
from tests.journeys.every_page import FAULTS, asked
from tests.layers.standards.test_workbooks import HEAD, LEAK, ROAD, workbook
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NOT_WIDER = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    good.write_bytes(book_of(make_sheet(), lang="zh-CN"))
    bad.write_bytes(workbook(HEAD, LEAK, (*ROAD[:4], "2-3小时", *ROAD[5:])))
    return good, bad


def test_a_sheet_is_checked_taken_in_searched_and_exported(
    running: RunningCity, visit: Visit, files: tuple[Path, Path]
) -> None:
    with transaction(running.engine) as session:
        categories.ensure_defaults(session)
    good, bad = files
    page = visit("admin", "/standards")
    expect(page.locator("[data-test=standards-empty]")).to_contain_text("还没有标准")
    page.locator("[data-test=standards-file]").set_input_files(bad)
    expect(page.locator("[data-test=standards-refused]")).to_contain_text("第 3 行，处置时限：看不懂时限“2-3小时”")
    expect(page.locator("[data-test=standards-take]")).to_be_disabled()
    page.locator("[data-test=standards-file]").set_input_files(good)
    expect(page.locator("[data-test=standards-said]")).to_contain_text("可以导入：173 个小类，416 个条件")
    page.locator("[data-test=standards-take]").click()
    expect(page.locator("[data-test=standards-said]")).to_contain_text("已存为第 1 版")
    expect(page.locator("[data-test=standards-count]")).to_contain_text("173")
    with page.expect_download() as download:
        page.locator("[data-test=standards-export]").click()
    assert download.value.suggested_filename == "standard-1.xlsx"
    page.locator("[data-test=standards-search]").fill("供水管道 爆裂")
    expect(page.locator("[data-code]")).to_have_count(1)
    expect(page.locator("[data-condition$='-3']")).to_contain_text("3个工作日")
    page.locator("[data-test=standards-search]").fill("没有这样的东西")
    expect(page.locator("[data-test=standards-empty]")).to_contain_text("没有符合的小类")


def test_a_desk_reads_it_in_english_on_a_phone_and_reports_with_a_condition(running: RunningCity, visit: Visit) -> None:
    put_on_duty(running.engine)
    english = {"name": LANGUAGE_COOKIE, "value": "en", "url": running.address}
    speaking = lambda context: context.add_cookies([english])  # noqa: E731
    page = visit("dispatcher", "/standards", width=390, height=844, before=speaking)
    expect(page.locator("[data-test=standards-count]")).to_contain_text("173 sub-classes shown")
    assert page.locator("#taking").count() == 0, "only an administrator takes one in"
    assert page.evaluate(NOT_WIDER)
    for width in (390, 920, 1440):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(FAULTS, asked("en", "admin", "dispatcher")) == []
    chinese = visit("dispatcher", "/standards", width=390)
    assert chinese.evaluate(FAULTS, asked("zh-CN", "admin", "dispatcher")) == []
    told = visit("dispatcher", "/report", width=390, before=speaking)
    told.wait_for_selector("[data-test=condition]")
    assert told.evaluate(FAULTS, asked("en", "admin", "dispatcher")) == []
    report = visit("dispatcher", "/report")
    lon, lat = running.city.inside(running.city.codes[0])
    form = report.locator("[data-test=report-form]")
    form.locator("[name=lon]").fill(str(lon))
    form.locator("[name=lat]").fill(str(lat))
    code = next(one.code for one in make_sheet().conditions if "先行围护止水" in one.case)
    form.locator("[name=condition]").fill(code)
    form.get_by_role("button", name="登记并派单").click()
    expect(report.locator("[data-test=reported]")).to_contain_text("已登记")

    def told() -> bool:
        with running.api("dispatcher") as client:
            newest = client.get("/api/v1/incidents?limit=1").json()["incidents"]
        return bool(newest) and newest[0]["condition"] == {"code": code, "standard": 1}

    until(told)
    with running.api("dispatcher") as client:
        case = client.get("/api/v1/incidents?limit=1").json()["incidents"][0]["id"]
    one = visit("dispatcher", f"/incidents/{case}")
    one.locator("[data-step=set_condition]").click()
    one.locator("[data-test=condition]").fill(code.replace("-1", "-2"))
    one.locator("[data-test=step-form] button[type=submit]").click()
    expect(one.locator("[data-test=timeline]")).to_contain_text("抢修恢复供水")
