"""The ground of messy polygons as faces: who claims each, and which pieces are wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from tiling.defects.widths import widths_m
from tiling.partition import keep_polygons
from tiling.plane import LATTICE_M
from tiling.repair.fitting import add_corners
from tiling.tolerance import Tolerance


@dataclass(frozen=True)
class Faces:
    """Faces between noded borders, the rows of polygons that claim each (sorted), and whether it is in the frame.

    `areas` are the area rings in which each face lies; `home_of` the ring in which a row's ground must lie.
    """

    shapes: NDArray[np.object_]
    claims: tuple[tuple[int, ...], ...]
    inside: NDArray[np.bool_]
    areas: tuple[frozenset[str], ...]
    home_of: Mapping[int, str]
    follows: bool = False
    """Whether the frame is made of the grids, so that nothing of theirs lies outside."""

    @cached_property
    def tree(self) -> STRtree:
        """An index over the faces."""
        return STRtree(self.shapes)


@dataclass(frozen=True)
class Region:
    """A connected piece of ground with the same fault: its faces, claimants, class and width in metres."""

    kind: str
    members: tuple[int, ...]
    claims: tuple[int, ...]
    shape: BaseGeometry
    width_m: float
    class_: str
    areas: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Bounds:
    """What repaired ground must respect: the frame, area rings by code, and the ring of each row that has one.

    `outside` is None for a frame that was given. One that is made of its own grids follows them; then it is the ground
    within their outline that is none of the district's.
    """

    frame: BaseGeometry | None = None
    rings: Mapping[str, BaseGeometry] = field(default_factory=dict)
    home_of: Mapping[int, str] = field(default_factory=dict)
    outside: BaseGeometry | None = None


def faces_of(
    polygons: NDArray[np.object_], rows: NDArray[np.intp], bounds: Bounds, extra: Sequence[BaseGeometry]
) -> Faces:
    """The faces between the borders of these rows, the frame, the rings and extra lines, noded on the lattice.

    Faces that nobody claims outside the frame are left out; claims are looked up among all polygons.
    """
    frame, rings = None if bounds.outside is not None else bounds.frame, list(bounds.rings.values())
    lines = [*shapely.boundary(polygons[rows]), *extra, *([shapely.boundary(frame)] if frame is not None else [])]
    lines += list(shapely.boundary(rings))
    noded = shapely.union_all(lines, grid_size=LATTICE_M)
    shapes = shapely.get_parts(shapely.polygonize([noded]))
    points = _find_deep_points(shapes)
    claims = _claims(polygons, points)
    inside = np.ones(len(shapes), dtype=bool)
    if frame is not None and len(shapes):
        # Noding bends the frame's edges by up to 0.7 mm, which matters to faces a few millimetres wide.
        bent = add_corners(frame, shapes)
        shapely.prepare(bent)
        inside = np.asarray(shapely.intersects(bent, points))
    if bounds.outside is not None and len(shapes):
        inside = np.asarray(~shapely.intersects(bounds.outside, points)) | np.array([bool(rows) for rows in claims])
    kept = [k for k in range(len(shapes)) if inside[k] or claims[k]]
    areas = _areas(_bend_rings(bounds.rings, shapes), points[kept])
    held = tuple(tuple(claims[k]) for k in kept)
    return Faces(shapes[kept], held, inside[kept], areas, bounds.home_of, follows=bounds.outside is not None)


def _bend_rings(rings: Mapping[str, BaseGeometry], shapes: NDArray[np.object_]) -> dict[str, BaseGeometry]:
    """The rings with the nodes that the faces have on them, as noding bends them."""
    tree = STRtree(shapes)
    near = {name: shapes[tree.query(shapely.boundary(ring), predicate="intersects")] for name, ring in rings.items()}
    return {name: add_corners(ring, near[name]) if len(near[name]) else ring for name, ring in rings.items()}


def _areas(rings: Mapping[str, BaseGeometry], points: NDArray[np.object_]) -> tuple[frozenset[str], ...]:
    names = list(rings)
    held: list[set[str]] = [set() for _ in points]
    if names:
        which, hits = STRtree(list(rings.values())).query(points, predicate="within")
        for face, ring in zip(which.tolist(), hits.tolist(), strict=True):
            held[face].add(names[ring])
    return tuple(frozenset(one) for one in held)


def keep_at_home(faces: Faces, rows: Iterable[int], areas: frozenset[str]) -> list[int]:
    """Those of the rows whose ground may lie in these areas: a grid stays in the ring of its community."""
    return [row for row in rows if row not in faces.home_of or faces.home_of[row] in areas]


def _claims(polygons: NDArray[np.object_], points: NDArray[np.object_]) -> list[list[int]]:
    claims: list[list[int]] = [[] for _ in points]
    tree = STRtree(polygons)
    for face, row in sorted(tree.query(points, predicate="within").T.tolist()):
        claims[face].append(row)
    # A face may span several sound polygons, whose borders were not noded; its point may lie on such a border.
    for face, row in sorted(tree.query(points, predicate="touches").T.tolist()):
        claims[face] = claims[face] or [row]
    return claims


def _find_deep_points(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """A point in each face well away from its border: the centroid where that is deeper inside than GEOS' choice."""
    borders = shapely.boundary(shapes)
    points, centres = shapely.point_on_surface(shapes), shapely.centroid(shapes)
    deeper = shapely.contains_properly(shapes, centres)
    deeper &= shapely.distance(borders, centres) > shapely.distance(borders, points)
    return np.asarray(np.where(deeper, centres, points), dtype=object)


