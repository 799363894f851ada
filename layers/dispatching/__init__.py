"""From a report to a worker on the way, and every step after it. `story.py` tells the first, `steps.py` the second."""

from layers.dispatching.check_ins import tell_silent
from layers.dispatching.decisions import Replayed, candidate_json, places_of, rejected_json, replay
from layers.dispatching.hands import nearest, place_of
from layers.dispatching.memory import Memory
from layers.dispatching.steps import take_step
from layers.dispatching.story import Decided, Report, Reported, decide, report
from layers.dispatching.taking import PartAsked, RawPosition, StepAsked
from layers.dispatching.timeouts import follow_overdue
from layers.dispatching.ways import DecidedWay, find_way

__all__ = [
    "Decided",
    "DecidedWay",
    "Memory",
    "PartAsked",
    "RawPosition",
    "Replayed",
    "Report",
    "Reported",
    "StepAsked",
    "candidate_json",
    "decide",
    "find_way",
    "follow_overdue",
    "nearest",
    "place_of",
    "places_of",
    "rejected_json",
    "replay",
    "report",
    "take_step",
    "tell_silent",
]
