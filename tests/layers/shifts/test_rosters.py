"""Random rosters of weeks, leave, extra duty and people who stand in, against an oracle that looks minute by minute."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import Session

from layers.access import Actor, Role, service_actor
from layers.candidates import Roster, moment, picture_of
from layers.shifts import (
    CITY_ZONE,
    NewException,
    NewTemplate,
    Shift,
    ShiftException,
    ShiftTemplate,
    add_exceptions,
    add_templates,
    has_duty,
    list_duties,
    list_on_duty,
)
from layers.workers import Worker
from tests.duty_oracle import Person, Span, Weekly, is_at_work
from tests.staffed_city import staffed_city

ADMIN = service_actor("test")
MONDAY = datetime(2026, 3, 2, tzinfo=CITY_ZONE)
PEOPLE, ROSTERS, LOOKS = 36, 12, 60


def random_span(rng: random.Random, longest_h: int) -> Span:
    start = MONDAY + timedelta(minutes=5 * rng.randrange(0, 12 * 24 * 12))
    return start, start + timedelta(minutes=5 * rng.randrange(1, longest_h * 12))


def random_people(rng: random.Random, names: list[str]) -> dict[str, Person]:
    people = {name: Person() for name in names}
    for name, person in people.items():
        person.shifts = [random_span(rng, 24) for _ in range(rng.randrange(3))]
        person.weekly = [random_week(rng) for _ in range(rng.randrange(3))]
        person.extras = [random_span(rng, 10) for _ in range(rng.randrange(2))]
        for _ in range(rng.randrange(3)):
            span, other = random_span(rng, 80), rng.choice(names)
            person.leaves.append(span)
            if other != name and rng.random() < 0.7:
                people[other].for_others.append((span, name))
    return people


def random_week(rng: random.Random) -> Weekly:
    first = MONDAY.date() + timedelta(days=rng.randrange(-10, 6))
    last = first + timedelta(days=rng.randrange(0, 14)) if rng.random() < 0.5 else None
    days = frozenset(rng.sample(range(1, 8), rng.randrange(1, 6)))
    return Weekly(days, time(rng.randrange(24), 5 * rng.randrange(12)), 5 * rng.randrange(1, 36 * 12), first, last)


def store(session: Session, people: dict[str, Person], ids: dict[str, int]) -> None:
    def rows(kind: str, spans: list[Span], name: str) -> list[dict[str, object]]:
        about = {"worker_id": ids[name], "kind": kind, "by": "test"}
        return [about | {"span": Range(*span, bounds="[)"), "substitute_id": None} for span in spans]

    for name, person in people.items():
        spans = [{"worker_id": ids[name], "span": Range(*span, bounds="[)")} for span in person.shifts]
        stood_in = {span for one in people.values() for span, other in one.for_others if other == name}
        exceptions = rows("extra", person.extras, name)
        exceptions += rows("leave", [span for span in person.leaves if span not in stood_in], name)
        exceptions += [
            {**row, "worker_id": ids[other], "substitute_id": ids[name]}
            for span, other in person.for_others
            for row in rows("leave", [span], name)
        ]
        weekly = [
            {
                **{"worker_id": ids[name], "first_day": one.first_day, "last_day": one.last_day, "by": "test"},
                **{"weekdays": sum(1 << (day - 1) for day in one.weekdays), "zone": CITY_ZONE.key},
                **{"starts_minute": one.start.hour * 60 + one.start.minute, "minutes": one.minutes},
            }
            for one in person.weekly
        ]
        for table, told in ((Shift, spans), (ShiftTemplate, weekly), (ShiftException, exceptions)):
            if told:
                session.execute(insert(table), told)


def test_who_is_on_duty_is_what_the_oracle_says_at_every_minute_tried_by_every_way_of_asking(session: Session) -> None:
    staffed_city(session)
    ids = {one.number: one.id for one in session.execute(select(Worker.number, Worker.id))}
    names = sorted(ids)[:PEOPLE]
    for seed in range(ROSTERS):
        rng = random.Random(seed)
        savepoint = session.begin_nested()
        session.query(Shift).delete()
        people = random_people(rng, names)
        store(session, people, ids)
        for look in range(LOOKS):
            at = MONDAY + timedelta(minutes=rng.randrange(0, 14 * 24 * 60))
            meant = {name for name in names if is_at_work(people, name, at, CITY_ZONE)}
            found = list_on_duty(session, at, by=ADMIN)
            assert {duty.worker for duty in found} == meant, (seed, at)
            assert all(duty.since <= at < duty.until for duty in found)
            if look < 3:
                roster = Roster.load(session, at)
                district = roster.districts["130273"]
                held = {district.numbers[row] for row in picture_of(district, moment(at)).on_duty.nonzero()[0]}
                assert held == meant, (seed, at)
                who = rng.choice(names)
                assert has_duty(session, ids[who], at=at) is (who in meant)
        savepoint.rollback()


def test_the_stretches_of_a_week_are_what_the_minutes_of_the_oracle_add_up_to(session: Session) -> None:
    staffed_city(session)
    ids = {one.number: one.id for one in session.execute(select(Worker.number, Worker.id))}
    names = sorted(ids)[:6]
    rng = random.Random(7)
    session.query(Shift).delete()
    people = random_people(rng, names)
    store(session, people, ids)
    since, until = MONDAY + timedelta(days=4), MONDAY + timedelta(days=6)
    told = dict.fromkeys(names, 0)
    for duty in list_duties(session, since, until, by=ADMIN):
        told[duty.worker] += (min(duty.until, until) - max(duty.since, since)) // timedelta(minutes=1)
    minutes = [since + timedelta(minutes=minute) for minute in range(2 * 24 * 60)]
    meant = {name: sum(is_at_work(people, name, at, CITY_ZONE) for at in minutes) for name in names}
    assert told == meant
    assert sum(told.values()) > 0


def test_a_change_of_the_week_leaves_the_past_as_it_was(session: Session) -> None:
    staffed_city(session)
    session.query(Shift).delete()
    number = session.scalars(select(Worker.number).order_by(Worker.number)).first()
    assert number is not None
    early = NewTemplate(number, (1, 2, 3, 4, 5), time(8), time(16), date(2026, 3, 2))
    night = NewTemplate(number, (1, 2, 3, 4, 5), time(22), time(6), date(2026, 3, 9))
    add_templates(session, [early], today=date(2026, 3, 2), zone=CITY_ZONE, by=ADMIN)
    add_templates(session, [night], ends=True, today=date(2026, 3, 5), zone=CITY_ZONE, by=ADMIN)

    def at_work(day: int, hour: int) -> bool:
        return bool(list_on_duty(session, datetime(2026, 3, day, hour, tzinfo=CITY_ZONE), by=ADMIN))

    assert [at_work(6, 7), at_work(6, 8), at_work(6, 15), at_work(6, 16)] == [False, True, True, False]
    assert [at_work(9, 10), at_work(9, 22), at_work(10, 5), at_work(10, 6)] == [False, True, True, False]
    # Friday's night ends on Saturday.
    assert [at_work(14, 5), at_work(14, 22)] == [True, False]


def test_somebody_who_stands_in_has_the_duty_of_the_absent_and_nothing_more(session: Session) -> None:
    staffed_city(session)
    session.query(Shift).delete()
    one, other = session.scalars(select(Worker.number).order_by(Worker.number).limit(2)).all()
    now = datetime(2026, 3, 1, tzinfo=CITY_ZONE)
    week = NewTemplate(one, (1, 2, 3), time(8), time(16), date(2026, 3, 2))
    add_templates(session, [week], today=now.date(), zone=CITY_ZONE, by=ADMIN)
    span = datetime(2026, 3, 3, 12, tzinfo=CITY_ZONE), datetime(2026, 3, 4, 12, tzinfo=CITY_ZONE)
    add_exceptions(session, [NewException(one, "leave", *span, substitute=other)], now=now, by=ADMIN)
    desk = Actor("desk", Role.dispatcher, area="130273")
    told = [
        (
            duty.worker,
            duty.since.astimezone(CITY_ZONE).strftime("%d %H"),
            duty.until.astimezone(CITY_ZONE).strftime("%d %H"),
        )
        for duty in list_duties(session, MONDAY, MONDAY + timedelta(days=5), by=desk)
    ]
    assert told == [
        (one, "02 08", "02 16"),
        (one, "03 08", "03 12"),
        (one, "04 12", "04 16"),
        (other, "03 12", "03 16"),
        (other, "04 08", "04 12"),
    ]
