"""Every state × step × role × own or foreign area: what the table of the workflow says is what a step does ([D9])."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from layers.access import Actor, Role
from layers.candidates import Roster
from layers.clocks import Limit, LimitKind
from layers.dispatching import Memory, PartAsked, Report, StepAsked, report, take_step
from layers.errors import Conflict, Forbidden, LayerError, NotFound
from layers.incidents import STATES, STEPS, WORKFLOW, Incident, IncidentStep, Part, Reporter
from layers.locating import load_atlas
from layers.positions import Position
from layers.run_cards import put_run_cards
from layers.standards import Condition, StandardSheet, SubClass, put_sheet
from layers.workers import Worker
from tests.staffed_city import NOON, Town, staffed_city

AREA, FOREIGN = "130273", "110101"
UNSEEN = "unseen"
CONDITION = "1-1"
OPEN_TASKS = ("dispatched", "accepted", "arrived")
CHECKED = ("accepted", "arrived")
CHECKING_DESK = {Part.desk, Part.whole_desk, Part.supervisor, Part.checker}


@dataclass
class Case:
    """One incident that is put into any state."""

    session: Session
    memory: Memory
    town: Town
    id: int
    other: int
    holder: int
    strangers: list[int]
    unit: str
    base: dict[str, Any]

    def put(self, state: str, *, reported_by: int | None, holder: int | None, looks: int | None = None) -> None:
        # A reason that does not hang on the place: correcting that would look for somebody anew.
        reason = "handed_up" if state == "waiting" else None
        now = {**self.base, "state": state, "waiting_reason": reason, "worker_id": holder, "level": "grid"}
        now |= {"check_in_by": None, "check_in_minutes": None}
        now |= {"collector_id": looks, "inspect_last": looks is not None and state == "handled"}
        self.session.execute(update(Incident).where(Incident.id == self.id).values(**now))
        self.session.execute(delete(IncidentStep).where(IncidentStep.incident_id == self.id))
        self.session.execute(delete(Reporter).where(Reporter.incident_id == self.id))
        if reported_by is not None:
            self.session.add(Reporter(incident_id=self.id, kind="worker", worker_id=reported_by))
        self.session.flush()
        self.session.expire_all()

    def asked(self, step: str) -> StepAsked:
        """A request that has everything that any step may demand."""
        lon, lat = self.town.inside(self.town.city.codes[0])
        to = str(self.other) if step == "duplicate" else None
        unit = "water" if step == "pass_on" else None
        until = NOON + timedelta(days=3)
        condition = CONDITION if step == "set_condition" else None
        asked = StepAsked(step, note="because", lon=lon, lat=lat, to=to, unit=unit, until=until, condition=condition)
        parts = (PartAsked(unit="water"), PartAsked(unit="housing"))
        return replace(asked, parts=parts, answer="content")

    def outcome(self, step: str, by: Actor) -> str:
        """The state after the step, or the name of the refusal; nothing of it stays."""
        savepoint = self.session.begin_nested()
        try:
            card = take_step(self.session, self.memory, self.id, asked=self.asked(step), now=NOON, by=by)
            return str(card.fields["state"])
        except LayerError as refused:
            return type(refused).__name__
        finally:
            savepoint.rollback()
            self.session.expire_all()


@pytest.fixture
def case(session: Session) -> Case:
    town = staffed_city(session)
    condition = Condition(CONDITION, "broken", Limit(3, LimitKind.work_days))
    put_sheet(
        session,
        StandardSheet((SubClass("1", "class", "name", conditions=(condition,)),)),
        by=Actor("admin", Role.admin),
    )
    # Nobody is of this role: a level can be raised, and nobody is called.
    levels = [[{"role": "service_team", "people": 1}]] * 3
    put_run_cards(session, [{"category": "sanitation", "levels": levels}], seen=None, by=Actor("admin", Role.admin))
    memory = Memory(load_atlas(session), Roster.load(session, NOON))
    desk, (lon, lat) = Actor("desk", Role.dispatcher, area=AREA), town.inside(town.city.codes[0])
    sent = Report(lon=lon, lat=lat, raw_lon=lon, raw_lat=lat, datum="wgs84", category="sanitation")
    ids = [report(session, memory, sent, now=NOON, by=desk).incident_id for _ in range(3)]
    row = session.get_one(Incident, ids[0])
    assert row.worker_id is not None and row.unit_code is not None
    base = {name: getattr(row, name) for name in ("current_code", "desk_area", "unit_code", "geom", "closed_at")}
    strangers = list(session.scalars(select(Worker.id).where(Worker.id != row.worker_id).order_by(Worker.id).limit(2)))
    return Case(session, memory, town, *ids[:2], row.worker_id, strangers, row.unit_code, base)


def people(case: Case) -> list[tuple[Actor, set[Part] | str]]:
    """Everybody, and what each is by hand to a case of a resident in the holder's hands: the code works that out."""
    code, (one, other) = case.town.city.codes[0], case.strangers
    far = case.town.city.codes[-1]
    return [
        (Actor("desk", Role.dispatcher, area=AREA), CHECKING_DESK),
        (Actor("street", Role.dispatcher, area=code[:9]), {Part.desk, Part.whole_desk, Part.checker}),
        (Actor("admin", Role.admin), CHECKING_DESK),
        (Actor("holder", Role.worker, area=far, worker_id=case.holder), {Part.holder, Part.checker}),
        (Actor("stranger", Role.worker, area=AREA, worker_id=one), set()),
        (Actor("unit", Role.unit, area=AREA, unit=case.unit), {Part.unit}),
        (Actor("auditor", Role.auditor, area=AREA), set()),
        (Actor("foreign desk", Role.dispatcher, area=FOREIGN), UNSEEN),
        (Actor("foreign admin", Role.admin, area=FOREIGN), UNSEEN),
        (Actor("foreign worker", Role.worker, area=FOREIGN, worker_id=other), UNSEEN),
        (Actor("foreign unit", Role.unit, area=FOREIGN, unit=case.unit), UNSEEN),
        (Actor("other unit", Role.unit, area=AREA, unit="water"), UNSEEN),
    ]


