"""Who is called to an incident beside whoever has it, and whose word is awaited, as answered."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel


class CheckInTold(BaseModel):
    """How often its worker says that they are well, and until when the next time; no deadline while nobody is on it.
    `missed_at` is when desks and leaders were told that the word had not come."""

    minutes: int
    deadline: datetime | None
    overdue: bool
    missed_at: datetime | None


class HelperTold(BaseModel):
    """A worker whom a run card has called to help, and their answer."""

    worker: str
    name: str
    role: str
    level: int
    state: Literal["called", "coming", "declined"]
    distance_m: float | None
    called_at: datetime
    answered_at: datetime | None
    phone_masked: str | None
    phone: str | None = None


class ShortTold(BaseModel):
    """How many of a role are wanted and not to be had."""

    role: str
    people: int


class CallsTold(BaseModel):
    """The level to which a run card has called people, who they are, and what is short."""

    level: int
    helpers: list[HelperTold]
    short: list[ShortTold]
