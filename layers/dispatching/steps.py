"""The steps of an incident after its report: who may take them, and what each of them changes ([D5])."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers import incidents
from layers.access import Actor, Role
from layers.categories import get_category
from layers.db import WGS84
from layers.dispatch_rules import Candidate, Ranking, Wish
from layers.dispatching.story import (
    IN_RESERVE,
    Memory,
    codes_of,
    keep_decision,
    nearest,
    place_of,
    reason_of_place,
    take_hand,
    waiting_reason,
)
from layers.errors import Conflict, Forbidden, Unacceptable
from layers.history import note
from layers.incidents import Incident, IncidentCard, IncidentStep, Step
from layers.locating import Location
from layers.workers import ids_of
from tiling.plane import Plane, city_epsg

# "On the spot": a phone between houses is off by some tens of metres, another house is not the spot.
SPOT_M = 100.0
WORKER_STEPS = ("accept", "decline", "arrive", "handle", "hand_up", "note")
UNIT_STEPS = ("arrive", "handle", "note")
# Reasons to wait that follow from where it is: nobody there is one, "handed up" is none.
OF_THE_PLACE = frozenset(
    ("gap", "outside", "nobody_on_duty", "nobody_in_reach", "all_at_capacity", "all_declined", "manual_triage")
)


@dataclass(frozen=True, slots=True)
class RawPosition:
    """A position as it was sent, in degrees of its own datum ([C1])."""

    lon: float
    lat: float
    datum: str


@dataclass(frozen=True, slots=True)
class StepAsked:
    """The step that somebody takes; the position is in WGS84 degrees, `to` a worker's number or an incident's id.

    `raw` is the position as it was sent; without it it was sent in WGS84.
    """

    step: str
    note: str = ""
    lon: float | None = None
    lat: float | None = None
    to: str | None = None
    raw: RawPosition | None = None


@dataclass(frozen=True, slots=True)
class _Taking:
    """A step while it is being taken."""

    session: Session
    memory: Memory
    incident: Incident
    card: IncidentCard
    asked: StepAsked
    state: str
    now: datetime
    by: Actor


def take_step(
    session: Session, memory: Memory, incident_id: int, *, asked: StepAsked, now: datetime, by: Actor
) -> IncidentCard:
    """The incident after the step.

    Raises NotFound for an incident that the caller may not see, Forbidden for a step that is somebody else's, Conflict
    for one that may not follow (naming those that may), Unacceptable where a position or a target is missing or wrong.
    Steps of one incident follow each other under a lock on its row.
    """
    incidents.get_incident(session, incident_id, by=by)
    incident = incidents.lock_incident(session, incident_id)
    state = incidents.require_step(incident.state, asked.step)
    card = incidents.get_incident(session, incident_id, by=by)
    taking = _Taking(session, memory, incident, card, asked, state, now, by)
    _require_right(taking)
    line = HANDLERS.get(asked.step, _go_on)(taking)
    session.flush()
    incidents.add_steps(session, incident_id, [line], at=now, by=by)
    area = incident.current_code or incident.desk_area or ""
    note(session, "incident.step", subject=str(incident_id), area=area, by=by, step=asked.step, state=incident.state)
    session.flush()
    return incidents.get_incident(session, incident_id, by=replace(by, area="", role=Role.admin))


def _require_right(taking: _Taking) -> None:
    """Dispatchers lead; a worker takes steps of own tasks and verifies own reports; a unit handles."""
    step, by = taking.asked.step, taking.by
    if by.role == Role.worker:
        own = taking.incident.worker_id == by.worker_id
        mine = (step in WORKER_STEPS and own) or (step == "verify" and _reported_by(taking) == by.worker_id)
        # Nobody's case is not the case of whoever has no staff number.
        allowed = by.worker_id is not None and mine
    elif by.role == Role.unit:
        allowed = step in UNIT_STEPS
    else:
        allowed = True
    if not allowed:
        raise Forbidden("step_not_yours", step=step)


def _reported_by(taking: _Taking) -> int | None:
    reporter = incidents.find_reporter(taking.session, taking.incident.id)
    return reporter.worker_id if reporter is not None else None


def _go_on(taking: _Taking) -> Step:
    """A step that only leads on to the next state."""
    if taking.state != taking.incident.state:
        incidents.change_state(taking.session, taking.incident, taking.state, now=taking.now)
    else:
        incidents.touch(taking.incident)
    return _line(taking, taking.asked.to)


def _line(taking: _Taking, to: str | None) -> Step:
    asked = taking.asked
    return Step(asked.step, taking.incident.state, note=asked.note, lon=asked.lon, lat=asked.lat, to=to)


def _dispatch(taking: _Taking) -> Step:
    """To the worker who is named, else to the best one who has not had it yet; nobody there: it waits."""
    return _to_worker(taking) if taking.asked.to is not None else _to_next(taking)


def _to_worker(taking: _Taking) -> Step:
    number = taking.asked.to or ""
    worker_id = ids_of(taking.session, [number], by=taking.by)[number]
    _give(taking, worker_id, number)
    return _line(taking, number)


def _give(taking: _Taking, worker_id: int, number: str) -> None:
    incident, limits = taking.incident, taking.memory.limits
    # The task itself must not count as one of the hands it asks for.
    incident.worker_id = None
    taking.session.flush()
    if take_hand(taking.session, worker_id, urgency=incident.urgency, limits=limits, now=taking.now) is None:
        raise Conflict("at_capacity", worker=number, most=limits.open_tasks)
    _hand_over(taking, worker_id)


def _hand_over(taking: _Taking, worker_id: int) -> None:
    """In a worker's hands a case is at the level of the grid again: handed up once more, it goes to the street."""
    taking.incident.worker_id, taking.incident.level = worker_id, "grid"
    incidents.change_state(taking.session, taking.incident, "dispatched", now=taking.now)


