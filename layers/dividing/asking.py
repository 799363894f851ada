"""What a planner asks of a division, as it travels from the door to the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from layers.planning.state.board import Board
from tiling.divide import PROFILES, Wishes, weigh_by_profile

USUAL = 300
"""[S9]: households a grid where neither the planner nor the community names a number."""
WEIGHTS = ("households", "incidents", "lone_elders")
_HOUSEHOLDS: Mapping[str, float] = MappingProxyType({"households": 1.0})


@dataclass(frozen=True, kw_only=True)
class DivisionAsked:
    """One request. `area` is a district, subdistrict, community or (for sub-grids) a grid; `households` a grid's
    number or None for the community's own; `keep` are grids that stay; `least_change` what it costs to move a
    household from today's grid, None to start from nothing; `offices` are positions in degrees."""

    area: str
    households: float | None = None
    tolerance: float = 0.2
    level: str = "grid"
    keep: tuple[str, ...] = ()
    count: int | None = None
    sub_households: float | None = None
    profiles: tuple[str, ...] = ("balanced",)
    weights: Mapping[str, float] = field(default_factory=lambda: _HOUSEHOLDS)
    least_change: float | None = None
    streets_only: bool = False
    cut_stairwells: bool = False
    empty_m2: float = 30_000.0
    offices: tuple[tuple[float, float], ...] = ()
    seed: int = 1
    seconds: float = 120.0

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the job and in the history of the draft."""
        return {**asdict(self), "weights": dict(self.weights)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> DivisionAsked:
        """What `as_json` kept; other names are passed over."""
        known = {name: value for name, value in kept.items() if name in cls.__dataclass_fields__}
        for name in ("keep", "profiles"):
            known[name] = tuple(known.get(name, cls.__dataclass_fields__[name].default))
        known["offices"] = tuple((lon, lat) for lon, lat in known.get("offices", ()))
        return cls(**known)

    def wishes(self, board: Board, profile: str) -> Wishes:
        """The parameters of the search for one profile."""
        own = board.targets.get(self.area)
        target = self.households or (own.number if own is not None else USUAL)
        wishes = Wishes(
            target=float(target),
            grids=self.count,
            tolerance=self.tolerance,
            sub_target=self.sub_households,
            streets_only=self.streets_only,
            cut_stairwells=self.cut_stairwells,
            # Empty land is one grid of a community, never a sub-grid of its own.
            empty_m2=self.empty_m2 if self.level == "grid" else 0.0,
            keep_today=self.least_change or 0.0,
        )
        return weigh_by_profile(wishes, profile)


def list_profiles() -> tuple[str, ...]:
    """The names of the ways to weigh balance, roads and shape."""
    return tuple(PROFILES)
