"""The story of a report: located, ranked, assigned, stored, noted ([D3], [D4], [D6]).

    reported = report(session, memory, sent, now=now, by=by)

Locating and ranking ask memory only. The one thing that memory cannot promise, that a worker still has a free hand,
is decided under a lock on the worker's row: of two dispatchers one gets the last free hand, the other the next worker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from layers import incidents
from layers.access import Actor, Role, require_area
from layers.candidates import Desk
from layers.categories import Category, get_open_category
from layers.dispatch_rules import Candidate, Limits, Policy, Ranking, Rejection, Wish
from layers.dispatch_settings import Choosing, find_choosing
from layers.dispatching.calling import Calling, call_first
from layers.dispatching.decisions import Considered, Question, keep_decision
from layers.dispatching.hands import AUTOMATIC, IN_RESERVE, place_of, rank_nearest, take_hand
from layers.dispatching.memory import Memory
from layers.history import note
from layers.incidents import Incident, Step
from layers.locating import Location
from layers.standards import StandardEntry, find_condition
from layers.standings import Place


@dataclass(frozen=True, slots=True)
class Report:
    """What was reported: `lon, lat` in WGS84 degrees beside the position as it was sent."""

    lon: float
    lat: float
    raw_lon: float
    raw_lat: float
    datum: str
    category: str
    accuracy_m: float | None = None
    urgency: str | None = None
    description: str = ""
    channel: str = "hotline"
    occurred_at: datetime | None = None
    external_id: str | None = None
    reporter: dict[str, Any] | None = None
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """Where it is and who could go; `waiting_reason` is None when somebody can. With `confirming` they go to look
    whether it exists, before it is filed ([D10])."""

    lon: float
    lat: float
    location: Location
    place: Place
    urgency: str
    unit_code: str | None
    ranking: Ranking
    waiting_reason: str | None
    desk: Desk | None
    choosing: Choosing
    choice: Considered
    entry: StandardEntry | None = None
    confirming: bool = False


@dataclass(frozen=True, slots=True)
class Reported:
    """The stored incident, who was chosen (with the phone, for those who may have it), and the decision behind it."""

    incident_id: int
    state: str
    decided: Decided
    chosen: Candidate | None
    phone: str | None


def report(session: Session, memory: Memory, sent: Report, *, now: datetime, by: Actor) -> Reported:
    """The stored incident, assigned to a worker, or waiting at a duty desk with the reason: nobody there is no error.

    Raises Forbidden for a place in a foreign area, Unacceptable for an unknown category, Conflict for an external id
    that this source has sent before. About ten statements.
    """
    decided = decide(session, memory, sent, now=now, by=by)
    decided, chosen, phone = _take_first_free(session, decided, decided.choosing.limits, now)
    incident = _store(session, sent, decided, chosen, zone=memory.zone, now=now, by=by)
    asked = (session, memory, incident, decided.choice.question, decided.choosing, now, by.name)
    calls = call_first(Calling(*asked)) if incident.state == "dispatched" else []
    _tell(session, memory, incident, decided, chosen, calls, now=now, by=by)
    return Reported(incident.id, incident.state, decided, chosen, phone)


def decide(session: Session, memory: Memory, sent: Report, *, now: datetime, by: Actor) -> Decided:
    """Where the report is and who would go, without writing anything."""
    location = memory.atlas.locate(sent.lon, sent.lat, accuracy_m=sent.accuracy_m, at=now)
    place = place_of(location)
    if place.district is not None:
        _require_reach(by, place)
    category = get_open_category(session, sent.category)
    urgency = sent.urgency or category.urgency
    about: dict[str, Any] = {"category": sent.category, "urgency": urgency, "zone": memory.zone}
    choosing = find_choosing(session, **about, code=place.finest, now=now)
    # A worker who reports it stands there: nobody else has to look.
    confirming = choosing.field.confirm_first and (sent.reporter or {}).get("worker_id") is None
    policy = Policy.nearest if confirming else choosing.policy
    told: dict[str, Any] = {"measure": choosing.measure, "also": choosing.also}
    wish = Wish(policy, urgency, limit=IN_RESERVE, most_rejected=None, **told)
    waits = reason_of_place(location, category)
    if confirming and waits == "manual_triage":
        waits = None
    choice = look_around(memory, Question(place, sent.lon, sent.lat, now, wish, choosing.limits), waits=waits)
    reason = waits or find_waiting_reason(choice.ranking)
    desk = memory.roster.chart.find_desk(place, lon=sent.lon, lat=sent.lat)
    entry = None if sent.condition is None else find_condition(session, sent.condition)
    unit = (entry and entry.unit_code) or category.unit_code
    known = (location, place, urgency, unit, choice.ranking, reason, desk, choosing, choice, entry)
    return Decided(sent.lon, sent.lat, *known, confirming=confirming and reason is None)


def look_around(memory: Memory, question: Question, *, waits: str | None = None) -> Considered:
    """Who could go, in order."""
    lon, lat, at = question.lon, question.lat, question.at
    ranking = rank_nearest(memory, question.place, lon=lon, lat=lat, at=at, wish=question.wish, limits=question.limits)
    return Considered(question, ranking, waits=waits)


def _require_reach(by: Actor, place: Place) -> None:
    """Raise Forbidden outside the area of who reports. A worker reports whatever they see in their district, also
    across the road from the own community: it goes to those whose ground it is."""
    code = place.finest
    if by.role == Role.worker and place.district is not None and by.area.startswith(place.district):
        return
    require_area(by, code)


def reason_of_place(location: Location, category: Category) -> str | None:
    """Why a case waits whoever may be there: in no grid, or a person must decide first; None where it need not."""
    if location.relation in ("gap", "outside"):
        return location.relation
    return "manual_triage" if category.triage == "manual" else None


def find_waiting_reason(ranking: Ranking) -> str | None:
    """Why nobody goes, the most hopeful reason first: who is only busy will be free soon."""
    if ranking.candidates:
        return None
    for reason, word in _HOPES.items():
        if reason in ranking.rejected_by_reason:
            return word
    return "nobody_on_duty"


_HOPES = {
    Rejection.at_capacity: "all_at_capacity",
    Rejection.declined: "all_declined",
    Rejection.too_far: "nobody_in_reach",
    Rejection.no_position: "nobody_in_reach",
}


def _take_first_free(
    session: Session, decided: Decided, limits: Limits, now: datetime
) -> tuple[Decided, Candidate | None, str | None]:
    """The first candidate whose hand is really free, held; the others before are turned down as at_capacity."""
    if decided.waiting_reason is not None:
        return decided, None, None
    full: list[str] = []
    for candidate in decided.ranking.candidates:
        row = take_hand(session, candidate.worker_id, urgency=decided.urgency, limits=limits, now=now)
        if row is not None:
            return _turn_down_full(decided, full), candidate, row.phone
        full.append(candidate.number)
    decided = _turn_down_full(decided, full)
    return replace(decided, waiting_reason=find_waiting_reason(decided.ranking)), None, None


def _turn_down_full(decided: Decided, full: list[str]) -> Decided:
    """The same without those whose hands turned out to be full."""
    choice = replace(decided.choice, full=frozenset(full))
    return replace(decided, choice=choice, ranking=choice.answer)


def _store(
    session: Session,
    sent: Report,
    decided: Decided,
    chosen: Candidate | None,
    *,
    zone: ZoneInfo,
    now: datetime,
    by: Actor,
) -> Incident:
    place, location = decided.place, decided.location
    goes = None if chosen is None else chosen.worker_id
    looks = decided.confirming
    return incidents.add_incident(
        session,
        lon=sent.lon,
        lat=sent.lat,
        reporter=sent.reporter,
        zone=zone,
        state="waiting" if chosen is None else "reported" if looks else "dispatched",
        # Written with the row: `_tell` has the step of it, and need not come back to the row.
        steps_taken=0 if goes is None or looks else incidents.bits_of(["dispatch"]),
        waiting_reason=decided.waiting_reason,
        worker_id=None if looks else goes,
        collector_id=goes if looks else None,
        check_in_minutes=decided.choosing.check_in_minutes or None,
        category=sent.category,
        urgency=decided.urgency,
        description=sent.description,
        channel=sent.channel,
        occurred_at=sent.occurred_at or now,
        reported_at=now,
        unit_code=decided.unit_code,
        raw_lon=sent.raw_lon,
        raw_lat=sent.raw_lat,
        datum=sent.datum,
        accuracy_m=sent.accuracy_m,
        source=f"{by.kind}:{by.name}",
        external_id=sent.external_id,
        relation=location.relation,
        district=place.district,
        **codes_of(place, decided.desk),
        plan_version=location.plan_version,
        index_version=location.index_version,
        location=location.as_json(),
        standard_version=decided.entry and decided.entry.version,
        condition=decided.entry and decided.entry.condition.code,
    )


def codes_of(place: Place, desk: Desk | None) -> dict[str, str | None]:
    """The columns that say whose ground it is; where no grid holds the place the duty desk's area answers for it."""
    return {
        "grid_code": place.grid,
        "sub_grid_code": place.sub_grid,
        "current_code": place.sub_grid or place.grid,
        "desk_area": desk.area if desk is not None else place.finest,
    }


