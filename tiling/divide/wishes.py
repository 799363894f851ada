"""What the planner asks for, and how much work the search may do."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """The parameters of one proposal.

    `target` is the weight of one grid; with `grids` the number of grids is asked for instead and the target follows.
    `tolerance` is the share a grid may differ. `streets_only` never opens a block (patrol beats). `empty_m2`: empty
    blocks from this size on become dedicated grids; 0 keeps all land in the grids. `keep_today`: what one household
    that changes hands costs, 0 to start from nothing. `cut_stairwells` cuts buildings larger than the target between
    stairwells where their number is known. `sub_target` divides each grid once more. `effort` scales the search.
    """

    target: float = 300.0
    grids: int | None = None
    tolerance: float = 0.2
    streets_only: bool = False
    empty_m2: float = 30_000.0
    keep_today: float = 0.0
    cut_stairwells: bool = False
    sub_target: float | None = None
    min_width_m: float = 12.0
    min_area_m2: float = 0.0
    max_area_m2: float = 0.0
    smooth_m: float = 3.0
    roads: float = 1.0
    compact: float = 1.0
    balance: float = 1.0
    effort: float = 1.0

    def __post_init__(self) -> None:
        if self.grids is not None and self.grids < 1:
            raise ValueError("at least one grid must be asked for")
        if not self.target > 0 or not 0 < self.tolerance < 1:
            raise ValueError("the target must be above 0 and the tolerance between 0 and 1")
        if self.sub_target is not None and not 0 < self.sub_target < self.target:
            raise ValueError("the target of sub-grids must be smaller than that of grids")
        if 0 < self.max_area_m2 < self.min_area_m2:
            raise ValueError("the smallest area must not be above the largest")


PROFILES: dict[str, tuple[float, float, float]] = {
    "balanced": (1.0, 1.0, 1.0),
    "even": (2.0, 0.4, 0.7),
    "streets": (0.7, 3.0, 1.0),
}
"""Three ways to weigh balance, roads and shape: the three proposals a planner sees side by side."""


def weigh_by_profile(wishes: Wishes, profile: str) -> Wishes:
    """The wishes with balance, roads and shape weighed as a profile does; KeyError for one that is not there."""
    balance, roads, compact = PROFILES[profile]
    return replace(wishes, balance=balance, roads=roads, compact=compact)
