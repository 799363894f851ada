"""The one table of an incident's life: which step, by whom, after which state, what it demands, where it leads ([D9]).

reported → triaged → dispatched → accepted → arrived → handled → verified → fed_back → closed
              ↑ waiting (nobody there, a gap, handed up)   duplicate, cancelled, void: ends that can be reopened

The service checks by it, the answer of an incident says by it what its reader may do now (`may`), the pages draw their
buttons from that answer, the API document its enumerations, and `docs/workflow.md` is written from it. A step may stand
in several rows: whoever takes it decides which of them counts, the first that fits.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from layers.access import Actor, Role
from layers.errors import Conflict, Forbidden, Unacceptable
from layers.incidents.table import CHECKED_STATES, OPEN_TASK_STATES, STATES, Incident

ENDS = ("closed", "duplicate", "cancelled", "void")
LIVING = tuple(state for state in STATES if state not in ENDS)


class Part(enum.StrEnum):
    """What somebody is to one incident; one person may be several things at once."""

    desk = "desk"  # a dispatcher or admin in whose area it lies
    supervisor = "supervisor"  # a desk of the whole district or of more
    holder = "holder"  # the worker, or the department where no worker has it, in whose hands it is
    reporter = "reporter"  # the worker who reported it
    finder = "finder"  # the worker who reported it and has it in hand
    checker = "checker"  # who says on the spot that it is done: reporting worker or collector, else desk or holder
    unit = "unit"  # somebody of the department in charge
    timer = "timer"  # the service itself: the clock of an assignment has run out, or the last part has come to its end
    called = "called"  # a worker whom a run card has called to help
    watched = "watched"  # the worker who has it in hand, while it is awaited that they say that they are well
    watching_desk = "watching_desk"  # a desk, while that is awaited
    collector = "collector"  # the worker who was sent to look: whether it exists, or whether it is done
    field_desk = "field_desk"  # a desk, while somebody is sent to look
    asker = "asker"  # a desk that has asked for something that is not granted yet, or has agreed to it
    whole_desk = "whole_desk"  # a desk, where the case is no part of another
    second = "second"  # a desk other than whoever has asked for something, and has agreed to it already


class Proof(enum.StrEnum):
    """Whether a step asks where it is taken."""

    none = "none"
    welcome = "welcome"  # checked and kept where it is sent, and the timeline says where it was not
    demanded = "demanded"


class Target(enum.StrEnum):
    """What a step is directed at."""

    who = "who"  # a worker (`to`) or a department (`unit`); without one the best candidate
    worker = "worker"  # a worker (`to`); without one the nearest who is free
    unit = "unit"  # a department (`unit`), always
    incident = "incident"  # another incident (`to`), always
    place = "place"  # a position, always
    until = "until"  # a moment, always
    parts = "parts"  # departments and workers (`parts`), two at least
    answer = "answer"  # what somebody said when they were asked (`answer`)
    condition = "condition"  # a condition of the standard sheet (`condition`), always


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: `who` may take the step in the states `after`; it leads to `to`, None leaves the state as it is.

    `otherwise` is where it leads instead where what was found asks for it: an answer, parts that came to nothing.
    """

    step: str
    who: tuple[Part, ...]
    after: tuple[str, ...]
    to: str | None
    note: bool = False
    proof: Proof = Proof.none
    target: Target | None = None
    otherwise: str | None = None


_BEFORE_HANDS = ("reported", "triaged", "waiting")
# While there is something to do: a condition of the standard sheet says how long that may take ([K5]).
UNHANDLED = (*_BEFORE_HANDS, *OPEN_TASK_STATES, "split")
# What is in the hands of its parts is ended and moved by them.
_UNDIVIDED = tuple(state for state in LIVING if state != "split")
_NOTED_BY = (Part.desk, Part.holder, Part.reporter, Part.unit, Part.collector)
# A desk that the collector has called takes the step for them: their own last fix proves it.
_FIELD = (Part.field_desk, Part.collector)
# The states in which somebody may be on the way to look, and what they are to find out.
FIELD_TASKS: Mapping[str, str] = {"reported": "confirm", "handled": "inspect"}

