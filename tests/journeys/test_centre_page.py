"""The centre and the page of one incident, as a desk, a worker and a printer meet them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from uuid import uuid4

import pytest
import shapely
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect
from sqlalchemy import select

from layers.access import User, service_actor
from layers.buildings import Building
from layers.db import transaction
from layers.ground.roads import Road
from layers.history import note
from layers.workers import Worker, announce
from migrations import cluster as clusters
from migrations.cluster import Cluster
from tests.databases import HASTY
from tests.gis_api.duty import put_on_duty
from tests.journeys.conftest import READY, RunningCity, Watch
from tests.journeys.test_screenshots import keep
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def on_duty(running: RunningCity) -> RunningCity:
    """The city with everybody at work; `worker` signs in as the one in charge of the first tile."""
    put_on_duty(running.engine)
    west, south, east, north = running.city.shapes.frame.bounds
    road = shapely.MultiLineString([[(west, (south + north) / 2), (east, (south + north) / 2)]])
    with transaction(running.engine) as session:
        session.add(Road(district=running.city.district, geom=f"SRID=4326;{road.wkt}"))
        note(session, "import.roads", subject="roads", area=running.city.district, by=service_actor("test"))
        announce(session)
    number = running.city.worker_of[running.city.codes[0]]
    with transaction(running.engine) as session:
        session.get_one(User, "worker").worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
    with running.api("dispatcher") as client:
        until(lambda: client.get("/api/v1/positions").json()["workers"], most_s=20.0)
    return running


def it(page: Page, name: str) -> Locator:
    return page.locator(f'[data-test="{name}"]')


def report(running: RunningCity, code: str, description: str, **more: str) -> str:
    lon, lat = running.city.inside(code)
    told = {"lon": lon, "lat": lat, "datum": "wgs84", "category": "sanitation", "description": description, **more}
    with running.api("dispatcher") as client:
        answer = client.post("/api/v1/incidents", json=told, headers={"Idempotency-Key": uuid4().hex})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(out, "JPEG")
    return out.getvalue()


def test_a_desk_goes_through_the_queue_by_keys_and_sees_why_this_worker(visit: Visit, on_duty: RunningCity) -> None:
    report(on_duty, on_duty.city.codes[5], "井盖破损")
    fire = report(on_duty, on_duty.city.codes[2], "楼道起烟", category="fire")
    page = visit("dispatcher", "/")
    assert page.url.endswith("/centre")
    rows = it(page, "centre-incidents").locator("li[data-incident]")
    expect(rows.first).to_contain_text("楼道起烟")  # what is critical comes first
    expect(it(page, "centre-live")).to_contain_text("人在岗")
    page.keyboard.press("ArrowDown")
    expect(it(page, "centre-what")).to_contain_text("楼道起烟")
    expect(it(page, "why").locator("tr.chosen")).to_have_count(1)
    expect(it(page, "why")).to_contain_text("按距离远近")
    expect(it(page, "why").locator("tr.chosen")).to_contain_text("步行路程")
    expect(it(page, "way-told")).to_contain_text("步行")
    it(page, "replay").click()
    expect(it(page, "replayed")).to_contain_text("重放一致")
    page.keyboard.press("Escape")
    page.locator("#queue").focus()
    page.keyboard.press("j")
    expect(it(page, "centre-what")).to_contain_text("井盖破损")
    # A case that comes in appears by itself, and a step is taken from here.
    report(on_duty, on_duty.city.codes[7], "新的一件")
    expect(it(page, "centre-incidents")).to_contain_text("新的一件")
    it(page, "centre-incidents").locator(f'[data-incident="{fire}"]').click()
    page.locator('#detail button[data-step="accept"]').click()
    expect(it(page, "centre-incidents").locator(f'[data-incident="{fire}"]')).to_contain_text("已接单")
    page.locator('[data-chip="waiting"]').click()
    expect(it(page, "centre-incidents")).not_to_contain_text("井盖破损")


def test_an_incident_has_a_page_with_its_way_its_decision_and_its_photos(visit: Visit, on_duty: RunningCity) -> None:
    case = report(on_duty, on_duty.city.codes[3], "垃圾堆放")
    page = visit("dispatcher", f"/incidents/{case}")
    expect(it(page, "incident-what")).to_contain_text("垃圾堆放")
    expect(it(page, "timeline").locator("li")).to_have_count(3)
    expect(it(page, "why").locator("tr.chosen")).to_have_count(1)
    it(page, "photo-file").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(it(page, "photos").locator("img")).to_have_count(1)
    assert it(page, "photos").locator("img").evaluate("(one) => one.decode().then(() => one.naturalWidth)") == 320
    page.locator('button[data-step="accept"]').click()
    expect(it(page, "incident-state")).to_contain_text("已接单")
    page.emulate_media(media="print")
    expect(it(page, "timeline")).to_be_visible()
    expect(it(page, "replay")).to_be_hidden()


def test_a_worker_adds_a_photo_by_phone_and_a_file_that_is_none_is_told(
    visit: Visit, on_duty: RunningCity, watch: object
) -> None:
    watch.expected = ("status of 422",)  # type: ignore[attr-defined]
    case = report(on_duty, on_duty.city.codes[0], "楼道堆物")
    page = visit("worker", "/", width=390, height=844)
    task = page.locator(f'[data-incident="{case}"]')
    task.locator("summary").click()
    it(page, "photo-file").first.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"<script>"})
    expect(it(page, "photo-said").first).to_contain_text("未予接收")
    it(page, "photo-file").first.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(task.locator('[data-test="photos"] img')).to_have_count(1)
    task.locator('[data-test="open-page"]').click()
    page.wait_for_selector(READY)
    expect(it(page, "photos").locator("img")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_two_reports_of_the_same_are_offered_and_joined_on_the_page(visit: Visit, on_duty: RunningCity) -> None:
    first = report(on_duty, on_duty.city.codes[9], "跑水", category="water_leak")
    second = report(on_duty, on_duty.city.codes[9], "水管爆了", category="water_leak")
    page = visit("dispatcher", f"/incidents/{second}")
    expect(it(page, "likely")).to_contain_text("跑水")
    it(page, "join").first.click()
    expect(page.locator("#facts")).to_contain_text(f"已并入事件 {first}")
    page.goto(f"{on_duty.address}/incidents/{first}")
    page.wait_for_selector(READY)
    expect(it(page, "joined")).to_contain_text(second)


@pytest.mark.parametrize("path", ["/centre", "/incidents/{}"])
def test_the_desk_fits_a_phone_and_speaks_english(visit: Visit, on_duty: RunningCity, path: str) -> None:
    case = report(on_duty, on_duty.city.codes[4], "hydrant")
    page = visit("dispatcher", path.format(case), width=390, height=844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.goto(f"{on_duty.address}/language?to=en&next={path.format(case)}")
    page.wait_for_selector(READY)
    words = page.locator("main").inner_text()
    assert "Queue" in page.content() or "What happened" in words


def test_a_case_that_is_not_there_says_so(visit: Visit, on_duty: RunningCity, watch: object) -> None:
    watch.expected = ("status of 404",)  # type: ignore[attr-defined]
    page = visit("dispatcher", "/incidents/999999", wait_for="main[data-test=failed]")
    expect(page.locator("#failed")).to_be_visible()


def test_the_centre_is_told_of_a_case_its_steps_and_who_moves(visit: Visit, on_duty: RunningCity) -> None:
    page = visit("dispatcher", "/centre")
    page.add_init_script("window.setInterval = () => 0")  # nothing asks by itself any more
    page.reload()
    page.wait_for_selector(READY)
    expect(it(page, "centre-live")).to_contain_text("人在岗")
    case = report(on_duty, on_duty.city.codes[11], "听来的一件")
    row = it(page, "centre-incidents").locator(f'[data-incident="{case}"]')
    expect(row).to_be_visible()
    with on_duty.api("dispatcher") as client:
        assert client.post(f"/api/v1/incidents/{case}/steps", json={"step": "accept"}).status_code == 200
    expect(row).to_contain_text("已接单")


def test_without_its_stream_the_centre_asks_now_and_then(visit: Visit, on_duty: RunningCity, watch: object) -> None:
    watch.expected = ("ERR_FAILED",)  # type: ignore[attr-defined]
    page = visit("dispatcher", "/centre")
    page.route("**/api/v1/live*", lambda route: route.abort())
    page.reload()
    page.wait_for_selector(READY)
    case = report(on_duty, on_duty.city.codes[12], "问来的一件")
    expect(it(page, "centre-incidents").locator(f'[data-incident="{case}"]')).to_be_visible()


@pytest.mark.parametrize("what", ["emergencies", "incidents?*", "positions"])
def test_what_could_not_be_read_while_the_stream_goes_on_is_read_again_soon(
    visit: Visit, on_duty: RunningCity, watch: Watch, what: str
) -> None:
    watch.expected = ("status of 503",)
    page = visit("dispatcher", "/centre")
    live = it(page, "centre-live")
    expect(live).to_contain_text("人在岗")
    asked: list[Route] = []

    def fail_once(route: Route) -> None:
        asked.append(route)
        if len(asked) > 1:
            route.fallback()
        else:
            route.fulfill(status=503, json={"title": "x", "status": 503, "detail": "away"})

    page.route(f"**/api/v1/{what}", fail_once)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # everything is read anew
    # All is read each half minute anyhow: what is owed does not wait for that.
    until(lambda: page.wait_for_timeout(100) or len(asked) > 1, most_s=12.0)
    expect(live).not_to_have_class(re.compile("bad"), timeout=5_000)


def test_the_centre_outlives_a_restart_of_postgresql_without_a_reload(
    visit: Visit, on_duty: RunningCity, cluster: Cluster, watch: object
) -> None:
    watch.expected = ("status of 503",)  # type: ignore[attr-defined]
    page = visit("dispatcher", "/centre")
    page.evaluate("window.unloaded = false")
    expect(it(page, "centre-live")).to_contain_text("人在岗")
    clusters.stop(cluster)
    expect(it(page, "centre-live")).to_have_class(re.compile("bad"))
    clusters.start(cluster.folder, settings=HASTY)
    with on_duty.api("dispatcher") as client:
        until(lambda: client.get("/readyz").json()["status"] == "ready", most_s=30.0)
    case = report(on_duty, on_duty.city.codes[13], "重启之后的一件")
    expect(it(page, "centre-incidents").locator(f'[data-incident="{case}"]')).to_be_visible()
    expect(it(page, "centre-live")).not_to_have_class(re.compile("bad"))
    assert page.evaluate("window.unloaded") is False


def test_a_case_is_split_on_its_page_and_the_resident_asked_after_the_end(visit: Visit, on_duty: RunningCity) -> None:
    case = report(on_duty, on_duty.city.codes[14], "主管爆裂，路面塌陷", category="water_leak")
    page = visit("dispatcher", f"/incidents/{case}")
    page.locator('button[data-step="split"]').click()
    rows = it(page, "part-fields")
    for at, (unit, what) in enumerate((("water", "止水"), ("housing", "补路面"))):
        rows.nth(at).locator("select").select_option(unit)
        rows.nth(at).locator(f'[name="part_note_{at}"]').fill(what)
    it(page, "step-form").locator('[type="submit"]').click()
    expect(it(page, "incident-state")).to_contain_text("多方办理")
    parts = it(page, "parts").locator("li")
    expect(parts).to_have_count(2)
    expect(parts.first).to_contain_text("主办 · 水务局 · 已派单")
    parts.last.locator("a").click()
    page.wait_for_selector(READY)
    expect(it(page, "part-of")).to_contain_text(case)
    with on_duty.api("dispatcher") as client:
        for part in client.get(f"/api/v1/incidents/{case}").json()["parts"]:
            body = {"step": "force_close", "note": "好了"}
            assert client.post(f"/api/v1/incidents/{part['id']}/steps", json=body).status_code == 200
    page.goto(f"{on_duty.address}/incidents/{case}")
    page.wait_for_selector(READY)
    expect(it(page, "incident-state")).to_contain_text("已结案")
    page.locator('button[data-step="recall"]').click()
    it(page, "step-form").locator("select").select_option("poorly_done")
    it(page, "step-form").locator('[type="submit"]').click()
    expect(it(page, "incident-state")).to_contain_text("已分流")
    expect(it(page, "timeline")).to_contain_text("回访 · 不满意：处置质量差")


def test_a_worker_who_is_sent_to_look_finds_it_there_by_phone(visit: Visit, on_duty: RunningCity) -> None:
    number = on_duty.city.worker_of[on_duty.city.codes[0]]
    rules = [{"category": "parking", "confirm_first": True}]
    with on_duty.api("admin") as client:
        before = client.get("/api/v1/settings/dispatch").json()["rules"]
        assert client.put("/api/v1/settings/dispatch", json={"rules": [*before, *rules]}).status_code == 200
    place = on_duty.city.inside(on_duty.city.codes[0])
    case = report(on_duty, on_duty.city.codes[0], "车辆堵门", category="parking")
    sent = {"step": "send_to_confirm", "to": number}
    with on_duty.api("dispatcher") as client:
        assert client.get(f"/api/v1/incidents/{case}").json()["field_task"]["task"] == "confirm"
        assert client.post(f"/api/v1/incidents/{case}/steps", json=sent).status_code == 200

    def here(context: BrowserContext) -> None:
        context.grant_permissions(["geolocation"])
        context.set_geolocation({"longitude": place[0], "latitude": place[1], "accuracy": 12})

    page = visit("worker", "/", width=390, height=844, before=here)
    task = it(page, "tasks").locator(f'[data-incident="{case}"]')
    expect(task).to_contain_text("现场核实中")
    expect(task.locator('button[data-step="deny"]')).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    task.locator('button[data-step="confirm"].main').click()
    with on_duty.api("dispatcher") as client:
        read = lambda: client.get(f"/api/v1/incidents/{case}").json()  # noqa: E731
        until(lambda: read()["state"] == "dispatched", most_s=20.0)
    desk = visit("dispatcher", f"/incidents/{case}")
    expect(it(desk, "timeline")).to_contain_text("派员核实")
    expect(it(desk, "timeline")).to_contain_text("核实属实")


def test_a_whole_street_goes_into_emergency_mode_on_the_page_and_back(
    visit: Visit, on_duty: RunningCity, watch: Watch
) -> None:
    code = on_duty.city.codes[0]
    street, grid, (lon, lat) = code[:9], code[:15], on_duty.city.inside(code)
    square = shapely.box(lon, lat, lon + 5e-6, lat + 5e-6)
    with transaction(on_duty.engine) as session:
        about = {"district": on_duty.city.district, "name": "3 号楼", "households": 24}
        geom = f"SRID=4326;MULTIPOLYGON({square.wkt.removeprefix('POLYGON ')})"
        session.add(Building(**about, geom=geom, inner_point=f"SRID=4326;{square.centroid.wkt}"))

    def who_would_go() -> str:
        told = {"lon": lon, "lat": lat, "category": "sanitation"}
        with on_duty.api("dispatcher") as client:
            return str(client.post("/api/v1/incidents?dry_run=true", json=told).json()["assignment"]["reason"])

    before = who_would_go()
    page = visit("dispatcher", "/centre")
    expect(it(page, "emergencies")).to_be_hidden()
    it(page, "emergency").click()
    dialog = it(page, "emergency-dialog")
    dialog.locator('[name="area"]').fill(street)
    dialog.locator('[name="reason"]').fill("台风")
    dialog.locator('[name="reinforce"]').fill("1")
    # While nothing can be stored the dialog says so and keeps what was typed ([L7]).
    watch.expected = ("503",)
    page.route("**/api/v1/emergencies/*", lambda route: route.fulfill(status=503, json={"detail": "稍后再试"}))
    dialog.locator("button.main").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    expect(dialog.locator('[name="reason"]')).to_have_value("台风")
    page.unroute("**/api/v1/emergencies/*")
    dialog.locator("button.main").click()
    row = it(page, "emergencies").locator(f'[data-emergency="{street}"]')
    expect(row).to_contain_text("台风")
    keep(page, "story-emergency.png")
    expect(it(page, "emergency-said")).to_contain_text("少 1 人")  # the city has no other street to take somebody from
    assert who_would_go() == "by_distance" != before
    it(page, "emergency-calls").click()
    it(page, "calls-grid").fill(grid)
    it(page, "calls-grid").press("Tab")
    first = it(page, "calls").locator("li").first
    expect(first).to_contain_text("3 号楼")
    first.locator('[data-outcome="answered"]').click()
    expect(it(page, "calls-told")).to_contain_text("24/24 户")
    it(page, "calls-dialog").locator('button[value="no"]').click()
    it(page, "emergency-end").click()
    it(page, "emergency-end-dialog").locator("button.main").click()
    expect(it(page, "emergencies")).to_be_hidden()
    assert who_would_go() == before
