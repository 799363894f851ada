"""The answer about one point, with the full chain of who and what it belongs to ([L5])."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class GridName:
    """A grid as an answer names it."""

    code: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class SubGridName:
    """A sub-grid as an answer names it."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class PathStep:
    """One area on the way down from the district."""

    level: str
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Dedicated:
    """A dedicated grid that holds the point: an overlay, or the exclusive one that is the grid itself."""

    code: str
    name: str
    exclusive: bool


@dataclass(frozen=True, slots=True)
class NearGrid:
    """Another grid that touches the point, or lies within its accuracy; metres."""

    code: str
    distance_m: float


@dataclass(frozen=True, slots=True)
class Responsible:
    """Somebody in charge of the place, and through which level of it."""

    worker: str
    name: str
    role: str
    level: str


@dataclass(frozen=True, slots=True)
class Location:
    """What is known of one point. `grid` of a gap is the nearest one within the fallback distance."""

    relation: str
    district: str | None = None
    grid: GridName | None = None
    sub_grid: SubGridName | None = None
    path: tuple[PathStep, ...] = ()
    dedicated: tuple[Dedicated, ...] = ()
    candidates: tuple[NearGrid, ...] = ()
    distance_to_border_m: float | None = None
    responsible: tuple[Responsible, ...] = ()
    plan_version: int | None = None
    index_version: int = 0

    @property
    def smallest(self) -> str | None:
        """The smallest code that answers for the point: sub-grid, grid, else the smallest area; None outside."""
        if self.sub_grid is not None:
            return self.sub_grid.code
        if self.grid is not None:
            return self.grid.code
        return self.path[-1].code if self.path else None

    def as_json(self) -> dict[str, Any]:
        """The members of the answer in the order of the contract; distances in metres, rounded to millimetres."""
        return {
            "relation": self.relation,
            "grid": self.grid and {"code": self.grid.code, "name": self.grid.name, "kind": self.grid.kind},
            "sub_grid": self.sub_grid and {"code": self.sub_grid.code, "name": self.sub_grid.name},
            "path": [{"level": step.level, "code": step.code, "name": step.name} for step in self.path],
            "dedicated": [{"code": one.code, "name": one.name, "exclusive": one.exclusive} for one in self.dedicated],
            "candidates": [{"code": one.code, "distance_m": round(one.distance_m, 3)} for one in self.candidates],
            "distance_to_border_m": _round_distance(self.distance_to_border_m),
            "responsible": [
                {"worker": one.worker, "name": one.name, "role": one.role, "level": one.level}
                for one in self.responsible
            ],
            "plan_version": self.plan_version,
            "index_version": self.index_version,
        }


def _round_distance(distance_m: float | None) -> float | None:
    return None if distance_m is None else round(distance_m, 3)
