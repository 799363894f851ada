"""Splinters: thin extra parts that a grid is left with when the ground about them went to others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from tiling.partition import keep_polygons
from tiling.repair.deciding import Owners
from tiling.repair.faces import Faces, Region, borders_m, keep_at_home


@dataclass(frozen=True)
class Splinters:
    """Thin extra parts that grids were left with; `spent_m2` is what each row has changed without a question."""

    faces: Faces
    owners: Owners
    parts_before: Mapping[int, int]
    sliver_m: float
    spent_m2: dict[int, float]
    most_m2: float

    def tidy(self) -> None:
        """Gives each splinter to the neighbour with the longest border, while neither changes by more than allowed.

        One that cannot be given away stays: the check names the grid in several parts.
        """
        for row, before in self.parts_before.items():
            members = np.array([k for k, owner in enumerate(self.owners) if owner == (row,)], dtype=np.intp)
            if not len(members):
                continue
            parts = shapely.get_parts(keep_polygons(shapely.coverage_union_all(self.faces.shapes[members])))
            for part in sorted(parts, key=lambda p: -p.area)[before:]:
                if 2 * part.area / part.length <= self.sliver_m:
                    self._give(row, part, members)

    def _give(self, row: int, part: BaseGeometry, members: NDArray[np.intp]) -> None:
        inside = [int(k) for k in members if part.contains(shapely.point_on_surface(self.faces.shapes[k]))]
        if not inside:
            return
        region = Region("gap", tuple(inside), (), part, 0.0, "sliver")
        beside = borders_m(self.faces, region, self.owners)
        heirs = [other for other in keep_at_home(self.faces, beside, self.faces.areas[inside[0]]) if other != row]
        able = [other for other in heirs if all(self._measure_after(who, part) <= self.most_m2 for who in (row, other))]
        if able:
            heir = min(able, key=lambda other: (-beside[other], other))
            for face in inside:
                self.owners[face] = (heir,)
            self.spent_m2.update({who: self._measure_after(who, part) for who in (row, heir)})

    def _measure_after(self, row: int, part: BaseGeometry) -> float:
        return self.spent_m2.get(row, 0.0) + float(part.area)
