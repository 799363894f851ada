"""From a report to a worker on the way, and every step after it. `story.py` tells the first, `steps.py` the second."""

from layers.dispatching.steps import take_step
from layers.dispatching.story import (
    Decided,
    Memory,
    Report,
    Reported,
    candidate_json,
    decide,
    nearest,
    place_of,
    rejected_json,
    report,
)
from layers.dispatching.taking import RawPosition, StepAsked
from layers.dispatching.timeouts import follow_overdue

__all__ = [
    "Decided",
    "Memory",
    "RawPosition",
    "Report",
    "Reported",
    "StepAsked",
    "candidate_json",
    "decide",
    "follow_overdue",
    "nearest",
    "place_of",
    "rejected_json",
    "report",
    "take_step",
]
