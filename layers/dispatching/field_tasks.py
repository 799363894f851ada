"""The two field tasks ([D10]): somebody looks whether a case exists before it is filed, and whether it is done before
it is closed.

The nearest who is free is sent, with a limit, and has it in hand like any task; who handled a case is not who looks
whether it is done. A city asks for them by category and urgency (`layers.dispatch_settings`), a desk for any case. Who
declines or lets the limit pass is followed by the next one, and with nobody left the desk has it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select

from layers import incidents, photos
from layers.categories import get_category
from layers.dispatch_rules import Policy
from layers.dispatching import handing
from layers.dispatching.hands import AUTOMATIC
from layers.dispatching.taking import Taking, go_on, line_of
from layers.errors import Conflict, Unacceptable
from layers.incidents import IncidentStep, Step

# What a photo of each finding has to show, where the city asks for photos.
DEMANDED_PHOTOS = {"confirm": ("near", "far"), "deny": ("far",), "verify": ("after",)}
NOT_FOUND = "not_found"
_SENT_BY = ("send_to_confirm", "send_to_inspect", "decline", "timeout")


def send(taking: Taking) -> Step:
    """To the worker who is named, else to the nearest one who is free; raises Conflict where there is nobody."""
    taking = _order_nearest_first(taking)
    if taking.asked.to is None:
        number, reason = _to_next(taking, taking.state)
        if number is None:
            raise Conflict("nobody_to_look", reason=reason)
        return line_of(taking, number)
    number, worker_id, on_duty = handing.get_named_worker(taking)
    if taking.state == "handled" and worker_id == taking.incident.worker_id:
        raise Conflict("own_work", worker=number)
    location, choice = handing.look_from(taking, without=frozenset())
    handing.take_named(taking, worker_id, number)
    _have_look(taking, taking.state, worker_id)
    handing.keep(taking, handing.name_worker(taking, choice, number, on_duty=on_duty), location, worker_id)
    return line_of(taking, number)


def handle(taking: Taking) -> Step:
    """Done, as whoever did it says; where the category asks for it somebody else is sent to look. A worker who reported
    it looks themselves ([D5])."""
    line = go_on(taking)
    if not taking.choosing.field.inspect_last:
        return line
    taking.incident.inspect_last = True
    if taking.card.reported_by is None:
        number, reason = _to_next(_order_nearest_first(taking), "handled")
        taking.further.append(Step("send_to_inspect", "handled", note=reason or "", to=number, by=AUTOMATIC))
    return line


def confirm(taking: Taking) -> Step:
    """It exists: filed, and dispatched at once unless a person has to decide."""
    _require_photos(taking)
    taking.incident.collector_id = None
    if get_category(taking.session, taking.incident.category).triage == "manual":
        taking.change("waiting", waiting_reason="manual_triage")
        to = None
    else:
        to = handing.to_next(taking).to
    incident = taking.incident
    note = incident.waiting_reason or ""
    next_line = Step("dispatch", incident.state, to=to) if to else Step("wait", incident.state, note=note)
    taking.further.append(replace(next_line, by=AUTOMATIC))
    return replace(line_of(taking, None), state="triaged")


def deny(taking: Taking) -> Step:
    """It does not exist: the desk decides, with what was found there."""
    _require_photos(taking)
    taking.change("waiting", waiting_reason=NOT_FOUND)
    return line_of(taking, None)


def verify(taking: Taking) -> Step:
    """It is done."""
    if taking.incident.collector_id is not None:
        _require_photos(taking)
    return go_on(taking)


def decline(taking: Taking) -> Step:
    """Whoever declines is followed by the next one."""
    return handing.decline(taking) if taking.incident.collector_id is None else follow(taking)


def follow(taking: Taking) -> Step:
    """From a collector who does not look to the next one; with nobody left it is the desk's."""
    state = taking.incident.state
    number, reason = _to_next(_order_nearest_first(taking), state)
    if number is None and state == "reported":
        taking.change("waiting", waiting_reason=reason)
    incidents.touch(taking.incident)
    return line_of(taking, number)


def _order_nearest_first(taking: Taking) -> Taking:
    """Who looks is no matter of whose ground it is."""
    return replace(taking, choosing=replace(taking.choosing, policy=Policy.nearest))


def _to_next(taking: Taking, state: str) -> tuple[str | None, str | None]:
    """The number of the nearest who is free and has not had it, or why there is nobody."""
    location, choice = handing.look_from(taking, without=_list_verifiers(taking, state))
    choice, one = handing.take_first_free(taking, choice)
    handing.keep(taking, choice, location, None if one is None else one.worker_id)
    if one is None:
        return None, handing.explain_nobody(location, choice)
    _have_look(taking, state, one.worker_id)
    return one.number, None


def _have_look(taking: Taking, state: str, worker_id: int) -> None:
    taking.change(state, collector_id=worker_id)
    taking.incident.inspect_last = state == "handled"


def _list_verifiers(taking: Taking, state: str) -> frozenset[str]:
    """Who has had the task since the case came into this state, and whoever did the work."""
    of_this = IncidentStep.incident_id == taking.incident.id
    before = select(func.max(IncidentStep.id)).where(of_this, IncidentStep.state != state)
    since = taking.session.scalar(before) or 0
    had = select(IncidentStep.to).where(of_this, IncidentStep.id > since, IncidentStep.step.in_(_SENT_BY))
    known = (*taking.session.scalars(had), taking.card.collector, taking.card.worker)
    return frozenset(number for number in known if number is not None)


def _require_photos(taking: Taking) -> None:
    """Raise Unacceptable where the city asks for photos and whoever looks has not sent them since they were sent."""
    if not taking.choosing.field.photos:
        return
    told = (taking.incident.clock or {}).get("since")
    since = taking.incident.reported_at if told is None else datetime.fromisoformat(told)
    sent = {one.kind for one in photos.list_photos(taking.session, taking.incident.id) if one.at >= since}
    missing = [kind for kind in DEMANDED_PHOTOS[taking.asked.step] if kind not in sent]
    if missing:
        raise Unacceptable("photos_missing", errors=[(["step"], "photos_missing")], missing=", ".join(missing))
