"""A night at the dispatch desk, in a real Chromium: a leak at 01:55, a pipe up the hill, SOS while PostgreSQL is away.

The clocks of service and pages stand at that night; `WANGGE_WRITE_DOCS=1` writes the pictures of docs/stories.md anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import select

from layers.access import Role, User, add_key, add_user
from layers.db import make_engine, transaction
from layers.workers import Worker
from migrations import cluster as clusters
from migrations import run
from migrations.cluster import Cluster
from tests.databases import HASTY, passing_cluster
from tests.journeys.conftest import AREA, PASSWORD, READY, WEAK, Prepared, RunningCity, Watch, serving
from tests.journeys.hill_town import CITY, HOME, LEAK, PIPE, HillTown, build_town, night_at
from tests.journeys.test_centre_page import it
from tests.journeys.test_screenshots import keep
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Visit = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
AT = night_at(1, 55)


@cache
def begin() -> float:
    """When the first of these tests began, however long others took before it."""
    return time.monotonic()


def now() -> datetime:
    """01:55 and on."""
    return AT + timedelta(seconds=time.monotonic() - begin())


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """A PostgreSQL that may be stopped."""
    with passing_cluster() as started:
        yield started


@pytest.fixture(scope="module")
def town_of_night(own_cluster: Cluster) -> tuple[str, HillTown]:
    """The town in a database of its own, with one person of each role and a second worker."""
    url = clusters.add_database(own_cluster, "town")
    engine = make_engine(url)
    run.upgrade(engine)
    with transaction(engine) as session:
        town = build_town(session, now())
        for person in (*map(str, Role), "second worker"):
            role = "worker" if person == "second worker" else person
            add_user(session, person, role=role, area=AREA, password_hash=WEAK.hash(PASSWORD))
        for person, name in (("worker", "near"), ("second worker", "next")):
            number = town.night[name]
            user = session.get_one(User, person)
            user.worker_id = session.scalar(select(Worker.id).where(Worker.number == number))
    engine.dispose()
    return url, town


@pytest.fixture(scope="module")
def town(town_of_night: tuple[str, HillTown]) -> HillTown:
    return town_of_night[1]


@pytest.fixture(scope="module")
def running(town_of_night: tuple[str, HillTown], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCity]:
    """The service in that night. It tells no time of its own in its headers: that would be another one."""
    url, town = town_of_night
    people = [*map(str, Role), "second worker"]
    for city in serving(url, Prepared(url, town.city, people), tmp_path_factory.mktemp("var"), date_header=False):
        city.state.clock = now
        yield city


def at_night(context: BrowserContext) -> None:
    """A page whose clock is that of the night."""
    context.clock.install(time=now())


AT_NIGHT: dict[str, Any] = {"before": at_night, "timezone": "Asia/Shanghai"}


def key_of(running: RunningCity) -> dict[str, str]:
    with transaction(running.engine) as session:
        token = add_key(
            session, f"machine {uuid4().hex[:6]}", role="dispatcher", area=AREA, datum="wgs84", gateway=True
        )
    running.state.replicas.refresh()
    return {"authorization": f"Bearer {token}"}


def press(page: Page, case: str, step: str) -> None:
    page.locator(f'[data-incident="{case}"] [data-step="{step}"]').click()


def test_a_leak_at_five_to_two_is_declined_passed_on_and_told_to_the_caller(
    visit: Visit, running: RunningCity, town: HillTown
) -> None:
    lon, lat = town.lonlat(LEAK)
    call = visit("dispatcher", "/report", **AT_NIGHT)
    form = it(call, "report-form")
    for name, typed in (("lon", f"{lon:.6f}"), ("lat", f"{lat:.6f}"), ("caller", "王女士"), ("phone", "13800001234")):
        form.locator(f"[name={name}]").fill(typed)
    form.locator("[name=category]").select_option("water_leak")
    form.locator("[name=description]").fill("三单元楼道跑水")
    form.locator("button.main").click()
    expect(it(call, "reported")).to_contain_text("为什么派给周夜明")
    with running.api("dispatcher") as desk:
        [case] = [
            one["id"] for one in desk.get("/api/v1/incidents").json()["incidents"] if "跑水" in one["description"]
        ]
        duty = desk.get("/api/v1/on-duty", params={"at": now().isoformat()}).json()
        since = {one["worker"]: datetime.fromisoformat(one["since"]) for one in _duties(duty)}
        assert since[town.night["near"]].astimezone(CITY).strftime("%H:%M") == "22:00"
        first = visit("worker", "/worker", **PHONE, **AT_NIGHT)
        expect(first.locator(f'[data-incident="{case}"]')).to_contain_text("跑水")
        press(first, case, "decline")
        expect(it(first, "phone-tasks")).not_to_contain_text("跑水")
        second = visit("second worker", "/worker", **PHONE, **AT_NIGHT)
        for step, words in (("accept", "已接单"), ("arrive", "已到场"), ("handle", "已处置")):
            press(second, case, step)
            if step != "handle":
                expect(second.locator(f'[data-incident="{case}"]')).to_contain_text(words)
        until(lambda: desk.get(f"/api/v1/incidents/{case}").json()["state"] == "handled", most_s=20.0)
    _stand(running, "second worker", town.night["next"], (lon, lat))
    page = visit("dispatcher", f"/incidents/{case}", **AT_NIGHT)
    for step, words in (("verify", "已核实"), ("feed_back", "已反馈"), ("close", "已结案")):
        page.locator(f'#todo button[data-step="{step}"]').click()
        expect(it(page, "incident-state")).to_contain_text(words)
    way = it(page, "timeline")
    for words in ("01:5", f"交 {town.night['near']}", f"拒单 · 交 {town.night['next']}"):
        expect(way).to_contain_text(words)
    keep(page, "story-leak.png")
    with running.api("dispatcher") as desk:
        told = desk.get(f"/api/v1/incidents/{case}").json()
        steps = [line["step"] for line in told["timeline"]]
        wanted = ["decline", "accept", "arrive", "handle", "verify", "feed_back", "close"]
        assert [step for step in steps if step in wanted] == wanted
        assert desk.post(f"/api/v1/incidents/{case}/decision/replay").json()["same"]


def _duties(told: dict[str, Any]) -> list[dict[str, Any]]:
    return next(value for value in told.values() if isinstance(value, list))


def _stand(running: RunningCity, person: str, number: str, place: tuple[float, float]) -> None:
    """The worker's own phone says that they are there."""
    fix = {"worker": number, "lon": place[0], "lat": place[1], "fixed_at": now().isoformat(), "accuracy_m": 8}
    with running.api(person) as client:
        assert client.post("/api/v1/positions", json={"fixes": [fix]}).json()["stored"] == 1


