"""Frames of drafts that are made of a file's grids: one for each of its districts, judged together ([S2], [S3]).

An enclave is the ground of its own district, whether it is in the file or stored, and whichever code comes first. What
two districts enclose together and nobody holds is a gap of the one that it borders on longest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.areas import Area, AreaLevel
from layers.planning.state.board import Geometries, objects
from layers.plans import Plan, PlanState, is_in_force_now
from tiling.errors import NotRepairable
from tiling.partition import dissolve
from tiling.plane import Plane, densify
from tiling.repair import frame_around, is_thin, rebuild_shape

# From half of the smaller one on, two districts divide the same ground, each in its own way; they are no neighbours.
SAME_GROUND = 0.5
# Borders that are off by less touch all the same.
TOUCHING_M = 1.0


@dataclass(frozen=True)
class FrameOfGrids:
    """A frame in WGS84 degrees that was made of the grids, and follows them when they are repaired."""

    shape: BaseGeometry


@dataclass(frozen=True)
class _Ground:
    """What a district's grids cover, in metres of its city; an invalid polygon covers what its structure means."""

    district: str
    plane: Plane
    pieces: Geometries

    @cached_property
    def whole(self) -> BaseGeometry:
        return dissolve(self.pieces)

    @cached_property
    def has_holes(self) -> bool:
        return bool(shapely.get_num_interior_rings(shapely.get_parts(self.whole)).sum())


def frames_around(session: Session, shapes: Mapping[str, Sequence[BaseGeometry | None]]) -> dict[str, FrameOfGrids]:
    """The frame of each district around its grids (degrees), but for districts of which nothing can be framed.

    About as long as a union of all grids; only districts with holes are held against the others.
    """
    grounds = [_ground_of(session, district, own) for district, own in shapes.items()]
    stored = _list_stored_grounds(session, set(shapes))
    frames = {ground.district: _frame_of(ground, grounds, stored) for ground in grounds}
    if len(grounds) > 1:
        _share_what_is_enclosed(grounds, frames, stored)
    planes = {ground.district: ground.plane for ground in grounds}
    return {
        district: FrameOfGrids(planes[district].to_degrees(frame))
        for district, frame in frames.items()
        if not frame.is_empty
    }


def put_on_plane(shapes: Geometries, plane: Plane) -> Geometries:
    """Shapes in degrees as shapes in metres on the lattice, long edges divided; None where they are empty."""
    usable = objects(None if shape is None or shape.is_empty else shapely.force_2d(shape) for shape in shapes)
    return densify(plane.to_metres(usable))


def _ground_of(session: Session, district: str, shapes: Iterable[BaseGeometry | None]) -> _Ground:
    epsg = session.get_one(Area, district).crs_epsg
    assert epsg is not None, "the database demands that districts name their CRS"
    plane = Plane(epsg)
    placed = put_on_plane(objects(shapes), plane)
    return _Ground(district, plane, objects(_read_meant(shape) for shape in placed if shape is not None))


def _read_meant(shape: BaseGeometry) -> BaseGeometry:
    """A polygon as it is, an invalid one as its structure means it: its ground belongs to the district all the same."""
    if "Polygon" not in shape.geom_type or shape.is_valid:
        return shape if "Polygon" in shape.geom_type else shapely.Polygon()
    try:
        return rebuild_shape("", shape)
    except NotRepairable:
        return shapely.Polygon()


def _list_stored_grounds(session: Session, without: set[str]) -> list[BaseGeometry]:
    """What other districts frame, in degrees: their plan in force, else their newest draft, else their boundary."""
    plans = select(Plan.district, Plan.frame.ST_AsBinary()).where(
        Plan.frame.is_not(None), Plan.state != PlanState.archived, Plan.district.not_in(without)
    )
    areas = select(Area.code, Area.geom.ST_AsBinary()).where(
        Area.level == AreaLevel.district, Area.geom.is_not(None), Area.code.not_in(without)
    )
    # What comes later counts: boundaries before plans, drafts before plans in force.
    rows = [*session.execute(areas), *session.execute(plans.order_by(is_in_force_now(), Plan.id))]
    found = dict(map(tuple, rows))
    return [shapely.from_wkb(bytes(found[code])) for code in sorted(found)]


def _frame_of(ground: _Ground, grounds: Sequence[_Ground], stored: Sequence[BaseGeometry]) -> BaseGeometry:
    if not ground.has_holes:
        return frame_around(ground.pieces)
    beside = [_to_plane(ground.plane, other) for other in grounds if other is not ground]
    beside += [ground.plane.to_metres(shape) for shape in stored]
    return frame_around(ground.pieces, _neighbours(ground.whole, beside))


def _to_plane(plane: Plane, other: _Ground) -> BaseGeometry:
    return other.whole if other.plane.epsg == plane.epsg else plane.to_metres(other.plane.to_degrees(other.whole))


def _neighbours(whole: BaseGeometry, others: Iterable[BaseGeometry]) -> BaseGeometry:
    """The others together, each with its parts, but for those that divide the same ground."""
    return shapely.GeometryCollection([other for other in others if not _divides(whole, other)])


def _divides(whole: BaseGeometry, other: BaseGeometry) -> bool:
    smaller = min(whole.area, other.area)
    return bool(smaller > 0 and shapely.area(shapely.intersection(whole, other)) >= SAME_GROUND * smaller)


def _share_what_is_enclosed(
    grounds: Sequence[_Ground], frames: dict[str, BaseGeometry], stored: Sequence[BaseGeometry]
) -> None:
    """Give ground that only several districts enclose to the frame of the one which it borders on longest."""
    for epsg in sorted({ground.plane.epsg for ground in grounds}):
        city = [ground for ground in grounds if ground.plane.epsg == epsg]
        whole = dissolve(np.concatenate([ground.pieces for ground in city]))
        if len(city) < 2 or not shapely.get_num_interior_rings(shapely.get_parts(whole)).sum():
            continue
        beside = _neighbours(whole, (city[0].plane.to_metres(shape) for shape in stored))
        around = frame_around(shapely.get_parts(whole), beside)
        framed = shapely.union_all([frames[ground.district] for ground in city])
        for hole in shapely.get_parts(shapely.difference(around, framed)).tolist():
            if not is_thin(hole):
                near = shapely.buffer(hole, TOUCHING_M)
                owner = max(city, key=lambda ground: shapely.area(shapely.intersection(near, ground.whole)))
                frames[owner.district] = dissolve(objects([frames[owner.district], hole]))
