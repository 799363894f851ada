"""A step while it is taken: what was asked, what is known, and what every step does."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from layers import incidents
from layers.access import Actor
from layers.dispatch_settings import Choosing
from layers.dispatching.memory import Memory
from layers.errors import Unacceptable
from layers.incidents import Incident, IncidentCard, Rule, Step


@dataclass(frozen=True, slots=True)
class RawPosition:
    """A position as it was sent, in degrees of its own datum ([C1])."""

    lon: float
    lat: float
    datum: str


@dataclass(frozen=True, slots=True)
class PartAsked:
    """A part of a case and whose it is to be: a worker (`to`), a department (`unit`), or both of a department."""

    to: str | None = None
    unit: str | None = None
    note: str = ""
    lead: bool = False


@dataclass(frozen=True, slots=True)
class StepAsked:
    """The step that somebody takes; the position is in WGS84 degrees, `to` a worker's number or an incident's id.

    `condition` is the code of one of the standard sheet.
    `raw` is the position as it was sent; without it it was sent in WGS84. `accuracy_m` and `fixed_at` are what the
    device says of its fix, `taken_at` when the step was taken, where a phone kept it. `unit` is a department, `confirm`
    that whoever sends it knows of the objection.
    """

    step: str
    note: str = ""
    lon: float | None = None
    lat: float | None = None
    to: str | None = None
    raw: RawPosition | None = None
    accuracy_m: float | None = None
    fixed_at: datetime | None = None
    unit: str | None = None
    confirm: bool = False
    until: datetime | None = None
    parts: tuple[PartAsked, ...] = ()
    answer: str | None = None
    condition: str | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taking:
    """A step while it is being taken; `choosing` is what counts for its category and urgency, `further` are the lines
    of the timeline that follow the step's own."""

    session: Session
    memory: Memory
    incident: Incident
    card: IncidentCard
    asked: StepAsked
    rule: Rule
    choosing: Choosing
    now: datetime
    by: Actor
    proof: dict[str, Any] | None = None
    further: list[Step] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The state to which the step leads."""
        return self.rule.to or str(self.incident.state)

    def change(self, state: str, *, waiting_reason: str | None = None, collector_id: int | None = None) -> None:
        """Put the incident into a state, whose clock begins, and where it is asked for the timer of its worker's word;
        with whoever is sent to look at it."""
        told: dict[str, Any] = {"waiting_reason": waiting_reason, "collector_id": collector_id}
        incidents.change_state(self.session, self.incident, state, now=self.now, zone=self.memory.zone, **told)
        since = self.asked.taken_at or self.now
        incidents.start_check_in(self.incident, self.choosing.check_in_minutes, since=since)


def go_on(taking: Taking) -> Step:
    """A step that only leads on to the next state."""
    if taking.state != taking.incident.state:
        taking.change(taking.state)
    else:
        incidents.touch(taking.incident)
    return line_of(taking, taking.asked.to)


def line_of(taking: Taking, to: str | None) -> Step:
    """The step as a line of the timeline."""
    asked = taking.asked
    line = Step(asked.step, taking.incident.state, note=asked.note, lon=asked.lon, lat=asked.lat, to=to)
    return replace(line, proof=taking.proof, taken_at=asked.taken_at)


def require_position(asked: StepAsked) -> tuple[float, float]:
    """The position that was sent; raises Unacceptable where none was."""
    if asked.lon is None or asked.lat is None:
        raise Unacceptable("position_missing", errors=[(["lon"], "position_missing"), (["lat"], "position_missing")])
    return asked.lon, asked.lat
