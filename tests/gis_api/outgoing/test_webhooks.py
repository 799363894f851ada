"""Other systems are told what happens: signed, until it arrives, and neither lost nor doubled by a death midway."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from gis_api.outgoing import Sending
from gis_api.settings import Settings
from layers import outbox
from layers.db import transaction
from tests.gis_api.conftest import AREA, ClientAs
from tests.plan_desk import Draft
from tests.receiving import Receiver, receiver
from tests.small_city import SmallCity
from tests.waiting import until

HERE = (ip_network("127.0.0.0/8"),)
KINDS = ["incident.reported", "incident.step", "plan.published"]
PLACE = {"lon": 118.1805, "lat": 39.6505}


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """The operator allows this machine, which stands for an inner network."""
    return Settings(database_url=database_url, var=tmp_path, poll_s=0.05, timeouts_every_s=0, webhook_networks=HERE)


@pytest.fixture
def other() -> Iterator[Receiver]:
    """The system that is told."""
    with receiver() as known:
        yield known


@dataclass
class Clock:
    """A clock that goes on when it is told to."""

    late: timedelta = field(default_factory=timedelta)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.late


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sending(engine: Engine, clock: Clock) -> Sending:
    """Carries out what is due whenever the test has it look."""
    return Sending(engine, allowed=HERE, clock=clock, timeout_s=1.0)


@pytest.fixture
def admin(client_as: ClientAs) -> TestClient:
    return client_as("admin")


def subscribe(admin: TestClient, url: str, **also: Any) -> dict[str, Any]:
    answer = admin.post("/api/v1/webhooks", json={"url": url, "kinds": KINDS, **also})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def report(desk: TestClient, mark: str, **also: Any) -> dict[str, Any]:
    sent = {
        **PLACE,
        "category": "facility",
        "description": "张三家门口",
        "reporter": {"kind": "resident", "name": "张三"},
    }
    answer = desk.post("/api/v1/incidents", json={**sent, **also}, headers={"idempotency-key": mark})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def deliveries(admin: TestClient, webhook_id: int, **asked: Any) -> list[dict[str, Any]]:
    answer = admin.get(f"/api/v1/webhooks/{webhook_id}/deliveries", params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["deliveries"])


def test_a_report_and_its_steps_are_told_signed_and_without_what_people_wrote(
    admin: TestClient, desk: TestClient, other: Receiver, sending: Sending
) -> None:
    made = subscribe(admin, other.url)
    told = report(desk, "one")
    number = told["id"]
    assert sending.look() == 1
    desk.post(f"/api/v1/incidents/{number}/steps", json={"step": "cancel", "note": "误报，张三说的"})
    assert sending.look() == 1 and sending.look() == 0
    first, second = other.received
    assert all(one.is_signed_with(made["secret"]) for one in (first, second))
    assert not first.is_signed_with("another secret")
    assert first.headers["wangge-event"] == first.event["kind"] == "incident.reported"
    assert first.event["subject"] == str(number) and first.event["area"].startswith(AREA)
    assert first.event["data"]["state"] == told["state"]
    assert second.event["data"] == {"state": "cancelled", "step": "cancel"}
    assert "张三" not in (first.body + second.body).decode()
    newest, oldest = deliveries(admin, made["id"])
    assert (newest["state"], newest["attempts"], newest["status"]) == ("delivered", 1, 204)
    assert oldest["event"] == {**first.event, "at": oldest["event"]["at"]}


def test_what_is_refused_is_told_of_to_nobody(
    admin: TestClient, desk: TestClient, other: Receiver, sending: Sending
) -> None:
    subscribe(admin, other.url)
    told = report(desk, "one")
    again = desk.post("/api/v1/incidents", json={**PLACE, "category": "nonsense"}, headers={"idempotency-key": "two"})
    wrong = desk.post(f"/api/v1/incidents/{told['id']}/steps", json={"step": "close"})
    dry = desk.post("/api/v1/incidents?dry_run=true", json={**PLACE, "category": "facility"})
    assert (again.status_code, wrong.status_code, dry.status_code) == (422, 409, 200)
    assert sending.look() == 1 and sending.look() == 0


def test_a_failure_is_tried_again_later_each_time_and_told_until_it_arrives(
    admin: TestClient, desk: TestClient, other: Receiver, sending: Sending, clock: Clock
) -> None:
    made = subscribe(admin, other.url)
    other.answer = lambda number: 500 if number < 4 else 200
    report(desk, "one")
    waits: list[timedelta] = []
    for attempt in (1, 2, 3):
        assert sending.look() == 1
        assert sending.look() == 0, "it rests now"
        [listed] = admin.get("/api/v1/webhooks").json()["webhooks"]
        assert (listed["failures"], listed["waiting"], listed["error"]) == (attempt, 1, "HTTP 500")
        waits.append(datetime.fromisoformat(listed["rests_until"]) - clock())
        clock.late += waits[-1] + timedelta(seconds=1)
    assert waits[0] < waits[1] < waits[2]
    assert sending.look() == 1
    [delivery] = deliveries(admin, made["id"])
    assert (delivery["state"], delivery["attempts"], delivery["error"]) == ("delivered", 4, None)
    assert len({one.headers["wangge-delivery"] for one in other.received}) == 1
    assert len({one.body for one in other.received}) == 1
    [listed] = admin.get("/api/v1/webhooks").json()["webhooks"]
    assert (listed["failures"], listed["waiting"], listed["rests_until"]) == (0, 0, None)


def test_it_is_never_given_up_by_itself_and_an_hour_is_the_longest_wait(
    admin: TestClient, desk: TestClient, other: Receiver, sending: Sending, clock: Clock
) -> None:
    subscribe(admin, other.url)
    other.answer = lambda _: 503
    report(desk, "one")
    for _ in range(30):
        assert sending.look() == 1
        clock.late += timedelta(hours=1, seconds=1)
    assert len(other.received) == 30


def test_one_that_is_away_keeps_nobody_else_waiting(
    admin: TestClient, desk: TestClient, other: Receiver, sending: Sending
) -> None:
    with receiver() as silent:
        silent.pause_s = 5.0
        subscribe(admin, silent.url)
        subscribe(admin, other.url)
        for number in range(5):
            report(desk, f"mark-{number}")
        tried = [sending.look() for _ in range(2)]
    assert sorted(tried) == [1, 5], "the silent one was tried once and rests"
    assert len(other.received) == 5


def test_a_process_that_dies_midway_leaves_its_deliveries_to_others(
    admin: TestClient, desk: TestClient, engine: Engine, other: Receiver, sending: Sending, clock: Clock
) -> None:
    subscribe(admin, other.url)
    for number in range(3):
        report(desk, f"mark-{number}")
    with transaction(engine) as session:
        outbox.spread(session)
    with transaction(engine) as session:  # claims, and is never heard of again
        assert len(outbox.claim_parcels(session, now=clock(), hold=timedelta(seconds=90), most=20)) == 3
    assert sending.look() == 0
    clock.late += timedelta(seconds=91)
    assert sending.look() == 3


def test_many_processes_at_once_deliver_each_event_once(
    admin: TestClient, desk: TestClient, engine: Engine, other: Receiver, clock: Clock
) -> None:
    subscribe(admin, other.url)
    subscribe(admin, other.url, kinds=["incident.reported"])
    for number in range(12):
        report(desk, f"mark-{number}")
    many = [Sending(engine, allowed=HERE, clock=clock, timeout_s=5.0) for _ in range(4)]

    def work(one: Sending) -> None:
        for _ in range(6):
            one.look()

    threads = [threading.Thread(target=work, args=(one,)) for one in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    marks = [one.headers["wangge-delivery"] for one in other.received]
    assert len(marks) == len(set(marks)) == 24


def test_an_attempt_that_ends_and_a_person_who_decides_never_wait_for_each_other_in_a_circle(
    admin: TestClient, engine: Engine, other: Receiver, clock: Clock
) -> None:
    made = subscribe(admin, other.url)
    delivery = admin.post(f"/api/v1/webhooks/{made['id']}/ping").json()["delivery"]

    def settle() -> None:
        with transaction(engine) as session:
            outbox.settle_delivery(session, delivery, status=204, error=None, now=clock())

    ending = threading.Thread(target=settle)
    with transaction(engine) as session:  # as `resend` does: the address, then the delivery
        session.execute(text("SET LOCAL lock_timeout = '5s'"))
        session.execute(text("SELECT 1 FROM webhooks WHERE id = :id FOR UPDATE"), {"id": made["id"]})
        ending.start()
        until(lambda: waits_for_a_lock(engine))
        session.execute(text("SELECT 1 FROM deliveries WHERE id = :id FOR UPDATE"), {"id": delivery})
    ending.join()
    assert deliveries(admin, made["id"])[0]["state"] == "delivered"


def waits_for_a_lock(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def test_a_person_sends_again_and_gives_up(
    admin: TestClient, desk: TestClient, other: Receiver, sending: Sending, engine: Engine
) -> None:
    made = subscribe(admin, other.url)
    other.answer = lambda number: 500 if number == 1 else 200
    report(desk, "one")
    sending.look()
    [waiting] = deliveries(admin, made["id"], state="waiting")
    base = f"/api/v1/webhooks/{made['id']}/deliveries/{waiting['id']}"
    assert admin.post(f"{base}/give-up").json()["state"] == "given_up"
    assert sending.look() == 0
    assert admin.post(f"{base}/resend").json()["state"] == "waiting"
    assert sending.look() == 1, "at once, though its address was to rest"
    assert deliveries(admin, made["id"], state="waiting") == []
    assert admin.post(f"{base}/give-up").status_code == 409
    assert admin.post(f"{base}/resend").status_code == 200 and sending.look() == 1
    assert len(other.received) == 3
    with engine.connect() as connection:
        lines = connection.scalars(text("SELECT action FROM history WHERE action LIKE 'webhook%' ORDER BY id")).all()
    assert lines == ["webhook.add", "webhook.give_up", "webhook.resend", "webhook.resend"]


def test_an_address_is_tried_changed_and_removed(
    admin: TestClient, desk: TestClient, other: Receiver, sending: Sending
) -> None:
    made = subscribe(admin, other.url)
    own = f"/api/v1/webhooks/{made['id']}"
    assert admin.post(f"{own}/ping").status_code == 202
    assert sending.look() == 1 and other.received[0].event["kind"] == "ping"
    changed = admin.patch(own, json={"kinds": ["plan.published"], "new_secret": True}).json()
    assert changed["secret"] not in (None, made["secret"]) and changed["kinds"] == ["plan.published"]
    assert "secret" not in admin.get("/api/v1/webhooks").json()["webhooks"][0]
    report(desk, "one")
    assert sending.look() == 0
    admin.patch(own, json={"kinds": KINDS, "active": False})
    admin.post(f"{own}/ping")
    assert sending.look() == 0
    assert admin.patch(own, json={"active": True}).json()["active"] is True
    assert sending.look() == 1 and other.received[-1].is_signed_with(changed["secret"])
    assert admin.delete(own).status_code == 204
    assert admin.get(f"{own}/deliveries").status_code == 404


def test_what_happens_elsewhere_is_not_told(
    client_as: ClientAs, admin: TestClient, desk: TestClient, other: Receiver, sending: Sending
) -> None:
    made = subscribe(admin, other.url, area=f"{AREA}999")
    report(desk, "one")
    assert sending.look() == 0
    elsewhere = client_as("admin", area="110101")
    assert elsewhere.get("/api/v1/webhooks").json() == {"webhooks": []}
    for method, path in (("GET", "/deliveries"), ("POST", "/ping"), ("DELETE", "")):
        assert elsewhere.request(method, f"/api/v1/webhooks/{made['id']}{path}").status_code == 404
    foreign = elsewhere.post("/api/v1/webhooks", json={"url": other.url, "kinds": KINDS, "area": AREA})
    assert foreign.status_code == 403


def test_a_redirect_is_not_followed(admin: TestClient, desk: TestClient, other: Receiver, sending: Sending) -> None:
    made = subscribe(admin, other.url)
    other.answer = lambda _: 307
    report(desk, "one")
    assert sending.look() == 1
    assert [one.path for one in other.received] == ["/told"]
    assert deliveries(admin, made["id"])[0]["error"] == "HTTP 307"


def test_a_published_plan_is_told(
    admin: TestClient, draft: Draft, reviewer: TestClient, small_city: SmallCity, other: Receiver, sending: Sending
) -> None:
    subscribe(admin, other.url, kinds=["plan.published"])
    assert draft.edit(op="set", code=min(small_city.codes)[:15], name="改名后的网格").status_code == 200
    assert draft.submit_all().status_code == 200
    assert draft.post("publish", {}, client=reviewer).status_code == 200
    assert sending.look() == 1
    event = other.received[0].event
    assert (event["kind"], event["subject"], event["area"]) == ("plan.published", str(draft.id), AREA)


@pytest.mark.parametrize("kinds", [[], ["nonsense"], ["incident.reported", "ping"]])
def test_an_unknown_kind_is_refused(admin: TestClient, other: Receiver, kinds: list[str]) -> None:
    assert admin.post("/api/v1/webhooks", json={"url": other.url, "kinds": kinds}).status_code == 422


def test_pages_of_deliveries_hold_each_once(admin: TestClient, other: Receiver, sending: Sending) -> None:
    made = subscribe(admin, other.url)
    for _ in range(7):
        admin.post(f"/api/v1/webhooks/{made['id']}/ping")
    sending.look()
    seen, path = [], f"/api/v1/webhooks/{made['id']}/deliveries?limit=3"
    while path:
        page = admin.get(path).json()
        seen += [one["id"] for one in page["deliveries"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == 7 and seen == sorted(seen, reverse=True)
    wrong = admin.get(f"/api/v1/webhooks/{made['id']}/deliveries?after=%2B1")
    assert wrong.status_code == 422
