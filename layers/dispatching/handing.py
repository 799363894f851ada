"""Into whose hands an incident goes: the worker or the department that is named, the next candidate, the desk above."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from layers.candidates import Desk, find_standings
from layers.dispatch_rules import Candidate, Wish, describe
from layers.dispatching.decisions import BY_HAND, Considered, Question, candidate_json, keep_decision
from layers.dispatching.hands import IN_RESERVE, place_of, take_hand
from layers.dispatching.story import find_waiting_reason, look_around
from layers.dispatching.taking import Taking, line_of
from layers.errors import Conflict, Unacceptable
from layers.incidents import WORKFLOW, IncidentStep, Step
from layers.locating import Location
from layers.shifts import has_duty
from layers.standings import NO_DISTANCE_MM, Place
from layers.units import Unit, require_unit
from layers.workers import Worker, ids_of

# Steps that put a case into somebody's hands: `to` of any other line is a photo, a case, a condition.
_HANDED_BY = frozenset(rule.step for rule in WORKFLOW if rule.to == "dispatched")


def dispatch(taking: Taking) -> Step:
    """To the worker or department that is named, else to the best one who has not had it; nobody there: it waits."""
    if taking.asked.unit is not None:
        return to_unit(taking)
    return _to_worker(taking) if taking.asked.to is not None else to_next(taking)


def _to_worker(taking: Taking) -> Step:
    """To a worker by name; one who is off duty is not sent without whoever sends them confirming it."""
    number, worker_id, on_duty = get_named_worker(taking)
    location, choice = look_from(taking, without=frozenset())
    take_named(taking, worker_id, number)
    _hand_over(taking, worker_id)
    keep(taking, name_worker(taking, choice, number, on_duty=on_duty), location, worker_id)
    return line_of(taking, number)


def get_named_worker(taking: Taking) -> tuple[str, int, bool]:
    """Number, id and whether on duty of the worker who is named; raises Conflict for one who is off duty unless that
    is confirmed."""
    number = taking.asked.to or ""
    worker_id = ids_of(taking.session, [number], by=taking.by)[number]
    on_duty = has_duty(taking.session, worker_id, at=taking.now)
    if not on_duty and not taking.asked.confirm:
        raise Conflict("worker_off_duty", worker=number, confirm=True)
    return number, worker_id, on_duty


def name_worker(taking: Taking, choice: Considered, number: str, *, on_duty: bool) -> Considered:
    """What was considered, and that a person has named somebody."""
    told = {**_describe_seen(taking, choice.question.place, number), "reason": BY_HAND, "on_duty": on_duty}
    return replace(choice, by_hand=told)


def look_from(taking: Taking, *, without: frozenset[str]) -> tuple[Location, Considered]:
    """Where it is, and who could go by the city's rules."""
    card, choosing = taking.card, taking.choosing
    location = taking.memory.atlas.locate(card.lon, card.lat, at=taking.now)
    urgency = taking.incident.urgency
    told: dict[str, Any] = {
        "without": without,
        "most_rejected": None,
        "measure": choosing.measure,
        "also": choosing.also,
    }
    wish = Wish(choosing.policy, urgency, limit=IN_RESERVE, **told)
    question = Question(place_of(location), card.lon, card.lat, taking.now, wish, choosing.limits)
    return location, look_around(taking.memory, question)


def _describe_seen(taking: Taking, place: Place, number: str) -> dict[str, Any]:
    """What memory knows of a worker as seen from the incident; the number alone where it knows nothing."""
    card = taking.card
    measure = taking.choosing.measure
    standings = find_standings(taking.memory.roster, place, lon=card.lon, lat=card.lat, at=taking.now, measure=measure)
    if standings is None or number not in standings.numbers:
        return {"worker": number, "name": number, "distance_m": None}
    row = standings.numbers.index(number)
    told = candidate_json(describe(standings, row, reason=BY_HAND))
    return told if int(standings.distance_mm[row]) < NO_DISTANCE_MM else {**told, "distance_m": None}


def take_named(taking: Taking, worker_id: int, number: str) -> None:
    """Hold a free hand of this worker; raises Conflict where both are full."""
    incident, limits = taking.incident, taking.choosing.limits
    _let_go(taking)
    if take_hand(taking.session, worker_id, urgency=incident.urgency, limits=limits, now=taking.now) is None:
        raise Conflict("at_capacity", worker=number, most=limits.open_tasks)


def _let_go(taking: Taking) -> None:
    """The task itself must not count as one of the hands it asks for; who has handled it has it in hand no more."""
    if taking.incident.state != "handled":
        taking.incident.worker_id = None
    taking.incident.collector_id = None
    taking.session.flush()


def _hand_over(taking: Taking, worker_id: int | None) -> None:
    """In somebody's hands a case is at the level of the grid again: handed up once more, it goes to the street."""
    taking.incident.worker_id, taking.incident.level = worker_id, "grid"
    taking.change("dispatched")


