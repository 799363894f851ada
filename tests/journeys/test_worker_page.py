"""The phone page of a worker: tasks and reports with a photo, with a line and without one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import Range

from layers.assignments import Assignment
from layers.db import transaction
from layers.dispatching import tell_silent
from layers.photos import Photo
from layers.workers import Worker
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.journeys.test_centre_page import it, on_duty, report
from tests.journeys.test_screenshots import keep
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
__all__ = ["on_duty"]
PHONE = {"width": 390, "height": 844}
WITHOUT_LINE = ("net::ERR", "Failed to fetch", "ConnectionLost")


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (3000, 2000), "teal").save(out, "JPEG")
    return out.getvalue()


def shot(name: str = "a.jpg", content: bytes | None = None) -> dict[str, Any]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": photo() if content is None else content}


def standing(running: RunningCity, code: str) -> Callable[[BrowserContext], None]:
    """A phone that knows that it is in this grid."""
    lon, lat = running.city.inside(code)

    def prepare(context: BrowserContext) -> None:
        context.grant_permissions(["geolocation"], origin=running.address)
        context.set_geolocation({"longitude": lon, "latitude": lat, "accuracy": 12})

    return prepare


def handled_report(running: RunningCity) -> str:
    """A case that the worker has reported, done by whoever it fell to: it waits for the worker's look."""
    lon, lat = running.city.inside(running.city.codes[0])
    told = {"lon": lon, "lat": lat, "datum": "wgs84", "category": "sanitation", "description": "等我核实的垃圾"}
    with running.api("worker") as client:
        answer = client.post("/api/v1/incidents", json=told, headers={"Idempotency-Key": uuid4().hex})
        assert answer.status_code == 201, answer.text
        case = str(answer.json()["id"])
    with running.api("dispatcher") as client:
        for step in ("accept", "arrive", "handle"):
            assert client.post(f"/api/v1/incidents/{case}/steps", json={"step": step}).status_code == 200
    return case


def accepted_task(running: RunningCity) -> str:
    """A call from the worker's ground that they have taken."""
    case = report(running, running.city.codes[0], "井盖松动")
    with running.api("worker") as client:
        assert client.post(f"/api/v1/incidents/{case}/steps", json={"step": "accept"}).status_code == 200
    return case


@contextmanager
def later(running: RunningCity, by: timedelta) -> Iterator[None]:
    """The service's clock is so much later: what a phone did without a line is that old when it arrives."""
    usual = getattr(running.state, "clock", None)
    running.state.clock = lambda: datetime.now(UTC) + by
    try:
        yield
    finally:
        running.state.clock = usual


