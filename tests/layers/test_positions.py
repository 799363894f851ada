"""Batches of positions: the newest fix wins, in the batch, against the store, and in any order of arrival."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from layers.access import Actor, Role, service_actor
from layers.db import transaction
from layers.positions import Fix, Position, add_fixes
from tests.staffed_city import NOON, add_worker, staffed_city

ADMIN = service_actor("test")


def fix(worker: str, *, ago_s: float, index: int = 0, lon: float = 118.2) -> Fix:
    return Fix(index, worker, lon, 39.65, lon, 39.65, "wgs84", None, NOON - timedelta(seconds=ago_s))


def stored_lon(session: Session) -> list[float]:
    return list(session.scalars(select(Position.lon).order_by(Position.worker_id)))


def test_a_late_fix_never_overwrites_a_newer_one(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    for ago_s, lon, outcome in ((60, 118.21, (1, 0)), (90, 118.22, (0, 1)), (60, 118.23, (0, 1)), (30, 118.24, (1, 0))):
        done = add_fixes(session, [fix("W", ago_s=ago_s, lon=lon)], now=NOON, by=ADMIN)
        assert (done.stored, done.late) == outcome
    assert stored_lon(session) == [118.24]


def test_exactly_sixty_seconds_ahead_is_still_forgiven(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    told = [fix("W", ago_s=-60), fix("W", ago_s=-60.000001, index=1)]
    done = add_fixes(session, told, now=NOON, by=ADMIN)
    assert (done.stored, done.refused) == (1, ((1, "in_the_future"),))


def test_a_worker_reports_the_own_position_only(session: Session) -> None:
    staffed_city(session, staff=False)
    own = add_worker(session, "W")
    add_worker(session, "X")
    by = Actor("w", Role.worker, area="130273", worker_id=own)
    done = add_fixes(session, [fix("W", ago_s=1), fix("X", ago_s=1, index=1)], now=NOON, by=by)
    assert (done.stored, done.refused) == (1, ((1, "another_worker"),))


def test_batches_that_race_in_opposite_orders_neither_block_nor_lose_the_newest(engine: Engine) -> None:
    with transaction(engine) as session:
        staffed_city(session, staff=False)
        for number in range(40):
            add_worker(session, f"W{number:02d}")
    rng = random.Random(2)
    orders = [rng.sample(range(40), 40) for _ in range(30)]

    def batch(turn: int) -> None:
        about = {"ago_s": 100.0 - turn, "lon": 118 + turn / 1000}
        fixes = [fix(f"W{number:02d}", index=i, **about) for i, number in enumerate(orders[turn])]
        with transaction(engine) as session:
            add_fixes(session, fixes, now=NOON, by=ADMIN)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(batch, rng.sample(range(30), 30)))
    with transaction(engine) as session:
        assert stored_lon(session) == [118.029] * 40


def test_a_staff_number_of_any_spelling_finds_its_worker(session: Session) -> None:
    staffed_city(session, staff=False)
    numbers = ['quo"te', "back\\slash", "{brace},", "NULL", "张三-01", "tab\there", "\\N", "😀"]
    for number in numbers:
        add_worker(session, number)
    told = [fix(number, ago_s=1, index=at, lon=118.2 + at / 1000) for at, number in enumerate(numbers)]
    done = add_fixes(session, told, now=NOON, by=ADMIN)
    assert (done.stored, done.refused) == (len(numbers), ())
    assert stored_lon(session) == [one.lon for one in told]


def test_a_fix_is_stored_to_the_last_bit_and_microsecond(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    at = NOON.astimezone(timezone(timedelta(hours=8))) - timedelta(microseconds=1)
    sent = Fix(0, "W", 118.18696725194977, 1e-7, -0.1 + 0.3, 39.65, "gcj02", 5.000000000000001, at)
    assert add_fixes(session, [sent], now=NOON, by=ADMIN).stored == 1
    kept = session.scalars(select(Position)).one()
    assert (kept.lon, kept.lat, kept.raw_lon, kept.raw_lat) == (sent.lon, sent.lat, sent.raw_lon, sent.raw_lat)
    assert (kept.datum, kept.accuracy_m, kept.fixed_at) == ("gcj02", sent.accuracy_m, at)


def test_no_fixes_at_all_are_stored_as_none(session: Session) -> None:
    assert add_fixes(session, [], now=NOON, by=ADMIN).stored == 0
    ahead = add_fixes(session, [fix("W", ago_s=-61)], now=NOON, by=ADMIN)
    assert (ahead.stored, ahead.late, ahead.refused) == (0, 0, ((0, "in_the_future"),))
