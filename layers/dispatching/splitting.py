"""A case in the hands of several: split into parts, which are cases with owners and clocks of their own ([D9]).

One of the parts leads: its department answers for the whole. The whole waits while its parts are worked on, each by the
same table as any case, and closes with the last of them; where all of them came to nothing it is the desk's again. A
part that is reopened takes the whole with it. The whole's reporter, and whose report was joined to it, hear the answer
of the whole.
"""

from __future__ import annotations

from dataclasses import replace

from layers import incidents
from layers.access import service_actor
from layers.dispatching.handing import dispatch
from layers.dispatching.hands import AUTOMATIC
from layers.dispatching.joining import tell_joined
from layers.dispatching.taking import PartAsked, StepAsked, Taking, line_of
from layers.errors import Unacceptable
from layers.history import note
from layers.incidents import ENDS, Incident, Part, Step

FEWEST_PARTS, MOST_PARTS = 2, 9
SERVICE = service_actor(AUTOMATIC)
# What a part has from the whole: where it is, what it is, how it came.
_SHARED = (
    *("category", "urgency", "channel", "occurred_at", "unit_code", "raw_lon", "raw_lat", "datum", "accuracy_m"),
    *("relation", "district", "grid_code", "sub_grid_code", "current_code", "desk_area", "plan_version"),
    *("index_version", "location", "source"),
)


def split(taking: Taking) -> Step:
    """Into parts, each handed to whom it is for; raises Unacceptable for too few, too many, or one that is nobody's."""
    asked = taking.asked.parts
    _require_parts(asked)
    lead = next((place for place, one in enumerate(asked) if one.lead), 0)
    taking.incident.worker_id = None
    taking.incident.unit_code = asked[lead].unit or taking.incident.unit_code
    taking.change("split")
    taking.session.flush()
    made = [_add_part(taking, one, leads=place == lead) for place, one in enumerate(asked)]
    return line_of(taking, ", ".join(str(part.id) for part in made))


def _require_parts(asked: tuple[PartAsked, ...]) -> None:
    nobodys = [place for place, one in enumerate(asked) if not (one.to or one.unit)]
    wrong: list[tuple[list[str | int], str]] = [(["parts", place], "part_of_nobody") for place in nobodys]
    if wrong:
        raise Unacceptable("part_of_nobody", errors=wrong)
    if not FEWEST_PARTS <= len(asked) <= MOST_PARTS:
        errors = [(["parts"], "wrong_number_of_parts")]
        raise Unacceptable("wrong_number_of_parts", errors=errors, fewest=FEWEST_PARTS, most=MOST_PARTS)
    if sum(one.lead for one in asked) > 1:
        raise Unacceptable("one_part_leads", errors=[(["parts"], "one_part_leads")])


def _add_part(taking: Taking, asked: PartAsked, *, leads: bool) -> Incident:
    """The stored part in the hands of whom it is for, with its own timeline and decision."""
    whole, card = taking.incident, taking.card
    reporter = None if card.reported_by is None else {"kind": "worker", "worker_id": card.reported_by}
    shared = {name: getattr(whole, name) for name in _SHARED} | ({"unit_code": asked.unit} if asked.unit else {})
    part = incidents.add_incident(
        taking.session,
        lon=card.lon,
        lat=card.lat,
        reporter=reporter,
        zone=taking.memory.zone,
        state="triaged",
        description=asked.note or whole.description,
        reported_at=taking.now,
        part_of=whole.id,
        leads=leads,
        **shared,
    )
    lines = [Step("split", "triaged", to=str(whole.id)), _hand_out(taking, part, asked)]
    incidents.add_steps(taking.session, part.id, lines, at=taking.now, by=taking.by)
    _note(taking, part, "split")
    return part


def _hand_out(taking: Taking, part: Incident, asked: PartAsked) -> Step:
    """To the worker or the department; a worker of a department has it in hand, and the department is in charge."""
    card = incidents.get_incident(taking.session, part.id, by=SERVICE)
    to_unit = asked.unit if asked.to is None else None
    wanted = StepAsked("dispatch", to=asked.to, unit=to_unit, confirm=taking.asked.confirm)
    rule = incidents.require_rule("triaged", "dispatch", frozenset({Part.desk}))
    return dispatch(replace(taking, incident=part, card=card, asked=wanted, rule=rule, proof=None, further=[]))


def follow_parts(taking: Taking) -> None:
    """After a step of a part: the whole closes with the last one, or goes on with one that is reopened."""
    if taking.incident.part_of is None:
        return
    # A part is always locked before its whole, and nobody locks them the other way round.
    whole = incidents.lock_incident(taking.session, taking.incident.part_of)
    states = [str(part.fields["state"]) for part in incidents.list_parts(taking.session, whole.id)]
    all_ended = all(state in ENDS for state in states)
    if whole.state == "split" and all_ended:
        _lead_on(taking, whole, "gather", useful="closed" in states)
    elif whole.state == "closed" and not all_ended:
        _lead_on(taking, whole, "resume", useful=True)
    else:
        incidents.touch(whole)


def _lead_on(taking: Taking, whole: Incident, step: str, *, useful: bool) -> None:
    rule = incidents.require_rule(whole.state, step, frozenset({Part.timer}))
    card = incidents.get_incident(taking.session, whole.id, by=SERVICE)
    asked = StepAsked(step, to=str(taking.incident.id))
    own = replace(taking, incident=whole, card=card, asked=asked, rule=rule, proof=None, by=SERVICE, further=[])
    if useful:
        own.change(rule.to or whole.state)
    else:
        own.change(rule.otherwise or whole.state, waiting_reason="parts_without_result")
    if whole.state == "closed":
        tell_joined(own)
    taking.session.flush()
    line = replace(line_of(own, asked.to), by=AUTOMATIC)
    incidents.add_steps(taking.session, whole.id, [line], at=taking.now, by=SERVICE)
    _note(own, whole, step)


def _note(taking: Taking, incident: Incident, step: str) -> None:
    area = incident.current_code or incident.desk_area or ""
    told = {"step": step, "state": incident.state}
    note(taking.session, "incident.step", subject=str(incident.id), area=area, by=taking.by, **told)