def test_ten_minutes_without_a_line_lose_nothing(visit: Visit, on_duty: RunningCity, watch: Watch) -> None:
    watch.expected = WITHOUT_LINE
    case, own = handled_report(on_duty), accepted_task(on_duty)
    page = visit("worker", "/worker", **PHONE, before=standing(on_duty, on_duty.city.codes[0]))
    page.wait_for_selector("main[data-offline=ready]")
    page.context.set_offline(True)
    page.reload()  # a phone that was in the pocket: the page itself comes from the phone
    page.wait_for_selector(READY)
    expect(it(page, "line")).to_contain_text("无网络")
    form = it(page, "report-form")
    form.locator("[name=description]").fill("路灯不亮")
    it(page, "shot-file").set_input_files(shot())
    expect(it(page, "shots").locator("canvas")).to_have_count(1)
    form.locator("button.main").click()
    expect(it(page, "kept")).to_contain_text("已保存在本机")
    task = page.locator(f'[data-incident="{case}"]')
    task.locator('[data-step="verify"]').click()
    expect(task).to_contain_text("已核实")
    task = page.locator(f'[data-incident="{own}"]')
    for step, words in (("arrive", "已到场"), ("handle", "已处置"), ("verify", "已核实")):
        task.locator(f'[data-step="{step}"]').click()
        expect(task).to_contain_text(words)
    task.locator('[data-test="task-shot"]').set_input_files(shot())
    expect(it(page, "unsent")).to_contain_text("7 项尚未发送")
    keep(page, "story-offline.png")
    page.reload()  # and the phone was off in between
    page.wait_for_selector(READY)
    expect(it(page, "unsent")).to_contain_text("7 项尚未发送")
    expect(page.locator(f'[data-incident="{case}"]')).to_contain_text("已核实")
    with later(on_duty, timedelta(minutes=10)):
        page.context.set_offline(False)
        expect(it(page, "unsent")).to_be_hidden()
    expect(it(page, "line")).to_contain_text("已联网")
    with on_duty.api("worker") as client:
        told = [client.get(f"/api/v1/incidents/{one}").json() for one in (case, own)]
        assert [one["state"] for one in told] == ["verified", "verified"]
        assert [one["kind"] for one in told[1]["photos"]] == ["after"]
        # Sent ten minutes later by the service's clock, and judged by when they were pressed.
        lines = [line for line in told[1]["timeline"] if line["step"] in ("arrive", "handle", "verify")]
        moments = [(datetime.fromisoformat(line["at"]), datetime.fromisoformat(line["taken_at"])) for line in lines]
        assert all(at - pressed > timedelta(minutes=9) for at, pressed in moments)
        [made] = [
            one for one in client.get("/api/v1/incidents?mine=true").json()["incidents"] if "路灯" in one["description"]
        ]
    with transaction(on_duty.engine) as session:
        [kept] = session.scalars(select(Photo).where(Photo.incident_id == int(made["id"]))).all()
        lon, lat = on_duty.city.inside(on_duty.city.codes[0])
        assert (kept.taken_lon, kept.taken_lat) == (pytest.approx(lon), pytest.approx(lat))
        assert kept.taken_at is not None and (kept.width, kept.height) == (2048, 1365)


def test_what_is_refused_later_stays_until_it_was_looked_at(visit: Visit, on_duty: RunningCity, watch: Watch) -> None:
    watch.expected = (*WITHOUT_LINE, "status of 422")
    page = visit("worker", "/worker", **PHONE, before=standing(on_duty, on_duty.city.codes[0]))
    page.wait_for_selector("main[data-offline=ready]")
    page.context.set_offline(True)
    expect(it(page, "line")).to_contain_text("无网络")
    form = it(page, "report-form")
    form.locator("[name=description]").fill("远在海外")
    it(page, "by-hand").locator("summary").click()
    form.locator("[name=lon]").fill("12.5")
    form.locator("[name=lat]").fill("41.9")
    form.locator("button.main").click()
    expect(it(page, "unsent")).to_contain_text("1 项尚未发送")
    page.context.set_offline(False)
    expect(it(page, "refused")).to_contain_text("远在海外")
    page.reload()
    page.wait_for_selector(READY)
    expect(it(page, "refused")).to_contain_text("远在海外")
    it(page, "refused-drop").click()
    expect(it(page, "unsent")).to_be_hidden()


def test_what_is_being_typed_stays_when_the_line_comes_back(visit: Visit, on_duty: RunningCity, watch: Watch) -> None:
    watch.expected = WITHOUT_LINE
    own = accepted_task(on_duty)
    page = visit("worker", "/worker", **PHONE, before=standing(on_duty, on_duty.city.codes[0]))
    page.wait_for_selector("main[data-offline=ready]")
    page.context.set_offline(True)
    expect(it(page, "line")).to_contain_text("无网络")
    task = page.locator(f'[data-incident="{own}"]')
    task.locator('[data-step="note"]').click()
    task.locator("textarea").fill("井盖型号")
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_be_hidden()
    expect(task.locator("textarea")).to_have_value("井盖型号")
    task.locator('form button[type="submit"]').click()
    expect(task.locator("form")).to_have_count(0)
    with on_duty.api("worker") as client:
        assert "井盖型号" in client.get(f"/api/v1/incidents/{own}").text


