"""Dispatcher, worker, department, admin and auditor do their work on their home pages, with a real mouse."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sqlalchemy import select

from layers.access import User
from layers.db import transaction
from layers.workers import Worker
from tests.gis_api.duty import put_on_duty
from tests.journeys.conftest import PASSWORD, READY, RunningCity, Watch
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
# A step is answered in milliseconds; a machine that runs other tests beside this one takes seconds.
SOON_MS = 20_000
REFUSED = "console: Failed to load resource: the server responded with a status of 4"


@pytest.fixture(scope="module")
def on_duty(running: RunningCity) -> RunningCity:
    """The city with everybody at work; `worker` signs in as the one in charge of the first tile."""
    put_on_duty(running.engine)
    number = running.city.worker_of[running.city.codes[0]]
    with transaction(running.engine) as session:
        session.get_one(User, "worker").worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
    # The service reads anew who is at work once a second at most.
    lon, lat = running.city.inside(running.city.codes[0])
    with running.api("dispatcher") as client:
        asked = {"lon": lon, "lat": lat, "datum": "wgs84"}
        nearest = partial(client.get, "/api/v1/workers/nearest", params=asked)
        until(lambda: any(one["on_duty"] for one in nearest().json()["candidates"]), most_s=20.0)
    return running


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def report(running: RunningCity, code: str, description: str, *, category: str = "sanitation") -> str:
    lon, lat = running.city.inside(code)
    body = {"lon": lon, "lat": lat, "datum": "wgs84", "category": category, "description": description}
    with running.api("dispatcher") as client:
        answer = client.post("/api/v1/incidents", json=body, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def fill_report(page: Page, place: tuple[float, float], description: str, *, category: str = "sanitation") -> Locator:
    form = it(page, "report-form")
    form.locator("[name=lon]").fill(f"{place[0]:.7f}")
    form.locator("[name=lat]").fill(f"{place[1]:.7f}")
    form.locator("[name=category]").select_option(category)
    form.locator("[name=description]").fill(description)
    return form


def test_a_click_on_the_dispatchers_map_fills_in_the_place(visit: Visit, on_duty: RunningCity) -> None:
    page = visit("dispatcher", "/report")
    page.locator("#map_main").click()
    form = it(page, "report-form")
    lon, lat = (float(form.locator(f"[name={name}]").input_value()) for name in ("lon", "lat"))
    with on_duty.api("dispatcher") as client:
        found = client.get("/api/v1/locate", params={"lon": lon, "lat": lat, "datum": "wgs84"}).json()
    assert found["relation"] in ("inside", "border")
    expect(page.locator("#map_main")).to_have_attribute("data-code", found["grid"]["code"])
    assert it(page, "locate-form").locator("[name=lon]").input_value() == f"{lon:.7f}"


def test_a_dispatcher_sees_who_was_sent_and_why_and_follows_the_case_to_its_end(
    visit: Visit, on_duty: RunningCity
) -> None:
    code = on_duty.city.codes[2]
    page = visit("dispatcher", "/report")
    fill_report(page, on_duty.city.inside(code), "井盖松动").locator("button.main").click()
    expect(it(page, "reported")).to_contain_text("为什么派给", timeout=SOON_MS)
    expect(it(page, "reported")).to_contain_text(re.compile("负责本(子)?网格"))
    expect(page.locator("#map_main")).to_have_attribute("data-code", code[:15])
    case = page.locator("[data-incident]").filter(has_text="井盖松动")
    case.locator("summary").click()
    expect(case.locator('[data-test="timeline"] li')).to_have_count(3)
    expect(case.locator('[data-test="timeline"]')).to_contain_text("系统自动")
    for step, state in [
        *(("accept", "已接单"), ("arrive", "已到场"), ("handle", "已处置")),
        *(("verify", "已核实"), ("feed_back", "已反馈"), ("close", "已结案")),
    ]:
        case.locator(f'button.main[data-step="{step}"]').click()
        expect(case).to_contain_text(f"{state} ·", timeout=SOON_MS)
    expect(case.locator('[data-test="timeline"] li')).to_have_count(9)


def test_a_worker_accepts_arrives_and_handles_an_own_task(visit: Visit, on_duty: RunningCity) -> None:
    mine, other = (on_duty.city.codes[at] for at in (0, -1))
    report(on_duty, mine, "楼道堆物")
    report(on_duty, other, "别人的任务")
    page = visit("worker", "/", width=390, height=844)
    task = it(page, "home-tasks").locator("li").filter(has_text="楼道堆物")
    expect(it(page, "home-tasks")).not_to_contain_text("别人的任务")
    for step in ("accept", "arrive", "handle"):
        task.locator(f'.main[data-step="{step}"]').click()
    task.locator('.main[data-step="verify"]').click()
    expect(task.locator('[data-test="step-said"]')).to_contain_text("无法取得您的位置")
    expect(task).to_contain_text("已处置")


def at_place(place: tuple[float, float]) -> Callable[[BrowserContext], None]:
    """A device that knows where it is."""

    def before(context: BrowserContext) -> None:
        context.grant_permissions(["geolocation"])
        context.set_geolocation({"longitude": place[0], "latitude": place[1], "accuracy": 12})

    return before


def fill_step(case: Locator, step: str, **fields: str) -> None:
    case.locator(f'[data-step="{step}"]').last.click()
    form = case.locator('[data-test="step-form"]')
    for name, value in fields.items():
        entry = form.locator(f"[name={name}]")
        if entry.evaluate("one => one.tagName") == "SELECT":
            entry.select_option(value)
        else:
            entry.fill(value)
    form.locator("button.main").click()


def test_the_vendor_on_the_road_goes_from_the_worker_over_the_desk_and_a_department_back_to_the_worker(
    visit: Visit, watch: Watch, on_duty: RunningCity
) -> None:
    watch.expected = (REFUSED,)
    place = on_duty.city.inside(on_duty.city.codes[0])
    phone = visit("worker", "/", width=390, height=844, before=at_place(place))
    fill_report(phone, place, "路口占道经营", category="street_vending").locator("button.main").click()
    mine = it(phone, "home-tasks").locator("li").filter(has_text="路口占道经营")
    mine.locator("summary").click()
    fill_step(mine, "hand_up", note="须由城管处理")
    expect(mine).to_contain_text("已上交上级", timeout=SOON_MS)

    centre = visit("dispatcher", "/report")
    centre.locator('[data-chip="waiting"]').click()
    queued = centre.locator("[data-incident]").filter(has_text="路口占道经营")
    queued.locator("summary").click()
    expect(queued.locator('[data-test="caller"]')).to_contain_text("网格人员")
    fill_step(queued, "dispatch", unit="urban_management")
    expect(queued).to_contain_text("已派单 ·", timeout=SOON_MS)

    inspection = visit("unit", "/")
    given = it(inspection, "home-tasks").locator("li").filter(has_text="路口占道经营")
    for step in ("accept", "arrive", "handle"):
        given.locator(f'.main[data-step="{step}"]').click()
    expect(it(inspection, "home-tasks")).not_to_contain_text("路口占道经营", timeout=SOON_MS)

    phone.context.set_geolocation({"longitude": place[0] + 0.02, "latitude": place[1], "accuracy": 12})
    phone.reload()
    phone.wait_for_selector(READY)
    mine.locator('.main[data-step="verify"]').click()
    expect(mine.locator('[data-test="step-said"]')).to_contain_text("须在现场办理", timeout=SOON_MS)
    phone.context.set_geolocation({"longitude": place[0], "latitude": place[1], "accuracy": 12})
    mine.locator('.main[data-step="verify"]').click()
    expect(mine).to_contain_text("已核实 ·", timeout=SOON_MS)

    centre.locator('[data-chip="living"]').click()
    expect(queued.locator('[data-test="timeline"]')).to_contain_text("现场定位")
    for step, state in (("feed_back", "已反馈"), ("close", "已结案")):
        queued.locator(f'.main[data-step="{step}"]').click()
        expect(queued).to_contain_text(f"{state} ·", timeout=SOON_MS)
    centre.locator('[data-chip="ended"]').click()
    expect(it(centre, "incidents")).to_contain_text("路口占道经营")


def test_a_step_without_a_connection_is_kept_and_sent_when_there_is_one(
    visit: Visit, watch: Watch, on_duty: RunningCity
) -> None:
    watch.expected = ("ERR_INTERNET_DISCONNECTED",)
    case = report(on_duty, on_duty.city.codes[0], "断网接单")
    phone = visit("worker", "/", width=390, height=844)
    task = it(phone, "home-tasks").locator("li").filter(has_text="断网接单")
    phone.context.set_offline(True)
    task.locator('.main[data-step="accept"]').click()
    expect(task.locator('[data-test="step-said"]')).to_contain_text("已保存在本机")
    expect(it(phone, "unsent")).to_contain_text("1 项尚未发送")
    phone.context.set_offline(False)
    expect(it(phone, "unsent")).to_be_hidden(timeout=15_000)
    expect(task).to_contain_text("已接单 ·")
    with on_duty.api("dispatcher") as client:
        steps = [line["step"] for line in client.get(f"/api/v1/incidents/{case}").json()["timeline"]]
    assert steps.count("accept") == 1


def test_who_calls_is_entered_and_seen_by_those_who_answer_back(visit: Visit, on_duty: RunningCity) -> None:
    page = visit("dispatcher", "/report")
    form = fill_report(page, on_duty.city.inside(on_duty.city.codes[5]), "漏水来电")
    form.locator("[name=caller]").fill("王五<b>")
    form.locator("[name=phone]").fill("13900001234")
    form.locator("button.main").click()
    case = page.locator("[data-incident]").filter(has_text="漏水来电")
    case.locator("summary").click()
    expect(case.locator('[data-test="caller"]')).to_have_text("居民 · 王五<b> · 13900001234")


def test_a_department_handles_a_case_of_its_own(visit: Visit, on_duty: RunningCity) -> None:
    case = report(on_duty, on_duty.city.codes[3], "路灯不亮", category="facility")
    with on_duty.api("dispatcher") as client:
        for step in ("accept", "arrive"):
            assert client.post(f"/api/v1/incidents/{case}/steps", json={"step": step}).status_code == 200
    page = visit("unit", "/")
    task = it(page, "home-tasks").locator("li").filter(has_text="路灯不亮")
    task.locator('[data-step="handle"]').click()
    expect(it(page, "home-tasks")).not_to_contain_text("路灯不亮", timeout=SOON_MS)


def test_an_admin_adds_a_person_who_can_sign_in_and_locks_the_account_again(visit: Visit, watch: Watch) -> None:
    watch.expected = (REFUSED,)  # whose account is locked while their page is open asks once more
    page = visit("admin", "/")
    form = it(page, "user-form")
    form.locator("[name=name]").fill("值班员<b>乙</b>")
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button.main").click()
    expect(it(page, "user-said")).to_contain_text("已新增 值班员<b>乙</b>")
    guest = visit(None, "/", wait_for='[data-test="sign-in"]')
    guest.fill("input[name=name]", "值班员<b>乙</b>")
    guest.fill("input[name=password]", PASSWORD)
    guest.keyboard.press("Enter")
    guest.wait_for_selector(READY)
    row = it(page, "users").locator("tr").filter(has_text="值班员<b>乙</b>")
    row.get_by_role("button", name="停用").click()
    expect(row).to_contain_text("已停用")


def test_an_admin_ties_an_account_to_a_staff_number_and_the_worker_has_tasks(
    visit: Visit, watch: Watch, on_duty: RunningCity
) -> None:
    """With the form of a new account, and afterwards in the list; a number that nobody has is refused in words."""
    watch.expected = (REFUSED,)
    code = on_duty.city.codes[5]
    report(on_duty, code, "树枝挡路")
    page = visit("admin", "/")
    form = it(page, "user-form")
    form.locator("[name=name]").fill("网格员丙")
    form.locator("[name=role]").select_option("worker")
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("[name=worker]").fill("没有这个工号")
    form.locator("button.main").click()
    expect(it(page, "user-said").locator(".message.bad")).to_have_text("没有在册人员 没有这个工号。", timeout=30_000)
    form.locator("[name=worker]").fill("")
    form.locator("button.main").click()
    entry = it(page, "users").locator("tr").filter(has_text="网格员丙").locator("[name=worker]")
    # To hash a password takes a while.
    expect(entry).to_have_attribute("placeholder", "未绑定，无任务", timeout=30_000)
    entry.fill(on_duty.city.worker_of[code])
    entry.press("Enter")
    expect(it(page, "user-said")).to_be_empty(timeout=30_000)
    page.reload()
    page.wait_for_selector(READY)
    expect(entry).to_have_value(on_duty.city.worker_of[code])
    phone = visit(None, "/", wait_for='[data-test="sign-in"]', width=390, height=844)
    phone.fill("input[name=name]", "网格员丙")
    phone.fill("input[name=password]", PASSWORD)
    phone.keyboard.press("Enter")
    phone.wait_for_selector(READY)
    expect(it(phone, "home-tasks")).to_contain_text("树枝挡路")


def test_a_name_that_is_taken_is_refused_in_words(visit: Visit, watch: Watch) -> None:
    watch.expected = (REFUSED,)
    page = visit("admin", "/")
    form = it(page, "user-form")
    form.locator("[name=name]").fill("planner")
    form.locator("[name=password]").fill(PASSWORD)
    form.locator("button.main").click()
    expect(it(page, "user-said")).to_contain_text("已被使用")


def test_a_key_is_shown_once_works_and_can_be_revoked(visit: Visit, running: RunningCity) -> None:
    page = visit("admin", "/")
    form = it(page, "key-form")
    form.locator("[name=name]").fill("12345 热线")
    form.locator("[name=datum]").select_option("gcj02")
    form.locator("button.main").click()
    key = it(page, "fresh-key").inner_text()
    with running.api("admin") as client:
        client.cookies.clear()
        headers = {"authorization": f"Bearer {key}", "cookie": ""}
        # A new key is known to every process soon, not at once.
        until(lambda: client.get("/api/v1/categories", headers=headers).status_code == 200)
    it(page, "keys").locator("tr").filter(has_text="12345 热线").get_by_role("button", name="吊销").click()
    expect(it(page, "keys")).not_to_contain_text("12345 热线")
    page.reload()
    page.wait_for_selector(READY)
    expect(it(page, "fresh-key")).to_have_count(0)


def test_an_auditor_reads_what_was_done_and_checks_the_chain(visit: Visit, running: RunningCity) -> None:
    running.new_draft()
    page = visit("auditor", "/")
    expect(it(page, "history")).to_contain_text("新建草案")
    it(page, "check-chain").click()
    expect(it(page, "chain")).to_contain_text("记录链完整")


def test_a_lost_connection_keeps_the_report_and_its_repetition_makes_one_incident(
    visit: Visit, watch: Watch, on_duty: RunningCity
) -> None:
    watch.expected = ("ERR_INTERNET_DISCONNECTED",)
    page = visit("dispatcher", "/report")
    form = fill_report(page, on_duty.city.inside(on_duty.city.codes[4]), "断网时登记")
    page.context.set_offline(True)
    form.locator("button.main").click()
    expect(it(page, "reported").locator(".message.bad")).to_be_visible()
    expect(page.locator("#lost")).to_be_visible()
    page.context.set_offline(False)
    form.locator("button.main").click()
    expect(it(page, "reported")).to_contain_text("已登记")
    expect(page.locator("[data-incident]").filter(has_text="断网时登记")).to_have_count(1)


@pytest.mark.parametrize("path", ["/", "/heat", "/planner"])
def test_the_keyboard_reaches_the_controls_and_its_focus_is_seen(visit: Visit, path: str) -> None:
    page = visit("planner", path)
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        outline = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return e === document.body ? null : `${s.outlineStyle} ${s.outlineWidth}`; }"
        )
        seen += [outline] if outline else []  # behind the last control lies the page itself
    assert len(seen) >= 6
    assert set(seen) == {"solid 3px"}
