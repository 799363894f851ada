"""Vector tiles (MVT) of the stored layers: a request becomes one statement, purely; one line runs it.

Grids, sub-grids and areas are those in force and within the caller's area; the ground (buildings, roads, water, parks)
is the same for everybody and carries nothing about residents ([A2]). Hazards are points: not for leaders ([A3], the
door's business).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from math import ceil

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from layers.errors import NotFound, Unacceptable
from layers.plans import IN_FORCE_AT

HIGHEST_ZOOM = 22
# Tile coordinates go from 0 to 4096; geometries are cut this far outside, so that strokes meet across tiles.
EXTENT, BUFFER = 4096, 64
UNITS_PER_PIXEL = 16
# Ground metres in one pixel of zoom 0 at 39° N, where js/map/ground.js takes its widths from.
METRES_PER_PIXEL = 121_656.0
# The most features one tile may hold: beyond it the tile would be over 500 KB, and nothing could be told apart.
MOST_FEATURES = 20_000


@dataclass(frozen=True)
class TileLayer:
    """What a layer shows: its rows, its properties, and from which zoom on."""

    name: str
    source: str
    properties: tuple[str, ...]
    lowest_zoom: int
    geometry: str = "geom"
    scoped_by: str | None = None
    order: str = ""
    detail: str = ""
    half_width_m: float = 0.0
    """Half of the widest stroke that is drawn: what runs beside a tile reaches so far into it."""


_IN_FORCE = f"grids g JOIN plans p ON p.id = g.plan_id AND {IN_FORCE_AT}"

LAYERS: dict[str, TileLayer] = {
    layer.name: layer
    for layer in (
        TileLayer(
            "grids",
            f"{_IN_FORCE} AND g.level = 'grid'",
            ("g.code", "g.name", "g.kind", "g.exclusive"),
            8,
            geometry="g.geom",
            scoped_by="g.code",
        ),
        TileLayer(
            "sub_grids",
            f"{_IN_FORCE} AND g.level = 'sub_grid'",
            ("g.code", "g.name", "g.parent_code AS parent"),
            13,
            geometry="g.geom",
            scoped_by="g.code",
        ),
        TileLayer("areas", "areas a", ("a.code", "a.name", "a.level"), 4, geometry="a.geom", scoped_by="a.code"),
        TileLayer("buildings", "buildings b", ("b.name", "b.kind", "b.floors"), 14, geometry="b.geom"),
        TileLayer(
            "roads",
            "roads r",
            ("r.name", "r.road_class"),
            10,
            geometry="r.geom",
            half_width_m=11.0,
            detail="(:z >= 14 OR r.road_class IN ('motorway','trunk','primary','secondary','tertiary'))",
        ),
        TileLayer("water", "water w", ("w.name", "w.kind"), 6, geometry="w.geom"),
        TileLayer("parks", "parks k", ("k.name", "k.kind"), 9, geometry="k.geom"),
        TileLayer(
            "hazards",
            "hazards h JOIN categories c ON c.code = h.category AND NOT c.resident_derived",
            ("h.id::text AS id", "h.category", "h.state", "h.severity"),
            12,
            geometry="h.geom",
            scoped_by="h.current_code",
            order="ORDER BY h.severity DESC, h.id",
        ),
    )
}


def get_layer(name: str) -> TileLayer:
    """The layer of this name; raises NotFound."""
    if name not in LAYERS:
        raise NotFound("not_found", name=name)
    return LAYERS[name]


def check_address(z: int, x: int, y: int) -> None:
    """Raise Unacceptable for a tile that no zoom level has."""
    if not (0 <= z <= HIGHEST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise Unacceptable("no_such_tile", z=z, x=x, y=y)


def buffer_of(layer: TileLayer, z: int) -> int:
    """How far outside a tile geometries are cut, in tile coordinates: where a wide stroke ends none of it shows."""
    half_px = layer.half_width_m * 2**z / METRES_PER_PIXEL + 2
    return max(BUFFER, ceil(half_px * UNITS_PER_PIXEL) if layer.half_width_m else 0)


@lru_cache
def statement_of(layer: TileLayer) -> TextClause:
    """The statement that makes one tile of a layer, with :z :x :y :area :at :buffer :margin to be bound."""
    conditions = [f"{layer.geometry} && box.degrees"]
    if layer.scoped_by:
        conditions.append(f"starts_with({layer.scoped_by}, :area)")
    if layer.detail:
        conditions.append(layer.detail)
    shape = f"ST_AsMVTGeom(ST_Transform({layer.geometry}, 3857), box.metres, {EXTENT}, :buffer, true)"
    # Only names of the table above go into the text; whatever is asked is bound.
    inner = (
        f"SELECT {', '.join(layer.properties)}, {shape} AS geom FROM {layer.source}, box "  # noqa: S608
        f"WHERE {' AND '.join(conditions)} {layer.order} LIMIT {MOST_FEATURES}"
    )
    whole = (
        "WITH box AS MATERIALIZED (SELECT ST_TileEnvelope(:z, :x, :y) AS metres, "  # noqa: S608
        "ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => :margin), 4326) AS degrees), "
        f"rows AS ({inner}) "
        f"SELECT ST_AsMVT(rows, '{layer.name}', {EXTENT}, 'geom') FROM rows WHERE geom IS NOT NULL"
    )
    return text(whole)


def render(session: Session, layer: TileLayer, z: int, *, x: int, y: int, area: str, at: datetime) -> bytes:
    """One tile's bytes, empty where there is nothing or below the layer's lowest zoom."""
    if z < layer.lowest_zoom:
        return b""
    buffer = buffer_of(layer, z)
    bound = {"z": z, "x": x, "y": y, "area": area, "at": at, "buffer": buffer, "margin": buffer / EXTENT}
    found = session.execute(statement_of(layer), bound).scalar()
    return bytes(found or b"")


def bounds(session: Session, area: str) -> tuple[float, float, float, float] | None:
    """West, south, east, north in degrees of the stored areas under a code prefix; None where nothing is stored."""
    row = session.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM "
            "(SELECT ST_Extent(geom) AS e FROM areas WHERE starts_with(code, :area)) AS extent"
        ),
        {"area": area},
    ).one()
    return None if row[0] is None else (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