def condition_line(entry: StandardEntry, state: str, note: str = "") -> Step:
    """The line of the timeline that says which condition the case has now, in the sheet's words."""
    words = " · ".join(one for one in (entry.sub_class.name, entry.condition.case, note) if one)
    return Step("set_condition", state, note=words, to=entry.condition.code)


def _tell(
    session: Session,
    memory: Memory,
    incident: Incident,
    decided: Decided,
    chosen: Candidate | None,
    calls: list[Step],
    *,
    now: datetime,
    by: Actor,
) -> None:
    """Write the timeline, the decision and the history."""
    lines = [Step("report", "reported", note=incident.channel)]
    if decided.entry is not None:
        lines += [condition_line(decided.entry, "reported")]
    if chosen is None:
        lines += [Step("wait", "waiting", note=decided.waiting_reason or "", by=AUTOMATIC)]
    elif decided.confirming:
        lines += [Step("send_to_confirm", "reported", to=chosen.number, by=AUTOMATIC)]
    else:
        lines += [Step("triage", "triaged", by=AUTOMATIC)]
        lines += [Step("dispatch", "dispatched", to=chosen.number, by=AUTOMATIC)]
    incidents.add_steps(session, incident.id, [*lines, *calls], at=now, by=by)
    worker_id = None if chosen is None else chosen.worker_id
    keep_decision(session, incident.id, memory, decided.choice, location=decided.location, chosen=worker_id, now=now)
    area = incident.current_code or incident.desk_area or ""
    told = {"state": incident.state, "worker": chosen and chosen.number, "plan_version": incident.plan_version}
    note(session, "incident.reported", subject=str(incident.id), area=area, by=by, **told)
