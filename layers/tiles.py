"""Vector tiles (MVT) of the stored layers: a request becomes one statement, purely; one line runs it.

What a layer shows stands in its spec. Grids, sub-grids and areas are those in force and within the caller's area; the
ground is the same for everybody and carries nothing about residents ([A2]). Who may not see a layer is the door's
business.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from math import ceil
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Double,
    Integer,
    LargeBinary,
    Select,
    String,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.orm import Session

from layers.errors import NotFound, Unacceptable
from layers.registry import get_spec
from layers.specs import LayerSpec, Tile

HIGHEST_ZOOM = 22
# Tile coordinates go from 0 to 4096; geometries are cut this far outside, so that strokes meet across tiles.
EXTENT, BUFFER = 4096, 80  # 5 pixels: a dot of js/map/drawing.js has a radius of 4, and its edge
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


def _box() -> CTE:
    """The tile's square in metres, and with its margin in degrees; worked out once for all rows."""
    address = [bindparam(name, type_=Integer) for name in ("z", "x", "y")]
    square = func.ST_TileEnvelope(*address)
    margin = literal_column("margin").op("=>")(cast(bindparam("margin"), Double))
    wider = func.ST_TileEnvelope(*address, margin)
    return (
        select(square.label("metres"), func.ST_Transform(wider, 4326).label("degrees"))
        .cte("box")
        .prefix_with("MATERIALIZED")
    )


@lru_cache
def statement_of(spec: LayerSpec, tile: Tile) -> Select[Any]:
    """The statement that makes one tile of a layer, with :z :x :y :area :at :buffer :margin to be bound."""
    rows = _rows_of(spec, tile, _box()).cte("rows")
    made = func.ST_AsMVT(rows.table_valued(), spec.name, EXTENT, "geom", type_=LargeBinary)
    return select(made).select_from(rows).where(rows.c.geom.is_not(None))


def _rows_of(spec: LayerSpec, tile: Tile, box: CTE) -> Select[Any]:
    """The rows of a layer in a tile, with their geometries in the tile's coordinates."""
    columns = spec.table.__table__.c
    geometry = columns[tile.geometry]
    metres = func.ST_Transform(geometry, 3857)
    shape = func.ST_AsMVTGeom(metres, box.c.metres, EXTENT, bindparam("buffer", type_=Integer), true())
    told = [tile.spelled[name] if name in tile.spelled else columns[name] for name in tile.properties]
    named: list[ColumnElement[Any]] = [column.label(name) for column, name in zip(told, tile.properties, strict=True)]
    rows = select(*named, shape.label("geom")).select_from(spec.table)
    if tile.joined:
        rows = rows.join(tile.joined.table, tile.joined.on)
    rows = rows.join(box, geometry.op("&&")(box.c.degrees))
    if tile.scoped_by:
        rows = rows.where(func.starts_with(columns[tile.scoped_by], bindparam("area", type_=String)))
    if tile.detail is not None:
        rows = rows.where(tile.detail)
    return rows.order_by(*tile.order).limit(MOST_FEATURES)


def render(session: Session, name: str, z: int, *, x: int, y: int, area: str, at: datetime) -> bytes:
    """One tile's bytes, empty where there is nothing or below the layer's lowest zoom; raises NotFound."""
    spec, tile = get_tile(name)
    if z < tile.lowest_zoom:
        return b""
    buffer = buffer_of(tile, z)
    bound = {"z": z, "x": x, "y": y, "area": area, "at": at, "buffer": buffer, "margin": buffer / EXTENT}
    found = session.execute(statement_of(spec, tile), bound).scalar()
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
