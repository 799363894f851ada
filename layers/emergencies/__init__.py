"""Emergency mode of an area ([D7]): other rules, more people, buildings called in order, and back exactly.

Nothing that was set is changed while it lasts: `table` is what is stored beside it, `switching` on and off and what
counts now, `reinforcing` whom it may take from elsewhere, `calling` the buildings of a grid. What is over, by hand or
by its own end, counts no more; so the way back is exact.
"""

from layers.emergencies.calling import OUTCOMES, CalledBuilding, CallOut, call_building, list_calls
from layers.emergencies.reinforcing import Helper, KeptBack, list_lent_spans
from layers.emergencies.switching import (
    LONGEST,
    EmergencyAsked,
    EmergencyCard,
    list_emergencies,
    select_rule,
    switch_off,
    switch_on,
)
from layers.emergencies.table import Emergency, EmergencyCall, EmergencyHelper, select_lent_spans

__all__ = [
    "LONGEST",
    "OUTCOMES",
    "CallOut",
    "CalledBuilding",
    "Emergency",
    "EmergencyAsked",
    "EmergencyCall",
    "EmergencyCard",
    "EmergencyHelper",
    "Helper",
    "KeptBack",
    "call_building",
    "list_calls",
    "list_emergencies",
    "list_lent_spans",
    "select_lent_spans",
    "select_rule",
    "switch_off",
    "switch_on",
]