def test_to_a_pipe_up_the_hill_goes_who_is_nearest_on_foot_not_who_is_across_the_river(
    visit: Visit, running: RunningCity, town: HillTown
) -> None:
    key = key_of(running)
    lon, lat = town.lonlat(PIPE)
    told = {"lon": lon, "lat": lat, "category": "water_leak", "urgency": "critical", "description": "山上水管爆裂"}
    with httpx2.Client(base_url=running.address, headers=key, timeout=30) as client:
        asked = {"lon": lon, "lat": lat, "policy": "nearest", "limit": 50}
        by_line = client.get("/api/v1/workers/nearest", params=asked).json()["candidates"]
        assert by_line[0]["worker"] == town.night["across"]
        answer = client.post("/api/v1/incidents", json=told, headers={"Idempotency-Key": uuid4().hex})
        assert answer.status_code == 201, answer.text
        case, sent = answer.json()["id"], answer.json()["assignment"]
        assert sent["worker"] == town.night["foot"]
        assert sent["distance_m"] > 2_000 > by_line[0]["distance_m"]
        assert client.post(f"/api/v1/incidents/{case}/decision/replay").json()["same"]
    page = visit("dispatcher", f"/centre?case={case}", **AT_NIGHT)
    expect(it(page, "centre-what")).to_contain_text("山上水管爆裂")
    expect(it(page, "why").locator("tr.chosen")).to_contain_text("王山脚")
    expect(it(page, "why").locator("tr", has_text="赵对岸")).to_contain_text("距离过远")
    expect(it(page, "way-told")).to_have_attribute("data-kind", "roads")
    page.locator(".leaflet-tile-loaded").first.wait_for()
    keep(page, "story-hill.png")
    page.goto(f"{running.address}/incidents/{case}")
    page.wait_for_selector(READY)
    expect(it(page, "way-told")).to_contain_text("沿路步行")


