"""What happens in a city as a stream: from any mark on, over processes, late commits and restarts, each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from gis_api.live import broadcast, feed, stream
from layers import outbox, outgoing
from layers.access import revoke_key, service_actor
from layers.db import transaction
from layers.positions import Fix, add_fixes
from layers.shifts import NewException, add_exceptions
from migrations import cluster as clusters
from migrations.cluster import Cluster
from tests.databases import HASTY
from tests.gis_api.conftest import AREA
from tests.gis_api.duty import report
from tests.gis_api.listening import WAIT_S, Listener, Served, served
from tests.small_city import SmallCity
from tests.waiting import until

LIVE = "/api/v1/live"
ADMIN = service_actor("test")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds for people is tested in tenths."""
    monkeypatch.setattr(feed, "POLL_S", 0.2)
    monkeypatch.setattr(feed, "PAUSE_S", 0.01)
    monkeypatch.setattr(broadcast, "CHECK_EVERY_S", 0.2)
    monkeypatch.setattr(stream, "BEAT_S", 0.2)


@pytest.fixture
def one(staffed: None, database_url: str, engine: Engine, tmp_path: Path) -> Iterator[Served]:
    with served(database_url, engine, tmp_path / "one") as running:
        yield running


@pytest.fixture
def other(one: Served, database_url: str, engine: Engine, tmp_path: Path) -> Iterator[Served]:
    """A second process on the same database."""
    with served(database_url, engine, tmp_path / "other") as running:
        yield running


def listen(by: Served, role: str = "dispatcher", area: str = AREA, *, after: str | None = None) -> Listener:
    """A listener with a key of its own, who has been greeted."""
    headers = {"Last-Event-ID": after} if after is not None else {}
    listener = Listener(by.client_of_key(role, area), LIVE, headers).start()
    assert listener.answer is not None and listener.answer.status_code == 200, listener.answer
    until(lambda: listener.ids, lambda: str(listener), most_s=WAIT_S)
    return listener


def happen(session: Session, subject: str, area: str = AREA + "001001001") -> None:
    """Something is done to a case, as the history writes it down."""
    outgoing.put_event(session, "incident.step", subject=subject, area=area, details={"step": "note"})


def subjects(listener: Listener) -> list[str]:
    return [told["id"] for told in listener.named("incident")]


def move(session: Session, number: str, lon: float, lat: float, *, ago_s: float = 0.0) -> None:
    now = datetime.now(UTC)
    fix = Fix(0, number, lon, lat, lon, lat, "wgs84", 5.0, now - timedelta(seconds=ago_s))
    assert add_fixes(session, [fix], now=now, by=ADMIN).stored == 1


def moved(listener: Listener) -> list[tuple[str, float]]:
    return [(one["number"], one["lon"]) for told in listener.named("positions") for one in told["workers"]]


def test_a_report_and_its_steps_are_heard_in_every_process_by_whose_area_it_is(
    one: Served, other: Served, small_city: SmallCity
) -> None:
    code = small_city.codes[0]
    elsewhere = next(one for one in small_city.codes if one[:12] != code[:12])[:12]
    near, far, away = listen(one), listen(other, area=code[:12]), listen(other, area=elsewhere)
    desk = one.client_of_key("dispatcher", AREA)
    case = report(desk, small_city.inside(code)).json()["id"]
    told = far.wait("incident")
    assert (told["id"], told["kind"], told["state"]) == (case, "incident.reported", "dispatched")
    assert told["area"].startswith(code[:12]) and near.wait("incident") == told
    assert desk.post(f"/api/v1/incidents/{case}/steps", json={"step": "accept"}).status_code == 200
    assert far.wait("incident", number=2)["step"] == "accept"
    assert set(told) == {"id", "kind", "at", "area", "state", "worker", "plan_version"}, "no names, no texts"
    assert far.answer is not None and far.answer.headers["content-type"].startswith("text/event-stream")
    until(lambda: away.comments, most_s=WAIT_S)
    assert away.named("incident") == []


def test_a_case_that_leaves_an_area_is_told_there_too(one: Served, small_city: SmallCity) -> None:
    here = small_city.codes[0]
    there = next(code for code in small_city.codes if code[:12] != here[:12])
    left, entered = listen(one, area=here[:12]), listen(one, area=there[:12])
    desk = one.client_of_key("dispatcher", AREA)
    case = report(desk, small_city.inside(here)).json()["id"]
    left.wait("incident")
    lon, lat = small_city.inside(there)
    moved_there = {"step": "correct_place", "lon": lon, "lat": lat, "datum": "wgs84"}
    assert desk.post(f"/api/v1/incidents/{case}/steps", json=moved_there).status_code == 200
    assert left.wait("incident", number=2)["step"] == entered.wait("incident")["step"] == "correct_place"