WORKFLOW: tuple[Rule, ...] = (
    Rule("triage", (Part.desk,), ("reported", "waiting"), "triaged"),
    # The first field task ([D10]), before it is filed: does it exist? Then it goes on by itself, or to a desk.
    Rule("send_to_confirm", (Part.desk,), _BEFORE_HANDS, "reported", target=Target.worker),
    Rule("confirm", _FIELD, ("reported",), "dispatched", proof=Proof.demanded, otherwise="waiting"),
    Rule("deny", _FIELD, ("reported",), "waiting", note=True, proof=Proof.demanded),
    Rule("dispatch", (Part.desk,), _BEFORE_HANDS, "dispatched", target=Target.who),
    Rule("accept", (Part.desk, Part.holder), ("dispatched",), "accepted"),
    # A department that does not take it says why, and the desk decides; a worker is followed by the next one.
    Rule("decline", (Part.unit,), OPEN_TASK_STATES, "waiting", note=True),
    Rule("decline", (Part.desk, Part.holder), ("dispatched",), "dispatched"),
    # A collector is followed by the next one too; with nobody left the desk has it.
    Rule("decline", _FIELD, ("reported",), "reported", otherwise="waiting"),
    Rule("decline", _FIELD, ("handled",), "handled"),
    # Who does not answer in time is followed like who declines: by the next one.
    Rule("timeout", (Part.timer,), ("dispatched",), "dispatched"),
    Rule("timeout", (Part.timer,), ("reported",), "reported", otherwise="waiting"),
    Rule("timeout", (Part.timer,), ("handled",), "handled"),
    Rule("pass_on", (Part.unit,), OPEN_TASK_STATES, "dispatched", note=True, target=Target.unit),
    Rule("arrive", (Part.desk, Part.holder, Part.unit), ("accepted",), "arrived", proof=Proof.welcome),
    # More people by the run card, a level at a time; whoever is called says whether they come.
    Rule("raise_call", (Part.desk, Part.holder), OPEN_TASK_STATES, None, note=True),
    Rule("come", (Part.called,), OPEN_TASK_STATES, None),
    Rule("cannot_come", (Part.called,), OPEN_TASK_STATES, None),
    # Where the task is risky: they are well, or nobody has heard of them.
    Rule("check_in", (Part.watched, Part.watching_desk), CHECKED_STATES, None),
    Rule("check_in_missed", (Part.timer,), CHECKED_STATES, None),
    Rule("handle", (Part.desk, Part.holder, Part.unit), ("arrived",), "handled"),
    Rule("settle", (Part.finder,), OPEN_TASK_STATES, "closed", proof=Proof.demanded),
    # The second field task, before it is closed: is it done? Whoever is sent verifies, or sends it back.
    Rule("send_to_inspect", (Part.desk,), ("handled",), "handled", target=Target.worker),
    Rule("verify", (Part.checker,), ("handled",), "verified", proof=Proof.demanded),
    Rule("feed_back", (Part.desk,), ("verified",), "fed_back"),
    Rule("close", (Part.desk,), ("fed_back",), "closed"),
    Rule("send_back", (Part.desk,), ("handled", "verified"), "dispatched", note=True),
    Rule("send_back", (Part.checker,), ("handled",), "dispatched", note=True),
    Rule("reassign", (Part.desk,), OPEN_TASK_STATES, "dispatched", target=Target.who),
    Rule("hand_up", (Part.desk,), (*_BEFORE_HANDS, *OPEN_TASK_STATES), "waiting", note=True),
    Rule("hand_up", (Part.holder,), OPEN_TASK_STATES, "waiting", note=True),
    Rule("cancel", (Part.desk,), _UNDIVIDED, "cancelled", note=True),
    Rule("void", (Part.desk,), (*_BEFORE_HANDS, "dispatched"), "void", note=True),
    Rule("duplicate", (Part.desk,), _UNDIVIDED, "duplicate", target=Target.incident),
    Rule("reopen", (Part.desk,), ENDS, "triaged"),
    # The whole goes with its parts: it closes with the last one, and is open again with one that is reopened.
    Rule("split", (Part.whole_desk,), (*_BEFORE_HANDS, *OPEN_TASK_STATES), "split", target=Target.parts),
    Rule("gather", (Part.timer,), ("split",), "closed", otherwise="waiting"),
    Rule("resume", (Part.timer,), ("closed",), "split"),
    Rule("recall", (Part.whole_desk,), ("closed",), None, target=Target.answer, otherwise="triaged"),
    Rule("force_close", (Part.supervisor,), _UNDIVIDED, "closed", note=True),
    Rule("correct_place", (Part.desk,), _UNDIVIDED, None, target=Target.place),
    Rule("set_condition", (Part.desk,), UNHANDLED, None, target=Target.condition),
    Rule("chase", (Part.desk,), LIVING, None),
    Rule("reply", (Part.holder, Part.unit), LIVING, None, note=True),
    Rule("pause", (Part.desk,), LIVING, None, note=True, target=Target.until),
    Rule("extend", (Part.desk, Part.holder, Part.unit), LIVING, None, note=True),
    Rule("exempt", (Part.desk,), ("closed",), None, note=True),
    Rule("agree", (Part.second,), STATES, None),
    Rule("refuse", (Part.second,), STATES, None, note=True),
    Rule("note", _NOTED_BY, STATES, None),
)
STEPS = tuple(dict.fromkeys(rule.step for rule in WORKFLOW))

