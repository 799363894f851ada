"""Is a set of foreign polygons a tiling? The report in degrees, without a database; large sets in a child process.

Used by POST /coverage and `wangge check`. Polygons may be None, empty or invalid: the report says so, nothing mended.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers import sandbox
from layers.errors import Unacceptable
from layers.sandbox import Room, SandboxLimits
from tiling.coverage import CoverageReport, Defect, check_polygons, place_of_invalidity
from tiling.defects.crowding import estimate_overlaps
from tiling.defects.report import put_in_order
from tiling.nesting import check_nesting
from tiling.plane import Plane, city_epsg
from tiling.tolerance import Tolerance

# Below so many vertices the check takes less time than starting a child would.
FEW_VERTICES = 5_000
# A node lies on an edge in degrees when it is off it by no more than the rounding to nine decimals, some 0.1 mm.
ON_EDGE_DEG = 1.5e-9
# Nearer than a millimetre to a node of the frame there is room for no other on the lattice.
NODE_DEG = 1e-8
# All is measured in one plane: no grid of any city is wider than the first, no set of cities wider than the second.
WIDEST_GRID_DEG = 10.0
WIDEST_SET_DEG = 40.0
# A sub-grid's code is that of its grid with two digits more ([S8]).
GRID_DIGITS, SUB_GRID_DIGITS = 15, 17
SUB_GRID = "sub_grid"
# Beyond so many overlaps nobody reads a report, and it would take minutes: 80,000 take some 40 s.
MOST_OVERLAPS = 200_000
# A hostile set may keep GEOS busy for ever; 100,000 honest grids take some six seconds.
LIMITS = SandboxLimits(cpu_s=120, wall_s=150.0)


@dataclass(frozen=True, kw_only=True)
class CheckTask:
    """What is to be checked: polygons in WGS84 degrees with a code each (codes may repeat), and against which frame.

    `parents` names the code above where the polygons are of several levels: the lowest tile the ground, and each upper
    one is held against those below it. `epsg` is the metric CRS of the city, None to choose it by the position.
    """

    codes: Sequence[str]
    polygons: Sequence[BaseGeometry | None]
    frame: BaseGeometry | None = None
    tolerance: Tolerance = field(default_factory=Tolerance)
    parts_allowed: Collection[str] = ()
    parents: Mapping[str, str] = field(default_factory=dict)
    epsg: int | None = None


@dataclass(frozen=True, kw_only=True)
class Naming:
    """What is to be said of the codes of a set before any shape is looked at.

    `parents` names the grid above each sub-grid where both are in the set, `lost` the grid that a sub-grid names and
    the set does not hold (told only where the set has two levels at all), `repeated` the rows of codes given twice.
    """

    parents: Mapping[str, str]
    lost: Mapping[str, str]
    repeated: Mapping[str, list[int]]

    @property
    def is_sound(self) -> bool:
        return not self.lost and not self.repeated


@dataclass(frozen=True)
class NamedRow:
    """The row of a grid as its set counts, its code, the code above as the set states it, and the level if stated."""

    row: int
    code: str
    parent: str | None = None
    level: str | None = None


def judge_names(rows: Sequence[NamedRow]) -> Naming:
    """The same for a file and for a request: which code stands above which, and what is wrong with the codes alone."""
    places: dict[str, list[int]] = {}
    for one in rows:
        places.setdefault(one.code, []).append(one.row)
    above = {one.code: named for one in rows if (named := one.parent or grid_of(one.code)) and named != one.code}
    parents = {own: named for own, named in above.items() if named in places}
    below = [one.code for one in rows if one.level == SUB_GRID or grid_of(one.code)] if parents else []
    lost = {own: above.get(own, "") for own in below if own not in parents}
    return Naming(parents=parents, lost=lost, repeated={code: at for code, at in places.items() if len(at) > 1})


def grid_of(code: str) -> str | None:
    """The code of the grid above a sub-grid of the numbered scheme ([S8]); None for any other code."""
    numbered = code.isascii() and code.isdigit() and len(code) == SUB_GRID_DIGITS
    return code[:GRID_DIGITS] if numbered else None


def check(task: CheckTask, *, room: Room | None = None) -> dict[str, Any]:
    """The report as JSON: `ok`, `defects` with their places in WGS84 degrees, `summary`; the CRS in `epsg`.

    Areas, lengths and widths are metres of the city's plane. Raises Unacceptable where the work is too much for the
    child process, for shapes too far apart for one city (`too_wide`), and for a frame that is no valid polygon
    (`frame_is_invalid`, with the point). Nodes of grids on an edge of the frame are nodes of the frame: an edge that is
    straight in degrees, which decide, bows in metres (4.5 mm on 500 m). Raises Unacceptable `too_many_overlaps`, after
    seconds, for a set that is no map of grids.
    """
    _refuse_frame(task.frame)
    _refuse_wide(task.polygons)
    if _is_light(task.polygons):
        return check_here(task)
    answer = sandbox.run("layers.checking:check_bytes", pack_task(task), room=room or _room_for(task))
    report: dict[str, Any] = json.loads(answer)
    return report


def _room_for(task: CheckTask) -> Room:
    shapes = _objects([*task.polygons, task.frame])
    return Room(limits=LIMITS.scale_to_vertices(int(shapely.get_num_coordinates(shapes).sum())))


def _is_light(polygons: Sequence[BaseGeometry | None]) -> bool:
    # An invalid polygon is read by its structure, which is work for a process that can be ended.
    shapes = _objects(polygons)
    few = int(shapely.get_num_coordinates(shapes).sum()) <= FEW_VERTICES
    return few and bool((shapely.is_valid(shapes) | shapely.is_missing(shapes)).all())


def check_here(task: CheckTask) -> dict[str, Any]:
    """The same report, made in this process."""
    plane = Plane(task.epsg or choose_epsg(task.polygons))
    shapes = _objects(task.polygons)
    frame = None if task.frame is None else plane.to_metres(_node_frame(task.frame, shapes))
    metres, uppers = plane.to_metres(shapes), set(task.parents.values())
    lowest = [row for row, code in enumerate(task.codes) if code not in uppers]
    refuse_crowded(metres[lowest], most=MOST_OVERLAPS)
    report = check_polygons(
        [task.codes[row] for row in lowest],
        metres[lowest],
        frame=frame,
        tolerance=task.tolerance,
        parts_allowed=task.parts_allowed,
    )
    if task.parents:
        levels = check_nesting(dict(zip(task.codes, metres, strict=True)), task.parents, tolerance=task.tolerance)
        report = replace(report, defects=put_in_order([*report.defects, *levels]))
    return as_json(report, plane)


def refuse_crowded(polygons: NDArray[np.object_], *, most: int) -> None:
    """Raise Unacceptable for polygons that overlap in more than about so many places: milliseconds for a district."""
    count = estimate_overlaps(polygons, least=most)
    if count > most:
        raise Unacceptable("too_many_overlaps", count=count, most=most)


def as_json(report: CoverageReport, plane: Plane) -> dict[str, Any]:
    """A report in metres of a plane as JSON with places in WGS84 degrees."""
    places = plane.to_degrees(_objects([defect.where for defect in report.defects]))
    texts = np.asarray(shapely.to_geojson(places)).tolist() if len(places) else []
    defects = [defect_json(defect, text) for defect, text in zip(report.defects, texts, strict=True)]
    return {"ok": report.ok, "defects": defects, "summary": report.summary(), "epsg": plane.epsg}


def defect_json(defect: Defect, place: str | None) -> dict[str, Any]:
    """A defect as the API gives it; `place` is GeoJSON. Who lives on its ground is for those to say who know it."""
    return {
        "kind": defect.kind,
        "class": defect.class_,
        "severity": defect.severity,
        "codes": list(defect.codes),
        "area_m2": round(defect.area_m2, 6),
        "length_m": round(defect.length_m, 4),
        "width_m": round(defect.width_m, 4),
        "households": None,
        "detail": defect.detail,
        "where": None if place is None else json.loads(place),
    }


def choose_epsg(polygons: Sequence[BaseGeometry | None]) -> int:
    """The metric CRS for the middle of these shapes in degrees; that of (0, 0) where there is none."""
    lon, lat = find_middle(polygons) or (0.0, 0.0)
    return city_epsg(lon, lat)


def find_middle(polygons: Sequence[BaseGeometry | None]) -> tuple[float, float] | None:
    """The lon, lat of the middle of the box around these shapes; None where there is no ground at all."""
    shapes = [shape for shape in polygons if shape is not None and not shape.is_empty]
    if not shapes:
        return None
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    return (west + east) / 2, (south + north) / 2


def _refuse_frame(frame: BaseGeometry | None) -> None:
    if frame is None:
        return
    if frame.geom_type not in ("Polygon", "MultiPolygon") or frame.is_empty:
        raise Unacceptable("frame_is_invalid", row=1, reason=frame.geom_type)
    if not frame.is_valid:
        where, reason = place_of_invalidity(frame)
        raise Unacceptable("frame_is_invalid", where=where, row=1, reason=reason)


def _refuse_wide(polygons: Sequence[BaseGeometry | None]) -> None:
    shapes = [shape for shape in polygons if shape is not None and not shape.is_empty]
    if not shapes:
        return
    boxes = shapely.bounds(shapes)
    sizes = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    widest = int(sizes.argmax())
    if sizes[widest] > WIDEST_GRID_DEG:
        raise Unacceptable("too_wide", where=shapely.box(*boxes[widest]), most=WIDEST_GRID_DEG)
    west, south, east, north = shapely.total_bounds(shapes).tolist()
    if max(east - west, north - south) > WIDEST_SET_DEG:
        raise Unacceptable("too_wide", where=shapely.box(west, south, east, north), most=WIDEST_SET_DEG)


def _node_frame(frame: BaseGeometry, shapes: NDArray[np.object_]) -> BaseGeometry:
    """The frame with every node of a grid that lies on one of its edges."""
    nodes = np.asarray(shapely.points(np.unique(shapely.get_coordinates(shapes), axis=0)))
    rings, known = shapely.boundary(frame), shapely.MultiPoint(shapely.get_coordinates(frame))
    shapely.prepare([rings, known])
    near = nodes[shapely.dwithin(nodes, rings, ON_EDGE_DEG)]
    new = near[~shapely.dwithin(near, known, NODE_DEG)]
    if not len(new):
        return frame
    polygons = [
        shapely.Polygon(_ring_with(part.exterior, new), [_ring_with(hole, new) for hole in part.interiors])
        for part in shapely.get_parts(frame).tolist()
    ]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _ring_with(ring: BaseGeometry, nodes: NDArray[np.object_]) -> NDArray[np.float64]:
    """The ring's positions and, in their places along it, those of the nodes that lie on it."""
    own = shapely.get_coordinates(ring)
    points = nodes[shapely.dwithin(nodes, ring, ON_EDGE_DEG)]
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(own, axis=0).T))])
    at = np.concatenate([along, shapely.line_locate_point(np.array([ring], dtype=object), points)])
    return np.vstack([own, shapely.get_coordinates(points)])[np.argsort(at, kind="stable")]


