"""Every stored layer in one import: what migrations are compared with."""

from layers import (
    access,
    areas,
    assignments,
    buildings,
    categories,
    chronicle,
    devices,
    grids,
    hazards,
    history,
    households,
    incidents,
    jobs,
    plans,
    positions,
    roads,
    shifts,
    successors,
    units,
    water,
    workers,
)
from layers.db import Base

metadata = Base.metadata

__all__ = [
    "access",
    "areas",
    "assignments",
    "buildings",
    "categories",
    "chronicle",
    "devices",
    "grids",
    "hazards",
    "history",
    "households",
    "incidents",
    "jobs",
    "metadata",
    "plans",
    "positions",
    "roads",
    "shifts",
    "successors",
    "units",
    "water",
    "workers",
]