# What an incident waits for in each state: the step whose clock runs.
AWAITED: Mapping[str, str] = {
    "reported": "triage",
    "waiting": "dispatch",
    "triaged": "dispatch",
    "dispatched": "accept",
    "accepted": "arrive",
    "arrived": "handle",
    "split": "handle",
    "handled": "verify",
    "verified": "feed_back",
    "fed_back": "close",
}
# How it is told outside, in seven stages ([D9]).
STAGES: Mapping[str, str] = {
    "reported": "collect",
    "waiting": "file",
    "triaged": "file",
    "dispatched": "dispatch",
    "accepted": "handle",
    "arrived": "handle",
    "split": "handle",
    "handled": "feed_back",
    "verified": "verify",
    "fed_back": "close",
    **dict.fromkeys(ENDS, "close"),
}
# The codes of districts have six digits: whose area is that or less looks after all of a district.
DISTRICT_DIGITS = 6
DESKS = (Role.dispatcher, Role.admin)
# What a resident says when they are asked after the end, in the city's standard answers; those that reopen the case,
# for just that reason, and nobody at the phone, who may be asked again.
CONTENT, NOT_REACHED = "content", "not_reached"
DISCONTENT = ("not_done", "poorly_done", "too_late", "not_told", "unkind")
RECALL_ANSWERS = (CONTENT, *DISCONTENT, NOT_REACHED)
# Steps that answer what somebody asks for.
ANSWERS = ("agree", "refuse")


def is_living() -> ColumnElement[bool]:
    """Whether an incident has not come to its end: the one condition that says so."""
    return Incident.state.in_(LIVING)


def is_whole() -> ColumnElement[bool]:
    """Whether an incident is no part of another: what is counted, for a part is a case that is there already."""
    return Incident.part_of.is_(None)


def steps_after(state: str) -> list[str]:
    """The steps that may follow in this state, whoever takes them, in the order of the table."""
    return list(dict.fromkeys(rule.step for rule in WORKFLOW if state in rule.after))


