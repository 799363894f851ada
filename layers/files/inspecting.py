"""What is in a file, before anything is done with it: tables, fields, CRS, faults, and how it lies on a frame.

Runs in the child process only. Nothing is decided here: where the file says neither CRS nor table, the answer says
what is missing, and for each way to read the coordinates what share of the frame the file would cover.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from layers.errors import Unacceptable
from layers.files import judging, opening, placing
from layers.files.child import faults_of
from layers.files.opening import Opened, Wanted
from layers.files.referencing import name_of
from layers.files.sniffing import kind_of

SAMPLES = 3
MOST_FIELDS = 200
MOST_FAULTS = 10
# A preview is looked at, not measured: so many shapes, and a bend of less than this share of the extent is left out.
MOST_SHOWN = 3_000
BEND = 1 / 900
# More polygons than any plan has; their union would take minutes.
MOST_UNITED = 20_000
DATUMS = ("wgs84", "gcj02", "bd09")
_METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class _Asked:
    path: Path
    wanted: Wanted
    coordinates: placing.Asked
    frame: BaseGeometry | None
    epsg: int | None


def inspect_bytes(task: bytes) -> bytes:
    """The inspection of a file as JSON; see `layers.files.inspect`."""
    told = json.loads(task)
    asked = _Asked(
        path=Path(told["path"]),
        wanted=Wanted(**told["wanted"]),
        coordinates=placing.Asked(**told["coordinates"]),
        frame=None if told["frame"] is None else shapely.from_wkb(told["frame"]),
        epsg=told["epsg"],
    )
    return json.dumps(_inspect(asked), default=str).encode()


def _inspect(asked: _Asked) -> dict[str, Any]:
    kind = kind_of(asked.path)
    tables = opening.list_tables(asked.path, kind)
    told: dict[str, Any] = {"kind": kind, "tables": tables, "table": _table(asked, tables), "needs": []}
    if told["table"] is None:
        return {**told, "needs": ["table"] if tables else []}
    wanted = replace(asked.wanted, tables=told["table"] or None)
    return {**told, **_content(asked, opening.open_file(asked.path, kind, wanted))}


def _table(asked: _Asked, tables: Sequence[str]) -> str | None:
    if asked.wanted.tables is not None:
        return asked.wanted.tables
    if asked.wanted.preferred in tables:
        return asked.wanted.preferred
    return tables[0] if len(tables) == 1 else None


def _content(asked: _Asked, opened: Opened) -> dict[str, Any]:
    raw = placing.read_raw_shapes(opened, asked.coordinates)
    told: dict[str, Any] = {
        "count": opened.count,
        "encoding": opened.encoding,
        "fields": [_field(column, name) for name, column in list(opened.columns.items())[:MOST_FIELDS]],
        "crs": opened.unread if opened.crs is None else name_of(opened.crs),
        "notes": [[code, values] for code, values in opened.notes],
    }
    if raw is None:
        return {**told, "needs": ["positions"]}
    raw = shapely.force_2d(raw)
    told |= {"geometry_types": _types(raw), "raw_bounds": _box(raw), "degrees": _are_degrees(raw)}
    placed, refusal = _place_shapes(asked, opened)
    told |= {"fits": _fits(asked, opened, raw, placed), "refusal": refusal}
    if placed is None:
        return {**told, "needs": ["crs"], "taken_as": None}
    return {**told, "taken_as": placed.taken_as, **_describe_shapes(opened, placed.geometries)}


def _field(column: Any, name: str) -> dict[str, Any]:
    distinct = pyarrow.compute.unique(column.drop_null())
    return {
        "name": name,
        "filled": len(column) - column.null_count,
        "distinct": len(distinct),
        "samples": [sample[:80] for sample in distinct[:SAMPLES].to_pylist()],
    }


def _types(shapes: NDArray[np.object_]) -> dict[str, int]:
    return dict(Counter("none" if shape is None else shape.geom_type for shape in shapes).most_common())


def _box(shapes: NDArray[np.object_]) -> list[float] | None:
    bounds = shapely.bounds(shapes)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(known):
        return None
    return [*known[:, :2].min(axis=0).tolist(), *known[:, 2:].max(axis=0).tolist()]


def _are_degrees(raw: NDArray[np.object_]) -> bool:
    """Whether most coordinates could be degrees, in either order."""
    bounds = shapely.bounds(raw)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    return bool(len(known)) and bool((np.abs(known) <= 180).all(axis=1).mean() > 0.5)


def _place_shapes(asked: _Asked, opened: Opened) -> tuple[placing.Placed | None, dict[str, Any] | None]:
    """The shapes in WGS84; None and the reason where what is known about the coordinates is not enough or wrong."""
    try:
        return placing.place(opened, asked.coordinates), None
    except Unacceptable as refused:
        if refused.code == "crs_missing":
            return None, None
        return None, {"code": refused.code, "details": refused.details}


def _fits(
    asked: _Asked, opened: Opened, raw: NDArray[np.object_], placed: placing.Placed | None
) -> list[dict[str, Any]]:
    """For each way to read the coordinates: the shares of the frame covered and of the shapes inside it."""
    if asked.frame is None:
        return []
    ways: dict[str, NDArray[np.object_]] = {} if placed is None else {placed.taken_as: placed.geometries}
    for words, way in _candidates(asked, opened, raw):
        found = None if words in ways else _try_way(opened, way)
        if found is not None:
            ways[words] = found.geometries
    return [_fit(words, shapes, asked.frame, ways) for words, shapes in ways.items()]


def _candidates(asked: _Asked, opened: Opened, raw: NDArray[np.object_]) -> list[tuple[str, placing.Asked]]:
    if not _are_degrees(raw):
        return [] if asked.epsg is None else [(f"EPSG:{asked.epsg}", placing.Asked(crs=f"EPSG:{asked.epsg}"))]
    declared_wgs84 = opened.crs is not None and name_of(opened.crs) in ("EPSG:4326", "OGC:CRS84")
    named = {"wgs84": name_of(opened.crs)} if declared_wgs84 else {}
    return [(named.get(datum, datum), placing.Asked(datum=datum)) for datum in DATUMS]


def _try_way(opened: Opened, way: placing.Asked) -> placing.Placed | None:
    try:
        return placing.place(replace(opened, crs=None, unread=None) if way.datum else opened, way)
    except Unacceptable:
        return None


def _fit(
    words: str, shapes: NDArray[np.object_], frame: BaseGeometry, ways: dict[str, NDArray[np.object_]]
) -> dict[str, Any]:
    here, there = _middle(shapes), _middle(next(iter(ways.values())))
    return {
        "as": words,
        "inside": _measure_inside(shapes, frame),
        "covered": _measure_cover(shapes, frame),
        "swapped_inside": _measure_inside(_swap_axes(shapes), frame),
        "shift_m": round(_distance_m(here, there)) if here and there else None,
    }


def _middle(shapes: NDArray[np.object_]) -> tuple[float, float] | None:
    box = _box(shapes)
    return None if box is None else ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _distance_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Near enough for a hint: degrees on a sphere, true within a percent over some kilometres."""
    east = (one[0] - other[0]) * np.cos(np.radians(one[1]))
    return float(np.hypot(east, one[1] - other[1]) * _METRES_PER_DEGREE)


