"""The steps of an incident after its report: checked by the one table of the workflow, and what each changes ([D5])."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import Session

from layers import incidents
from layers.access import Actor, Role
from layers.categories import get_category
from layers.db import WGS84
from layers.dispatch_settings import find_choosing
from layers.dispatching import calling, check_ins, conditions, field_tasks, grace, handing, joining, splitting
from layers.dispatching.hands import place_of
from layers.dispatching.memory import Memory
from layers.dispatching.proofs import prove, require_taken_in_time
from layers.dispatching.recalling import recall
from layers.dispatching.story import codes_of, reason_of_place
from layers.dispatching.taking import RawPosition, StepAsked, Taking, go_on, line_of, require_position
from layers.errors import Forbidden, Unacceptable
from layers.history import note
from layers.incidents import DESKS, Incident, IncidentCard, Proof, Rule, Step
from layers.locating import Location
from layers.outgoing import put_event

# Reasons to wait that follow from where it is: nobody there is one, "handed up" is none.
OF_THE_PLACE = frozenset(
    (
        *("gap", "outside", "nobody_on_duty", "nobody_in_reach", "all_at_capacity", "all_declined", "manual_triage"),
        field_tasks.NOT_FOUND,
    )
)


def take_step(
    session: Session, memory: Memory, incident_id: int, *, asked: StepAsked, now: datetime, by: Actor
) -> IncidentCard:
    """The incident after the step.

    Raises NotFound for an incident that the caller may not see, Forbidden for a step that is somebody else's, Conflict
    for one that may not follow (naming those that may), Unacceptable where a reason, a position or a target is missing
    or wrong. Steps of one incident follow each other under a lock on its row.
    """
    # Refused before anything is locked, and looked at again under the lock: somebody may have been faster.
    _require_rule(session, incident_id, asked, by)
    incident = incidents.lock_incident(session, incident_id)
    card, rule = _require_rule(session, incident_id, asked, by)
    about: dict[str, Any] = {"category": incident.category, "urgency": incident.urgency, "zone": memory.zone}
    choosing = find_choosing(session, **about, code=incident.current_code or incident.desk_area, now=now)
    taking = Taking(session, memory, incident, card, asked, rule, choosing, now, by)
    require_taken_in_time(taking)
    taking, before = _as_proven(taking), area_of(incident)
    line = HANDLERS.get(asked.step, go_on)(taking)
    session.flush()
    taking.further.extend(calling.call_for_step(taking))
    incidents.add_steps(session, incident_id, [line, *taking.further], at=now, by=by)
    splitting.follow_parts(taking)
    told = {"step": asked.step, "state": incident.state}
    note(session, "incident.step", subject=str(incident_id), area=area_of(incident), by=by, **told)
    if area_of(incident) != before:
        # Whose it was is told as well: it has left their list.
        put_event(session, "incident.step", subject=str(incident_id), area=before, details=told)
    session.flush()
    return incidents.get_incident(session, incident_id, by=replace(by, area="", role=Role.admin))


def area_of(incident: Incident) -> str:
    """Whose it is: the code of its ground, or the desk's that answers for it."""
    return incident.current_code or incident.desk_area or ""


def _require_rule(session: Session, incident_id: int, asked: StepAsked, by: Actor) -> tuple[IncidentCard, Rule]:
    """The incident as this actor sees it, and the row of the table by which they take the step."""
    card = incidents.get_incident(session, incident_id, by=by)
    rule = incidents.require_rule(card.fields["state"], asked.step, incidents.parts_in(card, by))
    if rule.note and not asked.note.strip():
        raise Unacceptable("note_missing", errors=[(["note"], "note_missing")], step=rule.step)
    return card, rule


def _as_proven(taking: Taking) -> Taking:
    """With what shows where the step is taken. What a desk sends beside it is no place where anybody stood."""
    proof = prove(taking)
    if taking.rule.proof != Proof.none and taking.by.role in DESKS:
        return replace(taking, proof=proof, asked=replace(taking.asked, lon=None, lat=None))
    return replace(taking, proof=proof)


def _correct_place(taking: Taking) -> Step:
    """Located anew, with all that follows from the place ([D9]); who has it keeps it until somebody reassigns.

    A case that waited because of its place is looked at again as if it had been reported there.
    """
    incident, memory = taking.incident, taking.memory
    lon, lat = require_position(taking.asked)
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
    return go_on(taking)


def _look_again(taking: Taking, location: Location) -> Step:
    """Waiting for what the new place gives as a reason, else to the best worker there."""
    incident = taking.incident
    reason = reason_of_place(location, get_category(taking.session, incident.category))
    if reason is None:
        taking.session.flush()
        card = incidents.get_incident(taking.session, incident.id, by=taking.by)
        return handing.to_next(replace(taking, card=card))
    taking.change("waiting", waiting_reason=reason)
    return line_of(taking, None)


HANDLERS: Mapping[str, Callable[[Taking], Step]] = {
    "triage": conditions.triage,
    "set_condition": conditions.set_condition,
    "dispatch": handing.dispatch,
    "reassign": handing.dispatch,
    "send_to_confirm": field_tasks.send,
    "send_to_inspect": field_tasks.send,
    "confirm": field_tasks.confirm,
    "deny": field_tasks.deny,
    "raise_call": calling.raise_call,
    "come": calling.come,
    "cannot_come": calling.cannot_come,
    "check_in": check_ins.check_in,
    "handle": field_tasks.handle,
    "verify": field_tasks.verify,
    "decline": field_tasks.decline,
    "pass_on": handing.to_unit,
    "send_back": handing.send_back,
    "hand_up": handing.hand_up,
    "duplicate": joining.join,
    "correct_place": _correct_place,
    "feed_back": joining.feed_back,
    "reopen": joining.reopen,
    "split": splitting.split,
    "recall": recall,
    "pause": grace.ask,
    "extend": grace.ask,
    "exempt": grace.ask,
    "agree": grace.agree,
    "refuse": grace.refuse,
}
assert set(HANDLERS) <= set(incidents.STEPS)
