"""The demo's workers walk within their own grids, and nobody else is moved."""

from __future__ import annotations

from datetime import timedelta

import shapely
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from layers.positions import Position
from layers.shifts import Shift
from layers.workers import Worker
from migrations.demo.people import PHONES
from migrations.demo.rounds import SILENT_OF, SPEED_M_S, Rounds
from tests.staffed_city import NOON, Town, staffed_city
from tiling.plane import Plane

HALF_A_MINUTE = timedelta(seconds=30)


def demo_city(session: Session) -> Town:
    town = staffed_city(session)
    session.execute(update(Worker).values(phone=PHONES + "0001"))
    return town


def places(session: Session) -> dict[str, tuple[float, float]]:
    found = select(Worker.number, Position.lon, Position.lat).join(Position, Position.worker_id == Worker.id)
    session.expire_all()
    return {number: (lon, lat) for number, lon, lat in session.execute(found)}


def test_they_walk_at_walking_pace_within_their_own_grids(session: Session) -> None:
    town, rounds = demo_city(session), Rounds()
    standing = places(session)
    count = rounds.walk(session, now=NOON)
    before = places(session)
    walking = {number for number in before if before[number] != standing[number]}
    assert len(walking) == count > len(standing) * (SILENT_OF - 2) / SILENT_OF
    assert rounds.walk(session, now=NOON + HALF_A_MINUTE) == count
    after = places(session)
    plane = Plane(town.city.epsg)
    for number in walking:
        shape = town.polygon(f"130273{number[1:]}")
        assert all(shape.contains(shapely.Point(*place)) for place in (before[number], after[number]))
        (x, y), (to_x, to_y) = plane.point_xy(*before[number]), plane.point_xy(*after[number])
        assert 0 < ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5 <= 30 * SPEED_M_S + 0.01


def test_where_they_are_follows_from_the_moment_alone(session: Session) -> None:
    demo_city(session)
    Rounds().walk(session, now=NOON)
    one = places(session)
    session.execute(update(Position).values(fixed_at=NOON - HALF_A_MINUTE, lon=118.0))
    Rounds().walk(session, now=NOON)
    walked = {number: place for number, place in places(session).items() if place[0] != 118.0}
    assert walked == {number: one[number] for number in walked} != {}


def test_real_people_those_off_duty_and_those_whose_phone_speaks_stay_where_they_are(session: Session) -> None:
    town = demo_city(session)
    numbers = [f"W{code[6:]}" for code in town.city.codes[:3]]
    real, off, own = (session.scalars(select(Worker).where(Worker.number == number)).one() for number in numbers)
    real.phone = "13812345678"
    session.execute(delete(Shift).where(Shift.worker_id == off.id))
    session.execute(update(Position).where(Position.worker_id == own.id).values(sent_by="worker"))
    before = places(session)
    assert Rounds().walk(session, now=NOON) > 0
    after = places(session)
    assert [after[number] for number in numbers] == [before[number] for number in numbers]


def test_a_city_that_is_not_the_demos_is_left_alone(session: Session) -> None:
    staffed_city(session)
    before = places(session)
    assert Rounds().walk(session, now=NOON) == 0
    assert places(session) == before
