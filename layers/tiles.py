"""Vector tiles (MVT) of the stored layers: a request becomes one statement, purely; one line runs it.

What a layer shows stands in its spec. Grids, sub-grids and areas are those in force and within the caller's area; the
ground is the same for everybody and carries nothing about residents ([A2]). Who may not see a layer is the door's
business.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from math import ceil

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from layers.errors import NotFound, Unacceptable
from layers.registry import get_spec
from layers.specs import LayerSpec, Tile

HIGHEST_ZOOM = 22
# Tile coordinates go from 0 to 4096; geometries are cut this far outside, so that strokes meet across tiles.
EXTENT, BUFFER = 4096, 64
UNITS_PER_PIXEL = 16
# Ground metres in one pixel of zoom 0 at 39° N, where js/map/ground.js takes its widths from.
METRES_PER_PIXEL = 121_656.0
# The most features one tile may hold: beyond it the tile would be over 500 KB, and nothing could be told apart.
MOST_FEATURES = 20_000


def get_tile(name: str) -> tuple[LayerSpec, Tile]:
    """The layer of this name and what its tiles show; raises NotFound where it has none."""
    spec = get_spec(name)
    if spec.tile is None:
        raise NotFound("not_found", name=name)
    return spec, spec.tile


def check_address(z: int, x: int, y: int) -> None:
    """Raise Unacceptable for a tile that no zoom level has."""
    if not (0 <= z <= HIGHEST_ZOOM and 0 <= x < 2**z and 0 <= y < 2**z):
        raise Unacceptable("no_such_tile", z=z, x=x, y=y)


def buffer_of(tile: Tile, z: int) -> int:
    """How far outside a tile geometries are cut, in tile coordinates: where a wide stroke ends none of it shows."""
    half_px = tile.half_width_m * 2**z / METRES_PER_PIXEL + 2
    return max(BUFFER, ceil(half_px * UNITS_PER_PIXEL) if tile.half_width_m else 0)


@lru_cache
def statement_of(name: str, tile: Tile) -> TextClause:
    """The statement that makes one tile of a layer, with :z :x :y :area :at :buffer :margin to be bound."""
    conditions = [f"{tile.geometry} && box.degrees"]
    if tile.scoped_by:
        conditions.append(f"starts_with({tile.scoped_by}, :area)")
    if tile.detail:
        conditions.append(tile.detail)
    shape = f"ST_AsMVTGeom(ST_Transform({tile.geometry}, 3857), box.metres, {EXTENT}, :buffer, true)"
    # Only names of the specs go into the text; whatever is asked is bound.
    inner = (
        f"SELECT {', '.join(tile.properties)}, {shape} AS geom FROM {tile.source}, box "  # noqa: S608
        f"WHERE {' AND '.join(conditions)} {tile.order} LIMIT {MOST_FEATURES}"
    )
    whole = (
        "WITH box AS MATERIALIZED (SELECT ST_TileEnvelope(:z, :x, :y) AS metres, "  # noqa: S608
        "ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => :margin), 4326) AS degrees), "
        f"rows AS ({inner}) "
        f"SELECT ST_AsMVT(rows, '{name}', {EXTENT}, 'geom') FROM rows WHERE geom IS NOT NULL"
    )
    return text(whole)


def render(session: Session, name: str, z: int, *, x: int, y: int, area: str, at: datetime) -> bytes:
    """One tile's bytes, empty where there is nothing or below the layer's lowest zoom; raises NotFound."""
    _, tile = get_tile(name)
    if z < tile.lowest_zoom:
        return b""
    buffer = buffer_of(tile, z)
    bound = {"z": z, "x": x, "y": y, "area": area, "at": at, "buffer": buffer, "margin": buffer / EXTENT}
    found = session.execute(statement_of(name, tile), bound).scalar()
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
