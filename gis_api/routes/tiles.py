"""Vector tiles of the stored layers, privately cached ([A3])."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from gis_api.answers import cases as answers
from gis_api.answers import declare_answer, declare_media
from gis_api.dependencies import AnyRole, Now, Read
from gis_api.errors import Problem
from gis_api.strict_routes import StrictRoute
from layers import tiles
from layers.access import Actor
from layers.map_version import map_version
from layers.shelf import Shelf
from layers.specs import Tile

router = APIRouter(tags=["tiles"], route_class=StrictRoute)
MVT = "application/vnd.mapbox-vector-tile"
MOST_TILES = 4_000
# A tile of buildings is some 50 kB, at most a few hundred: the number alone bounds nothing.
MOST_BYTES = 64_000_000


TileShelf = Shelf[tuple[object, ...], bytes]


def make_tile_shelf() -> TileShelf:
    """Where a process keeps its tiles."""
    return Shelf(MOST_TILES, most_bytes=MOST_BYTES, bytes_of=len)


def _get_visible_tile(name: str, by: Actor) -> Tile:
    spec, shown = tiles.get_tile(name)
    if by.role in spec.hidden_from:
        raise Problem(403, "points_are_hidden")
    return shown


@router.get("/tiles/{name}/{z}/{x}/{y}.mvt", response_class=Response, responses={**declare_media(MVT), 304: {}})
def tile(
    request: Request,
    name: str,
    z: int,
    x: int,
    y: int,
    tx: Read,
    by: AnyRole,
    now: Now,
    v: Annotated[str | None, Query(max_length=100, description="the version that the layer's document names")] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """One tile of a layer, as Mapbox vector tile, within the caller's area; always the present one, whatever `v` is."""
    del v  # it makes the address another one for whoever keeps tiles by their address
    layer = _get_visible_tile(name, by)
    tiles.check_address(z, x, y)
    cache: TileShelf = request.app.state.tiles
    scope = by.area if layer.scoped_by else ""
    # Some points change without a line in the history of the map: they live for half a minute at most.
    half_minute = int(now.timestamp()) // 30 if layer.moving else 0
    key = (name, z, x, y, scope, half_minute, map_version(tx, at=now))
    made = cache.find(key)
    if made is None:
        made = tiles.render(tx, name, z, x=x, y=y, area=scope, at=now)
        cache.keep(key, made)
    tag = '"' + hashlib.sha256(made).hexdigest()[:20] + '"'
    # Asked anew each time, which costs a 304: what was imported or published shows with the next request.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    headers["Vary"] = "Authorization, Cookie"
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    return Response(made, media_type=MVT, headers=headers)


@router.get("/tiles/{name}.json", responses=declare_answer(answers.TileJson))
def tile_json(request: Request, name: str, tx: Read, by: AnyRole, now: Now) -> dict[str, object]:
    """The TileJSON 3.0.0 document of a layer."""
    layer = _get_visible_tile(name, by)
    version = map_version(tx, at=now)
    address = str(request.base_url).rstrip("/")
    fields = dict.fromkeys(layer.properties, "")
    found: dict[str, object] = {
        "tilejson": "3.0.0",
        "name": name,
        "tiles": [f"{address}/tiles/{name}/{{z}}/{{x}}/{{y}}.mvt?v={version}"],
        "minzoom": layer.lowest_zoom,
        "maxzoom": tiles.HIGHEST_ZOOM,
        "vector_layers": [{"id": name, "fields": fields}],
    }
    box = tiles.bounds(tx, by.area)
    return found if box is None else found | {"bounds": list(box)}
