"""Does a file lie where its district is? One of another district is refused with the place and the figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.areas import Area, AreaLevel
from layers.errors import Unacceptable
from layers.importing.reading import Sheet

# A wrong datum moves a file by half a kilometre and leaves most of it inside; neighbours share a strip at most.
LEAST_INSIDE = 0.5


def refuse_foreign(session: Session, sheet: Sheet) -> None:
    """Raise Unacceptable where most rows lie outside the stored boundary of the district that was asked for.

    `file_of_another_district` with the file's box as the place, or `file_is_swapped` where longitude and latitude the
    other way round would fit. A file that brings its own frame is not judged, nor are layers of people and cases.
    """
    district, shapes = sheet.options.district, sheet.columns.table.geometries
    # Hazards, incidents and devices of a whole city may come with the district that they are scoped to.
    if district is None or shapes is None or not sheet.layer.judged or sheet.options.frame is not None:
        return
    frame = find_boundary(session, district)
    middles = _middles(shapes)
    if frame is None or not len(middles):
        return
    inside = _share(frame, middles)
    if inside >= LEAST_INSIDE:
        return
    bounds = [*middles.min(axis=0).tolist(), *middles.max(axis=0).tolist()]
    if _share(frame, middles[:, ::-1]) >= LEAST_INSIDE:
        raise Unacceptable("file_is_swapped", x=bounds[0], y=bounds[1])
    raise Unacceptable(
        "file_of_another_district",
        where=shapely.box(*bounds),
        district=district,
        percent=round(100 * inside, 1),
        bounds=_write_box(bounds),
        frame=_write_box(list(frame.bounds)),
    )


def find_boundary(session: Session, district: str) -> BaseGeometry | None:
    """The stored boundary of a district in WGS84 degrees; None where it has none."""
    of_district = select(func.ST_AsBinary(Area.geom)).where(Area.code == district, Area.level == AreaLevel.district)
    wkb = session.scalar(of_district)
    return None if wkb is None else shapely.from_wkb(bytes(wkb))


def _middles(shapes: NDArray[np.object_]) -> NDArray[np.float64]:
    bounds = shapely.bounds(shapes)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    return np.asarray((known[:, :2] + known[:, 2:]) / 2)


def _share(frame: BaseGeometry, points: NDArray[np.float64]) -> float:
    shapely.prepare(frame)
    return float(np.mean(shapely.contains_xy(frame, points[:, 0], points[:, 1])))


def _write_box(box: list[Any]) -> str:
    return ", ".join(f"{value:.4f}" for value in box)