def pack_task(task: CheckTask) -> bytes:
    """A task as bytes: one line of JSON, then the shapes as WKB."""
    shapes = [b"" if shape is None else bytes(shapely.to_wkb(shape)) for shape in (*task.polygons, task.frame)]
    head = {
        "codes": list(task.codes),
        "lengths": [len(wkb) for wkb in shapes],
        "tolerance": [task.tolerance.snap_m, task.tolerance.sliver_m, task.tolerance.contained_share],
        "parts_allowed": sorted(task.parts_allowed),
        "parents": dict(task.parents),
        "epsg": task.epsg,
    }
    return json.dumps(head).encode() + b"\n" + b"".join(shapes)


def unpack_task(content: bytes) -> CheckTask:
    """The task that `pack_task` made these bytes from."""
    line, _, body = content.partition(b"\n")
    head = json.loads(line)
    ends = np.cumsum(head["lengths"]).tolist()
    shapes = [_shape(body[end - length : end]) for end, length in zip(ends, head["lengths"], strict=True)]
    snap_m, sliver_m, contained_share = head["tolerance"]
    return CheckTask(
        codes=head["codes"],
        polygons=shapes[:-1],
        frame=shapes[-1],
        tolerance=Tolerance(snap_m=snap_m, sliver_m=sliver_m, contained_share=contained_share),
        parts_allowed=head["parts_allowed"],
        parents=head["parents"],
        epsg=head["epsg"],
    )


def check_bytes(content: bytes) -> bytes:
    """The report for a packed task, as JSON; what the child process runs."""
    return json.dumps(check_here(unpack_task(content))).encode()


def _shape(wkb: bytes) -> BaseGeometry | None:
    return shapely.from_wkb(wkb) if wkb else None


def _objects(shapes: Sequence[BaseGeometry | None]) -> NDArray[np.object_]:
    out = np.empty(len(shapes), dtype=object)
    out[:] = list(shapes)
    return out
