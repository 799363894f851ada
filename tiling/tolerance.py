"""Every tolerance of the package, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

MATCH_M = 0.001
"""Two positions this close name the same stored vertex: one step of the lattice."""

NODE_OFF_M = 0.00075
"""How far a node may lie off the edge it was put on: half the diagonal of a lattice cell (0.7071 mm) and rounding."""

DUST_M2 = 1e-7
"""Areas below this are rounding of intersections computed in floating point (1e-9 m at 4e6 m, over 100 m of border)."""


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """How far shapes may disagree before it counts, in metres and shares.

    `snap_m`: overlaps and gaps thinner than 1 cm are noise; no cadastral survey is better.
    `sliver_m`: up to half a metre wide it is a sliver, an artefact of drawing; nobody lives in it.
    `contained_share`: a grid that is 98 % inside another one is contained in it, not merely overlapping.
    """

    snap_m: float = 0.01
    sliver_m: float = 0.5
    contained_share: float = 0.98

    def __post_init__(self) -> None:
        if not 0 < self.snap_m <= self.sliver_m:
            raise ValueError("tolerances must satisfy 0 < snap_m <= sliver_m")
        if not 0.5 < self.contained_share <= 1:
            raise ValueError("contained_share must lie in (0.5, 1]")

    def class_of(self, width_m: float) -> str:
        """`noise`, `sliver` or `real` for an area of this width in metres; a limit belongs to the class above noise."""
        if width_m < self.snap_m:
            return "noise"
        return "sliver" if width_m <= self.sliver_m else "real"
