"""Batches of positions: the newest fix wins, in the batch, against the store, and in any order of arrival."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from layers.access import Actor, Role, service_actor
from layers.db import transaction
from layers.positions import Fix, Position, TrackPoint, add_fixes
from tests.staffed_city import NOON, add_worker, staffed_city
from tiling.datums import from_wgs84, to_wgs84

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


# Where WGS 84 stands for GCJ-02 a phone near 118.2, 39.65 is seen some 600 m away.
HOME = (118.2, 39.65)
SEEN_AS = {spoken: from_wgs84(*HOME, spoken) for spoken in ("gcj02", "bd09")}


def heard(session: Session, *told: tuple[float, tuple[float, float]], datum: str = "wgs84") -> list[str]:
    """What became of each of these fixes (seconds after noon, place as sent) of W, in one batch."""
    fixes = [
        Fix(at, "W", *to_wgs84(*place, datum), *place, datum, 8.0, NOON + timedelta(seconds=second))
        for at, (second, place) in enumerate(told)
    ]
    done = add_fixes(session, fixes, now=NOON + timedelta(seconds=told[-1][0]), by=ADMIN)
    reasons = dict(done.refused)
    return [reasons.get(at, "ok") for at in range(len(told))]


def steps_from(place: tuple[float, float], metres: float) -> tuple[float, float]:
    return place[0] + metres / 85_700, place[1]


@pytest.mark.parametrize("spoken", ["gcj02", "bd09"])
@pytest.mark.parametrize("at_once", [True, False], ids=["one batch", "one by one"])
def test_a_phone_that_begins_to_speak_another_datum_is_not_believed_until_it_is_back(
    session: Session, spoken: str, at_once: bool
) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    moments = [(0, HOME), (10, steps_from(HOME, 12))]
    moments += [(20 + 10 * n, steps_from(SEEN_AS[spoken], 20 + 10 * n)) for n in range(6)]
    moments += [(90, steps_from(HOME, 90)), (100, steps_from(HOME, 100))]
    told = [(float(second), place) for second, place in moments]
    heard_of = heard(session, *told) if at_once else [heard(session, one)[0] for one in told]
    assert heard_of == ["ok"] * 2 + ["datum_flipped"] * 6 + ["ok"] * 2
    kept = session.scalars(select(Position)).one()
    assert (kept.lon, kept.lat, kept.astray) == (*steps_from(HOME, 100), None)
    assert session.scalar(select(func.count()).select_from(TrackPoint)) == 4


def test_a_phone_that_states_gcj02_and_begins_to_speak_wgs84_is_flipped_too(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    assert heard(session, (0, SEEN_AS["gcj02"]), (15, HOME), (30, SEEN_AS["gcj02"]), datum="gcj02") == [
        "ok",
        "datum_flipped",
        "ok",
    ]


def test_it_stays_flipped_over_minutes_and_is_told_anew_after_a_long_silence(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    assert heard(session, (0, HOME), (10, SEEN_AS["gcj02"])) == ["ok", "datum_flipped"]
    # Ten minutes later six hundred metres are a walk; the phone is still seen where it was.
    assert heard(session, (610, steps_from(SEEN_AS["gcj02"], 80))) == ["datum_flipped"]
    assert heard(session, (610 + 31 * 60, SEEN_AS["gcj02"])) == ["ok"]


@pytest.mark.parametrize(
    ("why", "second", "place"),
    [
        ("a walk of ten minutes", 600.0, SEEN_AS["gcj02"]),
        ("a jump elsewhere", 10.0, (2 * HOME[0] - SEEN_AS["gcj02"][0], SEEN_AS["gcj02"][1])),
        ("some steps", 10.0, steps_from(HOME, 15)),
    ],
)
def test_what_is_no_flip_is_believed(session: Session, why: str, second: float, place: tuple[float, float]) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    assert heard(session, (0, HOME), (second, place)) == ["ok", "ok"], why


def test_of_somebody_elses_worker_no_flip_is_told(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    own = add_worker(session, "X")
    heard(session, (0, HOME))
    by = Actor("x", Role.worker, area="130273", worker_id=own)
    place = SEEN_AS["gcj02"]
    told = [Fix(n, "W", *place, *place, "wgs84", None, NOON + timedelta(seconds=5 + n)) for n in range(2)]
    done = add_fixes(session, told, now=NOON + timedelta(seconds=9), by=by)
    assert done.refused == ((0, "another_worker"), (1, "another_worker"))


def test_late_and_old_ones_are_flagged_each_with_its_reason(session: Session) -> None:
    staffed_city(session, staff=False)
    add_worker(session, "W")
    add_worker(session, "X")
    told = [
        fix("W", ago_s=10),
        fix("W", ago_s=20, index=1),
        fix("X", ago_s=86_400, index=2),
        fix("?", ago_s=1, index=3),
    ]
    done = add_fixes(session, told, now=NOON, by=ADMIN)
    assert (done.stored, done.late, done.refused) == (2, 1, ((3, "unknown_worker"),))
    assert done.flagged == ((1, "late"), (2, "old"))
