"""Calls by run cards: whoever is wanted beside the worker who has a case, level by level.

The first level is called when somebody is sent; a desk or whoever is there raises it, one at a time, with a reason. The
nearest of a role whose hand is free is called; who cannot come is followed by the next. What is short is said and
wanted for as long as the case is in hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers import incidents
from layers.dispatch_rules import Policy, Wish
from layers.dispatch_settings import Choosing
from layers.dispatching.decisions import Question, candidate_json
from layers.dispatching.hands import AUTOMATIC, IN_RESERVE, place_of, rank_nearest, take_hand
from layers.dispatching.memory import Memory
from layers.dispatching.taking import Taking, line_of
from layers.errors import Conflict
from layers.incidents import Incident, Step
from layers.workers import Worker


@dataclass(frozen=True, slots=True)
class Calling:
    """A case to which somebody is called, as seen from it: where, who looks around, by which settings, and when."""

    session: Session
    memory: Memory
    incident: Incident
    question: Question
    choosing: Choosing
    now: datetime
    by: str


def call_first(calling: Calling) -> list[Step]:
    """The lines of the timeline of the first level; none where no card asks for anybody or it was called before."""
    card = calling.choosing.card
    if card is None or incidents.find_calls(calling.session, calling.incident.id) is not None:
        return []
    return _call_level(calling, 1)


def raise_call(taking: Taking) -> Step:
    """The next level, by somebody and for a reason; raises Conflict where there is none."""
    card = taking.choosing.card
    known = incidents.find_calls(taking.session, taking.incident.id)
    level = 1 if known is None else known.level + 1
    if card is None or level > len(card.levels):
        raise Conflict("no_further_level", level=level - 1)
    taking.further.extend(_call_level(_build_calling(taking), level))
    incidents.touch(taking.incident)
    return line_of(taking, str(level))


def come(taking: Taking) -> Step:
    """Whoever was called is on the way."""
    _answer(taking, "coming")
    return line_of(taking, None)


def cannot_come(taking: Taking) -> Step:
    """Whoever was called cannot come; the next one is called."""
    call = _answer(taking, "declined")
    calling = _build_calling(taking)
    taking.further.extend(_call_role(calling, call.role, 1, level=call.level))
    return line_of(taking, None)


def call_for_step(taking: Taking) -> list[Step]:
    """The first level of a case that a step has just put into somebody's hands."""
    if taking.incident.state != "dispatched" or taking.choosing.card is None:
        return []
    return call_first(_build_calling(taking))


def _answer(taking: Taking, state: str) -> Any:
    assert taking.by.worker_id is not None
    incidents.touch(taking.incident)
    at = taking.asked.taken_at or taking.now
    return incidents.answer_call(taking.session, taking.incident.id, taking.by.worker_id, state, at=at)


def _build_calling(taking: Taking) -> Calling:
    card, choosing = taking.card, taking.choosing
    location = taking.memory.atlas.locate(card.lon, card.lat, at=taking.now)
    wish = Wish(choosing.policy, taking.incident.urgency, measure=choosing.measure)
    question = Question(place_of(location), card.lon, card.lat, taking.now, wish, choosing.limits)
    about = (taking.session, taking.memory, taking.incident, question, choosing, taking.now)
    return Calling(*about, taking.by.name)


def _call_level(calling: Calling, level: int) -> list[Step]:
    """Whoever is free is called; who has the case counts as one of the first level."""
    card = calling.choosing.card
    assert card is not None
    wanted = card.levels[level - 1]
    incidents.keep_level(calling.session, calling.incident.id, level, wanted, by=calling.by)
    known = incidents.find_calls(calling.session, calling.incident.id)
    assert known is not None
    lines: list[Step] = []
    for role in wanted:
        lines += _call_role(calling, role, min(known.short.get(role, 0), wanted[role]), level=level)
    return lines


def _call_role(calling: Calling, role: str, people: int, *, level: int) -> list[Step]:
    """The lines of so many of a role who were called, and of how many were not to be had."""
    asked, state = calling.question, calling.incident.state
    without = frozenset(_list_involved(calling))
    wish = replace(asked.wish, policy=Policy.nearest, role=role, limit=people + IN_RESERVE, without=without)
    place: dict[str, Any] = {"lon": asked.lon, "lat": asked.lat, "at": calling.now}
    lines: list[Step] = []
    if people <= 0:
        return lines
    for one in rank_nearest(calling.memory, asked.place, **place, wish=wish, limits=asked.limits).candidates:
        if len(lines) == people:
            break
        if not _hold(calling, one.worker_id):
            continue
        about: dict[str, Any] = {"role": role, "level": level, "why": candidate_json(one)}
        incidents.keep_call(calling.session, calling.incident.id, one.worker_id, **about)
        lines.append(Step("call", state, note=role, to=one.number, by=AUTOMATIC))
    if len(lines) < people:
        lines.append(Step("call_short", state, note=f"{role} {people - len(lines)}", by=AUTOMATIC))
    return lines


def _hold(calling: Calling, worker_id: int) -> bool:
    """Whether a hand of this worker is free, and held. Somebody whose row is held is being sent elsewhere: to wait for
    it while holding others' would let two dispatchers wait for each other."""
    free = select(Worker.id).where(Worker.id == worker_id, Worker.active).with_for_update(skip_locked=True)
    if calling.session.scalar(free) is None:
        return False
    urgency, limits = calling.incident.urgency, calling.question.limits
    return take_hand(calling.session, worker_id, urgency=urgency, limits=limits, now=calling.now) is not None


def _list_involved(calling: Calling) -> list[str]:
    """Who has it, and everybody who was ever called to it."""
    known = incidents.find_calls(calling.session, calling.incident.id)
    called = [one.worker for one in known.helpers] if known is not None else []
    has = select(Worker.number).where(Worker.id == calling.incident.worker_id)
    return [*called, *calling.session.scalars(has)]
