"""Pauses, extensions and exemptions ([K2]): asked by one, agreed by another, and what they do to the clock.

A pause stands until a date within a year, once. An extension is the limit once more, at most twice, asked for before
it is late. An exemption after closing, agreed by two, leaves the case late and out of the figures. A refusal does not
count.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from layers import incidents
from layers.dispatching.taking import Taking, line_of
from layers.errors import Conflict, Unacceptable
from layers.incidents import Step

LONGEST_PAUSE = timedelta(days=366)
MOST_EXTENSIONS = 2
# How many others have to agree to what one asks for.
AGREEING = {"pause": 1, "extend": 1, "exempt": 2}


def ask(taking: Taking) -> Step:
    """Keep what is asked for, until somebody else agrees or refuses."""
    grace = dict(taking.incident.grace or {})
    if grace.get("asked"):
        raise Conflict("asked_already", what=grace["asked"]["what"])
    _REQUIRED[taking.asked.step](taking, grace)
    until = taking.asked.until
    told = {"what": taking.asked.step, "by": taking.by.name, "at": taking.now.isoformat(), "note": taking.asked.note}
    asked: dict[str, Any] = {**told, "until": None if until is None else until.isoformat(), "agreed": []}
    return _keep(taking, {**grace, "asked": asked})


def _require_pause(taking: Taking, grace: dict[str, Any]) -> None:
    until = taking.asked.until
    if until is None or not taking.now < until <= taking.now + LONGEST_PAUSE:
        raise Unacceptable("pause_within_a_year", errors=[(["until"], "pause_within_a_year")])
    _require_clock(taking)
    if grace.get("paused"):
        raise Conflict("paused_once")


def _require_extension(taking: Taking, grace: dict[str, Any]) -> None:
    due_at = _require_clock(taking)
    if taking.now > due_at:
        raise Conflict("too_late_to_extend")
    if grace.get("extended", 0) >= MOST_EXTENSIONS:
        raise Conflict("extended_twice")


def _require_exemption(_: Taking, grace: dict[str, Any]) -> None:
    if grace.get("exempted"):
        raise Conflict("exempted_once")


_REQUIRED = {"pause": _require_pause, "extend": _require_extension, "exempt": _require_exemption}


def _require_clock(taking: Taking) -> datetime:
    if taking.incident.clock is None or taking.incident.due_at is None:
        raise Conflict("no_clock")
    return taking.incident.due_at


def agree(taking: Taking) -> Step:
    """One more who agrees; with as many as it takes, it is done."""
    grace = dict(taking.incident.grace or {})
    asked = grace["asked"]
    agreed = [*asked["agreed"], taking.by.name]
    if len(agreed) < AGREEING[asked["what"]]:
        return _keep(taking, {**grace, "asked": {**asked, "agreed": agreed}})
    _GRANTED[asked["what"]](taking, asked, grace)
    return _keep(taking, {**grace, "asked": None})


def _pause(taking: Taking, asked: dict[str, Any], grace: dict[str, Any]) -> None:
    until = datetime.fromisoformat(asked["until"])
    clock = taking.incident.clock
    if until <= taking.now or clock is None:
        raise Conflict("no_clock")
    grace["paused"], taking.incident.paused_until = True, until
    if taking.incident.accept_by is not None:
        taking.incident.accept_by += until - taking.now
    pauses = [*clock["pauses"], [taking.now.isoformat(), until.isoformat()]]
    incidents.set_clock(taking.session, taking.incident, {**clock, "pauses": pauses}, zone=taking.memory.zone)


def _extend(taking: Taking, _: dict[str, Any], grace: dict[str, Any]) -> None:
    clock = taking.incident.clock
    if clock is None:
        raise Conflict("no_clock")
    grace["extended"] = grace.get("extended", 0) + 1
    longer = {**clock, "extensions": clock["extensions"] + 1}
    incidents.set_clock(taking.session, taking.incident, longer, zone=taking.memory.zone)


def _exempt(_: Taking, __: dict[str, Any], grace: dict[str, Any]) -> None:
    grace["exempted"] = True


_GRANTED = {"pause": _pause, "extend": _extend, "exempt": _exempt}


def refuse(taking: Taking) -> Step:
    """What was asked for is not granted; it may be asked for again."""
    return _keep(taking, {**(taking.incident.grace or {}), "asked": None})


def _keep(taking: Taking, grace: dict[str, Any]) -> Step:
    taking.incident.grace = grace
    incidents.touch(taking.incident)
    return line_of(taking, None)
