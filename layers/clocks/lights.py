"""Lights ([K3]): green up to 80 % of a limit, yellow to its end, red beyond; and what is late by three times."""

from __future__ import annotations

import enum
from datetime import datetime

YELLOW_SHARE = 0.8
# "Late by three times" is a filter of its own: three limits have passed.
LATE_SHARE = 3.0


class Light(enum.StrEnum):
    """What a person sees of a clock."""

    green = "green"
    yellow = "yellow"
    red = "red"


def find_light(now: datetime, *, yellow_at: datetime, due_at: datetime) -> Light:
    """The light at a moment: at 80 % exactly it is still green, at the deadline exactly still yellow."""
    if now > due_at:
        return Light.red
    return Light.yellow if now > yellow_at else Light.green