def test_an_sos_at_night_while_the_database_is_stopped_is_kept_and_comes_once(
    visit: Visit, running: RunningCity, town: HillTown, own_cluster: Cluster, watch: Watch
) -> None:
    watch.expected = ("status of 503",)
    key, (lon, lat) = key_of(running), town.lonlat(HOME)
    told = {
        **{"lon": lon, "lat": lat, "category": "elder_care", "urgency": "critical", "channel": "sensor"},
        **{"description": "一键呼叫器报警", "reporter": {"kind": "device", "name": "SOS-0317"}},
    }
    once = {"Idempotency-Key": uuid4().hex}
    centre = visit("dispatcher", "/centre", **AT_NIGHT)
    expect(it(centre, "centre-live")).to_contain_text("人在岗")
    call = visit("dispatcher", "/report", **AT_NIGHT)
    with httpx2.Client(base_url=running.address, headers=key, timeout=30) as gateway:
        clusters.stop(own_cluster)
        refused = gateway.post("/api/v1/incidents", json=told, headers=once)
        assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
        assert refused.headers["content-type"] == "application/problem+json"
        # Who is near is known from memory: the desk can call them.
        expect(it(centre, "centre-live")).to_contain_text("数据停留在")
        near = gateway.get("/api/v1/workers/nearest", params={"lon": lon, "lat": lat, "policy": "nearest"})
        assert near.status_code == 200 and near.json()["candidates"][0]["worker"] == town.night["south"]
        form = it(call, "report-form")
        form.locator("[name=lon]").fill(f"{lon + 0.004:.6f}")
        form.locator("[name=lat]").fill(f"{lat:.6f}")
        form.locator("[name=category]").select_option("elder_care")
        form.locator("[name=description]").fill("邻居来电：老人按了呼叫器，无人应门")
        form.locator("button.main").click()
        expect(it(call, "reported")).to_contain_text("服务暂时不能存入：已保存在本机")
        expect(form.locator("[name=description]")).to_have_value("邻居来电：老人按了呼叫器，无人应门")
        call.locator(".column").evaluate("(column) => column.scrollTo(0, 140)")
        keep(call, "story-sos.png")
        clusters.start(own_cluster.folder, settings=HASTY)
        stored = gateway.post("/api/v1/incidents", json=told, headers=once)
        until(lambda: _sent_again(gateway, told, once), most_s=40.0)
        again = gateway.post("/api/v1/incidents", json=told, headers=once)
        assert again.status_code == 200 and again.json()["replayed"] is True, stored.text
        assert again.json()["assignment"]["worker"] == town.night["south"]
        # The page sends by itself what it kept, and the centre has both without being opened again.
        expect(it(centre, "centre-incidents")).to_contain_text("邻居来电", timeout=60_000)
        expect(it(centre, "centre-incidents")).to_contain_text("一键呼叫器报警")
        expect(it(centre, "centre-live")).to_contain_text("人在岗")
        listed = gateway.get("/api/v1/incidents", params={"category": "elder_care"}).json()["incidents"]
        assert sorted(one["description"][:2] for one in listed) == ["一键", "邻居"]


def _sent_again(gateway: httpx2.Client, told: dict[str, Any], once: dict[str, str]) -> bool:
    return gateway.post("/api/v1/incidents", json=told, headers=once).status_code in (200, 201)