def regions_of(faces: Faces, tolerance: Tolerance) -> list[Region]:
    """The connected pieces of ground with a fault, in the order of their place."""
    groups: dict[tuple[str, tuple[int, ...], frozenset[str]], list[int]] = {}
    settled = _find_settled(faces)
    for k, claim in enumerate(faces.claims):
        kind = _fault(claim, bool(faces.inside[k])) or _stray(faces, k, settled)
        if kind:
            groups.setdefault((kind, claim, faces.areas[k]), []).append(k)
    found: list[tuple[str, tuple[int, ...], tuple[int, ...], BaseGeometry, frozenset[str]]] = []
    for (kind, claim, areas), members in groups.items():
        parts = _parts(faces, np.array(members, dtype=np.intp))
        found += [(kind, claim, part, shape, areas) for part, shape in parts]
    width = widths_m(np.array([shape for *_, shape, _ in found], dtype=object))
    regions = [
        Region(kind, members, claim, shape, float(wide), tolerance.class_of(float(wide)), areas)
        for (kind, claim, members, shape, areas), wide in zip(found, width.tolist(), strict=True)
    ]
    return sorted(regions, key=lambda region: (region.kind, region.claims, region.shape.bounds))


def _fault(claims: tuple[int, ...], inside: bool) -> str:
    if not inside:
        return "overshoot"
    return "" if len(claims) == 1 else ("overlap" if claims else "gap")


def _find_settled(faces: Faces) -> frozenset[int]:
    """The rows that have ground in the ring of their own area."""
    homes = faces.home_of
    return frozenset(row for k, claim in enumerate(faces.claims) for row in claim if homes.get(row) in faces.areas[k])


def _stray(faces: Faces, face: int, settled: frozenset[int]) -> str:
    """`nesting` for ground of one grid in the ring of another area than its own.

    A grid without any ground at home stands in the wrong list, not in the wrong place: that is for no repair to say.
    """
    (row,) = faces.claims[face]
    home, areas = faces.home_of.get(row), faces.areas[face]
    return "nesting" if home is not None and areas and home not in areas and row in settled else ""


def _parts(faces: Faces, members: NDArray[np.intp]) -> list[tuple[tuple[int, ...], BaseGeometry]]:
    whole = keep_polygons(shapely.coverage_union_all(faces.shapes[members]))
    parts = shapely.get_parts(whole)
    points = shapely.point_on_surface(faces.shapes[members])
    which, hits = STRtree(parts).query(points, predicate="within")
    out: dict[int, list[int]] = {}
    for face, part in zip(which.tolist(), hits.tolist(), strict=True):
        out.setdefault(part, []).append(int(members[face]))
    return [(tuple(sorted(inside)), parts[part]) for part, inside in sorted(out.items())]


def borders_m(faces: Faces, region: Region, owners: Sequence[Sequence[int]]) -> dict[int, float]:
    """How long the region borders on ground that each row owns, in metres."""
    beside = faces.tree.query(region.shape)
    outline = shapely.boundary(region.shape)
    inside = set(region.members)
    out: dict[int, float] = {}
    for face in sorted(set(beside.tolist()) - inside):
        if len(owners[face]) != 1:
            continue
        shared = shapely.intersection(outline, shapely.boundary(faces.shapes[face])).length
        if shared > 0:
            out[owners[face][0]] = out.get(owners[face][0], 0.0) + shared
    return out
