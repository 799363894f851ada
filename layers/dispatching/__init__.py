"""From a report to a worker on the way, and every step after it. `story.py` tells the first, `steps.py` the second."""

from layers.dispatching.check_ins import tell_silent
from layers.dispatching.decisions import Replayed, candidate_json, describe_rejected, places_of, replay
from layers.dispatching.hands import place_of, rank_nearest
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
    "describe_rejected",
    "find_way",
    "follow_overdue",
    "place_of",
    "places_of",
    "rank_nearest",
    "replay",
    "report",
    "take_step",
    "tell_silent",
]