def to_unit(taking: Taking) -> Step:
    """To a department, which accepts it itself: no worker has it in hand then."""
    code = taking.asked.unit
    if code is None:
        raise Unacceptable("unit_missing", errors=[(["unit"], "unit_missing")])
    require_unit(taking.session, code)
    location, choice = look_from(taking, without=frozenset())
    taking.incident.unit_code = code
    _hand_over(taking, None)
    told = {"unit": code, "name": taking.session.get_one(Unit, code).name, "distance_m": None, "reason": BY_HAND}
    keep(taking, replace(choice, by_hand=told), location, None)
    return line_of(taking, code)


def decline(taking: Taking) -> Step:
    """A worker is followed by the next candidate; what a department does not take goes back to the desk."""
    if taking.state != "waiting":
        return follow(taking)
    taking.incident.worker_id = None
    taking.change("waiting", waiting_reason="declined_by_unit")
    return line_of(taking, None)


def follow(taking: Taking) -> Step:
    """From who has not taken it to the next candidate; with nobody left to the desk above, the street's first."""
    line = to_next(taking)
    if taking.incident.state != "waiting":
        return line
    desk = _raise_level(taking)
    # Its clock begins again: the desk above has the time of its own level.
    taking.change("waiting", waiting_reason=taking.incident.waiting_reason)
    return replace(line, to=None if desk is None else desk.area)


def to_next(taking: Taking) -> Step:
    """To the best candidate who has not had it yet; with nobody left it waits, and says why."""
    location, choice = look_from(taking, without=_list_holders(taking))
    choice, one = take_first_free(taking, choice)
    if one is not None:
        _hand_over(taking, one.worker_id)
    else:
        taking.change("waiting", waiting_reason=explain_nobody(location, choice))
    keep(taking, choice, location, None if one is None else one.worker_id)
    return line_of(taking, None if one is None else one.number)


def take_first_free(taking: Taking, choice: Considered) -> tuple[Considered, Candidate | None]:
    """The best candidate whose hand is really free, held, None where nobody's is; those before are told as full."""
    incident, limits = taking.incident, taking.choosing.limits
    _let_go(taking)
    full: list[str] = []
    for one in choice.ranking.candidates:
        held = take_hand(taking.session, one.worker_id, urgency=incident.urgency, limits=limits, now=taking.now)
        if held is not None:
            return replace(choice, full=frozenset(full)), one
        full.append(one.number)
    return replace(choice, full=frozenset(full)), None


def explain_nobody(location: Location, choice: Considered) -> str:
    """Why a case waits that nobody could be found for."""
    return "outside" if location.relation == "outside" else find_waiting_reason(choice.answer) or "all_at_capacity"


def keep(taking: Taking, choice: Considered, location: Location, chosen: int | None) -> None:
    """Keep who was considered, also where a person chose: an older decision would explain another assignment."""
    about = (taking.session, taking.incident.id, taking.memory, choice)
    keep_decision(*about, location=location, chosen=chosen, now=taking.now)


def _list_holders(taking: Taking) -> frozenset[str]:
    steps = select(IncidentStep.to).where(
        IncidentStep.incident_id == taking.incident.id,
        IncidentStep.step.in_(_HANDED_BY),
        IncidentStep.state == "dispatched",
        IncidentStep.to.is_not(None),
    )
    # Whoever has it now, whatever the timeline says: an imported case has none.
    return frozenset(number for number in (*taking.session.scalars(steps), taking.card.worker) if number is not None)


def send_back(taking: Taking) -> Step:
    """To whoever had it: what was not settled is theirs to settle, a worker's as soon as they have a free hand.

    Whoever has left is followed by the next one.
    """
    incident = taking.incident
    if incident.worker_id is not None and not taking.session.get_one(Worker, incident.worker_id).active:
        return to_next(taking)
    if incident.worker_id is not None:
        worker_id = incident.worker_id
        take_named(taking, worker_id, taking.card.worker or "")
        _hand_over(taking, worker_id)
        return line_of(taking, taking.card.worker)
    if incident.unit_code is None:
        raise Conflict("nobody_to_send_back_to")
    _hand_over(taking, None)
    return line_of(taking, incident.unit_code)


def hand_up(taking: Taking) -> Step:
    """To the next desk on the way up: from the grid to the street, from the street to the district."""
    desk = _raise_level(taking)
    if desk is None:
        raise Conflict("nobody_above", area=_find_holder(taking) or "")
    taking.incident.worker_id = None
    taking.change("waiting", waiting_reason="handed_up")
    return line_of(taking, desk.area)


def _raise_level(taking: Taking) -> Desk | None:
    """The desk to which it went up, None where there is nobody above."""
    desk = taking.memory.roster.chart.desk_above(_find_holder(taking))
    if desk is not None:
        taking.incident.level = "district" if desk.level == "district" else "subdistrict"
        taking.incident.desk_area = desk.area
    return desk


def _find_holder(taking: Taking) -> str | None:
    """Whose it is now: the grid's, or the desk's to which it went up."""
    incident = taking.incident
    return incident.desk_area if incident.level != "grid" else incident.current_code or incident.desk_area
