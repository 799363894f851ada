"""All layers in one tuple: what importing, reads, tiles, the search, the maps, the command line and the pages go by."""

from __future__ import annotations

from layers import areas, buildings, devices, grids, ground, hazards, households, incidents, shifts, workers
from layers.errors import NotFound
from layers.specs import Drawn, Imported, LayerSpec

# In the order in which people are offered them. Layers of the ground add themselves.
SPECS: tuple[LayerSpec, ...] = (
    areas.SPEC,
    grids.SPEC,
    grids.SUB_GRIDS,
    buildings.SPEC,
    buildings.COMPOUNDS,
    *ground.SPECS,
    hazards.SPEC,
    incidents.SPEC,
    households.SPEC,
    devices.SPEC,
    workers.SPEC,
    shifts.SPEC,
)
BY_NAME = {spec.name: spec for spec in SPECS}
# What can be imported, and what of it planners may import.
IMPORTED: dict[str, Imported] = {spec.name: spec.imported for spec in SPECS if spec.imported is not None}
OF_PLANNERS = tuple(name for name, imported in IMPORTED.items() if imported.of_planners)
# Layers of the maps' ground, in drawing order.
DRAWN: dict[str, Drawn] = dict(
    sorted(((spec.name, spec.drawn) for spec in SPECS if spec.drawn is not None), key=lambda pair: pair[1].order)
)


def get_spec(name: str) -> LayerSpec:
    """The layer of this name; raises NotFound."""
    if name not in BY_NAME:
        raise NotFound("not_found", name=name)
    return BY_NAME[name]