def _measure_inside(shapes: NDArray[np.object_], frame: BaseGeometry) -> float:
    """The share of the shapes the middle of whose box lies in the frame."""
    bounds = shapely.bounds(shapes)
    known = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(known):
        return 0.0
    middles = (known[:, :2] + known[:, 2:]) / 2
    shapely.prepare(frame)
    return round(float(shapely.contains_xy(frame, middles[:, 0], middles[:, 1]).mean()), 4)


def _swap_axes(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.asarray(shapely.box(*shapely.bounds(shapes)[:, [1, 0, 3, 2]].T), dtype=object)


def _measure_cover(shapes: NDArray[np.object_], frame: BaseGeometry) -> float | None:
    """The share of the frame that the valid polygons cover; None for a layer without polygons, or too many."""
    usable = np.isin(shapely.get_type_id(shapes), (3, 6)) & shapely.is_valid(shapes) & (frame.area > 0)
    if not usable.any() or usable.sum() > MOST_UNITED:
        return None
    try:
        union = shapely.union_all(shapes[usable])
        return round(float(union.intersection(frame).area / frame.area), 4)
    except shapely.errors.GEOSException:
        return None


def _describe_shapes(opened: Opened, shapes: NDArray[np.object_]) -> dict[str, Any]:
    faults = faults_of(opened, shapes)
    usable = judging.drop_unusable(shapes, faults)
    first = [{"row": row + 1, **faults[row]} for row in sorted(faults)[:MOST_FAULTS]]
    return {
        "bounds": _box(usable),
        "faults": dict(Counter(fault["code"] for fault in faults.values()).most_common()),
        "first_faults": first,
        "preview": _preview(usable),
    }


def _preview(shapes: NDArray[np.object_]) -> dict[str, Any]:
    """The shapes as GeoJSON, few corners each."""
    rows = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    box = _box(shapes)
    if box is None:
        return {"type": "FeatureCollection", "features": []}
    every = rows[:: max(1, len(rows) // MOST_SHOWN)][:MOST_SHOWN]
    simple = shapely.simplify(shapes[every], max(box[2] - box[0], box[3] - box[1]) * BEND, preserve_topology=False)
    simple = np.where(shapely.is_empty(simple), shapely.envelope(shapes[every]), simple)
    texts = np.asarray(shapely.to_geojson(shapely.transform(simple, lambda lonlat: np.round(lonlat, 6))), dtype=object)
    features = [
        {"type": "Feature", "properties": {"row": int(row) + 1}, "geometry": json.loads(text)}
        for row, text in zip(every, texts, strict=True)
    ]
    return {"type": "FeatureCollection", "features": features}
