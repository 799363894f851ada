"""What a division starts from: the communities, their buildings with weights, and the lines that borders may follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]


class Kind(IntEnum):
    """What a stretch of border runs along; the smaller the number, the sooner a planner would take it."""

    barrier = 0
    """River bank, railway, motorway: nobody crosses it on foot, so no grid lies on both sides."""
    major_road = 1
    road = 2
    wall = 3
    today = 4
    """A border of today's grids that follows nothing else."""
    path = 5
    frame = 6
    """The border of a community or of a locked grid: it is there in any case."""
    nothing = 7


BORDER_COST = np.array([0.0, 0.02, 0.08, 0.12, 0.15, 0.35, 0.0, 1.0])
"""What a metre of border costs by kind, between 0 (as good as it gets) and 1 (between two houses)."""

ROAD_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("motorway", "motorway_link", "rail", "railway", "river", "water"), Kind.barrier),
    **dict.fromkeys(
        ("trunk", "trunk_link", "primary", "primary_link", "secondary", "secondary_link", "tertiary", "major_road"),
        Kind.major_road,
    ),
    **dict.fromkeys(("wall", "fence", "compound"), Kind.wall),
    **dict.fromkeys(("footway", "path", "steps", "cycleway", "bridleway", "track"), Kind.path),
}
"""OpenStreetMap's classes; every class that is not here is an ordinary road."""


def road_kind(road_class: str) -> Kind:
    """The kind of a line by its OpenStreetMap class; what is not known is a road."""
    return ROAD_KINDS.get(road_class, Kind.road)


@dataclass(frozen=True, eq=False, kw_only=True)
class Site:
    """The ground to divide, in lattice metres of one city.

    `areas` are the communities by code, a coverage; a grid lies in one of them. `weights` is one number a building:
    households, or what is to be shared out instead. `estimated` says where it was guessed. `stairwells` holds the
    number of stairwells, 0 where not known. `lines` with their `kinds` are roads, walls and rails; `water` polygons.
    `today` are today's grids, `locked` those that stay as they are, `seeds` points that each want a grid (offices).
    """

    areas: Mapping[str, BaseGeometry]
    buildings: Geometries
    weights: Floats
    lines: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    kinds: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    water: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))
    stairwells: NDArray[np.intp] | None = None
    estimated: NDArray[np.bool_] | None = None
    today: Mapping[str, BaseGeometry] = field(default_factory=dict)
    locked: Mapping[str, BaseGeometry] = field(default_factory=dict)
    seeds: Geometries = field(default_factory=lambda: np.empty(0, dtype=object))

    def __post_init__(self) -> None:
        if len(self.buildings) != len(self.weights) or len(self.lines) != len(self.kinds):
            raise ValueError("every building needs a weight, every line a kind")


def combine_weights(columns: Mapping[str, Floats], factors: Mapping[str, float]) -> Floats:
    """One weight a building from several columns, in units of the first factor's column.

    Each column counts by its factor whatever its own total is: {"households": 1, "incidents": 1} makes half of a
    grid's weight households and half incidents. Raises ValueError for a factor below 0, or when nothing has a weight.
    """
    if not factors or any(factor < 0 for factor in factors.values()) or not sum(factors.values()):
        raise ValueError("factors must not be negative, and not all zero")
    unit = float(columns[next(iter(factors))].sum())
    whole = sum(factors.values())
    parts = [f / whole * columns[name] / max(float(columns[name].sum()), 1e-9) for name, f in factors.items()]
    return np.asarray(np.sum(parts, axis=0) * (unit or 1.0))


FLAT_M2 = 85.0
"""Built area a household, stairs and all: what towns in the north of China count with."""


def estimate_households(footprints: Geometries, floors: Floats, *, flat_m2: float = FLAT_M2) -> Floats:
    """Households by footprint area and floors, whole numbers; NaN floors count as one, under 30 m² is a shed.

    A guess for places without a register, to be marked as one: offices and shops look like homes to it.
    """
    ground_m2 = np.asarray(shapely.area(footprints))
    built = ground_m2 * np.maximum(np.nan_to_num(floors, nan=1.0), 1.0)
    return np.where(ground_m2 < 30.0, 0.0, np.maximum(np.rint(0.8 * built / flat_m2), 1.0))