def _to_next(taking: _Taking) -> Step:
    incident, card, memory = taking.incident, taking.card, taking.memory
    location = memory.atlas.locate(card.lon, card.lat, at=taking.now)
    had = _who_had_it(taking)
    wish = Wish(policy=memory.policy, urgency=incident.urgency, limit=IN_RESERVE, without=had)
    ranking = nearest(memory, place_of(location), lon=card.lon, lat=card.lat, at=taking.now, wish=wish)
    incident.worker_id = None
    taking.session.flush()
    for one in ranking.candidates:
        held = take_hand(taking.session, one.worker_id, urgency=incident.urgency, limits=memory.limits, now=taking.now)
        if held is not None:
            _hand_over(taking, one.worker_id)
            _keep(taking, ranking, location, one)
            return _line(taking, one.number)
    reason = "outside" if location.relation == "outside" else waiting_reason(ranking) or "all_at_capacity"
    incidents.change_state(taking.session, incident, "waiting", now=taking.now, waiting_reason=reason)
    _keep(taking, ranking, location, None)
    return _line(taking, None)


def _keep(taking: _Taking, ranking: Ranking, location: Location, chosen: Candidate | None) -> None:
    policy = taking.memory.policy
    about = (taking.session, taking.incident.id)
    keep_decision(*about, ranking=ranking, location=location, policy=policy, chosen=chosen, now=taking.now)


def _who_had_it(taking: _Taking) -> frozenset[str]:
    steps = select(IncidentStep.to).where(
        IncidentStep.incident_id == taking.incident.id,
        IncidentStep.state == "dispatched",
        IncidentStep.to.is_not(None),
    )
    return frozenset(number for number in taking.session.scalars(steps) if number is not None)


def _send_back(taking: _Taking) -> Step:
    """To the same worker: what was not settled is theirs to settle, as soon as they have a free hand."""
    if taking.incident.worker_id is None:
        raise Conflict("nobody_to_send_back_to")
    _give(taking, taking.incident.worker_id, taking.card.worker or "")
    return _line(taking, taking.card.worker)


def _hand_up(taking: _Taking) -> Step:
    """To the next desk on the way up: from the grid to the street, from the street to the district."""
    incident = taking.incident
    here = incident.desk_area if incident.level != "grid" else incident.current_code or incident.desk_area
    desk = taking.memory.roster.chart.desk_above(here)
    if desk is None:
        raise Conflict("nobody_above", area=here or "")
    incident.level = "district" if desk.level == "district" else "subdistrict"
    incident.desk_area, incident.worker_id = desk.area, None
    incidents.change_state(taking.session, incident, "waiting", now=taking.now, waiting_reason="handed_up")
    return _line(taking, desk.area)