def parts_of(
    by: Actor,
    *,
    state: str,
    worker_id: int | None,
    unit_code: str | None,
    reported_by: int | None,
    asked_by: frozenset[str] = frozenset(),
    part_of: int | None = None,
    collector_id: int | None = None,
    inspect_last: bool = False,
    watched: bool = False,
    helpers: Collection[int] = (),
) -> frozenset[Part]:
    """What this actor is to an incident that they may see.

    `reported_by` is the reporting worker where there is one, `asked_by` whoever asks for something that is not granted
    yet and has agreed to it, `part_of` the case of which this one is a part, `collector_id` the worker who is sent to
    look at it; with `inspect_last` whoever handled it does not say that it is done; `watched` says that the word of
    whoever has it is awaited, `helpers` who is called to help.
    """
    if by.role in DESKS:
        whole = () if part_of is not None else (Part.whole_desk,)
        field = () if collector_id is None else (Part.field_desk, Part.checker)
        watching = (Part.watching_desk,) if watched else ()
        return frozenset((*whole, *field, *watching, *_parts_of_desk(by, reported_by, asked_by)))
    if by.role == Role.unit:
        return frozenset(_parts_of_unit(by, state, worker_id, unit_code))
    if by.role == Role.worker and by.worker_id is not None:
        checks = None if inspect_last else worker_id
        parts = frozenset(_parts_of_worker(by.worker_id, worker_id, reported_by, collector=collector_id, checks=checks))
        called = {Part.called} if by.worker_id in helpers else set()
        return parts | called | ({Part.watched} if watched and Part.holder in parts else set())
    return frozenset()


def _parts_of_desk(by: Actor, reported_by: int | None, asked_by: frozenset[str]) -> Iterable[Part]:
    yield Part.desk
    if asked_by:
        yield Part.asker if by.name in asked_by else Part.second
    if len(by.area) <= DISTRICT_DIGITS:
        yield Part.supervisor
    if reported_by is None:
        yield Part.checker


def _parts_of_unit(by: Actor, state: str, worker_id: int | None, unit_code: str | None) -> Iterable[Part]:
    # Somebody of no department in particular sees every case of the area and acts for whichever has it.
    if unit_code is not None and by.unit in (None, unit_code):
        yield Part.unit
        if worker_id is None and state in OPEN_TASK_STATES:
            yield Part.holder


def _parts_of_worker(
    own_id: int, worker_id: int | None, reported_by: int | None, *, collector: int | None, checks: int | None
) -> Iterable[Part]:
    """`checks` is whoever says that it is done where no worker reported it and nobody was sent to look."""
    holds, reported = own_id == worker_id, own_id == reported_by
    if own_id == collector:
        yield Part.collector
    if holds:
        yield Part.holder
    if reported:
        yield Part.reporter
    if holds and reported:
        yield Part.finder
    if reported or own_id == collector or (own_id == checks and reported_by is None):
        yield Part.checker


def list_rules(state: str, parts: frozenset[Part]) -> list[Rule]:
    """The row that counts for each step that somebody of these parts may take in this state."""
    found: dict[str, Rule] = {}
    for rule in WORKFLOW:
        if state in rule.after and not parts.isdisjoint(rule.who):
            found.setdefault(rule.step, rule)
    return list(found.values())


def require_rule(state: str, step: str, parts: frozenset[Part]) -> Rule:
    """The row by which somebody of these parts takes the step.

    Raises Unacceptable for an unknown step, Conflict naming the steps that may follow where this one may not, Forbidden
    where it is not theirs. To answer what nobody asked is no matter of who one is: Conflict `nothing_asked`, and to say
    that one is well where nobody waits for it: Conflict `no_check_in`.
    """
    if step not in STEPS:
        raise Unacceptable("unknown_step", errors=[(["step"], "unknown_step")], step=step[:40], steps=", ".join(STEPS))
    for rule in list_rules(state, parts):
        if rule.step == step:
            return rule
    if step in ANSWERS and Part.desk in parts and parts.isdisjoint((Part.second, Part.asker)):
        raise Conflict("nothing_asked", step=step, allowed=[rule.step for rule in list_rules(state, parts)])
    if step == "check_in" and state in CHECKED_STATES and not parts.isdisjoint((Part.desk, Part.holder)):
        raise Conflict("no_check_in", step=step, state=state, allowed=[rule.step for rule in list_rules(state, parts)])
    theirs = any(rule.step == step and not parts.isdisjoint(rule.who) for rule in WORKFLOW)
    if theirs or step not in steps_after(state):
        raise Conflict("step_may_not_follow", state=state, step=step, allowed=steps_after(state))
    if step == "verify" and not parts.isdisjoint((Part.desk, Part.holder)):
        raise Forbidden("reporter_verifies")
    raise Forbidden("step_not_yours", step=step)
