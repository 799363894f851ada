"""Every stored layer in one import: what migrations are compared with."""

from layers import (
    access,
    assignments,
    calendars,
    categories,
    chronicle,
    dispatch_settings,
    division_comments,
    emergencies,
    history,
    jobs,
    outbox,
    outgoing,
    photos,
    plans,
    positions,
    registry,
    releases,
    run_cards,
    standards,
    successors,
    units,
)
from layers.db import Base

metadata = Base.metadata

__all__ = [
    "access",
    "assignments",
    "calendars",
    "categories",
    "chronicle",
    "dispatch_settings",
    "division_comments",
    "emergencies",
    "history",
    "jobs",
    "metadata",
    "outbox",
    "outgoing",
    "photos",
    "plans",
    "positions",
    "registry",
    "releases",
    "run_cards",
    "standards",
    "successors",
    "units",
]
