"""Signing in, and what each role finds on its home page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from gis_api.routes.pages import CARDS
from layers.categories import Category
from layers.db import transaction
from tests.journeys.conftest import PASSWORD, READY, RunningCity, Watch

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
REFUSED = "console: Failed to load resource: the server responded with a status of 4"
# Whose cards stand on a page of their own.
HOMES = {"dispatcher": "/report"}
SIGN_IN = '[data-test="sign-in"]'


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def sign_in(page: Page, name: str, password: str) -> None:
    page.fill("input[name=name]", name)
    page.fill("input[name=password]", password)
    page.keyboard.press("Enter")


def test_a_wrong_password_is_told_and_a_right_one_leads_to_the_page_asked_for(visit: Visit, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    page = visit(None, "/heat", wait_for=SIGN_IN)
    sign_in(page, "leader", "wrong")
    expect(page.locator("#refusal")).to_have_text("用户名或密码不正确。")
    sign_in(page, "leader", PASSWORD)
    page.wait_for_selector(READY)
    assert page.url.endswith("/heat")


def test_a_person_changes_the_own_password_and_an_admin_gives_a_new_one(
    visit: Visit, watch: Watch, running: RunningCity
) -> None:
    watch.expected = (REFUSED,)
    page = visit("auditor", "/")
    it(page, "account").click()
    it(page, "change-password").click()
    dialog = it(page, "password-dialog")
    dialog.locator("[name=old]").fill("wrong")
    dialog.locator("[name=new]").fill("another horse entirely")
    dialog.locator("[name=again]").fill("another house")
    expect(dialog.get_by_role("alert")).to_have_text("两次输入的新密码不一致。")
    expect(dialog.locator("button.main")).to_be_disabled()
    dialog.locator("[name=again]").fill("another horse entirely")
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("当前密码不正确。")
    dialog.locator("[name=old]").fill(PASSWORD)
    dialog.locator("[name=new]").fill("another horse entirely")
    dialog.locator("[name=again]").fill("another horse entirely")
    page.keyboard.press("Enter")
    expect(it(page, "password-said")).to_be_visible()
    page.goto(f"{running.address}/")
    expect(it(page, "account")).to_be_visible()  # still signed in here
    admin = visit("admin", "/")
    row = it(admin, "users").locator("tr", has_text="auditor")
    row.get_by_role("button", name="重设密码").click()
    it(admin, "reset-dialog").locator("[name=password]").fill(PASSWORD)
    with admin.expect_response(lambda answer: answer.request.method == "PATCH" and answer.status == 200):
        admin.keyboard.press("Enter")
    expect(it(admin, "reset-dialog")).to_have_count(0)
    fresh = visit(None, "/", wait_for=SIGN_IN)
    sign_in(fresh, "auditor", PASSWORD)
    expect(it(fresh, "account")).to_be_visible()


def test_signing_out_ends_at_the_sign_in(visit: Visit) -> None:
    page = visit("leader", "/")
    it(page, "account").click()
    it(page, "sign-out").click()
    expect(it(page, "sign-in")).to_be_visible()


def test_the_language_is_chinese_until_english_is_chosen(visit: Visit) -> None:
    page = visit(None, "/", wait_for=SIGN_IN)
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    it(page, "language").click()
    expect(page.locator("h1")).to_have_text("Sign in to Wangge")
    sign_in(page, "planner", PASSWORD)
    page.wait_for_selector(READY)
    assert not re.search(r"[\u4e00-\u9fff]", page.locator("main h2").first.inner_text())
    it(page, "account").click()
    it(page, "language").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


@pytest.mark.parametrize("role", list(CARDS))
def test_every_card_of_a_home_is_filled_without_an_error(visit: Visit, role: str) -> None:
    page = visit(role, HOMES.get(role, "/"))
    for card in CARDS[role]:
        expect(it(page, f"home-{card}").locator(".skeleton")).to_have_count(0)
        expect(it(page, f"home-{card}").locator(".message.bad:visible")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440


@pytest.mark.parametrize("role", ["dispatcher", "worker", "admin", "auditor"])
def test_a_home_fits_a_phone(visit: Visit, role: str) -> None:
    page = visit(role, HOMES.get(role, "/"), width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_dispatcher_registers_an_incident_and_sees_who_goes_and_why(visit: Visit, running: RunningCity) -> None:
    with transaction(running.engine) as session:
        session.merge(Category(code="test_incident", name="跑水漏水", kind="incident", resident_derived=False))
    lon, lat = running.city.inside(running.city.codes[3])
    page = visit("dispatcher", "/report")
    form = it(page, "report-form")
    form.locator("[name=lon]").fill(f"{lon:.7f}")
    form.locator("[name=lat]").fill(f"{lat:.7f}")
    form.locator("[name=category]").select_option("test_incident")
    form.locator("[name=description]").fill("三单元楼道跑水")
    form.locator("button.main").click()
    expect(it(page, "reported")).to_contain_text("已登记")
    expect(it(page, "reported")).to_contain_text(running.city.codes[3][:15])
    expect(it(page, "incidents")).to_contain_text("三单元楼道跑水")


def test_a_trial_stores_nothing(visit: Visit, running: RunningCity) -> None:
    lon, lat = running.city.inside(running.city.codes[4])
    with transaction(running.engine) as session:
        session.merge(Category(code="test_incident", name="跑水漏水", kind="incident", resident_derived=False))
    page = visit("dispatcher", "/report")
    form = it(page, "report-form")
    form.locator("[name=lon]").fill(f"{lon:.7f}")
    form.locator("[name=lat]").fill(f"{lat:.7f}")
    form.locator("[name=description]").fill("只是试算")
    form.locator('button[value="try"]').click()
    expect(it(page, "reported")).to_contain_text("未保存")
    expect(it(page, "home-incidents")).not_to_contain_text("只是试算")


def test_a_place_is_looked_up_and_leads_to_the_page_of_its_grid(visit: Visit, running: RunningCity) -> None:
    code = running.city.codes[3]
    lon, lat = running.city.inside(code)
    page = visit("dispatcher", "/report")
    form = it(page, "locate-form")
    form.locator("[name=lon]").fill(f"{lon:.7f}")
    form.locator("[name=lat]").fill(f"{lat:.7f}")
    form.locator("button.main").click()
    expect(it(page, "located")).to_contain_text("在网格内")
    it(page, "located-grid").click()
    page.wait_for_selector(READY)
    expect(page.locator("#grid-place")).to_have_text(code[:15])


def test_a_swapped_position_is_refused_in_words(visit: Visit, watch: Watch, running: RunningCity) -> None:
    watch.expected = (REFUSED,)
    lon, lat = running.city.inside(running.city.codes[3])
    page = visit("dispatcher", "/report")
    form = it(page, "locate-form")
    form.locator("[name=lon]").fill(f"{lat:.5f}")
    form.locator("[name=lat]").fill(f"{lon:.5f}")
    form.locator("button.main").click()
    expect(it(page, "located").locator(".message.bad")).to_be_visible()


def test_a_grid_that_is_not_there_is_told(visit: Visit) -> None:
    page = visit("leader", "/grid/130273999999999", wait_for="#failed:not([hidden])")
    expect(page.locator("#failed")).to_contain_text("130273999999999")


def test_the_documentation_of_the_interface_needs_nobody_else(visit: Visit) -> None:
    page = visit("planner", "/api/v1/docs")
    expect(page.locator("#documentation")).to_contain_text("/api/v1/locate")


def test_an_admin_takes_in_the_calendar_of_a_year_and_a_wrong_line_stores_nothing(
    visit: Visit, running: RunningCity
) -> None:
    page = visit("admin", "/")
    card = it(page, "home-calendar")
    card.locator("input[type=number]").fill("2027")
    card.locator("input[type=number]").press("Tab")
    lines = card.locator("textarea")
    expect(card.locator('[data-date="2027-02-07"]')).to_have_class("rest")
    lines.fill("2027-01-01,休\n2027-02-30,休")
    card.locator("button.main").click()
    expect(it(page, "calendar-said")).to_contain_text("第 2 行")
    lines.fill("2027-01-01,休\n2027-02-07,班")
    card.locator("button.main").click()
    expect(it(page, "calendar-said")).to_contain_text("已导入 2 天")
    expect(card.locator('[data-date="2027-01-01"]')).to_have_class("off")
    expect(card.locator('[data-date="2027-02-07"]')).to_have_class("made")
    with running.api("admin") as client:
        told = client.get("/api/v1/calendar/2027").json()
    assert (told["days_off"], [one["date"] for one in told["work_days"]]) == (["2027-01-01"], ["2027-02-07"])


def test_an_admin_writes_a_run_card_and_what_means_nothing_is_told(
    visit: Visit, running: RunningCity, watch: Watch
) -> None:
    watch.expected = ("status of 422",)
    page = visit("admin", "/language?to=en&next=/", width=390, height=844)
    card = it(page, "home-run_cards")
    form = card.locator('[data-test="run-card-form"]')
    expect(card).to_contain_text("No run cards yet")
    form.locator('[name="urgency"]').select_option("critical")
    form.locator('[name="since"]').fill("22:00")
    form.locator('[data-level="1"] [name="grid_worker"]').fill("2")
    form.locator("button.main").click()
    expect(it(page, "run-cards-said")).to_contain_text("Hours need a beginning and another end")
    form.locator('[name="until"]').fill("06:00")
    it(page, "run-card-level").click()
    form.locator('[data-level="2"] [name="patrol_team"]').fill("1")
    form.locator("button.main").click()
    expect(it(page, "run-cards")).to_contain_text("all categories · critical · 22:00–06:00")
    expect(it(page, "run-cards")).to_contain_text("Patrol team 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with running.api("admin") as client:
        [told] = client.get("/api/v1/settings/run-cards").json()["cards"]
        wanted = [[{"role": "grid_worker", "people": 2}], [{"role": "patrol_team", "people": 1}]]
        assert (told["urgency"], told["since"], told["levels"]) == ("critical", "22:00", wanted)
    it(page, "run-card-drop").click()
    expect(card).to_contain_text("No run cards yet")
