"""Joining a report to the one that was there before: both reporters are kept, and both hear the answer ([D6])."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from layers import incidents
from layers.dispatching.taking import Taking, go_on
from layers.errors import Conflict, Unacceptable
from layers.ids import find_id
from layers.incidents import Incident, Step

JOINABLE_ENDS = ("closed",)
LOCK_NOT_AVAILABLE = "55P03"


def join(taking: Taking) -> Step:
    """To another incident, which goes on; what was joined to this one goes along.

    Raises Conflict where the other one is a duplicate itself (naming what it was joined to) or came to nothing. Where
    the other one has been answered already, this reporter hears that answer at once.
    """
    other = _get_other(taking)
    incident = taking.incident
    incident.joined_to = other.id
    incidents.move_joined(taking.session, incident.id, to=other.id)
    line = go_on(taking)
    _write(taking, other.id, Step("joined", other.state, to=str(incident.id)))
    incidents.touch(other)
    if other.state in ("fed_back", "closed"):
        answer = incidents.find_answer(taking.session, other.id)
        note = "" if answer is None else answer.note
        taking.further.append(Step("feed_back", "duplicate", note=note, to=str(other.id)))
    return line


def _get_other(taking: Taking) -> Incident:
    """The other incident, held: it must not end while something is joined to it."""
    to = find_id(taking.asked.to or "")
    if to is None or to == taking.incident.id:
        raise Unacceptable("unknown_incident", errors=[(["to"], "unknown_incident")])
    incidents.get_incident(taking.session, to, by=taking.by)
    other = _lock(taking, to)
    if taking.incident.part_of == other.id or other.part_of == taking.incident.id:
        raise Conflict("parts_are_one", incident=str(to))
    if other.state == "duplicate":
        raise Conflict("joined_already", incident=str(to), to=str(other.joined_to or ""))
    if other.state in incidents.ENDS and other.state not in JOINABLE_ENDS:
        raise Conflict("nothing_to_join", incident=str(to), state=other.state)
    return other


def _lock(taking: Taking, incident_id: int) -> Incident:
    """Without waiting: two people who join two incidents to each other would wait for one another."""
    held = select(Incident).where(Incident.id == incident_id).with_for_update(nowait=True)
    try:
        return taking.session.scalars(held.execution_options(populate_existing=True)).one()
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise Conflict("somebody_is_at_it", incident=str(incident_id)) from error


def feed_back(taking: Taking) -> Step:
    """The reporter hears the answer, and with them everybody whose report was joined to this one."""
    tell_joined(taking)
    return go_on(taking)


def tell_joined(taking: Taking) -> None:
    """Everybody whose report was joined to this one hears the answer."""
    for joined_id in incidents.join_ids(taking.session, taking.incident.id):
        _write(taking, joined_id, Step("feed_back", "duplicate", note=taking.asked.note, to=str(taking.incident.id)))
        incidents.touch(taking.session.get_one(Incident, joined_id))


def reopen(taking: Taking) -> Step:
    """Ready to be dispatched again, for itself."""
    taking.incident.worker_id = taking.incident.joined_to = None
    return go_on(taking)


def _write(taking: Taking, incident_id: int, line: Step) -> None:
    incidents.add_steps(taking.session, incident_id, [line], at=taking.now, by=taking.by)
