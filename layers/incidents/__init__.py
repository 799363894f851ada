"""Incidents (事件): what was reported, where, what was decided and how it went on."""

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

__all__ = [
    "CHANNELS",
    "LEVELS",
    "OPEN_TASK_STATES",
    "STATES",
    "URGENCIES",
    "Decision",
    "IdempotencyKey",
    "Incident",
    "IncidentStep",
    "Reporter",
]
