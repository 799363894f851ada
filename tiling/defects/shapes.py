"""Defects that one polygon has by itself: empty, no polygon, invalid, in several parts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from tiling.defects.ground import Ground, Rows
from tiling.defects.report import Defect

_PLACE = re.compile(r"^(?P<reason>[^\[]*)\[(?P<x>[-+.\deE]+) (?P<y>[-+.\deE]+)")


def shape_defects(ground: Ground, rows: Rows, parts_allowed: Collection[str]) -> Iterator[Defect]:
    """The defects of each of the rows by itself."""
    multi = shapely.get_num_geometries(ground.drawn[rows]) > 1
    suspects = np.union1d(ground.select_faulty(rows), rows[multi])
    for row in suspects.tolist():
        found = _defect_of(ground.codes[row], ground.drawn[row], parts_allowed)
        if found is not None:
            yield found


def _defect_of(code: str, shape: BaseGeometry | None, parts_allowed: Collection[str]) -> Defect | None:
    if shape is None or shape.is_empty:
        return Defect(kind="empty", codes=(code,))
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        return Defect(kind="not_polygon", codes=(code,), where=shape, detail=shape.geom_type)
    if not shape.is_valid:
        point, reason = place_of_invalidity(shape)
        return Defect(kind="invalid", codes=(code,), where=point, detail=reason)
    if shapely.get_num_geometries(shape) > 1 and code not in parts_allowed:
        return _report_parts(code, shape)
    return None


def place_of_invalidity(shape: BaseGeometry) -> tuple[BaseGeometry | None, str]:
    """The point at which a shape is invalid and the reason in GEOS' words; None where no finite point can be named."""
    reason = str(shapely.is_valid_reason(shape))
    found = _PLACE.match(reason)
    if found is None:
        return None, reason
    point = shapely.Point(float(found["x"]), float(found["y"]))
    return point, found["reason"].strip()


def _report_parts(code: str, shape: BaseGeometry) -> Defect:
    parts = sorted(shapely.get_parts(shape), key=lambda part: (-part.area, part.bounds))
    beside = shapely.MultiPolygon(parts[1:])
    return Defect(
        kind="multipart",
        codes=(code,),
        where=beside,
        area_m2=beside.area,
        length_m=beside.length / 2,
        count=len(parts),
        detail=f"{len(parts)} parts",
    )