def _verify(taking: _Taking) -> Step:
    """On the spot, and by the reporting worker where there is one."""
    reporter = _reported_by(taking)
    if reporter is not None and taking.by.worker_id != reporter:
        raise Forbidden("reporter_verifies")
    lon, lat = _position(taking)
    away_m = _metres_between(taking.card, lon, lat)
    if away_m > SPOT_M:
        raise Unacceptable(
            "not_on_the_spot",
            errors=[(["lon"], "not_on_the_spot"), (["lat"], "not_on_the_spot")],
            distance_m=round(away_m),
            within_m=round(SPOT_M),
        )
    return _go_on(taking)


def _position(taking: _Taking) -> tuple[float, float]:
    if taking.asked.lon is None or taking.asked.lat is None:
        raise Unacceptable("position_missing", errors=[(["lon"], "position_missing"), (["lat"], "position_missing")])
    return taking.asked.lon, taking.asked.lat


def _metres_between(card: IncidentCard, lon: float, lat: float) -> float:
    x, y = Plane(city_epsg(card.lon, card.lat)).xy_of([card.lon, lon], [card.lat, lat])
    return float(((x[0] - x[1]) ** 2 + (y[0] - y[1]) ** 2) ** 0.5)


def _duplicate(taking: _Taking) -> Step:
    """Joined to another incident, which goes on."""
    to = taking.asked.to or ""
    if not to.isascii() or not to.isdigit() or len(to) > 18 or int(to) == taking.incident.id:
        raise Unacceptable("unknown_incident", errors=[(["to"], "unknown_incident")])
    incidents.get_incident(taking.session, int(to), by=taking.by)
    return _go_on(taking)


def _correct_place(taking: _Taking) -> Step:
    """Located anew, with all that follows from the place ([D9]); who has it keeps it until somebody reassigns.

    A case that waited because of its place is looked at again as if it had been reported there.
    """
    incident, memory = taking.incident, taking.memory
    lon, lat = _position(taking)
    location = memory.atlas.locate(lon, lat, at=taking.now)
    place = place_of(location)
    if place.district is not None and not taking.by.holds(place.finest):
        raise Forbidden("foreign_area", asked=place.finest or "", area=taking.by.area)
    raw = taking.asked.raw or RawPosition(lon, lat, "wgs84")
    incident.geom = func.ST_SetSRID(func.ST_MakePoint(lon, lat), WGS84)
    incident.raw_lon, incident.raw_lat, incident.datum = raw.lon, raw.lat, raw.datum
    # A person points at the place: how well a phone had measured the old one says nothing of it.
    incident.accuracy_m = None
    for column, code in codes_of(place, memory.roster.chart.find_desk(place, lon=lon, lat=lat)).items():
        setattr(incident, column, code)
    incident.relation, incident.district = location.relation, place.district
    incident.plan_version, incident.index_version = location.plan_version, location.index_version
    incident.location = location.as_json()
    if incident.state == "waiting" and incident.waiting_reason in OF_THE_PLACE:
        return _look_again(taking, location)
    return _go_on(taking)


def _look_again(taking: _Taking, location: Location) -> Step:
    """Waiting for what the new place gives as a reason, else to the best worker there."""
    incident = taking.incident
    reason = reason_of_place(location, get_category(taking.session, incident.category))
    if reason is None:
        taking.session.flush()
        return _to_next(replace(taking, card=incidents.get_incident(taking.session, incident.id, by=taking.by)))
    incidents.change_state(taking.session, incident, "waiting", now=taking.now, waiting_reason=reason)
    return _line(taking, None)


def _reopen(taking: _Taking) -> Step:
    """Ready to be dispatched again."""
    taking.incident.worker_id = None
    return _go_on(taking)


HANDLERS: Mapping[str, Callable[[_Taking], Step]] = {
    "dispatch": _dispatch,
    "reassign": _dispatch,
    "decline": _to_next,
    "send_back": _send_back,
    "hand_up": _hand_up,
    "verify": _verify,
    "duplicate": _duplicate,
    "correct_place": _correct_place,
    "reopen": _reopen,
}
assert set(HANDLERS) <= set(incidents.STEPS)
