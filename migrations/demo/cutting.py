"""Cutting a region in two: the one move by which the demo district is made, from the river down to the stairwells.

Every border of the town is a cut of a region by a line; lines are kept, all of them are noded together on the lattice
at the end (see noding), and so the borders are shared by construction. Works in metres around the district's middle.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from tiling.plane import LATTICE_M, put_on_lattice

Floats = NDArray[np.float64]
Shape = TypeVar("Shape", bound=BaseGeometry)
Bend = Callable[[Floats], Floats]

# Half of the ground that a street takes, with its pavement, for each class of road: m.
HALF_WIDTH_M = {"primary": 14.0, "secondary": 10.0, "tertiary": 7.0, "residential": 4.5, "path": 1.6, "": 1.2}
_NODES_M = 22.0


class CannotCut(ValueError):
    """A region of the demo town does not divide as wanted; the maker tries again with other random numbers."""


@dataclass(frozen=True)
class Cut:
    """A line that divides a region, with the class of the road along it ("" where there is none)."""

    line: LineString
    road_class: str


@dataclass(frozen=True)
class Halves:
    """Two parts of a region and the line between them; `first` lies on the left of the cut's direction."""

    first: Polygon
    second: Polygon
    line: LineString

    def roundness(self) -> float:
        """4 pi area / perimeter^2 of the worse part: 0.785 for a square."""
        return min(_roundness(self.first), _roundness(self.second))


def turned(shape: Shape, degrees: float) -> Shape:
    """The shape turned about the origin, counter-clockwise, in degrees."""
    return affinity.rotate(shape, degrees, origin=(0.0, 0.0))


def placed(shape: Shape, origin: Floats) -> Shape:
    """The shape moved from around the origin to its place in the city's CRS, on the lattice."""
    return cast(Shape, put_on_lattice(cast(BaseGeometry, shapely.transform(shape, lambda xy: xy + origin))))


def placed_parts(shape: BaseGeometry, origin: Floats) -> list[Polygon]:
    """The polygons of a shape at their place, valid on the lattice: one that rounding would pinch comes in parts."""
    moved = shapely.transform(shape, lambda xy: xy + origin)
    # Without its thinnest splinters first: snap-rounding one of them on its own fails in GEOS.
    whole = shapely.buffer(moved, -0.02, join_style="mitre")
    parts = shapely.get_parts(shapely.union_all(shapely.get_parts(whole), grid_size=LATTICE_M))
    return [placed(part, np.zeros(2)) for part in parts if isinstance(part, Polygon) and part.area > 1.0]


def long_axis(region: Polygon) -> tuple[float, float]:
    """The direction of the region's long side in degrees, and how many times longer than the short side it is."""
    ring = shapely.get_coordinates(shapely.oriented_envelope(region))
    sides = np.diff(ring[:3], axis=0)
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    longer = sides[int(np.argmax(lengths))]
    return math.degrees(math.atan2(longer[1], longer[0])), float(lengths.max() / max(lengths.min(), 1e-9))


def straight(t: Floats) -> Floats:
    """No bend: the sideways shift is 0 along the whole cut."""
    return np.zeros_like(t)


def swinging(rng: np.random.Generator, amplitude_m: float, *, ripple_m: float = 0.0) -> Bend:
    """A bend for a cut: a bow or an S of about the given amplitude, with small ripples on top."""
    bow, ess = rng.normal(0.0, amplitude_m * 0.7), rng.normal(0.0, amplitude_m * 0.5)
    phases = rng.uniform(0.0, 2.0 * math.pi, 3)
    return lambda t: (
        bow * (np.sin(math.pi * t) - 2.0 / math.pi)
        + ess * np.sin(2.0 * math.pi * t)
        + ripple_m * sum(np.sin(2.0 * math.pi * k * t + p) for k, p in zip((3, 5, 8), phases, strict=True)) / 2.0
    )