def test_a_phone_can_install_it_and_has_it_in_both_languages(visit: Visit, on_duty: RunningCity) -> None:
    page = visit("worker", "/worker", **PHONE)
    page.wait_for_selector("main[data-offline=ready]")
    manifest = page.request.get(f"{on_duty.address}/worker.webmanifest?lang=en").json()
    assert (manifest["start_url"], manifest["scope"], manifest["name"]) == ("/worker", "/worker", "Worker’s phone")
    for icon in manifest["icons"]:
        assert page.request.get(on_duty.address + icon["src"]).ok
    asked = page.context.new_cdp_session(page)
    assert asked.send("Page.getAppManifest")["errors"] == []
    assert asked.send("Page.getInstallabilityErrors")["installabilityErrors"] in (
        [],
        [{"errorId": "in-incognito", "errorArguments": []}],
    )
    scope = page.evaluate("navigator.serviceWorker.ready.then((one) => one.scope)")
    assert scope == f"{on_duty.address}/worker"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_whoever_signs_out_leaves_no_page_behind(visit: Visit, on_duty: RunningCity, watch: Watch) -> None:
    watch.expected = ("status of 401",)
    page = visit("worker", "/worker", **PHONE)
    page.wait_for_selector("main[data-offline=ready]")
    assert page.evaluate("caches.open('wangge-page').then((one) => one.match('/worker')).then(Boolean)")
    it(page, "account").click()
    it(page, "sign-out").click()
    expect(it(page, "sign-in")).to_be_visible()
    until(lambda: not page.evaluate("caches.has('wangge-page')"), most_s=10)
    page.goto(f"{on_duty.address}/worker")
    expect(it(page, "sign-in")).to_be_visible()


def test_a_file_that_is_no_picture_is_told_before_it_is_sent(visit: Visit, on_duty: RunningCity) -> None:
    page = visit("worker", "/worker", **PHONE, before=standing(on_duty, on_duty.city.codes[0]))
    it(page, "shot-file").set_input_files(shot("script.jpg", b"<script>alert(1)</script>"))
    expect(it(page, "report-form")).to_contain_text("script.jpg 不是可用的照片")
    expect(it(page, "shots").locator("canvas")).to_have_count(0)


def test_the_phone_sends_where_it_is_while_on_duty_and_shows_the_own_way(visit: Visit, on_duty: RunningCity) -> None:
    lon, lat = on_duty.city.inside(on_duty.city.codes[0])
    page = visit("worker", "/worker", **PHONE, before=standing(on_duty, on_duty.city.codes[0]))
    page.wait_for_selector("main[data-offline=ready]")
    expect(it(page, "place-said")).to_contain_text("未发送位置")
    it(page, "share-place").click()
    expect(it(page, "place-said")).to_contain_text("已于")
    it(page, "phone-place").locator("summary").click()
    expect(it(page, "own-track")).to_contain_text("只有您本人能看到")
    expect(it(page, "own-track").locator("svg.way")).to_be_visible()
    with on_duty.api("worker") as client:
        told = client.get("/api/v1/positions/track").json()
        points = [point for part in told["parts"] for point in part["points"]]
        assert (points[0]["lon"], points[0]["lat"]) == (pytest.approx(lon), pytest.approx(lat))
    it(page, "share-place").click()
    expect(it(page, "place-said")).to_contain_text("未发送位置")


