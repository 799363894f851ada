"""The life of an incident as a table: which step may follow in which state, and where it leads ([D5]).

reported → triaged → dispatched → accepted → arrived → handled → verified → fed_back → closed
              ↑ waiting (nobody there, a gap, handed up)      duplicate, cancelled: ends that can be reopened
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement

from layers.errors import Conflict, Unacceptable
from layers.incidents.table import STATES, Incident

ENDS = ("closed", "duplicate", "cancelled")
LIVING = tuple(state for state in STATES if state not in ENDS)


@dataclass(frozen=True, slots=True)
class Rule:
    """A step may be taken in the states `after` and leads to `to`; None leaves the state as it is."""

    after: tuple[str, ...]
    to: str | None


STEPS: Mapping[str, Rule] = {
    "triage": Rule(("reported", "waiting"), "triaged"),
    "dispatch": Rule(("reported", "triaged", "waiting"), "dispatched"),
    "accept": Rule(("dispatched",), "accepted"),
    "decline": Rule(("dispatched",), "dispatched"),
    "arrive": Rule(("accepted",), "arrived"),
    "handle": Rule(("arrived",), "handled"),
    "verify": Rule(("handled",), "verified"),
    "feed_back": Rule(("verified",), "fed_back"),
    "close": Rule(("fed_back",), "closed"),
    "send_back": Rule(("handled", "verified"), "dispatched"),
    "reassign": Rule(("dispatched", "accepted", "arrived"), "dispatched"),
    "hand_up": Rule(("reported", "triaged", "waiting", "dispatched", "accepted", "arrived"), "waiting"),
    "cancel": Rule(LIVING, "cancelled"),
    "duplicate": Rule(LIVING, "duplicate"),
    "reopen": Rule(ENDS, "triaged"),
    "correct_place": Rule(LIVING, None),
    "chase": Rule(LIVING, None),
    "note": Rule(STATES, None),
}
# What an incident waits for in each state: the step whose clock runs.
AWAITED: Mapping[str, str] = {
    "reported": "triage",
    "waiting": "dispatch",
    "triaged": "dispatch",
    "dispatched": "accept",
    "accepted": "arrive",
    "arrived": "handle",
    "handled": "verify",
    "verified": "feed_back",
    "fed_back": "close",
}


def is_living() -> ColumnElement[bool]:
    """Whether an incident has not come to its end: the one condition that says so."""
    return Incident.state.in_(LIVING)


def steps_after(state: str) -> list[str]:
    """The steps that may follow in this state, in the order of the table."""
    return [step for step, rule in STEPS.items() if state in rule.after]


def require_step(state: str, step: str) -> str:
    """The state to which the step leads; raises Conflict naming what may follow, Unacceptable for an unknown step."""
    rule = STEPS.get(step)
    if rule is None:
        raise Unacceptable("unknown_step", errors=[(["step"], "unknown_step")], step=step[:40], steps=", ".join(STEPS))
    if state not in rule.after:
        raise Conflict("step_may_not_follow", state=state, step=step, allowed=steps_after(state))
    return rule.to or state
