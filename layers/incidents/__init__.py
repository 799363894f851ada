"""Incidents (事件): what was reported, where, what was decided and how it went on."""

from layers.incidents.keys import claim_key, forget_old_keys, keep_answer
from layers.incidents.reads import (
    IncidentCard,
    IncidentsAsked,
    find_decision,
    find_reporter,
    get_incident,
    list_incidents,
    list_steps,
)
from layers.incidents.states import AWAITED, ENDS, LIVING, STEPS, is_living, require_step, steps_after
from layers.incidents.table import (
    CHANNELS,
    LEVELS,
    OPEN_TASK_STATES,
    STATES,
    URGENCIES,
    Decision,
    IdempotencyKey,
    Incident,
    IncidentStep,
    Reporter,
)
from layers.incidents.writes import Step, add_decision, add_incident, add_steps, change_state, lock_incident, touch

__all__ = [
    "AWAITED",
    "CHANNELS",
    "ENDS",
    "LEVELS",
    "LIVING",
    "OPEN_TASK_STATES",
    "STATES",
    "STEPS",
    "URGENCIES",
    "Decision",
    "IdempotencyKey",
    "Incident",
    "IncidentCard",
    "IncidentStep",
    "IncidentsAsked",
    "Reporter",
    "Step",
    "add_decision",
    "add_incident",
    "add_steps",
    "change_state",
    "claim_key",
    "find_decision",
    "find_reporter",
    "forget_old_keys",
    "get_incident",
    "is_living",
    "keep_answer",
    "list_incidents",
    "list_steps",
    "lock_incident",
    "require_step",
    "steps_after",
    "touch",
]