def test_from_every_event_on_the_rest_comes_once_and_in_order_from_any_process(
    one: Served, other: Served, engine: Engine, small_city: SmallCity
) -> None:
    workers = sorted(set(small_city.worker_of.values()))[:2]
    lon, lat = small_city.inside(small_city.codes[0])
    whole = listen(one)
    for number in range(6):
        with transaction(engine) as session:
            happen(session, str(number))
            if number % 2:
                move(session, workers[number % 4 // 2], lon + number * 1e-4, lat)
        whole.wait("incident", number=number + 1)
    until(lambda: len(moved(whole)) == 3, lambda: str(whole), most_s=WAIT_S)
    for place, mark in enumerate(whole.ids):
        rest = [event for event in whole.events if event[0] in ("incident", "positions")][place:]
        again = listen(other, after=mark)
        _wait_for_events(again, len(rest))
        came = [event for event in again.events if event[0] in ("incident", "positions")]
        assert subjects(again) == [told["id"] for name, told in rest if name == "incident"]
        # Of somebody who moved twice meanwhile only the newest place is told.
        last = {told["number"]: told for name, event in rest if name == "positions" for told in event["workers"]}
        assert {
            told["number"]: told for name, event in came if name == "positions" for told in event["workers"]
        } == last
        assert len(moved(again)) == len(last)
        again.client.close()


def _wait_for_events(listener: Listener, most: int) -> None:
    """Until as much has come as may come, or the stream has begun to beat."""
    until(lambda: len(listener.events) > most or listener.comments, lambda: str(listener), most_s=WAIT_S)


def test_what_is_committed_late_is_told_after_what_was_committed_before(one: Served, engine: Engine) -> None:
    listener = listen(one)
    with Session(engine) as slow:
        happen(slow, "began first")
        with transaction(engine) as quick:
            happen(quick, "committed first")
        assert listener.wait("incident")["id"] == "committed first"
        between = listener.ids[-1]
        slow.commit()
    assert listener.wait("incident", number=2)["id"] == "began first"
    late = listen(one, after=between)
    late.wait("incident")
    assert subjects(late) == ["began first"]


def test_a_position_whose_transaction_was_open_is_not_lost(one: Served, engine: Engine, small_city: SmallCity) -> None:
    first, second = sorted(set(small_city.worker_of.values()))[:2]
    lon, lat = small_city.inside(small_city.codes[0])
    listener = listen(one)
    with Session(engine) as slow, slow.begin_nested():
        move(slow, first, round(lon, 5), lat)  # in a savepoint, of which a snapshot knows nothing
        with transaction(engine) as quick:
            move(quick, second, round(lon, 5), lat)
        listener.wait("positions")
        assert moved(listener) == [(second, round(lon, 5))]
        between = listener.ids[-1]
        slow.get_transaction().commit()  # type: ignore[union-attr]
    listener.wait("positions", number=2)
    assert moved(listener)[1:] == [(first, round(lon, 5))]
    assert moved(listen(one, after=between)) == [(first, round(lon, 5))]


def test_only_who_is_on_duty_and_serves_the_area_is_told_of(one: Served, engine: Engine, small_city: SmallCity) -> None:
    here, there = small_city.codes[0], next(c for c in small_city.codes if c[:12] != small_city.codes[0][:12])
    off, on_leave = (small_city.worker_of[code] for code in small_city.codes[1:3])
    now = datetime.now(UTC)
    with transaction(engine) as session:
        session.execute(
            text("DELETE FROM shifts USING workers w WHERE w.id = worker_id AND w.number = :number"), {"number": off}
        )
        leave = NewException(on_leave, "leave", now - timedelta(hours=1), now + timedelta(hours=1))
        add_exceptions(session, [leave], now=now, by=ADMIN)
    all_told, street = listen(one), listen(one, area=here[:12])
    lon, lat = small_city.inside(here)
    for number in (off, on_leave, small_city.worker_of[there], small_city.worker_of[here]):
        with transaction(engine) as session:
            move(session, number, lon, lat)
    until(lambda: moved(street), most_s=WAIT_S)
    assert {number for number, _ in moved(street)} == {small_city.worker_of[here]}
    until(lambda: len(moved(all_told)) == 2, lambda: str(moved(all_told)), most_s=WAIT_S)
    assert {off, on_leave}.isdisjoint({number for number, _ in moved(all_told)})


def test_each_role_hears_what_it_may_read(one: Served, engine: Engine, small_city: SmallCity) -> None:
    code = small_city.codes[0]
    roles = {role: listen(one, role, code[:12]) for role in ("dispatcher", "admin", "auditor", "planner", "leader")}
    with transaction(engine) as session:
        happen(session, "7", area=code)
        move(session, small_city.worker_of[code], *small_city.inside(code))
        outgoing.put_event(session, "incident.check_in_missed", subject="7", area=code, details={"worker": "4711"})
        outgoing.put_event(session, "plan.publish", subject="plan:3", area=AREA, details={"plan_version": 2})
    for listener in roles.values():
        listener.wait("publication")
    until(lambda: all(roles[role].named("positions") for role in ("dispatcher", "admin")), most_s=WAIT_S)
    told = {role: {name for name, _ in one.events if name not in ("hello", "beat")} for role, one in roles.items()}
    desk = {"incident", "positions", "check_in", "publication"}
    assert told == {
        "dispatcher": desk,
        "admin": desk,
        "auditor": {"incident", "publication"},
        "planner": {"publication"},
        "leader": {"check_in", "publication"},
    }
    published = roles["planner"].named("publication")[0]
    assert (published["plan"], published["district"], published["plan_version"]) == ("3", AREA, 2)
    for role in ("worker", "unit"):
        assert one.client_of_key(role, AREA).get(LIVE).status_code == 403


def test_more_than_fits_into_a_piece_comes_in_pieces(
    one: Served, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = listen(one)
    with transaction(engine) as session:
        for number in range(25):
            happen(session, str(number))
            happen(session, f"elsewhere {number}", area="110101001001001")
    until(lambda: len(subjects(begin)) == 25, most_s=WAIT_S)
    monkeypatch.setattr(feed, "MOST_AT_ONCE", 10)
    came, mark = list[str](), begin.ids[0]
    for turn in range(3):
        piece = listen(one, after=mark)
        _wait_for_piece(piece, len(came), last=turn == 2)
        came, mark = came + subjects(piece), piece.ids[-1]
        assert piece.ended == (turn < 2)
        piece.client.close()
    assert came == [str(number) for number in range(25)]


def _wait_for_piece(piece: Listener, before: int, *, last: bool) -> None:
    until(lambda: before + len(subjects(piece)) == 25 if last else piece.ended, lambda: str(piece), most_s=WAIT_S)


MARKS = ("x", "7", "7-", "0-9:8:", "0-5:9:12", "0-5:9:7,6", "99-5:9:", "0-1:999999999999:", "9" * 3_000)


def test_a_mark_that_is_none_or_of_another_database_means_read_anew(one: Served) -> None:
    for mark in MARKS:
        listener = listen(one, after=mark)
        assert [name for name, _ in listener.events if name != "beat"] == ["reload"], mark
        assert outbox.parse_mark(listener.ids[0]) is not None
        listener.client.close()


def test_from_a_mark_whose_events_are_forgotten_means_read_anew(one: Served, engine: Engine) -> None:
    begin = listen(one)
    for number in range(3):
        with transaction(engine) as session:
            happen(session, str(number))
    until(lambda: len(subjects(begin)) == 3, most_s=WAIT_S)
    with transaction(engine) as session:
        session.execute(text("UPDATE outgoing_events SET at = now() - interval '40 days'"))
        assert outbox.forget_old_events(session) == 2, "the last one stays: from it the next are counted"
    assert listen(one, after=begin.ids[0]).named("reload")
    assert subjects(listen(one, after=begin.ids[2])) == ["2"]
    with transaction(engine) as session:
        happen(session, "3")
    until(lambda: subjects(begin)[3:] == ["3"], most_s=WAIT_S)


def test_a_restart_of_postgresql_loses_nothing_and_the_stream_goes_on(
    cluster: Cluster, one: Served, other: Served, engine: Engine, small_city: SmallCity
) -> None:
    listener, gone = listen(one), listen(other)
    gone.client.close()
    with transaction(engine) as session:
        happen(session, "before")
    listener.wait("incident")
    clusters.stop(cluster)
    until(lambda: listener.named("stale"), most_s=WAIT_S)
    assert listener.named("stale")[-1] == {"stale": True}
    clusters.start(cluster.folder, settings=HASTY)
    until(lambda: _has_happened(engine, "after"), most_s=WAIT_S)
    with transaction(engine) as session:
        move(session, small_city.worker_of[small_city.codes[0]], *small_city.inside(small_city.codes[0]))
    until(lambda: subjects(listener) == ["before", "after"] and moved(listener), lambda: str(listener), most_s=WAIT_S)
    until(lambda: listener.named("stale")[-1] == {"stale": False}, lambda: str(listener), most_s=WAIT_S)
    assert not listener.ended
    back = listen(other, after=gone.ids[-1])
    until(lambda: moved(back), most_s=WAIT_S)
    assert subjects(back) == ["before", "after"] and len(moved(back)) == 1


def _has_happened(engine: Engine, subject: str) -> bool:
    try:
        with transaction(engine) as session:
            happen(session, subject)
    except Exception:
        return False
    return True


def test_a_process_that_ends_loses_nothing(database_url: str, engine: Engine, one: Served, tmp_path: Path) -> None:
    with ExitStack() as stack:
        ending = stack.enter_context(served(database_url, engine, tmp_path / "ending"))
        listener = listen(ending)
        with transaction(engine) as session:
            happen(session, "before")
        listener.wait("incident")
    until(lambda: listener.ended, most_s=WAIT_S)
    with transaction(engine) as session:
        happen(session, "meanwhile")
    back = listen(one, after=listener.ids[-1])
    back.wait("incident")
    assert subjects(back) == ["meanwhile"]


@pytest.mark.parametrize("right", ["key", "session"])
def test_a_stream_ends_with_the_right_to_listen(one: Served, engine: Engine, right: str) -> None:
    if right == "key":
        listener = listen(one)
        with transaction(engine) as session:
            name = session.scalar(text("SELECT name FROM keys ORDER BY id DESC LIMIT 1"))
            revoke_key(session, name, by=ADMIN)
    else:
        listener = Listener(one.client("dispatcher"), LIVE).start()
        listener.wait("hello")
        assert listener.client.delete("/api/v1/session").status_code == 204
    until(lambda: listener.ended, most_s=WAIT_S)
    assert listener.named("over") == [{"reason": "signed_out"}]
    assert one.app.state.feed.streams == 0


def test_streams_of_plans_and_of_the_city_are_counted_together(one: Served, small_city: SmallCity) -> None:
    client = one.client("admin")
    plan = client.post("/api/v1/plans", json={"district": small_city.district, "based_on": "published"}).json()["id"]
    paths = [LIVE, f"/api/v1/plans/{plan}/live"] * (broadcast.MOST_PER_PERSON // 2)
    listeners = [Listener(client, path).start() for path in paths]
    for listener in listeners:
        listener.wait("hello")
    refused = client.get(LIVE)
    assert refused.status_code == 429 and refused.headers["retry-after"] == "5"
    until(lambda: one.app.state.engine.pool.checkedout() == 0, most_s=WAIT_S)


def test_a_reader_who_takes_nothing_in_is_dropped_before_much_lies() -> None:
    listener = stream.Stream(stream.Visitor(None, "t", lambda: None))  # type: ignore[arg-type]
    listener.put(b"x" * (stream.MOST_BYTES + 1))
    assert listener.ended_for is None, "what is large comes in one piece"
    listener.put(b"x")
    assert listener.ended_for == "slow"


def test_deliveries_that_wait_are_counted_with_the_age_of_the_oldest(one: Served, engine: Engine) -> None:
    client = one.client_of_key("admin", "")
    assert _metric(client, "wangge_deliveries_waiting") == 0
    assert _metric(client, "wangge_oldest_delivery_seconds") == 0
    with transaction(engine) as session:
        outbox.add_webhook(session, "https://example.org/", kinds=["incident.step"], area="", by=ADMIN)
    with transaction(engine) as session:
        happen(session, "1")
        session.execute(text("UPDATE outgoing_events SET at = now() - interval '1 hour'"))
    with transaction(engine) as session:
        outbox.spread(session)
    until(lambda: _metric(client, "wangge_deliveries_waiting") == 1, most_s=WAIT_S)
    assert 3_600 <= _metric(client, "wangge_oldest_delivery_seconds") < 3_700


def _metric(client: Any, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])