CONTRAST = """() => {
  const parse = (text) => { const m = text.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const told = parse(getComputedStyle(at).backgroundColor);
      if (told[3] > 0.99) return told;
    }
    return [255, 255, 255, 1];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !one.checkVisibility({ visibilityProperty: true })) continue;
    if (["SCRIPT", "STYLE", "OPTION"].includes(one.tagName) || one.closest(".unseen, .skip")) continue;
    const [ink, paper] = [light(parse(getComputedStyle(one).color)), light(ground(one))];
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (ratio < 7) found.push(`${texts.currentNode.textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_the_sun(visit: Visit, on_duty: RunningCity, watch: Watch, scheme: Any) -> None:
    watch.expected = WITHOUT_LINE
    handled_report(on_duty)
    page = visit("worker", "/worker", **PHONE, before=standing(on_duty, on_duty.city.codes[0]))
    page.emulate_media(color_scheme=scheme)
    page.wait_for_selector("main[data-offline=ready]")
    page.context.set_offline(True)
    expect(it(page, "line")).to_contain_text("无网络")
    it(page, "report-form").locator("button.main").click()
    expect(it(page, "unsent")).to_be_visible()
    assert page.evaluate(CONTRAST) == []
    heights = page.locator(".phone button:visible").evaluate_all("(all) => all.map((one) => one.offsetHeight)")
    assert heights and min(heights) >= 44


def risky_task(running: RunningCity) -> str:
    """A fire that the worker has accepted: every twenty minutes they say that they are well."""
    with running.api("admin") as client:
        rules = [{"category": "fire", "check_in_minutes": 20}]
        assert client.put("/api/v1/settings/dispatch", json={"rules": rules}).status_code == 200
    case = report(running, running.city.codes[0], "仓库起火", category="fire")
    with running.api("worker") as client:
        assert client.post(f"/api/v1/incidents/{case}/steps", json={"step": "accept"}).status_code == 200
    return case


def test_on_a_risky_task_the_phone_says_that_one_is_well_also_without_a_line(
    visit: Visit, on_duty: RunningCity, watch: Watch
) -> None:
    watch.expected = WITHOUT_LINE
    case = risky_task(on_duty)
    page = visit("worker", "/worker", **PHONE, before=standing(on_duty, on_duty.city.codes[0]))
    page.wait_for_selector("main[data-offline=ready]")
    task = page.locator(f'[data-incident="{case}"]')
    well = task.locator('[data-step="check_in"]')
    expect(task.locator('[data-test="check-in"]')).to_contain_text("每 20 分钟报一次平安 19:")
    assert well.bounding_box()["height"] >= 56, "found by a thumb"  # type: ignore[index]
    well.click()
    until(lambda: words_of(on_duty, case) == 1, most_s=20)
    page.context.set_offline(True)
    expect(it(page, "line")).to_contain_text("无网络")
    well.click()
    expect(it(page, "unsent")).to_contain_text("1 项尚未发送")
    task.locator('[data-step="arrive"]').click()  # there, without a line: the timer goes on on the phone
    expect(task).to_contain_text("已到场")
    well.click()
    expect(it(page, "unsent")).to_contain_text("3 项尚未发送")
    expect(task.locator('[data-test="check-in"]')).to_contain_text("19:")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with later(on_duty, timedelta(minutes=15)):
        page.context.set_offline(False)
        expect(it(page, "unsent")).to_be_hidden()
        until(lambda: words_of(on_duty, case) == 3, most_s=20)
        with on_duty.api("worker") as client:
            told = client.get(f"/api/v1/incidents/{case}").json()
            left = datetime.fromisoformat(told["check_in"]["deadline"]) - (datetime.now(UTC) + timedelta(minutes=15))
            assert left < timedelta(minutes=6), "it counts from when it was pressed"
            client.post(f"/api/v1/incidents/{case}/steps", json={"step": "handle"})


def words_of(running: RunningCity, case: str) -> int:
    with running.api("worker") as client:
        told = client.get(f"/api/v1/incidents/{case}").json()
    return sum(line["step"] == "check_in" for line in told["timeline"])


def test_who_is_not_heard_is_told_of_on_the_phone_of_who_leads_the_grid_and_at_the_centre(
    visit: Visit, on_duty: RunningCity
) -> None:
    code, other = on_duty.city.codes[5], on_duty.city.worker_of[on_duty.city.codes[5]]
    with transaction(on_duty.engine) as session:
        leads = session.scalar(select(Worker.id).where(Worker.number == on_duty.city.worker_of[on_duty.city.codes[0]]))
        span = Range(datetime.now(UTC) - timedelta(days=1), None, bounds="[)")
        session.add(Assignment(worker_id=leads, grid_code=code, role="grid_leader", span=span))
    with on_duty.api("admin") as client:
        rules = [{"category": "fire", "check_in_minutes": 20}]
        assert client.put("/api/v1/settings/dispatch", json={"rules": rules}).status_code == 200
    case = report(on_duty, code, "地下室起烟", category="fire")
    with on_duty.api("dispatcher") as client:
        for step in ({"step": "reassign", "to": other}, {"step": "accept"}):
            assert client.post(f"/api/v1/incidents/{case}/steps", json=step).status_code == 200
    phone, centre = visit("worker", "/worker", **PHONE), visit("dispatcher", "/language?to=en&next=/centre")
    expect(it(phone, "silent")).to_be_hidden()
    with later(on_duty, timedelta(minutes=21)):
        assert tell_silent(on_duty.engine, clock=lambda: datetime.now(UTC) + timedelta(minutes=21)) == 1
        row = it(centre, "silent").locator(f'[data-silent="{case}"]')
        expect(row).to_contain_text("has not been heard since")
        expect(row).to_contain_text("Grid leader")
        it(centre, "silent-open").click()
        expect(it(centre, "centre-what")).to_contain_text("地下室起烟")
        expect(it(centre, "timeline")).to_contain_text("Not heard in time")
        phone.reload()
        expect(it(phone, "silent")).to_contain_text("起无回音")
        assert it(phone, "silent").locator('a[href^="tel:"]').count() == 1
        assert phone.evaluate("document.documentElement.scrollWidth") <= 390
        centre.locator('#detail [data-step="check_in"]').click()
        expect(it(centre, "silent")).to_be_hidden()
    with on_duty.api("dispatcher") as client:
        body = {"step": "cancel", "note": "演练"}
        assert client.post(f"/api/v1/incidents/{case}/steps", json=body).status_code == 200


def test_who_is_called_to_help_says_on_the_phone_that_they_come(visit: Visit, on_duty: RunningCity) -> None:
    with on_duty.api("admin") as client:
        card = {"category": "medical", "levels": [[{"role": "grid_worker", "people": n}] for n in (4, 1)]}
        assert client.put("/api/v1/settings/run-cards", json={"cards": [card]}).status_code == 200
    case = report(on_duty, on_duty.city.codes[1], "老人晕倒", category="medical")
    page, centre = visit("worker", "/worker", **PHONE), visit("dispatcher", f"/centre?case={case}")
    task = page.locator(f'[data-incident="{case}"]')
    expect(it(centre, "calls")).to_contain_text("已通知")
    task.locator('[data-step="come"]').click()
    until(lambda: "coming" in called(on_duty, case), most_s=20)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(it(centre, "calls")).to_contain_text("正在前往")
    centre.locator('#detail [data-step="raise_call"]').click()
    centre.locator('[data-test="step-form"] textarea').fill("需要担架")
    centre.locator('[data-test="step-form"] button.main').click()
    expect(it(centre, "calls")).to_contain_text("2 级")
    expect(it(centre, "timeline")).to_contain_text("需要担架")
    assert len(called(on_duty, case)) == 4
    with on_duty.api("dispatcher") as client:
        body = {"step": "cancel", "note": "演练"}
        assert client.post(f"/api/v1/incidents/{case}/steps", json=body).status_code == 200


def called(running: RunningCity, case: str) -> list[str]:
    with running.api("dispatcher") as client:
        told = client.get(f"/api/v1/incidents/{case}").json()
    return [one["state"] for one in told["calls"]["helpers"]]