def expected(parts: set[Part] | str, state: str, step: str) -> set[str]:
    """What may come of it, read off the table the plain way: the first row that fits, else the refusal."""
    if isinstance(parts, str):
        return {NotFound.__name__}
    for rule in WORKFLOW:
        if rule.step == step and state in rule.after and parts & set(rule.who):
            return {rule.to or state}
    if step in ("agree", "refuse") and Part.desk in parts:
        return {Conflict.__name__}  # nobody has asked for anything
    if step == "check_in" and state in CHECKED and parts & {Part.desk, Part.holder}:
        return {Conflict.__name__}  # nobody waits for a word
    follows = any(rule.step == step and state in rule.after for rule in WORKFLOW)
    theirs = any(rule.step == step and parts & set(rule.who) for rule in WORKFLOW)
    return {Conflict.__name__ if theirs or not follows else Forbidden.__name__}


def differing(case: Case, by: Actor, parts: set[Part] | str, state: str) -> Iterator[str]:
    for step in STEPS:
        came, meant = case.outcome(step, by), expected(parts, state, step)
        if came not in meant:
            yield f"{by.name} {state} {step}: {came} instead of {meant}"


@pytest.mark.slow
def test_every_cell_of_a_case_that_a_resident_reported(case: Case) -> None:
    wrong: list[str] = []
    for state in STATES:
        case.put(state, reported_by=None, holder=case.holder)
        for by, parts in people(case):
            wrong += differing(case, by, parts, state)
    assert wrong == []


