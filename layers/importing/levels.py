"""Files of two levels: what the file draws for a grid is held against the sub-grids that the file puts into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from layers.importing.boundaries import middle_of
from tiling.nesting import check_nesting
from tiling.plane import Plane, city_epsg

# A sub-grid of which half lies elsewhere is not drawn badly: it names the wrong grid.
ELSEWHERE = 0.5


@dataclass(frozen=True)
class Misfit:
    """Ground of a grid as the file draws it that its sub-grids leave bare, or theirs outside it, in m² and degrees."""

    grid: str
    others: tuple[str, ...]
    how: str
    area_m2: float
    where: BaseGeometry
    elsewhere: bool = False


def find_misfits(shapes: Mapping[str, BaseGeometry], parents: Mapping[str, str]) -> list[Misfit]:
    """What does not fit between two levels of a file, but for noise; `elsewhere` marks a sub-grid of another grid.

    `shapes` are all polygons in WGS84 degrees by code, `parents` the grid above each sub-grid.
    """
    concerned = {*parents, *parents.values()} & shapes.keys()
    if not concerned:
        return []
    codes = sorted(concerned)
    plane = Plane(city_epsg(**middle_of(shapes[code] for code in codes)))
    placed = plane.to_metres(np.array([shapes[code] for code in codes], dtype=object))
    metres: dict[str, BaseGeometry | None] = dict(zip(codes, placed.tolist(), strict=True))
    found = [defect for defect in check_nesting(metres, parents) if defect.class_ != "noise"]
    areas = {code: float(shapely.area(shape)) for code, shape in metres.items()}
    return [
        Misfit(
            defect.codes[0],
            defect.codes[1:],
            defect.detail,
            defect.area_m2,
            plane.to_degrees(defect.where),
            elsewhere=defect.detail == "outside" and defect.area_m2 > ELSEWHERE * areas[defect.codes[1]],
        )
        for defect in found
        if defect.where is not None
    ]
