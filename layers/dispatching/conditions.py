"""A condition of the standard sheet given to a case: with it the sheet's clock begins ([K4], [K5])."""

from __future__ import annotations

from dataclasses import replace

from layers import incidents
from layers.dispatching.story import condition_line
from layers.dispatching.taking import Taking, go_on
from layers.errors import Unacceptable
from layers.incidents import Step
from layers.standards import StandardEntry, find_condition


def triage(taking: Taking) -> Step:
    """Taken up as a case, with a condition where one is named."""
    line = go_on(taking)
    if taking.asked.condition is None:
        return line
    entry = _give(taking)
    taking.further.append(condition_line(entry, taking.incident.state))
    return line


def set_condition(taking: Taking) -> Step:
    """The case as another condition of its own version of the sheet has it; the department follows the sub-class."""
    if taking.asked.condition is None:
        raise Unacceptable("condition_missing", errors=[(["condition"], "condition_missing")])
    entry = _give(taking)
    incidents.touch(taking.incident)
    line = condition_line(entry, taking.incident.state, taking.asked.note)
    return replace(line, lon=taking.asked.lon, lat=taking.asked.lat, proof=taking.proof)


def _give(taking: Taking) -> StandardEntry:
    """A living case keeps the version of the sheet that it was first given a condition of."""
    incident = taking.incident
    entry = find_condition(taking.session, taking.asked.condition or "", version=incident.standard_version)
    before = incident.condition
    about = (taking.session, incident, entry.version, entry.condition.code)
    incidents.give_condition(*about, now=taking.now, zone=taking.memory.zone)
    another = before is None or before.rpartition("-")[0] != entry.sub_class.code
    if another and entry.unit_code is not None:
        incident.unit_code = entry.unit_code
    return entry