def halve(
    region: Polygon, share: float, *, ground: BaseGeometry, degrees: float, bend: Bend = straight
) -> Halves | None:
    """The region cut so that `share` of the ground within it lies on the left of the direction; None where it fails.

    `ground` is what counts when the share is measured (the region without its river, its streets …).
    """
    flat, counted = turned(region, 90.0 - degrees), turned(ground, 90.0 - degrees)
    x = _x_of_share(counted, share)
    south, north = flat.bounds[1] - 5.0, flat.bounds[3] + 5.0
    t = np.linspace(0.0, 1.0, max(2, int((north - south) / _NODES_M) + 1))
    upright = LineString(np.column_stack([x + bend(t), south + t * (north - south)]))
    line = turned(
        upright if bend is not straight else LineString(upright.coords[:: len(upright.coords) - 1]), degrees - 90.0
    )
    return cut_along(region, line)


def cut_along(region: Polygon, line: LineString) -> Halves | None:
    """The two parts into which the line cuts the region, left and right of it; None unless there are exactly two."""
    inside = shapely.intersection(line, region)
    if not isinstance(inside, LineString) or inside.is_empty:
        return None
    edges = shapely.union(shapely.boundary(region), line)
    faces = [
        f
        for f in shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
        if region.contains(f.representative_point())
    ]
    if len(faces) != 2:
        return None
    probe = _left_of(line, inside)
    left, right = sorted(faces, key=lambda face: float(face.distance(probe)))
    return Halves(left, right, inside)


def best_of(candidates: Iterable[Halves | None]) -> Halves | None:
    """The candidate with the roundest parts."""
    return max((c for c in candidates if c is not None), key=Halves.roundness, default=None)


def largest(shape: BaseGeometry) -> Polygon:
    """The largest polygon of a shape; an empty one where there is none."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return max(parts, key=lambda part: float(part.area), default=Polygon())


def lines_of(shape: BaseGeometry) -> list[LineString]:
    """The lines of a shape, joined where they continue each other."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "LineString"]
    return list(shapely.get_parts(shapely.line_merge(shapely.MultiLineString(parts)))) if parts else []


def _roundness(polygon: Polygon) -> float:
    return float(4.0 * math.pi * polygon.area / max(polygon.length, 1e-9) ** 2)


def _x_of_share(ground: BaseGeometry, share: float) -> float:
    """The x left of which `share` of the area lies, within 1 cm: by halving."""
    (low, _, high, _), (x0, x1, dy) = ground.bounds, _edges(ground)
    wanted = share * ground.area
    while high - low > 0.01:
        middle = (low + high) / 2.0
        low, high = (middle, high) if _area_left_of(middle, x0, x1, dy) < wanted else (low, middle)
    return (low + high) / 2.0


def _edges(ground: BaseGeometry) -> tuple[Floats, Floats, Floats]:
    """x at both ends and the rise in y of all edges, outer rings counter-clockwise, inner ones clockwise."""
    polygons = [part for part in shapely.get_parts(ground) if part.geom_type == "Polygon"]
    rings = shapely.get_rings(shapely.orient_polygons(polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    return xy[:-1, 0][joined], xy[1:, 0][joined], np.diff(xy[:, 1])[joined]


def _area_left_of(x: float, x0: Floats, x1: Floats, dy: Floats) -> float:
    """The area left of a meridian, by Green: the integral of min(x, limit) dy around the rings."""
    low, high = np.minimum(x0, x1), np.maximum(x0, x1)
    part = np.clip((x - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    mean = part * (low + np.minimum(high, x)) / 2.0 + (1.0 - part) * x
    return float(np.sum(np.where(low >= x, x, mean) * dy))


def _left_of(line: LineString, inside: LineString) -> shapely.Point:
    """A point close to the middle of the part that lies inside, on the left of the line's direction."""
    middle = line.project(inside.interpolate(0.5, normalized=True))
    a, b = (np.asarray(line.interpolate(s).coords[0]) for s in (middle - 0.01, middle + 0.01))
    across = np.asarray([a[1] - b[1], b[0] - a[0]])
    return shapely.Point((a + b) / 2.0 + across / max(float(np.hypot(*across)), 1e-9) * 0.01)