@pytest.mark.slow
def test_every_cell_of_a_case_that_a_worker_reported(case: Case) -> None:
    one = case.strangers[0]
    desk = Actor("desk", Role.dispatcher, area=AREA)
    holder = Actor("holder", Role.worker, area=FOREIGN, worker_id=case.holder)
    reporter = Actor("reporter", Role.worker, area=FOREIGN, worker_id=one)
    unit = Actor("unit", Role.unit, area=AREA, unit=case.unit)
    finder_parts = {Part.holder, Part.reporter, Part.finder, Part.checker}
    ways: list[tuple[Actor, set[Part], int, int | None]] = [
        (desk, {Part.desk, Part.whole_desk, Part.supervisor}, one, case.holder),
        (holder, {Part.holder}, one, case.holder),
        (reporter, {Part.reporter, Part.checker}, one, case.holder),
        (holder, finder_parts, case.holder, case.holder),
        (unit, {Part.unit, Part.holder}, one, None),
    ]
    wrong: list[str] = []
    for state, (by, parts, reported_by, in_hand) in product(STATES, ways):
        case.put(state, reported_by=reported_by, holder=in_hand)
        # A department holds what no worker has, as long as there is something to do.
        meant = parts - {Part.holder} if by is unit and state not in OPEN_TASKS else parts
        wrong += differing(case, by, meant, state)
    assert wrong == []


@pytest.mark.slow
def test_every_cell_of_a_case_that_somebody_looks_at(case: Case) -> None:
    looks = case.strangers[0]
    desk = (Actor("desk", Role.dispatcher, area=AREA), CHECKING_DESK | {Part.field_desk})
    collector = Actor("collector", Role.worker, area=FOREIGN, worker_id=looks)
    holder = Actor("holder", Role.worker, area=FOREIGN, worker_id=case.holder)
    unit = Actor("unit", Role.unit, area=AREA, unit=case.unit)
    ways: list[tuple[Actor, set[Part]]] = [
        desk,
        (collector, {Part.collector, Part.checker}),
        (holder, {Part.holder}),
        (unit, {Part.unit}),
    ]
    lon, lat = case.town.inside(case.town.city.codes[0])
    # Seen on the spot: a desk takes the step for them, which proves it.
    case.session.execute(update(Position).where(Position.worker_id == looks).values(lon=lon, lat=lat, first_hand=True))
    wrong: list[str] = []
    for state in ("reported", "handled"):
        # Who looks before it is filed does so before anybody has it.
        in_hand = case.holder if state == "handled" else None
        for by, parts in ways if in_hand else [one for one in ways if one[0] is not holder]:
            case.put(state, reported_by=None, holder=in_hand, looks=looks)
            wrong += differing(case, by, parts, state)
    assert wrong == []


@pytest.mark.slow
def test_every_cell_of_a_case_whose_worker_is_to_say_that_they_are_well(case: Case) -> None:
    wrong: list[str] = []
    for state in CHECKED:
        case.put(state, reported_by=None, holder=case.holder)
        awaited = {"check_in_by": NOON + timedelta(minutes=10), "check_in_minutes": 15}
        case.session.execute(update(Incident).where(Incident.id == case.id).values(**awaited))
        for by, parts in people(case):
            more = {Part.watching_desk} if Part.desk in parts else {Part.watched} if Part.holder in parts else set()
            wrong += differing(case, by, parts if isinstance(parts, str) else parts | more, state)
    assert wrong == []


@pytest.mark.slow
def test_every_cell_of_a_part_of_a_case(case: Case) -> None:
    whole = case.session.get_one(Incident, case.other)
    third = case.session.scalar(select(Incident.id).where(Incident.id.not_in((case.id, case.other))))
    case.base["part_of"], case.other = whole.id, third or 0
    wrong: list[str] = []
    for state in STATES:
        case.put(state, reported_by=None, holder=case.holder)
        for by, parts in people(case):
            own = parts if isinstance(parts, str) else parts - {Part.whole_desk}
            wrong += differing(case, by, own, state)
    assert wrong == []
